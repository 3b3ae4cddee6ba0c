"""How fast the simulator's kernel is with every feature on, and how routing grows with workers.

One core, compiled and memory set aside beforehand, like `engine.bench.kernel`.
"""

import time
from statistics import median
from typing import Any

import numpy as np

from engine.scenario import Breaker, Cache, Degradation, DegradeKind, Retry
from engine.sim import kernel
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.kernel import State
from engine.sim.parameters import (
    STARTUP_DRAWS,
    PoolParameters,
    RouterParameters,
    Size,
    TenantParameters,
)
from engine.sim.state import make_state, make_views
from engine.units import AnyArray

__all__ = ["ROUTERS", "run"]

WORKERS, SLOTS, NODES = 50, 8, 10
LOAD = 0.75
TICK_S = 15.0
SEED = 1
REPEATS = 3
SIZES = (100, 1_000, 10_000)
PER_NODE = 10
_PAGE_BYTES = 4096
BAR_FEATURES_PER_S, BAR_SCALE_PER_S = 1e6, 3e5
ROUTERS = {
    "hierarchical": kernel.HIERARCHICAL,
    "least-connections": kernel.LEAST_CONNECTIONS,
    "random": kernel.RANDOM,
    "round-robin": kernel.ROUND_ROBIN,
    "power-of-two": kernel.POWER_OF_TWO,
    "weighted-round-robin": kernel.WEIGHTED_ROUND_ROBIN,
    "least-agent-load": kernel.LEAST_AGENT_LOAD,
    "predicted-completion": kernel.PREDICTED_COMPLETION,
    "context-aware": kernel.CONTEXT_AWARE,
    "seven-factor": kernel.SEVEN_FACTOR,
}
"""The kernel's routers by their names in a scenario."""
DETAIL = (
    f"features: {WORKERS} workers of {SLOTS} slots on {NODES} nodes in four zones of two regions "
    "(one zone with any other router than hierarchical), two sizes, contention, limited memory, "
    "time-outs, bounded queues, retries with a budget, a breaker per worker, three tenants with "
    "ranks, aging and residency, groups that start together, sessions that stay, the three-level "
    "cache and three levels of degradation. partitions: the same with slots divided among "
    "tenants, where requests wait in the pool's queue and no router is asked. The first figure is "
    "that of the slowest of them. hierarchical: "
    f"workers of {SLOTS} slots, {PER_NODE} a node, {LOAD:.0%} load, nothing else on. Each figure "
    f"is the median of {REPEATS} runs, in requests per second of processor time of one core"
)


def run(requests: int = 1_000_000) -> dict[str, Any]:
    """Requests per second with all features on by router, and by number of workers.

    Args:
        requests: simulated in each run.
    """
    by_router = {name: _speed(*_everything(requests, router)) for name, router in ROUTERS.items()}
    partitioned = _speed(*_everything(requests, kernel.LEAST_CONNECTIONS), partitioned=True)
    by_size = {str(workers): _speed_of(requests, workers) for workers in SIZES}
    slowest, fastest = by_size[str(SIZES[-1])], by_size[str(SIZES[0])]
    with_all = min(partitioned, *by_router.values())
    return {
        "requests": requests,
        "features_requests_per_s": with_all,
        "features_requests_per_s_by_router": by_router,
        "features_requests_per_s_partitions": partitioned,
        "hierarchical_requests_per_s_by_workers": by_size,
        "cost_growth": fastest / slowest,
        "workers_growth": SIZES[-1] / SIZES[0],
        "bar_features_requests_per_s": BAR_FEATURES_PER_S,
        "bar_hierarchical_requests_per_s": BAR_SCALE_PER_S,
        "passed": with_all >= BAR_FEATURES_PER_S and slowest >= BAR_SCALE_PER_S,
        "detail": DETAIL,
    }


def _everything(requests: int, router: int) -> tuple[Arrivals, tuple[PoolParameters, ...]]:
    """Demand with every trait, and the pools it arrives at."""
    rng = np.random.default_rng(SEED)
    zones = 4 if router == kernel.HIERARCHICAL else 1
    work_s = rng.exponential(1.0, requests)
    prefix_s = 0.3 * work_s
    arrival_s = np.cumsum(rng.exponential(1.0 / (LOAD * WORKERS * SLOTS), requests))
    traits = np.zeros(requests, kernel.TRAIT)
    traits["memory_kib"] = rng.integers(1, 9, requests)
    traits["tenant"] = rng.integers(0, 3, requests)
    traits["chain"] = np.arange(requests) // 2_000 * 100 + rng.integers(0, 100, requests)
    traits["prefix_s"] = prefix_s
    pool = rng.integers(0, zones, requests).astype(np.int32)
    traits["group"] = _groups(traits, pool)
    arrivals = make_requests(arrival_s, work_s, pool=pool, traits=traits)
    return arrivals, tuple(_pool(router, zone, zones) for zone in range(zones))


