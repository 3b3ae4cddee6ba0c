"""What a pool's rewards are made of, tick by tick, from what was stored of a run."""

import pandas as pd

from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = ["next_tick", "reward_ticks", "usual_demand"]

_TICKS = """
WITH grids AS (
    SELECT tick, avg(g_per_kwh) AS g_per_kwh FROM accounts
    WHERE run_no = $run_no AND region = $region AND tick >= $first AND tick < $last GROUP BY tick
),
bills AS (
    SELECT tick, node_s, coalesce(on_demand_usd, 0) + coalesce(reserved_usd, 0)
        + coalesce(spot_usd, 0) + coalesce(owned_usd, 0) AS usd
    FROM accounts WHERE run_no = $run_no AND is_group AND place = $group
),
prices AS (
    SELECT tick, usd / node_s / (sum(usd) OVER () / sum(node_s) OVER ()) AS price
    FROM bills WHERE node_s > 0 AND usd > 0
)
SELECT t.tick, arrived, arrived - slo_met AS missed,
    queue_timeouts + exec_timeouts + rejected + lost AS failed, queued, busy_slot_s,
    starting_slot_s + ready_slot_s + draining_slot_s AS billed_slot_s,
    least($tick_s, $end_s - t_s) AS seconds, g_per_kwh, coalesce(price, 1) AS price
FROM ticks AS t LEFT JOIN grids AS g ON g.tick = t.tick LEFT JOIN prices AS p ON p.tick = t.tick
WHERE run_no = $run_no AND pool = $pool AND t.tick >= $first AND t.tick < $last
    AND t.tick % $every = 0
ORDER BY t.tick
"""


def reward_ticks(
    store: Store, run: RunRow, pool: int, region: str, group: str | None, first: int, last: int,
    every: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """A row a tick: demand, misses, failures, queue, slots, a region's grid and nodes' price.

    Args:
        store: where the run is.
        run: finished.
        pool: its number.
        region: whose grid; NULL where it was not recorded.
        group: whose nodes' price, over the run's mean; 1 where it was not recorded, or of None.
        first: tick.
        last: tick, exclusive.
        every: only every so many ticks.
    """
    values = {
        "run_no": run.run_no, "tick_s": run.tick_s, "end_s": run.to_s, "pool": pool,
        "region": region, "group": group, "first": first, "last": last, "every": every,
    }  # fmt: skip
    with store.transaction() as cursor:
        return cursor.execute(_TICKS, values).df()


def usual_demand(store: Store, run: RunRow, pool: int) -> tuple[float, float, int]:
    """Requests of a pool in the run, the slot-seconds they need, and the ticks of the run."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT coalesce(sum(arrived), 0), coalesce(sum(offered_slot_s), 0), count(*) "
            "FROM ticks WHERE run_no = ? AND pool = ?",
            [run.run_no, pool],
        ).fetchone()
    assert row is not None
    return float(row[0]), float(row[1]), int(row[2])


def next_tick(store: Store, run: RunRow, pool: int, tick: int) -> int | None:
    """The tick of a pool's next decision; None: there is none."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT min(tick) FROM decisions WHERE run_no = ? AND pool = ? AND tick > ?",
            [run.run_no, pool, tick],
        ).fetchone()
    return None if row is None or row[0] is None else int(row[0])
