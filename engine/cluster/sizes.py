"""How long workers of each size were provisioned and busy, where sizes may change."""

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State
from engine.sim.parameters import PoolParameters
from engine.units import AnyArray, FloatArray, IntArray

__all__ = ["SizeBooks"]


class SizeBooks:
    """(T, P, S) of one replay; T ticks, P pools, S sizes. None where every pool has one size."""

    def __init__(self, pools: tuple[PoolParameters, ...], ticks: int) -> None:
        self._slots = np.array([pool.slots for pool in pools], np.int64)
        most = max(len(pool.sizes) for pool in pools)
        shape = (ticks, len(pools), most)
        self.size_s: FloatArray | None = np.zeros(shape) if most > 1 else None
        """Provisioned worker-seconds."""
        self.busy_slot_s: FloatArray | None = np.zeros(shape) if most > 1 else None
        self._before: tuple[IntArray, IntArray] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    @property
    def kept(self) -> bool:
        """Whether there is anything to keep: some pool may have another size."""
        return self.size_s is not None

    def read(self, tick: int, state: State, integrals: FloatArray, span: FloatArray) -> None:
        """At the end of a tick.

        Seconds of workers that are gone by now go to the sizes that such workers had before.

        Args:
            tick: which.
            state: of the simulator.
            integrals: (P, INTEGRALS) of the tick.
            span: (2,) its begin and end.
        """
        if self.size_s is None or self.busy_slot_s is None:
            return
        shape = self.size_s.shape[1:]
        workers, first = state.workers, state.pools["first_worker"]
        self.busy_slot_s[tick] = _by_size(workers, workers["busy_slot_s"], shape)
        there = workers[workers["phase"] != kernel.OFF]
        seconds = span[1] - np.maximum(there["ordered_s"], span[0])
        found = _by_size(there, seconds, shape)
        place = np.arange(len(workers)) - first[workers["pool"]]
        key = workers["pool"] * shape[1] + workers["size"]
        now = (place << 32 | workers["pool"])[workers["phase"] != kernel.OFF]
        held = self._before
        gone = held[1][~np.isin(held[0], now)]
        went = np.bincount(gone, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        nobody = went.sum(axis=1) == 0
        went[nobody, state.pools["size"][nobody]] = 1.0
        worker_s = integrals[:, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1].sum(axis=1)
        left = np.maximum(worker_s - found.sum(axis=1), 0.0)
        self.size_s[tick] = found + went * (left / went.sum(axis=1))[:, None]
        self._before = (now, key[workers["phase"] != kernel.OFF])

    def slots(self, worker_s: FloatArray, slot_s: FloatArray) -> AnyArray:
        """(P,) slots per worker, or (T, P) their mean where sizes may change.

        Args:
            worker_s: (T, P) provisioned worker-seconds.
            slot_s: (T, P) provisioned slot-seconds.
        """
        if self.size_s is None:
            return self._slots
        whole = np.broadcast_to(self._slots, worker_s.shape).astype(np.float64)
        return np.divide(slot_s, worker_s, out=whole, where=worker_s > 0)


def _by_size(workers: AnyArray, seconds: AnyArray, shape: tuple[int, ...]) -> FloatArray:
    key = workers["pool"] * shape[1] + workers["size"]
    sums = np.bincount(key, weights=seconds, minlength=shape[0] * shape[1])
    return np.asarray(sums.reshape(shape), np.float64)
