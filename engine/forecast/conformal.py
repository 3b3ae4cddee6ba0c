"""Intervals that keep their coverage when the pattern drifts.

A threshold for each end of the interval is moved after every outcome: up by (1 − α) steps when
the outcome lay beyond it, down by α steps when it did not. Over T outcomes the share beyond is α
within (range of the scores + step) / (step · T), whatever the demand does: proposition 1 of
Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control for time series prediction".
"""

from dataclasses import dataclass, field

import numpy as np

from engine.units import FloatArray

RATE, FIRST_RATE = 0.15, 0.2
"""Step of a threshold over the usual distance of scores from it: later, and at the start."""
RECENT = 60
"""Outcomes after which the rate has become small."""
MEMORY = 300
"""Outcomes over which the usual distance is taken."""
FEW = 10
"""With n outcomes seen, α·n/(n + FEW) is aimed at: few outcomes, known late, cover too little."""
LIMIT = 20.0
"""Most widths that a score counts, so one spike does not open it for ever."""


@dataclass(slots=True)
class Tracker:
    """Threshold of one end of an interval, in widths of the model's interval."""

    miss: float
    """Share of outcomes that should lie beyond, α."""
    offset: float = 0.0
    distance: float = 0.5
    """Usual distance of scores from the offset, in widths."""
    seen: int = 0

    @property
    def aim(self) -> float:
        """Share of outcomes that is aimed at now; tends to `miss`."""
        return self.miss * (self.seen + 1) / (self.seen + 1 + FEW)

    @property
    def step(self) -> float:
        """How far the next outcome moves the offset."""
        return max(RATE, FIRST_RATE / (1 + self.seen / RECENT)) * self.distance

    def learn(self, score: float) -> None:
        """One outcome: how far it lay beyond the model's own end, in widths."""
        score = min(max(score, -LIMIT), LIMIT)
        off = abs(score - self.offset)
        self.offset += self.step * (float(score > self.offset) - self.aim)
        self.distance += (off - self.distance) / MEMORY
        self.seen += 1


@dataclass(slots=True)
class Calibrator:
    """Both ends of a forecast's outermost interval at one horizon."""

    low: float = 0.1
    high: float = 0.9
    lower: Tracker = field(init=False)
    upper: Tracker = field(init=False)

    def __post_init__(self) -> None:
        self.lower, self.upper = Tracker(self.low), Tracker(1 - self.high)

    def apply(self, quantiles: FloatArray) -> FloatArray:
        """(Q,) quantiles with their ends moved; never crossing, never below 0."""
        width = _width(quantiles)
        centre = quantiles[len(quantiles) // 2]
        made = quantiles.copy()
        made[0] = min(max(quantiles[0] - self.lower.offset * width, 0.0), centre)
        made[-1] = max(quantiles[-1] + self.upper.offset * width, centre)
        return np.maximum.accumulate(np.minimum(made, made[-1]))

    def learn(self, quantiles: FloatArray, came: float) -> None:
        """An outcome of a forecast as the model gave it, before `apply`."""
        if not np.isfinite(came):
            return
        width = _width(quantiles)
        self.lower.learn((quantiles[0] - came) / width)
        self.upper.learn((came - quantiles[-1]) / width)


def _width(quantiles: FloatArray) -> float:
    """Of the interval; a share of the median where the model is sure of one value."""
    spread = float(quantiles[-1] - quantiles[0])
    return max(spread, 0.02 * float(quantiles[len(quantiles) // 2]), 1e-9)


def calibrated(
    quantiles: FloatArray, came: FloatArray, ends: FloatArray, starts: FloatArray
) -> FloatArray:
    """Quantiles as they would have been given online, in order of time.

    Args:
        quantiles: (B, Q) forecasts of one horizon, by cut-off.
        came: (B,) outcomes, NaN where unknown.
        ends: (B,) when each outcome is known.
        starts: (B,) cut-offs, increasing. An outcome is learnt only before later cut-offs.

    Returns:
        (B, Q).
    """
    calibrator = Calibrator()
    made = np.empty_like(quantiles)
    learnt = 0
    for number, start in enumerate(starts):
        while learnt < number and ends[learnt] <= start:
            calibrator.learn(quantiles[learnt], float(came[learnt]))
            learnt += 1
        made[number] = calibrator.apply(quantiles[number])
    return made
