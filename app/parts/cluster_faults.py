"""The fault plan on a timeline."""

import math

import pandas as pd
import streamlit as st

from app import cluster_words, state
from app.charts.faults import fault_timeline
from app.parts import cluster_state
from engine.scenario import Fault, Scenario
from engine.scenario.faults import INSTANT

SECTION = "Faults"
"""The section of the page that it belongs to."""
SECONDS_PER_MINUTE = 60.0
ROOM, LEAST_MIN = 1.25, 10.0
"""Of the axis, over the end of the last fault; and minutes that it has at least."""
STEP_MIN = 0.25


def timeline(scenario: Scenario) -> None:
    """All planned faults over time."""
    with st.container(border=True):
        st.markdown(f"**{cluster_words.FAULTS_TITLE}**")
        if not scenario.faults:
            st.caption(cluster_words.FAULTS_NONE)
            return
        frame = fault_frame(scenario.faults)
        span = max(LEAST_MIN, float(math.ceil(ROOM * frame["to_min"].max())))
        st.altair_chart(
            fault_timeline(frame, span), key="cluster_timeline", alt=cluster_words.FAULTS_ALT
        )
        st.caption(cluster_words.FAULTS_CAPTION)
        _mover(scenario.faults, span)


def _mover(faults: tuple[Fault, ...], span_min: float) -> None:
    """One of the faults, to be dragged along the axis of the timeline."""
    names = dict(
        enumerate(f"{n}. {cluster_words.fault_row(fault)}" for n, fault in enumerate(faults, 1))
    )
    if state.get(state.CLUSTER_FAULT) not in names:
        state.put(state.CLUSTER_FAULT, 0)
    number = st.selectbox(
        cluster_words.FAULTS_PICK,
        list(names),
        format_func=names.__getitem__,
        key=state.CLUSTER_FAULT,
    )
    fault = faults[number]
    begin, end = (
        fault.at_s / SECONDS_PER_MINUTE,
        (fault.at_s + _lasts_s(fault)) / SECONDS_PER_MINUTE,
    )
    lasts = fault.kind not in INSTANT
    state.put(state.CLUSTER_MOVE, (begin, end) if lasts else begin)
    st.slider(
        cluster_words.FAULTS_LASTS if lasts else cluster_words.FAULTS_AT,
        0.0,
        span_min,
        step=STEP_MIN,
        key=state.CLUSTER_MOVE,
        help=cluster_words.FAULTS_MOVE_HELP,
        on_change=_moved,
        args=(number, lasts),
    )


def _moved(number: int, lasts: bool) -> None:
    """Callback: the fault is where the slider is now; what cannot be is told in the table."""
    at = state.get(state.CLUSTER_MOVE)
    begin, end = at if lasts else (at, at)
    said = {"at_s": begin * SECONDS_PER_MINUTE}
    if lasts:
        said["for_s"] = (end - begin) * SECONDS_PER_MINUTE
    for name, value in said.items():
        path = f"faults.{number}.{name}"
        state.put(cluster_state.INPUT + path, f"{value:.10g}")
        cluster_state.typed(path)


def fault_frame(faults: tuple[Fault, ...]) -> pd.DataFrame:
    """A row a fault: `kind`, `what`, `from_min`, `to_min` and `told`, in order of time."""
    ordered = sorted(faults, key=lambda fault: fault.at_s)
    return pd.DataFrame(
        [
            {
                "kind": fault.kind.value,
                "what": cluster_words.fault_row(fault),
                "from_min": fault.at_s / SECONDS_PER_MINUTE,
                "to_min": (fault.at_s + _lasts_s(fault)) / SECONDS_PER_MINUTE,
                "told": cluster_words.fault(fault),
            }
            for fault in ordered
        ]
    )


def _lasts_s(fault: Fault) -> float:
    return 0.0 if fault.kind in INSTANT else fault.for_s
