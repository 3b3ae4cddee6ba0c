"""Calibration told step by step says what the same calibration says of a whole series."""

import numpy as np
import pytest

from engine.forecast.conformal import calibrated
from engine.forecast.online import OnlineCalibration

AHEAD = np.array([2, 5])


def series(size=300, pools=3):
    rng = np.random.default_rng(0)
    said = np.sort(rng.gamma(3.0, 2.0, (size, pools, 2, 3)), -1)
    return said, rng.gamma(3.0, 3.0, (size, pools))


def told(said, came):
    """What it says at each time; came[t] is what came in the step that ends at t."""
    calm = OnlineCalibration(said.shape[1], AHEAD, low=0.1, high=0.9)
    made = []
    for now, forecasts in enumerate(said):
        calm.learn(now, came[now])
        made.append(calm.say(now, forecasts))
    return np.stack(made), calm


def test_it_says_what_the_calibration_of_a_whole_series_says():
    said, came = series()
    made, calm = told(said, came)
    at = np.arange(len(said))
    for pool in range(3):
        for h, ahead in enumerate(AHEAD):
            outcomes = np.append(came[ahead:, pool], np.full(ahead, np.nan))
            whole = calibrated(said[:, pool, h], outcomes, at + ahead, at)
            assert made[:, pool, h] == pytest.approx(whole, abs=1e-12)
    assert calm.learnt == len(said) - AHEAD[0]


def test_what_comes_later_changes_nothing_before():
    said, came = series()
    other = came.copy()
    other[200:] = 1e6
    before, after = told(said, came)[0], told(said, other)[0]
    assert np.array_equal(before[:200], after[:200])
    assert not np.array_equal(before[200:], after[200:])


def test_a_forecast_that_nobody_was_told_the_outcome_of_is_forgotten():
    said, came = series(20)
    calm = OnlineCalibration(3, AHEAD, low=0.1, high=0.9)
    calm.say(0, said[0])
    calm.learn(9, came[9])
    assert calm.learnt == 0
    assert np.array_equal(calm.say(9, said[9]), said[9])
