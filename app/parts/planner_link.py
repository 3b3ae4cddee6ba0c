"""From a run that is shown to the planner, whose knobs then stand where the run has them."""

from collections.abc import Mapping

import streamlit as st

from app import phrases, planner_words, state


def link(run_id: str) -> None:
    """Opens one run in the planner."""
    _link(run_id, planner_words.OPEN)


def links(labels: Mapping[str, str]) -> None:
    """One of several runs, chosen by its label."""
    with st.popover(planner_words.OPEN, icon=":material/tune:", help=planner_words.OPEN_HELP):
        for run_id, label in labels.items():
            _link(run_id, phrases.escaped(label))


def _link(run_id: str, label: str) -> None:
    st.page_link(
        state.PLANNER_PAGE, label=label, icon=":material/tune:",
        query_params={state.START: run_id}, help=planner_words.OPEN_HELP,
    )  # fmt: skip
