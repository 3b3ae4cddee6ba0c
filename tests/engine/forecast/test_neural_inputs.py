"""The compiled inputs against the slow ones."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.forecast.gaps import filled
from engine.forecast.neural_inputs import Moment, encode
from tests.reference import forecast_inputs

ONE_WEEK = 7 * 86400.0


def histories(steps, pools=6, seed=0):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(3, (pools, steps)) * rng.lognormal(0, 2, (pools, 1))
    demand[0] = 0.0
    end_s = rng.uniform(0, ONE_WEEK, pools)
    end_s[1] = np.nan
    return demand, Moment(second_of_day=end_s % 86400, day_of_week=end_s / 86400 % 7)


@pytest.mark.parametrize("step_s", [15.0, 60.0, 300.0, 3600.0])
@pytest.mark.parametrize("steps", [4, 5, 13, 40, 300, 700, 2100])
def test_they_are_what_the_slow_ones_are(steps, step_s):
    demand, moment = histories(steps)
    ahead = np.array([1, 2, 5, 40])
    made = encode(demand, step_s, ahead, moment)
    slow = forecast_inputs.encode(demand, step_s, ahead, moment)
    assert (made.present == slow.present).all()
    assert (made.anchor_present == slow.anchor_present).all()
    for name in ("steps", "context", "anchors", "spreads", "horizon", "level"):
        assert getattr(made, name) == pytest.approx(getattr(slow, name), rel=2e-5, abs=2e-5), name


@pytest.mark.parametrize("back", [1, 5, 12, 200])
def test_a_wild_step_is_capped_before_it_sets_the_level(back):
    rng = np.random.default_rng(0)
    demand = rng.poisson(20, (4, 700)).astype(float)
    _, moment = histories(700, pools=4)
    plain = encode(demand, 60.0, np.array([1, 5]), moment)
    demand[0, -back] *= 1000
    demand[1, -back - 3 : -back] *= 1000
    demand[2:] = 0.0
    demand[2, -back] = 5.0
    made = encode(demand, 60.0, np.array([1, 5]), moment)
    slow = forecast_inputs.encode(demand, 60.0, np.array([1, 5]), moment)
    assert made.level[0] < 1.5 * plain.level[0]
    assert made.level[1] < 3 * plain.level[1]
    assert made.level[2] >= 5.0 / 256 / 2
    for name in ("steps", "context", "anchors", "spreads", "horizon", "level"):
        assert getattr(made, name) == pytest.approx(getattr(slow, name), rel=2e-5, abs=2e-5), name


def test_further_features_stand_where_the_trace_has_them():
    demand, moment = histories(50)
    rng = np.random.default_rng(1)
    features, present = rng.normal(size=(6, 12, 23)), rng.random((6, 23)) < 0.5
    made = encode(demand, 60.0, np.array([1]), moment, features, present)
    slow = forecast_inputs.encode(demand, 60.0, np.array([1]), moment, features, present)
    assert made.steps == pytest.approx(slow.steps, abs=2e-5)
    assert (made.present == slow.present).all()


@pytest.mark.parametrize("place", [0, 40, 299])
def test_gaps_are_filled_only_where_there_are_any(place):
    demand, moment = histories(300)
    demand[2, place] = np.nan
    made = encode(demand, 300.0, np.array([1, 3]), moment)
    whole = encode(filled(demand), 300.0, np.array([1, 3]), moment)
    for part, same in zip(made.arrays(), whole.arrays(), strict=True):
        assert np.array_equal(part, same)
        assert np.isfinite(part).all()


def test_a_gap_that_no_input_reads_changes_nothing():
    demand, moment = histories(700)
    plain = encode(demand, 300.0, np.array([1]), moment)
    demand[:, 10] = np.nan
    other = encode(demand, 300.0, np.array([1]), moment)
    for part, same in zip(plain.arrays(), other.arrays(), strict=True):
        assert np.array_equal(part, same)


def test_a_history_of_gaps_only_is_refused():
    demand, moment = histories(50)
    demand[3] = np.nan
    with pytest.raises(UsageError, match="gaps only"):
        encode(demand, 300.0, np.array([1]), moment)
