"""Scores of quantile forecasts, and whether one model is really better than another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from engine.units import BoolArray, FloatArray

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


def paired(first: FloatArray, second: FloatArray, lag: int) -> Paired:
    """Test of Diebold and Mariano (1995) with the correction of Harvey et al. (1997).

    Args:
        first: (B,) losses by origin, in order of time.
        second: (B,) losses of the other model.
        lag: origins over which forecasts overlap; errors that close are dependent.
    """
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    size = len(first)
    mean = float(second.mean()) if size else 0.0
    fraction = float(first.mean()) / mean - 1 if mean > 0 else 0.0
    difference = first - second
    if size < 3 or not (difference - difference.mean()).any():
        same = size < 3 or difference.mean() == 0
        return Paired(difference_frac=fraction, p_value=1.0 if same else 0.0)
    statistic = difference.mean() / standard_error(difference, lag)
    return Paired(
        difference_frac=fraction, p_value=float(2 * scipy.stats.t.sf(abs(statistic), size - 1))
    )


def standard_error(values: FloatArray, lag: int) -> float:
    """Of the mean of dependent values, with the correction of Harvey et al. (1997).

    Args:
        values: (B,) in order of time, B ≥ 3.
        lag: values that close are dependent.
    """
    size = len(values)
    lag = min(lag, size // 3)
    factor = max(size + 1 - 2 * (lag + 1) + lag * (lag + 1) / size, 1.0) / size
    return float(np.sqrt(_long_run_variance(values, lag) / size / factor))


def _long_run_variance(values: FloatArray, lag: int) -> float:
    """With the weights of Bartlett (Newey and West 1987)."""
    size, spread = len(values), values - values.mean()
    weight = 1 - np.arange(1, lag + 1) / (lag + 1)
    auto = np.array([(spread[k:] * spread[: size - k]).sum() for k in range(lag + 1)]) / size
    return max(float(auto[0] + 2 * (weight * auto[1:]).sum()), 1e-300)


_FIXED_B = (1.9600, 2.9694, 0.4160, -0.5324)
"""0.975 quantile of the t statistic as a polynomial of the share of all values that the weights of
Bartlett span: Kiefer and Vogelsang 2005, table 1. With few independent values the normal quantile
would promise too much."""


def margin(values: FloatArray, lag: int) -> float | None:
    """Half of the 95 % interval of the mean of dependent values; None: too few of them.

    Args:
        values: (B,) in order of time; NaN is unknown.
        lag: values that close are dependent.
    """
    known = values[np.isfinite(values)]
    if len(known) < 3 or not np.ptp(known):
        return None  # all alike tells nothing of how much they vary
    lag = min(lag, len(known) - 1)
    quantile = float(np.polynomial.Polynomial(_FIXED_B)((lag + 1) / len(known)))
    return quantile * float(np.sqrt(_long_run_variance(known, lag) / len(known)))
