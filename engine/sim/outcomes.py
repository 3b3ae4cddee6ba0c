"""Counts what became of every request, by its time of arrival. Runs once, after the replay."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.errors import AccountingError
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import AnyArray, BoolArray, FloatArray, Int32Array, IntArray

MINUTE_S = 60.0
M_FINISHED, M_MET, M_FAILED = 0, 1, 2
FAILURES = {
    "queue_timeout": kernel.QUEUE_TIMEOUT,
    "exec_timeout": kernel.EXEC_TIMEOUT,
    "rejected": kernel.REJECTED,
    "lost": kernel.LOST,
}
_UNDER_WAY = (
    kernel.NOT_ARRIVED,
    kernel.QUEUED,
    kernel.IN_SERVICE,
    kernel.OUT_OF_TIME,
    kernel.RETRYING,
)
"""Statuses in which nothing that has arrived can be once the cluster has run empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts by arrival; see the fields of the same names in `engine.records.RunRecord`."""

    arrived: IntArray
    slo_met: IntArray
    latency: tuple[AnyArray, AnyArray, AnyArray, AnyArray]
    minutes: IntArray
    outcome: dict[str, int]
    requests: dict[str, AnyArray] | None


def pools_of(state: State) -> Int32Array:
    """(n,) pool of each request: the one drawn, or the one that the router sent it to."""
    sited: Int32Array = state.sites if state.clock["sited"][0] else state.requests["pool"]
    return sited


def tally(
    pool: AnyArray,
    outcomes: AnyArray,
    *,
    pools: int,
    tick_s: float,
    ticks: int,
    slo_s: float,
    keep: bool,
    delay_s: FloatArray | None = None,
    patient: BoolArray | None = None,
) -> Tally:
    """Counts requests that arrived, by tick, pool, minute and latency bucket.

    Args:
        pool: (n,) pool of each request.
        outcomes: (n,) kernel.OUTCOME, at the end of the replay. What arrived after the last tick
            counts in it, and in the last minute.
        pools: number of pools.
        tick_s: length of a tick.
        ticks: number of ticks.
        slo_s: latency that was promised.
        keep: also return a row per request.
        delay_s: (pools,) round trip to each, part of the latency; None: 0.
        patient: (pools,) whether what is queued waits for ever: without a time-out, a request
            that never finds a worker stays queued, and counts as lost; None: nowhere.

    Raises:
        AccountingError: a request that arrived has no end, though the cluster has run empty.
    """
    arrived = np.zeros((ticks, pools), np.int64)
    met = np.zeros((ticks, pools), np.int64)
    minutes = np.zeros((int(np.ceil(ticks * tick_s / MINUTE_S)) + 1, 3), np.int64)
    totals = np.zeros(16, np.int64)
    place = np.full(len(outcomes), kernel.NONE, np.int64)
    buckets = np.empty(len(outcomes), np.int16)
    edges_s = np.arange(1, ticks, dtype=np.float64) * tick_s
    delay_s = np.zeros(pools) if delay_s is None else np.ascontiguousarray(delay_s)
    given = (pool, outcomes, delay_s, tick_s, edges_s, slo_s)
    _count(*given, arrived, met, minutes, totals, place, buckets)
    unserved = _never_served(pool, outcomes, totals, patient)
    outcome = {name: int(totals[status]) for name, status in FAILURES.items()}
    outcome["rejected"] += int(totals[kernel.SHED])
    outcome["lost"] += unserved
    outcome["finished"] = int(totals[kernel.FINISHED])
    outcome["arrived"] = int(arrived.sum())
    where, bucket, number = _histograms(place, buckets, ticks * pools)
    return Tally(
        arrived=arrived,
        slo_met=met,
        latency=(where // pools, (where % pools).astype(np.int16), bucket, number),
        minutes=minutes,
        outcome=outcome,
        requests=_rows(pool, outcomes) if keep else None,
    )


@njit(nogil=True, cache=True)
def _count(  # type: ignore[no-untyped-def]
    pool, outcomes, delay_s, tick_s, edges_s, slo_s, arrived, met, minutes, totals, place, buckets
):
    """Counts, and for finished requests their place (tick, pool) and latency bucket."""
    pools = arrived.shape[1]
    for i in range(len(outcomes)):
        outcome = outcomes[i]
        at_s = outcome.arrived_s
        if np.isnan(at_s):
            continue
        tick = min(int(at_s / tick_s), len(edges_s))  # may be one off, the edges decide
        while tick < len(edges_s) and edges_s[tick] <= at_s:
            tick += 1
        while tick > 0 and edges_s[tick - 1] > at_s:
            tick -= 1
        minute = min(int(at_s / MINUTE_S), len(minutes) - 1)
        arrived[tick, pool[i]] += 1
        totals[outcome.status] += 1
        if outcome.status != kernel.FINISHED:
            minutes[minute, M_FAILED] += 1
            continue
        latency_s = outcome.end_s - at_s + delay_s[pool[i]]
        place[i] = tick * pools + pool[i]
        buckets[i] = kernel.latency_bucket(latency_s)
        minutes[minute, M_FINISHED] += 1
        if latency_s <= slo_s:
            met[tick, pool[i]] += 1
            minutes[minute, M_MET] += 1


@njit(nogil=True, cache=True)
def _histograms(place, buckets, places):  # type: ignore[no-untyped-def]
    """Place, bucket and number of requests where there are any, in this order.

    Sorts by counting: first the buckets by place, then each place's by bucket.
    """
    ends = np.zeros(places + 1, np.int64)
    for i in range(len(place)):
        ends[place[i] + 1] += place[i] != kernel.NONE
    ends = np.cumsum(ends)
    sorted_buckets = np.empty(ends[places], np.int16)
    for i in range(len(place) - 1, -1, -1):
        if place[i] != kernel.NONE:
            ends[place[i] + 1] -= 1
            sorted_buckets[ends[place[i] + 1]] = buckets[i]
    starts = ends[1:]  # each end has moved to its start
    found = np.empty((3, len(sorted_buckets)), np.int32)
    counts = np.zeros(kernel.BUCKETS, np.int32)
    rows = 0
    for p in range(places):
        start = starts[p]
        end = starts[p + 1] if p + 1 < places else len(sorted_buckets)
        low, high = kernel.BUCKETS, -1
        for k in range(start, end):
            bucket = sorted_buckets[k]
            counts[bucket] += 1
            low, high = min(low, bucket), max(high, bucket)
        for bucket in range(low, high + 1):
            if counts[bucket] > 0:
                found[0, rows], found[1, rows], found[2, rows] = p, bucket, counts[bucket]
                counts[bucket] = 0
                rows += 1
    return found[0, :rows].copy(), found[1, :rows].astype(np.int16), found[2, :rows].copy()


def _never_served(
    pool: AnyArray, outcomes: AnyArray, totals: IntArray, patient: BoolArray | None
) -> int:
    """Requests that wait for ever because they may. Raises where others are still under way."""
    unserved = 0
    if totals[kernel.QUEUED] and patient is not None:
        queued = (outcomes["status"] == kernel.QUEUED) & ~np.isnan(outcomes["arrived_s"])
        unserved = int(patient[pool[queued]].sum())
    stuck = int(sum(totals[status] for status in _UNDER_WAY)) - unserved
    if stuck:
        raise AccountingError(
            f"{stuck} of {int(totals.sum())} requests have no end after the replay",
            "the count of outcomes",
            "Do not use this run; report the scenario with its seed and policy",
        )
    return unserved


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
