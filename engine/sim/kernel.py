"""The request-level cluster simulator: one event loop over plain arrays.

One file on purpose: numba's on-disk cache does not notice changes in functions imported from
elsewhere. Python regains control after every `advance`, which is where policies, progress and
cancellation live.

Order of simultaneous events is a contract: decisions (taken between slices, so before anything
that happens at the same instant), then END, BECOME_READY, DRAIN_END, EXPIRE, ARRIVE; among
equals the lower request, worker or pool number first.

Letters in array comments: N requests, P pools, W workers, B latency buckets, H heap capacity.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from engine.units import AnyArray, FloatArray, Int32Array, IntArray

# Request status
NOT_ARRIVED, QUEUED, IN_SERVICE, FINISHED = 0, 1, 2, 3
QUEUE_TIMEOUT, EXEC_TIMEOUT, REJECTED, LOST = 4, 5, 6, 7
OUT_OF_TIME = 8  # in service, but will be cut off by the execution time-out

# Worker phase
OFF, STARTING, READY, DRAINING = 0, 1, 2, 3

# Event kind, in the order of simultaneous events
END, BECOME_READY, DRAIN_END, EXPIRE, ARRIVE = 0, 1, 2, 3, 4
KIND_SHIFT = 40
NUMBER_MASK = (1 << KIND_SHIFT) - 1

# Columns of the per-pool counters: six counts of the tick, then five levels
C_ARRIVED, C_FINISHED, C_QUEUE_TIMEOUT, C_EXEC_TIMEOUT, C_REJECTED, C_LOST = range(6)
C_QUEUED, C_IN_SERVICE, C_STARTING, C_READY, C_DRAINING = range(6, 11)
COUNTERS = 11
# Columns of the per-pool integrals over one tick
F_OFFERED_SLOT_S, F_BUSY_SLOT_S, F_STARTING_S, F_READY_S, F_DRAINING_S, F_P95_S = range(6)
INTEGRALS = 6

BUCKETS = 1024
BUCKET_MIN_S = 1e-4
LOG_WIDTH = 0.019802627296179712  # ln 1.02: midpoints are within 1 % of what they stand for

# Routers, in the order of `engine.scenario.RouterKind`
LEAST_CONNECTIONS, RANDOM, ROUND_ROBIN, POWER_OF_TWO, PREDICTED_COMPLETION = range(5)
SCAN_MAX, SAMPLED = 64, 16
"""Scoring routers look at all workers of a pool up to SCAN_MAX, else at SAMPLED drawn ones."""

# What a random draw is for; each purpose has its own numbers
FOR_WORKER, FOR_OTHER_WORKER, FOR_CRASH, FOR_SLOW, FOR_CANDIDATE = range(5)

# Keys of the winner trees: whether all slots are taken, requests held, index in the pool, from the
# highest bits to the lowest, so that the smallest key is the routable worker with a free slot that
# holds the fewest requests, the lowest on ties.
FULL_BIT = 62
INDEX_BITS = 24
INDEX_MASK = (1 << INDEX_BITS) - 1
NOT_READY = np.iinfo(np.int64).max

NONE = -1

REQUEST = np.dtype(
    [
        ("arrival_s", "f8"),  # of requests that arrive by themselves
        ("work_s", "f8"),  # service time alone on a worker
        ("think_s", "f8"),  # wait before the arrival of a request that waits for another
        ("pool", "i4"),
        ("first_child", "i4"),  # first request that waits for this one
        ("next_sibling", "i4"),
        ("spare", "i4"),
    ]
)
OUTCOME = np.dtype(
    [
        ("arrived_s", "f8"),
        ("start_s", "f8"),
        ("end_s", "f8"),
        ("worker", "i4"),
        ("next_in_queue", "i4"),
        ("next_to_expire", "i4"),
        ("place", "i2"),  # position among the requests in service on the worker
        ("status", "i2"),
    ]
)
POOL = np.dtype(
    [
        ("contention", "f8"),
        ("queue_timeout_s", "f8"),  # inf: never
        ("exec_timeout_s", "f8"),  # inf: never
        ("drain_grace_s", "f8"),  # inf: never
        ("queue_limit", "i8"),
        ("size", "i8"),  # of workers ordered from now on, a column of State.sizes
        ("router", "i8"),
        ("shared_queue", "i8"),
        ("first_worker", "i8"),  # workers are first_worker .. first_worker + capacity - 1
        ("capacity", "i8"),
        ("tree_start", "i8"),  # winner tree lies at tree_start .. + 2 * leaves - 1
        ("leaves", "i8"),
        # state
        ("reachable", "i8"),
        ("routable", "i8"),  # workers that requests may be routed to
        ("turn", "i8"),  # of round robin
        ("started", "i8"),  # workers ordered so far, selects the start-up draw
        ("queue_head", "i8"),
        ("queue_tail", "i8"),
        ("waiting", "i8"),  # requests in the pool's own queue
        ("expire_head", "i8"),
        ("expire_tail", "i8"),
        ("timer_set", "i8"),
        ("levels_since_s", "f8"),  # starting, ready and draining are integrated up to here
    ]
)
WORKER = np.dtype(
    [
        ("ordered_s", "f8"),
        ("ready_s", "f8"),
        ("drain_s", "f8"),
        ("busy_since_s", "f8"),
        ("busy_slot_s", "f8"),  # in this tick
        ("own_speed", "f8"),  # of its size on its node
        ("speed", "f8"),  # divides service times of requests that start now
        ("slots", "i4"),
        ("size", "i4"),
        ("node", "i4"),  # NONE: on a machine of its own
        ("member", "i4"),  # place among the routable workers of the pool, NONE: not routable
        ("pool", "i4"),
        ("phase", "i4"),
        ("busy", "i4"),
        ("queued", "i4"),
        ("queue_head", "i4"),
        ("queue_tail", "i4"),
    ]
)
SIZE = np.dtype([("speed", "f8"), ("slots", "i8")])
EVENT = np.dtype([("time_s", "f8"), ("code", "i8")])  # code: kind << KIND_SHIFT | number
CLOCK = np.dtype(
    [
        ("next_root", "i8"),
        ("heap_size", "i8"),
        ("horizon_s", "f8"),  # sessions' requests that would arrive later never do
        ("abandon", "i8"),  # a failed request ends its session
        ("seed", "i8"),  # of all draws
        ("faults", "i8"),  # picks of workers so far, numbers their draws
    ]
)


class State(NamedTuple):
    """A cluster in the middle of a replay. Records, so that one pointer serves many fields."""

    requests: AnyArray  # (N,) REQUEST; read only, shared by replays of one trace and scenario
    roots: Int32Array  # (<= N,) requests that arrive by themselves, in order of arrival
    outcomes: AnyArray  # (N,) OUTCOME
    pools: AnyArray  # (P,) POOL
    counters: IntArray  # (P, COUNTERS)
    integrals: FloatArray  # (P, INTEGRALS)
    ended: IntArray  # (P, B) latencies of the requests that finished in this tick
    startup_draws: FloatArray  # (P, K) seconds, used in turn
    sizes: AnyArray  # (P, most sizes of a pool) SIZE
    workers: AnyArray  # (W,) WORKER
    members: Int32Array  # (W,) a pool's routable workers, by index in the pool, at first_worker
    in_service: Int32Array  # (W, largest number of slots)
    tree: IntArray  # winner trees of all pools
    heap: AnyArray  # (H,) EVENT, a binary heap
    clock: AnyArray  # (1,) CLOCK


class Views(NamedTuple):
    """What a metrics server sees of the workers.

    Pool p's are the first `number[p]` entries from its first worker's place on, in order.
    """

    utilisation_of: FloatArray  # (W,) by worker number, NaN: no sample
    started_s: FloatArray  # (W,)
    ready_s: FloatArray  # (W,) NaN while starting
    utilisation: FloatArray  # (W,)
    draining: Int32Array  # (W,)
    number: IntArray  # (P,)


# No reference counting (_nrt): nothing here allocates or keeps arrays, and counting the references
# to a dozen of them on every inner call took half of the time (measured).
_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False, "error_model": "numpy"}
compiled = njit(**_OPTIONS)
inlined = njit(forceinline=True, **_OPTIONS)


@inlined
def _rise(heap, at, time_s, code):
    """Puts an event into the hole `at` or above it."""
    while at > 0:
        parent = (at - 1) >> 1
        t = heap[parent].time_s
        if t < time_s or (t == time_s and heap[parent].code <= code):
            break
        heap[at].time_s = t
        heap[at].code = heap[parent].code
        at = parent
    heap[at].time_s = time_s
    heap[at].code = code


@inlined
def _push(state, time_s, code):
    clock = state.clock[0]
    _rise(state.heap, clock.heap_size, time_s, code)
    clock.heap_size += 1


@inlined
def _pop(state):
    clock, heap = state.clock[0], state.heap
    n = clock.heap_size - 1
    clock.heap_size = n
    time_s, code = heap[n].time_s, heap[n].code
    at, child = 0, 1
    while child < n:  # walk the hole to the bottom, then let the last event rise from there
        right = child + 1
        if right < n:
            if heap[right].time_s == heap[child].time_s:
                child += heap[right].code < heap[child].code
            else:
                child += heap[right].time_s < heap[child].time_s
        heap[at].time_s = heap[child].time_s
        heap[at].code = heap[child].code
        at = child
        child = 2 * at + 1
    _rise(heap, at, time_s, code)


@inlined
def _set_key(state, w, key):
    """Puts `w` into its pool's winner tree: each node holds the smallest key below it."""
    tree = state.tree
    pool = state.pools[state.workers[w].pool]
    base = pool.tree_start
    at = pool.leaves + (w - pool.first_worker)
    tree[base + at] = key
    while at > 1:
        smallest = min(tree[base + at], tree[base + (at ^ 1)])
        at >>= 1
        if tree[base + at] == smallest:
            return
        tree[base + at] = smallest


