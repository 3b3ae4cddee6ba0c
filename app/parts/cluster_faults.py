"""The fault plan on a timeline."""

import pandas as pd
import streamlit as st

from app import cluster_words
from app.charts.faults import fault_timeline
from engine.scenario import Fault, Scenario
from engine.scenario.faults import INSTANT

SECTION = "Faults"
"""The section of the page that it belongs to."""
SECONDS_PER_MINUTE = 60.0
ROOM = 1.1
"""Of the axis, over the end of the last fault."""


def timeline(scenario: Scenario) -> None:
    """All planned faults over time."""
    with st.container(border=True):
        st.markdown(f"**{cluster_words.FAULTS_TITLE}**")
        if not scenario.faults:
            st.caption(cluster_words.FAULTS_NONE)
            return
        frame = fault_frame(scenario.faults)
        span = max(1.0, ROOM * float(frame["to_min"].max()))
        st.altair_chart(
            fault_timeline(frame, span), key="cluster_timeline", alt=cluster_words.FAULTS_ALT
        )
        st.caption(cluster_words.FAULTS_CAPTION)


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
