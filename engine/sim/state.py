"""Allocates the simulator's arrays from a cluster's parameters, and grows them when needed."""

import numpy as np
from numba import njit

from engine.scenario import Backoff, Breaker, Cache, Degradation, DegradeKind, Retry
from engine.sim import kernel
from engine.sim.arrivals import Arrivals
from engine.sim.kernel import State, Views
from engine.sim.layout import (
    empty_berths,
    empty_lanes,
    empty_memories,
    empty_trees,
    idle_workers,
    lay_out,
    starts,
)
from engine.sim.outcome_memory import outcomes_of
from engine.sim.parameters import PoolParameters, RouterParameters, TenantParameters
from engine.units import AnyArray, IntArray

LONG_AGO_S = -86400.0
"""Since when the initial workers count as ready."""
SPARE_WORKERS = 8


def make_state(
    arrivals: Arrivals,
    pools: tuple[PoolParameters, ...],
    *,
    horizon_s: float = np.inf,
    abandon: bool = False,
    seed: int = 0,
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    tenants: tuple[TenantParameters, ...] = (),
    partitioned: bool = False,
    affinity_slack: int | None = None,
    cache: Cache | None = None,
    degradation: tuple[Degradation, ...] = (),
    routing: RouterParameters | None = None,
) -> State:
    """A cluster at time 0 with its initial workers ready and nothing in it.

    Args:
        arrivals: what will arrive.
        pools: one entry a pool.
        horizon_s: sessions' requests that would arrive later than this never do.
        abandon: a failed request ends its session.
        seed: of routing draws and of the workers that faults pick.
        retry: what callers do when a request fails.
        breaker: of each worker.
        tenants: in the order of the numbers in the traits; empty: requests have none.
        affinity_slack: sessions stay at their worker while it holds at most so many requests
            more than the least loaded one; None: they do not.
        cache: of prefixes.
        degradation: what is given up under overload, in the order in which it is tried.
        partitioned: tenants' shares change; also where they or floors restrict them at first.
        routing: what routers go by.
    """
    capacity = np.array([pool.workers_max + SPARE_WORKERS for pool in pools], np.int64)
    slots = max(size.slots for pool in pools for size in pool.sizes)
    workers, pool_records = idle_workers(capacity), _pools(pools, capacity)
    clock = _clock(retry or Retry(), breaker)
    clock["horizon_s"] = horizon_s
    clock["abandon"] = abandon
    clock["seed"] = seed
    clock["tenants"] = len(tenants) > 0
    restricted = any(tenant.share < 1.0 or tenant.floor > 0.0 for tenant in tenants)
    pool_records["partitioned"] = partitioned or restricted
    clock["levels"] = len(degradation)
    _set_cache(clock, affinity_slack, cache)
    clock["adjusts_work"] = (clock["affinity"] + clock["cache"] + clock["levels"]) > 0
    _set_routing(clock, pools, routing or RouterParameters())
    groups = _groups(arrivals.traits)
    clock["groups"] = len(groups) > 1 or groups["size"][0] > 0
    bypassed = (clock["affinity"] + clock["levels"] + clock["groups"])[0] > 0
    pool_records["plain"] &= (1 - pool_records["partitioned"]) * (not bypassed)
    clock["notes_arrivals"] = (clock["tenants"] == 1) | (clock["retry_budget"] < np.inf)
    retries = clock["attempts"][0] > 1
    n = len(arrivals.requests)
    events = _slice_events(capacity, slots) + _arrivals_to_come(clock, n, len(arrivals.roots))
    state = State(
        requests=arrivals.requests,
        roots=arrivals.roots,
        traits=arrivals.traits,
        outcomes=outcomes_of(n, fresh=retries or len(arrivals.roots) < n),
        efforts=np.zeros(n if retries else 1, kernel.EFFORT),
        sites=arrivals.requests["pool"].copy() if clock["sited"][0] else np.zeros(1, np.int32),
        pools=pool_records,
        counters=np.zeros((len(pools), kernel.COUNTERS), np.int64),
        integrals=np.zeros((len(pools), kernel.INTEGRALS), np.float64),
        ended=np.zeros((len(pools), kernel.BUCKETS), np.int64),
        startup_draws=np.array([pool.startup_draws_s for pool in pools], np.float64),
        sizes=_sizes(pools),
        workers=workers,
        lanes=empty_lanes(len(pools) + len(workers), len(tenants)),
        tenants=_tenants(tenants, len(pools)),
        **_wishes(tenants, len(pools)),
        groups=groups,
        regions=np.zeros(1 + max(pool.region for pool in pools), kernel.REGION),
        levels=_levels(degradation),
        engaged=np.zeros((len(pools), len(degradation)), np.int64),
        **_caches(arrivals.traits, pools, cache, len(workers)),
        learnt=np.zeros(len(pools), kernel.STANDING),
        standings=np.zeros(len(workers), kernel.STANDING),
        **empty_berths(pool_records, clock),
        members=np.zeros(len(workers), np.int32),
        merits=np.zeros((kernel.MERITS, len(workers))),
        in_service=np.zeros((len(workers), slots), np.int32),
        tree=empty_trees(pool_records),
        heap=np.zeros(events, kernel.EVENT),
        clock=clock,
    )
    for number, pool in enumerate(pools):
        kernel.start_ready(state, number, pool.workers_initial, LONG_AGO_S)
    return state


