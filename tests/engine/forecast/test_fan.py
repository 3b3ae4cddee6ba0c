"""A forecast at a moment: dense in time, from what was known, its interval calibrated."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from engine.errors import UsageError
from engine.forecast.fan import POINTS, Fans, cut_of, dense_horizons, fan, fitted_steps
from engine.forecast.naive import Persistence
from engine.forecast.registry import find
from engine.forecast.series import DemandSeries
from tests.engine.forecast.series import daily, made

NETWORK = find("bilstm")


class Sure:
    """Says the last value, give or take a thousandth: far too sure of itself."""

    name = "sure"

    def fit(self, train, horizons_s):
        self.learnt = train

    def predict_quantiles(self, histories, horizons_s, levels):
        point = np.repeat(histories.demand[:, -1:], len(horizons_s), 1)[..., None]
        return point * (1 + 0.002 * (np.asarray(levels) - 0.5))

    def update(self, known):
        raise AssertionError("nothing asks for this")


def noise(size=400, seed=0):
    return made(np.random.default_rng(seed).gamma(4.0, 5.0, size))


@pytest.mark.parametrize("step_s", [5.0, 7.0, 60.0, 300.0, 900.0, 3600.0, 7200.0])
def test_horizons_run_from_one_step_to_an_hour(step_s):
    horizons_s = dense_horizons(step_s)
    assert horizons_s[0] == step_s
    assert (np.diff(horizons_s) > 0).all()
    assert len(horizons_s) <= POINTS
    assert 3600 - step_s < horizons_s[-1] <= 3600 or step_s > 3600
    assert np.allclose(horizons_s % step_s, 0)


def test_a_fan_shows_what_was_known_what_was_said_and_what_came():
    series = noise()
    found = fan(series, 300 * 300.0 + 10, Persistence())
    assert found.cut_s == 90_000
    assert found.history_s[-1] == found.cut_s
    assert np.array_equal(found.history, series.values[300 - len(found.history) : 300])
    assert np.array_equal(found.times_s, found.cut_s + 300.0 * np.arange(1, 13))
    assert np.array_equal(found.came, series.values[300:312])
    assert found.quantiles.shape == (12, 3)
    assert (np.diff(found.quantiles, axis=1) >= 0).all()
    assert found.step_attention is None


def test_what_has_not_come_yet_is_unknown():
    found = fan(noise(), 395 * 300.0, Persistence())
    assert np.isfinite(found.came).tolist() == [True] * 5 + [False] * 7
    assert np.isnan(fan(noise(), 400 * 300.0, Persistence()).came).all()


@pytest.mark.parametrize("make", [Persistence, lambda: NETWORK.make(0)], ids=["naive", "network"])
def test_nothing_after_the_moment_changes_the_forecast(make):
    series = daily(days=3)
    changed = series.values.copy()
    changed[500:] = 1e6
    before, after = (
        fan(replace(series, values=values), 500 * 300.0, make())
        for values in (series.values, changed)
    )
    assert np.array_equal(before.quantiles, after.quantiles)
    assert np.array_equal(before.history, after.history)


def test_the_interval_of_a_model_that_is_too_sure_is_widened_until_it_covers():
    series = noise(1000)
    raw = fan(series, 900 * 300.0, Sure(), calibrated=False)
    found = fan(series, 900 * 300.0, Sure())
    assert raw.calibrated_on == 0
    assert found.calibrated_on > 100
    assert np.array_equal(found.quantiles[:, 1], raw.quantiles[:, 1])
    width = found.quantiles[:, -1] - found.quantiles[:, 0]
    assert (width > 5 * (raw.quantiles[:, -1] - raw.quantiles[:, 0])).all()


def test_a_model_is_fitted_to_the_first_part_of_what_was_known():
    model = Sure()
    fan(noise(), 300 * 300.0, model)
    assert 210 / 1.1 < len(model.learnt.values) <= 210


@pytest.mark.parametrize("cut", [30, 31, 43, 44, 100, 1000, 9999, 100_000])
def test_a_fit_uses_about_seven_tenths_of_what_was_known(cut):
    assert max(30, 0.7 * cut / 1.1 - 1) <= fitted_steps(cut) <= max(30, 0.7 * cut + 0.5)


class Counted(Persistence):
    """Tells how often it was fitted, and to how much."""

    fits: ClassVar[list[int]] = []

    def fit(self, train, horizons_s):
        self.fits.append(len(train.values))
        super().fit(train, horizons_s)


def test_dragging_nearby_does_not_fit_again(monkeypatch):
    monkeypatch.setattr(Counted, "fits", [])
    series = noise(2000)
    fans = Fans(series, Counted)
    for cut in (1900, 1905, 1890, 1500, 1900, 1505):
        found = fans.at(cut * 300.0)
        assert np.allclose(found.quantiles, fan(series, cut * 300.0, Persistence()).quantiles)
    assert len(Counted.fits) == 2
    assert set(Counted.fits) == {fitted_steps(1900), fitted_steps(1500)}
    assert max(Counted.fits) <= 0.7 * 1890


def test_the_network_shows_its_attention():
    found = fan(daily(days=2), 400 * 300.0, NETWORK.make(0))
    assert found.feature_attention.shape == (12, 23)
    assert found.feature_attention.sum(1) == pytest.approx(np.ones(12))
    assert found.step_attention.sum() == pytest.approx(1)
    assert not found.sees_later_demand


def test_more_quantiles_may_be_asked_for():
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    found = fan(daily(days=2), 400 * 300.0, NETWORK.make(0), levels=levels)
    assert found.levels == levels
    assert (np.diff(found.quantiles, axis=1) >= 0).all()


def test_a_single_quantile_is_not_calibrated():
    found = fan(noise(), 300 * 300.0, Persistence(), levels=(0.5,))
    assert found.quantiles.shape == (12, 1)
    assert found.calibrated_on == 0


@pytest.mark.parametrize(
    "values",
    [np.zeros(30), np.full(30, 7.0), np.r_[np.full(29, 2.0), 2000.0], np.arange(30.0)],
    ids=["zeros", "constant", "spike", "ramp"],
)
@pytest.mark.parametrize("make", [Persistence, lambda: NETWORK.make(0)], ids=["naive", "network"])
def test_thirty_steps_are_enough_for_a_forecast_of_numbers(values, make):
    found = fan(made(values), 30 * 300.0, make())
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles >= 0).all()


@pytest.mark.parametrize("at_s", [-1.0, 0.0, 29 * 300.0, 402 * 300.0, np.nan, np.inf])
def test_a_moment_without_enough_before_it_or_beyond_the_demand_is_refused(at_s):
    with pytest.raises(UsageError, match="Choose 9000 to 120000 s") as refused:
        cut_of(noise(), at_s)
    assert refused.value.where == "made"


def test_a_forecaster_fitted_to_later_demand_is_marked():
    series = noise()
    assert isinstance(series, DemandSeries)
    early = fan(series, 300 * 300.0, Persistence(), fitted_until_s=340 * 300.0)
    late = fan(series, 350 * 300.0, Persistence(), fitted_until_s=340 * 300.0)
    assert (early.sees_later_demand, late.sees_later_demand) == (True, False)


@pytest.mark.parametrize("make", [lambda: NETWORK.make(0), Persistence])
def test_asking_again_at_other_moments_says_what_a_single_fan_says(make):
    series = daily()
    fans = Fans(series, make)
    for share in (0.9, 0.93, 0.8, 0.93):
        at_s = share * len(series.values) * series.step_s
        again, single = fans.at(at_s), fan(series, at_s, make())
        assert np.allclose(again.quantiles, single.quantiles, rtol=1e-4)
        assert again.calibrated_on == single.calibrated_on > 0


def test_a_network_is_asked_about_a_past_moment_once(monkeypatch):
    series, model, asked = daily(), NETWORK.make(0), []
    ask = model.predict_quantiles
    monkeypatch.setattr(
        model, "predict_quantiles", lambda known, *rest: (asked.append(len(known.cut)),
                                                          ask(known, *rest))[1]
    )  # fmt: skip
    fans = Fans(series, lambda: model)
    end_s = len(series.values) * series.step_s
    fans.at(0.9 * end_s)
    before = sum(asked)
    fans.at(0.9 * end_s + series.step_s)
    assert sum(asked) - before < before / 10
