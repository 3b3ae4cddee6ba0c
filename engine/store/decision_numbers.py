"""Numbers of decisions for which a whole run must be read, to be found once and handed on."""

from collections.abc import Mapping

import numpy as np

from engine.store.duck import Store
from engine.store.runs import RunRow
from engine.units import IntArray

__all__ = ["reversals", "worst"]

_WORST = """
    SELECT number FROM decisions
    WHERE run_no = $run_no AND number IS NOT NULL AND floor((t_s - $from_s) / 60)::INTEGER IN (
        SELECT unnest([minute, minute - 1]) FROM (
            SELECT floor((t_s - $from_s) / 60)::INTEGER AS minute, sum(arrived - slo_met) AS missed
            FROM ticks
            WHERE run_no = $run_no AND ($pool IS NULL OR pool = $pool) AND arrived > slo_met
            GROUP BY minute ORDER BY missed DESC, minute LIMIT $minutes
        )
    )"""
_REVERSED = """
    SELECT number FROM (
        SELECT number, sign(applied - current) AS way,
            lag(way) OVER (PARTITION BY pool ORDER BY number) AS before
        FROM decisions WHERE run_no = $run_no AND applied <> current AND number IS NOT NULL
    ) WHERE way = -before"""


def worst(store: Store, run: RunRow, pool: int | None, minutes: int) -> IntArray:
    """(N,) Decisions in the minutes in which most requests missed the SLO, or in those before.

    Args:
        store: with the run.
        run: of the decisions.
        pool: whose requests count; None: of all pools. Decisions of all pools are given.
        minutes: so many; fewer where fewer had misses.
    """
    given = {"run_no": run.run_no, "from_s": run.from_s, "pool": pool, "minutes": minutes}
    return _numbers(store, _WORST, given)


def reversals(store: Store, run: RunRow) -> IntArray:
    """(N,) Steps against the direction of the pool's step before."""
    return _numbers(store, _REVERSED, {"run_no": run.run_no})


def _numbers(store: Store, sql: str, given: Mapping[str, object]) -> IntArray:
    with store.transaction() as cursor:
        found = cursor.execute(sql, given).fetchnumpy()["number"]
    return np.asarray(found, dtype=np.int64)
