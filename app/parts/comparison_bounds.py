"""How far from perfect each run of a comparison is: a bound, and plans that know the future."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems
from app.parts import idle
from app.parts.comparison_view import View
from engine.bound_runs import PLANS


@problems.guarded
def card(view: View) -> None:
    """The bounds of whole runs; the plans join by themselves where they take seconds."""
    planner, run_ids = load.planner(), view.run_ids
    task = idle.Task(
        kind="bounds", key=",".join(run_ids), title=planner_words.BOUNDS_WORKING,
        go=planner_words.BOUNDS_GO, help=planner_words.BOUNDS_HELP,
        by_itself=planner.is_easy(view.baseline.run_id),
        work=lambda report, stop: planner.known_future(
            run_ids, progress=report, cancel=stop, workers=1
        ),
    )  # fmt: skip
    frame = load.bounds(run_ids, plans=idle.result(task) is not None)
    with st.container(border=True):
        st.subheader(planner_words.BOUNDS)
        st.table(_table(frame, view), border="horizontal", alt=planner_words.BOUNDS_ALT)
        st.caption(planner_words.BOUNDS_CAPTION)
        if (frame["plans"] < len(PLANS)).any() and idle.result(task) is None:
            idle.show(task)


def _table(frame: pd.DataFrame, view: View) -> pd.DataFrame:
    """One row a run, in words; what is not known says so."""

    def no_plan(row: Mapping[Hashable, Any]) -> str:
        return planner_words.BOUNDS_NO_PLAN if row["plans"] else planner_words.BOUNDS_UNKNOWN

    rows = [
        (
            view.labels[row["run_id"]],
            _money(row["cost_usd"]),
            _money(row["bound_usd"]),
            _above(row["above_bound_frac"]),
            *_plan(row, no_plan(row)),
        )
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=list(planner_words.BOUNDS_COLUMNS)).map(phrases.escaped)


def _plan(row: Mapping[Hashable, Any], otherwise: str) -> tuple[str, str]:
    """What the plan costs, and how much more the run does; limits where all plans serve more."""
    cost, above = _money(row["plan_usd"], otherwise), _above(row["above_plan_frac"], otherwise)
    if row["plan_serves_more"] != 1:
        return cost, above
    at_most, at_least = planner_words.BOUNDS_AT_MOST, planner_words.BOUNDS_AT_LEAST
    return at_most.format(value=cost), at_least.format(value=above)


def _money(value: float, otherwise: str = planner_words.BOUNDS_UNKNOWN) -> str:
    return otherwise if math.isnan(value) else formats.figure(value, "USD")


def _above(share: float, otherwise: str = planner_words.BOUNDS_UNKNOWN) -> str:
    return otherwise if math.isnan(share) else f"{100 * share:+.0f} %"
