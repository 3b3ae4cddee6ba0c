"""What the guard remembers of steps, for its rate limit and cooldown."""

from collections import deque

import numpy as np

from engine.scenario import Guard
from engine.units import FloatArray


class Pace:
    """The steps of one replay. P pools; a new size is a step too, by what its capacity grows."""

    def __init__(self, pools: int, guard: Guard) -> None:
        self._guard = guard
        self._changes: deque[tuple[float, int, float]] = deque()
        self._last_out = np.full(pools, -np.inf)
        self._last = np.full(pools, -np.inf)

    def recent(self, t_s: float) -> tuple[FloatArray, FloatArray]:
        """(P,) workers added and removed within the last period."""
        changes = self._changes
        while changes and changes[0][0] <= t_s - self._guard.period_s:
            changes.popleft()
        added, removed = np.zeros(len(self._last)), np.zeros(len(self._last))
        for _, pool, change in changes:
            added[pool] += max(change, 0)
            removed[pool] += max(-change, 0)
        return added, removed

    def since_s(self, t_s: float) -> tuple[FloatArray, FloatArray]:
        """(P,) seconds since the last step out, and since the last of either direction."""
        return t_s - self._last_out, t_s - self._last

    def remember(self, t_s: float, pool: int, change: float, resized: bool) -> None:
        """A step by so many workers; with a new size also where that is none."""
        if change == 0 and not resized:
            return
        self._last[pool] = t_s
        if change > 0:
            self._last_out[pool] = t_s
        if self._guard.out_workers is not None or self._guard.in_workers is not None:
            self._changes.append((t_s, pool, change))
