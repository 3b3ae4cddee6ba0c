from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.errors import ScenarioError
from engine.trace.sampler import lognormal, place, requests_from_series
from engine.trace.schema import SeriesTable
from engine.trace.streams import stream


def a_series(values, interval_s=60.0, unit="requests"):
    value = np.asarray(values, np.float64)
    return SeriesTable(
        t_s=np.arange(len(value)) * interval_s, value=value, interval_s=interval_s, unit=unit
    )


def counts_by(table, interval_s, intervals):
    return np.bincount((table.arrival_s // interval_s).astype(int), minlength=intervals)


@given(
    counts=hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(0, 200)),
    interval_s=st.sampled_from([1.0, 7.0, 10.0, 60.0, 300.0]),
    dispersion=st.none() | st.floats(1, 1000),
    seed=st.integers(0, 2**64),
)
def test_every_interval_holds_exactly_the_requests_that_were_counted(
    counts, interval_s, dispersion, seed
):
    table = requests_from_series(a_series(counts, interval_s), seed=seed, dispersion=dispersion)
    assert np.array_equal(counts_by(table, interval_s, len(counts)), counts)
    assert np.all(np.diff(table.arrival_s) >= 0)


@given(
    values=hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 50)),
    scale=st.floats(0.01, 3),
    seed=st.integers(0, 1000),
)
def test_scaled_and_fractional_counts_lose_less_than_one_request_up_to_any_interval(
    values, scale, seed
):
    table = requests_from_series(a_series(values), seed=seed, scale=scale)
    got = np.cumsum(counts_by(table, 60.0, len(values)))
    assert np.all(np.abs(got - np.cumsum(values * scale)) < 1 + 1e-5)


