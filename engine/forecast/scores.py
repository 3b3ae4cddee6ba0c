"""Scores of quantile forecasts, and whether one model is really better than another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from engine.units import BoolArray, FloatArray, IntArray

LEVELS = (0.1, 0.5, 0.9)
"""Quantiles that forecasts are scored by; the outer two make the 80 % interval."""


def pinball(came: FloatArray, quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantile loss max(τ·e, (τ − 1)·e) of e = y − ŷ (Koenker and Bassett 1978).

    Args:
        came: (...) what came.
        quantiles: (..., Q) forecast.
        levels: (Q,) τ of each, in (0, 1).

    Returns:
        (..., Q), in the unit of demand; NaN where nothing is known.
    """
    error = came[..., None] - quantiles
    tau = np.asarray(levels, np.float64)
    loss: FloatArray = np.maximum(tau * error, (tau - 1) * error)
    return loss


def inside(came: FloatArray, quantiles: FloatArray) -> BoolArray:
    """(...) whether what came lies in the outermost interval, its ends included."""
    found: BoolArray = (came >= quantiles[..., 0]) & (came <= quantiles[..., -1])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good the forecasts of one model at one horizon were."""

    pinball: float
    """Mean over origins and quantiles, in the unit of demand."""
    mase: float | None
    """Mean |y − median| over that of the persistence forecast one step ahead in the training
    part (Hyndman and Koehler 2006); None where demand never changed there."""
    wape: float | None
    """Σ|y − median| / Σy; None where nothing came."""
    coverage: float
    """Share inside the 80 % interval."""
    width: float | None
    """Mean width of the interval over mean demand."""


def score(came: FloatArray, quantiles: FloatArray, step_error: float) -> Score:
    """Scores (B,) values against (B, 3) quantiles of `LEVELS`; at least one value is known.

    Args:
        came: what came, NaN where it is unknown.
        quantiles: forecasts.
        step_error: mean |change| from one step to the next in the training part.
    """
    known = np.isfinite(came)
    came, quantiles = came[known], quantiles[known]
    error = float(np.abs(came - quantiles[:, 1]).mean())
    total = float(came.mean())
    width = float((quantiles[:, -1] - quantiles[:, 0]).mean())
    return Score(
        pinball=float(pinball(came, quantiles, LEVELS).mean()),
        mase=error / step_error if step_error > 0 else None,
        wape=error / total if total > 0 else None,
        coverage=float(inside(came, quantiles).mean()),
        width=width / total if total > 0 else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two models on the same origins."""

    difference_frac: float
    """Mean loss of the first over that of the second, less 1; below 0: the first is better."""
    p_value: float
    """Two-sided, of no difference."""


SHARE_OF_WAVES, WAVES_OF = 0.41, 2 / 3
"""Waves that tell the variance of a mean of B values: 0.41 B^(2/3), Lazarus et al. 2018."""
PER_OVERLAP = 2
"""None of them is shorter than four spans over which values depend on each other."""
FEWEST_WAVES = 4
"""Below it an interval is too wide to say anything."""


def paired(first: FloatArray, second: FloatArray, lag: int, end: IntArray | None = None) -> Paired:
    """Test of Diebold and Mariano (1995) that holds its size where few values are independent.

    Args:
        first: (B,) losses by origin, in order of time.
        second: (B,) losses of the other model.
        lag: origins over which forecasts overlap; errors that close are dependent.
        end: (B,) as for `standard_error`.
    """
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    size = len(first)
    mean = float(second.mean()) if size else 0.0
    fraction = float(first.mean()) / mean - 1 if mean > 0 else 0.0
    difference = first - second
    if size < 3 or not np.ptp(difference):
        same = size < 3 or difference.mean() == 0
        return Paired(difference_frac=fraction, p_value=1.0 if same else 0.0)
    error, freedom = standard_error(difference, lag, None if end is None else end[known])
    value = float(2 * scipy.stats.t.sf(abs(difference.mean() / error), freedom))
    return Paired(difference_frac=fraction, p_value=value)


def standard_error(values: FloatArray, lag: int, end: IntArray | None = None) -> tuple[float, int]:
    """Of the mean of dependent values, and the degrees of freedom of Student's t for it.

    From the lowest cosine waves of the values, equally weighted (Lazarus, Lewis, Stock and Watson
    2018, "HAR inference: recommendations for practice"). Values of different ends are no
    neighbours: they are laid out `lag` places apart, and the waves are made orthogonal there.

    Args:
        values: (B,) in order of time, B ≥ 3, not all equal.
        lag: values that close are dependent.
        end: (B,) number of the end that each value belongs to, not falling; None: one end.
    """
    size = len(values)
    place = np.arange(size) if end is None else np.arange(size) + lag * (end - end[0])
    span = int(place[-1]) + 1
    waves = max(1, int(min(SHARE_OF_WAVES * size**WAVES_OF, span / (PER_OVERLAP * max(lag, 1)))))
    cosines = np.cos(np.pi * np.arange(1, waves + 1)[:, None] * (place + 0.5) / span)
    if span == size:
        sizes = np.sqrt(2 / size) * (cosines @ (values - values.mean()))
    else:
        level_and_waves = np.vstack([np.ones(size), cosines]).T
        sizes = np.linalg.qr(level_and_waves).Q[:, 1:].T @ values
    return max(float(np.sqrt((sizes**2).mean() / size)), 1e-300), waves


def margin(values: FloatArray, lag: int, end: IntArray | None = None) -> float | None:
    """Half of the 95 % interval of the mean of dependent values; None: too few of them.

    Args:
        values: (B,) in order of time; NaN is unknown.
        lag: values that close are dependent.
        end: (B,) as for `standard_error`.
    """
    sure = np.isfinite(values)
    known = values[sure]
    if len(known) < 3 or not np.ptp(known):
        return None  # all alike tells nothing of how much they vary
    error, freedom = standard_error(known, lag, None if end is None else end[sure])
    if freedom < FEWEST_WAVES:
        return None
    return float(scipy.stats.t.ppf(0.975, freedom)) * error
