"""Small benchmarks of the allocator: the figures are there and mean what they say."""

import numpy as np
import pytest

from engine.bench import allocate_large, allocate_runs, flash_crowd, online, sliders
from engine.cluster.grid import intensity
from engine.evaluate.cases import heldout, varied
from engine.learn.rewards import SCORES
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import play, set_up

FIRST = "SmartScale, latency first"


def test_many_settings_are_compared_with_one_replay_and_a_week_is_timed():
    made = allocate_runs.settings(2, day_s=600.0) | allocate_runs.week(days=0.01)
    assert made["settings_over_one_replay"] == pytest.approx(
        made["settings_s"] / made["day_replay_s"]
    )
    assert made["week_decisions"] == 28
    assert made["week_requests"] > 1000
    assert made["week_floor_cpu_s"] > 0.0


def test_a_crowd_is_noticed_ordered_ready_and_served_in_that_order(monkeypatch):
    monkeypatch.setattr(flash_crowd, "STEADY_HOLD_S", 600.0)
    monkeypatch.setattr(flash_crowd, "STEADY_WINDOW_S", 4380.0)
    monkeypatch.setattr(flash_crowd, "STEADY_FROM_S", 300.0)
    named = {name: flash_crowd.POLICIES[name] for name in ("HPA of the guide", FIRST)}
    made = flash_crowd.run((980_001,), named)
    guide, own = made["policies"].values()
    for row in (guide, own):
        assert 0.0 < row["noticed_s"] <= row["ordered_s"] < row["ready_s"] <= row["drained_s"]
        assert row["noticed_s"] < row["first_ready_s"] <= row["ready_s"]
        assert row["noticed_s"] % 15.0 != 0.0  # the crowd does not wait for a decision
        assert 0.0 < row["served_s"] <= row["last_bad_s"] <= row["last_bad_minute_s"] + 60.0
        assert row["noticed_s"] + 15.0 <= row["guide_s"] < row["first_ready_s"]
    assert guide["noticed_s"] > 60.0  # its window is a minute
    assert own["ordered_s"] <= made["bar_ordered_s"] < guide["ordered_s"]
    assert own["served_s"] < guide["served_s"]
    assert own["missed_frac"] < guide["missed_frac"]
    assert (own["kept"], guide["kept"]) == (1, 0)
    assert made["markdown"].count("| HPA of the guide |") == 2


@pytest.mark.parametrize(
    ("bad", "after"),
    [("", 0), ("....", 0), (".xx....x", 3), (".x...x....", 6), ("x...x...x.", 9), ("....x", 5)],
)
def test_a_crowd_is_served_once_a_whole_minute_after_it_is_good(bad, after):
    assert flash_crowd.served_after(np.array([each == "x" for each in bad], bool)) == after


def test_what_a_crowd_needs_counts_contention_and_leaves_a_tenth_free():
    """Ten times 10/s, as long as the mean request is, on workers that a full house slows."""
    (case,) = heldout(("flash-crowd",), (980_001,))
    window = flash_crowd._window(case, 3607.0)
    (kind,) = case.scenario.agent_types
    work = 100.0 * float(case.demand()["service_mean_s"])
    wanted = work * (1.0 + 0.9 * kind.contention) / (0.9 * kind.slots)
    assert flash_crowd.needed_workers(window, 3607.0) == pytest.approx(wanted, rel=0.08)


@pytest.mark.parametrize("priority", SCORES)
def test_a_slider_that_does_nothing_is_found_out(priority):
    assert not sliders.has_moved(priority, 2.0, 2.0)
    assert not sliders.has_moved(priority, 0.0, 0.0)
    assert sliders.has_moved(priority, 2.0, 1.9)


def test_a_bench_of_dead_sliders_does_not_pass(monkeypatch):
    monkeypatch.setattr(sliders, "_policy", lambda *_: "static:workers=9")
    made = sliders.run((970_001,), 600.0, ("diurnal",))
    assert (made["monotone_frac_all"], made["moved_frac_all"]) == (1.0, 0.0)
    assert not made["passed"]


def test_grams_count_when_workers_are_there_and_how_busy_they_are():
    case = heldout(("diurnal",), (970_001,))[0]
    metered = sliders._metered(case.scenario)
    window = varied(case, metered, duration_s=900.0)
    (made,) = set_up([policy_spec(window, parse_spec("static:workers=9"))])
    play([made])
    assert sliders.grams(made) == pytest.approx(made.accounted().operational_g.sum(), rel=1e-6)
    hours = intensity(metered.regions[0], None, np.arange(7) * 3600.0)
    assert hours[0] > 1.5 * hours[-1]


def test_a_pair_of_settings_is_in_order_up_to_what_counts_as_equal():
    assert sliders._in_order("cost", 2.0, 1.9)
    assert sliders._in_order("cost", 2.0, 2.019)
    assert not sliders._in_order("cost", 2.0, 2.03)
    assert sliders._in_order("reliability", 0.0, 0.0004)
    assert not sliders._in_order("reliability", 0.0, 0.0006)


def test_every_priority_is_moved_over_all_its_settings():
    made = sliders.run((970_001,), 1200.0, ("diurnal",))
    assert all(len(row) == len(sliders.SETTINGS) for row in made["mean_figure"].values())
    assert made["mean_figure"]["cost"][-1] < made["mean_figure"]["cost"][0]


def test_learning_while_deciding_is_compared_at_equal_misses_after_the_drift():
    made = online.run((960_001,), 3600.0, (0.3, 0.7), ("bursty",))
    assert (made["days"], made["settings"]) == (1, 2)
    assert made["offset_moved_mean"] > 0.0
    assert len(made["saving_by_day_frac"]) <= 1


def test_a_decision_on_a_large_cluster_goes_through_guard_and_nodes():
    made = allocate_large.run(12, pools=20, history=8)
    assert (made["large_pools"], made["large_nodes"]) == (20, 200)
    assert 300 < made["large_workers"] < 600
    assert made["large_changed_pools"] > 1.0
    assert sum(made["large_reasons"].values()) == 12 * 20
    assert {"budget", "slo_floor"} <= set(made["large_reasons"])
    assert 0.0 < made["large_policy_p50_ms"] < made["large_p50_ms"] <= made["large_p99_ms"]
