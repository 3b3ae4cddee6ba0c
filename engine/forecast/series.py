"""Demand of one pool over time, its parts for training and tests, and histories up to cut-offs."""

import math
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.forecast.features import Features, Scaler
from engine.forecast.gaps import filled
from engine.forecast.histories import Histories
from engine.forecast.neural_encode import WINDOW
from engine.units import FloatArray, IntArray

TRAIN, VALID = 0.70, 0.15
"""Shares of a series, in order of time; the rest is for tests."""
LEAST_STEPS = 30
"""A whole series is at least this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSeries:
    """Demand of one pool, or of a whole trace."""

    name: str
    unit: str
    """`requests/s`, `busy slots`, or the unit of a recorded series."""
    step_s: float
    start_s: float
    """Seconds after a Monday's midnight at which the first step begins; NaN: no calendar."""
    values: FloatArray
    """(T,) mean over each step, ≥ 0; NaN is a gap."""
    features: Features | None = None
    """What else the trace knows by step; None: nothing."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).any():
            raise UsageError("no step has a value", self.name, "Use a trace with demand")
        if np.isinf(self.values).any() or (self.values < 0).any():
            raise UsageError(
                "demand is negative or infinite", self.name, "Correct these steps, or drop them"
            )

    def long_enough(self) -> "DemandSeries":
        """The series itself. Raises UsageError where it is too short for anything."""
        if len(self.values) < LEAST_STEPS:
            raise UsageError(
                f"{len(self.values)} steps of {self.step_s:g} s are too few to forecast from",
                self.name, f"Use at least {LEAST_STEPS} steps: a longer trace or a shorter step",
            )  # fmt: skip
        return self

    def before(self, cut: int) -> "DemandSeries":
        """The series as it was known at a cut-off: the first `cut` steps."""
        features = None if self.features is None else self.features.before(cut)
        return DemandSeries(
            name=self.name, unit=self.unit, step_s=self.step_s, start_s=self.start_s,
            values=self.values[:cut], features=features,
        )  # fmt: skip

    def histories(self, cuts: IntArray, length: int, scaler: Scaler | None = None) -> Histories:
        """The `length` steps before each cut-off (fewer where the series begins later).

        Args:
            cuts: (B,) steps before the cut-offs, increasing, each ≥ 4.
            length: steps of history.
            scaler: of the further features, from the training part.
        """
        length = min(length, int(cuts.min()))
        rows = np.lib.stride_tricks.sliding_window_view(self.values, length)[cuts - length]
        known = None
        if self.features is not None and scaler is not None:
            known = self.features.windows(cuts, scaler)
        return Histories(
            demand=filled(rows), step_s=self.step_s,
            end_s=self.start_s + cuts.astype(np.float64) * self.step_s,
            features=None if known is None else known[0],
            present=None if known is None else known[1],
            cut=cuts,
        )  # fmt: skip

    def came(self, cuts: IntArray, ahead: IntArray) -> FloatArray:
        """(B, H) what came `ahead` steps after each cut-off; NaN where unknown."""
        at = cuts[:, None] + ahead - 1
        inside = at < len(self.values)
        values: FloatArray = np.where(
            inside, self.values[np.minimum(at, len(self.values) - 1)], np.nan
        )
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Steps that belong to training, validation and tests; a gap keeps them apart."""

    train: int
    """Training is [0, train)."""
    valid: IntArray
    """Cut-offs of validation: targets lie `WINDOW` + horizon or more after the training part."""
    test: IntArray
    """Cut-offs of the test, as far behind the validation part."""
    borders: tuple[int, int]
    """Where validation and test targets end at the latest, steps."""


def split(size: int, ahead: IntArray, origins: int = 400) -> Split:
    """70/15/15 in order of time, with a gap of window + horizon between the parts.

    Args:
        size: steps of the series.
        ahead: (H,) steps ahead that are forecast.
        origins: at most this many cut-offs in each part, evenly spaced.
    """
    first, second = round(TRAIN * size), round((TRAIN + VALID) * size)
    shortest = int(ahead.min())
    return Split(
        train=first,
        valid=_spaced(first + WINDOW, second - shortest, origins),
        test=_spaced(second + WINDOW, size - shortest, origins),
        borders=(second, size),
    )


def stride(cuts: IntArray) -> float:
    """Steps from one of (B,) increasing cut-offs to the next, the median; 1 for a single one."""
    return float(np.median(np.diff(cuts))) if len(cuts) > 1 else 1.0


def overlap(cuts: IntArray, steps: int) -> int:
    """Cut-offs whose forecasts `steps` ahead reach over each other."""
    return math.ceil(steps / stride(cuts))


def _spaced(start: int, stop: int, most: int) -> IntArray:
    """Whole numbers from start to stop, both ends included; the earliest only if none fits."""
    number = min(most, max(1, stop - start + 1))
    spaced: IntArray = np.unique(np.linspace(start, max(start, stop), number).astype(np.int64))
    return spaced
