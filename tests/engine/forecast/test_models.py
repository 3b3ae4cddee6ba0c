"""Every model: nothing after the cut-off counts, quantiles never cross, odd series do no harm."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.forecast.base import HORIZONS_S, UnfitError
from engine.forecast.features import Features, Scaler
from engine.forecast.naive import season
from engine.forecast.network import studied
from engine.forecast.registry import BASELINES, ENSEMBLE, MODELS, find
from engine.forecast.scores import LEVELS
from engine.forecast.series import DemandSeries
from tests.engine.forecast.series import daily, made

CUTS = np.array([1000, 1060, 1130])
AHEAD = (300.0, 900.0, 3600.0)
STUDIED = ("lstm", "lstm-attention", "bilstm-no-attention", "tft", "ssm", "bilstm-small")


def shipped_models():
    """Models whose checkpoint is there; the study's are optional."""
    return [name for name in MODELS if name not in STUDIED or studied(name, 0).exists()]


FITTED_TO_THE_TRACE = [*BASELINES, "prophet"]
"""The others; fine-tuning a network again has tests of its own."""


@pytest.fixture(scope="module", params=shipped_models())
def fitted(request):
    """A model fitted to four days, and the series."""
    series = with_features(daily())
    model = find(request.param).make(0)
    model.fit(series.before(900), AHEAD)
    return model, series


def with_features(series, features=None):
    """The series as a trace that records processors and requests in service too."""
    rng = np.random.default_rng(1)
    drawn = {"cpu_mean": rng.random(len(series.values)), "inflight_tasks": 3 * series.values}
    return replace(series, features=Features(values=features or drawn))


def asked(model, series, levels=LEVELS):
    scaler = Scaler.fitted(series.before(900).features)
    return model.predict_quantiles(series.histories(CUTS, 900, scaler), AHEAD, levels)


def changed(series, values, cut):
    """Other demand, and everything else changed after a cut-off."""
    columns = {name: column.copy() for name, column in series.features.values.items()}
    for column in columns.values():
        column[cut:] = 7e7
    return with_features(made(values, series.step_s, series.start_s), columns)


def test_nothing_after_the_cut_off_changes_a_forecast(fitted):
    model, series = fitted
    plain = asked(model, series, list(LEVELS))
    for number, cut in enumerate(CUTS):
        values = series.values.copy()
        values[cut:] = np.random.default_rng(cut).uniform(0, 1e6, len(values) - cut)
        other = changed(series, values, cut)
        assert np.array_equal(asked(model, other)[number], plain[number])


def test_fitting_sees_the_training_part_only(fitted):
    model, series = fitted
    values = series.values.copy()
    values[900:] = 1e6
    again = find(model.name).make(0)
    again.fit(changed(series, values, 900).before(900), AHEAD)
    assert asked(again, series) == pytest.approx(asked(model, series), rel=1e-6, abs=1e-9)


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    scale=st.sampled_from([0.0, 1e-6, 1.0, 1e6]),
    seed=st.integers(0, 99),
    spike=st.sampled_from([1.0, 1000.0]),
)
def test_quantiles_never_cross_and_are_finite_and_never_negative(fitted, scale, seed, spike):
    model, series = fitted
    values = np.random.default_rng(seed).gamma(0.5, scale + 1e-12, len(series.values)) * scale
    values[CUTS[1] - 1] *= spike
    quantiles = asked(model, changed(series, values, 0))
    assert quantiles.shape == (3, 3, 3)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert (quantiles >= 0).all()


@pytest.mark.parametrize("fitted", FITTED_TO_THE_TRACE, indirect=True)
def test_it_learns_again(fitted):
    model, series = fitted
    model.update(series.before(1100))
    assert np.isfinite(asked(model, series)).all()


TAKE_SPIKES_LIGHTLY = [name for name in MODELS if name not in BASELINES]
"""Simple models follow the last steps wherever these go."""


def odd(kind):
    rng = np.random.default_rng(0)
    values = rng.poisson(20, 1200).astype(float)
    if kind == "constant":
        values[:] = 7.0
    elif kind == "zeros":
        values[:] = 0.0
    elif kind == "gaps":
        values[rng.random(1200) < 0.3] = np.nan
        values[500:560] = np.nan
    elif kind == "a long gap":
        values[400:680] = np.nan
    elif kind == "gaps but for the end":
        values[:900] = np.nan
    elif kind == "gaps but for five":
        values[5:1150] = np.nan
    elif kind == "spike":
        values[700] *= 1000
    elif kind == "spike just now":
        values[1193] *= 1000
    return made(values[:30] if kind == "thirty" else values, start_s=0.0)


ODD = ("constant", "zeros", "gaps", "a long gap", "gaps but for the end", "gaps but for five",
       "spike", "spike just now", "thirty")  # fmt: skip
QUICK = ("zeros", "gaps but for the end", "gaps but for five", "thirty")
"""Of the ensemble; each of the others fits four models, seconds long."""


