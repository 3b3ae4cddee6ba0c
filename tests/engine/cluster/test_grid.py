"""Intensity, renewable energy and generators agree with slow and obvious computations."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cluster.grid import (
    GridSeries,
    green_used,
    intensity,
    mean_over,
    outage_frac,
    percentile_g_per_kwh,
    supply,
)
from engine.errors import ScenarioError
from engine.scenario import Fault, FaultKind, GreenBudget, Region
from engine.scenario.grids import GREEN_DAYS, GRID_DAYS

HOUR, DAY = 3600.0, 86400.0


def slow_mean(values, interval_s, begin_s, end_s):
    """Cuts the stretch at every interval's start."""
    total, at_s = 0.0, begin_s
    while at_s < end_s - 1e-9:
        number = math.floor(at_s / interval_s + 1e-9)
        next_s = min((number + 1) * interval_s, end_s)
        total += (next_s - at_s) * values[number % len(values)]
        at_s = next_s
    return total / (end_s - begin_s)


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=6),
    st.integers(-50, 50),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_the_mean_over_ticks_is_that_of_the_steps_in_them(values, start, lengths):
    """Intervals of 4 s and ticks of 1 to 40 s, so that ticks cut intervals and hold many."""
    edges_s = np.concatenate(([0], np.cumsum(lengths))) + float(start)
    means = mean_over(np.array(values), 4.0, edges_s)
    slow = [slow_mean(values, 4.0, a, b) for a, b in pairwise(edges_s)]
    assert means == pytest.approx(slow, rel=1e-9, abs=1e-9)


def test_a_short_tick_has_exactly_the_value_of_its_hour_even_years_later():
    values = np.array([300.0, 123.456, 250.0])
    edges_s = 1.7e9 - 1.7e9 % (3 * HOUR) + HOUR + 15.0 * np.arange(4)
    assert mean_over(values, HOUR, edges_s).tolist() == [123.456] * 3


def test_a_grid_is_above_its_90th_percentile_for_a_tenth_of_its_history():
    values = np.random.default_rng(1).gamma(3.0, 100.0, 1000)
    series = GridSeries(g_per_kwh=values, interval_s=HOUR, start_s=5e8)
    threshold = percentile_g_per_kwh(Region(), series, 90.0)
    assert (values > threshold).sum() == 100
    day = Region(grid_profile="texas", grid_g_per_kwh=250.0, utc_offset_h=-6.0)
    hours = intensity(day, None, np.arange(25.0) * HOUR)
    assert (hours > percentile_g_per_kwh(day, None, 90.0)).sum() == 3  # of 24


@pytest.mark.parametrize(
    "region", [Region(), Region(grid_profile="texas", grid_g_per_kwh=0.0)], ids=["flat", "none"]
)
def test_an_intensity_that_never_changes_has_no_percentiles(region):
    with pytest.raises(ScenarioError, match="never changes"):
        percentile_g_per_kwh(region, None, 90.0)


def test_a_flat_grid_is_its_mean_all_the_time():
    region = Region(grid_g_per_kwh=321.0)
    assert intensity(region, None, np.arange(0.0, 2 * DAY, 900.0)) == pytest.approx(321.0)


def test_a_typical_day_keeps_its_mean_and_moves_with_the_clock_of_the_region():
    edges_s = np.arange(25) * HOUR
    here = intensity(Region(grid_profile="california", grid_g_per_kwh=256.0), None, edges_s)
    assert here.mean() == pytest.approx(256.0)
    assert here[12] < 0.6 * here[20]
    west = Region(grid_profile="california", grid_g_per_kwh=256.0, utc_offset_h=-8.0)
    assert intensity(west, None, edges_s) == pytest.approx(np.roll(here, 8))


def test_a_series_is_read_by_the_clock_and_repeated():
    series = GridSeries(
        g_per_kwh=np.array([100.0, 200.0, 300.0]), interval_s=HOUR, start_s=10 * HOUR
    )
    edges_s = 11.5 * HOUR + HOUR * np.arange(5)
    assert intensity(Region(), series, edges_s) == pytest.approx([250, 200, 150, 250])


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
    st.floats(0.1, 40),
    st.sampled_from(sorted(GREEN_DAYS)),
    st.integers(0, 47),
)
@settings(max_examples=60, deadline=None)
def test_renewable_energy_is_kept_until_midnight_and_used_first(needed, per_day, profile, start):
    energy = np.array(needed)
    edges_s = (start / 2 + np.arange(len(needed) + 1)) * HOUR
    day = GREEN_DAYS[profile]
    kept, used = 0.0, []
    for number, need in enumerate(needed):
        begin_s = edges_s[number]
        if number and begin_s // DAY != edges_s[number - 1] // DAY:
            kept = 0.0
        kept += per_day * slow_mean(day, HOUR, begin_s, begin_s + HOUR) / sum(day)
        used.append(min(kept, need))
        kept -= used[-1]
    region = Region(green=GreenBudget(kwh_per_day=per_day, profile=profile))
    assert green_used(region, energy, edges_s) == pytest.approx(used, abs=1e-9)


def test_overlapping_outages_count_once_and_other_regions_not_at_all():
    faults = (
        Fault(kind=FaultKind.GRID_OUTAGE, at_s=15.0, for_s=20.0, where="here"),
        Fault(kind=FaultKind.GRID_OUTAGE, at_s=25.0, for_s=5.0),
        Fault(kind=FaultKind.GRID_OUTAGE, at_s=0.0, for_s=60.0, where="there"),
    )
    edges_s = 10.0 * np.arange(6)
    assert outage_frac(faults, "here", edges_s).tolist() == [0.0, 0.5, 1.0, 0.5, 0.0]


def test_generators_carry_what_renewable_energy_does_not_while_the_grid_is_out():
    """2 kWh an hour; 24 kWh a day of flat renewable energy meet 1 of them."""
    region = Region(green=GreenBudget(kwh_per_day=24.0, profile="flat"), backup_g_per_kwh=700.0)
    edges_s = HOUR * np.arange(3)
    found = supply(region, np.full(2, 2.0), np.full(2, 400.0), np.array([0.0, 0.5]), edges_s)
    assert found.green_kwh == pytest.approx([1.0, 1.0], rel=1e-12)
    assert found.backup_kwh == pytest.approx([0.0, 0.5], rel=1e-12)
    assert found.carbon_g == pytest.approx([400.0, 550.0], rel=1e-12)


def test_an_unknown_day_is_refused_and_the_nearest_named():
    with pytest.raises(ScenarioError, match="Did you mean 'california'"):
        Region(grid_profile="californa")
    with pytest.raises(ScenarioError, match="Did you mean 'solar'"):
        GreenBudget(profile="soler")


@pytest.mark.parametrize("days", [GRID_DAYS, GREEN_DAYS])
def test_typical_days_have_24_hours_around_their_mean(days):
    for hours in days.values():
        assert len(hours) == 24
        assert np.mean(hours) == pytest.approx(1.0, abs=0.01)
