import numpy as np
import pandas as pd
import pytest

from app import planner_words as said
from app.charts.base import rows
from app.charts.planner import place_chart, place_frame
from app.charts.planner_sweep import (
    effects_chart,
    front_chart,
    parallel_chart,
    picked,
    points_frame,
)

RUNS = pd.DataFrame(
    {
        "run_id": ["a", "b", "c", "d"],
        "policy": ["hpa", "static", "threshold", "hpa:target=0.5"],
        "cost_usd": [10.0, 20.0, 30.0, 5.0],
        "slo_attainment_frac": [0.99, 0.98, 0.995, np.nan],
    }
)
DOCUMENT = {
    "objectives": ["cost_usd", "slo_attainment_frac"],
    "varied": ["policy.target", "pools.own.queue"],
    "points": [
        {
            "run_id": name, "policy": "hpa", "on_front": front, "knee": knee,
            "settings": {"policy.target": target, "pools.own.queue": queue},
            "figures": {"cost_usd": cost, "slo_attainment_frac": met},
        }
        for name, target, queue, cost, met, front, knee in (
            ("a", "0.5", "worker", 10.0, 0.99, True, False),
            ("b", "0.6", "pool", 8.0, 0.98, True, True),
            ("c", "0.7", "pool", 12.0, 0.97, False, False),
        )
    ],
}  # fmt: skip


def test_runs_are_placed_by_what_they_are():
    frame = place_frame(RUNS, here="b", baseline="c").set_index("run_id")
    assert frame["kind"].to_dict() == {"a": said.OTHER_FRONT, "b": said.HERE, "c": said.BASE}
    assert frame.loc["a", "missed"] == pytest.approx(1.0)


def test_the_place_chart_draws_every_measured_run():
    assert rows(place_chart(RUNS, "b", "c")) == 3


def test_every_mark_of_the_front_carries_its_run():
    chart = front_chart(points_frame(DOCUMENT), "cost_usd", "slo_attainment_frac")
    drawn = {trace.name: [row[0] for row in trace.customdata] for trace in chart.data}
    assert drawn == {said.BEHIND: ["c"], said.ON_FRONT: ["a"], said.KNEE: ["b"]}
    assert "%" in chart.layout.yaxis.title.text


def test_text_settings_become_named_ticks_of_their_axis():
    chart = parallel_chart(points_frame(DOCUMENT), DOCUMENT["varied"], DOCUMENT["objectives"])
    target, queue, *figures = chart.data[0].dimensions
    assert list(target["values"]) == [0.5, 0.6, 0.7]
    assert list(queue["ticktext"]) == ["worker", "pool"]
    assert len(figures) == 2


def test_effects_are_a_bar_per_setting():
    found = [
        {"path": "a", "figure": "cost_usd", "explained_frac": 0.7},
        {"path": "b", "figure": "cost_usd", "explained_frac": 0.2},
    ]
    chart = effects_chart(found)
    assert [(bar.name, list(bar.x)) for bar in chart.data] == [("a", [70.0]), ("b", [20.0])]


def test_what_was_clicked_or_boxed_is_read_from_the_chart():
    event = {"selection": {"points": [{"customdata": ["a"]}, {"customdata": "b"}, {"x": 1}]}}
    assert picked(event) == ["a", "b"]
    assert picked({}) == []
