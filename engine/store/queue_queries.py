"""Which decisions are the most questionable: where others, or the guard, decided otherwise."""

from collections.abc import Sequence

import pandas as pd

from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = [
    "BLOCK_S",
    "apart",
    "first_difference",
    "forecast_misses",
    "moments",
    "number_at",
    "overruled",
]

BLOCK_S = 600.0
"""One decision of each pool in such a stretch: its neighbours are questionable for one cause."""
SAMPLE = 20_000
"""Decisions whose forecasts are compared with what came, at most."""

_BEST = (
    "SELECT arg_max(number, apart) AS number, max(apart) AS size FROM found "
    "GROUP BY floor(t_s / $block), pool ORDER BY size DESC, number LIMIT $most"
)


def apart(store: Store, run: RunRow, others: Sequence[int], most: int) -> pd.DataFrame:
    """Decisions furthest from the mean of other runs' sizes: number, size (workers apart)."""
    with store.transaction() as cursor:
        return cursor.execute(
            "WITH theirs AS (SELECT tick, pool, avg(target) AS target FROM ticks "
            "WHERE list_contains($others, run_no) GROUP BY tick, pool), "
            "found AS (SELECT d.number, d.t_s, d.pool, abs(d.applied - theirs.target) AS apart "
            "FROM decisions AS d JOIN theirs USING (tick, pool) "
            "WHERE d.run_no = $run_no AND apart >= 1 AND d.reason <> 'not_due') " + _BEST,
            {"others": list(others), "run_no": run.run_no, "block": BLOCK_S, "most": most},
        ).df()


def number_at(store: Store, run: RunRow, pool: int, tick: int) -> int | None:
    """The pool's last decision at or before a tick; None: there is none."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT max(number) FROM decisions WHERE run_no = ? AND pool = ? AND tick <= ? "
            "AND reason <> 'not_due'",
            [run.run_no, pool, tick],
        ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def moments(store: Store, run: RunRow, numbers: Sequence[int]) -> dict[int, tuple[float, str]]:
    """Time since the trace's start and pool of some decisions, by their number."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT number, t_s, pool FROM decisions "
            "WHERE run_no = ? AND list_contains(?, number)",
            [run.run_no, list(numbers)],
        ).fetchall()
    return {int(number): (float(t_s), run.pools[pool]) for number, t_s, pool in rows}


def overruled(store: Store, run: RunRow, most: int) -> pd.DataFrame:
    """Decisions of which the guard made most else: number, size (workers changed)."""
    with store.transaction() as cursor:
        return cursor.execute(
            "WITH found AS (SELECT number, t_s, pool, "
            "abs(CASE WHEN proposed < 0 THEN current ELSE ceil(proposed) END - applied) AS apart "
            "FROM decisions WHERE run_no = $run_no AND guard IS NOT NULL AND apart >= 1) " + _BEST,
            {"run_no": run.run_no, "block": BLOCK_S, "most": most},
        ).df()


def forecast_misses(store: Store, run: RunRow, most: int) -> pd.DataFrame:
    """Decisions whose expected rate was furthest from what came: number, size (ratio).

    What came is the highest mean rate over two ticks or 30 s within the horizon. Ratios are of
    it to what was expected, above 1 where more came and below 1 where less did, at the least one
    request in the horizon; a half is as wide a miss as twice. Of long runs some ticks are
    compared, with all of their pools.
    """
    wide = max(1, round(30.0 / run.tick_s))
    with store.transaction() as cursor:
        (number,) = cursor.execute(
            "SELECT count(*) FROM decisions WHERE run_no = ?", [run.run_no]
        ).fetchall()[0]
        return cursor.execute(
            "WITH rates AS (SELECT tick, pool, avg(arrived / $tick_s) OVER (PARTITION BY pool "
            f"ORDER BY tick ROWS BETWEEN CURRENT ROW AND {wide - 1} FOLLOWING) AS rate "
            "FROM ticks WHERE run_no = $run_no), "
            "said AS (SELECT number, t_s, tick, pool, "
            "(rationale->>'expected_per_s')::DOUBLE AS expected, "
            "coalesce((rationale->>'horizon_s')::DOUBLE, 120) AS horizon_s FROM decisions "
            "WHERE run_no = $run_no AND reason NOT IN ('not_due', 'metrics_missing') AND "
            "tick % $every = 0), "
            "found AS (SELECT number, any_value(t_s) AS t_s, any_value(said.pool) AS pool, "
            "greatest(max(rate), 1 / any_value(horizon_s)) / any_value(expected) AS ratio, "
            "greatest(ratio, 1 / ratio) AS apart FROM said JOIN rates ON "
            "rates.pool = said.pool AND rates.tick >= said.tick AND "
            "rates.tick < said.tick + ceil(horizon_s / $tick_s) WHERE expected > 0 "
            "GROUP BY number HAVING apart > 1.1), "
            "best AS (" + _BEST + ") SELECT number, ratio AS size FROM best "
            "JOIN found USING (number) ORDER BY best.size DESC, number",
            {"run_no": run.run_no, "tick_s": run.tick_s, "every": max(1, number // SAMPLE),
             "block": BLOCK_S, "most": most},
        ).df()  # fmt: skip


def first_difference(store: Store, one: RunRow, other: RunRow) -> tuple[float, int] | None:
    """Time and pool of the first tick in which two runs ask for other sizes; None: in none."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT a.t_s, a.pool FROM ticks AS a JOIN ticks AS b "
            "ON a.tick = b.tick AND a.pool = b.pool "
            "WHERE a.run_no = ? AND b.run_no = ? AND a.target <> b.target "
            "ORDER BY a.tick, a.pool LIMIT 1",
            [one.run_no, other.run_no],
        ).fetchone()
    return None if row is None else (float(row[0]), int(row[1]))
