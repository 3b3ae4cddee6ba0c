"""What pages and commands ask of a run's protection, balance, network, tenants and machines."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.dependability import UP_FRAC, ServiceSums
from engine.store.duck import Store
from engine.store.run_queries import Span, ticks_of
from engine.store.runs import RunRow

__all__ = ["events", "service_sums", "service_timeline", "tenants_timeline", "tenants_totals"]

_TIMELINE = """
WITH chosen AS (
    SELECT *, least($tick_s, $end_s - t_s) AS seconds FROM service
    WHERE run_no = $run_no AND tick >= $first - 1 AND tick < $last
        AND ($pool IS NULL OR pool = $pool)
), a_tick AS (
    SELECT tick, min(t_s) AS t_s, min(seconds) AS seconds, sum(retrying) AS retrying,
        sum(retried) AS retried, sum(shed) AS shed, sum(degraded) AS degraded,
        sum(crashed) AS crashed, sum(start_failed) AS start_failed,
        sum(breakers_opened) AS breakers_opened, sum(hits_worker) AS hits_worker,
        sum(hits_zone) AS hits_zone, sum(hits_store) AS hits_store, max(imbalance) AS imbalance,
        max(busiest_frac) AS busiest_frac, sum(hot_workers) AS hot_workers,
        max(memory_frac) AS memory_frac, sum(breakers_open) AS breakers_open,
        max(unreachable_s) AS unreachable_s, sum(transfer_gib) AS transfer_gib,
        sum(network_s) AS network_s, sum(at_risk_usd) AS at_risk_usd
    FROM chosen GROUP BY tick
), told AS (  -- what waited for a retry before and does not any more has arrived again
    SELECT *, retried + coalesce(lag(retrying) OVER (ORDER BY tick), 0) - retrying AS again
    FROM a_tick
), done AS (
    SELECT tick, sum(finished) AS finished, sum(arrived) AS arrived FROM ticks
    WHERE run_no = $run_no AND tick >= $first AND tick < $last
        AND ($pool IS NULL OR pool = $pool) GROUP BY tick
)
SELECT min(t_s) AS t_s, sum(seconds) AS bucket_s,
    sum(retried) / sum(seconds) AS retried_per_s, sum(shed) / sum(seconds) AS shed_per_s,
    sum(degraded) / sum(seconds) AS degraded_per_s, max(retrying) AS retrying,
    sum(crashed) AS crashed, sum(start_failed) AS start_failed,
    sum(breakers_opened) AS breaker_openings, max(breakers_open) AS breakers_open,
    sum(hits_worker) / sum(seconds) AS hits_worker_per_s,
    sum(hits_zone) / sum(seconds) AS hits_zone_per_s,
    sum(hits_store) / sum(seconds) AS hits_store_per_s,
    avg(imbalance) AS imbalance, max(busiest_frac) AS busiest_frac,
    sum(hot_workers * seconds) / sum(seconds) AS hot_workers,
    max(memory_frac) AS memory_frac, sum(unreachable_s) / sum(seconds) AS unreachable_frac,
    sum(transfer_gib) * 3600 / sum(seconds) AS transfer_gib_per_h,
    sum(network_s) / nullif(sum(finished), 0) AS round_trip_s,
    sum(at_risk_usd) * 3600 / sum(seconds) AS at_risk_usd_per_h,
    (sum(arrived) + sum(again)) / sum(seconds) AS routed_per_s
FROM told LEFT JOIN done USING (tick) WHERE tick >= $first
GROUP BY (tick - $first) // $width ORDER BY 1
"""

_SUMS = """
WITH served AS (
    SELECT tick, sum(requests) AS finished FROM latency
    WHERE run_no = $run_no AND tick >= $first AND tick < $last GROUP BY tick
), a_tick AS (
    SELECT tick, sum(arrived) AS arrived, sum(slo_met) AS met, sum(ready) AS ready FROM ticks
    WHERE run_no = $run_no AND tick >= $first AND tick < $last GROUP BY tick
), up AS (
    SELECT coalesce(sum(arrived), 0) AS arrived, coalesce(sum(ready), 0) AS ready_workers,
        coalesce(sum(arrived - met), 0) AS missed,
        count(*) FILTER (arrived > 0) AS asked_ticks,
        count(*) FILTER (arrived > 0 AND coalesce(finished, 0) >= $up * arrived - 1e-9)
            AS up_ticks
    FROM a_tick LEFT JOIN served USING (tick)
), counted AS (
    SELECT coalesce(sum(retried), 0) AS retried, coalesce(sum(shed), 0) AS shed,
        coalesce(sum(degraded), 0) AS degraded, coalesce(sum(crashed), 0) AS crashed,
        coalesce(sum(breakers_opened), 0) AS breakers,
        coalesce(sum(hits_worker + hits_zone + hits_store), 0) AS hits,
        sum(hot_workers) AS hot_workers,
        coalesce(sum(transfer_gib), 0) AS transfer_gib
    FROM service WHERE run_no = $run_no AND tick >= $first AND tick < $last
)
SELECT * FROM up, counted
"""

_TENANTS = """
SELECT tenant, sum(arrived)::BIGINT AS arrived, sum(finished)::BIGINT AS finished,
    sum(arrived - finished)::BIGINT AS failed, sum(slo_met)::BIGINT AS slo_met,
    sum(slo_met) / nullif(sum(arrived), 0) AS attainment_frac,
    sum(latency_s) / nullif(sum(finished), 0) AS latency_mean_s,
    sum(asked_slot_s) AS asked_slot_s, sum(served_slot_s) AS served_slot_s
