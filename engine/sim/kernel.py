"""The request-level cluster simulator: one event loop over plain arrays.

One file on purpose: numba's on-disk cache does not notice changes in functions imported from
elsewhere. Python regains control after every `advance`, which is where policies, progress and
cancellation live.

Order of simultaneous events is a contract: decisions (taken between slices, so before anything
that happens at the same instant), then END, BECOME_READY, DRAIN_END, RESIZED, HALF_OPEN, EXPIRE,
ARRIVE; among equals the lower request, worker or pool number first.

Letters in array comments: N requests, P pools, W workers, T tenants (at least 1), B latency
buckets, H heap capacity.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from engine.sim.handle import pass_by_pointer
from engine.units import AnyArray, FloatArray, Int32Array, IntArray

# Request status
NOT_ARRIVED, QUEUED, IN_SERVICE, FINISHED = 0, 1, 2, 3
QUEUE_TIMEOUT, EXEC_TIMEOUT, REJECTED, LOST = 4, 5, 6, 7
OUT_OF_TIME = 8  # in service, but will be cut off by the execution time-out
RETRYING, SHED = 9, 10  # will arrive again after a failure; turned away by degradation

# Worker phase
OFF, STARTING, READY, DRAINING = 0, 1, 2, 3

# Event kind, in the order of simultaneous events
END, BECOME_READY, DRAIN_END, RESIZED, HALF_OPEN, EXPIRE, ARRIVE = range(7)
KIND_SHIFT = 40
NUMBER_MASK = (1 << KIND_SHIFT) - 1

# Circuit breaker of a worker
CLOSED, OPEN, PROBING = 0, 1, 2

# What is counted once of a request however often it is tried, bits of `noted`
NOTED_HIT, NOTED_DEGRADED = 1, 2

# Phase of a group of requests that start together
FORMING, COMPLETE, TOGETHER, SPOILT = 0, 1, 2, 3

# What happens when requests would need more memory than a worker has
NO_LIMIT, WAIT_FOR_MEMORY, CRASH_OVER_MEMORY = 0, 1, 2

# What is given up when a pool is overloaded, in the order of `engine.scenario.DegradeKind`
LEVEL_SHED, LEVEL_CACHED, LEVEL_SMALLER, LEVEL_DEADLINE = range(4)
MEAN_OF = 100  # finished requests that the mean service time of a pool remembers, about

# Where prefixes are kept beside the workers' memory
ZONE_CACHE, STORE_CACHE = 0, 1

# Columns of the per-pool counters: six counts of the tick, six levels, then more counts
C_ARRIVED, C_FINISHED, C_QUEUE_TIMEOUT, C_EXEC_TIMEOUT, C_REJECTED, C_LOST = range(6)
C_QUEUED, C_IN_SERVICE, C_STARTING, C_READY, C_DRAINING = range(6, 11)
C_RETRYING = 11
C_RETRIED, C_SHED, C_DEGRADED, C_CRASHED, C_START_FAILED, C_BREAKER = range(12, 18)
C_HIT_WORKER, C_HIT_ZONE, C_HIT_STORE = range(18, 21)
COUNTERS = 21
FAILED_COUNTERS = C_QUEUE_TIMEOUT - QUEUE_TIMEOUT  # from a failure's status to its counter
# Columns of the per-pool integrals over one tick
F_OFFERED_SLOT_S, F_BUSY_SLOT_S, F_STARTING_S, F_READY_S, F_DRAINING_S, F_P95_S = range(6)
F_SLOT_S = 6  # provisioned slots: of starting, ready and draining workers
INTEGRALS = 7

BUCKETS = 1024
BUCKET_MIN_S = 1e-4
LOG_WIDTH = 0.019802627296179712  # ln 1.02: midpoints are within 1 % of what they stand for

# Routers, in the order of `engine.scenario.RouterKind`
LEAST_CONNECTIONS, RANDOM, ROUND_ROBIN, POWER_OF_TWO, PREDICTED_COMPLETION = range(5)
LEAST_AGENT_LOAD, CONTEXT_AWARE, SEVEN_FACTOR, WEIGHTED_ROUND_ROBIN, HIERARCHICAL = range(5, 10)
LEARNERS = (CONTEXT_AWARE, SEVEN_FACTOR, WEIGHTED_ROUND_ROBIN)  # go by running means
SCAN_MAX, SAMPLED = 64, 16
"""Scoring routers look at all workers of a pool up to SCAN_MAX, else at SAMPLED drawn ones."""

# Columns of what `weigh` says of a worker: its number, requests held, whether no more can wait
# there, shares of its cores and memory in use, its part of the type's requests, its queue, its
# latency against the pool's, its performance, whether it has the session's data and its type is
# the tenant's, its score for context, the weight of its size; the score by which the pool's router
# ranks
(W_WORKER, W_HELD, W_BLOCKED, W_CPU, W_MEMORY, W_PART, W_QUEUE, W_LATENCY, W_PERFORMANCE, W_DATA,
 W_SPECIAL, W_CONTEXT, W_WEIGHT, W_SCORE) = range(14)  # fmt: skip
WEIGHED = 14
# Rows of State.merits, what the scores of learning routers are made of: the order on equal scores,
# 0 or infinite where it is blocked, weight of the size, requests held, the parts that free cores
# and memory and room in the queue have in scores, and means over what ended there (NOT_KNOWN in
# the two times where nothing has)
(M_RANK, M_BLOCKED, M_WEIGHT, M_HELD, M_FREE, M_IDLE, M_ROOM, M_GOOD, M_SERVICE_S,
 M_LATENCY_S) = range(10)  # fmt: skip
MERITS = 10
NOT_KNOWN = -1.0
AVERAGE = 0.5  # latency and performance of a worker like all others, or of which nothing is known
LEAST_FREE = 0.05  # share of its slots that a weight counts as free at least
LEAST_SHARE = 0.01  # of its plain weight that a worker keeps however bad it is
FULL_PENALTY = 1e6  # of a score, so that workers with free slots come first
FREE_COUNTS = 0.5  # for the choice of a region, beside its appeal

# What a random draw is for; each purpose has its own numbers
FOR_WORKER, FOR_OTHER_WORKER, FOR_CRASH, FOR_SLOW, FOR_CANDIDATE, FOR_START, FOR_RETRY = range(7)
FOR_CACHED = 7

FAILED_START_S = 1.0  # between the failure of a start and the next try
MINUTE_S = 60.0  # over which a retry budget looks back

# Keys of the winner trees: whether all slots are taken, requests held, index in the pool, from the
# highest bits to the lowest, so that the smallest key is the routable worker with a free slot that
# holds the fewest requests, the lowest on ties.
FULL_BIT = 62
INDEX_BITS = 24
INDEX_MASK = (1 << INDEX_BITS) - 1
NOT_READY = np.iinfo(np.int64).max
# Those of nodes: requests held per slot in steps of 1 / 2**LOAD_BITS, then requests queued.
LOAD_BITS, QUEUE_BITS = 12, 8
LOAD_MOST: Any = (1 << (FULL_BIT - INDEX_BITS - QUEUE_BITS)) - 1
QUEUE_MOST: Any = (1 << QUEUE_BITS) - 1

UNLIMITED = np.iinfo(np.int64).max

NONE = -1
NOWHERE: Any = np.int64(NONE)
"""The same where functions are compiled for its type, which should be that of numbers."""

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
TRAIT = np.dtype(
    [
        ("memory_kib", "i8"),  # while in service
        ("tenant", "i4"),
        ("chain", "i4"),  # session on the agent type, NONE: none
        ("group", "i4"),  # that starts together, NONE: none
        ("spare", "i4"),
        ("prefix_s", "f8"),  # prefill that a cache hit spares
    ]
)
EFFORT = np.dtype(
    [
        ("queued_s", "f8"),  # since when it waits, where it waits
        ("tries", "i2"),  # that failed
        ("noted", "i2"),  # what was counted of it in any of its tries
        ("before_in_expiry", "i4"),
    ]
)
LEVEL = np.dtype(
    [("kind", "i8"), ("above", "f8"), ("below", "f8"), ("amount", "f8"), ("rank", "i8")]
)
CHAIN = np.dtype(
    [
        ("ordered_s", "f8"),  # when the worker that served it last was ordered
        ("worker", "i4"),  # index in the pool, NONE: none yet
        ("pool", "i4"),
        ("kept_at", "i4"),  # where in a worker's memory it was kept last
        ("spare", "i4"),
    ]
)
SHELF = np.dtype(
    [
        ("used_s", "f8"),
        ("newer", "i4"),
        ("older", "i4"),
        ("there", "i4"),
        ("place", "i4"),
    ]
)
PLACE = np.dtype([("newest", "i4"), ("oldest", "i4"), ("number", "i8")])
CACHED = np.dtype([("used_s", "f8"), ("chain", "i8")])
LANE = np.dtype([("head", "i4"), ("tail", "i4")])
TENANT = np.dtype(
    [
        ("rank", "i8"),
        ("aging_s", "f8"),  # inf: never
        ("share", "f8"),  # of the pool's slots that it may use, 1: all
        ("floor", "f8"),  # of the pool's slots that others may not use
        # state
        ("busy", "i8"),
        ("waiting", "i8"),
        # counted since the start
        ("arrived", "i8"),
        ("finished", "i8"),
        ("failed", "i8"),
        ("offered_slot_s", "f8"),
        ("latency_s", "f8"),  # summed over the finished ones
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
        ("plain", "i8"),  # the router only counts connections, nothing but slots is short
        ("shared_queue", "i8"),
        ("partitioned", "i8"),  # tenants have shares or floors of its slots
        ("over_memory", "i8"),  # NO_LIMIT, WAIT_FOR_MEMORY or CRASH_OVER_MEMORY
        ("resize_in_place", "i8"),
        ("resize_s", "f8"),
        ("delay_s", "f8"),  # round trip of callers, part of the latency
        ("kind", "i8"),  # agent type; the hierarchical router chooses among its pools
        ("appeal", "f8"),  # of its region
        ("zone", "i8"),  # rows of its shared cache and its persistent store in State.places
        ("region", "i8"),
        ("first_worker", "i8"),  # workers are first_worker .. first_worker + capacity - 1
        ("capacity", "i8"),
        ("tree_start", "i8"),  # winner tree lies at tree_start .. + 2 * leaves - 1
        ("leaves", "i8"),
        ("used", "i8"),  # the workers that were ever there are the first so many
        ("tree_top", "i8"),  # node of the winner tree above all of those
        ("first_berth", "i8"),  # as many as nodes and workers
        ("berth_tree", "i8"),
        ("berth_leaves", "i8"),
        # state
        ("weights_s", "f8"),  # when weights were refreshed
        ("preference", "f8"),  # for the pool among those that requests may be sent to
        ("weight", "f8"),  # of the pool in its region
        ("credit", "f8"),
        ("first_complete", "i8"),  # groups that wait for slots
        ("last_complete", "i8"),
        ("held_back", "i8"),  # slots are kept for the first of them
        ("reachable", "i8"),
        ("routable", "i8"),  # workers that requests may be routed to
        ("routable_slots", "i8"),
        ("slots", "i8"),  # of starting, ready and draining workers
        ("start_failure", "f8"),  # probability
        ("served", "i8"),  # as far as the mean remembers
        ("mean_service_s", "f8"),
        ("recent_s", "f8"),  # arrivals and retries are those of about the minute before
        ("recent_arrivals", "f8"),
        ("recent_retries", "f8"),
        ("turn", "i8"),  # of round robin
        ("started", "i8"),  # workers ordered so far, selects the start-up draw
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
        (
            "stop_s",
            "f8",
        ),  # of a draining one, inf: when it holds nothing; of one that is gone, when
        ("resized_s", "f8"),  # when next_size holds
        ("half_open_s", "f8"),  # when its breaker lets probes through
        ("busy_since_s", "f8"),
        ("busy_slot_s", "f8"),  # in this tick
        ("was_until_s", "f8"),  # when its size changed in this tick
        ("was_slot_s", "f8"),  # of busy_slot_s, until then
        ("own_speed", "f8"),  # of its size on its node
        ("slowed", "f8"),  # factor of a fault
        ("speed", "f8"),  # divides service times of requests that start now
        ("memory_kib", "i8"),  # of what is in service
        ("room_kib", "i8"),
        ("slots", "i4"),
        ("size", "i4"),
        ("next_size", "i4"),
        ("was", "i4"),  # its size before the change in this tick, NONE: it did not change
        ("replaces", "i4"),  # index in the pool of the worker that drains when this one is ready
        ("replaced", "i4"),  # whether such a worker was started for this one
        ("breaker", "i4"),
        ("streak", "i4"),  # failures in a row, or successes while probing
        ("node", "i4"),  # NONE: on a machine of its own
        ("member", "i4"),  # place among the routable workers of the pool, NONE: not routable
        ("pool", "i4"),
        ("phase", "i4"),
        ("busy", "i4"),
        ("queued", "i4"),
    ]
)
STANDING = np.dtype(
    [
        # running means over what ended there, and how much that was
        ("seen_s", "f8"),
        ("weight", "f8"),
        ("latency_s", "f8"),
        ("service_s", "f8"),
        ("good", "f8"),  # share that did not time out
        # weighted round robin
        ("share", "f8"),
        ("credit", "f8"),
        # what its berth has of it
        ("berth", "i4"),  # NONE: none
        ("next", "i4"),  # index in the pool of the next worker in the berth
        ("before", "i4"),
        ("held", "i4"),
        ("queued", "i4"),
        ("open", "i4"),
        # what a group that is about to start would have of it
        ("kept", "i4"),
        ("spare", "i4"),
        ("kept_kib", "i8"),
    ]
)
BERTH = np.dtype(
    [
        ("slots", "i8"),
        ("held", "i8"),
        ("queued", "i8"),
        ("open", "i8"),  # workers that would start a request at once
        ("first", "i8"),  # index in the pool, NONE: no routable worker
    ]
)
REGION = np.dtype([("free", "f8"), ("slots", "f8")])
GROUP = np.dtype(
    [
        ("size", "i4"),
        ("there", "i4"),
        ("head", "i4"),
        ("tail", "i4"),
        ("next", "i4"),  # in a list of groups
        ("phase", "i4"),
    ]
)
SIZE = np.dtype(
    [
        ("speed", "f8"),
        ("slots", "i8"),
        ("room_kib", "i8"),
        ("cpu_share", "f8"),
        ("weight", "f8"),  # routers that score or go by weights give its workers more by it
    ]
)
EVENT = np.dtype(
    {  # code: kind << KIND_SHIFT | number; bits: those of time_s, which order times from 0 on too
        "names": ["time_s", "bits", "code"],
        "formats": ["f8", "i8", "i8"],
        "offsets": [0, 0, 8],
    }
)
CLOCK = np.dtype(
    [
        ("next_root", "i8"),
        ("heap_size", "i8"),
        ("horizon_s", "f8"),  # sessions' requests that would arrive later never do
        ("abandon", "i8"),  # a failed request ends its session
        ("seed", "i8"),  # of all draws
        ("faults", "i8"),  # picks of workers so far, numbers their draws
        ("tools_until_s", "f8"),  # tool waits do not end before
        ("tenants", "i8"),  # whether requests have tenants
        ("levels", "i8"),  # of degradation
        ("sited", "i8"),  # whether the hierarchical router chooses pools
        ("nodes", "i8"),
        ("learns", "i8"),  # whether running means are kept
        ("ewma_s", "f8"),
        ("adapt_s", "f8"),
        ("factor", "f8", 7),  # of the seven-factor router, they add up to 1
        ("groups", "i8"),  # whether requests have any
        ("operated_s", "f8"),  # when something was last done from outside, NaN: reviewed since
        ("first_spoilt", "i8"),  # groups of which a member failed
        ("affinity", "i8"),
        ("affinity_slack", "i8"),
        ("cache", "i8"),
        ("worker_ttl_s", "f8"),
        ("ttl_s", "f8", 2),  # of zone and store
        ("fetch_s", "f8", 2),
        ("capacity", "i8", 2),
        ("adjusts_work", "i8"),  # whether any of the three does
        ("notes_arrivals", "i8"),  # whether anybody counts them by tenant or in the last minute
        ("attempts", "i8"),  # tries a request has, 1: no retries
        ("backoff_s", "f8"),
        ("multiplier", "f8"),
        ("backoff_max_s", "f8"),
        ("jitter", "i8"),
        ("retry_budget", "f8"),  # retries per arrival, inf: no limit
        ("breaker_failures", "i8"),  # in a row that open a breaker, 0: no breakers
        ("breaker_open_s", "f8"),
        ("breaker_probes", "i8"),
        ("breaker_successes", "i8"),
    ]
)


class State(NamedTuple):
    """A cluster in the middle of a replay. Records, so that one pointer serves many fields."""

    requests: AnyArray  # (N,) REQUEST; read only, shared by replays of one trace and scenario
    roots: Int32Array  # (<= N,) requests that arrive by themselves, in order of arrival
    traits: AnyArray  # (N,) TRAIT, or (1,) where no part of the scenario needs them; read only
    outcomes: AnyArray  # (N,) OUTCOME
    efforts: AnyArray  # (N,) EFFORT, or (1,) without retries
    sites: Int32Array  # (N,) pool that each was sent to, or (1,) without the hierarchical router
    pools: AnyArray  # (P,) POOL
    counters: IntArray  # (P, COUNTERS)
    integrals: FloatArray  # (P, INTEGRALS)
    ended: IntArray  # (P, B) latencies of the requests that finished in this tick
    startup_draws: FloatArray  # (P, K) seconds, used in turn
    sizes: AnyArray  # (P, most sizes of a pool) SIZE
    workers: AnyArray  # (W,) WORKER
    lanes: AnyArray  # (P + W, T) LANE, queues of the pools and then of the workers, by tenant
    tenants: AnyArray  # (P, T) TENANT
    permits: IntArray  # (T, P) whether a tenant's requests may run in a pool
    specials: IntArray  # (T, P) whether the pool's agent type is for the tenant
    groups: AnyArray  # (G,) GROUP
    regions: AnyArray  # (R,) REGION, for the hierarchical router's sums
    levels: AnyArray  # (D,) LEVEL, in the order in which they are tried
    engaged: IntArray  # (P, D) whether a pool is at a level
    chains: AnyArray  # (C,) CHAIN
    shelves: AnyArray  # (2, C) SHELF: each prefix in its zone's cache and its region's store
    places: AnyArray  # (2, places) PLACE
    cached: AnyArray  # (W, prefixes) CACHED, in the memory of workers
    learnt: AnyArray  # (P,) STANDING, of which only the means matter
    standings: AnyArray  # (W,) STANDING
    berths: AnyArray  # (nodes and workers of each pool) BERTH, a node's workers of one pool
    berth_tree: IntArray  # winner trees over them
    members: Int32Array  # (W,) a pool's routable workers, by index in the pool, at first_worker
    merits: FloatArray  # (MERITS, W) of the members, in the same places
    in_service: Int32Array  # (W, largest number of slots)
    tree: IntArray  # winner trees of all pools
    heap: AnyArray  # (H,) EVENT, a heap in which each has up to four below it
    clock: AnyArray  # (1,) CLOCK


pass_by_pointer(State)


class Views(NamedTuple):
    """What a metrics server sees of the workers.

    Pool p's are the first `number[p]` entries from its first worker's place on, in order.
    """

    utilisation_of: FloatArray  # (W,) by worker number, NaN: no sample
    started_s: FloatArray  # (W,)
    ready_s: FloatArray  # (W,) NaN while starting
    utilisation: FloatArray  # (W,)
    draining: Int32Array  # (W,)
    size: Int32Array  # (W,) a column of State.sizes
    memory_kib: IntArray  # (W,) of what is in service
    number: IntArray  # (P,)


# No reference counting (_nrt): nothing here allocates or keeps arrays, and counting the references
# to a dozen of them on every inner call took half of the time (measured).
_OPTIONS: dict[str, Any] = {
    "nogil": True, "cache": True, "_nrt": False, "error_model": "numpy", "no_cfunc_wrapper": True,
}  # fmt: skip
# Wrappers by which Python could call a function cost most of its compilation (measured).
_INTERNAL: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True}
# Functions inherit `forceinline` from the first one that needs them, if it is not said (measured).
compiled = njit(forceinline=False, **_OPTIONS)
internal = njit(forceinline=False, **_INTERNAL)
inlined = njit(forceinline=True, **_INTERNAL)


@inlined
def _at(records, number):
    """The record of a number that is not negative, which spares every look the check for it."""
    return records[np.uint64(number)]


@inlined
def _rise(heap, at, time_s, code):
    """Puts an event into the hole `at` or above it."""
    while at > 0:
        parent = (at - 1) >> 2
        above = _at(heap, parent)
        if above.time_s < time_s or (above.time_s == time_s and above.code <= code):
            break
        hole = _at(heap, at)
        hole.bits = above.bits
        hole.code = above.code
        at = parent
    hole = _at(heap, at)
    hole.time_s = time_s
    hole.code = code


@internal
def _is_live(state, time_s, code):
    """Whether an event still has a meaning: what it announces was not undone since."""
    kind, number = code >> KIND_SHIFT, code & NUMBER_MASK
    if kind == END:
        status = state.outcomes[number].status
        waits = status in (IN_SERVICE, OUT_OF_TIME)
        return waits and state.outcomes[number].end_s == time_s
    if kind >= EXPIRE:
        return True
    worker = state.workers[number]
    if kind == BECOME_READY:
        return worker.phase == STARTING and worker.ready_s == time_s
    if kind == DRAIN_END:
        return worker.phase == DRAINING and worker.stop_s == time_s
    if kind == RESIZED:
        return worker.phase == READY and worker.resized_s == time_s
    there = worker.phase in (STARTING, READY)
    return there and worker.breaker == OPEN and worker.half_open_s == time_s


@internal
def _sweep(state):
    """Drops the events that mean nothing any more; there are always fewer others than room."""
    heap, kept = state.heap, 0
    for k in range(state.clock[0].heap_size):
        time_s, code = heap[k].time_s, heap[k].code
        if _is_live(state, time_s, code):
            _rise(heap, kept, time_s, code)
            kept += 1
    state.clock[0].heap_size = kept


@inlined
def _push(state, time_s, code):
    clock = state.clock[0]
    if clock.heap_size == len(state.heap):
        _sweep(state)
    _rise(state.heap, clock.heap_size, time_s, code)
    clock.heap_size += 1


@internal
def _schedule(state, time_s, code):
    """The same where it is rare; compiling the other one in each place takes too long."""
    _push(state, time_s, code)


@inlined
def _earlier(heap, one, other):
    """Which of two events comes first; without a jump where their times differ."""
    a, b = _at(heap, one), _at(heap, other)
    if a.bits == b.bits:
        return other if b.code < a.code else one
    return other if b.bits < a.bits else one


@inlined
def _pop(state):
    clock, heap = state.clock[0], state.heap
    n = clock.heap_size - 1
    clock.heap_size = n
    time_s, code = _at(heap, n).time_s, _at(heap, n).code
    at, child = 0, 1
    while child < n:  # walk the hole to the bottom, then let the last event rise from there
        if child + 3 < n:
            first = _earlier(heap, child, child + 1)
            first = _earlier(heap, first, _earlier(heap, child + 2, child + 3))
        else:
            first = child
            for other in range(child + 1, n):
                first = _earlier(heap, first, other)
        hole, below = _at(heap, at), _at(heap, first)
        hole.bits = below.bits
        hole.code = below.code
        at = first
        child = 4 * at + 1
    _rise(heap, at, time_s, code)


@inlined
def _pool_of(state, w):
    return np.int64(_at(state.workers, w).pool)


@inlined
def _pool(state, i):
    """The pool of request `i`: its own, or the one that the hierarchical router sent it to."""
    if state.clock[0].sited == 1:
        return np.int64(state.sites[i])
    return np.int64(_at(state.requests, i).pool)


@inlined
def _set_key(state, w, key):
    """Puts `w` into its pool's winner tree: each node holds the smallest key below it."""
    pool = _at(state.pools, _pool_of(state, w))
    _settle(state.tree, pool.tree_start, pool.tree_top, pool.leaves + w - pool.first_worker, key)


