"""Where a region's energy comes from in each tick, and how much carbon comes with it.

Renewable energy of the region's own comes first, then the grid, or the backup generators while
the grid is out.
"""

from dataclasses import dataclass

import numpy as np

from engine.scenario import Fault, FaultKind, Region
from engine.scenario.checks import refuse_constant
from engine.scenario.grids import GREEN_DAYS, GRID_DAYS
from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, FloatArray, IntArray

__all__ = [
    "GridSeries", "Supply", "intensity", "mean_over", "outage_frac", "percentile_g_per_kwh",
    "supply",
]  # fmt: skip


LEAST_G_PER_KWH = 1.0
"""Of a threshold, by which intensities are divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSeries:
    """Measured carbon intensity on a regular grid, repeated before its start and after its end."""

    g_per_kwh: FloatArray
    """(n,) of each interval."""
    interval_s: float
    start_s: float
    """Of the first interval, on the replay's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A region's energy by source. (T,) each."""

    green_kwh: FloatArray
    backup_kwh: FloatArray
    """From generators, while the grid was out."""
    g_per_kwh: FloatArray
    """Of what did not come from renewable energy."""
    carbon_g: FloatArray


def mean_over(values: FloatArray, interval_s: float, edges_s: FloatArray) -> FloatArray:
    """(T,) means of a step function between consecutive edges.

    Args:
        values: (n,) of intervals that begin at 0 s, repeated for ever in both directions.
        interval_s: length of an interval.
        edges_s: (T + 1,) increasing.
    """
    number = len(values)
    start = edges_s[0] - edges_s[0] % (number * interval_s)
    at = (edges_s - start) / interval_s
    whole = np.floor(at[:-1]).astype(np.int64)
    last = np.ceil(at[1:]).astype(np.int64) - 1
    sums = np.concatenate(([0.0], np.cumsum(values)))
    turns = sums[-1]

    def upto(k: IntArray) -> FloatArray:
        return np.asarray((k // number) * turns + sums[k % number], np.float64)

    first = values[whole % number]
    middle = np.where(last > whole + 1, upto(last) - upto(whole + 1), 0.0)
    area = (whole + 1 - at[:-1]) * first + middle + (at[1:] - last) * values[last % number]
    return np.asarray(np.where(last == whole, first, area / (at[1:] - at[:-1])), np.float64)


def intensity(region: Region, series: GridSeries | None, edges_s: FloatArray) -> FloatArray:
    """(T,) g CO2e per kWh of the region's grid in each tick.

    Args:
        region: whose typical day holds where there is no series.
        series: measured, or None.
        edges_s: (T + 1,) of the ticks, on the replay's clock (UTC where known).
    """
    if series is not None:
        return mean_over(series.g_per_kwh, series.interval_s, edges_s - series.start_s)
    shape = mean_over(_typical_day(region), SECONDS_PER_HOUR, edges_s + _offset_s(region))
    return region.grid_g_per_kwh * shape


def percentile_g_per_kwh(region: Region, series: GridSeries | None, percentile: float) -> float:
    """The intensity that the region's grid stays below for that percentage of its own history.

    The history is the whole series, what of it comes after a replay's window included, or the
    hours of the typical day; backup generators are no part of it.

    Raises:
        ScenarioError: it never changes.
    """
    typical = region.grid_g_per_kwh * _typical_day(region)
    history = typical if series is None else series.g_per_kwh
    if history.min() == history.max():
        refuse_constant(region.name)
    return max(float(np.percentile(history, percentile)), LEAST_G_PER_KWH)


def _typical_day(region: Region) -> FloatArray:
    """(24,) intensity of each hour over the mean."""
    day = np.array(GRID_DAYS[region.grid_profile])
    shape: FloatArray = day / day.mean()
    return shape


def outage_frac(faults: tuple[Fault, ...], region: str, edges_s: FloatArray) -> FloatArray:
    """(T,) share of each tick in which the region's grid is out.

    Args:
        faults: the fault plan.
        region: its name.
        edges_s: (T + 1,) of the ticks, seconds into the window.
    """
    out_s = np.zeros(len(edges_s) - 1)
    until_s = 0.0
    outages = [
        (fault.at_s, fault.at_s + fault.for_s)
        for fault in faults
        if fault.kind is FaultKind.GRID_OUTAGE and fault.where in (None, region)
    ]
    for begin_s, end_s in sorted(outages):  # overlaps count once
        covered = np.clip(edges_s, max(begin_s, until_s), max(end_s, until_s))
        out_s += np.diff(covered)
        until_s = max(until_s, end_s)
    return out_s / np.diff(edges_s)


def supply(
    region: Region,
    energy_kwh: FloatArray,
    grid_g_per_kwh: FloatArray,
    out_frac: FloatArray,
    edges_s: FloatArray,
) -> Supply:
    """Which sources met a region's needs.

    Args:
        region: with its renewable energy and its generators.
        energy_kwh: (T,) used by its site in each tick.
        grid_g_per_kwh: (T,) from `intensity`.
        out_frac: (T,) from `outage_frac`.
        edges_s: (T + 1,) of the ticks, on the replay's clock.
    """
    green_kwh = green_used(region, energy_kwh, edges_s)
    rest_kwh = energy_kwh - green_kwh
    mixed = grid_g_per_kwh * (1.0 - out_frac) + region.backup_g_per_kwh * out_frac
    return Supply(
        green_kwh=green_kwh,
        backup_kwh=rest_kwh * out_frac,
        g_per_kwh=mixed,
        carbon_g=rest_kwh * mixed,
    )


def green_used(region: Region, energy_kwh: FloatArray, edges_s: FloatArray) -> FloatArray:
    """(T,) kWh of renewable energy used: all that there is, up to what is needed.

    What comes in a tick can be used in it or later on the same day: with c the kWh that came and
    e the kWh needed, kept' = max(0, kept + c - e) and used = kept + c - kept'. A tick belongs to
    the day in which it begins.

    Args:
        region: how much comes, and when.
        energy_kwh: (T,) needed.
        edges_s: (T + 1,) of the ticks, on the replay's clock.
    """
    if region.green.kwh_per_day == 0:
        return np.zeros(len(energy_kwh))
    came, day = came_kwh(region, edges_s), local_day(region, edges_s)
    used = np.empty(len(energy_kwh))
    begins = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    for begin, end in zip(begins, [*begins[1:], len(day)], strict=True):
        surplus = np.cumsum(came[begin:end] - energy_kwh[begin:end])
        short = -np.minimum(np.minimum.accumulate(surplus), 0.0)  # so far, on this day
        used[begin:end] = energy_kwh[begin:end] - np.diff(short, prepend=0.0)
    return np.clip(used, 0.0, energy_kwh)


def came_kwh(region: Region, edges_s: FloatArray) -> FloatArray:
    """(T,) renewable energy that comes in each tick; edges_s (T + 1,) as for `green_used`."""
    shape = np.array(GREEN_DAYS[region.green.profile])
    rate = mean_over(shape / shape.mean(), SECONDS_PER_HOUR, edges_s + _offset_s(region))
    came: FloatArray = region.green.kwh_per_day * rate * np.diff(edges_s) / SECONDS_PER_DAY
    return came


def local_day(region: Region, edges_s: FloatArray) -> FloatArray:
    """(T,) number of the local day in which each tick begins; edges_s as for `green_used`."""
    return np.floor((edges_s[:-1] + _offset_s(region)) / SECONDS_PER_DAY)


def _offset_s(region: Region) -> float:
    return region.utc_offset_h * SECONDS_PER_HOUR