@inlined
def _held(state, w):
    return state.workers[w].busy + state.workers[w].queued


@inlined
def _reload(state, w):
    """Re-ranks `w` after its requests changed; only routable workers are in the tree."""
    worker = state.workers[w]
    if worker.member != NONE:
        first = state.pools[worker.pool].first_worker
        full = np.int64(worker.busy >= worker.slots) << FULL_BIT
        _set_key(state, w, full | np.int64(_held(state, w)) << INDEX_BITS | (w - first))


@compiled
def _join(state, w):
    """Requests may be routed to `w` from now on."""
    pool = state.pools[state.workers[w].pool]
    if pool.reachable == 0:
        return
    state.workers[w].member = pool.routable
    state.members[pool.first_worker + pool.routable] = w - pool.first_worker
    pool.routable += 1
    _reload(state, w)


@compiled
def _part(state, w):
    """No request is routed to `w` any more; the last member takes its place."""
    place = state.workers[w].member
    if place == NONE:
        return
    pool = state.pools[state.workers[w].pool]
    pool.routable -= 1
    last = state.members[pool.first_worker + pool.routable]
    state.members[pool.first_worker + place] = last
    state.workers[pool.first_worker + last].member = place
    state.workers[w].member = NONE
    _set_key(state, w, NOT_READY)