@inlined
def _settle(tree, start, top, leaf, key):
    """Puts a key into a leaf of the winner tree at `start`, and who wins into all up to `top`."""
    base, at = np.uint64(start), np.uint64(leaf)
    tree[base + at] = key
    while at > np.uint64(top):
        smallest = min(key, tree[base + (at ^ np.uint64(1))])
        at >>= np.uint64(1)
        if tree[base + at] == smallest:
            return
        tree[base + at] = key = smallest


@inlined
def _held(state, w):
    worker = _at(state.workers, w)
    return worker.busy + worker.queued


@inlined
def _goes_by_merit(router):
    return router == CONTEXT_AWARE or router == SEVEN_FACTOR  # a tuple would not be compiled away


@inlined
def _reload(state, w):
    """Re-ranks `w` after its requests changed; only routable workers are in the tree."""
    worker = _at(state.workers, w)
    if worker.member != NONE:
        if worker.breaker == PROBING and _held(state, w) >= state.clock[0].breaker_probes:
            _part(state, w)
            return
        pool = _at(state.pools, _pool_of(state, w))
        full = np.int64(worker.busy >= worker.slots or worker.queued > 0) << FULL_BIT
        number = w - pool.first_worker
        _set_key(state, w, full | np.int64(_held(state, w)) << INDEX_BITS | number)
        if state.clock[0].sited == 1:
            _recount(state, w)
        if _goes_by_merit(pool.router):
            _appraise(state, w)


@internal
def _recount(state, w):
    """Brings the berth of routable worker `w` up to date."""
    worker, own = state.workers[w], state.standings[w]
    p = _pool_of(state, w)
    berth = state.berths[state.pools[p].first_berth + own.berth]
    is_open = np.int32(worker.busy < worker.slots and worker.queued == 0)
    berth.held += _held(state, w) - own.held
    berth.queued += worker.queued - own.queued
    berth.open += is_open - own.open
    own.held = _held(state, w)
    own.queued = worker.queued
    own.open = is_open
    _rank_berth(state, p, np.int64(own.berth))


