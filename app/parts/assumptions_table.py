"""The assumptions of a report in a table that can be edited; what is wrong stands below it.

Terms and edits live in the page's address: a copied link shows the same report.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import load, phrases, problems, state, words
from app.parts import report_terms
from app.parts.report_terms import CELLS, Edits
from engine.economics.assumptions import CURRENCIES, Assumption, Assumptions, CostMode
from engine.errors import EngineError
from engine.report.numbers import exact

ABOVE = ("years", "currency_per_usd")
"""Assumptions that have a box of their own above the table."""


def edited(base: Assumptions) -> Assumptions:
    """The assumptions as edited; a value that cannot be is left as it was, and told."""
    given = _terms(base)
    started = report_terms.parsed(_started())
    shown, _ = report_terms.applied(given, started)
    with st.expander(words.REPORT_ASSUMPTIONS, icon=":material/tune:"):
        st.caption(words.REPORT_ASSUMPTIONS_HELP)
        key = f"{state.REPORT_EDITS}_{state.get(state.REPORT_TABLE, 0)}"
        st.data_editor(
            _frame(shown, base),
            key=key,
            hide_index=True,
            disabled=["group", "label", "default", "unit", "source", "meaning"],
            column_config=_columns(),
            height=420,
            alt=words.REPORT_ASSUMPTIONS,
        )
        typed = state.get(key, {}).get("edited_rows", {})
        edits = report_terms.without_defaults(_merged(started, _rows(shown), typed), base)
        if edits:
            st.button(words.REPORT_RESET, icon=":material/restart_alt:", on_click=_reset)
    made, wrong = report_terms.applied(given, edits)
    for error in wrong:
        problems.show(error)
    _remember(report_terms.spelled(edits))
    _changes(made, base)
    return made


def _started() -> str:
    """Edits that the table starts with: those of an address that this page did not write."""
    said = state.term(state.ASSUME)
    if said != state.get(state.REPORT_WRITTEN, ""):
        state.put(state.REPORT_STARTED, said)
        state.put(state.REPORT_WRITTEN, said)
        state.put(state.REPORT_TABLE, state.get(state.REPORT_TABLE, 0) + 1)
    return str(state.get(state.REPORT_STARTED, ""))


def _remember(text: str) -> None:
    state.put(state.REPORT_WRITTEN, text)
    state.set_term(state.ASSUME, text)


def _reset() -> None:
    """Another empty address, and with it a new table."""
    state.put(state.REPORT_STARTED, "")
    state.put(state.REPORT_TABLE, state.get(state.REPORT_TABLE, 0) + 1)
    _remember("")


def _merged(
    started: Edits, rows: list[Assumption], typed: Mapping[int, Mapping[str, Any]]
) -> Edits:
    edits = {key: dict(cells) for key, cells in started.items()}
    for row, cells in typed.items():
        wanted = {name: float(cells[name]) for name in CELLS if cells.get(name) is not None}
        if wanted:
            edits.setdefault(rows[int(row)].key, {}).update(wanted)
    return edits


def _terms(base: Assumptions) -> Assumptions:
    """Mode, currency with its rate, and horizon; a rate that is missing is asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = _mode(base)
        currency = _currency()
        rate = 1.0 if currency == "USD" else _rate(currency)
        years = _years(base)
    given = base.changed({"mode": mode, "years": years})
    if currency == "USD":
        return given
    if rate is None:
        st.info(phrases.rate_wanted(currency), icon=":material/currency_exchange:")
        return given
    try:
        return given.changed({"currency": currency, "currency_per_usd": rate}, words.REPORT_RATE)
    except EngineError as error:
        problems.show(error)
        return given


