"""Allocates the simulator's arrays from a cluster's parameters, and grows them when needed."""

import numpy as np

from engine.scenario import Backoff, Breaker, Cache, Degradation, DegradeKind, Retry
from engine.sim import kernel
from engine.sim.arrivals import Arrivals
from engine.sim.kernel import State, Views
from engine.sim.parameters import PoolParameters, TenantParameters
from engine.units import AnyArray, IntArray

LONG_AGO_S = -86400.0
"""Since when the initial workers count as ready."""
SPARE_WORKERS = 8
_UNLIMITED = np.iinfo(np.int64).max


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
    """
    capacity = np.array([pool.workers_max + SPARE_WORKERS for pool in pools], np.int64)
    slots = max(size.slots for pool in pools for size in pool.sizes)
    workers, pool_records = _idle_workers(capacity), _pools(pools, capacity)
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
    bypassed = (clock["affinity"] + clock["levels"])[0] > 0
    pool_records["plain"] &= (1 - pool_records["partitioned"]) * (not bypassed)
    clock["notes_arrivals"] = (clock["tenants"] == 1) | (clock["retry_budget"] < np.inf)
    retries = clock["attempts"][0] > 1
    n = len(arrivals.requests)
    events = _slice_events(capacity, slots) + _arrivals_to_come(clock, n, len(arrivals.roots))
    state = State(
        requests=arrivals.requests,
        roots=arrivals.roots,
        traits=arrivals.traits,
        outcomes=_outcomes(n),
        efforts=np.zeros(n if retries else 1, kernel.EFFORT),
        pools=pool_records,
        counters=np.zeros((len(pools), kernel.COUNTERS), np.int64),
        integrals=np.zeros((len(pools), kernel.INTEGRALS), np.float64),
        ended=np.zeros((len(pools), kernel.BUCKETS), np.int64),
        startup_draws=np.array([pool.startup_draws_s for pool in pools], np.float64),
        sizes=_sizes(pools),
        workers=workers,
        lanes=_empty_lanes(len(pools) + len(workers), len(tenants)),
        tenants=_tenants(tenants, len(pools)),
        levels=_levels(degradation),
        engaged=np.zeros((len(pools), len(degradation)), np.int64),
        **_caches(arrivals.traits, pools, cache, len(workers)),
        members=np.zeros(len(workers), np.int32),
        in_service=np.zeros((len(workers), slots), np.int32),
        tree=_empty_trees(pool_records),
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
    chains["worker"] = kernel.NONE
    number = 1 + max(max(pool.zone, pool.region) for pool in pools)
    places = np.zeros((2, number), kernel.PLACE)
    places["newest"] = places["oldest"] = kernel.NONE
    prefixes = 0 if cache is None else cache.worker_sessions
    return {
        "chains": chains,
        "shelves": np.zeros((2, len(chains)), kernel.SHELF),
        "places": places,
        "cached": _empty_memories(workers, prefixes),
    }


def _empty_memories(workers: int, prefixes: int) -> AnyArray:
    cached = np.zeros((workers, prefixes), kernel.CACHED)
    cached["chain"], cached["used_s"] = kernel.NONE, -np.inf
    return cached


def _tenants(tenants: tuple[TenantParameters, ...], pools: int) -> AnyArray:
    """(pools, tenants) kernel.TENANT; one that stands for all where there are none."""
    records = np.zeros((pools, max(1, len(tenants))), kernel.TENANT)
    for number, tenant in enumerate(tenants or (TenantParameters(),)):
        for name in ("rank", "aging_s", "share", "floor"):
            records[name][:, number] = getattr(tenant, name)
    return records


def _empty_lanes(rows: int, tenants: int) -> AnyArray:
    lanes = np.zeros((rows, max(1, tenants)), kernel.LANE)
    lanes["head"] = lanes["tail"] = kernel.NONE
    return lanes


def make_views(state: State) -> Views:
    """Views of the workers as they are, with no utilisation measured yet."""
    total = len(state.workers)
    views = Views(
        utilisation_of=np.full(total, np.nan),
        started_s=np.empty(total),
        ready_s=np.empty(total),
        utilisation=np.empty(total),
        draining=np.empty(total, np.int32),
        number=np.zeros(len(state.pools), np.int64),
    )
    kernel.look(state, views)
    return views


def _outcomes(n: int) -> AnyArray:
    outcomes = np.zeros(n, kernel.OUTCOME)
    for name in ("arrived_s", "start_s", "end_s"):
        outcomes[name] = np.nan
    for name in ("worker", "next_in_queue", "next_to_expire"):
        outcomes[name] = kernel.NONE
    return outcomes


def _leaves(capacity: IntArray) -> IntArray:
    return 2 ** np.ceil(np.log2(np.maximum(capacity, 2))).astype(np.int64)


def _starts(lengths: IntArray) -> IntArray:
    return np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)


def _pools(pools: tuple[PoolParameters, ...], capacity: IntArray) -> AnyArray:
    records = np.zeros(len(pools), kernel.POOL)
    records["reachable"] = 1
    for name in (
        "size",
        "router",
        "contention",
        "queue_timeout_s",
        "exec_timeout_s",
        "drain_grace_s",
        "shared_queue",
        "over_memory",
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
        _UNLIMITED if pool.queue_limit is None else pool.queue_limit for pool in pools
    ]
    _lay_out(records, capacity)
    return records


def _sizes(pools: tuple[PoolParameters, ...]) -> AnyArray:
    """(pools, most sizes) kernel.SIZE."""
    sizes = np.zeros((len(pools), max(len(pool.sizes) for pool in pools)), kernel.SIZE)
    for number, pool in enumerate(pools):
        for column, size in enumerate(pool.sizes):
            sizes[number, column] = (size.speed, size.slots, size.room_kib)
    return sizes


def _lay_out(pools: AnyArray, capacity: IntArray) -> None:
    """Sets where each pool's workers and winner tree lie, for `capacity` (pools,) workers."""
    leaves = _leaves(capacity)
    pools["capacity"], pools["first_worker"] = capacity, _starts(capacity)
    pools["leaves"], pools["tree_start"] = leaves, _starts(2 * leaves)


