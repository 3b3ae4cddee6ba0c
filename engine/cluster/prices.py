"""Prices of machines that change over time: a step function by terms of purchase."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.scenario import Purchase
from engine.units import FloatArray

__all__ = ["PriceSeries", "price_over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """What a machine of one type cost in one region, from when on. The last price stays."""

    since_s: FloatArray
    """(n,) increasing, on the replay's clock."""
    usd_per_hour: Mapping[Purchase, FloatArray]
    """(n,) for each way to buy; nan where it was not offered."""


def price_over(
    series: PriceSeries | None, purchase: Purchase, otherwise: float, edges_s: FloatArray
) -> FloatArray:
    """(T,) mean prices per hour between consecutive edges.

    Args:
        series: the history, or None.
        purchase: on what terms.
        otherwise: the price while the history has none: before it begins, or not offered.
        edges_s: (T + 1,) increasing, on the replay's clock.
    """
    if series is None:
        return np.full(len(edges_s) - 1, otherwise)
    given = series.usd_per_hour[purchase]
    prices = np.concatenate(([otherwise], np.where(np.isnan(given), otherwise, given)))
    begins = np.searchsorted(series.since_s, edges_s[:-1], side="right")
    ends = np.searchsorted(series.since_s, edges_s[1:], side="left")
    mean = prices[begins].astype(np.float64)
    for tick in np.flatnonzero(begins != ends):  # a price changes within these
        cuts = series.since_s[begins[tick] : ends[tick]]
        width = np.diff(np.concatenate((edges_s[tick : tick + 1], cuts, [edges_s[tick + 1]])))
        mean[tick] = np.average(prices[begins[tick] : ends[tick] + 1], weights=width)
    return mean
