"""An answer on the page *Planner* as it comes: a preview, then every request, in one run of it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import planner_words, problems, state
from app.parts import planner_result, planner_work
from app.parts.planner_work import Bar, Wish


def show(wanted: Wish) -> None:
    """Stays until everything is shown, or for `planner_work.STAY_S`.

    What was shown before stays in its place until there is something newer.
    """
    bar = Bar(place=st.empty())
    bar.stay(_something)
    trouble, top, below = st.empty(), st.empty(), st.empty()
    if planner_work.made() is None:
        _trouble(trouble)
        _preview(top)
        bar.stay(_everything)
    _trouble(trouble)
    made = planner_work.made()
    if made is not None:
        state.into_address(plan=made.run_id, baseline=made.baseline, trace=wanted.trace_id)
        with top.container():
            planner_result.headlines(made)
    else:
        _preview(top)
    _still(bar)
    with below.container():
        if made is not None:
            planner_result.details(made)
        else:
            _stopped(wanted)


def _something() -> bool:
    """Whether there is anything to show."""
    found = planner_work.made() or planner_work.glimpse() or planner_work.problem()
    return found is not None


def _everything() -> bool:
    """Whether nothing more comes but what is measured besides."""
    return not planner_work.replaying()


def _preview(place: DeltaGenerator) -> None:
    found = planner_work.glimpse()
    if found is not None:
        with place.container():
            planner_result.preview(found, coming=planner_work.replaying())


def _trouble(place: DeltaGenerator) -> None:
    problem = planner_work.problem()
    if problem is not None:
        with place.container():
            problems.show(problem)


def _still(bar: Bar) -> None:
    """The bar goes, unless something is under way yet."""
    if planner_work.working() is None:
        bar.place.empty()
        return
    found = planner_work.made() or planner_work.glimpse()
    with bar.place.container():
        planner_work.watch("shown" if found or planner_work.problem() else "")


def _stopped(wanted: Wish) -> None:
    """What to do where every request was not replayed."""
    if planner_work.working() is not None or planner_work.problem() is not None:
        return
    st.info(planner_words.STOPPED)
    if st.button(planner_words.AGAIN, key="plan_again", icon=":material/play_arrow:"):
        planner_work.ask(wanted, again=True)
        st.rerun()