def _idle_workers(capacity: IntArray) -> AnyArray:
    workers = np.zeros(int(capacity.sum()), kernel.WORKER)
    workers["pool"] = np.repeat(np.arange(len(capacity)), capacity)
    for name in ("ordered_s", "ready_s", "stop_s", "resized_s", "half_open_s"):
        workers[name] = np.nan
    for name in ("node", "member", "replaces"):
        workers[name] = kernel.NONE
    return workers


def _empty_trees(pools: AnyArray) -> IntArray:
    """Winner trees without ready workers, for the layout in `pools`."""
    return np.full(int(2 * pools["leaves"].sum()), kernel.NOT_READY, np.int64)


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
    workers = state.workers
    if np.any(wanted > 0):
        free = np.bincount(workers["pool"][workers["phase"] == 0], minlength=len(wanted))
        if np.any(free < wanted):
            missing = np.maximum(wanted - free, 0)
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
    moved = np.arange(len(old)) + (_starts(capacity) - state.pools["first_worker"])[old["pool"]]
    workers = _idle_workers(capacity)
    workers[moved] = old
    in_service = np.zeros((len(workers), state.in_service.shape[1]), np.int32)
    in_service[moved] = state.in_service
    members = np.zeros(len(workers), np.int32)
    members[moved] = state.members  # by index in the pool, which does not change
    pools = len(state.pools)
    lanes = _empty_lanes(pools + len(workers), state.lanes.shape[1])
    lanes[:pools] = state.lanes[:pools]
    lanes[pools + moved] = state.lanes[pools:]
    _lay_out(state.pools, capacity)
    held = state.outcomes["worker"] >= 0
    state.outcomes["worker"][held] = moved[state.outcomes["worker"][held]]
    _renumber(state.heap[: int(state.clock["heap_size"][0])], moved)
    cached = _empty_memories(len(workers), state.cached.shape[1])
    cached[moved] = state.cached
    state = state._replace(
        workers=workers,
        cached=cached,
        lanes=lanes,
        members=members,
        in_service=in_service,
        tree=_empty_trees(state.pools),
    )
    kernel.rank_all(state)
    return state


def _renumber(events: AnyArray, moved: IntArray) -> None:
    """Replaces worker numbers in pending events; their order is kept, as numbers keep theirs."""
    kind, number = events["code"] >> kernel.KIND_SHIFT, events["code"] & kernel.NUMBER_MASK
    of_worker = (kind > kernel.END) & (kind < kernel.EXPIRE)
    number[of_worker] = moved[number[of_worker]]
    events["code"] = (kind << kernel.KIND_SHIFT) | number
