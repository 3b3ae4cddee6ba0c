"""Small benchmarks of the allocator: the figures are there and mean what they say."""

import pytest

from engine.bench import allocate_runs, flash_crowd, sliders


def test_many_settings_are_compared_with_one_replay_and_a_week_is_timed():
    made = allocate_runs.settings(2, day_s=600.0) | allocate_runs.week(days=0.01)
    assert made["settings_over_one_replay"] == pytest.approx(
        made["settings_s"] / made["day_replay_s"]
    )
    assert made["week_decisions"] == 28
    assert made["week_requests"] > 1000


def test_a_crowd_is_ordered_before_it_is_ready_and_hpa_misses_most_of_it():
    made = flash_crowd.run((980_001,), ("hpa:target=0.7", "smartscale"))
    rows = list(made["policies"].values())
    for row in rows:
        assert 0.0 < row["first_order_s"] <= row["ordered_s"] < row["ready_s"]
    assert rows[1]["ordered_s"] < rows[0]["ordered_s"]
    assert rows[1]["ready_s"] < rows[0]["ready_s"]
    assert rows[1]["missed_in_20_min_frac"] < rows[0]["missed_in_20_min_frac"]
    assert 0.0 < rows[1]["last_bad_s"] <= flash_crowd.RAMP_S + flash_crowd.HOLD_S


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
