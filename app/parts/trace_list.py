"""The list of traces and the one that is looked at; its id is in the address."""

import pandas as pd
import streamlit as st

from app import choices, load, state, words
from app.parts.trace_details import details


def row_chosen() -> None:
    """A click on a row looks at its trace."""
    rows = state.get(state.TRACES_ROWS)["selection"]["rows"]
    saved = choices.rows_at(load.planner().traces(), rows)
    if len(saved):
        st.query_params[state.TRACE] = str(saved["trace_id"].iloc[0])


def look_at(saved: pd.DataFrame) -> None:
    """The box to choose a trace, and everything about it."""
    labels = choices.trace_options(saved)
    wanted = choices.starting_with(labels, st.query_params.get(state.TRACE, ""))
    if wanted is None:
        if st.query_params.get(state.TRACE):
            st.warning(words.TRACE_UNKNOWN, icon=":material/search_off:")
        wanted = next(iter(labels))
    state.put(state.TRACES_PICK, wanted)
    st.selectbox(
        words.TRACE_PICK,
        list(labels),
        key=state.TRACES_PICK,
        format_func=labels.__getitem__,
        on_change=_picked,
    )
    details(load.planner().trace(wanted))


def _picked() -> None:
    st.query_params[state.TRACE] = state.get(state.TRACES_PICK)
