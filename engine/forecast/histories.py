"""What a model may know: demand of pools up to a cut-off, and nothing after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.forecast.neural_inputs import LEAST, Flags, Moment
from engine.units import SECONDS_PER_DAY, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Demand of B pools up to one cut-off each; what a network may know."""

    demand: FloatArray
    """(B, T) per step, oldest first, ≥ 0; NaN is a gap."""
    step_s: float
    end_s: float | FloatArray
    """Seconds after a Monday's midnight at the cut-off; NaN where no calendar is known."""
    features: FloatArray | None = None
    """(B, 12, 23) further features of the last steps, standardised; None: the trace has none."""
    present: Flags | None = None
    """(B, 23) which of them the trace has."""
    cut: IntArray | None = None
    """(B,) steps of the series before each cut-off, for models that count from its start."""
    checked: bool = False
    """A part of checked histories is not checked again."""

    def __post_init__(self) -> None:
        if self.checked:
            return
        if self.demand.ndim != 2 or self.demand.shape[1] < LEAST:
            raise UsageError(
                f"the history has the shape {self.demand.shape}", "history",
                f"Give at least {LEAST} steps of each pool before the cut-off",
            )  # fmt: skip
        if not self.step_s > 0:
            raise UsageError(f"the step is {self.step_s} s", "step_s", "Use more than 0 seconds")
        lowest, highest = np.fmin.reduce(self.demand, None), np.fmax.reduce(self.demand, None)
        if lowest < 0 or highest == np.inf:
            raise UsageError(
                "demand is negative or infinite", "history", "Correct these steps or leave a gap"
            )

    def moment(self) -> Moment:
        """The calendar at the cut-offs."""
        end_s = np.broadcast_to(np.asarray(self.end_s, np.float64), len(self.demand))
        return Moment(
            second_of_day=end_s % SECONDS_PER_DAY, day_of_week=end_s / SECONDS_PER_DAY % 7
        )

    def rows(self, which: slice) -> Histories:
        """Some of the pools."""
        size = len(self.demand)
        return replace(
            self,
            checked=True,
            demand=self.demand[which],
            end_s=np.broadcast_to(np.asarray(self.end_s, np.float64), size)[which],
            features=None if self.features is None else self.features[which],
            present=None if self.present is None else self.present[which],
            cut=None if self.cut is None else self.cut[which],
        )

    def latest(self, steps: int) -> Histories:
        """The same without what lies further back."""
        kept = max(steps, LEAST)
        return replace(self, demand=self.demand[:, -kept:], checked=True)


def steps_ahead(horizons_s: Sequence[float], step_s: float) -> npt.NDArray[np.int64]:
    """(H,) steps after the cut-off whose end is the first at or after each horizon."""
    ahead = np.ceil(np.asarray(horizons_s, np.float64) / step_s - 1e-9).astype(np.int64)
    return np.maximum(ahead, 1)
