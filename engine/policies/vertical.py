"""Vertical and horizontal scaling at once: the cheapest size of worker, and as many as needed."""

import math
from collections import deque

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import (
    KEEP,
    Action,
    Observation,
    PolicyContext,
    PoolFacts,
    Reason,
    SizeFacts,
)

NAME = "vertical"
_ROUNDING = 1e-9


class Vertical:
    """Chooses among the sizes of each pool's workers the one that serves its demand for least.

    With d the largest work that arrived in a tick of the last `window_s`, in busy slots, a size
    takes n = ceil(d / (slots x speed x target)) workers for n x price. The size changes when
    another one is cheaper by more than `gain`, or serves what the present one cannot with as many
    workers as there may be; when no worker is starting, and `cooldown_s` after the last change.
    While it changes no worker is taken away.
    """

    def __init__(
        self,
        context: PolicyContext,
        *,
        target: float = 0.7,
        window_s: float = 300.0,
        gain: float = 0.1,
        cooldown_s: float = 600.0,
        interval_s: float = 15.0,
    ) -> None:
        """Starts with nothing seen.

        Args:
            context: the pools, their sizes and the tick.
            target: share of slots in use that is aimed at, above 0 and up to 1.
            window_s: seconds over which the largest demand counts, 0 or more.
            gain: share of the cost that another size must save, 0 to 1.
            cooldown_s: seconds between two changes of size, 0 or more.
            interval_s: seconds between evaluations, a multiple of the tick.
        """
        self.interval_s = check.interval(NAME, "interval_s", interval_s, context.tick_s)
        self._target = check.share(NAME, "target", target)
        self._gain = check.number(NAME, "gain", gain, 0.0, 1.0)
        self._cooldown_s = check.number(NAME, "cooldown_s", cooldown_s, 0.0)
        window = check.number(NAME, "window_s", window_s, 0.0)
        kept = max(1, math.ceil(window / self.interval_s))
        self._pools = context.pools
        self._seen: tuple[deque[float], ...] = tuple(deque(maxlen=kept) for _ in context.pools)
        self._changed_s = [-math.inf] * len(context.pools)

    def propose(self, observation: Observation) -> Action:
        """Size and number for each pool."""
        answers = [
            self._decide(number, pool, observation) for number, pool in enumerate(self._pools)
        ]
        return Action(
            target=np.array([answer[0] for answer in answers], np.float64),
            size=tuple(answer[1] for answer in answers),
            reason=tuple(answer[2] for answer in answers),
            rationale=tuple(answer[3] for answer in answers),
        )

    def _decide(
        self, number: int, pool: PoolFacts, observation: Observation
    ) -> tuple[int, str, Reason, dict[str, object]]:
        offered = float(observation.offered_slots[number])
        if math.isnan(offered) and not self._seen[number]:
            return KEEP, observation.size[number], Reason.METRICS_MISSING, {}
        self._seen[number].append(0.0 if math.isnan(offered) else offered)
        demand = max(self._seen[number])
        needed = {size.name: self._workers(demand, size, pool) for size in pool.sizes}
        cost = {size.name: needed[size.name] * size.price_usd_per_hour for size in pool.sizes}
        short = {
            size.name: max(0.0, demand / self._target - needed[size.name] * _power(size))
            for size in pool.sizes
        }
        held = observation.size[number]
        size = self._size(number, observation, held, cost, short)
        current = int(observation.target[number])
        moving = size != held or int(observation.starting[number]) > 0
        target = max(needed[size], current) if moving else needed[size]
        reason = Reason.DEMAND_UP if target > current else Reason.DEMAND_DOWN
        if target == current:
            reason = Reason.WITHIN_BAND
        if size != held:
            power = {entry.name: _power(entry) for entry in pool.sizes}
            larger = power[size] > power[held]
            reason = Reason.LARGER_SIZE if larger else Reason.SMALLER_SIZE
        return (
            target,
            size,
            reason,
            {
                "demand_slots": demand,
                "workers_by_size": needed,
                "usd_per_hour_by_size": cost,
                "size": size,
            },
        )

    def _workers(self, demand: float, size: SizeFacts, pool: PoolFacts) -> int:
        wanted = math.ceil(demand / (_power(size) * self._target) - _ROUNDING)
        return min(max(wanted, pool.workers_min), pool.workers_max)

    def _size(
        self,
        number: int,
        observation: Observation,
        held: str,
        cost: dict[str, float],
        short: dict[str, float],
    ) -> str:
        """The cheapest of the sizes that lack least, or the present one.

        It stays where a change does not pay or is not due.
        """
        now_s = observation.t_s
        best = min(cost, key=lambda name: (short[name], cost[name]))
        due = now_s - self._changed_s[number] >= self._cooldown_s
        settled = int(observation.starting[number]) == 0
        pays = short[best] < short[held] or cost[best] < (1.0 - self._gain) * cost[held]
        if best == held or not (due and settled and pays):
            return held
        self._changed_s[number] = now_s
        return best


def _power(size: SizeFacts) -> float:
    """Busy slots of speed 1 that a worker can serve."""
    return size.slots * size.speed
