import numpy as np

from engine.sweep.axes import parse_axis
from engine.sweep.plan import Goal, sampled
from engine.sweep.search import Known, best_of, following, margin

AXES = (parse_axis("a=0.1..0.95:log"), parse_axis("b=0..600"))


def cluster(settings):
    """A cluster on paper: a is how full workers run, b how long they are kept."""
    a, b = float(settings["a"]), float(settings["b"]) / 600
    cost = 100.0 / a * (1 + 0.4 * b)
    missed = np.exp(-9.0 + 6.5 * a - 1.5 * b * a)
    return Known(settings, cost, 1.0 - float(missed))


def test_a_search_beats_a_grid_of_four_times_as_many_points():
    goal = Goal(bound=0.99)
    grid = [
        cluster({"a": f"{a:g}", "b": str(b)})
        for a in np.linspace(0.1, 0.9, 9)
        for b in (0, 60, 120, 300, 600)
    ]
    known = [cluster(settings) for settings in sampled(AXES, 4, 0)]
    while len(known) < 11:
        known.append(cluster(following(AXES, goal, known, 0)))
    assert margin(goal, best_of(goal, known).held) >= 0
    assert best_of(goal, known).minimised <= best_of(goal, grid).minimised


def test_the_same_points_lead_to_the_same_next_one_which_is_new():
    known = [cluster(settings) for settings in sampled(AXES, 5, 3)]
    again = following(AXES, Goal(), known, 3)
    assert again == following(AXES, Goal(), known, 3)
    assert again not in [point.settings for point in known]


def test_listed_values_and_names_are_searched_too():
    axes = (parse_axis("a=0.9,0.1,0.5"), parse_axis("b=0..600"), parse_axis("c=one,other"))

    def known(a, b, c):
        return Known({"a": a, "b": b, "c": c}, float(a) + (c == "other"), 1.0)

    points = [known("0.9", "300", "one"), known("0.5", "10", "other"), known("0.9", "9", "other")]
    for _ in range(4):
        points.append(known(**following(axes, Goal(), points, 0)))
    assert best_of(Goal(), points).settings["a"] == "0.1"
    assert best_of(Goal(), points).settings["c"] == "one"


def test_a_small_space_runs_out_of_points():
    axes = (parse_axis("a=0.2,0.5"), parse_axis("b=0,300"))
    known = [cluster({"a": a, "b": b}) for a in ("0.2", "0.5") for b in ("0", "300")]
    assert following(axes, Goal(), known[:3], 0) == known[3].settings
    assert following(axes, Goal(), known, 0) is None


def test_where_no_point_keeps_the_promise_the_nearest_one_is_best():
    goal = Goal(bound=0.99)
    known = [Known({"a": "1"}, 1.0, 0.5), Known({"a": "2"}, 9.0, 0.9)]
    assert best_of(goal, known).settings == {"a": "2"}
    assert best_of(goal, []) is None
