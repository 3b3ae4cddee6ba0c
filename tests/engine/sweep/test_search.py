import numpy as np
import pytest

from engine.errors import ReplayCancelled
from engine.presets import DEFAULT, PRESETS
from engine.sweep import search
from engine.sweep.axes import parse_axis
from engine.sweep.plan import Goal, Method, Plan, sampled
from engine.sweep.search import SLACK, Known, best_of, following, margin

AXES = (parse_axis("a=0.1..0.95:log"), parse_axis("b=0..600"))


def plan(axes=AXES, seed=0, **fields):
    return Plan(
        trace="any", from_s=0.0, to_s=900.0, scenario=PRESETS[DEFAULT], policy="hpa", axes=axes,
        method=Method.SEARCH, seed=seed, goal=Goal(bound=0.99), **fields,
    )  # fmt: skip


def cluster(settings):
    """A cluster on paper: a is how full workers run, b how long they are kept."""
    a, b = float(settings["a"]), float(settings["b"]) / 600
    cost = 100.0 / a * (1 + 0.4 * b)
    missed = np.exp(-9.0 + 6.5 * a - 1.5 * b * a)
    return Known(settings, cost, 1.0 - float(missed))


def best_of_a_grid():
    """Of four times as many points."""
    return best_of(
        Goal(bound=0.99),
        [
            cluster({"a": f"{a:g}", "b": str(b)})
            for a in np.linspace(0.1, 0.9, 9)
            for b in (0, 60, 120, 300, 600)
        ],
    ).minimised


@pytest.mark.slow
def test_a_search_beats_a_grid_of_four_times_as_many_points():
    goal = Goal(bound=0.99)
    known = [cluster(settings) for settings in sampled(AXES, 4, 0)]
    while len(known) < 11:
        known.append(cluster(following(plan(), known)))
    assert margin(goal, best_of(goal, known).held) >= 0
    assert best_of(goal, known).minimised <= best_of_a_grid()


def test_the_same_points_lead_to_the_same_next_one_which_is_new():
    known = [cluster(settings) for settings in sampled(AXES, 5, 3)]
    again = following(plan(seed=3), known)
    assert again == following(plan(seed=3), known)
    assert again not in [point.settings for point in known]


def test_listed_values_and_names_are_searched_too():
    axes = (parse_axis("a=0.9,0.1,0.5"), parse_axis("b=0..600"), parse_axis("c=one,other"))

    def known(a, b, c):
        return Known({"a": a, "b": b, "c": c}, float(a) + (c == "other"), 1.0)

    points = [known("0.9", "300", "one"), known("0.5", "10", "other"), known("0.9", "9", "other")]
    for _ in range(4):
        points.append(known(**following(plan(axes), points)))
    assert best_of(Goal(), points).settings["a"] == "0.1"
    assert best_of(Goal(), points).settings["c"] == "one"


def test_where_it_is_known_what_is_safer_nothing_is_replayed_that_cannot_be_best():
    known = [cluster({"a": "0.3", "b": "300"}), cluster({"a": "0.15", "b": "60"})]
    wanted = plan(safer=(-1, 1))
    for _ in range(6):
        point = following(wanted, known)
        place = [axis.place(point[axis.path]) for axis in AXES]
        for other in known:
            theirs = [axis.place(other.settings[axis.path]) for axis in AXES]
            bolder = place[0] >= theirs[0] and place[1] <= theirs[1]
            safer = place[0] <= theirs[0] and place[1] >= theirs[1]
            kept = margin(wanted.goal, other.held)
            assert not (bolder and kept < -SLACK)
            assert not (safer and kept >= 0)
        known.append(cluster(point))


def test_optuna_fits_once_for_a_point_and_chooses_among_what_may_be_best(monkeypatch):
    axes = (parse_axis("a=0.1..0.9:log"), parse_axis("b=0..600/41"))
    known = [cluster({"a": "0.3", "b": "300"}), cluster({"a": "0.15", "b": "60"})]
    fits, asked = [], search._asked

    def counted(*args):
        fits.append(len(known))
        return asked(*args)

    monkeypatch.setattr(search, "_asked", counted)
    while len(known) < 11 and (point := following(plan(axes, safer=(-1, 1)), known)) is not None:
        known.append(cluster(point))
    assert len(fits) == len(set(fits)) < 9
    goal = Goal(bound=0.99)
    assert margin(goal, best_of(goal, known).held) >= 0
    assert best_of(goal, known).minimised <= best_of_a_grid()


def test_a_search_ends_where_no_setting_can_be_better():
    axes = (parse_axis("a=0.1..0.9:log"), parse_axis("b=0..600/41"))
    boldest = cluster({"a": "0.9", "b": "0"})
    known = [cluster({"a": "0.5", "b": "0"}), Known(boldest.settings, boldest.minimised, 1.0)]
    assert following(plan(axes, safer=(-1, 1)), known) is None


def test_a_cancel_is_heard_before_optuna_is_asked(monkeypatch):
    known = [cluster(settings) for settings in sampled(AXES, 3, 0)]
    monkeypatch.setattr(search, "_asked", lambda *_: pytest.fail("Optuna was asked"))

    def ask():
        raise ReplayCancelled("stopped", "sweep", "Start it again")

    with pytest.raises(ReplayCancelled):
        following(plan(), known, (), ask)


def test_what_cannot_be_replayed_is_not_proposed_again():
    axes = (parse_axis("a=1..40"),)

    def tried(settings):
        value = float(settings["a"])
        return Known(settings, 100.0 / value, 1.0) if value < 20 else None

    known, failed = [tried({"a": "2"}), tried({"a": "8"})], [{"a": "30"}]
    for _ in range(5):
        point = following(plan(axes), known, failed)
        assert point not in [*failed, *(each.settings for each in known)]
        done = tried(point)
        known, failed = ([*known, done], failed) if done else (known, [*failed, point])
    assert len(known) >= 4


def test_a_search_begins_by_chance_where_nothing_is_known():
    failed = [{"a": "0.5", "b": "1"}]
    assert following(plan(), [], failed) not in [None, *failed]


def test_a_small_space_runs_out_of_points():
    axes = (parse_axis("a=0.2,0.5"), parse_axis("b=0,300"))
    known = [cluster({"a": a, "b": b}) for a in ("0.2", "0.5") for b in ("0", "300")]
    assert following(plan(axes), known[:3]) == known[3].settings
    assert following(plan(axes), known) is None


def test_where_no_point_keeps_the_promise_the_nearest_one_is_best():
    goal = Goal(bound=0.99)
    known = [Known({"a": "1"}, 1.0, 0.5), Known({"a": "2"}, 9.0, 0.9)]
    assert best_of(goal, known).settings == {"a": "2"}
    assert best_of(goal, []) is None


def test_a_sample_of_whole_numbers_has_as_many_points_as_asked_for_each_once():
    axes = (parse_axis("policy.target=1..40"),)
    few = [point["policy.target"] for point in sampled(axes, 30, 0)]
    assert len(few) == len(set(few)) == 30
    more = [point["policy.target"] for point in sampled(axes, 35, 0)]
    assert more[:30] == few
    everything = [point["policy.target"] for point in sampled(axes, 4096, 0)]
    assert sorted(map(int, everything)) == list(range(1, 41))
