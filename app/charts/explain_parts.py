"""Charts of what is behind one decision: attention, attribution, what it earned."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from app import explain_words as words
from app.charts.base import HEIGHT, layered

ROW = 26
"""Height of a row, pixels."""


def attention_chart(weights: pd.DataFrame, groups: Sequence[str]) -> alt.LayerChart:
    """A heat map with the shares written into it.

    Args:
        weights: columns row, group, weight (a share of 1).
        groups: in the order of the axis.
    """
    rows = list(dict.fromkeys(weights["row"]))
    most = float(weights["weight"].max())
    base = alt.Chart(weights).encode(
        x=alt.X("group:N", title=None, sort=list(groups),
                axis=alt.Axis(labelAngle=-30, orient="top", labelLimit=90, labelOverlap=False)),
        y=alt.Y("row:N", title=None, sort=rows, axis=alt.Axis(labelLimit=140)),
    )  # fmt: skip
    cells = base.mark_rect().encode(
        color=alt.Color("weight:Q", legend=None,
                        scale=alt.Scale(domain=[0.0, most], scheme="blues")),
        tooltip=[
            alt.Tooltip("row:N", title=words.ATTENTION_ROW),
            alt.Tooltip("group:N", title=words.GROUP),
            alt.Tooltip("weight:Q", title=words.ATTENTION, format=".1%"),
        ],
    )  # fmt: skip
    dark = alt.datum.weight > 0.55 * most
    text = base.mark_text(fontSize=11).encode(
        text=alt.Text("weight:Q", format=".0%"),
        color=alt.condition(dark, alt.value("white"), alt.value("#1b2733")),
    )
    return layered([cells, text], 80 + ROW * len(rows))


def attribution_chart(moved: pd.DataFrame, unit: str) -> alt.LayerChart:
    """Bars of what hiding a group changes. Columns group, change."""
    order = list(moved["group"])
    bars = (
        alt.Chart(moved)
        .mark_bar(height={"band": 0.7})
        .encode(
            x=alt.X("change:Q", title=words.ATTRIBUTION_AXIS.format(unit=unit)),
            y=alt.Y("group:N", title=None, sort=order, axis=alt.Axis(labelLimit=120)),
            tooltip=[
                alt.Tooltip("group:N", title=words.GROUP),
                alt.Tooltip("change:Q", title=words.ATTRIBUTION, format="+.3~f"),
            ],
        )
    )
    zero = alt.Chart(pd.DataFrame({"at": [0]})).mark_rule(color="gray").encode(x="at:Q")
    return layered([bars, zero], 40 + ROW * len(order))


def waterfall_chart(steps: pd.DataFrame) -> alt.LayerChart:
    """What each component adds, one after the other, and what they come to.

    Args:
        steps: columns name, start, end, points, kind (`adds`, `takes` or `together`), shown.
    """
    order = list(steps["name"])
    axis = alt.Axis(labelAngle=-30, labelOverlap=False, labelLimit=110)
    x = alt.X("name:N", title=None, sort=order, axis=axis)
    kinds = list(words.WATERFALL.values())
    timed = steps.assign(kind=[words.WATERFALL[kind] for kind in steps["kind"]])
    bars = (
        alt.Chart(timed)
        .mark_bar(width={"band": 0.6})
        .encode(
            x=x,
            y=alt.Y("start:Q", title=words.REWARD_AXIS, scale=alt.Scale(padding=18)),
            y2="end:Q",
            color=alt.Color("kind:N", scale=alt.Scale(domain=kinds),
                            legend=alt.Legend(title=None, orient="top")),
            tooltip=[
                alt.Tooltip("name:N", title=words.COMPONENT),
                alt.Tooltip("points:Q", title=words.REWARD_AXIS, format="+.3~f"),
            ],
        )
    )  # fmt: skip
    text = (
        alt.Chart(timed)
        .mark_text(dy=-8, color="gray")
        .encode(x=x, y=alt.Y("top:Q", title=words.REWARD_AXIS), text="shown:N")
    )
    zero = alt.Chart(pd.DataFrame({"at": [0]})).mark_rule(color="gray").encode(y="at:Q")
    return layered([zero, bars, text], HEIGHT - 20)
