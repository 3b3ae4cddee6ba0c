"""Hundred random fault plans of all kinds: each request has an end, and every count says so."""

import dataclasses

import numpy as np
import pytest

from engine.errors import AccountingError
from engine.replay import replay, set_up
from engine.scenario import (
    Breaker,
    Cache,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    NodeGroup,
    Partitions,
    PriorityClass,
    Purchase,
    Retry,
    Router,
    Tenant,
)
from engine.scorecard import scorecard
from engine.sim import kernel
from engine.sim.service import ROUTERS
from tests.engine.cluster.clusters import machine
from tests.engine.replays import assert_accounted, demand, scenario, sessions, spec

ANYWHERE = {
    FaultKind.WORKER_CRASH: ("own", "shared", None),
    FaultKind.SLOW_WORKER: ("own", "shared", None),
    FaultKind.START_FAILURE: ("own", "shared", None),
    FaultKind.METRIC_LOSS: ("own", "shared", None),
    FaultKind.METRIC_DELAY: ("own", "shared", None),
    FaultKind.ZONE_PARTITION: ("zone-a", None),
    FaultKind.GRID_OUTAGE: ("region-a", None),
    FaultKind.TOOL_OUTAGE: (None,),
}
ON_NODES = {
    **ANYWHERE,
    FaultKind.NODE_LOSS: ("boxes", "cheap", None),
    FaultKind.SPOT_REVOCATION: ("cheap", None),
}
CLASSES = (PriorityClass(name="gold", rank=2, aging_s=20.0), PriorityClass(name="free", rank=-1))
LEVELS = (
    Degradation(kind=DegradeKind.SHED, above=2.0, below=1.2, rank=0),
    Degradation(kind=DegradeKind.CACHED, above=2.5, below=2.0, amount=0.3),
    Degradation(kind=DegradeKind.DEADLINE, above=1.5, below=1.0, amount=10.0),
    Degradation(kind=DegradeKind.SMALLER_MODEL, above=1.5, below=1.0, amount=0.6),
)
TENANTS = (
    Tenant(name="a", priority="gold", share=1.0),
    Tenant(name="b", priority="free", share=3.0, floor_frac=0.2),
    Tenant(name="c", share=0.5, group_size=3, regions=("region-a",)),
)


def random_plan(rng, kinds):
    def one():
        kind = list(kinds)[rng.integers(len(kinds))]
        return Fault(
            kind=kind,
            at_s=float(rng.uniform(0, 900)),
            for_s=float(rng.uniform(1, 400)),
            where=kinds[kind][rng.integers(len(kinds[kind]))],
            count=int(rng.integers(1, 6)),
            factor=float(rng.uniform(0.05, 1.0)),
        )

    return tuple(one() for _ in range(rng.integers(1, 8)))


def on_nodes():
    """The two pools of the small scenario on two groups of nodes, one of them spot."""
    base = scenario()
    kind = dataclasses.replace(base.agent_types[0], cpu_cores=2.0, memory_gib=4.0, gpus=0)
    groups = (
        NodeGroup(name="boxes", node_type="box", nodes_max=6),
        NodeGroup(name="cheap", node_type="box", nodes_max=4, purchase=Purchase.SPOT),
    )
    pools = (
        dataclasses.replace(base.pools[0], node_group="boxes"),
        dataclasses.replace(base.pools[1], node_group="cheap"),
    )
    return {
        "agent_types": (kind,),
        "node_types": (machine(usd_per_hour_spot=1.0),),
        "node_groups": groups,
        "pools": pools,
    }


def random_run(seed):
    """A spec, and how many requests it asks for."""
    rng = np.random.default_rng(seed)
    table = sessions(seed) if seed % 3 == 0 else demand(seed, number=600)
    places = on_nodes() if seed % 2 else {}
    chosen = scenario(
        seed=seed,
        faults=random_plan(rng, ON_NODES if places else ANYWHERE),
        random_faults_per_day=float(rng.choice([0.0, 300.0])),
        retry=Retry(attempts=int(rng.integers(1, 5)), budget_frac=rng.choice([None, 0.2])),
        router=Router(
            kind=list(ROUTERS)[seed % len(ROUTERS)], breaker=Breaker() if seed % 4 < 2 else None
        ),
        tenants=TENANTS if seed % 4 in (0, 3) else (),
        priority_classes=CLASSES,
        partitions=Partitions() if seed % 8 in (0, 3) else None,
        cache=Cache(worker_sessions=3) if seed % 3 == 0 else None,
        degradation=LEVELS if seed % 5 == 0 else (),
        **places,
    )
    return spec("hpa", table, chosen), len(table)


def test_the_plans_hold_every_kind_of_fault():
    kinds = {fault.kind for seed in range(100) for fault in random_run(seed)[0].scenario.faults}
    assert kinds == set(FaultKind)


@pytest.mark.parametrize("seed", range(100))
def test_whatever_breaks_every_request_is_accounted_for(seed):
    made, number = random_run(seed)
    record = replay([made])[0]
    assert_accounted(record, number)
    assert record.outcome["finished"] > 0
    up = record.counters[:, :, kernel.C_READY].sum(axis=1) > 0
    assert 0 < up.mean() <= 1
    assert 0 <= scorecard(record)["availability_frac"] <= 1


def played_with(change):
    """A run in which something goes wrong with some requests as its window ends."""
    run = set_up([random_run(1)[0]])[0]
    for tick in range(run.ticks):
        run.decide(tick)
        run.advance(tick)
    kernel.advance(run.fleet.state, np.inf)
    change(run.fleet.state.outcomes)
    return run.record()


@pytest.mark.parametrize("status", [kernel.QUEUED, kernel.IN_SERVICE, kernel.RETRYING])
def test_a_request_without_an_end_is_refused(status):
    def hang(outcomes):
        outcomes["status"][5:8] = status

    with pytest.raises(AccountingError, match="3 of 600 requests have no end"):
        played_with(hang)


def test_requests_that_vanish_are_noticed():
    def erase(outcomes):
        outcomes["arrived_s"][5:8] = np.nan

    with pytest.raises(AssertionError):
        assert_accounted(played_with(erase), 600)