@internal
def _rank_berth(state, p, number):
    """Nodes rank by whether a slot is free, requests held per slot, then requests queued."""
    pool = state.pools[p]
    berth = state.berths[pool.first_berth + number]
    key = np.int64(NOT_READY)
    if berth.first != NONE:
        load = min(np.int64((berth.held << LOAD_BITS) // berth.slots), LOAD_MOST)
        key = np.int64(berth.open == 0) << FULL_BIT | load << (INDEX_BITS + QUEUE_BITS)
        key |= min(np.int64(berth.queued), QUEUE_MOST) << INDEX_BITS | number
    _settle(state.berth_tree, pool.berth_tree, 1, pool.berth_leaves + number, key)


@internal
def _moor(state, w):
    """Worker `w`, routable now, counts for its node, or for itself where it has none."""
    worker, own, p = state.workers[w], state.standings[w], _pool_of(state, w)
    pool = state.pools[p]
    own.berth = worker.node if worker.node >= 0 else state.clock[0].nodes + w - pool.first_worker
    berth = state.berths[pool.first_berth + own.berth]
    own.held = own.queued = own.open = 0
    own.before = NONE
    own.next = berth.first
    if berth.first != NONE:
        state.standings[pool.first_worker + berth.first].before = w - pool.first_worker
    berth.first = w - pool.first_worker
    berth.slots += worker.slots


@internal
def _cast_off(state, w):
    """Worker `w` counts for its node no more."""
    own, p = state.standings[w], _pool_of(state, w)
    pool = state.pools[p]
    berth = state.berths[pool.first_berth + own.berth]
    if own.before == NONE:
        berth.first = own.next
    else:
        state.standings[pool.first_worker + own.before].next = own.next
    if own.next != NONE:
        state.standings[pool.first_worker + own.next].before = own.before
    berth.slots -= state.workers[w].slots
    berth.held -= own.held
    berth.queued -= own.queued
    berth.open -= own.open
    _rank_berth(state, p, np.int64(own.berth))
    own.berth = NONE


@internal
def _rank(state, w):
    """The same where it is rare."""
    _reload(state, w)


@internal
def _join(state, w):
    """Requests may be routed to `w` from now on, unless something is in the way."""
    worker = state.workers[w]
    pool = state.pools[_pool_of(state, w)]
    probing = worker.breaker == PROBING and _held(state, w) >= state.clock[0].breaker_probes
    if worker.member != NONE or worker.breaker == OPEN or probing or pool.reachable == 0:
        return
    state.workers[w].member = pool.routable
    state.members[pool.first_worker + pool.routable] = w - pool.first_worker
    pool.routable += 1
    pool.routable_slots += worker.slots
    state.standings[w].share = worker.slots * worker.own_speed * _weight(state, w)
    state.standings[w].credit = 0.0
    if state.clock[0].sited == 1:
        _moor(state, w)
    _rank(state, w)


@internal
def _part(state, w):
    """No request is routed to `w` any more; the last member takes its place."""
    place = state.workers[w].member
    if place == NONE:
        return
    pool = state.pools[_pool_of(state, w)]
    pool.routable -= 1
    pool.routable_slots -= state.workers[w].slots
    last = np.int64(state.members[pool.first_worker + pool.routable])
    state.members[pool.first_worker + place] = last
    state.workers[pool.first_worker + last].member = place
    if _goes_by_merit(pool.router):
        _appraise(state, pool.first_worker + last)
    state.workers[w].member = NONE
    if state.clock[0].sited == 1:
        _cast_off(state, w)
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


@internal
def _fraction(state, number, purpose):
    """A random number from 0 to 1, 1 excluded."""
    return (_bits(state, number, purpose) >> np.uint64(11)) / 9007199254740992.0


@inlined
def _member(state, p, place):
    first = state.pools[p].first_worker
    return first + np.int64(state.members[first + place])


@internal
def _power_of_two(state, p, i):
    routable = state.pools[p].routable
    one = _below(state, i, FOR_WORKER, routable)
    if routable == 1:
        return _member(state, p, one)
    other = _below(state, i, FOR_OTHER_WORKER, routable - 1)
    other += other >= one
    first, second = _member(state, p, one), _member(state, p, other)
    return second if _held(state, second) < _held(state, first) else first


@inlined
def _weight(state, w):
    """What the policy gave workers of this size, 1 where it gave nothing."""
    return state.sizes[_pool_of(state, w), state.workers[w].size].weight


@inlined
def _cpu(state, p, w):
    """Share of its cores that worker `w` uses."""
    return min(1.0, state.workers[w].busy * state.sizes[p, state.workers[w].size].cpu_share)


@inlined
def _memory(state, w):
    """Share of the memory for requests that is in use at worker `w`; 0 where nobody counts it."""
    if state.workers[w].room_kib == 0:
        return 0.0
    return min(1.0, state.workers[w].memory_kib / state.workers[w].room_kib)


@inlined
def _part_held(state, p, w):
    """Share of the requests that the pool's workers hold, 0 where they hold none."""
    total = state.counters[p, C_QUEUED] + state.counters[p, C_IN_SERVICE] - state.pools[p].waiting
    return 0.0 if total == 0 else _held(state, w) / total


@inlined
def _queue(state, p, w):
    """How full the queue of worker `w` is, against its slots where the queue has no limit."""
    limit, queued = state.pools[p].queue_limit, state.workers[w].queued
    if limit == UNLIMITED:
        return queued / (queued + state.workers[w].slots)
    return 0.0 if limit == 0 else min(1.0, queued / limit)


@inlined
def _slowness(state, p, w):
    """Latency of worker `w` against that of its pool: 0 best, AVERAGE the same, 1 worst."""
    own, all_s = state.standings[w], state.learnt[p].latency_s
    if own.weight == 0.0 or own.latency_s + all_s == 0.0:
        return AVERAGE
    return own.latency_s / (own.latency_s + all_s)


@inlined
def _performance(state, p, w):
    """How quickly and how well worker `w` served lately: 0 worst, AVERAGE like its pool."""
    own, all_s = state.standings[w], state.learnt[p].service_s
    if own.weight == 0.0 or own.service_s + all_s == 0.0:
        return AVERAGE
    return own.good * (all_s / (own.service_s + all_s))


@inlined
def _has_data(state, p, i, w):
    """1 if worker `w` served the session of request `i` last, else 0."""
    if state.clock[0].affinity + state.clock[0].cache == 0:
        return 0.0
    chain = np.int64(state.traits[i].chain)
    if chain == NONE:
        return 0.0
    last = state.chains[chain]
    there = last.worker == w - state.pools[p].first_worker and last.pool == p
    return 1.0 if there and last.ordered_s == state.workers[w].ordered_s else 0.0


@inlined
def _context(state, p, i, w):
    """S2-R30: 0.3 data + 0.25 specialisation + 0.25 free resources + 0.2 performance."""
    free = 1.0 - 0.5 * (_cpu(state, p, w) + _memory(state, w))
    special = state.specials[_tenant(state, i), p]
    score = 0.3 * _has_data(state, p, i, w) + 0.25 * special
    return score + 0.25 * free + 0.2 * _performance(state, p, w)


@inlined
def _seven_factors(state, p, i, w):
    """S2-R13 with five factors turned round, so that more is better for each."""
    factor = state.clock[0].factor
    score = factor[0] * (1.0 - _cpu(state, p, w)) + factor[1] * (1.0 - _memory(state, w))
    score += factor[2] * (1.0 - _queue(state, p, w)) + factor[3] * (1.0 - _slowness(state, p, w))
    score += factor[4] * (1.0 - _part_held(state, p, w)) + factor[5] * _performance(state, p, w)
    return score + factor[6] * _context(state, p, i, w)


@inlined
def _agent_load(state, p, w):
    """S2-R28: 0.3 CPU + 0.2 memory + 0.3 part of the type's requests + 0.2 queue."""
    load = 0.3 * _cpu(state, p, w) + 0.2 * _memory(state, w)
    return load + 0.3 * _part_held(state, p, w) + 0.2 * _queue(state, p, w)


@inlined
def _score(state, router, p, i, w):
    """By which a router ranks workers; more is better."""
    weight = _weight(state, w)
    if router == LEAST_AGENT_LOAD:
        return -_agent_load(state, p, w) / weight
    if router == CONTEXT_AWARE:
        return _context(state, p, i, w) * weight
    if router == SEVEN_FACTOR:
        return _seven_factors(state, p, i, w) * weight
    if router == WEIGHTED_ROUND_ROBIN:
        return state.standings[w].credit + state.standings[w].share
    if router == PREDICTED_COMPLETION:
        capacity = state.workers[w].slots * state.workers[w].speed
        return -(_held(state, w) + 1) / (capacity * weight)
    full = state.workers[w].busy >= state.workers[w].slots or state.workers[w].queued > 0
    penalty = FULL_PENALTY if full else 0.0
    if router == HIERARCHICAL:
        load = _cpu(state, p, w) + _memory(state, w) + _queue(state, p, w)
        return -load / weight - penalty
    return -_held(state, w) - penalty


@inlined
def _is_blocked(state, p, w):
    """Whether a request at worker `w` would neither start nor find room in its queue."""
    worker = state.workers[w]
    waits = worker.queued > 0 or worker.busy >= worker.slots
    return waits and worker.queued >= state.pools[p].queue_limit


@inlined
def _candidate(state, p, i, k):
    """The k-th worker that a scoring router looks at."""
    routable = state.pools[p].routable
    if routable <= SCAN_MAX:
        return _member(state, p, k)
    return _member(state, p, _below(state, i * SAMPLED + k, FOR_CANDIDATE, routable))


@inlined
def _candidates(state, p):
    routable = state.pools[p].routable
    return routable if routable <= SCAN_MAX else SAMPLED


@internal
def _highest_score(state, p, i):
    """The worker that is not blocked, scores most, holds least and has the lowest number."""
    chosen, blocked, most = NOWHERE, True, -np.inf
    for k in range(_candidates(state, p)):
        w = _candidate(state, p, i, k)
        score = _score(state, state.pools[p].router, p, i, w)
        is_blocked = _is_blocked(state, p, w)
        if chosen != NONE:
            if is_blocked != blocked:
                if is_blocked:
                    continue
            elif score != most:
                if score < most:
                    continue
            elif _held(state, w) != _held(state, chosen):
                if _held(state, w) > _held(state, chosen):
                    continue
            elif w > chosen:
                continue
        chosen, blocked, most = w, is_blocked, score
    return chosen


@internal
def _appraise(state, w):
    """Keeps what the score of member `w` is made of, with the same operations as `_score`."""
    p, merits, factor = _pool_of(state, w), state.merits, state.clock[0].factor
    own, place = state.standings[w], state.pools[p].first_worker + state.workers[w].member
    cpu, memory, held = _cpu(state, p, w), _memory(state, w), np.int64(_held(state, w))
    merits[M_RANK, place] = held << INDEX_BITS | (w - state.pools[p].first_worker)
    merits[M_BLOCKED, place] = np.inf if _is_blocked(state, p, w) else 0.0
    merits[M_WEIGHT, place] = _weight(state, w)
    merits[M_HELD, place] = held
    merits[M_FREE, place] = 0.25 * (1.0 - 0.5 * (cpu + memory))
    merits[M_IDLE, place] = factor[0] * (1.0 - cpu) + factor[1] * (1.0 - memory)
    merits[M_ROOM, place] = factor[2] * (1.0 - _queue(state, p, w))
    merits[M_GOOD, place] = own.good
    merits[M_SERVICE_S, place] = NOT_KNOWN if own.weight == 0.0 else own.service_s
    merits[M_LATENCY_S, place] = NOT_KNOWN if own.weight == 0.0 else own.latency_s


@inlined
def _share_of(part_s, own_s, all_s):
    """`part_s`, one of the two times, of both; AVERAGE where nothing is known."""
    both_s = own_s + all_s
    return AVERAGE if own_s < 0.0 or both_s == 0.0 else part_s / both_s


@internal
def _most_merit(state, p, i):
    """The same worker as `_highest_score` finds among all, NONE where each is blocked.

    Goes through rows of numbers instead of the workers themselves, which took half of the time of
    a replay; only the worker that has the session's data, which is looked at first, scores more
    than they say.
    """
    pool, merits, factor = state.pools[p], state.merits, state.clock[0].factor
    service_s, latency_s = state.learnt[p].service_s, state.learnt[p].latency_s
    special, in_context = 0.25 * state.specials[_tenant(state, i), p], pool.router == CONTEXT_AWARE
    holds = state.counters[p, C_QUEUED] + state.counters[p, C_IN_SERVICE] - pool.waiting
    total = max(1.0, float(holds))
    chosen, most, rank = _server_of_session(state, p, i), -np.inf, np.inf
    if chosen != NONE:
        most = _rating(state, p, i, chosen)
        chosen = pool.first_worker + np.int64(state.workers[chosen].member)
        most, rank = most - merits[M_BLOCKED, chosen], merits[M_RANK, chosen]
    for k in range(pool.first_worker, pool.first_worker + pool.routable):
        if in_context and (special + merits[M_FREE, k] + 0.21) * merits[M_WEIGHT, k] < most:
            continue  # not even with the best performance, of which 0.2 counts
        own_s = merits[M_SERVICE_S, k]
        performance = _share_of(service_s, own_s, service_s)
        if own_s >= 0.0 and own_s + service_s != 0.0:
            performance *= merits[M_GOOD, k]
        score = special + merits[M_FREE, k] + 0.2 * performance
        if not in_context:
            own_s = merits[M_LATENCY_S, k]
            slowness = _share_of(own_s, own_s, latency_s)
            all_seven = merits[M_IDLE, k] + (merits[M_ROOM, k] + factor[3] * (1.0 - slowness))
            part = merits[M_HELD, k] / total
            all_seven += factor[4] * (1.0 - part) + factor[5] * performance
            score = all_seven + factor[6] * score
        score = score * merits[M_WEIGHT, k] - merits[M_BLOCKED, k]
        if score > most or (score == most and merits[M_RANK, k] < rank):
            chosen, most, rank = k, score, merits[M_RANK, k]
    if most == -np.inf:
        return NOWHERE
    return _member(state, p, chosen - pool.first_worker)


@internal
def _rating(state, p, i, w):
    """The same as `_score` where it is rare."""
    return _score(state, state.pools[p].router, p, i, w)


@internal
def _server_of_session(state, p, i):
    """The routable worker of pool `p` that served the session of request `i` last, or NONE."""
    if state.clock[0].affinity + state.clock[0].cache == 0:
        return NOWHERE
    chain = np.int64(state.traits[i].chain)
    if chain == NONE or state.chains[chain].pool != p or state.chains[chain].worker == NONE:
        return NOWHERE
    w = state.pools[p].first_worker + np.int64(state.chains[chain].worker)
    worker = state.workers[w]
    there = worker.member != NONE and worker.ordered_s == state.chains[chain].ordered_s
    return w if there else NOWHERE


@internal
def _refresh_weights(state, p, now):
    """S2-R27: capacity x performance x free share x speed of answers, never quite nothing."""
    state.pools[p].weights_s = now
    for k in range(state.pools[p].routable):
        w = _member(state, p, k)
        worker = state.workers[w]
        free = max(LEAST_FREE, 1.0 - _held(state, w) / worker.slots)
        quick = (1.0 - _slowness(state, p, w)) / AVERAGE
        now_worth = _performance(state, p, w) / AVERAGE * free * quick
        plain = worker.slots * worker.own_speed * _weight(state, w)
        state.standings[w].share = plain * max(LEAST_SHARE, now_worth)


@internal
def _weighted_turn(state, p, now):
    """Smooth weighted round robin: who has most credit pays for all that was given."""
    if now - state.pools[p].weights_s >= state.clock[0].adapt_s:
        _refresh_weights(state, p, now)
    total, chosen = 0.0, NOWHERE
    for k in range(state.pools[p].routable):
        w = _member(state, p, k)
        own = state.standings[w]
        own.credit += own.share
        total += own.share
        if (
            chosen == NONE
            or own.credit > state.standings[chosen].credit
            or (own.credit == state.standings[chosen].credit and w < chosen)
        ):
            chosen = w
    state.standings[chosen].credit -= total
    return chosen


@internal
def _at_best_node(state, p):
    """The node with free slots that is least busy, then its worker with most resources left."""
    pool = state.pools[p]
    key = state.berth_tree[pool.berth_tree + 1]
    k = np.int64(state.berths[pool.first_berth + (key & INDEX_MASK)].first)
    chosen, chosen_full, least = NOWHERE, np.int32(1), np.inf
    while k != NONE:
        w = pool.first_worker + k
        k = np.int64(state.standings[w].next)
        full = 1 - state.standings[w].open
        load = _cpu(state, p, w) + _memory(state, w) + _queue(state, p, w)
        load /= _weight(state, w)
        if chosen != NONE:
            if full != chosen_full:
                if full > chosen_full:
                    continue
            elif load != least:
                if load > least:
                    continue
            elif w > chosen:
                continue
        chosen, chosen_full, least = w, full, load
    return chosen


@inlined
def _free_slots(state, p):
    held = state.counters[p, C_QUEUED] + state.counters[p, C_IN_SERVICE]
    return max(0, state.pools[p].routable_slots - held)


@inlined
def _may_site(state, i, p, q, needs_slot):
    """Whether request `i` of pool `p` may be sent to pool `q`; residency is not negotiable.

    Where it `needs_slot` (1, else 0) only if one is free.
    """
    pool = state.pools[q]
    return (
        pool.kind == state.pools[p].kind
        and pool.routable > 0
        and (pool.waiting == 0 or pool.shared_queue == 1 or pool.partitioned == 1)
        and state.permits[_tenant(state, i), q] == 1
        and (needs_slot == 0 or _free_slots(state, q) > 0)
    )


@internal
def _best_region(state, i, p, needs_slot):
    """The region with most free slots and appeal that has a pool for request `i`, or NONE."""
    for r in range(len(state.regions)):
        state.regions[r].free = 0.0
        state.regions[r].slots = 0.0
    for q in range(len(state.pools)):
        if _may_site(state, i, p, q, needs_slot):
            region = state.regions[state.pools[q].region]
            region.free += _free_slots(state, q) * state.pools[q].preference
            region.slots += state.pools[q].routable_slots
    chosen, most = NOWHERE, -np.inf
    for q in range(len(state.pools)):
        if _may_site(state, i, p, q, needs_slot):
            region = state.regions[state.pools[q].region]
            score = FREE_COUNTS * region.free / region.slots + state.pools[q].appeal
            if score > most:
                chosen, most = np.int64(state.pools[q].region), score
    return chosen


@inlined
def _refresh_weight(state, q, now):
    """The weight of pool `q` in its region follows its free slots, once in a while."""
    pool = state.pools[q]
    if now - pool.weights_s >= state.clock[0].adapt_s:
        pool.weights_s = now
        free = _free_slots(state, q) / pool.routable_slots
        pool.weight = pool.routable_slots * pool.preference * max(LEAST_FREE, free)


@internal
def _site(state, i, now):
    """The pool for request `i`: a region, there a zone by turns; its own if none has workers.

    A level that is empty is left for the next one at the level above: regions and zones with free
    slots first, then those where it would wait.
    """
    p = np.int64(state.requests[i].pool)
    if state.clock[0].groups == 1 and state.traits[i].group != NONE:
        return p
    if state.clock[0].affinity == 1:
        chain = np.int64(state.traits[i].chain)
        if chain != NONE and state.chains[chain].worker != NONE:
            last = np.int64(state.chains[chain].pool)
            allowed = state.permits[_tenant(state, i), last] == 1
            if allowed and _place_of_session(state, last, i) != NONE:
                return last
    needs_slot = np.int64(1)
    region = _best_region(state, i, p, needs_slot)
    if region == NONE:
        needs_slot = np.int64(0)
        region = _best_region(state, i, p, needs_slot)
        if region == NONE:
            return p
    total, chosen = 0.0, NOWHERE
    for q in range(len(state.pools)):
        pool = state.pools[q]
        if pool.region != region or not _may_site(state, i, p, q, needs_slot):
            continue
        _refresh_weight(state, q, now)
        pool.credit += pool.weight
        total += pool.weight
        if chosen == NONE or pool.credit > state.pools[chosen].credit:
            chosen = np.int64(q)
    state.pools[chosen].credit -= total
    return chosen


@internal
def _choose(state, p, i, now):
    """The worker for request `i` by the pool's router, which is not least connections."""
    pool = state.pools[p]
    if pool.routable == 0:
        return NOWHERE
    if pool.router == RANDOM:
        return _member(state, p, _below(state, i, FOR_WORKER, pool.routable))
    if pool.router == ROUND_ROBIN:
        turn = pool.turn
        pool.turn += 1
        return _member(state, p, turn % pool.routable)
    if pool.router == POWER_OF_TWO:
        return _power_of_two(state, p, i)
    if pool.router == WEIGHTED_ROUND_ROBIN:
        return _weighted_turn(state, p, now)
    if pool.router == HIERARCHICAL:
        return _at_best_node(state, p)
    if _goes_by_merit(pool.router) and pool.routable <= SCAN_MAX:
        w = _most_merit(state, p, i)
        if w != NONE:
            return w
    return _highest_score(state, p, i)


@inlined
def _least(state, p):
    """The worker that is first in the winner tree, or NONE."""
    pool = _at(state.pools, p)
    key = state.tree[np.uint64(pool.tree_start + pool.tree_top)]
    if key == NOT_READY:
        return NOWHERE
    return pool.first_worker + (key & INDEX_MASK)


@internal
def _place_of_session(state, p, i):
    """The worker that served the session of `i` last, NONE if it is gone, closed or overloaded."""
    chain = np.int64(state.traits[i].chain)
    if chain == NONE or state.chains[chain].worker == NONE or state.chains[chain].pool != p:
        return NOWHERE
    w = state.pools[p].first_worker + np.int64(state.chains[chain].worker)
    worker, least = state.workers[w], _least(state, p)
    if (
        worker.member == NONE
        or worker.ordered_s != state.chains[chain].ordered_s
        or _held(state, w) > _held(state, least) + state.clock[0].affinity_slack
    ):
        return NOWHERE
    return w


@inlined
def _route(state, p, i, now):
    """The worker for request `i`, or NONE. Workers pull from a shared queue: no router there."""
    if state.clock[0].affinity == 1 and state.pools[p].shared_queue == 0:
        w = _place_of_session(state, p, i)
        if w != NONE:
            return w
    if state.pools[p].router == LEAST_CONNECTIONS or state.pools[p].shared_queue == 1:
        return _least(state, p)
    return _choose(state, p, i, now)


@inlined
def _account_busy(state, w, now):
    worker = _at(state.workers, w)
    worker.busy_slot_s += worker.busy * (now - worker.busy_since_s)
    worker.busy_since_s = now


@internal
def _account_levels(state, p, now):
    passed = now - state.pools[p].levels_since_s
    state.integrals[p, F_STARTING_S] += state.counters[p, C_STARTING] * passed
    state.integrals[p, F_READY_S] += state.counters[p, C_READY] * passed
    state.integrals[p, F_DRAINING_S] += state.counters[p, C_DRAINING] * passed
    state.integrals[p, F_SLOT_S] += state.pools[p].slots * passed
    state.pools[p].levels_since_s = now


@inlined
def _tenant(state, i):
    """The lane of request `i` in each queue."""
    if state.clock[0].tenants == 0:
        return np.int64(0)
    return np.int64(state.traits[i].tenant)


@internal
def _keep_in_worker(state, w, chain, now):
    """Worker `w` keeps the prefix of `chain`, in place of the one used least recently."""
    chosen = np.int64(state.chains[chain].kept_at)
    if state.cached[w, chosen].chain != chain:
        chosen = np.int64(0)
        for k in range(state.cached.shape[1]):
            if state.cached[w, k].chain == chain:
                chosen = np.int64(k)
                break
            if state.cached[w, k].used_s < state.cached[w, chosen].used_s:
                chosen = np.int64(k)
        state.chains[chain].kept_at = chosen
    state.cached[w, chosen].chain = chain
    state.cached[w, chosen].used_s = now


@inlined
def _kept_at(state, w, chain):
    """Where worker `w` keeps the prefix of `chain`, NONE if it does not."""
    if state.cached.shape[1] == 0:
        return NOWHERE
    place = np.int64(state.chains[chain].kept_at)
    if state.cached[w, place].chain == chain:
        return place
    for k in range(state.cached.shape[1]):
        if state.cached[w, k].chain == chain:
            return np.int64(k)
    return NOWHERE


@internal
def _unshelve(state, level, chain):
    """Takes a prefix out of a shared cache."""
    shelf = state.shelves[level, chain]
    ends = state.places[level, shelf.place]
    if shelf.newer == NONE:
        ends.newest = shelf.older
    else:
        state.shelves[level, shelf.newer].older = shelf.older
    if shelf.older == NONE:
        ends.oldest = shelf.newer
    else:
        state.shelves[level, shelf.older].newer = shelf.newer
    shelf.there = 0
    ends.number -= 1


@internal
def _shelve(state, level, place, chain, now):
    """Puts a prefix into a shared cache as the newest; the oldest one goes if there is no room.

    It is in one cache of a level at a time, that of where it was used last.
    """
    if state.clock[0].capacity[level] == 0:
        return
    shelf, ends = state.shelves[level, chain], state.places[level, place]
    if shelf.there == 1:
        _unshelve(state, level, chain)
    if ends.number == state.clock[0].capacity[level]:
        _unshelve(state, level, np.int64(ends.oldest))
    shelf.there = 1
    shelf.place = place
    shelf.used_s = now
    shelf.newer = NONE
    shelf.older = ends.newest
    if ends.newest == NONE:
        ends.oldest = chain
    else:
        state.shelves[level, ends.newest].newer = chain
    ends.newest = chain
    ends.number += 1


@internal
def _is_shelved(state, level, place, chain, now):
    shelf = state.shelves[level, chain]
    return (
        shelf.there == 1
        and shelf.place == place
        and now - shelf.used_s <= state.clock[0].ttl_s[level]
    )


@inlined
def _newly(state, i, bit):
    """1 if nothing of the kind was counted of request `i` yet, in this try or one before, else 0.

    Without retries a request starts at most once.
    """
    if state.clock[0].attempts == 1:
        return 1
    seen = state.efforts[i].noted & bit
    state.efforts[i].noted |= bit
    return 0 if seen else 1


@internal
def _spared_s(state, i, p, w, now):
    """Seconds of work that a cached prefix spares request `i` at worker `w`; used is kept."""
    chain, prefix_s = np.int64(state.traits[i].chain), state.traits[i].prefix_s
    if prefix_s <= 0.0:
        return 0.0
    zone, region, clock = state.pools[p].zone, state.pools[p].region, state.clock[0]
    place = _kept_at(state, w, chain)
    if place != NONE and now - state.cached[w, place].used_s <= clock.worker_ttl_s:
        state.cached[w, place].used_s = now
        state.counters[p, C_HIT_WORKER] += _newly(state, i, NOTED_HIT)
        return prefix_s
    for level in range(2):
        if _is_shelved(state, level, zone if level == ZONE_CACHE else region, chain, now):
            if state.cached.shape[1] > 0:
                _keep_in_worker(state, w, chain, now)
            _shelve(state, ZONE_CACHE, zone, chain, now)
            if level == STORE_CACHE:
                _shelve(state, STORE_CACHE, region, chain, now)
            state.counters[p, C_HIT_ZONE + level] += _newly(state, i, NOTED_HIT)
            return max(0.0, prefix_s - clock.fetch_s[level])
    return 0.0


@internal
def _cache_prefix(state, i, p, w, now):
    """Worker `w` has computed the prefix of the session of `i`; it is kept at every level."""
    chain = np.int64(state.traits[i].chain)
    if chain == NONE:
        return
    if state.cached.shape[1] > 0:
        _keep_in_worker(state, w, chain, now)
    _shelve(state, ZONE_CACHE, state.pools[p].zone, chain, now)
    _shelve(state, STORE_CACHE, state.pools[p].region, chain, now)


@internal
def _adjusted_work(state, i, p, w, now):
    """Seconds of work of request `i` at worker `w`, less what caches or a smaller model spare."""
    work_s, clock = state.requests[i].work_s, state.clock[0]
    chain = np.int64(state.traits[i].chain) if clock.affinity + clock.cache > 0 else NOWHERE
    if chain != NONE:
        state.chains[chain].worker = w - state.pools[p].first_worker
        state.chains[chain].ordered_s = state.workers[w].ordered_s
        state.chains[chain].pool = p
        if clock.cache == 1:
            work_s = max(0.0, work_s - _spared_s(state, i, p, w, now))
    smaller = False
    for d in range(clock.levels):
        if state.engaged[p, d] == 1 and state.levels[d].kind == LEVEL_SMALLER:
            work_s *= state.levels[d].amount
            smaller = True
    if smaller:
        state.counters[p, C_DEGRADED] += _newly(state, i, NOTED_DEGRADED)
    return work_s


@inlined
def _start(state, i, w, now):
    """Request `i` takes a slot of worker `w`."""
    p = _pool(state, i)
    _account_busy(state, w, now)
    pool, worker, outcome = _at(state.pools, p), _at(state.workers, w), _at(state.outcomes, i)
    others = worker.busy
    service_s = _at(state.requests, i).work_s
    if state.clock[0].adjusts_work == 1:
        service_s = _adjusted_work(state, i, p, w, now)
    if others > 0:
        service_s *= 1.0 + pool.contention * others / (worker.slots - 1)
    if worker.speed != 1.0:  # a division takes longer than to look
        service_s /= worker.speed
    status = IN_SERVICE
    if service_s > pool.exec_timeout_s:
        service_s = pool.exec_timeout_s
        status = OUT_OF_TIME
    outcome.status = status
    outcome.start_s = now
    outcome.end_s = now + service_s
    outcome.worker = w
    outcome.place = others
    state.in_service[np.uint64(w), np.uint64(others)] = i
    worker.busy = others + 1
    state.counters[np.uint64(p), C_IN_SERVICE] += 1
    if pool.over_memory != NO_LIMIT:
        worker.memory_kib += state.traits[i].memory_kib
    if state.clock[0].tenants == 1:
        state.tenants[p, _tenant(state, i)].busy += 1
    _push(state, now + service_s, i)  # END is kind 0


@inlined
def _leave(state, p, i, w, now):
    """Request `i` frees its slot of worker `w`."""
    _account_busy(state, w, now)
    worker = _at(state.workers, w)
    last = worker.busy - 1
    worker.busy = last
    place = _at(state.outcomes, i).place
    moved = state.in_service[np.uint64(w), np.uint64(last)]
    state.in_service[np.uint64(w), np.uint64(place)] = moved
    _at(state.outcomes, moved).place = place
    state.counters[np.uint64(p), C_IN_SERVICE] -= 1
    if _at(state.pools, p).over_memory != NO_LIMIT:
        worker.memory_kib -= state.traits[i].memory_kib
    if state.clock[0].tenants == 1:
        state.tenants[p, _tenant(state, i)].busy -= 1


@inlined
def _row(state, p, w):
    """The row of lanes in which requests of pool `p` wait, at worker `w` or at none."""
    return p if w == NONE else len(state.pools) + w


@inlined
def _queued_since(state, i):
    if state.clock[0].attempts > 1:
        return state.efforts[i].queued_s
    return state.outcomes[i].arrived_s


@internal
def _enqueue(state, p, i, w, now):
    """Request `i` waits at worker `w`, or in the pool's queue if `w` is NONE."""
    t = _tenant(state, i)
    lane = state.lanes[_row(state, p, w), t]
    state.outcomes[i].status = QUEUED
    state.outcomes[i].worker = w
    state.outcomes[i].next_in_queue = NONE
    if lane.head == NONE:
        lane.head = i
    else:
        state.outcomes[lane.tail].next_in_queue = i
    lane.tail = i
    if w == NONE:
        state.pools[p].waiting += 1
        state.tenants[p, t].waiting += 1
    else:
        state.workers[w].queued += 1
        _rank(state, w)
    state.counters[p, C_QUEUED] += 1
    if state.clock[0].attempts > 1:
        state.efforts[i].queued_s = now
    if state.pools[p].queue_timeout_s < np.inf:
        _watch(state, p, i, now)


@internal
def _watch(state, p, i, now):
    """Puts `i` on the pool's list of requests that may time out, oldest first."""
    state.outcomes[i].next_to_expire = NONE
    if state.clock[0].attempts > 1:
        state.efforts[i].before_in_expiry = state.pools[p].expire_tail
    if state.pools[p].expire_head == NONE:
        state.pools[p].expire_head = i
    else:
        state.outcomes[state.pools[p].expire_tail].next_to_expire = i
    state.pools[p].expire_tail = i
    if state.pools[p].timer_set == 0:
        state.pools[p].timer_set = 1
        _schedule(state, now + state.pools[p].queue_timeout_s, (EXPIRE << KIND_SHIFT) | p)


@internal
def _unwatch(state, p, i):
    """Takes `i` off that list, so that it may be put there again.

    Only where there are retries; elsewhere requests that wait no more are passed over later.
    """
    before, after = state.efforts[i].before_in_expiry, state.outcomes[i].next_to_expire
    if before == NONE:
        state.pools[p].expire_head = after
    else:
        state.outcomes[before].next_to_expire = after
    if after == NONE:
        state.pools[p].expire_tail = before
    else:
        state.efforts[after].before_in_expiry = before


@internal
def _may_start(state, p, t, number):
    """Whether tenant `t` may use more of the slots of pool `p`, which are shared out."""
    slots = state.pools[p].routable_slots
    tenant = state.tenants[p, t]
    most = max(1, int(tenant.share * slots + 1e-9))
    if tenant.share < 1.0 and tenant.busy + number > most:
        return False
    if tenant.busy + number <= int(tenant.floor * slots + 1e-9):
        return True
    needed = number
    for other in range(state.tenants.shape[1]):
        busy = state.tenants[p, other].busy
        needed += busy
        if other != t:
            needed += max(0, int(state.tenants[p, other].floor * slots + 1e-9) - busy)
    return needed <= slots


@internal
def _first_lane(state, row, p, now):
    """The lane that is next by rank, where a long wait counts as rank; the oldest on ties."""
    chosen, rank, since_s = NOWHERE, np.int64(0), 0.0
    chosen_i = NOWHERE
    for t in range(state.lanes.shape[1]):
        i = np.int64(state.lanes[row, t].head)
        if i == NONE or (
            state.pools[p].partitioned == 1 and not _may_start(state, p, t, np.int64(1))
        ):
            continue
        queued_s = _queued_since(state, i)
        tenant = state.tenants[p, t]
        level = tenant.rank
        if tenant.aging_s < np.inf:
            level += int((now - queued_s) / tenant.aging_s)
        if (
            chosen == NONE
            or level > rank
            or (level == rank and (queued_s < since_s or (queued_s == since_s and i < chosen_i)))
        ):
            chosen, rank, since_s, chosen_i = t, level, queued_s, i
    return chosen


@internal
def _head(state, row, p, now):
    """The request that is next in a row of lanes, or NONE."""
    if state.lanes.shape[1] == 1 and state.pools[p].partitioned == 0:
        return np.int64(state.lanes[row, 0].head)
    t = _first_lane(state, row, p, now)
    return NOWHERE if t == NONE else np.int64(state.lanes[row, t].head)


@internal
def _dequeue(state, p, i, w):
    """Takes `i` out of the queue of worker `w` or of the pool; it is first in its lane."""
    t = _tenant(state, i)
    state.lanes[_row(state, p, w), t].head = state.outcomes[i].next_in_queue
    state.counters[p, C_QUEUED] -= 1
    if w == NONE:
        state.pools[p].waiting -= 1
        state.tenants[p, t].waiting -= 1
    else:
        state.workers[w].queued -= 1
    if state.clock[0].attempts > 1 and state.pools[p].queue_timeout_s < np.inf:
        _unwatch(state, p, i)


@inlined
def _release(state, i, now, failed):
    """Lets the requests that waited for `i` arrive after their think time."""
    child = np.int64(_at(state.requests, i).first_child)
    delay_s = _at(state.pools, _pool(state, i)).delay_s
    if failed and state.clock[0].abandon == 1:
        child = NOWHERE
    while child != NONE:
        at = now + delay_s + state.requests[child].think_s
        if at < state.clock[0].horizon_s:
            _schedule(state, at, (ARRIVE << KIND_SHIFT) | child)
        child = np.int64(state.requests[child].next_sibling)


@internal
def _fade(state, p, now):
    """Lets what is remembered of about the last minute fade until `now`."""
    kept = np.exp((state.pools[p].recent_s - now) / MINUTE_S)
    state.pools[p].recent_arrivals *= kept
    state.pools[p].recent_retries *= kept
    state.pools[p].recent_s = now


@internal
def _retry(state, i, now):
    """Whether request `i`, which just failed, will arrive again."""
    clock, p = state.clock[0], _pool(state, i)
    tries = np.int32(state.efforts[i].tries)
    if tries + 1 >= clock.attempts:
        return False
    if clock.retry_budget < np.inf:
        _fade(state, p, now)
        allowed = clock.retry_budget * state.pools[p].recent_arrivals
        if state.pools[p].recent_retries + 1.0 > allowed:
            return False
        state.pools[p].recent_retries += 1.0
    wait_s = min(clock.backoff_max_s, clock.backoff_s * clock.multiplier**tries)
    if clock.jitter == 1:
        wait_s *= _fraction(state, i * 16 + tries, FOR_RETRY)
    state.efforts[i].tries = tries + 1
    state.outcomes[i].status = RETRYING
    state.outcomes[i].worker = NONE
    state.outcomes[i].start_s = np.nan
    state.outcomes[i].end_s = np.nan
    state.counters[p, C_RETRYING] += 1
    state.counters[p, C_RETRIED] += 1
    _schedule(state, now + wait_s, (ARRIVE << KIND_SHIFT) | i)
    return True


@internal
def _fail(state, i, now, status):
    """Request `i`, which holds no slot and no place in a queue any more, ends in failure."""
    if state.clock[0].attempts == 1 or not _retry(state, i, now):
        _give_up(state, i, now, status)


@internal
def _give_up(state, i, now, status):
    """Request `i` has failed for good."""
    p = _pool(state, i)
    state.outcomes[i].status = status
    state.outcomes[i].end_s = now
    state.counters[p, C_SHED if status == SHED else status + FAILED_COUNTERS] += 1
    if state.clock[0].tenants == 1:
        state.tenants[p, _tenant(state, i)].failed += 1
    if state.clock[0].groups == 1:
        _spoil(state, i)
    _release(state, i, now, True)


@inlined
def _can_start(state, i, w):
    """Whether worker `w` has a slot and memory for request `i`.

    What is too large even for an empty worker counts as fitting there: `_begin` refuses it.
    """
    worker = state.workers[w]
    if worker.busy >= worker.slots:
        return False
    if state.pools[_pool_of(state, w)].over_memory != WAIT_FOR_MEMORY or worker.busy == 0:
        return True
    return worker.memory_kib + state.traits[i].memory_kib <= worker.room_kib


@internal
def _begin(state, i, w, now):
    """Request `i` starts at worker `w`, unless memory is short."""
    p = _pool_of(state, w)
    if state.pools[p].over_memory != NO_LIMIT:
        needed = state.workers[w].memory_kib + state.traits[i].memory_kib
        if needed > state.workers[w].room_kib:
            if state.pools[p].over_memory == WAIT_FOR_MEMORY:
                _fail(state, i, now, np.int64(REJECTED))
            else:
                _fail(state, i, now, np.int64(LOST))
                if state.clock[0].breaker_failures > 0:
                    _judge(state, w, False, now)
                _restart(state, w, now)
            return
    _start(state, i, w, now)


@inlined
def _begin_outcome(outcome, now):
    """All of it, since the memory may be that of another run's; see `outcome_memory`."""
    outcome.arrived_s = now
    outcome.start_s = outcome.end_s = np.nan
    outcome.worker = outcome.next_in_queue = outcome.next_to_expire = NONE
    outcome.place = outcome.status = 0


@inlined
def _arrive(state, i, now):
    p = _pool(state, i)
    outcome = _at(state.outcomes, i)
    again = outcome.status == RETRYING
    if again:
        state.counters[p, C_RETRYING] -= 1
    if state.clock[0].sited == 1:
        p = _site(state, i, now)
        state.sites[i] = p
    if not again:
        _begin_outcome(outcome, now)
        state.counters[np.uint64(p), C_ARRIVED] += 1
        state.integrals[np.uint64(p), F_OFFERED_SLOT_S] += _at(state.requests, i).work_s
        if state.clock[0].notes_arrivals == 1:
            _note_arrival(state, i, p, now)
    w = NOWHERE
    pool = _at(state.pools, p)
    if pool.plain == 1 and pool.waiting == 0:
        w = _least(state, p)
        if w != NONE and _at(state.workers, w).busy < _at(state.workers, w).slots:
            _start(state, i, w, now)
            _reload(state, w)
            return
    _place(state, i, p, w, now)


@internal
def _load(state, p):
    """Requests held per slot of the workers that requests may be routed to."""
    held = state.counters[p, C_QUEUED] + state.counters[p, C_IN_SERVICE]
    if state.pools[p].routable_slots == 0:
        return np.inf if held > 0 else 0.0
    return held / state.pools[p].routable_slots


@internal
def _predicted_wait_s(state, p):
    """Until a request that arrives now would start, if all slots were alike."""
    held = state.counters[p, C_QUEUED] + state.counters[p, C_IN_SERVICE]
    slots = state.pools[p].routable_slots
    if slots == 0:
        return np.inf
    return max(0, held - slots + 1) * state.pools[p].mean_service_s / slots


@internal
def _degrade(state, i, p, now):
    """Whether request `i` is answered or turned away at once, because the pool is overloaded."""
    load = _load(state, p)
    for d in range(state.clock[0].levels):
        level = state.levels[d]
        if state.engaged[p, d] == 1:
            state.engaged[p, d] = load >= level.below
        else:
            state.engaged[p, d] = load > level.above
    rank = state.tenants[p, _tenant(state, i)].rank
    for d in range(state.clock[0].levels):
        level = state.levels[d]
        if state.engaged[p, d] == 0:
            continue
        if (level.kind == LEVEL_SHED and rank < level.rank) or (
            level.kind == LEVEL_DEADLINE and _predicted_wait_s(state, p) > level.amount
        ):
            _give_up(state, i, now, np.int64(SHED))
            return True
        alone = _group(state, i) == NONE
        if level.kind == LEVEL_CACHED and alone and _fraction(state, i, FOR_CACHED) < level.amount:
            _answer(state, i, p, now)
            return True
    return False


@internal
def _answer(state, i, p, now):
    """Request `i` finishes at once with an answer from a cache."""
    latency_s = now - state.outcomes[i].arrived_s + state.pools[p].delay_s
    state.outcomes[i].status = FINISHED
    state.outcomes[i].start_s = now
    state.outcomes[i].end_s = now
    state.counters[p, C_FINISHED] += 1
    state.counters[p, C_DEGRADED] += _newly(state, i, NOTED_DEGRADED)
    state.ended[p, latency_bucket(latency_s)] += 1
    if state.clock[0].tenants == 1:
        tenant = state.tenants[p, _tenant(state, i)]
        tenant.finished += 1
        tenant.latency_s += latency_s
    _release(state, i, now, False)


@internal
def _after(state, now):
    """Remembers that an operation between two slices may have changed what groups wait for."""
    state.clock[0].operated_s = now


@inlined
def _review(state, now):
    """After an event."""
    if state.clock[0].groups == 1:
        _review_groups(state, now)


@internal
def _review_operations(state):
    """After what was done between two slices."""
    if state.clock[0].groups == 1 and not np.isnan(state.clock[0].operated_s):
        _review_groups(state, state.clock[0].operated_s)
        state.clock[0].operated_s = np.nan


@inlined
def _group(state, i):
    """The group with which request `i` starts, NONE if with none."""
    if state.clock[0].groups == 0:
        return NOWHERE
    g = np.int64(state.traits[i].group)
    return NOWHERE if g == NONE or state.groups[g].phase == TOGETHER else g


@internal
def _gather(state, i, g, p, now):
    """Request `i` waits for the others of its group, then with them for slots."""
    group = state.groups[g]
    if group.phase == SPOILT:
        _fail(state, i, now, np.int64(REJECTED))
        return
    state.outcomes[i].status = QUEUED
    state.outcomes[i].worker = NONE
    state.outcomes[i].next_in_queue = NONE
    if group.there == 0:
        group.head = i
    else:
        state.outcomes[group.tail].next_in_queue = i
    group.tail = i
    group.there += 1
    state.counters[p, C_QUEUED] += 1
    if state.clock[0].attempts > 1:
        state.efforts[i].queued_s = now
    if state.pools[p].queue_timeout_s < np.inf:
        _watch(state, p, i, now)
    if group.there == group.size:
        group.phase = COMPLETE
        group.next = NONE
        if state.pools[p].first_complete == NONE:
            state.pools[p].first_complete = g
        else:
            state.groups[state.pools[p].last_complete].next = g
        state.pools[p].last_complete = g


@internal
def _leave_group(state, i, p):
    """Request `i` waits with its group no more."""
    state.counters[p, C_QUEUED] -= 1
    if state.clock[0].attempts > 1 and state.pools[p].queue_timeout_s < np.inf:
        _unwatch(state, p, i)


@internal
def _disband(state, g, p, now, status):
    """All requests of a group that wait fail with one of them; they may come again."""
    group = state.groups[g]
    if group.phase == COMPLETE:
        before, at = NOWHERE, np.int64(state.pools[p].first_complete)
        while at != g:
            before, at = at, np.int64(state.groups[at].next)
        if before == NONE:
            state.pools[p].first_complete = group.next
        else:
            state.groups[before].next = group.next
        if state.pools[p].last_complete == g:
            state.pools[p].last_complete = before
        group.phase = FORMING
    i = np.int64(group.head) if group.there > 0 else NOWHERE
    group.there = 0
    while i != NONE:
        following = np.int64(state.outcomes[i].next_in_queue)
        _leave_group(state, i, p)
        _fail(state, i, now, status)
        i = following


@internal
def _spoil(state, i):
    """Request `i` failed for good, so its group can never start."""
    g = _group(state, i)
    if g != NONE and state.groups[g].phase != SPOILT:
        state.groups[g].phase = SPOILT
        state.groups[g].next = state.clock[0].first_spoilt
        state.clock[0].first_spoilt = g


@internal
def _worker_for_one_more(state, i, p):
    """The worker with fewest requests in service that has room for `i` beside those kept for."""
    chosen, least = NOWHERE, np.int64(0)
    for k in range(state.pools[p].routable):
        w = _member(state, p, k)
        worker, own = state.workers[w], state.standings[w]
        busy = np.int64(worker.busy + own.kept)
        if busy >= worker.slots:
            continue
        if worker.breaker == PROBING and _held(state, w) + own.kept >= (
            state.clock[0].breaker_probes
        ):
            continue
        if state.pools[p].over_memory == WAIT_FOR_MEMORY and busy > 0:
            needed = worker.memory_kib + own.kept_kib + state.traits[i].memory_kib
            if needed > worker.room_kib:
                continue
        if chosen == NONE or busy < least or (busy == least and w < chosen):
            chosen, least = w, busy
    return chosen


@internal
def _find_room(state, g, p):
    """Whether all requests of a group can start now; then each has its worker."""
    group = state.groups[g]
    fits, i = True, np.int64(group.head)
    if state.pools[p].partitioned == 1:
        fits = _may_start(state, p, _tenant(state, i), np.int64(group.size))
    while i != NONE and fits:
        w = _worker_for_one_more(state, i, p)
        fits = w != NONE
        if fits:
            state.outcomes[i].worker = w
            state.standings[w].kept += 1
            if state.pools[p].over_memory != NO_LIMIT:
                state.standings[w].kept_kib += state.traits[i].memory_kib
        i = np.int64(state.outcomes[i].next_in_queue)
    i = np.int64(group.head)
    while i != NONE:
        w = np.int64(state.outcomes[i].worker)
        if w != NONE:
            state.standings[w].kept = 0
            state.standings[w].kept_kib = 0
            if not fits:
                state.outcomes[i].worker = NONE
        i = np.int64(state.outcomes[i].next_in_queue)
    return fits


@internal
def _start_group(state, g, p, now):
    """All requests of a group start, at the workers found for them."""
    i = np.int64(state.groups[g].head)
    state.groups[g].phase = TOGETHER
    while i != NONE:
        following, w = (
            np.int64(state.outcomes[i].next_in_queue),
            np.int64(state.outcomes[i].worker),
        )
        _leave_group(state, i, p)
        if state.workers[w].phase != READY:  # out of memory because of one of them
            state.outcomes[i].worker = NONE
            _fail(state, i, now, np.int64(LOST))
        else:
            _begin(state, i, w, now)
            _rank(state, w)
        i = following


@internal
def _review_groups(state, now):
    """After each event: fails groups of which one failed, starts those that fit.

    Slots are kept for a complete group that the pool's workers have room for at all; others
    wait meanwhile.
    """
    while state.clock[0].first_spoilt != NONE:
        g = np.int64(state.clock[0].first_spoilt)
        state.clock[0].first_spoilt = state.groups[g].next
        if state.groups[g].there > 0:
            p = _pool(state, np.int64(state.groups[g].head))
            _disband(state, g, p, now, np.int64(REJECTED))
    for p in range(len(state.pools)):
        pool = state.pools[p]
        while pool.first_complete != NONE:
            g = np.int64(pool.first_complete)
            if not _find_room(state, g, p):
                break
            pool.first_complete = state.groups[g].next
            _start_group(state, g, p, now)
        held_back = pool.first_complete != NONE and (
            state.groups[pool.first_complete].size <= pool.routable_slots
        )
        if held_back:
            pool.held_back = 1
        elif pool.held_back == 1:
            pool.held_back = 0
            first = pool.first_worker
            for w in range(first, first + pool.used):
                if state.workers[w].phase == READY or state.workers[w].phase == DRAINING:
                    _pull(state, w, now)


@internal
def _place(state, i, p, w, now):
    """Request `i` starts or waits; `w`: the worker chosen, NONE where nobody has chosen yet."""
    if state.clock[0].levels > 0 and _degrade(state, i, p, now):
        return
    g = _group(state, i)
    if g != NONE:
        _gather(state, i, g, p, now)
        return
    if state.pools[p].partitioned == 1:
        _place_in_partition(state, i, p, now)
        return
    if w == NONE and state.pools[p].waiting == 0:
        w = _route(state, p, i, now)
    free = state.pools[p].held_back == 0
    if free and w != NONE and state.workers[w].queued == 0 and _can_start(state, i, w):
        _begin(state, i, w, now)
        _rank(state, w)
    elif w != NONE and state.pools[p].shared_queue == 0:
        if state.workers[w].queued >= state.pools[p].queue_limit:
            _fail(state, i, now, np.int64(REJECTED))
        else:
            _enqueue(state, p, i, w, now)
    elif state.pools[p].waiting >= state.pools[p].queue_limit:
        _fail(state, i, now, np.int64(REJECTED))
    else:
        _enqueue(state, p, i, NOWHERE, now)


@internal
def _use_freed(state, p, now):
    """Where slots are shared out, those that a loss freed may be used by other workers."""
    if state.pools[p].partitioned == 1:
        _share_out(state, p, now)


@internal
def _note_arrival(state, i, p, now):
    if state.clock[0].retry_budget < np.inf:
        _fade(state, p, now)
        state.pools[p].recent_arrivals += 1.0
    if state.clock[0].tenants == 1:
        tenant = state.tenants[p, _tenant(state, i)]
        tenant.arrived += 1
        tenant.offered_slot_s += state.requests[i].work_s


@internal
def _place_in_partition(state, i, p, now):
    """Requests of a pool whose slots are shared out wait in its own queue, each tenant's apart."""
    t = _tenant(state, i)
    w = _least(state, p)
    if (
        w != NONE
        and state.pools[p].held_back == 0
        and state.tenants[p, t].waiting == 0
        and _may_start(state, p, t, np.int64(1))
        and _can_start(state, i, w)
    ):
        _begin(state, i, w, now)
        _rank(state, w)
        _share_out(state, p, now)  # a crash may have freed slots
    elif state.tenants[p, t].waiting >= state.pools[p].queue_limit:
        _fail(state, i, now, np.int64(REJECTED))
    else:
        _enqueue(state, p, i, NOWHERE, now)


@internal
def _share_out(state, p, now):
    """Starts what waits in a pool whose slots are shared out, as far as shares and slots allow."""
    while state.pools[p].waiting > 0 and state.pools[p].held_back == 0:
        i, w = _head(state, p, p, now), _least(state, p)
        if i == NONE or w == NONE or not _can_start(state, i, w):
            return
        _dequeue(state, p, i, NOWHERE)
        _begin(state, i, w, now)
        _rank(state, w)


@internal
def _stop_worker(state, w, now):
    """Worker `w`, which holds nothing any more, is gone."""
    p = _pool_of(state, w)
    _account_levels(state, p, now)
    state.counters[p, C_DRAINING] -= 1
    state.pools[p].slots -= state.workers[w].slots
    state.workers[w].phase = OFF
    state.workers[w].stop_s = now


@internal
def _trip(state, w, now):
    """The breaker of worker `w` opens: no request is routed there for a while."""
    state.workers[w].breaker = OPEN
    state.workers[w].streak = 0
    state.workers[w].half_open_s = now + state.clock[0].breaker_open_s
    state.counters[_pool_of(state, w), C_BREAKER] += 1
    _part(state, w)
    _schedule(state, state.workers[w].half_open_s, (HALF_OPEN << KIND_SHIFT) | w)


@internal
def _judge(state, w, good, now):
    """What the breaker of ready worker `w` makes of a request that finished or failed there."""
    worker, clock = state.workers[w], state.clock[0]
    if worker.phase != READY or worker.breaker == OPEN:
        return
    if worker.breaker == CLOSED:
        worker.streak = 0 if good else worker.streak + 1
        if worker.streak >= clock.breaker_failures:
            _trip(state, w, now)
    elif not good:
        _trip(state, w, now)
    else:
        worker.streak += 1
        if worker.streak >= clock.breaker_successes:
            worker.breaker, worker.streak = CLOSED, 0
        _join(state, w)


@internal
def _half_open(state, w, now):
    if not _is_live(state, now, (HALF_OPEN << KIND_SHIFT) | w):
        return
    state.workers[w].breaker = PROBING
    state.workers[w].streak = 0
    if state.workers[w].phase == READY:
        _join(state, w)
        _pull(state, w, now)


@internal
def _remember(state, i, p, w, now):
    """What later requests have of one that finished at worker `w`."""
    if state.clock[0].cache == 1:
        _cache_prefix(state, i, p, w, now)
    pool = state.pools[p]
    pool.served = min(pool.served + 1, MEAN_OF)
    pool.mean_service_s += (now - state.outcomes[i].start_s - pool.mean_service_s) / pool.served


@inlined
def _learn_from(means, kept, latency_s, service_s, good):
    means.weight = means.weight * kept + 1.0
    means.latency_s += (latency_s - means.latency_s) / means.weight
    means.service_s += (service_s - means.service_s) / means.weight
    means.good += (good - means.good) / means.weight


@internal
def _learn(state, i, p, w, now, good):
    """Running means of worker and pool take in request `i`; older ones fade with time."""
    latency_s, service_s = now - state.outcomes[i].arrived_s, now - state.outcomes[i].start_s
    own, everyone = state.standings[w], state.learnt[p]
    ewma_s, share = state.clock[0].ewma_s, 1.0 if good else 0.0
    if own.weight == 0.0:
        own.seen_s = now
    kept = np.exp((own.seen_s - now) / ewma_s)
    own.seen_s = now
    _learn_from(own, kept, latency_s, service_s, share)
    kept = np.exp((everyone.seen_s - now) / ewma_s)
    everyone.seen_s = now
    _learn_from(everyone, kept, latency_s, service_s, share)


@inlined
def _end(state, i, now):
    """Request `i` leaves its slot, and the next one in line takes it."""
    outcome = _at(state.outcomes, i)
    status = outcome.status
    if (status != IN_SERVICE and status != OUT_OF_TIME) or outcome.end_s != now:
        return  # it was lost with its worker
    w, p = np.int64(outcome.worker), _pool(state, i)
    worker, pool = _at(state.workers, w), _at(state.pools, p)
    _leave(state, p, i, w, now)
    if state.clock[0].learns == 1:
        _learn(state, i, p, w, now, status == IN_SERVICE)
    if status == IN_SERVICE:
        latency_s = now - outcome.arrived_s + pool.delay_s
        outcome.status = FINISHED
        state.counters[np.uint64(p), C_FINISHED] += 1
        state.ended[np.uint64(p), np.uint64(latency_bucket(latency_s))] += 1
        if state.clock[0].tenants == 1:
            tenant = state.tenants[p, _tenant(state, i)]
            tenant.finished += 1
            tenant.latency_s += latency_s
        if state.clock[0].adjusts_work == 1:
            _remember(state, i, p, w, now)
        _release(state, i, now, False)
    else:
        _fail(state, i, now, np.int64(EXEC_TIMEOUT))
    if state.clock[0].breaker_failures > 0:
        _judge(state, w, status == IN_SERVICE, now)
    if worker.queued > 0 or pool.waiting > 0:
        _refill(state, p, w, now)
    if worker.phase == DRAINING and _held(state, w) == 0:
        _stop_worker(state, w, now)
    _reload(state, w)
    if pool.partitioned == 1:
        _share_out(state, p, now)


@internal
def _refill(state, p, w, now):
    """Worker `w` takes what waits at it, then what waits for the pool, while it has room."""
    while state.pools[p].held_back == 0:
        at = NOWHERE
        if state.workers[w].queued > 0:
            at = np.int64(w)
        elif (
            state.workers[w].member == NONE
            or state.pools[p].waiting == 0
            or state.pools[p].partitioned == 1
        ):
            return
        i = _head(state, _row(state, p, at), p, now)
        if not _can_start(state, i, w):
            return
        _dequeue(state, p, i, at)
        _begin(state, i, w, now)
        if state.workers[w].breaker == PROBING:
            _rank(state, w)


@internal
def _become_ready(state, w, now):
    if state.workers[w].phase != STARTING or state.workers[w].ready_s != now:
        return  # cancelled since
    p = _pool_of(state, w)
    number = state.pools[p].started * len(state.pools) + p
    if (
        state.pools[p].start_failure > 0.0
        and _fraction(state, number, FOR_START) < state.pools[p].start_failure
    ):
        state.counters[p, C_START_FAILED] += 1
        _begin_start(state, w, FAILED_START_S, now)
        return
    _account_levels(state, p, now)
    state.counters[p, C_STARTING] -= 1
    state.counters[p, C_READY] += 1
    state.workers[w].phase = READY
    _join(state, w)
    _pull(state, w, now)
    if state.workers[w].replaces != NONE:
        old = state.pools[p].first_worker + np.int64(state.workers[w].replaces)
        state.workers[w].replaces = NONE
        _retire(state, old, now)


@internal
def _retire(state, w, now):
    """Worker `w` drains, now that another one took its place."""
    if state.workers[w].phase == READY and state.workers[w].replaced == 1:
        _account_levels(state, _pool_of(state, w), now)
        _drain(state, w, state.pools[_pool_of(state, w)].drain_grace_s, now)


@internal
def _pull(state, w, now):
    """Worker `w` takes what waits as far as it may."""
    p = _pool_of(state, w)
    _refill(state, p, w, now)
    _rank(state, w)
    if state.pools[p].partitioned == 1:
        _share_out(state, p, now)


@internal
def _lose(state, w, now):
    """What worker `w` holds is lost, which its breaker counts as failures."""
    p, breaks = _pool_of(state, w), state.clock[0].breaker_failures > 0
    while state.workers[w].busy > 0:
        i = np.int64(state.in_service[w, state.workers[w].busy - 1])
        _leave(state, p, i, w, now)
        _fail(state, i, now, np.int64(LOST))
        if breaks:
            _judge(state, w, False, now)
    row = _row(state, p, w)
    for t in range(state.lanes.shape[1]):
        while state.lanes[row, t].head != NONE:
            i = np.int64(state.lanes[row, t].head)
            _dequeue(state, p, i, w)
            _fail(state, i, now, np.int64(LOST))
            if breaks:
                _judge(state, w, False, now)


@internal
def _restart(state, w, now):
    """Worker `w` lost all it held and starts again, unless it was draining anyway.

    Its breaker stays as it is.
    """
    p = _pool_of(state, w)
    _account_levels(state, p, now)
    state.counters[p, C_CRASHED] += 1
    _part(state, w)
    _lose(state, w, now)
    if state.workers[w].phase == DRAINING:
        return  # whoever looks next finds it empty and stops it
    state.counters[p, C_READY] -= 1
    state.counters[p, C_STARTING] += 1
    state.workers[w].phase = STARTING
    state.workers[w].resized_s = np.nan
    _begin_start(state, w, 0.0, now)


@internal
def _drain_end(state, w, now):
    """The time of draining worker `w` is over: what it holds is lost."""
    if state.workers[w].phase != DRAINING or state.workers[w].stop_s != now:
        return
    _lose(state, w, now)
    _stop_worker(state, w, now)
    _use_freed(state, _pool_of(state, w), now)


@internal
def _resized(state, w, now):
    """Worker `w` gets its new size in place."""
    worker = state.workers[w]
    if worker.phase != READY or worker.resized_s != now:
        return
    p = _pool_of(state, w)
    _account_levels(state, p, now)
    if worker.was == NONE:  # a change takes the place of one that was to come: one a tick
        _account_busy(state, w, now)
        worker.was = worker.size
        worker.was_until_s = now
        worker.was_slot_s = worker.busy_slot_s
    old, new = state.sizes[p, worker.size], state.sizes[p, worker.next_size]
    added = new.slots - old.slots
    state.pools[p].slots += added
    if worker.member != NONE:
        state.pools[p].routable_slots += added
        if state.clock[0].sited == 1:
            own = state.standings[w]
            state.berths[state.pools[p].first_berth + own.berth].slots += added
    worker.own_speed = worker.own_speed / old.speed * new.speed
    worker.speed = worker.own_speed * worker.slowed
    worker.size = worker.next_size
    worker.slots = new.slots
    worker.room_kib = new.room_kib
    _pull(state, w, now)


@internal
def _expire(state, p, now):
    """Times out the requests of pool `p` that waited long enough, then sets the next timer."""
    state.pools[p].timer_set = 0
    exact = state.clock[0].attempts > 1  # the list holds only what still waits
    i = np.int64(state.pools[p].expire_head)
    while i != NONE:
        if state.outcomes[i].status == QUEUED:
            due_s = _queued_since(state, i) + state.pools[p].queue_timeout_s
            if due_s > now:
                state.pools[p].timer_set = 1
                _schedule(state, due_s, (EXPIRE << KIND_SHIFT) | p)
                break
            _time_out(state, p, i, now)
            _review(state, now)
        i = np.int64(state.pools[p].expire_head if exact else state.outcomes[i].next_to_expire)
    if not exact:
        state.pools[p].expire_head = i


@inlined
def _time_out(state, p, i, now):
    """Request `i` has waited too long."""
    g = _group(state, i)
    if g != NONE:
        _disband(state, g, p, now, np.int64(QUEUE_TIMEOUT))
        return
    w = np.int64(state.outcomes[i].worker)
    _dequeue(state, p, i, w)
    _fail(state, i, now, np.int64(QUEUE_TIMEOUT))
    if w != NONE:
        _rank(state, w)
        if state.clock[0].breaker_failures > 0:
            _judge(state, w, False, now)
        if state.pools[p].over_memory == WAIT_FOR_MEMORY:
            _pull(state, w, now)


def _logarithmic(latency_s: float) -> int:
    """The bucket of a latency above BUCKET_MIN_S by its logarithm."""
    return min(BUCKETS - 1, int(math.log(latency_s / BUCKET_MIN_S) / LOG_WIDTH))


def _cells() -> tuple[IntArray, FloatArray]:
    """For each cell, numbers that begin with the same bits: first bucket, where the next begins.

    A cell is less wide than a bucket, so it has parts of two at most.
    """
    longest_s = BUCKET_MIN_S * math.exp(BUCKETS * LOG_WIDTH)
    first, last = (_bits_of(s) >> CELL_SHIFT for s in (BUCKET_MIN_S, longest_s))
    starts_s = (np.arange(first, last + 2) << CELL_SHIFT).view(np.float64)
    buckets = np.array([0, *(_logarithmic(s) for s in starts_s[1:].tolist())])
    edges_s = np.full(len(buckets) - 1, np.inf)
    for cell in np.flatnonzero(np.diff(buckets)).tolist():
        bucket = int(buckets[cell]) + 1
        edge_s = BUCKET_MIN_S * math.exp(bucket * LOG_WIDTH)  # but for rounding
        while _logarithmic(edge_s) >= bucket:
            edge_s = math.nextafter(edge_s, 0.0)
        while _logarithmic(edge_s) < bucket:
            edge_s = math.nextafter(edge_s, math.inf)
        edges_s[cell] = edge_s
    return buckets[:-1], edges_s


def _bits_of(number: float) -> int:
    return int(np.float64(number).view(np.int64))


CELL_SHIFT = 46  # of the bits of a number, all but the highest six of its mantissa
_FIRST_BUCKET, _NEXT_S = _cells()
_FIRST_CELL, _LAST_CELL = _bits_of(BUCKET_MIN_S) >> CELL_SHIFT, len(_NEXT_S) - 1


@compiled
def latency_bucket(latency_s):
    """The log bucket of a latency: bucket b holds BUCKET_MIN_S * 1.02 ** [b, b + 1).

    Looked up, since logarithms took a tenth of the time of a replay (measured).
    """
    if latency_s <= BUCKET_MIN_S:
        return 0
    bits = np.float64(latency_s).view(np.int64)
    cell = np.uint64(min(int(bits >> CELL_SHIFT) - _FIRST_CELL, _LAST_CELL))
    return _FIRST_BUCKET[cell] + (latency_s >= _NEXT_S[cell])


@internal
def _handle(state, code, now):
    """Any event but END, which `advance` handles itself because it is by far the most common."""
    kind, number = code >> KIND_SHIFT, code & NUMBER_MASK
    if kind == ARRIVE:
        if now < state.clock[0].tools_until_s and state.outcomes[number].status == NOT_ARRIVED:
            if state.clock[0].tools_until_s < state.clock[0].horizon_s:
                _schedule(state, state.clock[0].tools_until_s, code)
        else:
            _arrive(state, number, now)
    elif kind == EXPIRE:
        _expire(state, number, now)
    elif kind == BECOME_READY:
        _become_ready(state, number, now)
    elif kind == DRAIN_END:
        _drain_end(state, number, now)
    elif kind == RESIZED:
        _resized(state, number, now)
    else:
        _half_open(state, number, now)


@inlined
def _next_root(state):
    """The request that arrives next by itself, and when; NONE and never where all have."""
    k = state.clock[0].next_root
    if k == len(state.roots):
        return NOWHERE, np.inf
    i = np.int64(_at(state.roots, k))
    return i, _at(state.requests, i).arrival_s


@compiled
def advance(state, until_s):
    """Handles every event before `until_s` (that instant excluded)."""
    heap, clock = state.heap, state.clock[0]
    _review_operations(state)
    i, arrival_s = _next_root(state)
    while True:
        event_s, code = np.inf, np.int64(0)
        if clock.heap_size > 0:
            event_s, code = heap[0].time_s, heap[0].code
        if arrival_s < event_s or (
            arrival_s == event_s and i != NONE and ((ARRIVE << KIND_SHIFT) | i) < code
        ):
            if arrival_s >= until_s:
                break
            clock.next_root += 1
            _arrive(state, i, arrival_s)
            _review(state, arrival_s)
            i, arrival_s = _next_root(state)
            continue
        if not event_s < until_s:
            break
        _pop(state)
        if code <= NUMBER_MASK:  # END is kind 0
            _end(state, code, event_s)
        else:
            _handle(state, code, event_s)
        _review(state, event_s)


@internal
def _more_slot_s(state, w, since_s):
    """Slot-seconds of worker `w` beyond those of its size, as its size changed in this tick."""
    worker = state.workers[w]
    more = state.sizes[_pool_of(state, w), worker.was].slots - worker.slots
    return max(0.0, worker.was_until_s - since_s) * more


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
        utilisation[first : first + state.pools[p].capacity] = np.nan
        for w in range(first, first + state.pools[p].used):
            _account_busy(state, w, now)
            busy_slot_s += state.workers[w].busy_slot_s
            if state.workers[w].phase >= READY:
                seen_s = min(tick_s, now - state.workers[w].ready_s)
                if seen_s > 0.0:
                    slot_s = seen_s * state.workers[w].slots
                    if state.workers[w].was != NONE:
                        slot_s += _more_slot_s(state, w, now - seen_s)
                    utilisation[w] = min(1.0, state.workers[w].busy_slot_s / slot_s)
        state.integrals[p, F_BUSY_SLOT_S] = busy_slot_s
        state.integrals[p, F_P95_S] = percentile_of(state.ended[p], 0.95)


@compiled
def look(state, views):
    """Fills in what can be seen of each pool's workers; a start's end is not known before it."""
    for p in range(len(state.pools)):
        at = first = state.pools[p].first_worker
        for w in range(first, first + state.pools[p].used):
            worker = state.workers[w]
            if worker.phase == OFF:
                continue
            views.started_s[at] = worker.ordered_s
            views.ready_s[at] = np.nan if worker.phase == STARTING else worker.ready_s
            views.draining[at] = worker.phase == DRAINING
            views.size[at] = worker.size
            views.memory_kib[at] = worker.memory_kib
            views.utilisation[at] = views.utilisation_of[w]
            at += 1
        views.number[p] = at - first


@compiled
def run_tick(state, from_s, to_s, views, counters, integrals):
    """One tick, from `open_tick` to `look`; copies its (P, COUNTERS) and (P, INTEGRALS) out.

    What is counted between two ticks, such as losses by a crash, belongs to the second.
    """
    _zero_sums(state)
    advance(state, to_s)
    close_tick(state, to_s, views.utilisation_of, to_s - from_s)
    for p in range(len(state.pools)):
        for column in range(COUNTERS):
            counters[p, column] = state.counters[p, column]
        for column in range(INTEGRALS):
            integrals[p, column] = state.integrals[p, column]
    look(state, views)
    _zero_counts(state)


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


def open_tick(state: State) -> None:
    """Sets what is counted and summed per tick back to zero."""
    state.counters[:, :C_QUEUED] = 0
    state.counters[:, C_RETRIED:] = 0
    state.ended[:] = 0
    state.integrals[:] = 0.0
    state.workers["busy_slot_s"] = 0.0
    state.workers["was"] = NONE


@internal
def _zero_counts(state):
    state.counters[:, :C_QUEUED] = 0
    state.counters[:, C_RETRIED:] = 0
    state.ended[:, :] = 0


@internal
def _zero_sums(state):
    state.integrals[:, :] = 0.0
    for p in range(len(state.pools)):
        first = state.pools[p].first_worker
        for w in range(first, first + state.pools[p].used):
            state.workers[w].busy_slot_s = 0.0
            state.workers[w].was = NONE


@internal
def _grow_tree(state, p, index):
    """Takes the worker of this index in pool `p` in among those that were ever there."""
    pool, tree = state.pools[p], state.tree
    pool.used = max(pool.used, index + 1)
    while index * pool.tree_top >= pool.leaves:
        winner = tree[pool.tree_start + pool.tree_top]
        pool.tree_top >>= 1
        tree[pool.tree_start + pool.tree_top] = winner


@internal
def _furnish(state, w, node, node_speed):
    """Gives `w` the size that its pool orders, on a node."""
    p = _pool_of(state, w)
    _grow_tree(state, p, w - state.pools[p].first_worker)
    size = state.sizes[p, state.pools[p].size]
    worker = state.workers[w]
    worker.size = state.pools[p].size
    worker.slots = size.slots
    worker.room_kib = size.room_kib
    worker.own_speed = size.speed * node_speed
    own = state.standings[w]
    own.seen_s = own.weight = own.latency_s = own.service_s = own.good = 0.0
    worker.slowed = 1.0
    worker.speed = worker.own_speed
    worker.node = node
    worker.replaces = NONE
    worker.replaced = 0
    worker.breaker = CLOSED
    worker.streak = 0
    worker.resized_s = np.nan
    state.pools[p].slots += size.slots
    for k in range(state.cached.shape[1]):
        state.cached[w, k].chain = NONE
        state.cached[w, k].used_s = -np.inf


@internal
def _begin_start(state, w, extra_s, now):
    """Worker `w` is ready after the next start-up time, which begins after `extra_s`."""
    p = _pool_of(state, w)
    draws = state.startup_draws.shape[1]
    ready_s = now + extra_s + state.startup_draws[p, state.pools[p].started % draws]
    state.pools[p].started += 1
    state.workers[w].ready_s = ready_s
    _schedule(state, ready_s, (BECOME_READY << KIND_SHIFT) | w)


@internal
def _order(state, w, node, extra_s, node_speed, now):
    """Orders worker `w`, which is off, on a node that is ready after `extra_s`."""
    _furnish(state, w, node, node_speed)
    state.workers[w].phase = STARTING
    state.workers[w].ordered_s = now
    state.workers[w].busy_since_s = now
    state.counters[_pool_of(state, w), C_STARTING] += 1
    _begin_start(state, w, extra_s, now)


@compiled
def scale_out(state, p, number, now):
    """Orders `number` workers of pool `p` on machines of their own; returns how many had room."""
    _account_levels(state, p, now)
    ordered = 0
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].capacity):
        if ordered == number:
            break
        if state.workers[w].phase == OFF:
            _order(state, w, NOWHERE, 0.0, 1.0, now)
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
        _furnish(state, w, NOWHERE, 1.0)
        state.workers[w].phase = READY
        state.workers[w].ordered_s = since_s
        state.workers[w].ready_s = since_s
        _join(state, w)
    state.counters[p, C_READY] += number