@inlined
def _bits(state, number, purpose):
    """64 random bits that depend on the seed, a number and what they are for (SplitMix64)."""
    z = np.uint64(state.clock[0].seed) * np.uint64(0xD1342543DE82EF95)
    z += np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(purpose + 1) * np.uint64(0xDA942042E4DD58B5)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def _below(state, number, purpose, limit):
    """A random whole number from 0 to `limit` - 1."""
    high = _bits(state, number, purpose) >> np.uint64(32)
    return np.int64((high * np.uint64(limit)) >> np.uint64(32))


@inlined
def _member(state, p, place):
    first = state.pools[p].first_worker
    return first + state.members[first + place]


@compiled
def _power_of_two(state, p, i):
    routable = state.pools[p].routable
    one = _below(state, i, FOR_WORKER, routable)
    if routable == 1:
        return _member(state, p, one)
    other = _below(state, i, FOR_OTHER_WORKER, routable - 1)
    other += other >= one
    first, second = _member(state, p, one), _member(state, p, other)
    return second if _held(state, second) < _held(state, first) else first


@compiled
def _predicted_completion(state, p, i):
    """The mean service time is the same for all workers of a pool, so it does not decide."""
    routable = state.pools[p].routable
    chosen, least = np.int64(NONE), np.inf
    for k in range(routable if routable <= SCAN_MAX else SAMPLED):
        place = k
        if routable > SCAN_MAX:
            place = _below(state, i * SAMPLED + k, FOR_CANDIDATE, routable)
        w = _member(state, p, place)
        worker = state.workers[w]
        wait = (_held(state, w) + 1) / (worker.slots * worker.speed)
        if wait < least or (wait == least and w < chosen):
            chosen, least = w, wait
    return chosen


@compiled
def _choose(state, p, i):
    """The worker for request `i` by the pool's router, which is not least connections."""
    pool = state.pools[p]
    if pool.routable == 0:
        return np.int64(NONE)
    if pool.router == RANDOM:
        return _member(state, p, _below(state, i, FOR_WORKER, pool.routable))
    if pool.router == ROUND_ROBIN:
        turn = pool.turn
        pool.turn += 1
        return _member(state, p, turn % pool.routable)
    if pool.router == POWER_OF_TWO:
        return _power_of_two(state, p, i)
    return _predicted_completion(state, p, i)


