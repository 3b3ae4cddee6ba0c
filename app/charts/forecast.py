"""A forecast beside what came, the trace around it, and what the network looked at."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from app import forecast_words as words
from app.charts.base import HEIGHT, RUNS_MAX, Clock, Window, held, hover, layered, with_time
from engine.forecast.fan import Fan
from engine.units import FloatArray

FAN_HEIGHT = 300
_LINES = (words.MEDIAN, words.CAME, words.KNOWN)
_DOMAIN = (words.MEDIAN, words.CAME, *(" " * n for n in range(3, RUNS_MAX + 1)), words.KNOWN)
"""Blank names keep the colours of runs; what is known takes that of demand."""
_DASHES = ([1, 0], [6, 3], [1, 0])


def fan_frame(fan: Fan) -> pd.DataFrame:
    """Long: t_s, line, value, low and high; the forecast and what came begin at what is known."""
    known = pd.DataFrame({"t_s": fan.history_s, "value": fan.history, "line": words.KNOWN})
    last = known.tail(1)
    middle = len(fan.levels) // 2
    made = pd.DataFrame(
        {
            "t_s": fan.times_s,
            "value": fan.quantiles[:, middle],
            "low": fan.quantiles[:, 0],
            "high": fan.quantiles[:, -1],
            "line": words.MEDIAN,
        }
    )
    came = pd.DataFrame({"t_s": fan.times_s, "value": fan.came, "line": words.CAME})
    start = last.assign(low=last["value"], high=last["value"], line=words.MEDIAN)
    frames = [known, start, made, last.assign(line=words.CAME), came]
    return pd.concat(frames, ignore_index=True).dropna(subset=["value"])


def fan_chart(fan: Fan, clock: Clock) -> alt.LayerChart:
    """Known demand, the median with its band, and what came."""
    frame = with_time(fan_frame(fan), clock)
    x = clock.axis(float(frame["t_s"].min()), float(fan.times_s[-1]))
    y = alt.Axis(tickCount=5)
    title = f"Demand ({fan.unit})"
    legend = alt.Legend(title=None, orient="top", values=list(_LINES), symbolType="stroke",
                        symbolSize=400)  # fmt: skip
    color = alt.Color("line:N", scale=alt.Scale(domain=list(_DOMAIN)), legend=legend)
    dash = alt.StrokeDash(
        "line:N", scale=alt.Scale(domain=list(_LINES), range=list(_DASHES)), legend=legend
    )
    band = (
        alt.Chart(frame[frame["line"] == words.MEDIAN])
        .mark_area(fillOpacity=0.25)
        .encode(x=x, y=alt.Y("low:Q", title=title, axis=y), y2="high:Q",
                color=color)
    )  # fmt: skip
    lines = (
        alt.Chart(frame[["t_s", "time", "line", "value"]])
        .mark_line(strokeWidth=2)
        .encode(x=x, y=alt.Y("value:Q", title=title, axis=y), color=color, strokeDash=dash)
    )
    cut = with_time(pd.DataFrame({"t_s": [fan.cut_s]}), clock)
    rule = alt.Chart(cut).mark_rule(strokeDash=[4, 4], color="gray").encode(x=x)
    return layered([band, lines, rule, _told(fan, frame, clock, x)], FAN_HEIGHT)


def _told(fan: Fan, frame: pd.DataFrame, clock: Clock, x: alt.X) -> alt.Chart:
    wide = frame[frame["line"] == words.KNOWN].assign(known=lambda rows: rows["value"])
    made = with_time(
        pd.DataFrame(
            {
                "t_s": fan.times_s,
                "low": fan.quantiles[:, 0],
                "median": fan.quantiles[:, len(fan.levels) // 2],
                "high": fan.quantiles[:, -1],
                "came": fan.came,
            }
        ),
        clock,
    )
    rows = pd.concat([wide.drop(columns=["low", "high", "line"]), made], ignore_index=True)
    named = (("known", words.KNOWN), ("low", words.LOW), ("median", words.MIDDLE),
             ("high", words.HIGH), ("came", words.CAME))  # fmt: skip
    tips = [alt.Tooltip(f"{key}:Q", title=f"{name} ({fan.unit})", format=",.3~f")
            for key, name in named]  # fmt: skip
    return hover(rows, x, [clock.tooltip, *tips])


def overview_frame(values: FloatArray, step_s: float, most: int = 400) -> pd.DataFrame:
    """Columns t_s, bucket_s, per_s: the highest value of each of at most `most` buckets."""
    width = -(-len(values) // most)
    padded = np.full(-(-len(values) // width) * width, np.nan)
    padded[: len(values)] = values
    buckets = pd.DataFrame(padded.reshape(-1, width)).max(axis=1)
    return pd.DataFrame(
        {"t_s": buckets.index * width * step_s, "bucket_s": width * step_s, "per_s": buckets}
    )


def overview_chart(
    frame: pd.DataFrame, clock: Clock, whole: Window, cut_s: float
) -> alt.LayerChart:
    """The whole demand with the moment marked."""
    timed = with_time(held(frame, whole), clock)
    x = clock.axis(whole.from_s, whole.to_s)
    x["axis"]["title"] = None
    y = alt.Y("per_s:Q", axis=None)
    area = alt.Chart(timed).mark_area(line=True, fillOpacity=0.25, interpolate="step-after")
    cut = with_time(pd.DataFrame({"t_s": [cut_s]}), clock)
    rule = alt.Chart(cut).mark_rule(strokeWidth=3, color="gray").encode(x=x)
    return layered([area.encode(x=x, y=y), rule], 110)


def attention_chart(weights: pd.DataFrame) -> alt.LayerChart:
    """A heat map of `weight` over `step` (0: the latest) and `row`.

    Args:
        weights: columns step, row, weight.
    """
    order = list(dict.fromkeys(weights["row"]))
    cells = (
        alt.Chart(weights)
        .mark_rect()
        .encode(
            x=alt.X("step:O", title=words.ATTENTION_AXIS, sort="descending",
                    axis=alt.Axis(labelAngle=0)),
            y=alt.Y("row:N", title=None, sort=order, axis=alt.Axis(labelLimit=160)),
            color=alt.Color("weight:Q", legend=alt.Legend(title=None, format=".0%",
                            gradientLength=90), scale=alt.Scale(domainMin=0)),
            tooltip=[
                alt.Tooltip("row:N", title=words.ATTENTION_FEATURE),
                alt.Tooltip("step:O", title=words.ATTENTION_AXIS),
                alt.Tooltip("weight:Q", title=words.ATTENTION_WEIGHT, format=".1%"),
            ],
        )
    )  # fmt: skip
    return layered([cells], min(HEIGHT + 60, 70 + 30 * len(order)))


def feature_weights(attention: FloatArray, names: Sequence[str]) -> pd.DataFrame:
    """From (12, 23): the features that got any weight, the most attended first."""
    present = np.flatnonzero(attention.max(0) > 0)
    order = present[np.argsort(-attention[:, present].mean(0), kind="stable")]
    steps = len(attention)
    return pd.DataFrame(
        [
            {"step": steps - step, "row": words.FEATURES[names[place]],
             "weight": attention[step, place]}
            for place in order
            for step in range(steps)
        ]
    )  # fmt: skip


def step_weights(attention: FloatArray) -> pd.DataFrame:
    """From (12,)."""
    steps = len(attention)
    return pd.DataFrame(
        {"step": [steps - n for n in range(steps)], "row": "Window", "weight": attention}
    )