@compiled
def rank_all(state):
    """Fills winner trees that are empty, and the nodes' sums, from the workers' states."""
    for w in range(len(state.workers)):
        if state.clock[0].sited == 1 and state.workers[w].member != NONE:
            _moor(state, w)
        _rank(state, w)


@compiled
def moor_all(state):
    """Counts routable workers for their nodes again, after somebody else set their nodes."""
    if state.clock[0].sited == 1:
        for w in range(len(state.workers)):
            if state.workers[w].member != NONE:
                _cast_off(state, w)
                _moor(state, w)
                _rank(state, w)


@compiled
def choose_worker(state, i, now):
    """Where request `i` would go if it arrived now: pool, worker, whether because of its session.

    The worker is NONE where it would wait in the pool's queue. Changes turns and credits like an
    arrival, so it is for copies of a state.
    """
    p = np.int64(state.requests[i].pool)
    if state.clock[0].sited == 1:
        p = _site(state, i, now)
    if state.pools[p].partitioned == 1:
        return p, _least(state, p), False
    if state.pools[p].waiting > 0:
        return p, NOWHERE, False
    by_session = state.clock[0].affinity == 1 and state.pools[p].shared_queue == 0
    by_session = by_session and _place_of_session(state, p, i) != NONE
    return p, _route(state, p, i, now), by_session


