"""Faults, retries, breakers and tenants, from the scenario to the record: nothing gets lost."""

import dataclasses

import numpy as np
import pytest

from engine.errors import ScenarioError
from engine.replay import replay
from engine.scenario import (
    Affinity,
    Backoff,
    Cache,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    OverMemory,
    Partitions,
    PriorityClass,
    Retry,
    Router,
    RouterKind,
    Tenant,
    WorkerSize,
)
from engine.sim.traits import share_out
from engine.trace.schema import request_table
from tests.engine.replays import assert_accounted, demand, scenario, sessions, spec

CLASSES = (PriorityClass(name="gold", rank=2, aging_s=20.0), PriorityClass(name="free", rank=-1))
TENANTS = (
    Tenant(name="a", priority="gold", share=1.0),
    Tenant(name="b", priority="free", share=3.0, floor_frac=0.2),
    Tenant(name="c", share=0.5),
)


def played(table, **changes):
    return replay([spec("hpa", table, scenario(**changes))])[0]


def test_the_same_plan_breaks_the_same_things():
    crash = Fault(kind=FaultKind.WORKER_CRASH, at_s=200.0, count=3)
    slow = Fault(kind=FaultKind.SLOW_WORKER, at_s=300.0, for_s=200.0, count=2, factor=0.3)
    faults = (crash, slow)
    first, second = (played(demand(), faults=faults, random_faults_per_day=200.0) for _ in "ab")
    assert first.counters.tobytes() == second.counters.tobytes()
    assert first.counters.tobytes() != played(demand()).counters.tobytes()


def test_crashed_workers_are_ordered_again():
    crash = Fault(kind=FaultKind.WORKER_CRASH, at_s=300.0, where="own", count=9)
    record = replay([spec("static:target=0.5", demand(), scenario(faults=(crash,)))])[0]
    own = record.counters[:, 0, 8:10]  # starting and ready
    assert record.counters[:, 0, 15].sum() > 0
    assert (own.sum(axis=1) == record.target[:, 0]).all()


def test_requests_of_a_cut_off_zone_wait_until_it_is_back():
    cut = Fault(kind=FaultKind.ZONE_PARTITION, at_s=300.0, for_s=60.0)
    calm = played(demand(number=100), faults=(cut,))
    starts = calm.requests["start_s"]
    assert not ((starts >= 315.0) & (starts < 360.0)).any()
    assert (starts >= 360.0).any()


def crowd():
    """A steady load of 60 % with a jam at 100 s: the cluster of one pool is stuck for 40 s."""
    rng = np.random.default_rng(2)
    arrival_s = np.sort(rng.uniform(0, 1800, 3600))
    return request_table(arrival_s, service_s=np.full(3600, 3.0))


def storm(**changes):
    base = scenario()
    kind = dataclasses.replace(
        base.agent_types[0], queue_timeout_s=10.0, queue_limit=200, contention=0.0, slots=2
    )
    pool = dataclasses.replace(base.pools[0], workers_initial=5, workers_min=5, workers_max=5)
    record = replay(
        [
            spec(
                "static:workers=5",
                crowd(),
                scenario(
                    agent_types=(kind,),
                    pools=(pool,),
                    faults=(Fault(kind=FaultKind.ZONE_PARTITION, at_s=90.0, for_s=60.0),),
                    **changes,
                ),
                window_s=1800.0,
            )
        ]
    )[0]
    assert_accounted(record)
    return record


def test_retries_are_spread_by_back_off_and_bounded_by_their_budget():
    free = storm(retry=Retry(attempts=5, backoff_s=1.0, jitter=Backoff.NONE))
    bounded = storm(retry=Retry(attempts=5, backoff_s=1.0, budget_frac=0.1))
    none = storm()
    retried = [record.counters[:, 0, 12].sum() for record in (none, bounded, free)]
    assert retried[0] == 0 < retried[1] < retried[2]
    assert retried[1] <= 0.1 * bounded.outcome["arrived"] * 1.5


def test_higher_ranks_wait_less_and_aging_keeps_the_others_alive():
    record = played(demand(number=2500), tenants=TENANTS, priority_classes=CLASSES)
    assert_accounted(record)
    table, chosen = demand(number=2500), scenario(tenants=TENANTS, priority_classes=CLASSES)
    made = spec("hpa", table, chosen)
    tenant = made.workload.arrivals.traits["tenant"][record.requests["seq"]]
    late = np.nan_to_num(record.requests["start_s"] - record.requests["arrival_s"], nan=20.0)
    waits = [late[tenant == t].mean() for t in range(3)]
    assert waits[0] < waits[2] < waits[1]
    shares = np.bincount(tenant) / len(tenant)
    assert shares == pytest.approx([1 / 4.5, 3 / 4.5, 0.5 / 4.5], abs=0.04)


def test_a_trace_names_its_tenants_and_unknown_names_are_spread():
    table = request_table(np.arange(4.0), tenant=np.array([0, 1, 0, -1]), tenants=("b", "nobody"))
    only_a = (dataclasses.replace(TENANTS[0], share=1.0), Tenant(name="b", share=0.0))
    chosen = scenario(tenants=only_a, priority_classes=CLASSES)
    made = spec("hpa", table, chosen, window_s=60.0)
    assert made.workload.arrivals.traits["tenant"].tolist() == [1, 0, 1, 0]


