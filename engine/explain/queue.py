"""Which decisions a person should look at first, and why."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from engine.explain.regret import regrets
from engine.explain.words import number, workers
from engine.store import queue_queries as queries
from engine.store import reviews, runs
from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = ["Questionable", "questionable"]

EACH = 8
"""Of each cause, before those that were reviewed are left out."""
ORACLES = ("oracle", "oracle-instant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionable:
    """A decision that is worth a look."""

    number: int
    t_s: float
    """Since the trace's start."""
    pool: str
    cause: str
    """In words, with its size."""


def questionable(store: Store, run: RunRow, most: int = 20) -> list[Questionable]:
    """Unreviewed decisions in turn by cause.

    The most overruled, with the largest regret against the oracle, most in dispute among
    policies, most wrong about demand.
    """
    reviewed = set(reviews.of_runs(store, [run])["number"])
    alike = [
        row
        for row in runs.list_runs(store)
        if row.status == "done"
        and row.run_no != run.run_no
        and (row.trace_id, row.scenario_hash, row.from_s, row.to_s)
        == (run.trace_id, run.scenario_hash, run.from_s, run.to_s)
    ]
    bounds = [row for row in alike if row.policy.partition(":")[0] in ORACLES]
    others = [row.run_no for row in alike if row not in bounds]
    causes: list[tuple[Callable[[], pd.DataFrame], Callable[[float], str]]] = [
        (lambda: queries.overruled(store, run, EACH),
         lambda size: f"the guard changed it by {workers(size)}"),
        (lambda: regrets(store, run, bounds, EACH),
         lambda size: "in the ten minutes after it the oracle earned "
                      f"{number(size)} points a tick more"),
        (lambda: queries.apart(store, run, others, EACH),
         lambda size: f"{workers(size)} from the mean of the other policies"),
        (lambda: queries.forecast_misses(store, run, EACH),
         lambda size: f"demand came {number(size)} times as high as was expected"),
    ]  # fmt: skip
    columns = [
        [(int(row["number"]), said(float(row["size"]))) for row in find().to_dict("records")]
        for find, said in causes
    ]
    found = _in_turn(columns, reviewed, most)
    moments = queries.moments(store, run, list(found))
    return [
        Questionable(
            number=key, t_s=moments[key][0], pool=moments[key][1], cause=", ".join(causes)
        )
        for key, causes in found.items()
    ]


def _in_turn(
    columns: list[list[tuple[int, str]]], reviewed: set[int], most: int
) -> dict[int, list[str]]:
    """One of each cause after the other, each decision once with all of its causes."""
    found: dict[int, list[str]] = {}
    for place in range(EACH):
        for column in columns:
            if place < len(column) and column[place][0] not in reviewed:
                found.setdefault(column[place][0], []).append(column[place][1])
    return dict(list(found.items())[:most])