@inlined
def _route(state, p, i):
    """The worker for request `i`, or NONE. Workers pull from a shared queue: no router there."""
    if state.pools[p].router == LEAST_CONNECTIONS or state.pools[p].shared_queue == 1:
        least = state.tree[state.pools[p].tree_start + 1]
        if least == NOT_READY:
            return np.int64(NONE)
        return state.pools[p].first_worker + (least & INDEX_MASK)
    return _choose(state, p, i)


@inlined
def _account_busy(state, w, now):
    state.workers[w].busy_slot_s += state.workers[w].busy * (now - state.workers[w].busy_since_s)
    state.workers[w].busy_since_s = now


@inlined
def _account_levels(state, p, now):
    passed = now - state.pools[p].levels_since_s
    state.integrals[p, F_STARTING_S] += state.counters[p, C_STARTING] * passed
    state.integrals[p, F_READY_S] += state.counters[p, C_READY] * passed
    state.integrals[p, F_DRAINING_S] += state.counters[p, C_DRAINING] * passed
    state.pools[p].levels_since_s = now


@inlined
def _start(state, i, w, now):
    """Request `i` takes a slot of worker `w`."""
    p = state.requests[i].pool
    _account_busy(state, w, now)
    others = state.workers[w].busy
    service_s = state.requests[i].work_s
    if others > 0:
        service_s *= 1.0 + state.pools[p].contention * others / (state.workers[w].slots - 1)
    service_s /= state.workers[w].speed
    status = IN_SERVICE
    if service_s > state.pools[p].exec_timeout_s:
        service_s = state.pools[p].exec_timeout_s
        status = OUT_OF_TIME
    state.outcomes[i].status = status
    state.outcomes[i].start_s = now
    state.outcomes[i].end_s = now + service_s
    state.outcomes[i].worker = w
    state.outcomes[i].place = others
    state.in_service[w, others] = i
    state.workers[w].busy = others + 1
    state.counters[p, C_IN_SERVICE] += 1
    _push(state, now + service_s, i)  # END is kind 0


@inlined
def _leave(state, p, i, w, now):
    """Request `i` frees its slot of worker `w`."""
    _account_busy(state, w, now)
    last = state.workers[w].busy - 1
    state.workers[w].busy = last
    place = state.outcomes[i].place
    moved = state.in_service[w, last]
    state.in_service[w, place] = moved
    state.outcomes[moved].place = place
    state.counters[p, C_IN_SERVICE] -= 1


@inlined
def _enqueue(state, p, i, w, now):
    """Request `i` waits at worker `w`, or in the pool's queue if `w` is NONE."""
    state.outcomes[i].status = QUEUED
    state.outcomes[i].worker = w
    state.outcomes[i].next_in_queue = NONE
    if w == NONE:
        if state.pools[p].queue_head == NONE:
            state.pools[p].queue_head = i
        else:
            state.outcomes[state.pools[p].queue_tail].next_in_queue = i
        state.pools[p].queue_tail = i
        state.pools[p].waiting += 1
    else:
        if state.workers[w].queue_head == NONE:
            state.workers[w].queue_head = i
        else:
            state.outcomes[state.workers[w].queue_tail].next_in_queue = i
        state.workers[w].queue_tail = i
        state.workers[w].queued += 1
        _reload(state, w)
    state.counters[p, C_QUEUED] += 1
    if state.pools[p].queue_timeout_s < np.inf:
        _watch(state, p, i, now)


@inlined
def _watch(state, p, i, now):
    """Puts `i` on the pool's list of requests that may time out, oldest first."""
    state.outcomes[i].next_to_expire = NONE
    if state.pools[p].expire_head == NONE:
        state.pools[p].expire_head = i
    else:
        state.outcomes[state.pools[p].expire_tail].next_to_expire = i
    state.pools[p].expire_tail = i
    if state.pools[p].timer_set == 0:
        state.pools[p].timer_set = 1
        _push(state, now + state.pools[p].queue_timeout_s, (EXPIRE << KIND_SHIFT) | p)


@inlined
def _take_from_worker(state, w):
    """The oldest request that still waits at `w`, or NONE."""
    i = state.workers[w].queue_head
    while i != NONE and state.outcomes[i].status != QUEUED:
        i = state.outcomes[i].next_in_queue
    if i == NONE:
        state.workers[w].queue_head = NONE
        return NONE
    state.workers[w].queue_head = state.outcomes[i].next_in_queue
    state.workers[w].queued -= 1
    state.counters[state.workers[w].pool, C_QUEUED] -= 1
    return i


