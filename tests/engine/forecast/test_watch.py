"""A kept network after a drift: learns from what was known then, counts once that pays."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.forecast.fan import Fans, fan
from engine.forecast.fitted import fit_series, keep
from engine.forecast.network import Network
from engine.forecast.relearning import TRIAL
from engine.forecast.watch import Watch
from tests.engine.forecast.drifting import BREAK, Mean, broken
from tests.engine.forecast.series import daily, made

FITTED = 1275
"""Steps: 85 % of the demand."""
BURST = 790


class Kept(Mean):
    """As a network that was kept from a fit to the first 85 %."""

    name = "bilstm-fitted"
    fixed = True
    forecaster = SimpleNamespace(name="none")
    fitted_until_s = FITTED * 300.0


def drawn(series, step):
    watch = Watch(Kept())
    watch.network.level = 20.0
    return fan(series, step * 300.0, watch, loaded=True)


def first_of(series):
    """The step that was learned up to."""
    return round(drawn(series, 1500).learned[0].until_s / 300)


def test_before_the_break_it_is_as_it_was_kept():
    found = drawn(broken(), BREAK)
    assert found.learned == ()
    assert found.quantiles[:, 1] == pytest.approx(20.0)


def test_after_a_drift_what_learned_from_it_takes_over_when_that_has_lost_less():
    series = broken()
    learned = first_of(series)
    assert BREAK < learned < BREAK + 60
    young, old = drawn(series, learned + TRIAL // 2), drawn(series, 1500)
    assert [entry.horizons_s for entry in young.learned] == [()]
    assert young.learned[0].noticed_s <= young.learned[0].until_s == learned * 300.0
    assert young.quantiles[:, 1] == pytest.approx(20.0)
    assert old.learned[0].horizons_s == old.learned[0].of_s == (300.0, 900.0, 3600.0)
    assert old.quantiles[:, 1] == pytest.approx(60.0, abs=2.0)


def test_nothing_after_the_cut_off_matters():
    series = broken()
    for step in (first_of(series), first_of(series) + TRIAL + 5, 1490):
        values = series.values.copy()
        values[step:] = np.random.default_rng(step).uniform(0, 1e4, len(values) - step)
        plain, other = drawn(series, step), drawn(made(values, start_s=0.0), step)
        assert np.array_equal(plain.quantiles, other.quantiles)
        assert plain.learned == other.learned


def test_a_longer_trace_changes_nothing_either():
    series = broken()
    for step in (first_of(series) + 3, 1480):
        shorter = series.before(step)
        assert np.array_equal(drawn(series, step).quantiles, drawn(shorter, step).quantiles)


def test_a_drift_that_is_over_takes_nothing_over():
    series = broken()
    series.values[BREAK + 15 :] -= 40
    found = drawn(series, 1500)
    assert found.learned[0].horizons_s == ()
    assert found.quantiles[:, 1] == pytest.approx(20.0)


def test_it_learns_once_however_often_it_is_asked():
    series, watch = broken(), Watch(Kept())
    watch.network.level = 20.0
    fans = Fans(series, lambda: watch, fitted_until_s=Kept.fitted_until_s)
    watch.network.fit = lambda *_: None
    asked = [fans.at(step * 300.0) for step in (1500, 1470, 1499, 1500, BREAK)]
    learned = [entry.until_s / 300 for one in asked for entry in one.learned]
    assert watch.network.learned == sorted(set(learned))
    assert np.array_equal(asked[0].quantiles, asked[3].quantiles)
    assert np.array_equal(asked[0].quantiles, drawn(series, 1500).quantiles)
    assert not asked[-1].learned


def test_a_real_network_is_kept_watched_and_learns_again(tmp_path):
    wave, wild = daily(days=3), np.random.default_rng(0).uniform(1, 9, 864)
    wild[:BURST] = 1.0
    series = replace(wave, values=wave.values * wild)
    report, forecaster = fit_series(series, epochs=1)
    keep(forecaster, report, tmp_path / "kept", {})
    watch = Watch(Network("bilstm-fitted", tmp_path / "kept"))
    found = Fans(series, lambda: watch, fitted_until_s=report.fitted_until_s).at(864 * 300.0)
    assert found.learned
    assert BURST * 300.0 < found.learned[0].noticed_s < (BURST + 40) * 300.0
    assert found.feature_attention is not None
    assert np.isfinite(found.quantiles).all()
