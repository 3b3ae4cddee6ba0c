"""The choice as one model: weights by horizon, members that cannot be fitted left out."""

import numpy as np
import pytest

from engine.forecast.base import UnfitError
from engine.forecast.mixture import Mixture, weights_of
from tests.engine.forecast.series import made

WEIGHTS = {60.0: {"low": 0.75, "high": 0.25}, 600.0: {"high": 1.0}}
SERIES = made(np.arange(40.0), step_s=60.0)
LATEST = SERIES.histories(np.array([39, 40]), 12)


class Says:
    """The same for ever."""

    name = "says"

    def __init__(self, value, fits=True):
        self.value, self.fits, self.updated = value, fits, 0

    def fit(self, train, horizons_s):
        if not self.fits:
            raise UnfitError("too short", train.name, "Use a longer trace")

    def update(self, known):
        self.updated += 1

    def predict_quantiles(self, histories, horizons_s, levels):
        size = (len(histories.demand), len(horizons_s), len(levels))
        return np.broadcast_to(self.value + np.asarray(levels), size)


def said(horizons_s, **members):
    mixture = Mixture(members, WEIGHTS)
    mixture.fit(SERIES, horizons_s)
    return mixture.predict_quantiles(LATEST, horizons_s, (0.1, 0.9))


def test_quantiles_are_averaged_with_the_weights_of_each_horizon():
    found = said([60.0, 600.0], low=Says(0.0), high=Says(8.0))
    assert found.shape == (2, 2, 2)
    assert found[0] == pytest.approx(np.array([[2.1, 2.9], [8.1, 8.9]]))


def test_another_horizon_takes_the_weights_of_the_nearest():
    found = said([30.0, 180.0, 200.0, 3600.0], low=Says(0.0), high=Says(8.0))
    assert found[0, :, 0] == pytest.approx([2.1, 2.1, 8.1, 8.1])


def test_a_member_that_cannot_be_fitted_is_left_out_and_the_rest_weigh_one():
    assert said([60.0], low=Says(0.0), high=Says(8.0, fits=False))[0, 0, 0] == pytest.approx(0.1)
    found = said([60.0, 600.0], low=Says(0.0), high=Says(8.0, fits=False))
    assert found[0, :, 0] == pytest.approx([0.1, 0.1])  # nobody is left at 600 s: the nearest


def test_without_any_member_it_cannot_be_fitted_and_says_why():
    with pytest.raises(UnfitError, match="low: too short; high: too short"):
        said([60.0], low=Says(0.0, fits=False), high=Says(8.0, fits=False))


def test_an_update_reaches_every_member():
    members = {"low": Says(0.0), "high": Says(8.0)}
    mixture = Mixture(members, WEIGHTS)
    mixture.fit(SERIES, [60.0])
    mixture.update(SERIES)
    assert [member.updated for member in members.values()] == [1, 1]


def test_members_that_hardly_count_at_any_horizon_are_left_out():
    found = weights_of({"60": {"a": 0.97, "b": 0.03}, "300": {"a": 0.5, "c": 0.46, "b": 0.04}})
    assert found == {60.0: {"a": 0.97}, 300.0: {"a": 0.5, "c": 0.46}}
