"""Allocates the simulator's arrays from a cluster's parameters, and grows them when needed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State, Views
from engine.units import AnyArray, FloatArray, Int32Array, IntArray

STARTUP_DRAWS = 1024
"""Start-up times drawn per pool; the k-th order takes the k-th, whatever the policy."""
LONG_AGO_S = -86400.0
"""Since when the initial workers count as ready."""
SPARE_WORKERS = 8
_UNLIMITED = np.iinfo(np.int64).max


class Size(NamedTuple):
    """One of the sizes that a pool's workers come in."""

    slots: int
    speed: float = 1.0
    """Divides service times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolParameters:
    """One pool, as numbers. inf means never; `queue_limit` None means unlimited."""

    slots: int
    """Of its first size, which has speed 1."""
    workers_max: int
    workers_initial: int
    startup_draws_s: FloatArray
    """(STARTUP_DRAWS,) seconds."""
    contention: float = 0.0
    queue_timeout_s: float = np.inf
    exec_timeout_s: float = np.inf
    drain_grace_s: float = np.inf
    queue_limit: int | None = None
    shared_queue: bool = False
    router: int = kernel.LEAST_CONNECTIONS
    """One of the kernel's routers."""
    other_sizes: tuple[Size, ...] = ()
    size: int = 0
    """Of the workers at the start and of those ordered; 0: the first, 1: the first other one."""

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The first size and the others."""
        return (Size(self.slots), *self.other_sizes)


class Arrivals(NamedTuple):
    """What arrives; shared by all replays of one trace and scenario."""

    requests: AnyArray
    """(n,) kernel.REQUEST"""
    roots: Int32Array
    """(<= n,) the requests that arrive by themselves, in order of arrival"""


def make_requests(
    arrival_s: FloatArray,
    work_s: FloatArray,
    *,
    pool: Int32Array | None = None,
    after: Int32Array | None = None,
    think_s: FloatArray | None = None,
) -> Arrivals:
    """The kernel's input.

    Args:
        arrival_s: (n,) seconds, non-decreasing among requests that arrive by themselves.
        work_s: (n,) seconds of service alone on a worker.
        pool: (n,) pool numbers; None: all in pool 0.
        after: (n,) the request to wait for or -1; None: none waits.
        think_s: (n,) seconds between the end of `after` and the arrival; None: 0.
    """
    n = len(arrival_s)
    requests = np.zeros(n, kernel.REQUEST)
    requests["arrival_s"] = arrival_s
    requests["work_s"] = work_s
    requests["pool"] = 0 if pool is None else pool
    requests["first_child"] = requests["next_sibling"] = kernel.NONE
    if after is None or not np.any(after >= 0):
        return Arrivals(requests, np.arange(n, dtype=np.int32))
    requests["think_s"] = 0.0 if think_s is None else think_s
    requests["first_child"], requests["next_sibling"] = _family(after)
    return Arrivals(requests, np.flatnonzero(after < 0).astype(np.int32))


def _family(after: Int32Array) -> tuple[Int32Array, Int32Array]:
    """First child and next sibling of each request, children in order. (n,) each, -1: none."""
    n = len(after)
    first_child = np.full(n, kernel.NONE, np.int32)
    next_sibling = np.full(n, kernel.NONE, np.int32)
    children = np.flatnonzero(after >= 0)
    order = children[np.lexsort((children, after[children]))]
    parents = after[order]
    starts = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]])
    first_child[parents[starts]] = order[starts]
    same = np.flatnonzero(parents[1:] == parents[:-1])
    next_sibling[order[same]] = order[same + 1]
    return first_child, next_sibling


def make_state(
    arrivals: Arrivals,
    pools: tuple[PoolParameters, ...],
    *,
    horizon_s: float = np.inf,
    abandon: bool = False,
    seed: int = 0,
) -> State:
    """A cluster at time 0 with its initial workers ready and nothing in it.

    Args:
        arrivals: what will arrive.
        pools: one entry a pool.
        horizon_s: sessions' requests that would arrive later than this never do.
        abandon: a failed request ends its session.
        seed: of routing draws and of the workers that faults pick.
    """
    capacity = np.array([pool.workers_max + SPARE_WORKERS for pool in pools], np.int64)
    slots = max(size.slots for pool in pools for size in pool.sizes)
    workers, pool_records = _idle_workers(capacity), _pools(pools, capacity)
    events = _slice_events(capacity, slots) + len(arrivals.requests) - len(arrivals.roots)
    clock = np.zeros(1, kernel.CLOCK)
    clock["horizon_s"] = horizon_s
    clock["abandon"] = abandon
    clock["seed"] = seed
    state = State(
        requests=arrivals.requests,
        roots=arrivals.roots,
        outcomes=_outcomes(len(arrivals.requests)),
        pools=pool_records,
        counters=np.zeros((len(pools), kernel.COUNTERS), np.int64),
        integrals=np.zeros((len(pools), kernel.INTEGRALS), np.float64),
        ended=np.zeros((len(pools), kernel.BUCKETS), np.int64),
        startup_draws=np.array([pool.startup_draws_s for pool in pools], np.float64),
        sizes=_sizes(pools),
        workers=workers,
        members=np.zeros(len(workers), np.int32),
        in_service=np.zeros((len(workers), slots), np.int32),
        tree=_empty_trees(pool_records),
        heap=np.zeros(events, kernel.EVENT),
        clock=clock,
    )
    for number, pool in enumerate(pools):
        kernel.start_ready(state, number, pool.workers_initial, LONG_AGO_S)
    return state


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
    ):
        records[name] = [getattr(pool, name) for pool in pools]
    for name in ("queue_head", "queue_tail", "expire_head", "expire_tail"):
        records[name] = kernel.NONE
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
            sizes[number, column] = (size.speed, size.slots)
    return sizes


def _lay_out(pools: AnyArray, capacity: IntArray) -> None:
    """Sets where each pool's workers and winner tree lie, for `capacity` (pools,) workers."""
    leaves = _leaves(capacity)
    pools["capacity"], pools["first_worker"] = capacity, _starts(capacity)
    pools["leaves"], pools["tree_start"] = leaves, _starts(2 * leaves)


