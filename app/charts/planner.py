"""Charts of the planner: where a run lies among the others of its window."""

import altair as alt
import numpy as np
import pandas as pd

from app import planner_words as said
from app.charts.base import HEIGHT, MARKS_MAX, layered
from engine.sweep.front import on_front

ORDER = (said.HERE, said.BASE, said.OTHER_FRONT, said.OTHER, said.ELSEWHERE, said.FUTURE)


def place_frame(
    runs: pd.DataFrame, here: str, baseline: str, axes: tuple[str, str]
) -> pd.DataFrame:
    """Columns run_id, policy, kind and both axes, of the newest runs that have both figures.

    On the front can be only what serves the same cluster and does not know the future.

    Args:
        runs: from `Planner.peers`.
        here: run that is looked at.
        baseline: run that it is compared with.
        axes: two of cost_usd, carbon_kg, p95_s and missed (percent), less of each is better.
    """
    missed = 100 * (1 - runs["slo_attainment_frac"])
    frame = runs.assign(missed=missed).dropna(subset=list(axes)).head(MARKS_MAX)
    rivals = (frame["same_cluster"] & ~frame["sees_future"]).to_numpy(bool)
    kind = np.where(frame["sees_future"], said.FUTURE, said.ELSEWHERE).astype(object)
    front = on_front(frame.loc[rivals, list(axes)].to_numpy(float))
    kind[rivals] = np.where(front, said.OTHER_FRONT, said.OTHER)
    kind[(frame["run_id"] == baseline).to_numpy()] = said.BASE
    kind[(frame["run_id"] == here).to_numpy()] = said.HERE
    return frame.assign(kind=kind)[["run_id", "policy", *axes, "kind"]]


def place_chart(
    runs: pd.DataFrame, here: str, baseline: str, axes: tuple[str, str]
) -> alt.LayerChart:
    """Two figures against each other, one mark a run; see `place_frame`."""
    frame = place_frame(runs, here, baseline, axes)
    scale = alt.Scale(zero=False, nice=True, padding=12)
    across, up = (said.PLACE_AXES[key] for key in axes)
    marks = (
        alt.Chart(frame)
        .mark_point(filled=True, size=90, opacity=0.9)
        .encode(
            x=alt.X(f"{axes[0]}:Q", title=across, scale=scale),
            y=alt.Y(f"{axes[1]}:Q", title=up, scale=scale),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=list(ORDER)),
                legend=alt.Legend(title=None, orient="top", columns=2),
            ),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(ORDER))),
            tooltip=[
                alt.Tooltip("policy:N", title="Policy"),
                alt.Tooltip(f"{axes[0]}:Q", title=across, format=",.3f"),
                alt.Tooltip(f"{axes[1]}:Q", title=up, format=",.3f"),
            ],
        )
    )  # fmt: skip
    return layered([marks], HEIGHT)
