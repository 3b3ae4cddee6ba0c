"""What pages and commands ask of finished runs, sampled down in SQL.

Windows are in seconds since the trace's start, half open. Ticks belong to a window by their
start, with a little room for rounding, so that all answers count the same ticks.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.histogram import BUCKETS, midpoints_s
from engine.store.duck import Store
from engine.store.runs import RunRow
from engine.units import IntArray

FOREVER = 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of runs is asked for, and how finely."""

    from_s: float = -FOREVER
    to_s: float = FOREVER
    pool: int | None = None
    """None: all pools together."""
    max_points: int = 500
    """At most so many points per run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Totals of one run over a window."""

    arrived: int
    slo_met: int
    busy_slot_s: float
    provisioned_slot_s: float
    worker_s: float
    cost_usd: float
    peak_workers: int
    histogram: IntArray
    """(BUCKETS,) latencies of finished requests by arrival."""


_TIMELINE = """
WITH chosen AS (
    SELECT * FROM ticks
    WHERE run_no = $run_no AND tick >= $first AND tick < $last
        AND ($pool IS NULL OR pool = $pool)
), a_tick AS (
    SELECT tick, min(t_s) AS t_s, least($tick_s, $end_s - min(t_s)) AS seconds,
        sum(arrived) AS arrived, sum(offered_slot_s) AS offered,
        sum(ready_slot_s) AS ready_slots, sum(starting_slot_s) AS starting_slots,
        sum(draining_slot_s) AS draining_slots, sum(busy_slot_s) AS busy, sum(queued) AS queued,
        sum(queue_timeouts) AS queue_timeouts, sum(exec_timeouts) AS exec_timeouts,
        sum(rejected) AS rejected, sum(lost) AS lost, sum(cost_usd) AS cost_usd,
        sum(target) AS target, sum(starting) AS starting, sum(ready) AS ready,
        sum(draining) AS draining
    FROM chosen GROUP BY tick
), width AS (
    SELECT greatest(1, ceil((max(tick) - min(tick) + 1) / $max_points))::INTEGER AS ticks,
        min(tick) AS first FROM a_tick
)
SELECT min(t_s) AS t_s, sum(seconds) AS bucket_s,
    sum(arrived) / sum(seconds) AS arrived_per_s,
    sum(offered) / sum(seconds) AS offered_slots,
    max(offered / seconds) AS offered_slots_max,
    sum(ready_slots) / sum(seconds) AS ready_slots,
    sum(starting_slots) / sum(seconds) AS starting_slots,
    sum(draining_slots) / sum(seconds) AS draining_slots,
    sum(busy) / sum(seconds) AS busy_slots,
    max(queued) AS queued,
    sum(queue_timeouts + exec_timeouts + rejected + lost) / sum(seconds) AS failed_per_s,
    sum(queue_timeouts) AS queue_timeouts, sum(exec_timeouts) AS exec_timeouts,
    sum(rejected) AS rejected, sum(lost) AS lost,
    sum(cost_usd) * 3600 / sum(seconds) AS cost_usd_per_h,
    avg(target) AS target, avg(starting) AS starting, avg(ready) AS ready,
    avg(draining) AS draining
FROM a_tick, width GROUP BY (tick - width.first) // width.ticks ORDER BY 1
"""

_LATENCY = """
WITH chosen AS (
    SELECT tick, bucket, requests FROM latency
    WHERE run_no = $run_no AND ($pool IS NULL OR pool = $pool)
        AND tick >= $first AND tick < $last
), merged AS (
    SELECT (tick - $first) // $width AS point, bucket, sum(requests) AS n
    FROM chosen GROUP BY ALL
), cumulated AS (
    SELECT point, bucket, sum(n) OVER (PARTITION BY point ORDER BY bucket) AS upto,
        sum(n) OVER (PARTITION BY point) AS total
    FROM merged
)
SELECT point, any_value(total)::BIGINT AS requests,
    min(bucket) FILTER (upto >= ceil(0.50 * total - 1e-9)) AS p50,
    min(bucket) FILTER (upto >= ceil(0.95 * total - 1e-9)) AS p95,
    min(bucket) FILTER (upto >= ceil(0.99 * total - 1e-9)) AS p99
FROM cumulated GROUP BY point ORDER BY point
"""

