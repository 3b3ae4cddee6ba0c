"""What policies that follow demand share: a memory of arrivals, a clock, a hold, an answer."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.lookahead import Lookahead
from engine.policies import parameters as check
from engine.policies.base import (
    KEEP,
    Action,
    Observation,
    PolicyContext,
    PoolFacts,
    Reason,
    without_limits,
)
from engine.units import FloatArray

DEFAULT_INTERVAL_S = 15.0
"""As Kubernetes' HPA."""
CONSTRAINTS = (Reason.MAX_WORKERS, Reason.MIN_WORKERS, Reason.STABILIZED)
"""What `DemandWatch.lift` can lift, for the policies that use it."""


class DemandWatch:
    """Sees every tick of a replay, says when a proposal is due, and turns demand into an answer.

    Policies that use it are evaluated each tick, because an observation holds the arrivals of one
    tick only; in between they have no opinion.
    """

    def __init__(
        self, name: str, context: PolicyContext, *, interval_s: float | None, hold_s: float
    ) -> None:
        """Remembers nothing yet.

        Args:
            name: of the policy, for errors.
            context: the pools and the tick.
            interval_s: seconds between proposals; None: 15, or the nearest multiple of the tick.
            hold_s: the highest proposal of this long stands.

        Raises:
            PolicyError: a value out of range.
        """
        tick_s = context.tick_s
        if interval_s is None:
            interval_s = tick_s * max(1, round(DEFAULT_INTERVAL_S / tick_s))
        self.interval_s = check.interval(name, "interval_s", interval_s, tick_s)
        hold_s = check.number(name, "hold_s", hold_s, 0.0)
        self.pools = context.pools
        self.lookahead = Lookahead(len(context.pools), self.interval_s)
        self.slots = np.array([float(pool.slots) for pool in context.pools])
        self._sizes = _limits(self.pools)
        self._ticks, self._every = 0, round(self.interval_s / tick_s)
        self.hold_s = hold_s
        self._recent: deque[list[float]] = deque(maxlen=1 + round(hold_s / self.interval_s))

    def due(self, observation: Observation) -> bool:
        """Takes the last tick in; whether a proposal is due."""
        if observation.t_s <= 0.0:
            return False
        busy = observation.busy_slots * observation.tick_s
        busy[np.isnan(busy)] = 0.0
        self.lookahead.note(observation.arrived, observation.finished, busy, observation.tick_s)
        self._ticks += 1
        if self._ticks % self._every:
            return False
        self.lookahead.close()
        return True

    def horizon_s(self) -> FloatArray:
        """(P,) mean seconds until workers ordered at the next proposal are ready."""
        return np.array([pool.startup_mean_s for pool in self.pools]) + self.interval_s

    def workers(
        self, busy_slots: FloatArray, observation: Observation, service_s: FloatArray,
        *, target: float, drain_s: float,
    ) -> FloatArray:  # fmt: skip
        """(P,) workers, fractions included: demand at the target, and the backlog.

        busy_slots / (slots · target) + queued · service / (slots · drain)

        Args:
            busy_slots: (P,) slots that the demand keeps busy.
            observation: with what waits.
            service_s: (P,) mean seconds that a request holds a slot.
            target: share of slots wanted in use.
            drain_s: seconds in which what waits should be served; 0: it does not count.
        """
        wanted = busy_slots / (self.slots * target)
        if drain_s > 0.0:
            wanted = wanted + observation.queued * service_s / (self.slots * drain_s)
        return np.asarray(wanted, np.float64)

    def lift(self, *reasons: Reason) -> None:
        """From now on these constraints no longer bind."""
        if Reason.STABILIZED in reasons:
            self._recent = deque(maxlen=1)
        self.pools = without_limits(self.pools, reasons)
        self._sizes = _limits(self.pools)

    def resized(self, pool: int, slots: float, factor: float) -> None:
        """Workers of a pool have so many slots from now on.

        Proposals that are held count so many times as many of them: `factor`, rounded up.
        """
        self.slots[pool] = slots
        for proposed in self._recent:
            proposed[pool] = float(math.ceil(proposed[pool] * factor - 1e-9))

    def silent(self, reason: Reason) -> Action:
        """No opinion on any pool."""
        pools = len(self.pools)
        return Action(target=np.full(pools, float(KEEP)), reason=(reason,) * pools)

    def answer(
        self, observation: Observation, wanted: FloatArray,
        numbers: Mapping[str, FloatArray | list[float]],
        extra: Sequence[Mapping[str, Any]] | None = None,
    ) -> Action:  # fmt: skip
        """The action: rounded up, within the pools' limits, held.

        Plain numbers throughout: pools are few, and this happens at every tick.

        Args:
            observation: the present.
            wanted: (P,) workers; NaN: nothing is known of the demand yet.
            numbers: (P,) each, for the rationale.
            extra: more of the rationale, one a pool.
        """
        (lows, highs), known = self._sizes, np.isfinite(wanted).tolist()
        whole = [
            float(math.ceil(one - 1e-9)) if sure else 0.0
            for one, sure in zip(wanted.tolist(), known, strict=True)
        ]
        self._recent.append(whole)
        held = [max(sizes) for sizes in zip(*self._recent, strict=True)]
        target = [
            min(max(size, low), high) for size, low, high in zip(held, lows, highs, strict=True)
        ]
        columns: dict[str, Sequence[float]] = {
            **{
                name: values if isinstance(values, list) else values.tolist()
                for name, values in numbers.items()
            },
            "wanted": wanted.tolist(), "held": held, "proposed": target,
            "slots": self.slots.tolist(), "min": lows, "max": highs,
            "hold_s": [self.hold_s] * len(target),
        }  # fmt: skip
        rationales: list[dict[str, Any]] = [
            {
                name: value if math.isfinite(value) else None
                for name, value in zip(columns, row, strict=True)
            }
            for row in zip(*columns.values(), strict=True)
        ]
        if extra:
            rationales = [own | dict(more) for own, more in zip(rationales, extra, strict=True)]
        sizes = zip(target, known, strict=True)
        return Action(
            target=np.array([size if sure else float(KEEP) for size, sure in sizes]),
            reason=tuple(map(_reason, known, whole, held, target, observation.target.tolist())),
            rationale=tuple(rationales),
        )


def _limits(pools: Sequence[PoolFacts]) -> tuple[list[float], list[float]]:
    """Fewest and most workers of each."""
    return [float(p.workers_min) for p in pools], [float(p.workers_max) for p in pools]


def _reason(known: bool, whole: float, held: float, target: float, current: int) -> Reason:
    if not known:
        return Reason.METRICS_MISSING
    if target != held:
        return Reason.MAX_WORKERS if target < held else Reason.MIN_WORKERS
    if held > whole:
        return Reason.STABILIZED
    if target == current:
        return Reason.WITHIN_TOLERANCE
    return Reason.DEMAND_UP if target > current else Reason.DEMAND_DOWN
