"""Which demand is replayed: a trace and a part of it."""

from functools import partial

import pandas as pd
import streamlit as st

from app import choices, formats, load, phrases, profiles, state, words
from app.charts.base import Clock, Window
from app.charts.rate import curve_frame, rate_title
from app.parts.window_picker import described, window_chart, window_slider
from engine.planner import TraceInfo

SHORTEST_S = 2.0
STEP_S = 15.0
"""What a brushed window snaps to: the usual tick."""


def replayable(traces: pd.DataFrame) -> pd.DataFrame:
    """Traces of demand; carbon and prices are not."""
    return traces[traces["kind"].isin(profiles.DEMAND)]


def pick_trace(traces: pd.DataFrame) -> TraceInfo:
    """The box for the trace; the choice is in the address."""
    labels = choices.trace_options(traces)
    wanted = st.query_params.get(state.TRACE, "")
    now = state.get(state.REPLAY_TRACE)
    if wanted in labels:
        state.put(state.REPLAY_TRACE, wanted)
    elif now not in labels:
        state.put(state.REPLAY_TRACE, next(iter(labels)))
    chosen = st.selectbox(
        words.TRACE,
        list(labels),
        key=state.REPLAY_TRACE,
        format_func=labels.__getitem__,
        on_change=_trace_chosen,
        persist_state="session",
    )
    return load.planner().trace(chosen)


def _trace_chosen() -> None:
    st.query_params[state.TRACE] = state.get(state.REPLAY_TRACE)


def pick_window(trace: TraceInfo) -> Window | None:
    """A part of the trace, with its rate curve; None: all of it."""
    whole = Window(from_s=0.0, to_s=trace.duration_s)
    if whole.to_s <= SHORTEST_S:
        return None
    clock = Clock(epoch_s=trace.epoch_s, span_s=trace.duration_s)
    kept = state.get(state.REPLAY_WINDOW)
    window = Window(from_s=kept[1], to_s=kept[2]) if kept and kept[0] == trace.trace_id else None
    changed = partial(_window_chosen, trace.trace_id)
    step_s = STEP_S if trace.duration_s > 100 * STEP_S else 1.0
    frame = curve_frame(trace.profile)
    if len(frame):
        window_chart(
            frame,
            clock,
            whole,
            window,
            title=rate_title(trace.unit),
            name=trace.name,
            key=f"replay_brush_{trace.trace_id}",
            step_s=step_s,
            changed=changed,
        )
    slider = f"replay_window_{trace.trace_id}"
    window_slider(clock, whole, window, key=slider, step_s=step_s, changed=changed)
    told = formats.extent(trace.epoch_s, trace.duration_s)
    st.caption(phrases.window_line(described(clock, window) if window else told, window is None))
    return window


def _window_chosen(trace_id: str, window: Window | None) -> None:
    if window is None:
        state.forget(state.REPLAY_WINDOW)
    else:
        state.put(state.REPLAY_WINDOW, (trace_id, window.from_s, window.to_s))
