"""What the stages of the guard write down."""

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


@dataclass(slots=True)
class Log:
    """The changes of one decision, by pool."""

    reasons: list[Reason]
    """(P,) what binds each pool so far."""
    stages: list[list[Stage]] = field(init=False)

    def __post_init__(self) -> None:
        self.stages = [[] for _ in self.reasons]

    def note(
        self, stage: str, before: FloatArray, after: FloatArray, reason: Reason | None
    ) -> None:
        """Writes down where a stage changed something. (P,) sizes.

        Args:
            stage: its name.
            before: sizes before it.
            after: sizes after it.
            reason: what it stands for; None: it binds nothing, the reason stays.
        """
        changed: BoolArray = before != after
        if not changed.any():
            return
        for pool in np.flatnonzero(changed).tolist():
            if reason is not None:
                self.reasons[pool] = reason
            line = Stage(stage, _number(before[pool]), int(after[pool]), self.reasons[pool])
            self.stages[pool].append(line)


def _number(value: float) -> float:
    return int(value) if value == int(value) else float(value)