@compiled
def weigh_sites(state, i, now, figures):
    """Fills `figures` (P, 3) for request `i`: region's score, credit, 1 if it may go there.

    For the hierarchical router, which takes the region with the highest score and in it the pool
    with most credit. Changes weights like an arrival.
    """
    p, needs_slot = np.int64(state.requests[i].pool), np.int64(1)
    if _best_region(state, i, p, needs_slot) == NONE:
        needs_slot = np.int64(0)
        _best_region(state, i, p, needs_slot)
    for q in range(len(state.pools)):
        if _may_site(state, i, p, q, needs_slot):
            pool = state.pools[q]
            region = state.regions[pool.region]
            _refresh_weight(state, q, now)
            figures[q, 0] = FREE_COUNTS * region.free / region.slots + pool.appeal
            figures[q, 1] = pool.credit + pool.weight
            figures[q, 2] = 1.0


@compiled
def weigh(state, p, i, now, table):
    """Fills rows of `table` (workers, WEIGHED) with what request `i` meets in pool `p`.

    Returns how many workers the pool's router looks at. Changes weights like an arrival.
    """
    pool = state.pools[p]
    router = LEAST_CONNECTIONS if pool.shared_queue + pool.partitioned > 0 else pool.router
    if router == WEIGHTED_ROUND_ROBIN and now - pool.weights_s >= state.clock[0].adapt_s:
        _refresh_weights(state, p, now)
    everyone = router < PREDICTED_COMPLETION or router >= WEIGHTED_ROUND_ROBIN
    number = pool.routable if everyone else _candidates(state, p)
    for k in range(number):
        w = _member(state, p, k) if everyone else _candidate(state, p, i, k)
        row = table[k]
        row[W_WORKER] = w
        row[W_HELD] = _held(state, w)
        row[W_BLOCKED] = 1.0 if _is_blocked(state, p, w) else 0.0
        row[W_CPU] = _cpu(state, p, w)
        row[W_MEMORY] = _memory(state, w)
        row[W_PART] = _part_held(state, p, w)
        row[W_QUEUE] = _queue(state, p, w)
        row[W_LATENCY] = _slowness(state, p, w)
        row[W_PERFORMANCE] = _performance(state, p, w)
        row[W_DATA] = _has_data(state, p, i, w)
        row[W_SPECIAL] = state.specials[_tenant(state, i), p]
        row[W_CONTEXT] = _context(state, p, i, w)
        row[W_WEIGHT] = _weight(state, w)
        row[W_SCORE] = _score(state, router, p, i, w)
    return number