@inlined
def _take_from_pool(state, p):
    """The oldest request that still waits in the pool's queue, or NONE."""
    i = state.pools[p].queue_head
    while i != NONE and state.outcomes[i].status != QUEUED:
        i = state.outcomes[i].next_in_queue
    if i == NONE:
        state.pools[p].queue_head = NONE
        return NONE
    state.pools[p].queue_head = state.outcomes[i].next_in_queue
    state.pools[p].waiting -= 1
    state.counters[p, C_QUEUED] -= 1
    return i


@inlined
def _release(state, i, now, failed):
    """Lets the requests that waited for `i` arrive after their think time."""
    child = state.requests[i].first_child
    if failed and state.clock[0].abandon == 1:
        child = NONE
    while child != NONE:
        at = now + state.requests[child].think_s
        if at < state.clock[0].horizon_s:
            _push(state, at, (ARRIVE << KIND_SHIFT) | child)
        child = state.requests[child].next_sibling


@inlined
def _fail(state, i, now, status, counter):
    """Request `i`, which holds no slot and no place in a queue any more, ends in failure."""
    state.outcomes[i].status = status
    state.outcomes[i].end_s = now
    state.counters[state.requests[i].pool, counter] += 1
    _release(state, i, now, True)


@inlined
def _arrive(state, i, now):
    p = state.requests[i].pool
    state.outcomes[i].arrived_s = now
    state.counters[p, C_ARRIVED] += 1
    state.integrals[p, F_OFFERED_SLOT_S] += state.requests[i].work_s
    w = np.int64(NONE)
    if state.pools[p].waiting == 0:
        w = _route(state, p, i)
    if w != NONE and state.workers[w].busy < state.workers[w].slots:
        _start(state, i, w, now)
        _reload(state, w)
    elif w != NONE and state.pools[p].shared_queue == 0:
        if state.workers[w].queued >= state.pools[p].queue_limit:
            _fail(state, i, now, REJECTED, C_REJECTED)
        else:
            _enqueue(state, p, i, w, now)
    elif state.pools[p].waiting >= state.pools[p].queue_limit:
        _fail(state, i, now, REJECTED, C_REJECTED)
    else:
        _enqueue(state, p, i, NONE, now)


@compiled
def _stop_worker(state, w, now):
    """Worker `w`, which holds nothing any more, is gone."""
    p = state.workers[w].pool
    _account_levels(state, p, now)
    state.counters[p, C_DRAINING] -= 1
    state.workers[w].phase = OFF
    state.workers[w].queue_head = NONE


@inlined
def _end(state, i, now):
    """Request `i` leaves its slot, and the next one in line takes it."""
    status = state.outcomes[i].status
    if status != IN_SERVICE and status != OUT_OF_TIME:
        return  # it was lost with its worker
    w, p = state.outcomes[i].worker, state.requests[i].pool
    _leave(state, p, i, w, now)
    if status == IN_SERVICE:
        state.outcomes[i].status = FINISHED
        state.counters[p, C_FINISHED] += 1
        state.ended[p, latency_bucket(now - state.outcomes[i].arrived_s)] += 1
        _release(state, i, now, False)
    else:
        _fail(state, i, now, EXEC_TIMEOUT, C_EXEC_TIMEOUT)
    following = NONE
    if state.workers[w].queued > 0:
        following = _take_from_worker(state, w)
    elif state.workers[w].member != NONE and state.pools[p].waiting > 0:
        following = _take_from_pool(state, p)
    if following != NONE:
        _start(state, following, w, now)
    elif state.workers[w].phase == DRAINING and state.workers[w].busy == 0:
        _stop_worker(state, w, now)
    _reload(state, w)


@compiled
def _become_ready(state, w, now):
    if state.workers[w].phase != STARTING or state.workers[w].ready_s != now:
        return  # cancelled since
    p = state.workers[w].pool
    _account_levels(state, p, now)
    state.counters[p, C_STARTING] -= 1
    state.counters[p, C_READY] += 1
    state.workers[w].phase = READY
    _join(state, w)
    _pull(state, w, now)


@compiled
def _pull(state, w, now):
    """Routable worker `w` takes what waits in the pool's queue."""
    p = state.workers[w].pool
    if state.workers[w].member == NONE:
        return
    while state.pools[p].waiting > 0 and state.workers[w].busy < state.workers[w].slots:
        _start(state, _take_from_pool(state, p), w, now)
    _reload(state, w)


@compiled
def _lose(state, w, now):
    """What worker `w` holds is lost."""
    p = state.workers[w].pool
    while state.workers[w].busy > 0:
        i = state.in_service[w, state.workers[w].busy - 1]
        _leave(state, p, i, w, now)
        _fail(state, i, now, LOST, C_LOST)
    while state.workers[w].queued > 0:
        _fail(state, _take_from_worker(state, w), now, LOST, C_LOST)


