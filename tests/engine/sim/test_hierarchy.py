"""The hierarchical router by hand: levels, back-tracking, residency; on both simulators."""

import numpy as np
import pytest

from engine.errors import ScenarioError
from engine.replay import replay
from engine.scenario import (
    AgentType,
    Pool,
    Region,
    Router,
    RouterKind,
    Scenario,
    Startup,
    StartupKind,
    Tenant,
    Zone,
)
from engine.sim import kernel
from engine.sim.parameters import RouterParameters, TenantParameters
from engine.sim.routing import assign_pools
from engine.sim.service import prepare
from engine.trace.schema import request_table
from tests.engine.replays import spec
from tests.reference.play import Script, Tick, play_on_kernel, play_on_reference, pool_of

LAST = 1000.0


@pytest.fixture(params=[play_on_kernel, play_on_reference], ids=["kernel", "reference"])
def pools_taken(request):
    """The pool and worker of each request, one a second that stays for good."""

    def play(pools, number, acts=(), tenants=(), tenant=None):
        script = Script(
            arrival_s=tuple(range(1, number + 1)),
            work_s=(500.0,) * number,
            pools=pools,
            pool=(0,) * number,
            tenants=tenants,
            tenant=tenant,
            ticks=(Tick(until_s=0.5), Tick(until_s=LAST, acts=acts)),
            routing=RouterParameters(nodes=3),
        )
        return [outcome.worker for outcome in request.param(script).outcomes]

    return play


def zone(region=0, appeal=0.5, workers=1, slots=2, **more):
    return pool_of(
        slots=slots,
        workers=workers,
        router=kernel.HIERARCHICAL,
        region=region,
        appeal=appeal,
        **more,
    )


def test_the_more_attractive_region_comes_first_and_overflows_into_the_other(pools_taken):
    taken = pools_taken((zone(0, 0.5), zone(1, 0.1)), 4)
    assert [p for p, _ in taken] == [0, 0, 1, 1]


def test_zones_of_a_region_take_turns_by_their_slots(pools_taken):
    taken = pools_taken((zone(slots=40), zone(slots=20)), 30)
    first = sum(p == 0 for p, _ in taken)
    assert first == pytest.approx(20, abs=1)
    assert len({p for p, _ in taken[:3]}) == 2


def test_an_empty_zone_is_left_for_the_next_one_and_an_empty_region_too(pools_taken):
    pools = (zone(0, 0.5), zone(0, 0.5), zone(1, 0.1))
    assert {p for p, _ in pools_taken(pools, 2, acts=(("crash_workers", 0, 1),))} == {1}
    both = (("crash_workers", 0, 1), ("crash_workers", 1, 1))
    assert {p for p, _ in pools_taken(pools, 2, acts=both)} == {2}


def test_where_everything_is_empty_requests_wait_at_home(pools_taken):
    pools = (zone(0, 0.5), zone(1, 0.1))
    acts = (("crash_workers", 0, 1), ("crash_workers", 1, 1))
    assert pools_taken(pools, 2, acts=acts) == [None, None]


def test_full_regions_queue_in_the_most_attractive_one(pools_taken):
    taken = pools_taken((zone(0, 0.5, slots=1), zone(1, 0.1, slots=1)), 4)
    assert [p for p, _ in taken] == [0, 1, 0, 0]


def test_other_agent_types_are_no_alternative(pools_taken):
    pools = (zone(0, 0.1, slots=1), zone(0, 0.5, kind=1))
    assert {p for p, _ in pools_taken(pools, 3)} == {0}


def test_residency_is_not_negotiable(pools_taken):
    """Tenant 1 may only run in pool 1, which is full, while pool 0 has free slots."""
    tenants = (TenantParameters(), TenantParameters(barred=(0,)))
    pools = (zone(0, 0.5, slots=9), zone(1, 0.1, slots=1))
    taken = pools_taken(pools, 4, tenants=tenants, tenant=(1, 1, 0, 1))
    assert [p for p, _ in taken] == [1, 1, 0, 1]


def test_the_least_busy_node_comes_before_the_least_busy_worker(pools_taken):
    """Node 1 has one worker, node 2 has two: their workers fill evenly."""
    orders = ("order_workers", 0, (1, 0.0, 1.0), (2, 0.0, 1.0), (2, 0.0, 1.0))
    taken = pools_taken((zone(workers=0, slots=4, startup_s=(0.0,)),), 6, acts=(orders,))
    workers = [n for _, n in taken]
    assert sorted(workers) == [0, 0, 1, 1, 2, 2]
    assert workers[:3] == [0, 1, 2]


