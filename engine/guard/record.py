"""What the stages of the guard write down."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.policies.base import Reason
from engine.units import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Stage:
    """One change by the guard."""

    stage: str
    before: float
    after: float
    reason: Reason
    numbers: Mapping[str, float] = field(default_factory=dict, compare=False)
    """What it went by, with the unit in the name, as far as it is finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A size that is kept for a while, whatever policy, guard and people want: to ask what if."""

    size: int
    until_s: float
    """Seconds into the window."""
    at_least: bool = True
    at_most: bool = True

    def of(self, workers: int) -> int:
        """What becomes of a number of workers."""
        if self.at_least:
            workers = max(workers, self.size)
        return min(workers, self.size) if self.at_most else workers


@dataclass(slots=True)
class Log:
    """The changes of one decision, by pool."""

    reasons: list[Reason]
    """(P,) what binds each pool so far."""
    stages: list[list[Stage]] = field(init=False)

    def __post_init__(self) -> None:
        self.stages = [[] for _ in self.reasons]

    def note(
        self, stage: str, before: FloatArray, after: FloatArray, reason: Reason | None,
        **numbers: FloatArray | float,
    ) -> None:  # fmt: skip
        """Writes down where a stage changed something. (P,) sizes.

        Args:
            stage: its name.
            before: sizes before it.
            after: sizes after it.
            reason: what it stands for; None: it binds nothing, the reason stays.
            numbers: what it went by, (P,) or the same for all.
        """
        changed: BoolArray = before != after
        if not changed.any():
            return
        for pool in np.flatnonzero(changed).tolist():
            if reason is not None:
                self.reasons[pool] = reason
            by = {name: _of(value, pool) for name, value in numbers.items()}
            known = {name: value for name, value in by.items() if math.isfinite(value)}
            line = Stage(stage, _number(before[pool]), int(after[pool]), self.reasons[pool], known)
            self.stages[pool].append(line)


def _of(value: FloatArray | float, pool: int) -> float:
    return float(value[pool] if isinstance(value, np.ndarray) else value)


def _number(value: float) -> float:
    return int(value) if value == int(value) else float(value)