@pytest.mark.slow
@given(
    unit=st.sampled_from(["requests_per_s", "cores", "mhz", "cpu_percent"]),
    values=hnp.arrays(np.float64, st.integers(1, 10), elements=st.floats(0, 30)),
    seed=st.integers(0, 1000),
    dispersion=st.none() | st.floats(1, 50),
)
def test_arrivals_are_sorted_whole_microseconds_within_the_intervals_that_have_demand(
    unit, values, seed, dispersion
):
    table = requests_from_series(
        a_series(values, unit=unit), seed=seed, dispersion=dispersion, service_mean_s=1.0
    )
    assert np.all(np.diff(table.arrival_s) >= 0)
    assert np.array_equal(table.arrival_s, np.round(table.arrival_s, 6))
    assert np.all(table.arrival_s >= 0)
    assert np.all(table.arrival_s < 60.0 * len(values))
    assert np.all(values[(table.arrival_s // 60.0).astype(int)] > 0)
    assert np.all(table.service_s > 0)


@pytest.mark.parametrize("dispersion", [None, 1.0, 4.0, 25.0])
@pytest.mark.parametrize("interval_s", [5.0, 10.0, 300.0])
def test_random_counts_have_the_dispersion_asked_for_in_bins_of_ten_seconds(
    dispersion, interval_s
):
    series = a_series(np.full(int(60_000 / interval_s), 8.0), interval_s, "requests_per_s")
    table = requests_from_series(series, seed=5, dispersion=dispersion)
    counts = counts_by(table, 10.0, 6000)
    # The ratio of sample variance to mean of 6,000 counts: standard error below 4 % here.
    assert counts.var() / counts.mean() == pytest.approx(dispersion or 1.0, rel=0.12)


@pytest.mark.parametrize("dispersion", [1.0, 4.0, 25.0])
def test_exact_counts_have_the_dispersion_asked_for_inside_each_interval(dispersion):
    table = requests_from_series(a_series(np.full(1000, 600.0)), seed=6, dispersion=dispersion)
    counts = counts_by(table, 10.0, 6000).reshape(1000, 6)
    inside = counts.var(axis=1, ddof=1).mean() / counts.mean()
    assert inside == pytest.approx(dispersion, rel=0.12)


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_rate_lies_within_the_interval_that_its_dispersion_allows(seed):
    series = a_series(np.full(1000, 7.0), unit="requests_per_s")
    table = requests_from_series(series, seed=seed, dispersion=6.0)
    expected = 7.0 * 60_000
    assert abs(len(table) - expected) < 4 * np.sqrt(6.0 * expected)


@pytest.mark.parametrize(
    ("unit", "value", "busy_slots"), [("cores", 8.0, 8.0), ("cpu_percent", 650, 6.5),
                                      ("mhz", 26_000, 10.0)],
)  # fmt: skip
def test_utilisation_becomes_requests_that_keep_as_many_slots_busy(unit, value, busy_slots):
    series = a_series(np.full(500, value), 300.0, unit)
    table = requests_from_series(series, seed=1, service_mean_s=2.0, service_cv=0.5)
    assert table.service_s.sum() / (500 * 300.0) == pytest.approx(busy_slots, rel=0.01)


def test_service_times_have_the_mean_and_spread_asked_for():
    drawn = lognormal(3.0, 0.8, 400_000, stream(9))
    assert drawn.mean() == pytest.approx(3.0, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.8, rel=0.02)
    assert np.all(lognormal(3.0, 0.0, 10, stream(9)) == 3.0)


def test_without_a_mean_service_time_the_requests_leave_it_open():
    assert np.all(np.isnan(requests_from_series(a_series([5.0]), seed=1).service_s))


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others():
    first, again, other = (
        requests_from_series(a_series([100.0] * 5), seed=seed, dispersion=3.0, service_mean_s=1.0)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert np.array_equal(first.service_s, again.service_s)
    assert not np.array_equal(first.arrival_s, other.arrival_s)


def test_drawing_service_times_leaves_the_arrivals_as_they_were():
    series = a_series([100.0] * 5)
    bare = requests_from_series(series, seed=1)
    served = requests_from_series(series, seed=1, service_mean_s=2.0, service_cv=3.0)
    assert np.array_equal(bare.arrival_s, served.arrival_s)


def test_gaps_in_the_grid_stay_empty():
    series = replace(a_series([10.0, 10.0]), t_s=np.array([0.0, 600.0]))
    table = requests_from_series(series, seed=1)
    assert not np.any((table.arrival_s >= 60.0) & (table.arrival_s < 600.0))
    assert len(table) == 20


def test_places_never_reach_the_next_block():
    arrival_s = place(np.array([100_000]), np.array([10.0]), 0.00001, stream(1))
    assert arrival_s.min() >= 10.0
    assert arrival_s.max() < 10.00001


def test_an_empty_series_gives_an_empty_table():
    assert len(requests_from_series(a_series([]), seed=1)) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dispersion": 0.5}, "dispersion"),
        ({"scale": 0.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"service_mean_s": 0.0}, "service_mean_s"),
        ({"service_cv": -1.0}, "service_cv"),
        ({"seed": -1}, "seed"),
        ({"max_requests": 10}, "scale 0.1"),
    ],
)
def test_what_cannot_be_sampled_is_refused_with_advice(change, words):
    with pytest.raises(ScenarioError, match=words):
        requests_from_series(a_series([100.0]), **({"seed": 1} | change))


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_impossible_demand_is_refused_with_its_time(bad):
    with pytest.raises(ScenarioError, match="at 60 s"):
        requests_from_series(a_series([1.0, bad]), seed=1)


def test_a_series_that_says_nothing_of_requests_is_refused():
    with pytest.raises(ScenarioError, match="Import it again with its unit"):
        requests_from_series(a_series([1.0], unit="value"), seed=1)


def test_utilisation_without_a_service_time_is_refused():
    with pytest.raises(ScenarioError, match="mean service time"):
        requests_from_series(a_series([1.0], unit="cores"), seed=1)