@internal
def _newest_starting(state, p):
    chosen = NOWHERE
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        if state.workers[w].phase == STARTING and (
            chosen == NONE or state.workers[w].ordered_s >= state.workers[chosen].ordered_s
        ):
            chosen = w
    return chosen


@internal
def _least_loaded(state, p):
    chosen = NOWHERE
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        if state.workers[w].phase == READY and (
            chosen == NONE or _held(state, w) <= _held(state, chosen)
        ):
            chosen = w
    return chosen


@internal
def _cancel(state, w):
    """Starting worker `w` is not wanted any more."""
    p = _pool_of(state, w)
    state.workers[w].phase = OFF
    state.counters[p, C_STARTING] -= 1
    state.pools[p].slots -= state.workers[w].slots
    if state.workers[w].replaces != NONE:
        state.workers[state.pools[p].first_worker + state.workers[w].replaces].replaced = 0


@internal
def _drain(state, w, grace_s, now):
    """Ready worker `w` finishes what it holds and is gone then, or after `grace_s`."""
    p = _pool_of(state, w)
    state.workers[w].phase = DRAINING
    state.workers[w].stop_s = now + grace_s
    _part(state, w)
    state.counters[p, C_READY] -= 1
    state.counters[p, C_DRAINING] += 1
    if _held(state, w) == 0:
        _stop_worker(state, w, now)
    elif grace_s < np.inf:
        _schedule(state, now + grace_s, (DRAIN_END << KIND_SHIFT) | w)


