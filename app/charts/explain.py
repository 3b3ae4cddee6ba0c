"""Charts of decisions: marks over time, what was expected and what came, what would have been."""

from typing import Any

import altair as alt
import pandas as pd

from app import explain_words as words
from app.charts.base import HEIGHT, Clock, Window, layered, with_time
from engine.explain.decision import Kind

SHAPES = {
    Kind.OUT: "triangle-up", Kind.IN: "triangle-down", Kind.KEPT: "circle",
    Kind.CLAMPED: "square", Kind.MASKED: "diamond", Kind.OVERRIDDEN: "cross",
    Kind.SILENT: "stroke",
}  # fmt: skip
PARAMETER = "mark"
DASHES = ([1, 0], [6, 3], [3, 2], [8, 2, 2, 2])
"""Of quantiles, the lowest first. Those that a chart has by itself are pale from the fourth on."""


def decision_chart(
    marks: pd.DataFrame, clock: Clock, window: Window, number: int | None,
    reviewed: pd.DataFrame,
) -> alt.LayerChart:  # fmt: skip
    """Marks at the size that was applied; clicking one selects its number.

    Args:
        marks: columns number, t_s, pool, kind, reason, current, applied, decisions.
        clock: of the trace.
        window: what the axis covers.
        number: of the decision that is open, drawn with a line.
        reviewed: decisions that somebody has reviewed, drawn with a ring: columns t_s, applied,
            verdict, reviewer, note.
    """
    timed = with_time(marks, clock)
    timed["kind"] = [str(kind) for kind in timed["kind"]]
    timed["why"] = [words.reason(code) for code in timed["reason"]]
    kinds = [str(kind) for kind in SHAPES]
    present = [kind for kind in kinds if kind in set(timed["kind"])]
    x = clock.axis(window.from_s, window.to_s)
    legend = alt.Legend(title=None, orient="top", values=present)
    picked = alt.selection_point(name=PARAMETER, fields=["number"], on="click", toggle=False)
    dots = (
        alt.Chart(timed)
        .mark_point(filled=True, opacity=0.75)
        .encode(
            x=x,
            y=alt.Y("applied:Q", title=words.TIMELINE_AXIS, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("kind:N", scale=alt.Scale(domain=kinds), legend=legend),
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=kinds, range=list(SHAPES.values())),
                legend=legend,
            ),
            size=alt.Size(
                "decisions:Q", legend=None,
                scale=alt.Scale(type="sqrt", domainMin=1, range=[45, 220]),
            ),
            tooltip=[
                clock.tooltip,
                alt.Tooltip("pool:N", title="Pool"),
                alt.Tooltip("kind:N", title=words.KIND),
                alt.Tooltip("why:N", title=words.REASON),
                alt.Tooltip("current:Q", title="Workers before"),
                alt.Tooltip("applied:Q", title="Workers after"),
                alt.Tooltip("decisions:Q", title="Decisions"),
            ],
        )
        .add_params(picked)
    )  # fmt: skip
    open_ones = timed[timed["number"] == number]
    rule = alt.Chart(open_ones).mark_rule(strokeDash=[4, 3], color="gray").encode(x=x)
    return layered([rule, _rings(reviewed, clock, x), dots])


def _rings(reviewed: pd.DataFrame, clock: Clock, x: alt.X) -> alt.Chart:
    """Around the marks of decisions that somebody has reviewed."""
    said = reviewed.assign(verdict=reviewed["verdict"].map(words.VERDICTS))
    rings: alt.Chart = (
        alt.Chart(with_time(said, clock))
        .mark_point(shape="circle", size=380, strokeWidth=2, color="gray", filled=False)
        .encode(
            x=x,
            y="applied:Q",
            tooltip=[
                clock.tooltip,
                alt.Tooltip("verdict:N", title=words.REVIEWED_MARK),
                alt.Tooltip("reviewer:N", title=words.REVIEWER),
                alt.Tooltip("note:N", title=words.NOTE),
            ],
        )
    )
    return rings


def clicked(event: Any) -> int | None:
    """The number of the mark that was clicked; None: beside all."""
    found = (event or {}).get("selection", {}).get(PARAMETER) or []
    return int(found[0]["number"]) if found and "number" in found[0] else None


def expected_chart(
    came: pd.DataFrame, levels: pd.DataFrame, at_s: float, clock: Clock, window: Window
) -> alt.LayerChart:
    """Arrivals before and after the cut-off, and the quantiles as lines until the horizon.

    Args:
        came: columns t_s, per_s.
        levels: columns t_s, per_s, quantile (text): two rows a quantile.
        at_s: the cut-off.
        clock: of the trace.
        window: what the axis covers.
    """
    x = clock.axis(window.from_s, window.to_s)
    y = alt.Y("per_s:Q", title=words.FORECAST_AXIS)
    told = with_time(came, clock)
    line = (
        alt.Chart(told)
        .mark_line(interpolate="step-after", strokeWidth=1.6, color="gray")
        .encode(x=x, y=y, tooltip=[clock.tooltip, alt.Tooltip("per_s:Q", format=".3~f")])
    )
    fan = (
        alt.Chart(with_time(levels, clock))
        .mark_line(strokeWidth=2)
        .encode(
            x=x, y=y,
            color=alt.Color("quantile:N", legend=alt.Legend(title=None, orient="top")),
            strokeDash=alt.StrokeDash("quantile:N", legend=None, scale=alt.Scale(range=DASHES)),
            tooltip=[alt.Tooltip("quantile:N"), alt.Tooltip("per_s:Q", format=".3~f")],
        )
    )  # fmt: skip
    cut = pd.DataFrame({"t_s": [at_s]})
    rule = alt.Chart(with_time(cut, clock)).mark_rule(strokeDash=[4, 3], color="gray").encode(x=x)
    return layered([line, fan, rule], HEIGHT - 40)


def sides_chart(frame: pd.DataFrame, clock: Clock, window: Window) -> alt.LayerChart:
    """Workers asked for on both sides. Columns t_s, side, workers."""
    sides = list(dict.fromkeys(frame["side"]))
    legend = alt.Legend(title=None, orient="top")
    scale = alt.Scale(domain=sides)
    line = (
        alt.Chart(with_time(frame, clock))
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            x=clock.axis(window.from_s, window.to_s),
            y=alt.Y("workers:Q", title=words.WHAT_IF_AXIS, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("side:N", scale=scale, legend=legend),
            strokeDash=alt.StrokeDash("side:N", scale=scale, legend=legend),
            tooltip=[clock.tooltip, alt.Tooltip("side:N"), alt.Tooltip("workers:Q")],
        )
    )
    return layered([line], HEIGHT - 60)