@compiled
def _drain_end(state, w, now):
    """The grace period of draining worker `w` is over: what it holds is lost."""
    p = state.workers[w].pool
    if (
        state.workers[w].phase != DRAINING
        or state.workers[w].drain_s + state.pools[p].drain_grace_s != now
    ):
        return
    _lose(state, w, now)
    _stop_worker(state, w, now)


@compiled
def _expire(state, p, now):
    """Times out the requests of pool `p` that waited long enough, then sets the next timer."""
    state.pools[p].timer_set = 0
    i = state.pools[p].expire_head
    while i != NONE:
        if state.outcomes[i].status == QUEUED:
            due_s = state.outcomes[i].arrived_s + state.pools[p].queue_timeout_s
            if due_s > now:
                state.pools[p].timer_set = 1
                _push(state, due_s, (EXPIRE << KIND_SHIFT) | p)
                break
            w = state.outcomes[i].worker
            state.counters[p, C_QUEUED] -= 1
            if w == NONE:
                state.pools[p].waiting -= 1
            else:
                state.workers[w].queued -= 1
                _reload(state, w)
            _fail(state, i, now, QUEUE_TIMEOUT, C_QUEUE_TIMEOUT)
        i = state.outcomes[i].next_to_expire
    state.pools[p].expire_head = i


@inlined
def latency_bucket(latency_s):
    """The log bucket of a latency: bucket b holds BUCKET_MIN_S * 1.02 ** [b, b + 1)."""
    if latency_s <= BUCKET_MIN_S:
        return 0
    return min(BUCKETS - 1, int(np.log(latency_s / BUCKET_MIN_S) / LOG_WIDTH))


@compiled
def _handle(state, code, now):
    """Any event but END, which `advance` handles itself because it is by far the most common."""
    kind, number = code >> KIND_SHIFT, code & NUMBER_MASK
    if kind == ARRIVE:
        _arrive(state, number, now)
    elif kind == EXPIRE:
        _expire(state, number, now)
    elif kind == BECOME_READY:
        _become_ready(state, number, now)
    else:
        _drain_end(state, number, now)


@compiled
def advance(state, until_s):
    """Handles every event before `until_s` (that instant excluded)."""
    roots, heap, clock = state.roots, state.heap, state.clock[0]
    k, last = clock.next_root, len(roots)
    while True:
        event_s, code = np.inf, 0
        if clock.heap_size > 0:
            event_s, code = heap[0].time_s, heap[0].code
        if k < last:
            i = roots[k]
            arrival_s = state.requests[i].arrival_s
            if arrival_s < event_s or (
                arrival_s == event_s and ((ARRIVE << KIND_SHIFT) | i) < code
            ):
                if arrival_s >= until_s:
                    break
                k += 1
                _arrive(state, i, arrival_s)
                continue
        if not event_s < until_s:
            break
        _pop(state)
        if code <= NUMBER_MASK:  # END is kind 0
            _end(state, code, event_s)
        else:
            _handle(state, code, event_s)
    clock.next_root = k


@compiled
def close_tick(state, now, utilisation, tick_s):
    """Brings all integrals to `now` and fills in each pool's 95th percentile of latency.

    utilisation (W,) receives the busy share of each worker's slots over the part of the tick in
    which it was ready or draining, NaN where there is no such part.
    """
    for p in range(len(state.pools)):
        _account_levels(state, p, now)
        busy_slot_s = 0.0
        first = state.pools[p].first_worker
        for w in range(first, first + state.pools[p].capacity):
            _account_busy(state, w, now)
            busy_slot_s += state.workers[w].busy_slot_s
            utilisation[w] = np.nan
            if state.workers[w].phase >= READY:
                seen_s = min(tick_s, now - state.workers[w].ready_s)
                if seen_s > 0.0:
                    share = state.workers[w].busy_slot_s / (seen_s * state.workers[w].slots)
                    utilisation[w] = min(1.0, share)
        state.integrals[p, F_BUSY_SLOT_S] = busy_slot_s
        state.integrals[p, F_P95_S] = percentile_of(state.ended[p], 0.95)


