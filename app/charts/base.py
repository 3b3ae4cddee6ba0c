"""What all charts share: the time axis, colours with a second mark beside them, hover, sizes.

Colours come from the theme's categorical colours, by position, so that charts follow light and
dark. Runs take the first six, states of capacity the three after them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import altair as alt
import pandas as pd

from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

MARKS_MAX = 2000
"""Per chart; beyond it browsers slow down and screen readers get nothing."""
RUNS_MAX = 6
"""Runs beside one another: as many as there are colours that can be told apart."""
HEIGHT = 240

TICKS_MAX = 9
_CLOCK_STEPS_MS = tuple(
    1000.0 * seconds
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
                    43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000)
)  # fmt: skip
_ELAPSED_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 365)
_CLOCK_LABELS = (
    "datum.value % 86400000 == 0 ? utcFormat(datum.value, '%d %b') : "
    "datum.value % 60000 == 0 ? utcFormat(datum.value, '%H:%M') : "
    "utcFormat(datum.value, '%H:%M:%S')"
)
"""The date at midnight, else the time of day."""

DASHES = ([1, 0], [7, 3], [2, 2], [10, 3, 2, 3], [4, 4], [12, 4])
DEMAND, STARTING, READY = "Demand", "Starting", "Ready"
_STATE_DOMAIN = (*(" " * n for n in range(1, RUNS_MAX + 1)), DEMAND, STARTING, READY)
"""Blank names take the colours of the runs."""


def points_per_line(lines: int, most: int = 500) -> int:
    """How many points each of `lines` may have, with a strip each for hovering, and its end."""
    return max(10, min(most, MARKS_MAX // (lines + 1) - 1))


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

    def position(self, t_s: float) -> float:
        """Where `t_s` is on the axis: milliseconds since 1970, or elapsed units."""
        if self.epoch_s is None:
            return t_s / self.unit[1]
        return float(round((self.epoch_s + t_s) * 1000))

    def column(self, t_s: "pd.Series[float]") -> "pd.Series[float]":
        """The same for a column. Numbers reach the browser unchanged, whatever its time zone."""
        if self.epoch_s is None:
            return t_s / self.unit[1]
        return ((self.epoch_s + t_s) * 1000).round()

    def seconds(self, position: float) -> float:
        """Back again, from what a brush returns."""
        if self.epoch_s is None:
            return position * self.unit[1]
        return position / 1000 - self.epoch_s

    @property
    def title(self) -> str:
        """Of the axis."""
        if self.epoch_s is None:
            return f"Time since start ({self.unit[0]})"
        return "Time (UTC)"

    def axis(self, from_s: float, to_s: float) -> alt.X:
        """The x encoding of the column `time`.

        A plain number even for wall clocks, with ticks of our own: time scales follow the
        browser's zone.
        """
        start, end = self.position(from_s), self.position(to_s)
        ticks = self._ticks(start, end)
        labels = alt.Undefined if self.epoch_s is None else _CLOCK_LABELS
        return alt.X(
            "time:Q",
            scale=alt.Scale(domain=[start, end], nice=False, zero=False),
            axis=alt.Axis(
                title=self._dated_title(from_s, to_s),
                values=ticks,
                labelExpr=labels,
                labelOverlap=True,
                format=",~f" if self.epoch_s is None else alt.Undefined,
            ),
        )

    def _dated_title(self, from_s: float, to_s: float) -> str:
        if self.epoch_s is None:
            return self.title
        days = [
            datetime.fromtimestamp(self.epoch_s + t_s, UTC).strftime("%d %b %Y")
            for t_s in (from_s, to_s)
        ]
        return f"{self.title}, {' to '.join(dict.fromkeys(days))}"

    def _ticks(self, start: float, end: float) -> list[float]:
        """Round positions, at most `TICKS_MAX` of them."""
        steps = _ELAPSED_STEPS if self.epoch_s is None else _CLOCK_STEPS_MS
        step = next((s for s in steps if (end - start) / s <= TICKS_MAX), steps[-1])
        first = math.ceil(start / step - 1e-9)
        return [number * step for number in range(first, math.floor(end / step + 1e-9) + 1)]

    @property
    def tooltip(self) -> alt.Tooltip:
        """The time of a point."""
        if self.epoch_s is None:
            return alt.Tooltip("time:Q", title=self.title, format=",.2f")
        return alt.Tooltip("clock:N", title=self.title)


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
    return snapped(start, end, step_s, within)


def snapped(from_s: float, to_s: float, step_s: float, within: Window) -> Window | None:
    """A window in whole steps from the start of `within`; None for less than two of them."""
    first, last = (round((t_s - within.from_s) / step_s) for t_s in (from_s, to_s))
    if last - first < 2:
        return None
    start, end = (round(within.from_s + step * step_s, 6) for step in (first, last))
    return Window(from_s=max(within.from_s, start), to_s=min(within.to_s, end))


def held(frame: pd.DataFrame, window: Window, by: str | None = None) -> pd.DataFrame:
    """The frame with each line's last value held to the end of its step.

    Args:
        frame: rows with `t_s` and `bucket_s`, in order of time.
        window: what the axis covers.
        by: column that tells the lines apart; None: there is one line.
    """
    last = frame.tail(1) if by is None else frame.groupby(by, sort=False).tail(1)
    ends = (last["t_s"] + last["bucket_s"]).clip(upper=window.to_s)
    return pd.concat([frame, last.assign(t_s=ends)], ignore_index=True)


def with_time(frame: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """The frame with a column `time`, and `clock` as text where it is a wall clock."""
    time = clock.column(frame["t_s"])
    framed = frame.assign(time=time)
    if clock.epoch_s is None:
        return framed
    stamps = pd.to_datetime(time, unit="ms", utc=True)
    return framed.assign(clock=stamps.dt.strftime("%d %b %Y %H:%M:%S"))


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
    """All layers as one chart, with the touches every chart gets.

    They are given at once: each method that adds one copies the layers and all their parts.
    """
    return alt.LayerChart(
        layer=list(layers),
        height=height,
        config=alt.Config(
            padding={"left": 0, "right": 4, "top": 2, "bottom": 2},
            axis=alt.AxisConfig(titlePadding=8, labelPadding=6),
            axisX=alt.AxisConfig(grid=False),
            axisY=alt.AxisConfig(tickCount=5),
            legend=alt.LegendConfig(offset=6, labelLimit=320, padding=0),
            view=alt.ViewConfig(strokeWidth=0),
        ),
    )


def rows(chart: alt.LayerChart) -> int:
    """Marks the chart draws: the rows of all its layers, shared ones included."""
    shared = len(chart.data) if isinstance(chart.data, pd.DataFrame) else 0
    return sum(
        len(layer.data) if isinstance(layer.data, pd.DataFrame) else shared
        for layer in chart.layer
    )


def top(values: "pd.Series[float]") -> float:
    """Upper end of a shared y axis; 1 where there is nothing to show."""
    highest = float(values.max()) if len(values) else math.nan
    return highest * 1.05 if highest > 0 else 1.0
