"""What a trace of requests looks like: rate, burstiness, daily swing, tokens, sessions.

Figures come from one pass over the rows for the counts a second and one a column; definitions:
bins are whole ones from t = 0, variance is that of the population.
"""

from typing import Any

import numpy as np

from engine.store.figures import curve_width_s, dispersion, hour_swing, quantiles_of_counts
from engine.store.work import Work
from engine.units import FloatArray, IntArray

__all__ = ["profile_requests"]

PEAK_WIDTHS_S = (1, 10, 60)
DISPERSION_WIDTHS_S = (10, 60, 300)
_NAMES_SHOWN = 20


def profile_requests(
    work: Work, columns: dict[str, str], duration_s: float, epoch_s: float | None
) -> dict[str, Any]:
    """Profile of the relation `ready`.

    Args:
        work: whose cursor sees it.
        columns: those that hold anything.
        duration_s: time of the last arrival.
        epoch_s: Unix time of t = 0, None if unknown.
    """
    second, count = _counts_a_second(work)
    rows = int(count.sum())
    mean = rows / duration_s if duration_s > 0 else float(rows)
    binned = {w: _binned(second, count, w, duration_s) for w in (1, *DISPERSION_WIDTHS_S)}
    peaks = {str(w): float(binned[w].max()) / w for w in PEAK_WIDTHS_S}
    profile: dict[str, Any] = {
        "rows": rows,
        "duration_s": duration_s,
        "mean_per_s": mean,
        "peak_per_s": peaks,
        "peak_to_mean": {width: peak / mean for width, peak in peaks.items()},
        "dispersion": {str(w): _dispersion(binned[w]) for w in DISPERSION_WIDTHS_S},
        "gap_cv": _gap_cv(work),
        "daily": hour_swing(second.astype(np.float64), count.astype(float), duration_s, epoch_s),
        "curve": _curve(second, count, duration_s),
    }
    profile["tokens"] = {
        name: _token_quantiles(work, name)
        for name in ("input_tokens", "output_tokens", "prefix_tokens")
        if name in columns
    }
    for name in ("service_s", "think_s"):
        profile[name] = _quantiles(work, name) if name in columns else None
    for name in ("agent_type", "tenant"):
        profile[name] = _names(work, name) if name in columns else None
    profile["sessions"] = _sessions(work) if "session" in columns else None
    return profile


def _counts_a_second(work: Work) -> tuple[IntArray, IntArray]:
    second, count = work.arrays(
        "SELECT floor(arrival_s)::BIGINT AS second, count(*) AS n FROM ready GROUP BY 1 ORDER BY 1"
    )
    return second, count


def _binned(second: IntArray, count: IntArray, width_s: int, duration_s: float) -> IntArray:
    """Counts of the whole bins; of the only, partial one where the trace is shorter."""
    bins = max(int(duration_s // width_s), 1)
    inside = second // width_s < bins
    return np.bincount(
        second[inside] // width_s, weights=count[inside], minlength=bins
    ).astype(np.int64)  # fmt: skip


def _dispersion(counts: IntArray) -> float | None:
    squares = float(counts.astype(np.float64) @ counts)
    return dispersion(len(counts), float(counts.sum()), squares)


def _gap_cv(work: Work) -> float | None:
    mean, deviation = work.one(
        "SELECT avg(gap), stddev_pop(gap) FROM "
        "(SELECT arrival_s - lag(arrival_s) OVER () AS gap FROM ready)"
    )
    return deviation / mean if mean else None


def _curve(second: IntArray, count: IntArray, duration_s: float) -> dict[str, Any]:
    width_s = curve_width_s(duration_s)
    bins = int(duration_s // width_s) + 1
    counts = np.bincount(second // width_s, weights=count, minlength=bins)
    # The last bin ends where the trace does.
    last_s = max(duration_s - (bins - 1) * width_s, min(1.0, width_s))
    per_s: FloatArray = counts / np.append(np.full(bins - 1, width_s), last_s)
    return {
        "width_s": width_s,
        "t_s": [index * width_s for index in range(bins)],
        "per_s": [float(x) for x in per_s],
    }


def _token_quantiles(work: Work, column: str) -> dict[str, float]:
    values, counts = work.arrays(
        f"SELECT {column}::DOUBLE AS tokens, count(*) AS n FROM ready "
        f"WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    return quantiles_of_counts(values, counts)


def _quantiles(work: Work, column: str) -> dict[str, float]:
    mean, (p50, p90, p99), most = work.one(
        f"SELECT avg({column}), quantile_cont({column}, [0.5, 0.9, 0.99]), max({column}) "
        "FROM ready"
    )
    return {"mean": mean, "p50": p50, "p90": p90, "p99": p99, "max": most}


def _names(work: Work, column: str) -> dict[str, Any]:
    """How many names there are, and the most frequent ones with their counts."""
    rows = work.run(
        f"SELECT {column}, count(*) FROM ready WHERE {column} IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC, 1"
    )
    return {"names": len(rows), "top": dict(rows[:_NAMES_SHOWN])}


def _sessions(work: Work) -> dict[str, Any]:
    count, p50, p90, most, span50, span90 = work.one(
        "SELECT count(*), median(n), quantile_cont(n, 0.9), max(n), median(span), "
        "quantile_cont(span, 0.9) FROM (SELECT count(*) AS n, max(arrival_s) - min(arrival_s) "
        "AS span FROM ready WHERE session IS NOT NULL GROUP BY session)"
    )
    return {
        "sessions": count,
        "requests": {"p50": p50, "p90": p90, "max": most},
        "length_s": {"p50": span50, "p90": span90},
    }
