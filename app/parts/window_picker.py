"""A part of a trace, chosen with the mouse on the chart or with a slider."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import formats, phrases, state, words
from app.charts.base import Clock, Window, selected_window, snapped
from app.charts.rate import rate_chart

STEPS = 480
"""Positions of the slider."""

Changed = Callable[[Window | None], None]


def window_chart(
    frame: pd.DataFrame,
    clock: Clock,
    whole: Window,
    window: Window | None,
    *,
    title: str,
    name: str,
    key: str,
    step_s: float,
    changed: Changed,
) -> None:
    """The rate with the window shaded; dragging across it gives `changed` a new window.

    Args:
        frame: columns t_s, bucket_s and per_s.
        clock: of the trace.
        whole: what the axis covers.
        window: shaded; None: all of it.
        title: of the y axis.
        name: of the trace, for screen readers.
        key: of the chart. It takes the window in, so that a finished brush leaves the shade only.
        step_s: windows are whole multiples of it.
        changed: called before the page runs again.
    """
    chart = rate_chart(frame, clock, title=title, whole=whole, window=window, brush=True)
    full_key = f"{key}_{window.from_s}_{window.to_s}" if window else key
    st.altair_chart(
        chart,
        key=full_key,
        on_select=partial(_brushed, full_key, clock, whole, step_s, changed),
        alt=phrases.rate_alt(name, float(frame["per_s"].mean()), float(frame["per_s"].max())),
    )


def _brushed(key: str, clock: Clock, whole: Window, step_s: float, changed: Changed) -> None:
    window = selected_window(state.get(key) or {}, clock, step_s, whole)
    if window is not None:
        changed(window)


def window_slider(
    clock: Clock,
    whole: Window,
    window: Window | None,
    *,
    key: str,
    step_s: float,
    changed: Changed,
) -> None:
    """The same as a slider with two handles, which also works from the keyboard.

    A browser that has not heard yet where a brush has put the window says with any other request
    (those of a fragment with `run_every` come by themselves) that the slider stands where it
    stood, which looks like a move back. So what puts the window elsewhere replaces the slider,
    and what is said of the one before counts no longer. A slider that was itself moved stays, and
    with it the focus of the keyboard.
    """
    low, high = position(clock, whole.from_s), position(clock, whole.to_s)
    now = window or whole
    turn, shown = state.get(f"{key}_shown", (0, now))
    stood = state.get(f"{key}_{turn}")
    if stood is not None and now not in {shown, _window_at(clock, whole, step_s, stood)}:
        turn += 1
    state.put(f"{key}_shown", (turn, now))
    full_key = f"{key}_{turn}"
    state.put(full_key, (position(clock, now.from_s), position(clock, now.to_s)))
    st.slider(
        words.WINDOW,
        min_value=low,
        max_value=high,
        step=(high - low) / STEPS,
        format="D MMM HH:mm" if clock.epoch_s is not None else f"%.1f {clock.unit[0]}",
        key=full_key,
        help=words.WINDOW_HELP,
        on_change=partial(_slid, key, turn, clock, whole, step_s, changed),
    )


def _slid(
    key: str, turn: int, clock: Clock, whole: Window, step_s: float, changed: Changed
) -> None:
    if turn != state.get(f"{key}_shown")[0]:
        return
    window = _window_at(clock, whole, step_s, state.get(f"{key}_{turn}"))
    changed(None if window == whole else window)


def _window_at(clock: Clock, whole: Window, step_s: float, places: tuple[Any, Any]) -> Window:
    """What the two handles enclose; all of it where that is less than two steps."""
    start, end = (seconds_at(clock, place) for place in places)
    end = whole.to_s + step_s if end > whole.to_s - step_s / 2 else end
    return snapped(start, end, step_s, whole) or whole


def position(clock: Clock, t_s: float) -> Any:
    """Slider position: a naive UTC time, or elapsed units."""
    if clock.epoch_s is None:
        return t_s / clock.unit[1]
    return datetime.fromtimestamp(clock.epoch_s + t_s, UTC).replace(tzinfo=None)


def seconds_at(clock: Clock, place: Any) -> float:
    """Back again, seconds since the trace's start."""
    if clock.epoch_s is None:
        return float(place) * clock.unit[1]
    return float(place.replace(tzinfo=UTC).timestamp()) - clock.epoch_s


def described(clock: Clock, window: Window) -> str:
    """A window in words, with its length."""
    told = formats.span(clock.epoch_s, window.from_s, window.to_s)
    if clock.epoch_s is None and window.from_s == 0:
        return told
    return f"{told} ({formats.duration(window.to_s - window.from_s)})"
