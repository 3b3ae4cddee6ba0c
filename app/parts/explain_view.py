"""What the page *Explain* is about: run, filter and decision; all of it in the address."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import choices, load, state
from app import explain_words as words
from app.charts.base import Clock, Window
from engine.explain.decision import Kind
from engine.planner import RunInfo

WORST_MINUTES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run as its decisions are looked at."""

    run: RunInfo
    runs: pd.DataFrame
    """All saved ones."""
    wanted: dict[str, Any]
    """The filter, as the planner takes it."""
    text: str
    """That is searched for."""
    number: int | None
    """Of the decision that is open."""

    @property
    def window(self) -> Window:
        """The run's."""
        return Window(from_s=self.run.from_s, to_s=self.run.to_s)

    def clock(self, span_s: float | None = None) -> Clock:
        """Of charts over the run, or a part of it."""
        length_s = self.run.to_s - self.run.from_s
        return Clock(epoch_s=self.run.epoch_s, span_s=span_s or length_s)


def pick(saved: pd.DataFrame) -> View:
    """The chooser of the run, and what else the address says."""
    options = choices.run_options(saved)
    wanted = choices.starting_with(options, state.in_address(state.RUN))
    if wanted is None and state.in_address(state.RUN):
        st.warning(words.RUN_UNKNOWN, icon=":material/search_off:")
    chosen = wanted or next(iter(options))
    state.put(state.EXPLAIN_RUN, chosen)
    st.selectbox(
        words.RUN, list(options), key=state.EXPLAIN_RUN, format_func=options.__getitem__,
        on_change=_run_chosen,
    )  # fmt: skip
    return View(
        run=load.planner().run(chosen), runs=saved, wanted=_filter(),
        text=state.in_address(state.TEXT), number=_number(),
    )  # fmt: skip


DIGITS = 15
"""Of the number of a decision, at most."""


def _run_chosen() -> None:
    state.into_address(
        run=state.get(state.EXPLAIN_RUN), decision=None, pool=None, after=None, beside=None
    )
    state.forget(state.EXPLAIN_ASKED)


def _number() -> int | None:
    text = state.in_address(state.DECISION)
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None


def _filter() -> dict[str, Any]:
    kinds = [kind for kind in state.in_address(state.KINDS).split(",") if kind]
    known = tuple(Kind(kind) for kind in kinds if kind in set(Kind))
    after = state.in_address(state.AFTER)
    return {
        "kinds": known or tuple(kind for kind in Kind if kind is not Kind.SILENT),
        "reasons": tuple(r for r in state.in_address(state.REASON).split(",") if r),
        "pool": state.in_address(state.POOL) or None,
        "worst_minutes": WORST_MINUTES if state.in_address(state.WORST) else 0,
        "reversals": bool(state.in_address(state.REVERSED)),
        "reviewed": bool(state.in_address(state.REVIEWED)),
        "after": int(after) if after.removeprefix("-").isdecimal() else -1,
    }


def open_decision(number: int | None) -> None:
    """Opens a decision: its number goes into the address."""
    state.into_address(decision=None if number is None else str(number))
    state.forget(state.EXPLAIN_ASKED)