def _idle_workers(capacity: IntArray) -> AnyArray:
    workers = np.zeros(int(capacity.sum()), kernel.WORKER)
    workers["pool"] = np.repeat(np.arange(len(capacity)), capacity)
    workers["ordered_s"] = workers["ready_s"] = workers["drain_s"] = np.nan
    for name in ("queue_head", "queue_tail", "node", "member"):
        workers[name] = kernel.NONE
    return workers


def _empty_trees(pools: AnyArray) -> IntArray:
    """Winner trees without ready workers, for the layout in `pools`."""
    return np.full(int(2 * pools["leaves"].sum()), kernel.NOT_READY, np.int64)


def _slice_events(capacity: IntArray, slots: int) -> int:
    """Events that one slice can add.

    An end per slot, once more for requests that are lost, each worker's readiness and end of
    drain, each pool's timer.
    """
    return int(capacity.sum()) * (2 * slots + 2) + len(capacity) + 16


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
    waiting_sessions = len(state.requests) - len(state.roots)
    needed = (
        int(state.clock["heap_size"][0])
        + _slice_events(state.pools["capacity"], state.in_service.shape[1])
        + waiting_sessions
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
    _lay_out(state.pools, capacity)
    held = state.outcomes["worker"] >= 0
    state.outcomes["worker"][held] = moved[state.outcomes["worker"][held]]
    _renumber(state.heap[: int(state.clock["heap_size"][0])], moved)
    state = state._replace(
        workers=workers, members=members, in_service=in_service, tree=_empty_trees(state.pools)
    )
    kernel.rank_all(state)
    return state


def _renumber(events: AnyArray, moved: IntArray) -> None:
    """Replaces worker numbers in pending events; their order is kept, as numbers keep theirs."""
    kind, number = events["code"] >> kernel.KIND_SHIFT, events["code"] & kernel.NUMBER_MASK
    of_worker = (kind == kernel.BECOME_READY) | (kind == kernel.DRAIN_END)
    number[of_worker] = moved[number[of_worker]]
    events["code"] = (kind << kernel.KIND_SHIFT) | number
