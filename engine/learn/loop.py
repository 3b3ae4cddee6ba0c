"""The compiled loop of `engine.learn.express`: simulator, memory, decision and limits, by tick.

What reads or changes workers counts no references, as the kernel does not; what allocates has to.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.gauges import look_at_workers
from engine.learn.mind import decide_mlp, decide_transformer
from engine.lookahead.features import close_bin, note
from engine.sim import kernel
from engine.units import FloatArray, IntArray

PLACED, CANCELLED = 1.0, -1.0
ORDER = 5
"""Numbers that tell of a worker ordered: when, pool, what, when it will be ready, which."""


class Tapes(NamedTuple):
    """What the loop writes by tick, and what it reads. T ticks, P pools, W workers."""

    counters: IntArray  # (T, P, COUNTERS)
    integrals: FloatArray  # (T, P, INTEGRALS)
    targets: IntArray  # (T, P)
    edges_s: FloatArray  # (T + 1,)
    grams: FloatArray  # (T, P) carbon intensity that each decision sees
    decided: IntArray  # (1,) the last tick decided
    spread: FloatArray  # (T, P, 3) of the gauges
    streak: IntArray  # (W,) of the gauges
    orders: FloatArray  # (room, ORDER)
    ordered: IntArray  # (1,) of them, noted


@njit(nogil=True, cache=True)
def _see(mind, counts, sums, target, grams, tick_s):
    """What an `Observation` would say of the tick before."""
    seen = mind.seen
    for p in range(len(target)):
        seen[p, 0] = counts[p, kernel.C_STARTING]
        seen[p, 1] = counts[p, kernel.C_READY]
        seen[p, 2] = counts[p, kernel.C_DRAINING]
        seen[p, 3] = counts[p, kernel.C_QUEUED]
        seen[p, 4] = counts[p, kernel.C_IN_SERVICE]
        seen[p, 5] = sums[p, kernel.F_BUSY_SLOT_S] / tick_s
        seen[p, 6] = counts[p, kernel.C_ARRIVED]
        seen[p, 7] = (
            counts[p, kernel.C_QUEUE_TIMEOUT] + counts[p, kernel.C_EXEC_TIMEOUT]
            + counts[p, kernel.C_REJECTED] + counts[p, kernel.C_LOST] + counts[p, kernel.C_SHED]
        )  # fmt: skip
        seen[p, 8] = sums[p, kernel.F_P95_S]
        seen[p, 9] = target[p]
        seen[p, 10] = grams[p]


@njit(nogil=True, cache=True)
def _due(mind, tapes, target, every, tick):
    """Begins a tick and takes the one before in; whether a decision is due."""
    tapes.decided[0] = tick
    tapes.targets[tick] = target
    if tick == 0:
        return False
    counts, sums = tapes.counters[tick - 1], tapes.integrals[tick - 1]
    tick_s = tapes.edges_s[tick] - tapes.edges_s[tick - 1]
    busy = sums[:, kernel.F_BUSY_SLOT_S] / tick_s * tick_s
    note(mind.memory, counts[:, kernel.C_ARRIVED], counts[:, kernel.C_FINISHED], busy, tick_s)
    if tick % every:
        return False
    close_bin(mind.memory)
    _see(mind, counts, sums, target, tapes.grams[tick], tick_s)
    return True


@njit(nogil=True, cache=True)
def _sized(mind, limits, out):
    for p in range(len(out)):
        whole = np.int64(np.ceil(mind.wanted[p] - 1e-9))
        out[p] = min(max(whole, limits[p, 0]), limits[p, 1])


@kernel.compiled
def _have_room(state, wanted, target, tapes):
    """Whether every pool has as many numbers without a worker as it grows by, and orders fit."""
    if tapes.ordered[0] + len(state.workers) > len(tapes.orders):
        return False
    for p in range(len(wanted)):
        missing = wanted[p] - target[p]
        first = state.pools[p].first_worker
        for w in range(first, first + state.pools[p].capacity):
            if missing <= 0:
                break
            if state.workers[w].phase == 0:
                missing -= 1
        if missing > 0:
            return False
    return True


@kernel.compiled
def _note(state, p, w, now, what, tapes):
    row = tapes.orders[tapes.ordered[0]]
    row[0], row[1], row[2], row[3], row[4] = now, p, what, state.workers[w].ready_s, w
    tapes.ordered[0] += 1


@kernel.compiled
def _grow(state, p, number, now, tapes):
    """Orders workers, and notes them."""
    kernel.scale_out(state, p, number, now)
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        if state.workers[w].phase == kernel.STARTING and state.workers[w].ordered_s == now:
            _note(state, p, w, now, PLACED, tapes)


@kernel.compiled
def _shrink(state, p, number, now, tapes):
    """Removes workers, and notes those whose start was cancelled."""
    begun = tapes.ordered[0]
    first = state.pools[p].first_worker
    for w in range(first, first + state.pools[p].used):
        if state.workers[w].phase == kernel.STARTING:
            _note(state, p, w, now, CANCELLED, tapes)
    kernel.scale_in(state, p, number, now)
    kept = begun
    for k in range(begun, tapes.ordered[0]):
        if state.workers[np.int64(tapes.orders[k, 4])].phase != kernel.STARTING:
            for column in range(ORDER):
                tapes.orders[kept, column] = tapes.orders[k, column]
            kept += 1
    tapes.ordered[0] = kept


@kernel.compiled
def _played(state, views, tapes, target, tick):
    """Plays a tick with the sizes that its decision left; False where workers have no room."""
    wanted, now = tapes.targets[tick], tapes.edges_s[tick]
    if not _have_room(state, wanted, target, tapes):
        return False
    for p in range(len(wanted)):
        if wanted[p] > target[p]:
            _grow(state, p, wanted[p] - target[p], now, tapes)
        elif wanted[p] < target[p]:
            _shrink(state, p, target[p] - wanted[p], now, tapes)
        target[p] = wanted[p]
    counters, integrals = tapes.counters[tick], tapes.integrals[tick]
    kernel.run_tick(state, now, tapes.edges_s[tick + 1], views, counters, integrals)
    look_at_workers(views.utilisation_of, state.pools, tapes.streak, tapes.spread[tick])
    return True


@njit(nogil=True, cache=True)
def drive_mlp(state, views, tapes, target, mind, own, limits, every, first, last):
    """Ticks from `first` up to `last`; one whose workers or orders have no room ends it early.

    own: the actor and its heads.
    """
    for tick in range(first, last):
        if tapes.decided[0] < tick and _due(mind, tapes, target, every, tick):
            decide_mlp(mind, own[0])
            _sized(mind, limits, tapes.targets[tick])
        if not _played(state, views, tapes, target, tick):
            return tick
    return last


@njit(nogil=True, cache=True)
def drive_transformer(
    state, views, tapes, target, mind, own, limits, every, first, last
):  # fmt: skip
    """As `drive_mlp`."""
    none = np.empty((0, 0, 0, 0, 0), np.float32)
    for tick in range(first, last):
        if tapes.decided[0] < tick and _due(mind, tapes, target, every, tick):
            decide_transformer(mind, own[0], own[1], none)
            _sized(mind, limits, tapes.targets[tick])
        if not _played(state, views, tapes, target, tick):
            return tick
    return last