def _mode(base: Assumptions) -> str:
    known = [mode.value for mode in CostMode]
    said = state.term(state.MODE)
    state.put(state.REPORT_MODE, said if said in known else base.mode.value)
    chosen = st.segmented_control(
        words.REPORT_MODE,
        known,
        format_func=words.REPORT_MODES.__getitem__,
        help=words.REPORT_MODE_HELP,
        key=state.REPORT_MODE,
        required=True,
        on_change=_chosen,
        args=(state.MODE, state.REPORT_MODE),
    )
    return chosen or base.mode.value


def _currency() -> str:
    said = state.term(state.CURRENCY)
    state.put(state.REPORT_CURRENCY, said if said in CURRENCIES else "USD")
    chosen: str = st.selectbox(
        words.REPORT_CURRENCY,
        CURRENCIES,
        help=words.REPORT_CURRENCY_HELP,
        key=state.REPORT_CURRENCY,
        width=140,
        on_change=_chosen,
        args=(state.CURRENCY, state.REPORT_CURRENCY, state.RATE),
    )
    return chosen


def _rate(currency: str) -> float | None:
    state.put(state.REPORT_RATE, state.term_number(state.RATE))
    return st.number_input(
        phrases.rate_label(currency),
        min_value=1e-6,
        max_value=1e6,
        value=None,
        format="%.6g",
        placeholder=words.REPORT_RATE,
        key=state.REPORT_RATE,
        width=200,
        on_change=_chosen,
        args=(state.RATE, state.REPORT_RATE),
    )


def _years(base: Assumptions) -> float:
    said = state.term_number(state.YEARS) or base["years"]
    state.put(state.REPORT_YEARS, min(max(round(said), 1), 20))
    return float(
        st.number_input(
            words.REPORT_YEARS,
            min_value=1,
            max_value=20,
            step=1,
            key=state.REPORT_YEARS,
            width=140,
            on_change=_chosen,
            args=(state.YEARS, state.REPORT_YEARS),
        )
    )


def _chosen(term: str, box: str, *outdated: str) -> None:
    """What a box says goes into the address; terms that hung on its old value leave it."""
    for other in outdated:
        state.set_term(other, "")
    value = state.get(box)
    state.set_term(term, "" if value is None else str(value))


def _changes(made: Assumptions, base: Assumptions) -> None:
    """What differs from the defaults, each beside its default."""
    said = [
        phrases.changed_assumption(
            entry.label, exact(entry.value), entry.unit, exact(default.value)
        )
        for entry, default in zip(made.numbers, base.numbers, strict=True)
        if (entry.value, entry.low, entry.high) != (default.value, default.low, default.high)
        and entry.key not in ABOVE
    ]
    if said:
        st.caption(phrases.escaped(f"{words.REPORT_CHANGED} {'; '.join(said)}."))


def _rows(given: Assumptions) -> list[Assumption]:
    return [entry for entry in given.numbers if entry.key not in ABOVE]


def _frame(given: Assumptions, base: Assumptions) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "group": entry.group,
                "label": entry.label,
                "value": entry.value,
                "default": base[entry.key],
                "unit": entry.unit,
                "low": entry.low,
                "high": entry.high,
                "source": entry.source,
                "meaning": entry.meaning,
            }
            for entry in _rows(given)
        ]
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "group": column.TextColumn(words.REPORT_GROUP, width="small"),
        "label": column.TextColumn(words.REPORT_ASSUMPTION, pinned=True),
        "value": column.NumberColumn(words.REPORT_VALUE, width="small", required=True),
        "default": column.NumberColumn(words.REPORT_DEFAULT, width="small"),
        "unit": column.TextColumn(words.REPORT_UNIT, width="medium"),
        "low": column.NumberColumn(words.REPORT_LOW, width="small", required=True),
        "high": column.NumberColumn(words.REPORT_HIGH, width="small", required=True),
        "source": column.TextColumn(words.REPORT_SOURCE),
        "meaning": column.TextColumn(words.REPORT_MEANING, width="large"),
    }


def starting_point(run_ids: tuple[str, ...]) -> Assumptions:
    """Defaults for these runs."""
    return load.planner().assumptions(list(run_ids))
