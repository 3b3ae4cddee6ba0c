"""How long workers of each size were provisioned and busy, where sizes may change."""

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State
from engine.sim.parameters import PoolParameters
from engine.units import AnyArray, FloatArray

__all__ = ["SizeBooks", "by_size"]


class SizeBooks:
    """(T, P, S) of one replay; T ticks, P pools, S sizes. None where every pool has one size."""

    def __init__(self, pools: tuple[PoolParameters, ...], ticks: int) -> None:
        self._slots = np.array([pool.slots for pool in pools], np.int64)
        most = max(len(pool.sizes) for pool in pools)
        shape = (ticks, len(pools), most)
        self.size_s: FloatArray | None = np.zeros(shape) if most > 1 else None
        """Provisioned worker-seconds."""
        self.busy_slot_s: FloatArray | None = np.zeros(shape) if most > 1 else None

    def read(self, tick: int, state: State, edges_s: FloatArray) -> None:
        """At the end of a tick.

        Args:
            tick: which.
            state: of the simulator.
            edges_s: (T + 1,) of the ticks.
        """
        if self.size_s is not None and self.busy_slot_s is not None:
            found = by_size(state, float(edges_s[tick]), float(edges_s[tick + 1]))
            self.size_s[tick], self.busy_slot_s[tick] = found

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


def by_size(state: State, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
    """(P, S) worker-seconds and busy slot-seconds of the tick that was just closed.

    Workers that are gone count until they went, and each with the size that it had at the time.
    """
    workers, shape = state.workers, state.sizes.shape
    until_s = np.where(workers["phase"] == kernel.OFF, workers["stop_s"], to_s)
    since_s = np.maximum(workers["ordered_s"], from_s)
    there_s = np.fmax(until_s - since_s, 0.0)  # NaN: such a worker was never ordered
    worker_s = _sums(workers, "size", there_s, shape)
    busy_slot_s = _sums(workers, "size", workers["busy_slot_s"], shape)
    changed = workers["was"] != kernel.NONE
    if changed.any():
        mine = workers[changed]
        worker_s += _moved(mine, mine["was_until_s"] - since_s[changed], shape)
        busy_slot_s += _moved(mine, mine["was_slot_s"], shape)
    return worker_s, busy_slot_s


def _moved(workers: AnyArray, seconds: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """(P, S) seconds that belong to the sizes that workers had, not to those that they have."""
    return _sums(workers, "was", seconds, shape) - _sums(workers, "size", seconds, shape)


def _sums(workers: AnyArray, size: str, seconds: AnyArray, shape: tuple[int, ...]) -> FloatArray:
    """(P, S) seconds of workers, by what the column `size` says."""
    key = workers["pool"] * shape[1] + workers[size]
    sums = np.bincount(key, weights=seconds, minlength=shape[0] * shape[1])
    return np.asarray(sums.reshape(shape), np.float64)
