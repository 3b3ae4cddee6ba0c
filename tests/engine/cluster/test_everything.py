"""All parts of a cluster at once: what was counted, paid and drawn still adds up."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from engine.policies.power_saver import PowerSaver
from engine.policies.registry import create, parse_spec
from engine.policies.vertical import Vertical
from engine.replay import ReplaySpec, replay
from engine.scenario import (
    Affinity,
    Breaker,
    Cache,
    CostMode,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    GreenBudget,
    NodeGroup,
    Partitions,
    Pool,
    PriorityClass,
    Purchase,
    Region,
    Retry,
    Router,
    RouterKind,
    Siting,
    SitingRule,
    Slo,
    Tenant,
    WorkerSize,
    Zone,
)
from engine.scorecard import scorecard
from engine.sim import kernel
from engine.sim.service import prepare
from tests.engine.cluster.clusters import machine, on_nodes
from tests.engine.replays import demand, sessions

pytestmark = pytest.mark.slow

WINDOW_S = 900.0
POLICIES = (
    partial(create, parse_spec("hpa")),
    Vertical,
    partial(PowerSaver, migrate=0.3, suspend=0.0),
    partial(create, parse_spec("smartscale:vertical=true")),
)
exactly = {"rel": 1e-9, "abs": 1e-12}


def plan(rng):
    """Faults of every kind that have no place of their own."""
    kinds = [kind for kind in FaultKind if kind is not FaultKind.ZONE_PARTITION]
    return tuple(
        Fault(
            kind=kinds[rng.integers(len(kinds))],
            at_s=float(rng.uniform(0, WINDOW_S)),
            for_s=float(rng.uniform(1, 300)),
            count=int(rng.integers(1, 4)),
            factor=float(rng.uniform(0.1, 1)),
        )
        for _ in range(6)
    )


def everything(seed):
    rng = np.random.default_rng(seed)
    regions = (
        Region(name="near", grid_profile="texas", green=GreenBudget(kwh_per_day=20.0),
               transfer_usd_per_gib=0.1, energy_usd_per_kwh=0.1),
        Region(name="far", network_delay_s=0.1, price_factor=0.8, energy_usd_per_kwh=0.3, pue=1.4),
    )  # fmt: skip
    zones = (Zone(name="a", region="near"), Zone(name="b", region="near"),
             Zone(name="c", region="far"))  # fmt: skip
    groups = (
        NodeGroup(name="on", node_type="box", zone="a", nodes_max=8, consolidate_below_frac=0.5,
                  suspend_empty_after_s=30.0),
        NodeGroup(name="spot", node_type="box", zone="c", nodes_max=8, purchase=Purchase.SPOT,
                  revocations_per_hour=6.0),
        NodeGroup(name="kept", node_type="box", zone="b", nodes_min=1, nodes_max=4,
                  purchase=Purchase.RESERVED),
    )  # fmt: skip
    pools = tuple(
        Pool(
            name=f"{zone}-{group}", agent_type="small", zone=zone, node_group=group, workers_max=16
        )
        for zone, group in (("a", "on"), ("b", "kept"), ("c", "spot"), ("c", None))
    )
    large = WorkerSize(name="large", slots=4, price_usd_per_hour=2.0, cpu_cores=4.0,
                       memory_gib=8.0, watts_idle=40.0, watts_full=150.0)  # fmt: skip
    agent = {
        "sizes": (large,), "watts_idle": 25.0, "watts_full": 90.0, "queue_limit": 20,
        "queue_timeout_s": 40.0, "drain_grace_s": 30.0, "transfer_gib_per_request": 0.01,
        "memory_base_gib": 1.0, "memory_per_request_gib": 0.5,
    }  # fmt: skip
    siting = (None, Siting(usd_per_kg=2.0), Siting(rule=SitingRule.SPREAD))[seed % 3]
    return on_nodes(
        agent=agent, pools=pools, node_groups=groups, regions=regions, zones=zones, seed=seed,
        node_types=(
            machine(usd_per_hour_spot=1.2, usd_per_hour_reserved=2.4, speed_noise="burstable",
                    watts_suspended=8.0, embodied_kg=900.0, capex_usd=20_000.0),
        ),
        cost_mode=list(CostMode)[seed % 2],
        router=Router(
            kind=RouterKind.HIERARCHICAL if siting else list(RouterKind)[seed % 10],
            breaker=Breaker(), affinity=list(Affinity)[seed % 2],
        ),
        siting=siting,
        cache=Cache(worker_sessions=4) if seed % 2 else None,
        retry=Retry(attempts=3),
        tenants=(Tenant(name="a", floor_frac=0.2, priority="high"), Tenant(name="b", share=3.0)),
        priority_classes=(PriorityClass(name="high", rank=1),),
        partitions=Partitions() if seed % 4 == 0 else None,
        degradation=(Degradation(kind=DegradeKind.SHED, above=4.0, below=2.0, rank=1),),
        faults=plan(rng), random_faults_per_day=200.0,
        slo=Slo(latency_s=10.0, revenue_usd_per_request=0.1, penalty_usd_per_violation=5.0),
    )  # fmt: skip


def made(seed):
    chosen = everything(seed)
    table = sessions(seed, 120) if seed % 2 else demand(seed, 700)
    return ReplaySpec(
        workload=prepare(table, chosen), scenario=chosen, policy=POLICIES[seed % 4],
        name=f"policy of seed {seed}", window_s=WINDOW_S,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(24))
def test_requests_money_and_energy_add_up_whatever_happens(seed):
    spec = made(seed)
    record, again = replay([spec, made(seed)])
    scenario, books = spec.scenario, record.accounts
    card = scorecard(record)
    # the same inputs give the same bytes
    assert again.counters.tobytes() == record.counters.tobytes()
    assert again.accounts.pool_usd.tobytes() == books.pool_usd.tobytes()
    # every request is accounted for, in total and by tenant
    kinds = ("finished", "queue_timeout", "exec_timeout", "rejected", "lost")
    assert sum(record.outcome[kind] for kind in kinds) == record.outcome["arrived"] > 0
    assert record.tenants.arrived.sum() == record.outcome["arrived"]
    assert record.tenants.slo_met.sum() == record.slo_met.sum()
    assert 0 <= card["availability_frac"] <= 1
    # nothing is paid twice, and nothing is left out
    paid = sum(usd.sum() for usd in books.usd.values())
    assert books.pool_usd.sum() == pytest.approx(paid, **exactly)
    assert card["cost_usd"] == pytest.approx(paid, **exactly)
    prices = {region.name: region.energy_usd_per_kwh for region in scenario.regions}
    energy = sum(
        float(books.energy_kwh[:, k].sum()) * prices[place.region]
        for k, place in enumerate(books.places)
        if place.is_group
    )
    if scenario.cost_mode is CostMode.OWNED:
        assert card["cost_energy_usd"] == pytest.approx(energy, **exactly)
        assert card["cost_spot_usd"] is None
    else:
        assert card["cost_energy_usd"] is None
        seconds = WINDOW_S / 3600
        assert card["cost_reserved_usd"] == pytest.approx(2.4 * seconds, **exactly)
    # no energy from nowhere, and none without carbon or renewable origin
    assert (books.green_kwh <= books.energy_kwh + 1e-12).all()
    rest = (books.energy_kwh - books.green_kwh) * books.g_per_kwh
    assert books.operational_g.sum() == pytest.approx(np.nansum(rest), **exactly)
    # workers of all sizes are on the books for as long as they were there
    worker_s = record.integrals[:, :, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1].sum()
    slot_s = (record.integrals[:, :, 2:5].sum(axis=2) * record.slots).sum()
    assert slot_s == pytest.approx(record.integrals[:, :, kernel.F_SLOT_S].sum(), rel=1e-9)
    assert card["worker_hours"] == pytest.approx(worker_s / 3600, rel=1e-12)
    requested = books.requested_frac[:, :3]
    assert np.nanmax(requested) <= 1 + 1e-9


def test_the_price_of_energy_changes_the_cost_of_owned_nodes_only_and_by_what_it_is():
    def costs(factor, mode):
        chosen = everything(0)
        regions = tuple(
            dataclasses.replace(region, energy_usd_per_kwh=factor * region.energy_usd_per_kwh)
            for region in chosen.regions
        )
        chosen = dataclasses.replace(chosen, regions=regions, cost_mode=mode)
        (record,) = replay([dataclasses.replace(made(0), scenario=chosen)])
        card = scorecard(record)
        return card["cost_usd"], card["cost_energy_usd"]

    assert costs(1.0, CostMode.RENTED) == costs(7.0, CostMode.RENTED)
    once, twice = costs(1.0, CostMode.OWNED), costs(2.0, CostMode.OWNED)
    assert twice[0] - once[0] == pytest.approx(once[1], rel=1e-9)
