"""A training in four panels, and what it was worth: costs and misses before and after."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app import training_words as words
from app.charts.base import HEIGHT, layered

_LEGEND = alt.Legend(title=None, orient="top", columns=1, symbolType="stroke", symbolSize=400)
_POINTS = alt.Legend(title=None, orient="top")


def curves_frame(curves: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row an episode, with columns that a training may lack filled with NaN.

    Adds low and high (reward less and plus its spread), served, efficiency and random (%).
    """
    frame = pd.DataFrame(list(curves))
    for name in ("validation", "critic_loss", "entropy", "explored"):
        frame[name] = pd.to_numeric(frame[name]) if name in frame else float("nan")
    return frame.assign(
        low=frame["reward"] - frame["reward_std"], high=frame["reward"] + frame["reward_std"],
        served=100.0 * (1.0 - frame["missed_frac"]), efficiency=100.0 / frame["cost"],
        random=100.0 * frame["explored"],
    )  # fmt: skip


def loss_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """The critics' loss by episode."""
    return _lines(frame, {words.LOSS: "critic_loss"}, words.LOSS_AXIS)


def reward_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Reward with its spread between pools, and the validation where there is one."""
    names = {words.REWARD_LINE: "reward"}
    if frame["validation"].notna().any():
        names[words.VALIDATION_LINE] = "validation"
    band = (
        alt.Chart(frame[["episode", "low", "high"]])
        .mark_area(opacity=0.18)
        .encode(x=_x(frame), y=alt.Y("low:Q", title=words.REWARD_AXIS,
                                     scale=alt.Scale(zero=False)), y2="high:Q")
    )  # fmt: skip
    return _lines(frame, names, words.REWARD_AXIS, below=[band])


def at_random(frame: pd.DataFrame) -> bool:
    """Whether it explores by positions drawn at random, as a DQN does."""
    return bool(frame["random"].notna().any())


def exploration_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """How much it explores: entropy, or the chance of a random position."""
    if at_random(frame):
        return _lines(frame, {words.RANDOM: "random"}, words.RANDOM_AXIS)
    return _lines(frame, {words.SPREAD: "entropy"}, words.SPREAD_AXIS)


def served_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Requests served in time, and work over the slots paid for."""
    names = {words.SERVED_LINE: "served", words.EFFICIENCY_LINE: "efficiency"}
    return _lines(frame, names, words.SHARE_AXIS)


def worth_chart(result: Mapping[str, Any]) -> alt.LayerChart:
    """Cost against misses, a point a weight of cost, before and after."""
    rows = [
        {"which": which, "cost": row["cost"], "missed": 100.0 * row["missed_frac"],
         "weight": row["cost_weight"]}
        for which, key in ((words.BEFORE, "before"), (words.AFTER, "after"))
        for row in result[key]
    ]  # fmt: skip
    domain = [words.BEFORE, words.AFTER]
    color = alt.Color("which:N", scale=alt.Scale(domain=domain), legend=_POINTS)
    shape = alt.Shape(
        "which:N", scale=alt.Scale(domain=domain, range=["circle", "square"]), legend=_POINTS
    )
    x = alt.X("cost:Q", title=words.COST_AXIS, scale=alt.Scale(zero=False))
    y = alt.Y("missed:Q", title=words.MISSED_AXIS, scale=alt.Scale(zero=True))
    base = alt.Chart(pd.DataFrame(rows))
    line = base.mark_line(strokeWidth=1.5, opacity=0.6).encode(x=x, y=y, color=color)
    tips = [
        alt.Tooltip("which:N", title="Allocator"),
        alt.Tooltip("weight:Q", title="Weight of cost"),
        alt.Tooltip("cost:Q", title=words.COST_AXIS, format=".3f"),
        alt.Tooltip("missed:Q", title=words.MISSED_AXIS, format=".3f"),
    ]
    points = base.mark_point(size=90, filled=True).encode(
        x=x, y=y, color=color, shape=shape, tooltip=tips
    )
    return layered([line, points])


def _x(frame: pd.DataFrame) -> alt.X:
    last = max(int(frame["episode"].max()), 2)
    return alt.X(
        "episode:Q", title=words.EPISODE, scale=alt.Scale(domain=[1, last], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d"),
    )  # fmt: skip


def _lines(
    frame: pd.DataFrame,
    names: Mapping[str, str],
    title: str,
    below: Sequence[alt.Chart] = (),
) -> alt.LayerChart:
    """One or two lines by episode, told apart by colour and dash; episodes without are left out.

    Args:
        frame: from `curves_frame`.
        names: columns by what the legend calls them.
        title: of the axis.
        below: layers under the lines.
    """
    long = frame.melt("episode", list(names.values()), "column", "value").dropna(subset=["value"])
    labels = {column: label for label, column in names.items()}
    long = long.assign(line=long["column"].map(labels))
    domain = list(names)
    legend = _LEGEND if len(domain) > 1 else None
    dashes = alt.Scale(domain=domain, range=[[1, 0], [6, 3]][: len(domain)])
    lines = (
        alt.Chart(long)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=1.8)
        .encode(
            x=_x(frame), y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=False)),
            color=alt.Color("line:N", scale=alt.Scale(domain=domain), legend=legend),
            strokeDash=alt.StrokeDash("line:N", scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip("episode:Q", title=words.EPISODE),
                alt.Tooltip("line:N", title="Curve"),
                alt.Tooltip("value:Q", title=title, format=".3f"),
            ],
        )
    )  # fmt: skip
    return layered([*below, lines], HEIGHT)
