"""The frame around every page: navigation, first start, running jobs."""

import sys
from pathlib import Path

import streamlit as st

from app import load, planner_words, problems, state, words
from app.parts import progress

ICON = str(Path(__file__).parent / "static" / "favicon.svg")
SIDEBAR_PX = 220
SETUP_WAIT_S = 0.5


def page_of(path: str, texts: tuple[str, str, str], *, default: bool = False) -> st.Page:
    """A page of the navigation."""
    title, icon, tip = texts
    return st.Page(path, title=title, icon=icon, help=tip, default=default)


def frame() -> None:
    """Everything around a page, and the page in it."""
    st.set_page_config(
        page_title=words.PRODUCT,
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
        menu_items={"About": words.ABOUT},
    )

    page = st.navigation(
        {
            "": [page_of(state.START_PAGE, words.NAV_START, default=True)],
            words.SECTION_DEMAND: [
                page_of(state.TRACES_PAGE, words.NAV_TRACES),
                page_of(state.FORECAST_PAGE, words.NAV_FORECAST),
            ],
            words.SECTION_WHAT_IF: [
                page_of(state.PLANNER_PAGE, planner_words.NAV_PLANNER),
                page_of(state.TRADEOFFS_PAGE, planner_words.NAV_TRADEOFFS),
                page_of(state.CLUSTER_PAGE, words.NAV_CLUSTER),
                page_of(state.REPLAY_PAGE, words.NAV_REPLAY),
                page_of(state.COMPARE_PAGE, words.NAV_COMPARE),
                page_of(state.EXPLAIN_PAGE, words.NAV_EXPLAIN),
                page_of(state.RUNS_PAGE, words.NAV_RUNS),
                page_of(state.TRAINING_PAGE, words.NAV_TRAINING),
            ],
            words.SECTION_MONEY: [
                page_of(state.REPORT_PAGE, words.NAV_REPORT),
                page_of(state.CLAIMS_PAGE, words.NAV_CLAIMS),
            ],
        }
    )
    st.set_page_config(page_title=f"{page.title} · {words.PRODUCT}")
    st.logo(ICON, size="large")

    with problems.shown():
        setup = load.setup()
        if not setup.wait(SETUP_WAIT_S):
            progress.watch_setup(setup)
            st.stop()
        load.freeze(len(sys.modules))
        if setup.problem is not None:
            problems.show(setup.problem)
        progress.sidebar(page.title)
        page.run()


if __name__ == "__main__":  # processes that replay for a sweep read this file, too
    frame()
