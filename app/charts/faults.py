"""A fault plan over time: bars for what lasts, diamonds for moments."""

import altair as alt
import pandas as pd

from app.charts.base import layered

ROW_PX, AROUND_PX = 30, 50


def fault_timeline(frame: pd.DataFrame, span_min: float) -> alt.LayerChart:
    """One row a kind and place.

    Args:
        frame: rows with `what` (kind and place), `from_min`, `to_min` (equal for moments) and
            `told` (a sentence).
        span_min: end of the axis, minutes.
    """
    rows = list(dict.fromkeys(frame["what"]))
    x = alt.X(
        "from_min:Q",
        title="Time since the start of the window (minutes)",
        scale=alt.Scale(domain=[0, span_min], nice=False),
    )
    y = alt.Y("what:N", title=None, sort=rows, axis=alt.Axis(labelLimit=260))
    tooltip = alt.Tooltip("told:N", title="Fault")
    lasting, moments = (
        frame[frame["to_min"] > frame["from_min"]],
        frame[frame["to_min"] <= frame["from_min"]],
    )
    color = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=sorted(set(frame["kind"]))))
    bars = (
        alt.Chart(lasting)
        .mark_bar(height=14, cornerRadius=2)
        .encode(x=x, x2="to_min:Q", y=y, color=color, tooltip=tooltip)
    )
    points = (
        alt.Chart(moments)
        .mark_point(shape="diamond", size=160, filled=True, opacity=1)
        .encode(x=x, y=y, color=color, tooltip=tooltip)
    )
    return layered([bars, points], ROW_PX * len(rows) + AROUND_PX)
