import numpy as np
import pandas as pd
import pytest

from app import planner_words as said
from app.charts.base import rows
from app.charts.planner import place_chart, place_frame
from app.charts.planner_sweep import (
    effects_chart,
    front_chart,
    is_drawn,
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
        "p95_s": [2.0, 3.0, 1.0, 1.0],
        "carbon_kg": [4.0, 2.0, 6.0, np.nan],
        "same_cluster": True,
        "sees_future": False,
    }
)
COST_SLO = ("cost_usd", "missed")
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
    frame = place_frame(RUNS, "b", "c", COST_SLO).set_index("run_id")
    assert frame["kind"].to_dict() == {"a": said.OTHER_FRONT, "b": said.HERE, "c": said.BASE}
    assert frame.loc["a", "missed"] == pytest.approx(1.0)


def test_what_serves_another_cluster_or_knows_the_future_takes_nobody_off_the_front():
    cheap = RUNS.iloc[[0, 0]].assign(run_id=["lax", "oracle"], cost_usd=1.0)
    cheap = cheap.assign(same_cluster=[False, True], sees_future=[False, True])
    frame = place_frame(pd.concat([RUNS, cheap]), "b", "c", COST_SLO).set_index("run_id")
    assert frame["kind"][["a", "lax", "oracle"]].to_list() == [
        said.OTHER_FRONT, said.ELSEWHERE, said.FUTURE,
    ]  # fmt: skip


def test_the_front_is_that_of_the_axes_looked_at():
    frame = place_frame(RUNS, "d", "d", ("carbon_kg", "missed")).set_index("run_id")
    assert frame["kind"].to_dict() == dict.fromkeys("abc", said.OTHER_FRONT)
    assert (place_frame(RUNS, "d", "d", ("cost_usd", "p95_s"))["kind"] == said.OTHER).sum() == 3


@pytest.mark.parametrize("axes", said.PLACES.values())
def test_the_place_chart_draws_every_measured_run(axes):
    drawn = 4 if axes == ("cost_usd", "p95_s") else 3
    assert rows(place_chart(RUNS, "b", "c", axes)) == drawn


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


def test_a_box_around_nothing_is_told_from_no_box():
    around_nothing = {"selection": {"points": [], "box": [{"x": [1.0, 2.0], "y": [1.0, 2.0]}]}}
    assert is_drawn(around_nothing)
    assert picked(around_nothing) == []
    assert not is_drawn({"selection": {"points": [], "box": [], "lasso": []}})
    assert not is_drawn({})