@compiled
def look(state, views):
    """Fills in what can be seen of each pool's workers; a start's end is not known before it."""
    for p in range(len(state.pools)):
        at = first = state.pools[p].first_worker
        for w in range(first, first + state.pools[p].capacity):
            worker = state.workers[w]
            if worker.phase == OFF:
                continue
            views.started_s[at] = worker.ordered_s
            views.ready_s[at] = np.nan if worker.phase == STARTING else worker.ready_s
            views.draining[at] = worker.phase == DRAINING
            views.utilisation[at] = views.utilisation_of[w]
            at += 1
        views.number[p] = at - first


@compiled
def run_tick(state, from_s, to_s, views, counters, integrals):
    """One tick, from `open_tick` to `look`; copies its (P, COUNTERS) and (P, INTEGRALS) out."""
    open_tick(state)
    advance(state, to_s)
    close_tick(state, to_s, views.utilisation_of, to_s - from_s)
    for p in range(len(state.pools)):
        for column in range(COUNTERS):
            counters[p, column] = state.counters[p, column]
        for column in range(INTEGRALS):
            integrals[p, column] = state.integrals[p, column]
    look(state, views)


@compiled
def percentile_of(counts, share):
    """The `share` quantile (nearest rank) of a latency histogram (B,), NaN if it is empty."""
    total = counts.sum()
    if total == 0:
        return np.nan
    rank = max(1, int(np.ceil(share * total - 1e-9)))
    seen = 0
    for bucket in range(len(counts)):
        seen += counts[bucket]
        if seen >= rank:
            return BUCKET_MIN_S * np.exp((bucket + 0.5) * LOG_WIDTH)
    return np.nan


@compiled
def open_tick(state):
    """Sets what is counted per tick back to zero."""
    state.counters[:, :C_QUEUED] = 0
    state.integrals[:, :] = 0.0
    state.ended[:, :] = 0
    for w in range(len(state.workers)):
        state.workers[w].busy_slot_s = 0.0


@inlined
def _furnish(state, w, node, node_speed):
    """Gives `w` the size that its pool orders, on a node."""
    p = state.workers[w].pool
    size = state.sizes[p, state.pools[p].size]
    state.workers[w].size = state.pools[p].size
    state.workers[w].slots = size.slots
    state.workers[w].own_speed = size.speed * node_speed
    state.workers[w].speed = state.workers[w].own_speed
    state.workers[w].node = node


@inlined
def _order(state, w, node, extra_s, node_speed, now):
    """Orders worker `w`, which is off, on a node that is ready after `extra_s`."""
    p = state.workers[w].pool
    draws = state.startup_draws.shape[1]
    ready_s = now + extra_s + state.startup_draws[p, state.pools[p].started % draws]
    state.pools[p].started += 1
    _furnish(state, w, node, node_speed)
    state.workers[w].phase = STARTING
    state.workers[w].ordered_s = now
    state.workers[w].ready_s = ready_s
    state.workers[w].busy_since_s = now
    state.counters[p, C_STARTING] += 1
    _push(state, ready_s, (BECOME_READY << KIND_SHIFT) | w)


@compiled
def scale_out(state, p, number, now):
    """Orders `number` workers of pool `p` on machines of their own; returns how many there was
    room for."""
    _account_levels(state, p, now)
    ordered = 0
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if ordered == number:
            break
        if state.workers[w].phase == OFF:
            _order(state, w, NONE, 0.0, 1.0, now)
            ordered += 1
    return ordered


@compiled
def order_workers(state, p, node, extra_s, speed, now):
    """Orders a worker of pool `p` on each node of `node` (n,); returns how many had room.

    extra_s (n,) seconds pass until the node can start workers; speed (n,) is the node's own.
    """
    _account_levels(state, p, now)
    ordered = 0
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if ordered == len(node):
            break
        if state.workers[w].phase == OFF:
            _order(state, w, node[ordered], extra_s[ordered], speed[ordered], now)
            ordered += 1
    return ordered


@compiled
def start_ready(state, p, number, since_s):
    """Makes the first `number` workers of pool `p` ready, as if they had been since `since_s`."""
    first = state.pools[p].first_worker
    for w in range(first, first + number):
        _furnish(state, w, NONE, 1.0)
        state.workers[w].phase = READY
        state.workers[w].ordered_s = since_s
        state.workers[w].ready_s = since_s
        _join(state, w)
    state.counters[p, C_READY] += number


@compiled
def rank_all(state):
    """Fills the winner trees from the workers' states."""
    for w in range(len(state.workers)):
        _reload(state, w)


@compiled
def _newest_starting(state, p):
    chosen = NONE
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if state.workers[w].phase == STARTING and (
            chosen == NONE or state.workers[w].ordered_s >= state.workers[chosen].ordered_s
        ):
            chosen = w
    return chosen


