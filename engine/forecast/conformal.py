"""Intervals that keep their coverage when the pattern drifts.

A threshold for each end of the interval is moved after every outcome: up by (1 − α) steps when
the outcome lay beyond it, down by α steps when it did not. With a step that stays the same, the
share beyond is over T outcomes α within (range of the scores + step) / (step · T), whatever the
demand does: proposition 1 of Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control for
time series prediction". Here the step shrinks at first and follows the usual distance of scores,
so the bound holds for the share weighted by steps.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.units import FloatArray, IntArray

RECENT = 60
"""Outcomes after which the rate has become small."""
MEMORY = 300
"""Outcomes over which the usual distance is taken."""
LIMIT = 20.0
"""Most widths that a score counts, so one spike does not open it for ever."""
OFFSET, DISTANCE, SEEN = 0, 1, 2
"""Places in the state of one end: its threshold and the usual distance of scores from it, both in
widths of the model's interval, and the outcomes seen."""
_NARROW = 0.02

_compiled = njit(nogil=True, cache=True, error_model="numpy")


class Pace(NamedTuple):
    """How fast thresholds move."""

    rate: float
    """Step over the usual distance of scores, later."""
    first: float
    """The same at the start."""
    few: float
    """With n outcomes seen, α·n/(n + few) is aimed at: few outcomes, known late, cover too
    little."""


ALONE = Pace(rate=0.15, first=0.2, few=10.0)
"""For the forecasts of one model."""
TOGETHER = Pace(rate=0.02, first=0.05, few=5.0)
"""For a mean of forecasts that are about right already."""


def fresh() -> FloatArray:
    """(3,) state of one end before the first outcome."""
    return np.array([0.0, 0.5, 0.0])


@_compiled
def aim(state: FloatArray, miss: float, few: float) -> float:
    """Share of outcomes beyond that is aimed at now; tends to `miss`."""
    share: float = miss * (state[SEEN] + 1) / (state[SEEN] + 1 + few)
    return share


@_compiled
def step(state: FloatArray, rate: float, first: float) -> float:
    """How far the next outcome moves the threshold."""
    size: float = max(rate, first / (1 + state[SEEN] / RECENT)) * state[DISTANCE]
    return size


@_compiled
def learn(
    state: FloatArray, score: float, miss: float, rate: float, first: float, few: float
) -> None:
    """One outcome: how far it lay beyond the model's own end, in widths."""
    score = min(max(score, -LIMIT), LIMIT)
    off = abs(score - state[OFFSET])
    beyond = 1.0 if score > state[OFFSET] else 0.0
    state[OFFSET] += step(state, rate, first) * (beyond - aim(state, miss, few))
    state[DISTANCE] += (off - state[DISTANCE]) / MEMORY
    state[SEEN] += 1


@_compiled
def width(quantiles: FloatArray) -> float:
    """Of the interval; a share of the median where the model is sure of one value."""
    spread = quantiles[-1] - quantiles[0]
    wide: float = max(spread, _NARROW * quantiles[len(quantiles) // 2], 1e-9)
    return wide


@_compiled
def apply(quantiles: FloatArray, lower: float, upper: float, out: FloatArray) -> None:
    """(Q,) quantiles with their ends moved; never crossing, never below 0."""
    wide, centre = width(quantiles), quantiles[len(quantiles) // 2]
    highest = max(quantiles[-1] + upper * wide, centre)
    out[0] = min(max(quantiles[0] - lower * wide, 0.0), centre)
    for q in range(1, len(quantiles)):
        out[q] = max(min(quantiles[q], highest), out[q - 1])
    out[-1] = max(highest, out[-1])


@_compiled
def _online(
    quantiles: FloatArray, came: FloatArray, ends: FloatArray, starts: FloatArray, low: float,
    high: float, rate: float, first: float, few: float, lower: FloatArray, upper: FloatArray,
    out: FloatArray,
) -> None:  # fmt: skip
    learnt = 0
    for number in range(len(starts)):
        while learnt < number and ends[learnt] <= starts[number]:
            value, of = came[learnt], quantiles[learnt]
            if np.isfinite(value):
                wide = width(of)
                learn(lower, (of[0] - value) / wide, low, rate, first, few)
                learn(upper, (value - of[-1]) / wide, 1 - high, rate, first, few)
            learnt += 1
        apply(quantiles[number], lower[OFFSET], upper[OFFSET], out[number])


def calibrated(
    quantiles: FloatArray,
    came: FloatArray,
    ends: FloatArray | IntArray,
    starts: FloatArray | IntArray,
    *,
    low: float = 0.1,
    high: float = 0.9,
    pace: Pace = ALONE,
) -> FloatArray:
    """Quantiles as they would have been given online, in order of time.

    Args:
        quantiles: (B, Q) forecasts of one horizon, by cut-off.
        came: (B,) outcomes, NaN where unknown.
        ends: (B,) when each outcome is known.
        starts: (B,) cut-offs, increasing. An outcome is learnt only before later cut-offs.
        low: level of the first quantile.
        high: level of the last one.
        pace: how fast the ends move.

    Returns:
        (B, Q).
    """
    said = np.ascontiguousarray(quantiles, np.float64)
    made: FloatArray = np.empty_like(said)
    times = (np.asarray(came), np.asarray(ends, np.float64), np.asarray(starts, np.float64))
    _online(said, *times, low, high, *pace, fresh(), fresh(), made)
    return made
