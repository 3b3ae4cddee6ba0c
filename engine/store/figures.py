"""Small statistics that profiles share: from counts to figures. Pure functions of arrays."""

import math
from typing import Any

import numpy as np

from engine.units import SECONDS_PER_DAY, FloatArray, IntArray

__all__ = ["CURVE_POINTS", "curve_width_s", "dispersion", "hour_swing", "quantiles_of_counts"]

CURVE_POINTS = 500
_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def dispersion(bins: int, total: float, squares: float) -> float | None:
    """Index of dispersion of counts, variance/mean; None for fewer than two bins or no counts.

    Args:
        bins: number of whole bins, empty ones included.
        total: sum of the counts.
        squares: sum of the squared counts.
    """
    if bins < 2 or total <= 0:
        return None
    mean = total / bins
    return (squares / bins - mean * mean) / mean


def curve_width_s(duration_s: float) -> int:
    """The narrowest round bin width that needs at most `CURVE_POINTS` bins."""
    fitting = (width for width in _WIDTHS_S if duration_s / width <= CURVE_POINTS - 1)
    days = math.ceil(duration_s / (CURVE_POINTS - 1) / SECONDS_PER_DAY)
    return next(fitting, days * int(SECONDS_PER_DAY))


def quantiles_of_counts(values: FloatArray, counts: IntArray) -> dict[str, float]:
    """Mean, p50, p90, p99 and max of values that occur `counts` times.

    Args:
        values: (k,) ascending.
        counts: (k,) occurrences, at least 1 each.
    """
    total = int(counts.sum())
    ends = np.cumsum(counts)
    figures: dict[str, float] = {"mean": float(values @ counts / total)}
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        position = share * (total - 1)
        below, above = values[
            np.searchsorted(ends, [np.floor(position), np.ceil(position)], side="right")
        ]
        figures[name] = float(below + (above - below) * (position - np.floor(position)))
    return figures | {"max": float(values[-1])}


def hour_swing(
    t_s: FloatArray, amount: FloatArray, duration_s: float, epoch_s: float | None
) -> dict[str, Any] | None:
    """Mean rate by hour of the day (UTC where known), and the highest over the lowest.

    Args:
        t_s: (k,) seconds since the trace's start.
        amount: (k,) amount that falls on each time.
        duration_s: of the trace; below one day there is no swing: None.
        epoch_s: Unix time of t = 0; None: hours count from the start.
    """
    if duration_s < SECONDS_PER_DAY:
        return None
    start_s = epoch_s or 0.0
    hour = ((t_s + start_s) // 3600 % 24).astype(np.int64)
    sums = np.bincount(hour, weights=amount, minlength=24)
    edges = np.arange(start_s // 3600, (start_s + duration_s) // 3600 + 1) * 3600
    seen_s = np.minimum(edges + 3600, start_s + duration_s) - np.maximum(edges, start_s)
    cover_s = np.bincount((edges // 3600 % 24).astype(np.int64), seen_s, minlength=24)
    rate = sums / np.maximum(cover_s, 1e-9)
    ratio = float(rate.max() / rate.min()) if rate.min() > 0 else None
    return {"max_to_min": ratio, "by_hour": [float(x) for x in rate]}