def odd_cases():
    """Every model with every odd series."""
    for name in shipped_models():
        for kind in ODD:
            long = find(name).mixed and kind not in QUICK
            marks = [pytest.mark.slow] if long else []
            yield pytest.param(name, kind, marks=marks, id=f"{name}-{kind}")


@pytest.mark.parametrize(("name", "kind"), list(odd_cases()))
def test_odd_series_give_a_sensible_forecast_or_a_reason(name, kind):
    series = odd(kind)
    size = len(series.values)
    model = find(name).make(0)
    try:
        model.fit(series.before(round(0.8 * size)), AHEAD)
    except UnfitError as refused:
        assert refused.what
        assert refused.fix
        return
    quantiles = model.predict_quantiles(
        series.histories(np.array([size - 2, size]), size), AHEAD, LEVELS
    )
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    if kind == "constant":
        assert quantiles[..., 1] == pytest.approx(7.0, rel=0.1)
    if kind == "zeros":
        assert quantiles.max() < 0.05
    if kind == "spike just now" and name in TAKE_SPIKES_LIGHTLY:
        assert (np.abs(quantiles[..., 1] - 20) < 20).all()
    if kind in ("gaps", "a long gap"):
        assert (np.abs(quantiles[..., 1] - 20) < 10).all()


def test_what_a_trace_records_besides_demand_changes_only_the_network_that_reads_it():
    bare, full = daily(), with_features(daily())
    scaler = Scaler.fitted(full.before(900).features)
    said = {}
    for name in ("bilstm", "bilstm-features"):
        model = find(name).make(0)
        model.fit(full.before(900), AHEAD)
        said[name] = model.predict_quantiles(full.histories(CUTS, 900, scaler), AHEAD, LEVELS)
    plain = find("bilstm").make(0)
    plain.fit(bare.before(900), AHEAD)
    alone = plain.predict_quantiles(bare.histories(CUTS, 900), AHEAD, LEVELS)
    assert np.array_equal(said["bilstm"], alone)
    assert not np.allclose(said["bilstm-features"], alone, rtol=1e-3)


def test_without_features_there_is_nothing_to_read():
    with pytest.raises(UnfitError, match="nothing besides demand"):
        find("bilstm-features").make(0).fit(daily().before(900), AHEAD)


def test_trees_need_demand_before_and_after_a_step():
    values = np.full(900, np.nan)
    values[:5] = 3.0
    with pytest.raises(UnfitError, match="both before and after"):
        find("boosted-trees").make(0).fit(made(values), AHEAD)


def test_a_calendar_needs_ten_values():
    values = np.full(900, np.nan)
    values[::100] = 3.0
    with pytest.raises(UnfitError, match="hold 9 values"):
        find("prophet").make(0).fit(made(values), AHEAD)


def test_a_calendar_is_fitted_without_a_word():
    code = (
        "from engine.forecast.registry import find; from tests.engine.forecast.series import "
        "daily; find('prophet').make(0).fit(daily().before(900), (300.0,))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")


def test_the_season_that_repeats_better_is_taken():
    at = np.arange(21 * 24)
    week = np.where(at % 168 < 120, 10.0, 2.0) + (at % 24 == 9)
    assert season(made(week, step_s=3600.0)) == 168
    assert season(made(10.0 + (at % 24 == 9), step_s=3600.0)) == 24
    with pytest.raises(UnfitError, match="day and a half"):
        season(made(week[:30], step_s=3600.0))


def test_seasonal_naive_is_exact_where_days_repeat():
    at = np.arange(4 * 288)
    series = made(5 + np.sin(2 * np.pi * at / 288), start_s=0.0)
    model = find("seasonal-naive").make(0)
    model.fit(series.before(800), AHEAD)
    cuts = np.array([900, 1000])
    came = series.came(cuts, np.array([1, 3, 12]))
    found = model.predict_quantiles(series.histories(cuts, 900), AHEAD, LEVELS)
    assert found[..., 1] == pytest.approx(came, abs=1e-9)


def test_persistence_covers_what_its_errors_say():
    rng = np.random.default_rng(5)
    walk = made(1000 + np.cumsum(rng.standard_normal(6000)))
    model = find("persistence").make(0)
    model.fit(walk.before(4000), HORIZONS_S)
    cuts = np.arange(4000, 5900, 3)
    found = model.predict_quantiles(walk.histories(cuts, 10), [3600.0], LEVELS)[:, 0]
    came = walk.came(cuts, np.array([12]))[:, 0]
    inside = (came >= found[:, 0]) & (came <= found[:, 2])
    assert inside.mean() == pytest.approx(0.8, abs=0.07)


def test_an_unknown_forecaster_gets_a_suggestion():
    with pytest.raises(EngineError, match="bilstmm") as refused:
        find("bilstmm")
    assert "bilstm" in refused.value.fix


def test_the_registry_names_what_the_ensemble_and_the_bar_need():
    assert set(ENSEMBLE) <= set(MODELS)
    assert set(BASELINES) == {"persistence", "seasonal-naive", "ets", "arima", "boosted-trees"}
    assert all(isinstance(entry.make(0).name, str) for entry in MODELS.values())
    assert DemandSeries.__doc__
