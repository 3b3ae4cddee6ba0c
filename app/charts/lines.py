"""One figure over time, one line a run: latency, queue, failures, cost."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from app.charts.base import (
    HEIGHT,
    Clock,
    Window,
    held,
    hover,
    layered,
    run_scales,
    top,
    wide_by_run,
    with_time,
)

ROOM_FOR_NAME = 1.15
"""Of the height of the line that it names."""


def run_lines(
    frame: pd.DataFrame,
    value: str,
    *,
    labels: Sequence[str],
    clock: Clock,
    window: Window,
    title: str,
    unit: str,
    limit: tuple[float, str] | None = None,
    log: bool = False,
    narrow: bool = False,
    height: int = HEIGHT,
    bands: Sequence[tuple[float, float, str]] = (),
) -> alt.LayerChart:
    """A line a run.

    Args:
        frame: rows with `run` (a label), `t_s` and the column `value`.
        value: the column to draw; gaps where it is missing.
        labels: of all runs, in the order of their colours.
        clock: of the trace.
        window: what the axis covers.
        title: of the y axis, with the unit.
        unit: for the values under the mouse.
        limit: a horizontal line and its name, such as the SLO.
        log: logarithmic y axis.
        narrow: it takes half of the page's width.
        height: pixels.
        bands: parts of the time to mark: from, to (the same for a moment), and what it is.
    """
    timed = with_time(held(frame, window, "run"), clock)
    x = clock.axis(window.from_s, window.to_s)
    color, dash = run_scales(labels, narrow)
    scale = _scale(frame[value], limit, log)
    y = alt.Y(f"{value}:Q", title=title, scale=scale)
    drawn = timed[["time", "run", value]]
    lines = (
        alt.Chart(drawn)
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(x=x, y=y, color=color, strokeDash=dash)
    )
    wide, tooltips = wide_by_run(timed, value, labels, unit)
    layers: list[alt.Chart] = [lines, hover(wide, x, [clock.tooltip, *tooltips])]
    if limit is not None:
        layers = [*_limit(*limit, scale), *layers]
    if bands:
        layers = [*_bands(bands, clock, window, x), *layers]
    return layered(layers, height)


def _scale(values: "pd.Series[float]", limit: tuple[float, str] | None, log: bool) -> alt.Scale:
    """From 0 to above everything that is drawn, with room for the limit's name."""
    if log:
        return alt.Scale(type="log", nice=True)
    ceiling = top(values)
    if limit is not None:
        ceiling = max(ceiling, ROOM_FOR_NAME * limit[0])
    return alt.Scale(domain=[0, ceiling], nice=True)


def _limit(value: float, name: str, scale: alt.Scale) -> list[alt.Chart]:
    """A dashed horizontal line with its name at its right end."""
    at = pd.DataFrame({"limit": [value], "name": [name]})
    y = alt.Y("limit:Q", scale=scale)
    rule = alt.Chart(at).mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color="gray").encode(y=y)
    text = (
        alt.Chart(at)
        .mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color="gray", fontSize=12)
        .encode(y=y, text="name:N", x=alt.value("width"))
    )
    return [rule, text]


def _bands(
    bands: Sequence[tuple[float, float, str]], clock: Clock, window: Window, x: alt.X
) -> list[alt.Chart]:
    """Grey parts of the time, and grey lines for moments."""
    shown = [
        (max(start, window.from_s), min(end, window.to_s), name)
        for start, end, name in bands
        if start < window.to_s and end >= window.from_s
    ]
    frame = pd.DataFrame(
        [
            {"time": clock.position(start), "end": clock.position(end), "name": name}
            for start, end, name in shown
        ],
        columns=["time", "end", "name"],
    )
    lasting = frame["end"] > frame["time"]
    tooltip = alt.Tooltip("name:N", title="Fault")
    return [
        alt.Chart(frame[lasting])
        .mark_rect(opacity=0.18, color="gray")
        .encode(x=x, x2="end:Q", tooltip=tooltip),
        alt.Chart(frame[~lasting])
        .mark_rule(strokeWidth=2, strokeDash=[3, 3], color="gray")
        .encode(x=x, tooltip=tooltip),
    ]