def _clock(retry: Retry, breaker: Breaker | None) -> AnyArray:
    """(1,) kernel.CLOCK with what callers and breakers do."""
    clock = np.zeros(1, kernel.CLOCK)
    for name in ("attempts", "backoff_s", "multiplier", "backoff_max_s"):
        clock[name] = getattr(retry, name)
    clock["jitter"] = retry.jitter is Backoff.FULL_JITTER
    clock["retry_budget"] = np.inf if retry.budget_frac is None else retry.budget_frac
    clock["tools_until_s"] = -np.inf
    if breaker is not None:
        clock["breaker_failures"] = breaker.failure_threshold
        clock["breaker_open_s"] = breaker.open_s
        clock["breaker_probes"] = breaker.half_open_probes
        clock["breaker_successes"] = breaker.success_threshold
    return clock


def _set_routing(
    clock: AnyArray, pools: tuple[PoolParameters, ...], routing: RouterParameters
) -> None:
    clock["sited"] = any(pool.router == kernel.HIERARCHICAL for pool in pools)
    clock["learns"] = any(pool.router in kernel.LEARNERS for pool in pools)
    clock["nodes"] = routing.nodes
    clock["ewma_s"], clock["adapt_s"] = routing.ewma_s, routing.adapt_s
    clock["factor"] = np.array(routing.factors) / sum(routing.factors)
    clock["first_spoilt"], clock["operated_s"] = kernel.NONE, np.nan


def _groups(traits: AnyArray) -> AnyArray:
    """(groups,) kernel.GROUP as large as requests name them; an empty one where there is none."""
    named = traits["group"][traits["group"] >= 0]
    groups = np.zeros(max(1, int(named.max(initial=-1)) + 1), kernel.GROUP)
    groups["size"] = np.bincount(named, minlength=len(groups))
    for name in ("head", "tail", "next"):
        groups[name] = kernel.NONE
    return groups


def _wishes(tenants: tuple[TenantParameters, ...], pools: int) -> dict[str, IntArray]:
    """(tenants, pools) where each may run and what agent types are for it."""
    permits = np.ones((max(1, len(tenants)), pools), np.int64)
    specials = np.zeros_like(permits)
    for number, tenant in enumerate(tenants):
        permits[number, list(tenant.barred)] = 0
        specials[number, list(tenant.liked)] = 1
    return {"permits": permits, "specials": specials}


def _set_cache(clock: AnyArray, affinity_slack: int | None, cache: Cache | None) -> None:
    clock["affinity"] = affinity_slack is not None
    clock["affinity_slack"] = affinity_slack or 0
    if cache is not None:
        clock["cache"] = 1
        clock["worker_ttl_s"] = cache.worker_ttl_s
        clock["ttl_s"] = (cache.zone_ttl_s, cache.store_ttl_s)
        clock["fetch_s"] = (cache.zone_fetch_s, cache.store_fetch_s)
        clock["capacity"] = (cache.zone_sessions, cache.store_sessions)


