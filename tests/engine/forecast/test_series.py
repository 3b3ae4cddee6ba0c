"""Parts of a series in order of time, histories that end at their cut-off, gaps."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.forecast.neural_inputs import WINDOW
from engine.forecast.series import overlap, split
from tests.engine.forecast.series import made


def test_the_parts_follow_each_other_with_a_gap_of_window_and_horizon():
    ahead = np.array([1, 12])
    parts = split(1000, ahead)
    assert parts.train == 700
    assert parts.borders == (850, 1000)
    first_target = parts.valid.min() + ahead - 1  # counted from 0
    assert (first_target >= 700 + WINDOW + ahead - 1).all()
    assert (parts.test.min() + ahead - 1 >= 850 + WINDOW + ahead - 1).all()
    assert parts.valid.max() < parts.test.min()
    assert parts.test.max() + ahead.min() <= 1000


def test_forecasts_overlap_over_as_many_cut_offs_as_a_horizon_reaches():
    assert [overlap(np.arange(9), steps) for steps in (1, 12)] == [1, 12]
    assert [overlap(np.array([0, 5, 10, 14]), steps) for steps in (1, 5, 6)] == [1, 1, 2]
    assert overlap(np.array([7]), 12) == 12


def test_no_more_cut_offs_than_asked_for():
    parts = split(50_000, np.array([1]), origins=100)
    assert len(parts.valid) == len(parts.test) == 100


def test_histories_hold_the_steps_before_each_cut_off():
    series = made(np.arange(100.0))
    found = series.histories(np.array([40, 70]), 30)
    assert found.demand[0].tolist() == list(range(10, 40))
    assert found.demand[1].tolist() == list(range(40, 70))
    assert found.cut.tolist() == [40, 70]
    assert series.came(np.array([40, 99]), np.array([1, 5])).tolist()[0] == [40.0, 44.0]
    assert np.isnan(series.came(np.array([99]), np.array([1, 5]))[0, 1])


def test_a_gap_is_filled_without_looking_beyond_the_cut_off():
    values = np.arange(100.0)
    values[35:45] = np.nan
    found = made(values).histories(np.array([40, 60]), 30)
    assert found.demand[0, -5:].tolist() == [34.0] * 5  # the gap is still open: the last value
    assert found.demand[1, 5:15].tolist() == pytest.approx(list(range(35, 45)))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.full(50, np.nan), "no step has a value"),
        (np.r_[np.ones(40), -1.0], "negative"),
        (np.r_[np.ones(40), np.inf], "infinite"),
    ],
)
def test_what_cannot_be_forecast_is_refused_with_a_reason(values, what):
    with pytest.raises(UsageError, match=what) as refused:
        made(values)
    assert refused.value.where == "made"
    assert refused.value.fix


def test_a_series_shorter_than_thirty_steps_is_refused_as_a_whole():
    assert made(np.ones(30)).long_enough()
    with pytest.raises(UsageError, match="too few"):
        made(np.ones(29)).long_enough()
