"""The assumptions of a report in a table that can be edited; what is wrong stands below it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import load, phrases, problems, state, words
from engine.economics.assumptions import CURRENCIES, Assumptions, CostMode
from engine.errors import EngineError

COLUMNS = ("value", "low", "high")


def edited(base: Assumptions) -> Assumptions:
    """The assumptions as edited; a value that cannot be is left as it was, and told."""
    given = _terms(base)
    with st.expander(words.REPORT_ASSUMPTIONS, icon=":material/tune:"):
        st.caption(words.REPORT_ASSUMPTIONS_HELP)
        frame = _frame(given)
        st.data_editor(
            frame,
            key=state.REPORT_EDITS,
            hide_index=True,
            disabled=["group", "label", "unit", "source", "meaning"],
            column_config=_columns(),
            height=420,
            alt=words.REPORT_ASSUMPTIONS,
        )
        changes = state.get(state.REPORT_EDITS, {}).get("edited_rows", {})
        made = _applied(given, changes)
        if changes and st.button(words.REPORT_RESET, icon=":material/restart_alt:"):
            state.forget(state.REPORT_EDITS)
            st.rerun()
    return made


def _terms(base: Assumptions) -> Assumptions:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = st.segmented_control(
            words.REPORT_MODE,
            list(CostMode),
            default=base.mode,
            format_func=words.REPORT_MODES.__getitem__,
            help=words.REPORT_MODE_HELP,
            key="report_mode",
            required=True,
        )
        currency = st.selectbox(
            words.REPORT_CURRENCY, CURRENCIES, help=words.REPORT_CURRENCY_HELP,
            key="report_currency", width=140,
        )  # fmt: skip
        years = st.number_input(
            words.REPORT_YEARS, min_value=1, max_value=20, value=round(base["years"]), step=1,
            key="report_years", width=140,
        )  # fmt: skip
    return base.changed(
        {"mode": (mode or base.mode).value, "currency": currency, "years": float(years)}
    )


def _frame(given: Assumptions) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "group": entry.group,
                "label": entry.label,
                "value": entry.value,
                "unit": entry.unit,
                "low": entry.low,
                "high": entry.high,
                "source": entry.source,
                "meaning": entry.meaning,
            }
            for entry in _shown(given)
        ]
    )


def _shown(given: Assumptions) -> list[Any]:
    return [entry for entry in given.numbers if entry.key != "years"]


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "group": column.TextColumn(words.REPORT_GROUP, width="small"),
        "label": column.TextColumn(words.REPORT_ASSUMPTION, pinned=True),
        "value": column.NumberColumn(words.REPORT_VALUE, width="small", required=True),
        "unit": column.TextColumn(words.REPORT_UNIT, width="medium"),
        "low": column.NumberColumn(words.REPORT_LOW, width="small", required=True),
        "high": column.NumberColumn(words.REPORT_HIGH, width="small", required=True),
        "source": column.TextColumn(words.REPORT_SOURCE),
        "meaning": column.TextColumn(words.REPORT_MEANING, width="large"),
    }


def _applied(given: Assumptions, changes: Mapping[int, Mapping[str, Any]]) -> Assumptions:
    """One change after the other, so that a wrong one spoils no other."""
    rows = _shown(given)
    for row, cells in changes.items():
        entry = rows[int(row)]
        wanted = {name: float(cells[name]) for name in COLUMNS if cells.get(name) is not None}
        if not wanted:
            continue
        try:
            given = given.changed({entry.key: wanted}, phrases.sentence(entry.label))
        except EngineError as error:
            problems.show(error)
    return given


def starting_point(run_ids: tuple[str, ...]) -> Assumptions:
    """Defaults for these runs."""
    return load.planner().assumptions(list(run_ids))