@pytest.mark.slow
def test_it_is_nearly_as_good_as_looking_at_all_workers():
    """Mean wait at 80 % load, against least connections over the same workers."""
    rng = np.random.default_rng(3)
    n = 20_000
    arrival_s, work_s = np.cumsum(rng.exponential(1 / 32, n)), rng.exponential(1.0, n)
    waits = []
    for router in (kernel.LEAST_CONNECTIONS, kernel.HIERARCHICAL):
        pool = pool_of(slots=2, workers=20, router=router)
        script = Script(arrival_s=tuple(arrival_s), work_s=tuple(work_s), pools=(pool,))
        waits.append(np.mean([o.start_s - o.arrived_s for o in play_on_kernel(script).outcomes]))
    assert 0 < waits[0] <= waits[1] * 1.1
    assert waits[1] < 1.5 * waits[0]


# ------------------------------------------------------------ from the scenario


def scenario(**changes):
    """Two regions, a pool of each agent type in both."""
    kinds = tuple(
        AgentType(name=name, slots=2, startup=Startup(kind=StartupKind.CONSTANT, mean_s=1.0))
        for name in ("chat", "code")
    )
    pools = tuple(
        Pool(name=f"{kind.name}-{place}", agent_type=kind.name, zone=place, workers_initial=6)
        for place in ("here", "there")
        for kind in kinds
    )
    given = {
        "agent_types": kinds,
        "pools": pools,
        "regions": (Region(name="eu"), Region(name="us", network_delay_s=0.1)),
        "zones": (Zone(name="here", region="eu"), Zone(name="there", region="us")),
        "tenants": (Tenant(name="free"), Tenant(name="resident", regions=("us",))),
        "keep_requests": True,
    }
    return Scenario(**(given | changes))


def table(number=2000):
    """Requests of both agent types and both tenants, an equal number of each about."""
    rng = np.random.default_rng(1)
    return request_table(
        np.sort(rng.uniform(0, 600, number)),
        agent_types=("chat", "code"),
        tenants=("free", "resident"),
        service_s=rng.exponential(1.0, number),
        agent_type=rng.integers(0, 2, number),
        tenant=rng.integers(0, 2, number),
    )


@pytest.mark.parametrize("router", [RouterKind.HIERARCHICAL, RouterKind.LEAST_CONNECTIONS])
def test_a_residents_requests_all_run_in_its_region(router):
    requests = table()
    given = scenario(router=Router(kind=router))
    record = replay([spec("hpa", requests, given)])[0]
    asked = record.requests["seq"]
    resident, pools = requests.tenant[asked] == 1, record.requests["pool"]
    assert set(pools[resident].tolist()) == {2, 3}
    assert {0, 1} <= set(pools[~resident].tolist())
    assert np.array_equal(pools % 2, requests.agent_type[asked])


def test_a_tenant_that_may_run_nowhere_is_refused():
    given = scenario(pools=scenario().pools[:3])
    with pytest.raises(ScenarioError, match=r"no pool of agent type 'code'.*lies in us"):
        prepare(table(), given)


def test_context_aware_routing_prefers_pools_that_are_for_the_tenant():
    kinds = scenario().agent_types
    liking = (kinds[0], AgentType(name="code", specialities=("resident",)))
    requests = request_table(
        np.arange(200.0),
        tenants=("free", "resident"),
        service_s=np.ones(200),
        tenant=np.arange(200) % 2,
    )
    for kind, expected in ((RouterKind.CONTEXT_AWARE, {3}), (RouterKind.RANDOM, {2, 3})):
        given = scenario(agent_types=liking, router=Router(kind=kind))
        pool = assign_pools(requests, given, np.random.default_rng(0))
        assert set(pool[1::2].tolist()) == expected


def test_the_round_trip_to_a_region_is_part_of_the_latency():
    """The same cluster in one region, near and a second away."""
    p50 = []
    for delay_s in (0.0, 1.0):
        regions = (Region(name="eu", network_delay_s=delay_s), Region(name="us"))
        given = scenario(regions=regions, tenants=(), pools=scenario().pools[:2])
        record = replay([spec("hpa", table(300), given)])[0]
        _, _, bucket, count = record.latency
        p50.append(kernel.percentile_of(np.bincount(bucket, count, kernel.BUCKETS), 0.5))
    assert p50[1] - p50[0] == pytest.approx(1.0, rel=0.03)
