"""Charts of the planner: where a run lies among the others of its window."""

import altair as alt
import numpy as np
import pandas as pd

from app import planner_words as said
from app.charts.base import HEIGHT, MARKS_MAX, layered
from engine.sweep.front import on_front

ORDER = (said.HERE, said.BASE, said.OTHER_FRONT, said.OTHER)


def place_frame(runs: pd.DataFrame, here: str, baseline: str) -> pd.DataFrame:
    """Columns run_id, policy, cost_usd, missed (percent) and kind, the newest runs only."""
    frame = runs.dropna(subset=["cost_usd", "slo_attainment_frac"]).head(MARKS_MAX)
    missed = 100 * (1 - frame["slo_attainment_frac"])
    front = on_front(np.c_[frame["cost_usd"], missed])
    ids = frame["run_id"]
    kind = np.where(front, said.OTHER_FRONT, said.OTHER).astype(object)
    kind[(ids == baseline).to_numpy()] = said.BASE
    kind[(ids == here).to_numpy()] = said.HERE
    return frame.assign(missed=missed, kind=kind)[
        ["run_id", "policy", "cost_usd", "missed", "kind"]
    ]


def place_chart(runs: pd.DataFrame, here: str, baseline: str) -> alt.LayerChart:
    """Cost against missed SLOs, one mark a run.

    Args:
        runs: finished runs of one window, with cost_usd and slo_attainment_frac.
        here: run that is looked at.
        baseline: run that it is compared with.
    """
    frame = place_frame(runs, here, baseline)
    scale = alt.Scale(zero=False, nice=True, padding=12)
    marks = (
        alt.Chart(frame)
        .mark_point(filled=True, size=90, opacity=0.9)
        .encode(
            x=alt.X("cost_usd:Q", title=said.COST_AXIS, scale=scale),
            y=alt.Y("missed:Q", title=said.MISSED_AXIS, scale=scale),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=list(ORDER)),
                legend=alt.Legend(title=None, orient="top", columns=2),
            ),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(ORDER))),
            tooltip=[
                alt.Tooltip("policy:N", title="Policy"),
                alt.Tooltip("cost_usd:Q", title=said.COST_AXIS, format=",.2f"),
                alt.Tooltip("missed:Q", title=said.MISSED_AXIS, format=",.3f"),
            ],
        )
    )  # fmt: skip
    return layered([marks], HEIGHT)
