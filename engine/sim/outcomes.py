"""Counts what became of every request, by its time of arrival. Runs once, after the replay."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.sim import kernel
from engine.units import AnyArray, FloatArray, IntArray

MINUTE_S = 60.0
M_FINISHED, M_MET, M_FAILED = 0, 1, 2
FAILURES = {
    "queue_timeout": kernel.QUEUE_TIMEOUT,
    "exec_timeout": kernel.EXEC_TIMEOUT,
    "rejected": kernel.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts by arrival; see the fields of the same names in `engine.records.RunRecord`."""

    arrived: IntArray
    slo_met: IntArray
    latency: tuple[AnyArray, AnyArray, AnyArray, AnyArray]
    minutes: IntArray
    outcome: dict[str, int]
    requests: dict[str, AnyArray] | None


def tally(
    pool: AnyArray,
    outcomes: AnyArray,
    *,
    pools: int,
    tick_s: float,
    ticks: int,
    slo_s: float,
    keep: bool,
) -> Tally:
    """Counts requests that arrived, by tick, pool, minute and latency bucket.

    Args:
        pool: (n,) pool of each request.
        outcomes: (n,) kernel.OUTCOME, at the end of the replay.
        pools: number of pools.
        tick_s: length of a tick.
        ticks: number of ticks.
        slo_s: latency that was promised.
        keep: also return a row per request.
    """
    arrived = np.zeros((ticks, pools), np.int64)
    met = np.zeros((ticks, pools), np.int64)
    minutes = np.zeros((int(np.ceil(ticks * tick_s / MINUTE_S)) + 1, 3), np.int64)
    totals = np.zeros(16, np.int64)
    buckets = np.full(len(outcomes), -1, np.int32)
    edges_s = np.arange(1, ticks, dtype=np.float64) * tick_s
    _count(pool, outcomes, edges_s, slo_s, arrived, met, minutes, totals, buckets)
    outcome = {name: int(totals[status]) for name, status in FAILURES.items()}
    outcome["finished"] = int(totals[kernel.FINISHED])
    outcome["arrived"] = int(arrived.sum())
    outcome["lost"] = outcome["arrived"] - sum(outcome[name] for name in (*FAILURES, "finished"))
    return Tally(
        arrived=arrived,
        slo_met=met,
        latency=_sparse(pool, outcomes, edges_s, buckets, pools),
        minutes=minutes,
        outcome=outcome,
        requests=_rows(pool, outcomes) if keep else None,
    )


@njit(nogil=True, cache=True)
def _count(pool, outcomes, edges_s, slo_s, arrived, met, minutes, totals, buckets):  # type: ignore[no-untyped-def]
    for i in range(len(outcomes)):
        outcome = outcomes[i]
        if np.isnan(outcome.arrived_s):
            continue
        tick = np.searchsorted(edges_s, outcome.arrived_s, side="right")
        minute = int(outcome.arrived_s / MINUTE_S)
        arrived[tick, pool[i]] += 1
        totals[outcome.status] += 1
        if outcome.status != kernel.FINISHED:
            minutes[minute, M_FAILED] += 1
            continue
        latency_s = outcome.end_s - outcome.arrived_s
        buckets[i] = kernel.latency_bucket(latency_s)
        minutes[minute, M_FINISHED] += 1
        if latency_s <= slo_s:
            met[tick, pool[i]] += 1
            minutes[minute, M_MET] += 1


def _sparse(
    pool: AnyArray, outcomes: AnyArray, edges_s: FloatArray, buckets: AnyArray, pools: int
) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    """Tick, pool, bucket and number of requests, where there are any."""
    finished = buckets >= 0
    tick = np.searchsorted(edges_s, outcomes["arrived_s"][finished], side="right")
    key = (tick * pools + pool[finished]) * kernel.BUCKETS + buckets[finished]
    key, number = np.unique(key, return_counts=True)
    row, bucket = np.divmod(key, kernel.BUCKETS)
    tick, where = np.divmod(row, pools)
    return (
        tick.astype(np.int32),
        where.astype(np.int16),
        bucket.astype(np.int16),
        number.astype(np.int32),
    )


def _rows(pool: AnyArray, outcomes: AnyArray) -> dict[str, AnyArray]:
    there = np.flatnonzero(~np.isnan(outcomes["arrived_s"]))
    kept = outcomes[there]
    return {
        "seq": there.astype(np.int32),
        "pool": pool[there].astype(np.int16),
        "arrival_s": kept["arrived_s"].copy(),
        "start_s": kept["start_s"].copy(),
        "end_s": kept["end_s"].copy(),
        "status": kept["status"].astype(np.uint8),
    }