@internal
def _crash(state, w, now):
    """Worker `w`, in whatever phase, is gone with all it holds."""
    p = _pool_of(state, w)
    _account_levels(state, p, now)
    state.counters[p, C_CRASHED] += 1
    if state.workers[w].phase == STARTING:
        _cancel(state, w)
        return
    _part(state, w)
    _lose(state, w, now)
    if state.workers[w].phase == READY:
        state.counters[p, C_READY] -= 1
        state.counters[p, C_DRAINING] += 1
    _stop_worker(state, w, now)
    _use_freed(state, p, now)


@compiled
def scale_in(state, p, number, now):
    """Removes `number` workers of pool `p`; returns how many there were to remove.

    Starting ones go first, the newest of them first (where it was to replace another one, that
    one drains too); then the ready ones with the least load, the highest number on ties, which
    drain.
    """
    _account_levels(state, p, now)
    for removed in range(number):
        w = _newest_starting(state, p)
        if w != NONE:
            old = np.int64(state.workers[w].replaces)
            if old != NONE:
                _retire(state, state.pools[p].first_worker + old, now)
            _cancel(state, w)
            continue
        w = _least_loaded(state, p)
        if w == NONE:
            _after(state, now)
            return removed
        _drain(state, w, state.pools[p].drain_grace_s, now)
    _after(state, now)
    return number


