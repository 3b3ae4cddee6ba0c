"""The calibration keeps its promise where the pattern drifts, and learns nothing too early."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.forecast.conformal import (
    ALONE,
    KEPT,
    LIMIT,
    OFFSET,
    TOGETHER,
    aim,
    apply,
    calibrated,
    fresh,
    learn,
    step,
)  # fmt: skip
from engine.forecast.mixing import mixture
from engine.forecast.scores import inside


def drifting(size=3000, seed=0):
    """A forecaster that knows the spread at first only: it grows fourfold, then shrinks."""
    rng = np.random.default_rng(seed)
    spread = np.repeat([1.0, 4.0, 0.5], size // 3)
    came = 100 + spread * rng.standard_normal(size)
    quantiles = np.tile([100 - 1.2816, 100.0, 100 + 1.2816], (size, 1))
    return came, quantiles


def online(came, quantiles, delay=1):
    at = np.arange(len(came), dtype=float)
    return calibrated(quantiles, came, at + delay, at)


@pytest.mark.parametrize("delay", [1, 10])
def test_coverage_is_kept_when_the_spread_drifts(delay):
    came, quantiles = drifting()
    made = online(came, quantiles, delay)
    parts = np.split(inside(came, made), 3)
    raw = [part.mean() for part in np.split(inside(came, quantiles), 3)]
    assert raw[1] < 0.35
    assert raw[2] > 0.95
    for part in parts:
        assert part[250:].mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("delay", "alone", "mixed"), [(1, 0.77, 0.785), (12, 0.73, 0.755), (60, 0.62, 0.625)]
)
def test_every_outcome_after_a_doubled_spread_counts(delay, alone, mixed):
    """Coverage of all 400 outcomes after it, as the README tells; 0.47 without calibration."""
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        came = 100 + np.repeat([1.0, 2.0], [2000, 400]) * rng.standard_normal(2400)
        narrow, wide = (
            np.tile([100 - half, 100.0, 100 + half], (2400, 1)) for half in (1.2816, 1.4)
        )
        at = np.arange(2400)
        both = mixture(np.stack([narrow, wide]), np.full(2, 0.5), came, at, at + delay)
        made = [narrow, online(came, narrow, delay), both]
        shares.append([inside(came, quantiles)[2000:].mean() for quantiles in made])
    raw, one, two = np.mean(shares, 0)
    assert raw < 0.5
    assert (one, two) == (pytest.approx(alone, abs=0.02), pytest.approx(mixed, abs=0.02))


@settings(deadline=None, max_examples=60)
@given(
    scores=st.lists(st.floats(-1, LIMIT), min_size=1, max_size=400),
    miss=st.sampled_from([0.05, 0.1, 0.3]),
    pace=st.sampled_from([ALONE, TOGETHER]),
    pending=st.sampled_from([1, 5, 100]),
)
def test_the_share_beyond_is_bounded_whatever_comes(scores, miss, pace, pending):
    """Σ step·(beyond − α) is at most the offset, which stays within the scores' range and a step.

    It is the offset where the end never came as near to the median as it may.
    """
    state = fresh()
    weighted, lowest = 0.0, 0.0
    largest = 2 * LIMIT * pace.first
    for score in scores:
        beyond = float(score > state[OFFSET])
        size = step(state, pace.rate, pace.first, pending)
        weighted += size * (beyond - aim(state, miss, pace.few))
        learn(state, score, miss, *pace, pending)
        lowest = min(lowest, state[OFFSET])
        assert KEPT - 1 <= state[OFFSET] <= LIMIT + largest
    assert weighted <= state[OFFSET] + 1e-9
    if lowest > KEPT - 1:
        assert state[OFFSET] == pytest.approx(weighted, abs=1e-9)


def crowd(size=240, seed=0):
    """Forecasts far too wide during a crowd and a little too wide after it; outcomes stay."""
    rng = np.random.default_rng(seed)
    came = 100 + rng.standard_normal(size)
    half = np.where(np.arange(size) < size // 2, 40.0, 2.0)
    return came, 100 + half[:, None] * np.array([-1.0, 0.0, 1.0])


@pytest.mark.parametrize("delay", [1, 30, 60])
def test_what_was_learnt_from_too_wide_forecasts_does_not_close_later_ones(delay):
    came, quantiles = crowd()
    made = online(came, quantiles, delay)
    kept = np.abs(made - 100)[:, [0, 2]] / np.abs(quantiles - 100)[:, [0, 2]]
    assert (kept >= KEPT - 1e-12).all()
    assert inside(came, made)[120:].mean() > 0.5


def test_an_end_that_may_go_no_nearer_covers_too_much_and_never_too_little():
    came, quantiles = drifting()
    wide = 100 + 10 * (quantiles - 100)
    share = inside(came, online(came, wide))[250:].mean()
    assert share > 0.85


@pytest.mark.parametrize("delay", [1, 40])
def test_coverage_is_kept_where_outcomes_are_known_late(delay):
    came, quantiles = drifting(6000)
    shares = [part.mean() for part in np.split(inside(came, online(came, quantiles, delay)), 6)]
    assert shares[1] == pytest.approx(0.8, abs=0.03)
    assert shares[3] == pytest.approx(0.8, abs=0.03)
    assert shares[5] == pytest.approx(0.8, abs=0.03)


def test_an_outcome_is_learnt_only_after_it_is_known():
    came, quantiles = drifting(300)
    plain = online(came, quantiles, delay=20)
    changed = came.copy()
    changed[200:] = 1e6
    other = online(changed, quantiles, delay=20)
    assert np.array_equal(plain[:220], other[:220])
    assert not np.array_equal(plain[225:], other[225:])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(0, 1e9), min_size=3, max_size=3),
    st.floats(-5, 50),
    st.floats(-5, 50),
)
def test_calibrated_quantiles_never_cross_and_are_never_negative(values, low, high):
    made = np.empty(3)
    apply(np.sort(values), low, high, made)
    assert (np.diff(made) >= 0).all()
    assert (made >= 0).all()
    assert made[1] == pytest.approx(sorted(values)[1])


def test_unknown_outcomes_change_nothing():
    came, quantiles = drifting(300)
    came[50:] = np.nan
    made = online(came, quantiles)
    assert (made[51:] == made[51]).all()
    assert not np.array_equal(made[51], quantiles[51])


def test_one_spike_does_not_open_the_interval_for_ever():
    came, quantiles = drifting(900)
    spiked = came.copy()
    spiked[100] = 1e9
    width = np.diff(online(spiked, quantiles)[:, [0, 2]], axis=1)[101:300]
    usual = np.diff(online(came, quantiles)[:, [0, 2]], axis=1)[101:300]
    assert (width - usual).max() < 0.5 * usual.mean()