def _groups(traits: AnyArray, pool: AnyArray) -> AnyArray:
    """Each fiftieth request of the last tenant starts with three others of its pool."""
    groups = np.full(len(traits), kernel.NONE, np.int32)
    number = 0
    for zone in np.unique(pool):
        mine = np.flatnonzero((traits["tenant"] == 2) & (pool == zone))[::50]
        groups[mine] = number + np.arange(len(mine)) // 4
        number += -(-len(mine) // 4)
    return groups


def _pool(router: int, zone: int, zones: int) -> PoolParameters:
    workers = WORKERS // zones + (zone < WORKERS % zones)
    return PoolParameters(
        slots=SLOTS,
        workers_max=workers,
        workers_initial=workers,
        startup_draws_s=np.zeros(STARTUP_DRAWS),
        contention=0.2,
        queue_timeout_s=60.0,
        exec_timeout_s=600.0,
        queue_limit=64,
        router=router,
        room_kib=64,
        other_sizes=(Size(2 * SLOTS, 1.0, 128),),
        over_memory=kernel.WAIT_FOR_MEMORY,
        zone=zone,
        region=zone // 2,
        appeal=0.5,
    )


def _state(arrivals: Arrivals, pools: tuple[PoolParameters, ...], partitioned: bool) -> State:
    """The cluster with every feature on, its workers spread over nodes."""
    state = make_state(
        arrivals,
        pools,
        seed=SEED,
        retry=Retry(attempts=3, budget_frac=0.2),
        breaker=Breaker(),
        tenants=(
            TenantParameters(rank=1, aging_s=60.0),
            TenantParameters(aging_s=60.0, share=0.5 if partitioned else 1.0),
            TenantParameters(rank=-1, aging_s=60.0, barred=() if len(pools) == 1 else (3,)),
        ),
        affinity_slack=4,
        cache=Cache(),
        degradation=(
            Degradation(kind=DegradeKind.SMALLER_MODEL, above=2.0, below=1.5),
            Degradation(kind=DegradeKind.DEADLINE, above=3.0, below=2.0, amount=20.0),
            Degradation(kind=DegradeKind.SHED, above=4.0, below=3.0, rank=0),
        ),
        routing=RouterParameters(nodes=NODES),
    )
    _onto_nodes(state, WORKERS // NODES)
    return state


def _onto_nodes(state: State, per_node: int) -> None:
    there = np.flatnonzero(state.workers["phase"] == kernel.READY)
    state.workers["node"][there] = np.arange(len(there)) // per_node
    kernel.moor_all(state)


def _speed(
    arrivals: Arrivals, pools: tuple[PoolParameters, ...], *, partitioned: bool = False
) -> float:
    """Requests per second with every feature on."""
    few = Arrivals(arrivals.requests[:1000], arrivals.roots[:1000], arrivals.traits[:1000])
    _simulate(_state(few, pools, partitioned))  # compiles
    return median(_timed(_state(arrivals, pools, partitioned)) for _ in range(REPEATS))


def _speed_of(requests: int, workers: int) -> float:
    """Requests per second behind the hierarchical router with so many workers."""
    rng = np.random.default_rng(SEED)
    gap_s = rng.exponential(1.0 / (LOAD * workers * SLOTS), requests)
    arrivals = make_requests(np.cumsum(gap_s), rng.exponential(1.0, requests))
    pool = PoolParameters(
        slots=SLOTS,
        workers_max=workers,
        workers_initial=workers,
        startup_draws_s=np.zeros(STARTUP_DRAWS),
        router=kernel.HIERARCHICAL,
    )
    routing = RouterParameters(nodes=workers // PER_NODE)

    def state() -> State:
        fresh = make_state(arrivals, (pool,), routing=routing)
        _onto_nodes(fresh, PER_NODE)
        return fresh

    return median(_timed(state()) for _ in range(REPEATS))


def _timed(state: State) -> float:
    for array in (state.efforts, state.heap):  # memory that was only promised so far
        array.view(np.uint8)[::_PAGE_BYTES] = 0
    started = time.process_time()
    _simulate(state)
    return len(state.requests) / (time.process_time() - started)


def _simulate(state: State) -> None:
    """Tick by tick until the last request has arrived and nobody is in the system."""
    views, counters, integrals = make_views(state), state.counters.copy(), state.integrals.copy()
    now, last_s = 0.0, state.requests["arrival_s"][-1]
    there = [kernel.C_QUEUED, kernel.C_IN_SERVICE, kernel.C_RETRYING]
    while now <= last_s or counters[:, there].any():
        kernel.run_tick(state, now, now + TICK_S, views, counters, integrals)
        now += TICK_S