@compiled
def resize(state, p, size, now):
    """Workers of pool `p` are ordered in another size from now on, and those there change to it.

    In place each ready one has it after the pool's `resize_s`; else one of the new size is
    started for it first, then it drains. There must be room for as many workers. Starting ones
    start in the new size.
    """
    _account_levels(state, p, now)
    state.pools[p].size = size
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        worker = state.workers[w]
        if worker.phase == STARTING and worker.size != size:
            old, new = state.sizes[p, worker.size], state.sizes[p, size]
            state.pools[p].slots += new.slots - old.slots
            worker.own_speed = worker.own_speed / old.speed * new.speed
            worker.speed = worker.own_speed * worker.slowed
            worker.size = size
            worker.slots = new.slots
            worker.room_kib = new.room_kib
        elif worker.phase == READY and state.pools[p].resize_in_place == 1:
            worker.next_size = size
            worker.resized_s = now + state.pools[p].resize_s
            _schedule(state, worker.resized_s, (RESIZED << KIND_SHIFT) | w)
    if state.pools[p].resize_in_place == 0:
        _replace_all(state, p, size, now)
    _after(state, now)


@internal
def _replace_all(state, p, size, now):
    """Starts a worker for each ready one of pool `p` that is of another size."""
    first = state.pools[p].first_worker
    free = first
    for w in range(first, first + state.pools[p].used):
        worker = state.workers[w]
        if worker.phase != READY or worker.size == size or worker.replaced == 1:
            continue
        while free < first + state.pools[p].capacity and state.workers[free].phase != OFF:
            free += 1
        if free == first + state.pools[p].capacity:
            return
        node_speed = worker.own_speed / state.sizes[p, worker.size].speed
        _order(state, free, worker.node, 0.0, node_speed, now)
        state.workers[free].replaces = w - first
        worker.replaced = 1


def fail_starts(state: State, p: int, probability: float) -> None:
    """Starts of workers of pool `p` that end from now on fail so often, and begin again."""
    state.pools["start_failure"][p] = probability


def hold_tools(state: State, until_s: float) -> None:
    """Sessions' requests that would arrive before `until_s` arrive then: their tools are out."""
    state.clock["tools_until_s"] = until_s


def set_router(state: State, p: int, router: int) -> None:
    """Requests of pool `p` are routed so from now on; to or from the hierarchical one: never.

    That one chooses among pools, so all of them have it from the start or none.
    """
    pool, clock = state.pools[p], state.clock[0]
    pool["router"] = router
    least = router == LEAST_CONNECTIONS or pool["shared_queue"] == 1
    bypassed = clock["affinity"] + clock["levels"] + clock["groups"] + pool["partitioned"] > 0
    pool["plain"] = least and not bypassed and pool["over_memory"] == NO_LIMIT
    clock["learns"] |= router in LEARNERS
    if not clock["sited"]:
        rank_all(state)  # scores are made of what was not kept for another router


def set_weights(state: State, p: int, preference: float, sizes: FloatArray) -> None:
    """Routers give more to pool `p` and to its workers of each size (sizes,) from now on.

    The preference counts where the hierarchical router chooses among pools; sizes' weights count
    for routers that score or go by weights.
    """
    state.pools["preference"][p] = preference
    state.sizes["weight"][p, : len(sizes)] = sizes
    state.pools["weights_s"][p] = -np.inf
    if not state.clock["sited"][0]:
        rank_all(state)


@compiled
def share_slots(state, p, shares, now):
    """Tenants may use these shares (T,) of the slots of pool `p` from now on."""
    for t in range(len(shares)):
        state.tenants[p, t].share = shares[t]
    if state.pools[p].partitioned == 1:
        _share_out(state, p, now)
    _after(state, now)


@compiled
def drain_node(state, node, now):
    """The ready workers of a node drain, its starting ones are cancelled."""
    for w in range(len(state.workers)):
        if state.workers[w].node == node and state.workers[w].phase != OFF:
            _account_levels(state, _pool_of(state, w), now)
            if state.workers[w].phase == STARTING:
                _cancel(state, w)
            elif state.workers[w].phase == READY:
                _drain(state, w, state.pools[_pool_of(state, w)].drain_grace_s, now)
    _after(state, now)


@compiled
def give_notice(state, node, notice_s, now):
    """A node will be gone after `notice_s`: its workers drain until then at most."""
    drain_node(state, node, now)
    for w in range(len(state.workers)):
        worker = state.workers[w]
        if worker.node == node and worker.phase == DRAINING and worker.stop_s > now + notice_s:
            worker.stop_s = now + notice_s
            _schedule(state, worker.stop_s, (DRAIN_END << KIND_SHIFT) | w)
    _after(state, now)


@compiled
def crash_node(state, node, now):
    """A node is gone with its workers and all they hold; returns how many workers that were."""
    crashed = 0
    for w in range(len(state.workers)):
        if state.workers[w].node == node and state.workers[w].phase != OFF:
            _crash(state, w, now)
            crashed += 1
    _after(state, now)
    return crashed


@internal
def _picked(state, p, purpose, fresh):
    """A ready worker of pool `p` by a seeded draw, or NONE; `fresh`: one at its own speed."""
    number = state.clock[0].faults
    state.clock[0].faults += 1
    chosen, smallest = NOWHERE, np.uint64(0)
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        worker = state.workers[w]
        if worker.phase != READY or (fresh and worker.slowed != 1.0):
            continue
        bits = _bits(state, (number << INDEX_BITS) | (w - first), purpose)
        if chosen == NONE or bits < smallest:
            chosen, smallest = np.int64(w), bits
    return chosen


@compiled
def crash_workers(state, p, count, now):
    """`count` ready workers of pool `p` are gone with all they hold; returns how many were."""
    for crashed in range(count):
        w = _picked(state, p, FOR_CRASH, False)
        if w == NONE:
            _after(state, now)
            return crashed
        _crash(state, w, now)
    _after(state, now)
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
        state.workers[w].slowed = factor
        state.workers[w].speed = state.workers[w].own_speed * factor
    return count


def restore_speed(state: State, p: int) -> None:
    """All workers of pool `p` run what starts from now on at their own speed again."""
    first = state.pools["first_worker"][p]
    workers = state.workers[first : first + state.pools["capacity"][p]]
    workers["slowed"] = 1.0
    workers["speed"] = workers["own_speed"]


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
    for w in range(first, first + state.pools[p].used):
        if reachable == 0:
            _part(state, w)
        elif state.workers[w].phase == READY:
            _join(state, w)
            _pull(state, w, now)
    _after(state, now)
