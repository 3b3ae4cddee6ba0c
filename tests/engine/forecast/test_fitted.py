"""Fitting to a series: scored on demand it never saw, kept whole or not at all."""

import numpy as np
import pytest

from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.forecast.fitted import attention_check, fit_series, keep
from engine.forecast.neural import NeuralForecaster
from engine.forecast.training_data import Workload, cut
from tests.engine.forecast.series import daily, made


def hourly(days=10):
    return daily(days=days, step_s=3600.0)


@pytest.fixture(scope="module")
def fitted():
    return fit_series(hourly(), epochs=2)


def test_a_fit_says_what_it_gained_on_both_parts(fitted):
    report, _ = fitted
    assert 0 < report.after <= report.before
    assert report.test_before > 0
    assert report.test_after > 0
    assert 1 <= report.epochs <= 2
    assert report.fitted_until_s == 204 * 3600.0
    assert report.unit == "requests/s"


def test_demand_of_the_test_part_is_not_used(fitted):
    changed = hourly().values.copy()
    changed[204:] = 1000.0
    report, forecaster = fit_series(made(changed, 3600.0, start_s=0.0), epochs=2)
    assert report.after == fitted[0].after
    assert report.test_after != fitted[0].test_after
    for ours, theirs in zip(
        forecaster.model.parameters(), fitted[1].model.parameters(), strict=True
    ):
        assert np.array_equal(ours.detach().numpy(), theirs.detach().numpy())


def test_what_was_put_into_gaps_is_nothing_to_learn_to_forecast():
    demand = hourly().values
    known = np.random.default_rng(0).random(len(demand)) < 0.5
    known[[0, -1]] = True
    series = Workload(demand=demand, step_s=3600.0, start_s=0.0)
    cuts, ahead = np.arange(60, 120), np.array([1, 5])
    whole, part = (cut(series, cuts, 40, ahead, known=mask) for mask in (None, known))
    there = known[cuts[:, None] + ahead - 1]
    assert (whole.weight > 0).all()
    assert ((part.weight > 0) == there).all()
    assert (part.value == whole.value).all()
    gappy = np.where(known, demand, np.nan)
    report, _ = fit_series(made(gappy, 3600.0, start_s=0.0), epochs=1)
    assert 0 < report.after <= report.before


def test_what_is_kept_can_be_loaded_and_says_where_it_comes_from(fitted, tmp_path):
    report, forecaster = fitted
    folder = tmp_path / "new" / "fitted"
    for _ in range(2):  # the second replaces the first
        keep(forecaster, report, folder, {"trace": "t1"})
    loaded = NeuralForecaster.load(folder)
    assert loaded.about["trace"] == "t1"
    assert loaded.about["fitted_until_s"] == report.fitted_until_s
    assert {"training", "result"} <= loaded.about.keys()
    assert [path.name for path in folder.parent.iterdir()] == ["fitted"]


def test_a_disk_that_is_full_leaves_what_was_kept_before(fitted, tmp_path, monkeypatch):
    report, forecaster = fitted
    keep(forecaster, report, tmp_path / "fitted", {})
    before = (tmp_path / "fitted" / "config.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.checkpoint.save", full)
    with pytest.raises(StoreError, match="No space left"):
        keep(forecaster, report, tmp_path / "fitted", {"trace": "other"})
    assert (tmp_path / "fitted" / "config.json").read_bytes() == before


def test_a_fit_that_is_cancelled_gives_nothing():
    with pytest.raises(ReplayCancelled):
        fit_series(hourly(), epochs=3, cancelled=lambda: True)


@pytest.mark.parametrize("odd", [{"epochs": 0}, {"seed": -1}])
def test_odd_settings_of_a_fit_are_refused(odd):
    with pytest.raises(UsageError, match="Use 1 epoch or more"):
        fit_series(hourly(), **odd)


def test_a_series_that_is_too_short_to_fit_is_refused_with_what_is_needed():
    with pytest.raises(UsageError, match="Use a trace of at least 120 steps"):
        fit_series(hourly(days=2))


def test_attention_is_checked_over_steps_and_features():
    found = attention_check(daily(days=3))
    assert set(found) == {"steps", "features"}
    assert all(part.low <= part.gain <= part.high for part in found.values())


def test_attention_cannot_be_checked_where_the_test_part_has_gaps_only():
    values = daily(days=3).values.copy()
    values[700:] = np.nan
    with pytest.raises(UsageError, match="without a gap"):
        attention_check(made(values))
