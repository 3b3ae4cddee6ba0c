"""What pages and commands ask of a run's accounts: machines, energy, carbon and money.

Nothing is found for a run whose scenario says of machines no more than the price of a worker.
"""

from typing import Any

import pandas as pd

from engine.footprint import COMPONENTS, AccountSums
from engine.store.duck import Store
from engine.store.run_queries import Span, ticks_of
from engine.store.runs import RunRow

_MONEY = ", ".join(f"sum({name}_usd) AS {name}_usd" for name in COMPONENTS)

_TIMELINE = """
WITH chosen AS (
    SELECT *, least($tick_s, $end_s - t_s) AS seconds FROM accounts
    WHERE run_no = $run_no AND tick >= $first AND tick < $last
)
SELECT place, is_group, region, min(t_s) AS t_s, sum(seconds) AS bucket_s,
    sum(node_s) / sum(seconds) AS nodes,
    sum(suspended * seconds) / sum(seconds) AS suspended_nodes,
    sum(requested_frac * node_s) / nullif(sum(node_s), 0) AS requested_frac,
    sum(busy_frac * node_s) / nullif(sum(node_s), 0) AS busy_frac,
    max(busiest_frac) AS busiest_frac, max(hot_nodes) AS hot_nodes,
    sum(fragmentation * node_s) / nullif(sum(node_s), 0) AS fragmentation,
    sum(energy_kwh) * 3.6e6 / sum(seconds) AS watts,
    sum(green_kwh) * 3.6e6 / sum(seconds) AS green_watts,
    sum(backup_kwh) * 3.6e6 / sum(seconds) AS backup_watts,
    sum(g_per_kwh * seconds) / sum(seconds) AS g_per_kwh,
    sum(operational_g + embodied_g) * 3600 / sum(seconds) AS carbon_g_per_h,
    sum(coalesce(on_demand_usd, 0) + coalesce(reserved_usd, 0) + coalesce(spot_usd, 0)
        + coalesce(owned_usd, 0) + coalesce(energy_usd, 0) + coalesce(transfer_usd, 0))
        * 3600 / sum(seconds) AS cost_usd_per_h
FROM chosen GROUP BY place, is_group, region, (tick - $first) // $width
ORDER BY is_group DESC, place, 4
"""

_TOTALS = f"""
SELECT place, is_group, region, sum(node_s) / 3600 AS node_hours, max(nodes) AS peak_nodes,
    sum(energy_kwh) AS energy_kwh, sum(green_kwh) AS green_kwh, sum(backup_kwh) AS backup_kwh,
    sum(operational_g) / 1000 AS operational_kg, sum(embodied_g) / 1000 AS embodied_kg, {_MONEY}
FROM accounts WHERE run_no = $run_no AND tick >= $first AND tick < $last
GROUP BY place, is_group, region ORDER BY is_group DESC, place
"""

_SUMS = f"""
WITH a_tick AS (
    SELECT sum(nodes) AS nodes FROM accounts
    WHERE run_no = $run_no AND tick >= $first AND tick < $last GROUP BY tick
)
SELECT count(*) AS number, any_value((SELECT max(nodes) FROM a_tick)) AS peak_nodes,
    CASE WHEN count(*) = count(energy_kwh) THEN sum(energy_kwh) END AS energy_kwh,
    CASE WHEN count(*) = count(green_kwh) THEN sum(green_kwh) END AS green_kwh,
    CASE WHEN count(*) = count(operational_g) THEN sum(operational_g) END AS operational_g,
    sum(embodied_g) AS embodied_g, bool_or(is_group) AS has_nodes, sum(node_s) AS node_s,
    coalesce(sum(requested_frac * node_s), 0) AS taken_node_s, {_MONEY}
FROM accounts WHERE run_no = $run_no AND tick >= $first AND tick < $last
"""


def account_sums(store: Store, run: RunRow, span: Span) -> AccountSums | None:
    """Totals over a window; None for a run without accounts."""
    first, last = ticks_of(run, span)
    values = {"run_no": run.run_no, "first": first, "last": last}
    with store.transaction() as cursor:
        found = cursor.execute(_SUMS, values)
        names = [column[0] for column in found.description or ()]
        row = found.fetchone()
    assert row is not None
    sums: dict[str, Any] = dict(zip(names, row, strict=True))
    if not sums.pop("number"):
        return None
    return AccountSums(usd={name: sums.pop(f"{name}_usd") for name in COMPONENTS}, **sums)


def accounts_timeline(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """Nodes, power, carbon and money over time, by place; `bucket_s` is each point's width."""
    first, last = ticks_of(run, span)
    values = {
        "run_no": run.run_no,
        "tick_s": run.tick_s,
        "end_s": run.to_s,
        "first": first,
        "last": last,
        "width": max(1, -(-(last - first) // span.max_points)),
    }
    with store.transaction() as cursor:
        return cursor.execute(_TIMELINE, values).df()


def accounts_totals(store: Store, run: RunRow, span: Span) -> pd.DataFrame:
    """Node hours, energy, carbon and money of each place; missing where it is not known."""
    first, last = ticks_of(run, span)
    with store.transaction() as cursor:
        return cursor.execute(_TOTALS, {"run_no": run.run_no, "first": first, "last": last}).df()
