"""What the economics of a run need: its totals by block of time, and how many sessions it met."""

from typing import NamedTuple

import numpy as np

from engine.store.duck import Store
from engine.store.runs import RunRow
from engine.units import SECONDS_PER_HOUR, FloatArray

_BLOCKS = """
WITH a_tick AS (
    SELECT tick, min(t_s) AS t_s, sum(arrived) AS arrived, sum(slo_met) AS met,
        sum(worker_s) AS worker_s, sum(cost_usd) AS cost_usd,
        sum(busy_slot_s / $slots[pool + 1]) AS busy_worker_s
    FROM ticks WHERE run_no = $run_no GROUP BY tick
), finished AS (
    SELECT tick, sum(requests) AS finished FROM latency WHERE run_no = $run_no GROUP BY tick
)
SELECT floor(tick * $tick_s / $block_s + 1e-9)::INTEGER AS block, -- `//` only divides doubles
    sum(least($tick_s, $end_s - t_s)) / 3600.0 AS hours, sum(cost_usd) AS cost_usd,
    sum(worker_s) / 3600.0 AS worker_h, sum(busy_worker_s) / 3600.0 AS busy_worker_h,
    sum(arrived)::DOUBLE AS arrived, sum(met)::DOUBLE AS met,
    coalesce(sum(finished), 0)::DOUBLE AS finished
FROM a_tick LEFT JOIN finished USING (tick) GROUP BY block ORDER BY block
"""
COLUMNS = ("hours", "cost_usd", "worker_h", "busy_worker_h", "arrived", "met", "finished")


def blocks(store: Store, run: RunRow, slots: list[int], block_h: float) -> dict[str, FloatArray]:
    """Totals of a run by block of `block_h` hours since its start; the last may be shorter.

    Args:
        store: the open store.
        run: a finished run.
        slots: slots per worker of each pool, in pool order.
        block_h: length of a block, hours.

    Returns:
        COLUMNS, (blocks,) each.
    """
    values = {
        "run_no": run.run_no, "tick_s": run.tick_s, "end_s": run.to_s, "slots": slots,
        "block_s": block_h * SECONDS_PER_HOUR,
    }  # fmt: skip
    with store.transaction() as cursor:
        found = cursor.execute(_BLOCKS, values).fetchnumpy()
    return {name: np.asarray(found[name], np.float64) for name in COLUMNS}


def sessions(store: Store, run: RunRow) -> int | None:
    """Sessions with a request in the run's window; None where the trace has no sessions."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT count(DISTINCT session) FROM requests JOIN traces USING (trace_no) "
            "WHERE trace_id = ? AND arrival_s >= ? AND arrival_s < ? AND session IS NOT NULL",
            [run.trace_id, run.from_s, run.to_s],
        ).fetchone()
    assert row is not None
    return int(row[0]) or None


class DecisionRow(NamedTuple):
    """One row of `decisions`."""

    t_s: float
    pool: int
    current: int
    applied: int
    proposed: float
    reason: str


def largest_decisions(store: Store, run: RunRow, limit: int) -> list[DecisionRow]:
    """The decisions that changed capacity most, in order of time."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "FROM (SELECT t_s, pool, current, applied, proposed, reason FROM decisions "
            "WHERE run_no = ? AND applied <> current "
            "ORDER BY abs(applied - current) DESC, t_s, pool LIMIT ?) ORDER BY t_s, pool",
            [run.run_no, limit],
        ).fetchall()
    return [DecisionRow(*row) for row in rows]