FROM tenants WHERE run_no = $run_no AND tick >= $first AND tick < $last
GROUP BY tenant ORDER BY tenant
"""

_TENANTS_OVER_TIME = """
SELECT tenant, $from_s + ((tick - $first) // $width * $width + $first) * $tick_s AS t_s,
    $width * $tick_s AS bucket_s, sum(arrived) / ($width * $tick_s) AS arrived_per_s,
    sum(arrived - finished) / ($width * $tick_s) AS failed_per_s,
    sum(slo_met) / nullif(sum(arrived), 0) AS attainment_frac,
    sum(latency_s) / nullif(sum(finished), 0) AS latency_mean_s,
    sum(served_slot_s) / ($width * $tick_s) AS served_slots
FROM tenants WHERE run_no = $run_no AND tick >= $first AND tick < $last
GROUP BY tenant, (tick - $first) // $width ORDER BY tenant, 2
"""

_EVENTS = """
SELECT t_s, kind, place, number, gib FROM events
WHERE run_no = $run_no AND t_s >= $from_s - 1e-6 AND t_s < $to_s - 1e-6
ORDER BY t_s, kind, place LIMIT $limit
"""


def service_timeline(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """Retries, degradation, breakers, caches, balance and network over time.

    Shares and `imbalance` are of the worst pool of a tick; `bucket_s` is each point's width.
    """
    values = _window(run, span)
    values |= {"tick_s": run.tick_s, "end_s": run.to_s, "pool": span.pool}
    values["width"] = _width(values, span)
    return _frame(store, _TIMELINE, values)


def service_sums(store: Store, run: RunRow, span: Span) -> ServiceSums | None:
    """Totals over a window; None for a run of a version that did not count them."""
    values = _window(run, span)
    known = "SELECT count(*) AS number FROM service WHERE run_no = $run_no"
    if not _frame(store, known, {"run_no": run.run_no})["number"].iloc[0]:
        return None
    found = _frame(store, _SUMS, {**values, "up": UP_FRAC}).iloc[0]
    row = {str(name): value for name, value in found.items()}
    tenants = _frame(store, _TENANTS, values)
    happened = _frame(store, _EVENTS, _times(run, span, 1_000_000_000))
    number = happened.groupby("kind")["number"].sum().to_dict()
    scenario = run.scenario
    hits, hot = row.pop("hits"), row.pop("hot_workers")
    return ServiceSums(
        **{name: int(row[name]) for name in row if name != "transfer_gib"},
        transfer_gib=float(row["transfer_gib"]),
        hits=int(hits) if scenario.get("cache") else None,
        hot_workers=None if pd.isna(hot) else int(hot),
        revenue_usd_per_request=scenario["slo"].get("revenue_usd_per_request", 0.0),
        tenants=tuple(zip(tenants["arrived"].tolist(), tenants["slo_met"].tolist(), strict=True)),
        has_nodes=bool(scenario.get("node_groups")),
        happened={str(kind): int(many) for kind, many in number.items()},
    )


def tenants_totals(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """What each tenant asked for and got, with its guaranteed share of slots and priority."""
    frame = _frame(store, _TENANTS, _window(run, span))
    promised = {entry["name"]: entry for entry in run.scenario.get("tenants", ())}
    for name in ("floor_frac", "priority"):
        frame[name] = [promised[tenant].get(name) for tenant in frame["tenant"]]
    return frame


def tenants_timeline(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """Demand, failures, SLO attainment and service of each tenant over time of arrival."""
    values = _window(run, span) | {"tick_s": run.tick_s, "from_s": run.from_s}
    values["width"] = _width(values, span)
    return _frame(store, _TENANTS_OVER_TIME, values)


def events(store: Store, run: RunRow, span: Span, *, limit: int) -> pd.DataFrame:
    """What happened to machines: see `engine.records.EVENTS` for the kinds."""
    return _frame(store, _EVENTS, _times(run, span, limit))


def _window(run: RunRow, span: Span) -> dict[str, Any]:
    first, last = ticks_of(run, span)
    return {"run_no": run.run_no, "first": first, "last": last}


def _times(run: RunRow, span: Span, limit: int) -> dict[str, Any]:
    return {"run_no": run.run_no, "from_s": span.from_s, "to_s": span.to_s, "limit": limit}


def _width(values: Mapping[str, Any], span: Span) -> int:
    return max(1, -(-int(values["last"] - values["first"]) // span.max_points))


def _frame(store: Store, query: str, values: Mapping[str, Any]) -> pd.DataFrame:
    with store.transaction() as cursor:
        return cursor.execute(query, dict(values)).df()
