"""Demand against the capacity that was ready, and that which was still starting."""

import altair as alt
import pandas as pd

from app.charts.base import (
    DEMAND,
    HEIGHT,
    READY,
    STARTING,
    Clock,
    Window,
    held,
    hover,
    layered,
    state_color,
    with_time,
)

LINES = 3
_READ = (
    ("offered_slots", "Demand (slots)"),
    ("busy_slots", "Busy (slots)"),
    ("ready_slots", "Ready (slots)"),
    ("starting_slots", "Starting (slots)"),
    ("ready", "Workers ready"),
    ("starting", "Workers starting"),
    ("draining", "Workers draining"),
)


def capacity_chart(
    frame: pd.DataFrame, clock: Clock, window: Window, top_slots: float, height: int = HEIGHT
) -> alt.LayerChart:
    """One run: capacity as stacked areas, demand as a line.

    Args:
        frame: timeline rows of one run.
        clock: of the trace.
        window: what the axis covers.
        top_slots: upper end of the y axis, the same for all runs of a comparison.
        height: pixels.
    """
    timed = with_time(held(frame, window), clock)
    x = clock.axis(window.from_s, window.to_s)
    scale = alt.Scale(domain=[0, top_slots], nice=False)
    title = "Concurrent requests (slots)"
    states = [
        timed.assign(state=state, slots=timed[column])
        for state, column in ((READY, "ready_slots"), (STARTING, "starting_slots"))
    ]
    area = (
        alt.Chart(pd.concat(states)[["time", "state", "slots"]])
        .mark_area(interpolate="step-after", fillOpacity=0.5)
        .encode(
            x=x,
            y=alt.Y("slots:Q", title=title, stack="zero", scale=scale),
            color=state_color(READY, STARTING, DEMAND),
            order=alt.Order("state:N", sort="ascending"),
        )
    )
    line = (
        alt.Chart(timed.assign(state=DEMAND)[["time", "state", "offered_slots"]])
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            x=x,
            y=alt.Y("offered_slots:Q", title=title, scale=scale),
            color=state_color(READY, STARTING, DEMAND),
        )
    )
    tooltips = [
        clock.tooltip,
        *(alt.Tooltip(f"{key}:Q", title=name, format=",.3~f") for key, name in _READ),
    ]
    return layered([area, line, hover(timed, x, tooltips)], height)