def test_memory_limits_make_requests_wait_or_crash_their_worker():
    base = scenario().agent_types[0]
    for over, column in ((OverMemory.QUEUE, 0), (OverMemory.CRASH, 1)):
        kind = dataclasses.replace(
            base,
            memory_gib=10.0,
            memory_base_gib=2.0,
            memory_per_request_gib=5.0,
            over_memory=over,
        )
        record = played(demand(), agent_types=(kind,))
        assert_accounted(record)
        crashed = record.counters[:, :, 15].sum()
        assert (crashed > 0) == bool(column)
        if not column:  # 8 GiB hold one request of 5
            assert (record.counters[:, :, 7] <= record.counters[:, :, 8:11].sum(axis=2)).all()


def test_a_bigger_size_serves_more_at_once():
    big = WorkerSize(name="big", slots=6, speed=2.0, price_usd_per_hour=5.0)
    kind = dataclasses.replace(scenario().agent_types[0], sizes=(big,))
    pools = tuple(dataclasses.replace(p, size="big") for p in scenario().pools)
    small = played(demand(), agent_types=(kind,))
    large = played(demand(), agent_types=(kind,), pools=pools)
    assert large.outcome["finished"] > small.outcome["finished"]
    slots, workers = large.integrals[:, :, 6], large.integrals[:, :, 2:5].sum(axis=2)
    assert slots == pytest.approx(6 * workers)


def test_partitions_hold_each_tenant_to_its_share_and_floors_are_kept():
    parts = Partitions(every_s=30.0, hysteresis_frac=0.05)
    record = played(
        demand(number=2500), tenants=TENANTS, priority_classes=CLASSES, partitions=parts
    )
    assert_accounted(record)


@pytest.mark.parametrize(
    ("demands", "floors", "shares"),
    [
        ([1, 1, 2], [0, 0, 0], [0.25, 0.25, 0.5]),
        ([0, 0, 0], [0, 0, 0], [1 / 3] * 3),
        ([0, 1, 3], [0.2, 0, 0], [0.2, 0.2, 0.6]),
        ([1, 10, 0], [0.3, 0, 0.3], [0.3, 0.4, 0.3]),
        ([0, 0, 5], [0.5, 0.5, 0], [0.5, 0.5, 0.0]),
    ],
)
def test_shares_follow_demand_above_the_floors(demands, floors, shares):
    assert share_out(np.array(demands, float), np.array(floors)) == pytest.approx(shares)


def test_more_than_all_slots_cannot_be_guaranteed():
    greedy = (Tenant(name="a", floor_frac=0.6), Tenant(name="b", floor_frac=0.5))
    with pytest.raises(ScenarioError, match="add up"):
        played(demand(number=10), tenants=greedy)


def test_shedding_ends_a_retry_storm_that_goes_on_without():
    retry = Retry(attempts=8, backoff_s=2.0, multiplier=1.0, jitter=Backoff.NONE)
    shed = Degradation(kind=DegradeKind.DEADLINE, above=1.0, below=0.9, amount=5.0)
    unprotected, protected = storm(retry=retry), storm(retry=retry, degradation=(shed,))
    finished = [record.counters[-8:, 0, 1].sum() for record in (unprotected, protected)]
    met = [record.slo_met.sum() / record.arrived.sum() for record in (unprotected, protected)]
    assert met[1] > met[0]
    assert protected.counters[:, 0, 13].sum() > 0
    assert finished[1] >= finished[0]


def agent_sessions(turns=6, number=60):
    """Sessions that grow: nearly all of a request's input was in the one before it."""
    table = sessions(number=number, turns=turns)
    turn = np.zeros(len(table), np.int64)
    for i, before in enumerate(table.after):
        turn[i] = 0 if before < 0 else turn[before] + 1
    prefix = np.where(turn > 0, 8000 * turn, -1).astype(np.int32)
    return dataclasses.replace(
        table,
        service_s=np.full(len(table), np.nan),
        input_tokens=(8000 * (turn + 1)).astype(np.int32),
        output_tokens=np.full(len(table), 20, np.int32),
        prefix_tokens=prefix,
    )


def test_affinity_makes_a_cache_in_the_workers_memory_matter():
    table = agent_sessions()
    cache = Cache(zone_sessions=0, store_sessions=0, worker_ttl_s=600.0)
    kind = dataclasses.replace(scenario().agent_types[0], prefill_tokens_per_s=6000.0)
    pool = dataclasses.replace(scenario().pools[0], workers_initial=6)
    hits = {}
    for affinity in Affinity:
        router = Router(kind=RouterKind.RANDOM, affinity=affinity)
        record = replay(
            [
                spec(
                    "static:workers=6",
                    table,
                    scenario(agent_types=(kind,), pools=(pool,), cache=cache, router=router),
                )
            ]
        )[0]
        assert_accounted(record)
        hits[affinity] = record.counters[:, 0, 18].sum()
    assert hits[Affinity.SESSION] > 2 * hits[Affinity.NONE] > 0


def test_what_one_worker_computed_others_fetch_from_the_zone():
    record = played(agent_sessions(), cache=Cache(worker_sessions=0))
    assert record.counters[:, :, 19].sum() > 0
    assert record.counters[:, :, 18].sum() == 0
