"""How much demand there is over time, and the part of it that is looked at."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from app.charts.base import Clock, Window, held, hover, layered, with_time

BRUSH = "window"
"""Name of the selection that `base.selected_window` reads."""


def curve_frame(profile: Mapping[str, Any]) -> pd.DataFrame:
    """Columns t_s, bucket_s, per_s from a trace's profile; no rows where it has no curve."""
    curve = profile.get("curve") or {}
    values = curve.get("per_s") or curve.get("value") or []
    frame = pd.DataFrame({"t_s": curve.get("t_s", []), "per_s": values}, dtype="float64")
    return frame.assign(bucket_s=float(curve.get("width_s", 0.0)))


def rate_title(unit: str | None) -> str:
    """Title of the y axis: what a trace of this unit counts."""
    return "Arrivals (1/s)" if unit is None else f"Demand ({unit.replace('_', ' ')})"


def arrivals_frame(timeline: pd.DataFrame) -> pd.DataFrame:
    """Columns t_s, bucket_s, per_s of the requests that arrived, from a run's timeline."""
    return timeline[["t_s", "bucket_s", "arrived_per_s"]].rename(
        columns={"arrived_per_s": "per_s"}
    )


def rate_chart(
    frame: pd.DataFrame,
    clock: Clock,
    *,
    title: str,
    whole: Window,
    window: Window | None = None,
    brush: bool = False,
    height: int = 150,
    limit: float | None = None,
) -> alt.LayerChart:
    """The rate as an area, the window shaded.

    Args:
        frame: columns t_s, bucket_s and per_s.
        clock: of the trace.
        title: of the y axis, with its unit.
        whole: what the axis covers.
        window: shaded; None: nothing.
        brush: whether a window can be drawn with the mouse.
        height: pixels.
        limit: a horizontal line; None: none.
    """
    timed = with_time(held(frame, whole), clock)
    x = clock.axis(whole.from_s, whole.to_s)
    y = alt.Y("per_s:Q", title=title, axis=alt.Axis(tickCount=4))
    area = alt.Chart(timed).mark_area(line=True, fillOpacity=0.25, interpolate="step-after")
    layers: list[alt.Chart] = [area.encode(x=x, y=y)]
    if window is not None:
        layers.insert(0, _shade(clock, window))
    tooltips = [clock.tooltip, alt.Tooltip("per_s:Q", title=title, format=",.3~f")]
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[6, 4])
        layers.append(rule.encode(y="limit:Q"))
    if brush:
        layers[-1] = layers[-1].add_params(alt.selection_interval(name=BRUSH, encodings=["x"]))
    else:
        layers.append(hover(timed, x, tooltips))
    return layered(layers, height)


def _shade(clock: Clock, window: Window) -> alt.Chart:
    ends = pd.DataFrame({"t_s": [window.from_s], "end_s": [window.to_s]})
    shaded = with_time(ends, clock).assign(end=clock.column(ends["end_s"]))
    mark = alt.Chart(shaded).mark_rect(opacity=0.18, stroke="gray", strokeDash=[4, 3])
    encoded: alt.Chart = mark.encode(x="time:Q", x2="end")
    return encoded
