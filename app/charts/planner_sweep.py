"""Charts of a sweep: its front to pick from, all figures in parallel, and what moves what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import planner_words as said
from engine.figures import FIGURES
from engine.sweep.effects import as_numbers

POINTS_MAX = 2000
HEIGHT = 380
_KINDS = (
    (said.BEHIND, "circle-open", 8),
    (said.ON_FRONT, "circle", 10),
    (said.KNEE, "star", 16),
)


def points_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """One row a point: run_id, policy, kind, a column per path and per objective."""
    rows = [
        {
            "run_id": point["run_id"],
            "policy": point["policy"],
            "kind": said.KNEE
            if point["knee"]
            else said.ON_FRONT
            if point["on_front"]
            else said.BEHIND,
            **point["settings"],
            **{key: point["figures"][key] for key in document["objectives"]},
        }
        for point in document["points"][:POINTS_MAX]
    ]
    return pd.DataFrame(rows)


def axis_title(key: str) -> str:
    """Name and unit of a figure."""
    figure = FIGURES[key]
    return f"{figure.label} ({figure.unit})"


def shown_values(frame: pd.DataFrame, key: str) -> "pd.Series[float]":
    """A figure as it is read: shares in percent."""
    values: pd.Series[float] = frame[key]
    return 100 * values if FIGURES[key].unit == "%" else values


def front_chart(frame: pd.DataFrame, x: str, y: str, *, brushed: bool = True) -> go.Figure:
    """Two figures against each other; every mark carries its run id.

    Streamlit lets a click select where dragging does not.

    Args:
        frame: from `points_frame`.
        x: figure across.
        y: figure up.
        brushed: dragging draws a box, instead of zooming in.
    """
    chart = go.Figure()
    for kind, symbol, size in _KINDS:
        rows = frame[frame["kind"] == kind]
        chart.add_scatter(
            x=shown_values(rows, x),
            y=shown_values(rows, y),
            mode="markers",
            name=kind,
            customdata=rows[["run_id"]],
            text=rows["policy"],
            marker={"symbol": symbol, "size": size},
            hovertemplate="%{text}<br>%{x:.4g} · %{y:.4g}<extra></extra>",
        )
    chart.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 30, "b": 0},
        legend={"orientation": "h", "y": 1.12},
        dragmode="select" if brushed else "zoom",
    )
    chart.update_xaxes(title=axis_title(x))
    chart.update_yaxes(title=axis_title(y))
    return chart


def points_table(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The points in the units of the charts.

    Args:
        frame: from `points_frame`.
        keys: its figures.
    """
    shown = {axis_title(key): np.round(shown_values(frame, key), 3) for key in keys}
    return frame.drop(columns=["run_id", *keys]).assign(**shown)


def parallel_chart(frame: pd.DataFrame, paths: Sequence[str], keys: Sequence[str]) -> go.Figure:
    """A line per point over all settings and figures.

    Args:
        frame: from `points_frame`.
        paths: what is varied.
        keys: figures; the first one gives the colour.
    """
    dimensions = [_dimension(path, [str(value) for value in frame[path]]) for path in paths]
    dimensions += [
        {"label": FIGURES[key].label, "values": shown_values(frame, key)} for key in keys
    ]
    line = {"color": frame[keys[0]], "colorscale": "Viridis"} if keys else {}
    chart = go.Figure(go.Parcoords(dimensions=dimensions, line=line))
    chart.update_layout(height=HEIGHT - 60, margin={"l": 60, "r": 60, "t": 50, "b": 10})
    return chart


def _dimension(path: str, values: Sequence[str]) -> dict[str, Any]:
    numbers = as_numbers(values)
    label = path.removeprefix("policy.")
    if numbers is not None:
        return {"label": label, "values": numbers}
    names = list(dict.fromkeys(values))
    return {
        "label": label,
        "values": [names.index(value) for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": names,
    }


def effects_chart(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """How much of each figure each setting explains."""
    keys = list(dict.fromkeys(row["figure"] for row in rows))
    chart = go.Figure()
    for path in dict.fromkeys(row["path"] for row in rows):
        found = {row["figure"]: row["explained_frac"] for row in rows if row["path"] == path}
        chart.add_bar(
            name=path,
            y=[FIGURES[key].label for key in keys],
            x=np.array([100 * found.get(key, 0.0) for key in keys]),
            orientation="h",
            hovertemplate="%{x:.0f} %<extra>%{fullData.name}</extra>",
        )
    chart.update_layout(
        height=120 + 50 * len(keys),
        barmode="group",
        margin={"l": 0, "r": 0, "t": 30, "b": 0},
        legend={"orientation": "h", "y": 1.2},
    )
    chart.update_xaxes(title="Explains (% of variance)", range=[0, 100])
    return chart


def picked(event: Mapping[str, Any]) -> list[str]:
    """Run ids of the marks that were clicked or boxed, from the chart's state."""
    points = event.get("selection", {}).get("points", [])
    found = [point.get("customdata") for point in points]
    return [str(data[0] if isinstance(data, list | tuple) else data) for data in found if data]


def is_drawn(event: Mapping[str, Any]) -> bool:
    """Whether a box or a lasso is on the chart, around marks or none."""
    selection = event.get("selection", {})
    return bool(selection.get("box") or selection.get("lasso"))
