"""Charts of what is behind one decision."""

import numpy as np
import pandas as pd
import pytest

from app.charts.base import Clock, Window
from app.charts.explain import decision_chart
from app.charts.explain_parts import attention_chart, attribution_chart, waterfall_chart
from app.parts.explain_moved import _views, _weights
from app.parts.explain_reward import _steps
from engine.explain.decision import Kind
from engine.explain.reward import weigh
from engine.policies.base import Explanation

GROUPS = ("load", "forecast", "time")
HEADS = np.arange(1.0, 25.0).reshape(2, 2, 2, 3)
FOUND = Explanation(
    groups=GROUPS, attribution=np.zeros((2, 3)), attention=np.full((2, 3), 1 / 3), heads=HEADS
)


def test_layers_and_heads_can_be_averaged_or_chosen_per_pool():
    def shares(chosen):
        frame = _weights(FOUND, chosen, ("chat", "tools"), 1)
        return frame.pivot(index="row", columns="group", values="weight")[list(GROUPS)]

    assert shares("mean").loc["tools"].tolist() == HEADS[1].mean((0, 1)).tolist()
    assert shares("1").loc["chat"].tolist() == HEADS[0, 1].mean(0).tolist()
    assert shares("0 1").loc["tools"].tolist() == HEADS[1, 0, 1].tolist()
    assert shares("each").loc["Layer 2, head 1"].tolist() == HEADS[1, 1, 0].tolist()
    assert list(_views(HEADS)) == ["flow", "mean", "each", "0", "0 0", "0 1", "1", "1 0", "1 1"]


def test_a_waterfall_starts_where_the_component_before_ended():
    weights = {f"w_{name}": 0.2 for name in ("latency", "utilisation", "cost", "reliability",
                                             "carbon")}  # fmt: skip
    scores = np.array([1.0, -2.0, 0.5, 1.0, 0.0])
    steps = _steps(weigh(scores, scores, weights, ticks=1, from_s=0.0, to_s=15.0))
    assert steps["end"].tolist()[:-1] == pytest.approx([0.2, -0.2, -0.1, 0.1, 0.1])
    assert steps["start"].tolist()[1:-1] == pytest.approx([0.2, -0.2, -0.1, 0.1])
    assert (steps["start"].iloc[-1], steps["end"].iloc[-1]) == pytest.approx((0.0, 0.1))
    assert steps["shown"].tolist()[1] == "−0.40"
    assert waterfall_chart(steps).to_dict()["layer"]


def test_every_cell_and_bar_is_drawn():
    frame = _weights(FOUND, "each", ("chat", "tools"), 0)
    assert len(frame) == 12
    assert attention_chart(frame, GROUPS).to_dict()["layer"]
    moved = pd.DataFrame({"group": GROUPS, "change": [1.0, -0.5, 0.0]})
    assert "workers" in attribution_chart(moved, "workers").to_json()


def test_reviewed_decisions_have_a_ring():
    marks = pd.DataFrame({
        "number": [0, 1], "t_s": [0.0, 15.0], "pool": "chat", "kind": [Kind.OUT, Kind.KEPT],
        "reason": "demand_up", "current": 1, "applied": 2, "decisions": 1,
    })  # fmt: skip
    reviewed = pd.DataFrame({
        "t_s": [15.0], "applied": [2], "verdict": ["disagree"], "reviewer": ["Ada"], "note": [""],
    })  # fmt: skip
    clock = Clock(epoch_s=None, span_s=30.0)
    chart = decision_chart(marks, clock, Window(from_s=0.0, to_s=30.0), None, reviewed)
    assert '"verdict": "Disagree"' in chart.to_json()
