"""One trace: how much demand, how bursty, what a request asks for, and what the check found."""

from typing import Any

import streamlit as st

from app import formats, load, phrases, problems, profiles, state, tables, words
from app.charts.base import Clock, Window
from app.charts.lines import run_lines
from app.charts.rate import curve_frame, rate_chart, rate_title
from engine.planner import TraceInfo


def details(trace: TraceInfo) -> None:
    """Everything there is to say about one trace."""
    clock = Clock(epoch_s=trace.epoch_s, span_s=trace.duration_s)
    whole = Window(from_s=0.0, to_s=max(trace.duration_s, 1.0))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(phrases.escaped(trace.name), width="content")
            st.badge(words.KINDS[trace.kind.value], color="gray")
            st.caption(
                f"{formats.extent(trace.epoch_s, trace.duration_s)} · {trace.format}",
                width="content",
            )
        _buttons(trace)
        _figures(trace)
        _curve(trace, clock, whole)
        _tokens(trace)
        st.markdown(f"**{words.REPORT_TITLE}**")
        if not trace.report:
            st.caption(words.REPORT_CLEAN)
        else:
            findings(trace.report)


def findings(report: Any) -> None:
    """The check report as a table."""
    st.table(tables.findings(report), border="horizontal", alt=words.REPORT_ALT)


def _buttons(trace: TraceInfo) -> None:
    with st.container(horizontal=True):
        if trace.kind.value in profiles.DEMAND and st.button(
            words.REPLAY_IT, type="primary", icon=":material/play_circle:", key="traces_replay"
        ):
            state.go_to(state.REPLAY_PAGE, {state.TRACE: trace.trace_id})
        if st.button(words.RENAME, icon=":material/edit:", key="traces_rename"):
            rename(trace)
        if st.button(words.DELETE, icon=":material/delete:", key="traces_delete"):
            delete(trace)


def _figures(trace: TraceInfo) -> None:
    shown = profiles.figures(trace.profile)
    with st.grid(max(1, len(shown)), min_column_width=150):
        for label, value, tip in shown:
            st.metric(label, value, help=tip)


def _curve(trace: TraceInfo, clock: Clock, whole: Window) -> None:
    frame = curve_frame(trace.profile)
    if len(frame):
        chart = rate_chart(frame, clock, title=rate_title(trace.unit), whole=whole, height=190)
        mean, peak = float(frame["per_s"].mean()), float(frame["per_s"].max())
        st.altair_chart(chart, alt=phrases.rate_alt(trace.name, mean, peak), key="traces_rate")
        st.caption(phrases.curve_caption(profiles.curve_width_s(trace.profile)))
        return
    regions = profiles.region_curves(trace.profile)
    if len(regions):
        names = list(regions["run"].unique())
        chart = run_lines(
            regions,
            "value",
            labels=names,
            clock=clock,
            window=whole,
            title=words.CARBON_AXIS,
            unit="g/kWh",
        )
        st.altair_chart(chart, alt=phrases.carbon_alt(names), key="traces_rate")
        st.caption(phrases.curve_caption(float(regions["bucket_s"].max())))


def _tokens(trace: TraceInfo) -> None:
    spread = profiles.distributions(trace.profile)
    if len(spread):
        st.table(spread, border="horizontal", alt=words.TOKENS_ALT)


@st.dialog(words.RENAME)
def rename(trace: TraceInfo) -> None:
    """Another name for a trace."""
    name = st.text_input(words.RENAME_LABEL, value=trace.name, key="traces_new_name")
    if st.button(words.RENAME, type="primary", key="traces_rename_sure"):
        with problems.shown():
            load.planner().rename_trace(trace.trace_id, name or "")
            st.rerun()


@st.dialog(words.DELETE)
def delete(trace: TraceInfo) -> None:
    """Asks once; refuses while runs refer to the trace, unless told otherwise."""
    st.write(phrases.delete_trace(trace.name))
    force = st.checkbox(words.DELETE_FORCE, key="traces_force")
    if st.button(words.DELETE, type="primary", key="traces_delete_sure"):
        with problems.shown():
            load.planner().delete_trace(trace.trace_id, force=force)
            state.forget(state.TRACES_PICK)
            st.query_params.clear()
            st.rerun()