def _levels(degradation: tuple[Degradation, ...]) -> AnyArray:
    """(levels,) kernel.LEVEL."""
    levels = np.zeros(len(degradation), kernel.LEVEL)
    kinds = list(DegradeKind)
    for number, level in enumerate(degradation):
        for name in ("above", "below", "amount", "rank"):
            levels[name][number] = getattr(level, name)
        levels["kind"][number] = kinds.index(level.kind)
    return levels


def _caches(
    traits: AnyArray, pools: tuple[PoolParameters, ...], cache: Cache | None, workers: int
) -> dict[str, AnyArray]:
    """Empty memories of workers, zones and regions for as many chains as requests name."""
    chains = np.zeros(max(1, int(traits["chain"].max()) + 1), kernel.CHAIN)
    chains["worker"] = chains["pool"] = kernel.NONE
    number = 1 + max(max(pool.zone, pool.region) for pool in pools)
    places = np.zeros((2, number), kernel.PLACE)
    places["newest"] = places["oldest"] = kernel.NONE
    prefixes = 0 if cache is None else cache.worker_sessions
    return {
        "chains": chains,
        "shelves": np.zeros((2, len(chains)), kernel.SHELF),
        "places": places,
        "cached": empty_memories(workers, prefixes),
    }


def _tenants(tenants: tuple[TenantParameters, ...], pools: int) -> AnyArray:
    """(pools, tenants) kernel.TENANT; one that stands for all where there are none."""
    records = np.zeros((pools, max(1, len(tenants))), kernel.TENANT)
    for number, tenant in enumerate(tenants or (TenantParameters(),)):
        for name in ("rank", "aging_s", "share", "floor"):
            records[name][:, number] = getattr(tenant, name)
    return records


def make_views(state: State) -> Views:
    """Views of the workers as they are, with no utilisation measured yet."""
    total = len(state.workers)
    views = Views(
        utilisation_of=np.full(total, np.nan),
        started_s=np.empty(total),
        ready_s=np.empty(total),
        utilisation=np.empty(total),
        draining=np.empty(total, np.int32),
        size=np.empty(total, np.int32),
        memory_kib=np.empty(total, np.int64),
        number=np.zeros(len(state.pools), np.int64),
    )
    kernel.look(state, views)
    return views


def _pools(pools: tuple[PoolParameters, ...], capacity: IntArray) -> AnyArray:
    records = np.zeros(len(pools), kernel.POOL)
    records["reachable"] = records["preference"] = 1
    records["first_complete"] = records["last_complete"] = kernel.NONE
    records["weights_s"] = -np.inf
    for name in (
        "size",
        "router",
        "contention",
        "queue_timeout_s",
        "exec_timeout_s",
        "drain_grace_s",
        "shared_queue",
        "over_memory",
        "kind",
        "delay_s",
        "appeal",
        "zone",
        "region",
        "resize_in_place",
        "resize_s",
    ):
        records[name] = [getattr(pool, name) for pool in pools]
    unlimited = records["over_memory"] == kernel.NO_LIMIT
    least = (records["router"] == kernel.LEAST_CONNECTIONS) | (records["shared_queue"] == 1)
    records["plain"] = least & unlimited
    records["expire_head"] = records["expire_tail"] = kernel.NONE
    records["queue_limit"] = [
        kernel.UNLIMITED if pool.queue_limit is None else pool.queue_limit for pool in pools
    ]
    lay_out(records, capacity)
    return records


def _sizes(pools: tuple[PoolParameters, ...]) -> AnyArray:
    """(pools, most sizes) kernel.SIZE."""
    sizes = np.zeros((len(pools), max(len(pool.sizes) for pool in pools)), kernel.SIZE)
    for number, pool in enumerate(pools):
        for column, size in enumerate(pool.sizes):
            cpu_share = 1.0 / size.slots if size.cpu_share is None else size.cpu_share
            sizes[number, column] = (
                size.speed, size.slots, size.room_kib, cpu_share, 1.0,
            )  # fmt: skip
    return sizes


