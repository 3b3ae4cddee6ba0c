"""What a series or a carbon intensity looks like: level, peaks, burstiness, daily swing, gaps."""

from typing import Any

import numpy as np

from engine.store.figures import curve_width_s, dispersion, hour_swing
from engine.store.work import Work
from engine.trace.schema import Kind
from engine.units import FloatArray

__all__ = ["profile_series"]

DISPERSION_WIDTHS_S = (10, 60, 300)
_REGIONS_SHOWN = 20


def profile_series(
    work: Work, kind: Kind, unit: str | None, interval_s: float, epoch_s: float | None
) -> dict[str, Any]:
    """Profile of the relation `ready`."""
    if kind is Kind.CARBON:
        return _profile_carbon(work, interval_s, epoch_s)
    rows, entities, imputed = work.one(
        "SELECT count(*), count(DISTINCT entity), count(*) FILTER (imputed) FROM ready"
    )
    t_s, total = work.arrays(
        "SELECT t_s, sum(value) AS total FROM ready GROUP BY t_s ORDER BY t_s"
    )
    duration_s = float(t_s[-1]) + interval_s
    mean = float(total.mean())
    return {
        "rows": rows,
        "entities": entities,
        "imputed": imputed,
        "interval_s": interval_s,
        "duration_s": duration_s,
        "unit": unit,
        "mean": mean,
        "min": float(total.min()),
        "peak": float(total.max()),
        "peak_to_mean": float(total.max()) / mean if mean else None,
        "present": rows / len(t_s),
        "dispersion": _dispersions(t_s, total, unit, interval_s, duration_s),
        "daily": _daily(t_s, total, interval_s, epoch_s),
        "curve": _curve(t_s, total, interval_s, duration_s),
    }


def _dispersions(
    t_s: FloatArray, total: FloatArray, unit: str | None, interval_s: float, duration_s: float
) -> dict[str, float | None] | None:
    """Variance/mean of counts at each width that holds whole intervals; None for no counts."""
    if unit not in ("requests", "requests_per_s"):
        return None
    counts = total if unit == "requests" else total * interval_s
    found: dict[str, float | None] = {}
    for width_s in DISPERSION_WIDTHS_S:
        found[str(width_s)] = None
        if width_s % interval_s == 0:
            bins = int(duration_s // width_s)
            inside = (t_s // width_s).astype(np.int64)
            binned = np.bincount(inside, weights=counts)[:bins]
            found[str(width_s)] = dispersion(bins, float(binned.sum()), float(binned @ binned))
    return found


def _daily(
    t_s: FloatArray, total: FloatArray, interval_s: float, epoch_s: float | None
) -> dict[str, Any] | None:
    """Mean value by hour of the day: amounts are value × time, so the rate is the value."""
    duration_s = float(t_s[-1]) + interval_s
    return hour_swing(t_s, total * interval_s, duration_s, epoch_s)


def _curve(
    t_s: FloatArray, total: FloatArray, interval_s: float, duration_s: float
) -> dict[str, Any]:
    """Mean of the slots in each bin, 0 where there are none."""
    width_s = max(curve_width_s(duration_s), interval_s)
    number = (t_s // width_s).astype(np.int64)
    sums, slots = np.bincount(number, weights=total), np.bincount(number)
    return {
        "width_s": width_s,
        "t_s": [index * width_s for index in range(len(sums))],
        "value": [float(x) for x in sums / np.maximum(slots, 1)],
    }


def _profile_carbon(work: Work, interval_s: float, epoch_s: float | None) -> dict[str, Any]:
    figures = work.run(
        "SELECT region, count(*), count(*) FILTER (imputed), avg(g_per_kwh), min(g_per_kwh), "
        "max(g_per_kwh), max(t_s) FROM ready GROUP BY region ORDER BY region"
    )
    regions: dict[str, Any] = {}
    for region, rows, imputed, mean, least, most, _ in figures[:_REGIONS_SHOWN]:
        t_s, g_per_kwh = work.arrays(
            "SELECT t_s, g_per_kwh FROM ready WHERE region = ? ORDER BY t_s", [region]
        )
        regions[region] = {
            "rows": rows,
            "imputed": imputed,
            "mean": mean,
            "min": least,
            "max": most,
            "daily": _daily(t_s, g_per_kwh, interval_s, epoch_s),
            "curve": _curve(t_s, g_per_kwh, interval_s, float(t_s[-1]) + interval_s),
        }
    return {
        "rows": sum(row[1] for row in figures),
        "imputed": sum(row[2] for row in figures),
        "interval_s": interval_s,
        "duration_s": max(row[6] for row in figures) + interval_s,
        "unit": "g_per_kwh",
        "region_count": len(figures),
        "regions": regions,
    }
