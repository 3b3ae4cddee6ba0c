"""Fixed capacity: the size that somebody would have bought for the historic peak."""

import copy
import math

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import (
    Action,
    Observation,
    PolicyContext,
    PoolFacts,
    Reason,
    without_limits,
)

ROUNDING = 1e-9
"""Shares such as 0.7 are not exact in binary; a quotient this close above a whole number is it."""


class Static:
    """Fixed capacity, sized for the busiest minute of the trace or given as a number.

    workers = ⌈peak_busy_slots / (slots · target)⌉, within the pool's minimum and maximum, where
    peak_busy_slots is the mean demand of the busiest minute of the *whole* trace. So this policy
    alone looks at all of the trace, once and before the replay starts: it stands for capacity
    planned with perfect records of the peak.
    """

    constraints = (Reason.MAX_WORKERS, Reason.MIN_WORKERS)
    sees_peak = True
    """It goes by the busiest minute, so that of the whole window is looked for where only parts
    of it are replayed."""

    def __init__(
        self, context: PolicyContext, *, target: float = 0.75, workers: int | None = None
    ) -> None:
        """Sizes every pool.

        Args:
            context: the pools with their peaks.
            target: share of slots in use at the peak, above 0 and up to 1.
            workers: so many in every pool, whatever the peak was, 0 or more.
        """
        self.interval_s = context.tick_s
        share = check.share("static", "target", target)
        given = None if workers is None else check.whole("static", "workers", workers, 0)
        self._pools, self._share, self._given = context.pools, share, given
        self._action = _action(context.pools, share, given)

    def propose(self, observation: Observation) -> Action:  # noqa: ARG002 - part of the protocol
        """The same size, always."""
        return self._action

    def without(self, *reasons: Reason) -> "Static":
        """A copy in which the pools' limits no longer bind."""
        lifted = copy.copy(self)
        pools = without_limits(self._pools, reasons)
        lifted._action = _action(pools, self._share, self._given)
        return lifted


def _action(pools: tuple[PoolFacts, ...], share: float, given: int | None) -> Action:
    sizes = [_sized(pool, share, given) for pool in pools]
    return Action(
        target=np.array([size for size, _, _ in sizes], dtype=np.float64),
        reason=tuple(reason for _, reason, _ in sizes),
        rationale=tuple(rationale for _, _, rationale in sizes),
    )


def _sized(
    pool: PoolFacts, target: float, given: int | None
) -> tuple[int, Reason, dict[str, object]]:
    rationale: dict[str, object] = {"min": pool.workers_min, "max": pool.workers_max}
    if given is None:
        wanted = _for_peak(pool, target)
        rationale |= {
            "rule": "ceil(peak_busy_slots / (slots * target))",
            "peak_busy_slots": pool.peak_busy_slots,
            "slots": pool.slots,
            "target": target,
        }
    else:
        wanted = given
        rationale |= {"rule": "workers"}
    size = min(max(wanted, pool.workers_min), pool.workers_max)
    reason = Reason.FIXED
    if size != wanted:
        reason = Reason.MAX_WORKERS if size < wanted else Reason.MIN_WORKERS
    return size, reason, rationale | {"wanted": wanted, "proposed": size}


def _for_peak(pool: PoolFacts, target: float) -> int:
    if math.isnan(pool.peak_busy_slots):
        raise check.refuse(
            "static",
            f"pool {pool.name!r} has no history to find a peak in",
            "Say the size: static:workers=4",
        )
    return math.ceil(pool.peak_busy_slots / (pool.slots * target) - ROUNDING)
