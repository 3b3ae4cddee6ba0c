"""What people hold: the sizes of pools that stay as ordered for a while, whatever is proposed."""

from collections.abc import Sequence

from engine.policies.base import PoolFacts
from engine.scenario import Hold
from engine.units import FloatArray


class Holds:
    """The holds of one replay, and what pools had when those without a number began.

    Times are in seconds into the window.
    """

    def __init__(self, holds: tuple[Hold, ...], pools: Sequence[PoolFacts]) -> None:
        """Nothing has begun yet."""
        self._holds, self._pools = holds, pools
        self._held: dict[Hold, int] = {}

    def ordered(self, t_s: float, pool: int, current: int) -> tuple[int, float] | None:
        """The size that a person has ordered, within the pool's limits, and for how long yet."""
        active = self._active(t_s, pool)
        if not active:
            return None
        hold = active[-1]
        size = self._held.setdefault(hold, current) if hold.workers is None else hold.workers
        return allowed(self._pools[pool], size), hold.at_s + hold.for_s - t_s

    def sizes(self, t_s: float, current: FloatArray) -> dict[int, int]:
        """What pools are held at, by pool."""
        if not self._holds:
            return {}
        found = ((pool, self.ordered(t_s, pool, int(now))) for pool, now in enumerate(current))
        return {pool: order[0] for pool, order in found if order is not None}

    def left_s(self, t_s: float, pool: int) -> float | None:
        """For how many seconds yet a person holds a pool; None: nobody does."""
        ends = [hold.at_s + hold.for_s - t_s for hold in self._active(t_s, pool)]
        return max(ends, default=None)

    def _active(self, t_s: float, pool: int) -> list[Hold]:
        """Those of a pool that are in force, the last ordered last."""
        name = self._pools[pool].name
        return [
            hold for hold in self._holds
            if hold.pool == name and hold.at_s <= t_s < hold.at_s + hold.for_s
        ]  # fmt: skip


def allowed(pool: PoolFacts, size: int) -> int:
    """A size within the pool's limits."""
    return min(max(size, pool.workers_min), pool.workers_max)
