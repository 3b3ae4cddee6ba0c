"""What all charts share: the time axis, colours with a second mark beside them, hover, sizes.

Colours come from the theme's six categorical colours, by position, so that charts follow light
and dark. Runs take them from the front, states of capacity from the back.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

MARKS_MAX = 2000
"""Per chart; beyond it browsers slow down and screen readers get nothing."""
RUNS_MAX = 6
"""Runs beside one another: as many as there are colours that can be told apart."""
HEIGHT = 240

DASHES = ([1, 0], [7, 3], [2, 2], [10, 3, 2, 3], [4, 4], [12, 4])
DEMAND, STARTING, READY = "Demand", "Starting", "Ready"
_STATE_DOMAIN = (" ", "  ", "   ", DEMAND, STARTING, READY)


def points_per_line(lines: int, most: int = 500) -> int:
    """How many points each of `lines` may have, with one more line's worth for hovering."""
    return max(10, min(most, MARKS_MAX // (lines + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How seconds of a trace become positions on a time axis."""

    epoch_s: float | None
    """Unix time of t = 0; None: only time since the start is known."""
    span_s: float
    """What the axis covers; the unit of elapsed time follows from it."""

    @property
    def unit(self) -> tuple[str, float]:
        """Name and length of the unit of elapsed time."""
        if self.span_s <= 3 * SECONDS_PER_HOUR:
            return "minutes", 60.0
        if self.span_s <= 14 * SECONDS_PER_DAY:
            return "hours", SECONDS_PER_HOUR
        return "days", SECONDS_PER_DAY

    def position(self, t_s: float) -> Any:
        """Where `t_s` is on the axis."""
        if self.epoch_s is None:
            return t_s / self.unit[1]
        return pd.Timestamp(round((self.epoch_s + t_s) * 1000), unit="ms", tz="UTC")

    def column(self, t_s: "pd.Series[float]") -> "pd.Series[Any]":
        """The same for a column."""
        if self.epoch_s is None:
            return t_s / self.unit[1]
        milliseconds = ((self.epoch_s + t_s) * 1000).round()
        return pd.to_datetime(milliseconds, unit="ms", utc=True)

    def seconds(self, position: float) -> float:
        """Back again, from what a brush returns: milliseconds since 1970, or elapsed units."""
        if self.epoch_s is None:
            return position * self.unit[1]
        return position / 1000 - self.epoch_s

    @property
    def title(self) -> str:
        """Of the axis."""
        return "Time (UTC)" if self.epoch_s is not None else f"Time since start ({self.unit[0]})"

    def axis(self, from_s: float, to_s: float, *, title: bool = True) -> alt.X:
        """The x encoding of the column `time`."""
        domain = [_plain(self.position(from_s)), _plain(self.position(to_s))]
        scale = alt.Scale(domain=domain, nice=False)
        kind = "time:Q"
        if self.epoch_s is not None:
            scale = alt.Scale(domain=domain, nice=False, type="utc")
            kind = "time:T"
        axis = alt.Axis(title=self.title if title else None, labelOverlap=True, tickCount=8)
        return alt.X(kind, scale=scale, axis=axis)

    @property
    def tooltip(self) -> alt.Tooltip:
        """The time of a point."""
        if self.epoch_s is None:
            return alt.Tooltip("time:Q", title=self.title, format=",.2f")
        # The theme has no say in tooltips: the text is made here, in UTC
        return alt.Tooltip("clock:N", title="Time (UTC)")


def _plain(position: Any) -> Any:
    """As Vega takes it in a domain."""
    return int(position.timestamp() * 1000) if isinstance(position, pd.Timestamp) else position


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a trace."""

    from_s: float
    to_s: float


def selected_window(
    event: Mapping[str, Any], clock: Clock, step_s: float, within: Window
) -> Window | None:
    """The window that was brushed, in whole steps; None for none, or one of a single step.

    Args:
        event: the chart's state, `{"selection": {"window": {"time": [from, to]}}}`.
        clock: of the chart.
        step_s: what the window snaps to.
        within: what the chart shows; steps count from its start.
    """
    brushed = event.get("selection", {}).get("window", {}).get("time", [])
    if len(brushed) != 2:
        return None
    start, end = sorted(clock.seconds(float(position)) for position in brushed)
    start, end = (round((t_s - within.from_s) / step_s) for t_s in (start, end))
    if end - start < 2:
        return None
    from_s, to_s = (round(within.from_s + step * step_s, 6) for step in (start, end))
    return Window(from_s=max(within.from_s, from_s), to_s=min(within.to_s, to_s))


def with_time(frame: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """The frame with a column `time`, and `clock` as text where it is a wall clock."""
    time = clock.column(frame["t_s"])
    framed = frame.assign(time=time)
    if clock.epoch_s is None:
        return framed
    return framed.assign(clock=time.dt.strftime("%d %b %Y %H:%M:%S"))


def run_scales(labels: Sequence[str], narrow: bool = False) -> tuple[alt.Color, alt.StrokeDash]:
    """Colour and dash of the column `run`, in the order of `labels`.

    The legend of a narrow chart breaks into columns where its names would not fit in one line.
    """
    long = sum(len(label) + 6 for label in labels) > (52 if narrow else 130)
    legend = alt.Legend(
        title=None,
        orient="top",
        symbolType="stroke",
        symbolSize=400,
        columns=2 if long else alt.Undefined,
    )
    dashes = [DASHES[index % len(DASHES)] for index in range(len(labels))]
    domain = list(labels)
    return (
        alt.Color("run:N", scale=alt.Scale(domain=domain), legend=legend),
        alt.StrokeDash("run:N", scale=alt.Scale(domain=domain, range=dashes), legend=legend),
    )


def state_color(*states: str) -> alt.Color:
    """Colour of the column `state`; the legend names `states` only."""
    legend = alt.Legend(title=None, orient="top", values=list(states))
    return alt.Color("state:N", scale=alt.Scale(domain=list(_STATE_DOMAIN)), legend=legend)


def hover(wide: pd.DataFrame, x: alt.X, tooltips: Sequence[alt.Tooltip]) -> alt.Chart:
    """An invisible layer of vertical strips that tell the values at their time.

    Args:
        wide: one row a time.
        x: the axis of the chart below.
        tooltips: what to tell.
    """
    strips: alt.Chart = (
        alt.Chart(wide)
        .mark_rule(opacity=0, strokeWidth=8, tooltip=True)
        .encode(x=x, tooltip=list(tooltips))
    )
    return strips


def wide_by_run(
    frame: pd.DataFrame, value: str, labels: Sequence[str], unit: str
) -> tuple[pd.DataFrame, list[alt.Tooltip]]:
    """One row a time with a column per run, and the tooltips to read it.

    Labels may hold what Vega takes for syntax, so columns are numbered.
    """
    keys = [key for key in ("time", "clock") if key in frame]
    wide = frame.pivot_table(index=keys, columns="run", values=value, observed=True)
    present = [label for label in labels if label in wide]
    names = {label: f"run_{index}" for index, label in enumerate(present)}
    wide = wide[present].rename(columns=names).reset_index()
    tooltips = [
        alt.Tooltip(f"{name}:Q", title=f"{label} ({unit})", format=",.3~f")
        for label, name in names.items()
    ]
    return wide, tooltips


def layered(layers: Sequence[alt.Chart], height: int = HEIGHT) -> alt.LayerChart:
    """All layers as one chart, with the touches every chart gets."""
    chart: alt.LayerChart = (
        alt.LayerChart(layer=list(layers))
        .properties(height=height)
        .configure(padding={"left": 0, "right": 4, "top": 2, "bottom": 2})
        .configure_axis(titlePadding=8, labelPadding=6)
        .configure_axisX(grid=False)
        .configure_axisY(tickCount=5)
        .configure_legend(offset=6, labelLimit=320, padding=0)
        .configure_view(strokeWidth=0)
    )
    return chart


def rows(chart: alt.LayerChart) -> int:
    """Marks the chart draws: the rows of all its layers."""
    return sum(len(layer.data) for layer in chart.layer if isinstance(layer.data, pd.DataFrame))


def top(values: "pd.Series[float]") -> float:
    """Upper end of a shared y axis; 1 where there is nothing to show."""
    highest = float(values.max()) if len(values) else math.nan
    return highest * 1.05 if highest > 0 else 1.0
