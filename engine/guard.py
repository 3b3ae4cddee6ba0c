"""The ordered constraints between what a policy proposes and what is applied.

Each stage that changes something leaves a line with before, after and reason. Present stages:
quantise, then the pool's limits, then room on its nodes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import PolicyError
from engine.policies.base import KEEP, Reason


@dataclass(frozen=True, slots=True)
class Stage:
    """One change by the guard."""

    stage: str
    before: float
    after: float
    reason: Reason


def apply(
    proposed: float,
    current: int,
    reason: Reason,
    limits: tuple[int, int],
    where: str,
    room: Callable[[], int] | None = None,
) -> tuple[int, Reason, tuple[Stage, ...]]:
    """The number of workers to apply, what bound it, and the stages that changed something.

    Args:
        proposed: workers wanted, or KEEP; fractions are rounded up.
        current: workers asked for so far.
        reason: what bound the proposal.
        limits: smallest and largest number of workers.
        where: named in errors.
        room: how many more workers nodes can take; None: no such limit.

    Raises:
        PolicyError: the proposal is not a number, or negative.
    """
    if proposed == KEEP:
        return current, reason, ()
    if not (math.isfinite(proposed) and proposed >= 0):
        raise PolicyError(
            f"a target of {proposed} workers was proposed",
            where,
            "A target is a finite number of 0 or more, or KEEP",
        )
    stages: list[Stage] = []
    wanted = math.ceil(proposed)
    if wanted != proposed:
        stages.append(Stage("quantise", proposed, wanted, reason))
    low, high = limits
    applied = min(max(wanted, low), high)
    if applied != wanted:
        reason = Reason.MIN_WORKERS if applied == low and wanted < low else Reason.MAX_WORKERS
        stages.append(Stage("limits", wanted, applied, reason))
    if room is not None and applied > current:
        placed = min(applied, current + room())
        if placed != applied:
            reason = Reason.NO_ROOM
            stages.append(Stage("placement", applied, placed, reason))
            applied = placed
    return applied, reason, tuple(stages)