def _slice_events(capacity: IntArray, slots: int) -> int:
    """Events that one slice can add.

    An end per slot, once more for requests that are lost, each worker's readiness, end of drain,
    change of size and half-open breaker, each pool's timer. More than the events that mean
    something at any moment, so there is always room when the kernel drops the others.
    """
    return int(capacity.sum()) * (2 * slots + 4) + len(capacity) + 16


def _arrivals_to_come(clock: AnyArray, requests: int, roots: int) -> int:
    """The most requests that can be about to arrive: of sessions, or again."""
    return requests if clock["attempts"][0] > 1 else requests - roots


def with_room(state: State, wanted: IntArray) -> State:
    """The same state with room for `wanted` (pools,) more workers and for a slice of events.

    Draining workers keep their number until they are gone, so a pool can need more numbers
    than its largest size. Call it between slices.
    """
    missing = np.zeros(len(wanted), np.int64)
    for p in np.flatnonzero(wanted > 0).tolist():
        first, capacity = state.pools["first_worker"][p], state.pools["capacity"][p]
        free = np.sum(state.workers["phase"][first : first + capacity] == kernel.OFF)
        missing[p] = max(wanted[p] - free, 0)
    if missing.any():
        state = _with_more_workers(state, np.where(missing > 0, missing + SPARE_WORKERS, 0))
    needed = (
        int(state.clock["heap_size"][0])
        + _slice_events(state.pools["capacity"], state.in_service.shape[1])
        + _arrivals_to_come(state.clock, len(state.requests), len(state.roots))
    )
    if needed > len(state.heap):
        heap = np.zeros(2 * needed, kernel.EVENT)
        heap[: len(state.heap)] = state.heap
        state = state._replace(heap=heap)
    return state


def _with_more_workers(state: State, extra: IntArray) -> State:
    """Appends `extra` (pools,) idle workers to each pool's range; renumbers those behind."""
    old = state.workers
    capacity = state.pools["capacity"] + extra
    moved = np.arange(len(old)) + (starts(capacity) - state.pools["first_worker"])[old["pool"]]
    workers = idle_workers(capacity)
    workers[moved] = old
    in_service = np.zeros((len(workers), state.in_service.shape[1]), np.int32)
    in_service[moved] = state.in_service
    members = np.zeros(len(workers), np.int32)
    members[moved] = state.members  # by index in the pool, which does not change
    pools = len(state.pools)
    lanes = empty_lanes(pools + len(workers), state.lanes.shape[1])
    lanes[:pools] = state.lanes[:pools]
    lanes[pools + moved] = state.lanes[pools:]
    lay_out(state.pools, capacity)
    _move(state.outcomes, moved)
    _renumber(state.heap[: int(state.clock["heap_size"][0])], moved)
    cached = empty_memories(len(workers), state.cached.shape[1])
    cached[moved] = state.cached
    standings = np.zeros(len(workers), kernel.STANDING)
    standings[moved] = state.standings
    state = state._replace(
        workers=workers,
        standings=standings,
        **empty_berths(state.pools, state.clock),
        cached=cached,
        lanes=lanes,
        members=members,
        merits=np.zeros((kernel.MERITS, len(workers))),
        in_service=in_service,
        tree=empty_trees(state.pools),
    )
    kernel.rank_all(state)
    return state


@njit(nogil=True, cache=True)
def _move(outcomes, moved):  # type: ignore[no-untyped-def]
    """Gives workers their new numbers in all outcomes, in one go through millions of them.

    Outcomes that have not begun may name workers of another run, of which there were more.
    """
    for i in range(len(outcomes)):
        if 0 <= outcomes[i].worker < len(moved):
            outcomes[i].worker = moved[outcomes[i].worker]


def _renumber(events: AnyArray, moved: IntArray) -> None:
    """Replaces worker numbers in pending events; their order is kept, as numbers keep theirs."""
    kind, number = events["code"] >> kernel.KIND_SHIFT, events["code"] & kernel.NUMBER_MASK
    of_worker = (kind > kernel.END) & (kind < kernel.EXPIRE)
    number[of_worker] = moved[number[of_worker]]
    events["code"] = (kind << kernel.KIND_SHIFT) | number