@compiled
def _least_loaded(state, p):
    chosen = NONE
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if state.workers[w].phase == READY and (
            chosen == NONE or _held(state, w) <= _held(state, chosen)
        ):
            chosen = w
    return chosen


@inlined
def _cancel(state, w):
    """Starting worker `w` is not wanted any more."""
    state.workers[w].phase = OFF
    state.counters[state.workers[w].pool, C_STARTING] -= 1


@compiled
def _drain(state, w, now):
    """Ready worker `w` finishes what it holds and is gone then."""
    p = state.workers[w].pool
    state.workers[w].phase = DRAINING
    state.workers[w].drain_s = now
    _part(state, w)
    state.counters[p, C_READY] -= 1
    state.counters[p, C_DRAINING] += 1
    if _held(state, w) == 0:
        _stop_worker(state, w, now)
    elif state.pools[p].drain_grace_s < np.inf:
        _push(state, now + state.pools[p].drain_grace_s, (DRAIN_END << KIND_SHIFT) | w)


@compiled
def _crash(state, w, now):
    """Worker `w`, in whatever phase, is gone with all it holds."""
    p = state.workers[w].pool
    _account_levels(state, p, now)
    if state.workers[w].phase == STARTING:
        _cancel(state, w)
        return
    _part(state, w)
    _lose(state, w, now)
    if state.workers[w].phase == READY:
        state.counters[p, C_READY] -= 1
        state.counters[p, C_DRAINING] += 1
    _stop_worker(state, w, now)


@compiled
def scale_in(state, p, number, now):
    """Removes `number` workers of pool `p`; returns how many there were to remove.

    Starting ones go first, the newest of them first; then the ready ones with the least load,
    the highest number on ties, which drain.
    """
    _account_levels(state, p, now)
    for removed in range(number):
        w = _newest_starting(state, p)
        if w != NONE:
            _cancel(state, w)
            continue
        w = _least_loaded(state, p)
        if w == NONE:
            return removed
        _drain(state, w, now)
    return number


@compiled
def drain_node(state, node, now):
    """The ready workers of a node drain, its starting ones are cancelled."""
    for w in range(len(state.workers)):
        if state.workers[w].node == node and state.workers[w].phase != OFF:
            _account_levels(state, state.workers[w].pool, now)
            if state.workers[w].phase == STARTING:
                _cancel(state, w)
            elif state.workers[w].phase == READY:
                _drain(state, w, now)


@compiled
def crash_node(state, node, now):
    """A node is gone with its workers and all they hold; returns how many workers that were."""
    crashed = 0
    for w in range(len(state.workers)):
        if state.workers[w].node == node and state.workers[w].phase != OFF:
            _crash(state, w, now)
            crashed += 1
    return crashed


@compiled
def _picked(state, p, purpose, fresh):
    """A ready worker of pool `p` by a seeded draw, or NONE; `fresh`: one at its own speed."""
    number = state.clock[0].faults
    state.clock[0].faults += 1
    chosen, smallest = np.int64(NONE), np.uint64(0)
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        worker = state.workers[w]
        if worker.phase != READY or (fresh and worker.speed != worker.own_speed):
            continue
        bits = _bits(state, (number << INDEX_BITS) | (w - first), purpose)
        if chosen == NONE or bits < smallest:
            chosen, smallest = w, bits
    return chosen


@compiled
def crash_workers(state, p, count, now):
    """`count` ready workers of pool `p` are gone with all they hold; returns how many were."""
    for crashed in range(count):
        w = _picked(state, p, FOR_CRASH, False)
        if w == NONE:
            return crashed
        _crash(state, w, now)
    return count


@compiled
def set_speed(state, p, count, factor):
    """`count` ready workers of pool `p` run what starts from now on at `factor` of their speed.

    Returns how many there were that did not do so yet.
    """
    for slowed in range(count):
        w = _picked(state, p, FOR_SLOW, True)
        if w == NONE:
            return slowed
        state.workers[w].speed = state.workers[w].own_speed * factor
    return count


@compiled
def restore_speed(state, p):
    """All workers of pool `p` run what starts from now on at their own speed again."""
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        state.workers[w].speed = state.workers[w].own_speed


@compiled
def set_reachable(state, p, reachable, now):
    """Cuts pool `p` off, or connects it again.

    While it is cut off nothing is routed to its workers, which go on with what they hold; its
    requests wait in the pool's queue.
    """
    if state.pools[p].reachable == reachable:
        return
    state.pools[p].reachable = reachable
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if reachable == 0:
            _part(state, w)
        elif state.workers[w].phase == READY:
            _join(state, w)
            _pull(state, w, now)
