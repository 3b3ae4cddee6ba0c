"""Intervals that keep their coverage when the pattern drifts.

Each end of the interval is moved away from the median, or towards it, by a threshold in the end's
own distances from the median: so what was learned from wide forecasts fits narrow ones. After
every outcome the threshold goes up by (1 − α) steps when the outcome lay beyond it, down by
α steps when it did not. With a step that stays the same, the share beyond is over T outcomes
α within (range of the scores + step) / (step · T), whatever the demand does: proposition 1 of
Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control for time series prediction".
Here the step shrinks at first and follows the usual distance of scores, so the bound holds for
the share weighted by steps; and an end never goes nearer to the median than `KEPT` of its own
distance, where the share beyond may be less than α, never more.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.units import FloatArray, IntArray

RECENT = 60
"""Outcomes after which the rate has become small."""
MEMORY = 300
"""Outcomes over which the usual distance is taken."""
LIMIT = 40.0
"""Most distances that a score counts, so one spike does not open an interval for ever."""
KEPT = 0.25
"""An end stays at least this share of its own distance away from the median. Outcomes are known
late: until then a threshold goes on as it went, and would close an interval altogether."""
LATE = 0.1
"""How much each further forecast whose outcome is not known yet slows a threshold down."""
OFFSET, DISTANCE, SEEN = 0, 1, 2
"""Places in the state of one end: its threshold and the usual distance of scores from it, both in
distances of the model's own end from the median, and the outcomes seen."""
_NARROW, _LOPSIDED = 0.02, 0.1

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
    return np.array([0.0, 1.0, 0.0])


@_compiled
def aim(state: FloatArray, miss: float, few: float) -> float:
    """Share of outcomes beyond that is aimed at now; tends to `miss`."""
    share: float = miss * (state[SEEN] + 1) / (state[SEEN] + 1 + few)
    return share


@_compiled
def step(state: FloatArray, rate: float, first: float, pending: int = 1) -> float:
    """How far the next outcome moves the threshold.

    `pending` forecasts, its own included, were made before it was known.
    """
    pace = max(rate, first / (1 + state[SEEN] / RECENT)) / (1 + LATE * (pending - 1))
    size: float = pace * state[DISTANCE]
    return size


@_compiled
def learn(
    state: FloatArray, score: float, miss: float, rate: float, first: float, few: float,
    pending: int = 1,
) -> None:  # fmt: skip
    """One outcome: how far it lay beyond the model's own end, in its distances."""
    score = min(max(score, -LIMIT), LIMIT)
    off = abs(score - state[OFFSET])
    beyond = 1.0 if score > state[OFFSET] else 0.0
    moved = state[OFFSET] + step(state, rate, first, pending) * (beyond - aim(state, miss, few))
    state[OFFSET] = max(moved, KEPT - 1)
    state[DISTANCE] += (off - state[DISTANCE]) / MEMORY
    state[SEEN] += 1


@_compiled
def reach(quantiles: FloatArray, end: int) -> float:
    """Distance of an end from the median, 0 or more: what its threshold is measured in.

    At least a share of the whole interval, and that of the median where the model is sure.
    """
    centre = quantiles[len(quantiles) // 2]
    whole = max(quantiles[-1] - quantiles[0], _NARROW * centre, 1e-9)
    size: float = max(abs(quantiles[end] - centre), _LOPSIDED * whole)
    return size


@_compiled
def apply(quantiles: FloatArray, lower: float, upper: float, out: FloatArray) -> None:
    """(Q,) quantiles with their ends moved; never crossing, never below 0."""
    centre = quantiles[len(quantiles) // 2]
    below, above = centre - quantiles[0], quantiles[-1] - centre
    highest = centre + max(above + upper * reach(quantiles, -1), KEPT * above)
    out[0] = max(centre - max(below + lower * reach(quantiles, 0), KEPT * below), 0.0)
    for q in range(1, len(quantiles)):
        out[q] = max(min(quantiles[q], highest), out[q - 1])
    out[-1] = max(highest, out[-1])


@_compiled
def _outcome(
    of: FloatArray, value: float, low: float, high: float, rate: float, first: float, few: float,
    pending: int, lower: FloatArray, upper: FloatArray,
) -> None:  # fmt: skip
    """Both ends of one forecast learn what came."""
    under, over = (of[0] - value) / reach(of, 0), (value - of[-1]) / reach(of, -1)
    learn(lower, under, low, rate, first, few, pending)
    learn(upper, over, 1 - high, rate, first, few, pending)


@_compiled
def _online(
    quantiles: FloatArray, came: FloatArray, ends: FloatArray, starts: FloatArray, low: float,
    high: float, rate: float, first: float, few: float, lower: FloatArray, upper: FloatArray,
    out: FloatArray,
) -> None:  # fmt: skip
    learnt = 0
    for number in range(len(starts)):
        while learnt < number and ends[learnt] <= starts[number]:
            value, of, pending = came[learnt], quantiles[learnt], number - learnt
            if np.isfinite(value):
                _outcome(of, value, low, high, rate, first, few, pending, lower, upper)
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


@_compiled
def learn_rows(
    said: FloatArray, came: FloatArray, low: float, high: float, rate: float, first: float,
    few: float, pending: int, lower: FloatArray, upper: FloatArray,
) -> None:  # fmt: skip
    """One outcome of each of P pools: said (P, Q), came (P,), states (P, 3) that are changed."""
    for row in range(len(came)):
        _outcome(said[row], came[row], low, high, rate, first, few, pending,
                 lower[row], upper[row])  # fmt: skip


@_compiled
def apply_rows(
    said: FloatArray, lower: FloatArray, upper: FloatArray, out: FloatArray
) -> None:  # fmt: skip
    """Moves the ends of said (P, H, Q) by states (P, H, 3) into out."""
    for row in range(said.shape[0]):
        for h in range(said.shape[1]):
            apply(said[row, h], lower[row, h, OFFSET], upper[row, h, OFFSET], out[row, h])