_SUMS = """
WITH a_tick AS (
    SELECT sum(arrived) AS arrived, sum(slo_met) AS met, sum(busy_slot_s) AS busy,
        sum(starting_slot_s + ready_slot_s + draining_slot_s) AS slots, sum(worker_s) AS worker_s,
        sum(cost_usd) AS cost_usd, sum(starting + ready + draining) AS workers
    FROM ticks WHERE run_no = $run_no AND tick >= $first AND tick < $last GROUP BY tick
)
SELECT coalesce(sum(arrived), 0), coalesce(sum(met), 0), coalesce(sum(busy), 0),
    coalesce(sum(slots), 0), coalesce(sum(worker_s), 0), coalesce(sum(cost_usd), 0),
    coalesce(max(workers), 0)
FROM a_tick
"""


def timeline(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """Demand, capacity, queue, failures and cost over time; `bucket_s` is each point's width.

    A run's last tick ends with its window, so the last point may be narrower than the others.
    """
    first, last = ticks_of(run, span)
    values = {
        "run_no": run.run_no,
        "tick_s": run.tick_s,
        "end_s": run.to_s,
        "first": first,
        "last": last,
        "pool": span.pool,
        "max_points": span.max_points,
    }
    with store.transaction() as cursor:
        return cursor.execute(_TIMELINE, values).df()


def latency(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """p50, p95 and p99 over time by time of arrival, from merged histograms."""
    first, last = ticks_of(run, span)
    width = max(1, -(-(last - first) // span.max_points))
    values = {
        "run_no": run.run_no,
        "pool": span.pool,
        "first": first,
        "last": last,
        "width": width,
    }
    with store.transaction() as cursor:
        frame = cursor.execute(_LATENCY, values).df()
    bucket_s = width * run.tick_s
    return pd.DataFrame(
        {
            "t_s": run.from_s + first * run.tick_s + frame["point"] * bucket_s,
            "bucket_s": bucket_s,
            "requests": frame["requests"],
            **{f"{name}_s": midpoints_s(frame[name].to_numpy()) for name in ("p50", "p95", "p99")},
        }
    )


def sums(store: Store, run: RunRow, span: Span) -> Sums:
    """Totals over a window."""
    first, last = ticks_of(run, span)
    with store.transaction() as cursor:
        row = cursor.execute(
            _SUMS, {"run_no": run.run_no, "first": first, "last": last}
        ).fetchone()
        counts = cursor.execute(
            "SELECT bucket, sum(requests)::BIGINT FROM latency "
            "WHERE run_no = ? AND tick >= ? AND tick < ? GROUP BY bucket",
            [run.run_no, first, last],
        ).fetchnumpy()
    assert row is not None
    histogram = np.zeros(BUCKETS, np.int64)
    bucket, number = counts.values()
    histogram[np.asarray(bucket, np.int64)] = np.asarray(number, np.int64)
    return Sums(
        arrived=int(row[0]),
        slo_met=int(row[1]),
        busy_slot_s=float(row[2]),
        provisioned_slot_s=float(row[3]),
        worker_s=float(row[4]),
        cost_usd=float(row[5]),
        peak_workers=int(row[6]),
        histogram=histogram,
    )


def decisions(
    store: Store, run: RunRow, span: Span, *, limit: int, changes_only: bool
) -> pd.DataFrame:
    """Decisions in order of time, rationale and guard parsed."""
    first, last = ticks_of(run, span)
    with store.transaction() as cursor:
        frame = cursor.execute(
            "SELECT t_s, pool, current, proposed, applied, reason, rationale, guard, size "
            "FROM decisions WHERE run_no = $run_no AND tick >= $first AND tick < $last "
            "AND ($pool IS NULL OR pool = $pool) AND (NOT $changes OR applied <> current) "
            "ORDER BY t_s, pool LIMIT $limit",
            {
                "run_no": run.run_no,
                "first": first,
                "last": last,
                "pool": span.pool,
                "changes": changes_only,
                "limit": limit,
            },
        ).df()
    frame["pool"] = [run.pools[number] for number in frame["pool"]]
    for name in ("rationale", "guard"):
        frame[name] = pd.Series([_parsed(text) for text in frame[name]], dtype=object)
    return frame


def _parsed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else None


def ticks_of(run: RunRow, span: Span) -> tuple[int, int]:
    """First tick that starts in the window, and the first after it."""
    total = max(1, int(np.ceil((run.to_s - run.from_s) / run.tick_s - 1e-9)))

    def at(time_s: float) -> int:
        return int(np.clip(np.ceil((time_s - run.from_s) / run.tick_s - 1e-6), 0, total))

    return at(span.from_s), at(span.to_s)
