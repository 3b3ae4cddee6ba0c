"""What quantiles were worth on the test part: shares below them, and hits over time."""

import msgspec
import numpy as np
import pytest

from engine.errors import UsageError
from engine.forecast.coverage import CoverageRecord, coverage
from engine.forecast.naive import Persistence
from engine.forecast.series import split
from tests.engine.forecast.series import daily, made


class Narrow:
    """Knows the mean of noise, and claims far too narrow a band around it."""

    name = "narrow"

    def fit(self, train, horizons_s):
        self.mean = float(train.values.mean())
        self.learnt = len(train.values)

    def predict_quantiles(self, histories, horizons_s, levels):
        shape = (len(histories.demand), len(horizons_s), 1)
        return np.full(shape, self.mean) + 0.5 * (np.asarray(levels) - 0.5)

    def update(self, known):
        raise AssertionError("nothing asks for this")


@pytest.fixture
def noise():
    return made(np.random.default_rng(3).gamma(9.0, 2.0, 2000))


def test_a_band_that_is_too_narrow_is_told_and_calibration_mends_it(noise):
    found = coverage(noise, Narrow(), horizons_s=(300.0, 900.0))
    assert found.horizons_s == (300.0, 900.0)
    assert np.nanmean(found.covered_raw) < 0.2
    assert 0.7 < np.nanmean(found.covered) < 0.9
    assert abs(found.below[0, -1] - 0.9) < abs(found.below_raw[0, -1] - 0.9)


def test_only_the_test_part_is_counted_and_only_the_training_part_is_learnt(noise):
    model = Narrow()
    found = coverage(noise, model, horizons_s=(300.0,))
    parts = split(2000, np.array([1]))
    assert model.learnt == parts.train
    assert found.times_s[0] >= parts.borders[0] * noise.step_s
    assert found.covered.shape == (len(found.times_s), 1)


def test_shares_below_grow_with_the_level(noise):
    found = coverage(daily(), Persistence())
    assert (np.diff(found.below, axis=1) >= 0).all()
    assert (np.diff(found.below_raw, axis=1) >= 0).all()


def test_a_series_without_anything_to_test_is_refused(noise):
    values = noise.values.copy()
    values[1700:] = np.nan
    with pytest.raises(UsageError, match="nothing came"):
        coverage(made(values), Narrow())


def test_what_was_counted_is_the_same_after_it_was_kept(noise):
    found = coverage(noise, Narrow(), horizons_s=(300.0, 900.0))
    found.covered[0, 0] = np.nan
    text = msgspec.json.encode(found.kept())
    again = msgspec.json.decode(text, type=CoverageRecord).read()
    for name in ("below_raw", "below", "times_s", "covered_raw", "covered"):
        assert np.array_equal(getattr(again, name), getattr(found, name), equal_nan=True), name
    assert again.horizons_s == found.horizons_s
