"""Demand by step, as stored: counts of requests, or recorded series with their gaps."""

import numpy as np

from engine.store.duck import Store
from engine.store.trace_info import TraceInfo
from engine.units import FloatArray

__all__ = ["counts_by_step", "recorded_features", "recorded_series", "times_in_service"]

GAP_FRAC = 0.5
"""A step of which this share of the value was filled in on import is a gap."""


def counts_by_step(store: Store, trace: TraceInfo, step_s: float, steps: int) -> FloatArray:
    """(steps,) requests that arrived in each step since the trace's start."""
    with store.cursor() as cursor:
        found = cursor.execute(
            "SELECT floor(arrival_s / ?)::INTEGER AS step, count(*)::DOUBLE AS requests "
            "FROM requests WHERE trace_no = ? GROUP BY step HAVING step < ?",
            [step_s, trace.trace_no, steps],
        ).fetchnumpy()
    counts = np.zeros(steps)
    counts[np.asarray(found["step"])] = np.asarray(found["requests"])
    return counts


def recorded_series(store: Store, trace: TraceInfo) -> FloatArray:
    """(T,) value of each interval, summed over entities; NaN where nothing was recorded.

    What the import filled in is a gap here: it was drawn towards a value that came later.
    """
    assert trace.interval_s is not None, "a series has an interval"
    with store.cursor() as cursor:
        found = cursor.execute(  # in an order, as floating-point sums depend on it
            "SELECT round(t_s / ?)::INTEGER AS step, sum(value ORDER BY entity) AS value, "
            "coalesce(sum(value) FILTER (imputed), 0) >= ? * sum(value) AND bool_or(imputed) "
            "AS gap FROM series WHERE trace_no = ? GROUP BY step",
            [trace.interval_s, GAP_FRAC, trace.trace_no],
        ).fetchnumpy()
    step = np.asarray(found["step"])
    values = np.full(int(step.max()) + 1, np.nan)
    values[step] = np.where(np.asarray(found["gap"]), np.nan, np.asarray(found["value"]))
    return values


def recorded_features(store: Store, trace: TraceInfo, steps: int) -> dict[str, FloatArray]:
    """(steps,) of each feature that a series' file said beside its value; NaN is a gap."""
    assert trace.interval_s is not None, "a series has an interval"
    with store.cursor() as cursor:
        found = cursor.execute(
            "SELECT feature, round(t_s / ?)::INTEGER AS step, value FROM series_features "
            "WHERE trace_no = ? AND step BETWEEN 0 AND ?",
            [trace.interval_s, trace.trace_no, steps - 1],
        ).fetchall()
    made: dict[str, FloatArray] = {}
    for name, step, value in found:
        made.setdefault(str(name), np.full(steps, np.nan))[step] = value
    return made


def times_in_service(store: Store, trace: TraceInfo) -> tuple[FloatArray, FloatArray] | None:
    """(n,) arrivals and service times, seconds; None unless every request tells its own."""
    with store.cursor() as cursor:
        found = cursor.execute(
            "SELECT arrival_s, service_s FROM requests WHERE trace_no = ? AND "
            "(SELECT count(*) = count(service_s) FROM requests WHERE trace_no = ?)",
            [trace.trace_no, trace.trace_no],
        ).fetchnumpy()
    arrival_s, service_s = np.asarray(found["arrival_s"]), np.asarray(found["service_s"])
    return (arrival_s, service_s) if len(arrival_s) else None
