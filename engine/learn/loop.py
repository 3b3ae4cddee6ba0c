"""The compiled loop of `engine.learn.express`: simulator, memory, decision and limits, by tick.

What reads or changes workers counts no references, as the kernel does not: a check of free
workers that did count them damaged memory (measured). What allocates has to.
"""

import numpy as np
from numba import njit

from engine.learn.mind import decide_mlp, decide_transformer
from engine.lookahead.features import close_bin, note
from engine.sim import kernel


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
    counters, integrals, targets, edges_s, grams, at = tapes
    at[0] = tick
    targets[tick] = target
    if tick == 0:
        return False
    counts, sums = counters[tick - 1], integrals[tick - 1]
    tick_s = edges_s[tick] - edges_s[tick - 1]
    busy = sums[:, kernel.F_BUSY_SLOT_S] / tick_s * tick_s
    note(mind.memory, counts[:, kernel.C_ARRIVED], counts[:, kernel.C_FINISHED], busy, tick_s)
    if tick % every:
        return False
    close_bin(mind.memory)
    _see(mind, counts, sums, target, grams[tick], tick_s)
    return True


@njit(nogil=True, cache=True)
def _sized(mind, limits, out):
    for p in range(len(out)):
        whole = np.int64(np.ceil(mind.wanted[p] - 1e-9))
        out[p] = min(max(whole, limits[p, 0]), limits[p, 1])


@kernel.compiled
def _have_room(state, wanted, target):
    """Whether every pool has as many numbers without a worker as it grows by."""
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
def _played(state, views, tapes, target, tick):
    """Plays a tick with the sizes that its decision left; False where workers have no room."""
    counters, integrals, targets, edges_s, _, _ = tapes
    wanted, now = targets[tick], edges_s[tick]
    if not _have_room(state, wanted, target):
        return False
    for p in range(len(wanted)):
        if wanted[p] > target[p]:
            kernel.scale_out(state, p, wanted[p] - target[p], now)
        elif wanted[p] < target[p]:
            kernel.scale_in(state, p, target[p] - wanted[p], now)
        target[p] = wanted[p]
    kernel.run_tick(state, now, edges_s[tick + 1], views, counters[tick], integrals[tick])
    return True


@njit(nogil=True, cache=True)
def drive_mlp(state, views, tapes, target, mind, own, limits, every, first, last):
    """Ticks from `first` up to `last`; the tick whose workers have no room ends it early.

    tapes: counters, integrals, targets, edges, grams by tick, and (1,) the last tick decided; own:
    the actor and its heads.
    """
    for tick in range(first, last):
        if tapes[5][0] < tick and _due(mind, tapes, target, every, tick):
            decide_mlp(mind, own[0])
            _sized(mind, limits, tapes[2][tick])
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
        if tapes[5][0] < tick and _due(mind, tapes, target, every, tick):
            decide_transformer(mind, own[0], own[1], none)
            _sized(mind, limits, tapes[2][tick])
        if not _played(state, views, tapes, target, tick):
            return tick
    return last
