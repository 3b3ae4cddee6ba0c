"""Our recursions over many histories against statsmodels' own forecasts of one."""

import warnings

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from engine.forecast import statistical
from engine.forecast.base import UnfitError
from engine.forecast.histories import Histories
from engine.forecast.statistical import AutoArima, ExponentialSmoothing, _Arma, _psi, _Smoothing
from tests.engine.forecast.series import made

pytestmark = pytest.mark.slow

STEP_S = 60.0
AHEAD_S = [60.0, 300.0, 1200.0]


def walk(size=400, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(size)
    return 200 + np.cumsum(0.3 * noise) + 2 * noise


def one(values):
    return Histories(demand=values[None], step_s=STEP_S, end_s=0.0)


@pytest.mark.parametrize("order", [(1, 0, 1), (2, 0, 0), (0, 1, 1), (2, 1, 2)])
def test_arima_forecasts_agree_with_statsmodels(order):
    values = walk()
    d = order[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ARIMA(values, order=order, trend="c" if d == 0 else "n").fit()
    theirs = fit.get_forecast(20)
    known = dict(zip(fit.param_names, fit.params, strict=True))
    model = AutoArima()
    model._chosen = _Arma(
        d=d, ar=np.asarray(fit.arparams), ma=np.asarray(fit.maparams),
        mean=float(known.get("const", 0.0)), sigma=float(np.sqrt(known["sigma2"])),
    )  # fmt: skip
    found = model.predict_quantiles(one(values), AHEAD_S, [0.1, 0.5, 0.9])[0]
    at = [0, 4, 19]
    assert found[:, 1] == pytest.approx(theirs.predicted_mean[at], rel=2e-4)
    deviation = (found[:, 2] - found[:, 0]) / 2.5631031
    assert deviation == pytest.approx(theirs.se_mean[at], rel=0.02)


@pytest.mark.parametrize(("trend", "damped"), [(None, False), ("add", False), ("add", True)])
def test_smoothing_agrees_with_statsmodels(trend, damped):
    values = walk() + 0.2 * np.arange(400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ETSModel(pd.Series(values), error="add", trend=trend, damped_trend=damped).fit(
            disp=False
        )
    known = dict(zip(fit.model.param_names, fit.params, strict=True))
    model = ExponentialSmoothing()
    model._chosen = _Smoothing(
        alpha=known["smoothing_level"], beta=known.get("smoothing_trend", 0.0),
        phi=known.get("damping_trend", 1.0) if trend else 0.0,
        sigma=float(np.sqrt(fit.mse)),
    )  # fmt: skip
    found = model.predict_quantiles(one(values), AHEAD_S, [0.1, 0.5, 0.9])[0]
    theirs = fit.get_prediction(start=400, end=419)
    at = [0, 4, 19]
    assert found[:, 1] == pytest.approx(np.asarray(theirs.predicted_mean)[at], rel=5e-3)
    deviation = (found[:, 2] - found[:, 0]) / 2.5631031
    assert deviation == pytest.approx(np.sqrt(np.asarray(theirs.forecast_variance))[at], rel=0.02)


def test_where_little_is_learned_from_each_value_the_start_is_that_of_the_whole_window():
    rng = np.random.default_rng(4)
    rows = [50 + rng.standard_normal(400) for _ in range(40)]
    model = ExponentialSmoothing()
    model._chosen = _Smoothing(alpha=1e-4, beta=0.0, phi=0.0, sigma=1.0)
    middles = [model.predict_quantiles(one(row), AHEAD_S, [0.5])[0, :, 0] for row in rows]
    assert np.abs(np.array(middles) - 50).max() < 0.3  # a single value is up to 3 away
    steep = 0.5 * np.arange(400) + rows[0]
    model._chosen = _Smoothing(alpha=1e-4, beta=1e-5, phi=1.0, sigma=1.0)
    found = model.predict_quantiles(one(steep), AHEAD_S, [0.5])[0, :, 0]
    ahead = np.array(AHEAD_S) / STEP_S
    assert found == pytest.approx(50 + 0.5 * (399 + ahead), abs=0.5)


def test_the_interval_of_a_damped_trend_is_that_of_statsmodels():
    values = walk()
    model = ETSModel(pd.Series(values), error="add", trend="add", damped_trend=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.smooth([0.5, 0.3, 0.8, values[0], 0.0])
    ours = ExponentialSmoothing()
    ours._chosen = _Smoothing(alpha=0.5, beta=0.3, phi=0.8, sigma=float(np.sqrt(fit.mse)))
    ahead_s = [STEP_S * steps for steps in (1, 2, 5, 20)]
    found = ours.predict_quantiles(one(values), ahead_s, [0.1, 0.9])[0]
    theirs = fit.get_prediction(start=400, end=419)
    variance = np.asarray(theirs.forecast_variance)[[0, 1, 4, 19]]
    assert (found[:, 1] - found[:, 0]) / 2.5631031 == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_psi_weights_of_a_known_process():
    ar1 = _Arma(d=0, ar=np.array([0.5]), ma=np.zeros(0), mean=0.0, sigma=1.0)
    assert _psi(ar1, 5) == pytest.approx([1, 0.5, 0.25, 0.125, 0.0625])
    walked = _Arma(d=1, ar=np.zeros(0), ma=np.array([-0.4]), mean=0.0, sigma=1.0)
    assert _psi(walked, 4) == pytest.approx([1, 0.6, 0.6, 0.6])


def test_the_search_finds_the_order_of_a_process():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(1500)
    values = np.empty(1500)
    values[0] = 50.0
    for step in range(1, 1500):
        values[step] = 50 + 0.8 * (values[step - 1] - 50) + noise[step]
    model = AutoArima()
    model.fit(made(values, step_s=STEP_S), AHEAD_S)
    chosen = model._chosen
    assert chosen.d == 0
    assert chosen.mean == pytest.approx(50, abs=0.5)
    assert chosen.sigma == pytest.approx(1.0, abs=0.06)
    later = model.predict_quantiles(one(np.append(values, 60.0)), AHEAD_S, [0.5])[0, :, 0]
    assert later == pytest.approx(50 + 10 * 0.8 ** np.array([1, 5, 20]), abs=1.2)


def test_demand_that_never_changes_is_refused():
    for model in (AutoArima(), ExponentialSmoothing()):
        with pytest.raises(UnfitError, match="never changes"):
            model.fit(made(np.full(500, 3.0)), AHEAD_S)


def test_few_values_in_the_latest_steps_are_refused():
    values = np.full(500, np.nan)
    values[::60] = np.arange(9.0)
    for model in (AutoArima(), ExponentialSmoothing()):
        with pytest.raises(UnfitError, match="hold 9 values"):
            model.fit(made(values), AHEAD_S)


def test_few_values_and_a_long_gap_are_fitted_without_a_warning():
    values = np.full(960, np.nan)
    values[:10] = np.random.default_rng(0).poisson(20, 10)
    for model in (AutoArima(), ExponentialSmoothing()):
        model.fit(made(values), AHEAD_S)
        assert np.isfinite(model.predict_quantiles(one(np.full(50, 5.0)), AHEAD_S, [0.5])).all()


def test_only_the_latest_steps_are_fitted():
    values = np.concatenate([walk(600, 1) * 100, walk(statistical.FIT_STEPS, 2)])
    one_, other = ExponentialSmoothing(), ExponentialSmoothing()
    one_.fit(made(values), AHEAD_S)
    other.fit(made(values[600:]), AHEAD_S)
    assert one_._chosen == other._chosen
