import numpy as np
import pytest

from engine.sweep.axes import parse_axis
from engine.sweep.plan import Goal
from engine.sweep.search import Known, best_of, first, following, margin
from engine.sweep.surrogate import fit

AXES = (parse_axis("a=0.1..0.95"), parse_axis("b=0..600"))


def cluster(settings):
    """A cluster on paper: a is how full workers run, b how long they are kept."""
    a, b = float(settings["a"]), float(settings["b"]) / 600
    cost = 100.0 / a * (1 + 0.4 * b)
    missed = np.exp(-9.0 + 6.5 * a - 1.5 * b * a)
    return Known(settings, cost, 1.0 - float(missed))


def test_a_fitted_process_goes_through_its_points_and_is_unsure_elsewhere():
    places = np.linspace(0, 0.5, 6)[:, None]
    values = np.sin(4 * places[:, 0])
    made = fit(places, values)
    mean, deviation = made.predict(np.array([[0.25], [1.0]]))
    assert mean[0] == pytest.approx(np.sin(1.0), abs=0.05)
    assert deviation[1] > 3 * deviation[0]


def test_a_search_beats_a_grid_of_four_times_as_many_points():
    goal = Goal(bound=0.99)
    grid = [
        cluster({"a": f"{a:g}", "b": str(b)})
        for a in np.linspace(0.1, 0.9, 9)
        for b in (0, 60, 120, 300, 600)
    ]
    known = [cluster(settings) for settings in first(AXES, 5, 0)]
    while len(known) < 11:
        known += [cluster(each) for each in following(AXES, goal, known, 2, 0)]
    assert margin(goal, best_of(goal, known).held) >= 0
    assert best_of(goal, known).minimised <= best_of(goal, grid).minimised


def test_the_same_points_lead_to_the_same_next_ones():
    known = [cluster(settings) for settings in first(AXES, 5, 3)]
    again = following(AXES, Goal(), known, 2, 3)
    assert again == following(AXES, Goal(), known, 2, 3)
    assert again[0] != again[1]
    assert all(dict(each) not in [dict(k.settings) for k in known] for each in again)


def test_a_small_space_runs_out_of_points():
    axes = (parse_axis("a=0.2,0.5"), parse_axis("b=0,300"))
    known = [cluster({"a": a, "b": b}) for a in ("0.2", "0.5") for b in ("0", "300")]
    assert following(axes, Goal(), known, 2, 0) == []


def test_where_no_point_keeps_the_promise_the_nearest_one_is_best():
    goal = Goal(bound=0.99)
    known = [Known({"a": "1"}, 1.0, 0.5), Known({"a": "2"}, 9.0, 0.9)]
    assert best_of(goal, known).settings == {"a": "2"}
    assert best_of(goal, []) is None
