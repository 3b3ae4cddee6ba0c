"""Forecasters inside a replay: nothing but the past, in steps that end now, all pools at once."""

import copy

import numpy as np
import pytest

from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster
from engine.forecast.neural_encode import WINDOW
from engine.forecast.series import LEAST_STEPS
from engine.lookahead import modelled
from engine.lookahead.modelled import MODELS, Modelled


def made(name="bilstm", *, pools=2, bin_s=15.0, quantile=0.95):
    return Modelled(name, pools, bin_s, [75.0, 90.0], quantile)


def counts(size, pools=2, seed=0):
    return np.random.default_rng(seed).poisson(30.0, (size, pools)).astype(float)


def played(model, arrivals):
    """What it says after each bin."""
    said = []
    for row in arrivals:
        model.close(row)
        said.append(model.ask())
    return said


@pytest.mark.parametrize("name", MODELS)
def test_nothing_after_an_evaluation_changes_what_it_said(name):
    arrivals = counts(65)
    other = arrivals.copy()
    other[63:] = 9000.0
    before, after = played(made(name), arrivals), played(made(name), other)
    assert before[62] is not None
    for one, same in zip(before[:63], after[:63], strict=True):
        assert (one is None) == (same is None)
        assert one is None or np.array_equal(one.quantiles, same.quantiles)
    assert not np.array_equal(before[-1].quantiles, after[-1].quantiles)


@pytest.mark.parametrize("name", ["bilstm", "persistence"])
def test_quantiles_do_not_cross_and_are_finite(name):
    for arrivals in (counts(70), np.zeros((70, 2)), counts(70) * (np.arange(70) == 66)[:, None]):
        said = played(made(name), arrivals)[-1]
        assert said.quantiles.shape == (2, 3, 3)
        assert np.isfinite(said.quantiles).all()
        assert (np.diff(said.quantiles, axis=-1) >= 0).all()
        assert (said.quantiles >= 0).all()


def test_what_cannot_be_fitted_says_nothing():
    assert played(made("ets"), np.zeros((2 * LEAST_STEPS, 2)))[-1] is None


def test_it_says_what_the_network_says_of_the_steps_that_end_now():
    arrivals = counts(2 * WINDOW + 1)
    said = played(made(), arrivals)[-1]
    steps = arrivals[1:].reshape(WINDOW, 2, 2).sum(1).T / 30.0
    known = Histories(demand=steps, step_s=30.0, end_s=np.nan)
    own = NeuralForecaster.load().predict_quantiles(known, [30.0, 60.0, 90.0], said.levels)
    assert said.calibrated_on == 0
    assert said.quantiles == pytest.approx(own, rel=1e-6)


@pytest.mark.parametrize(("name", "steps"), [("bilstm", WINDOW), ("persistence", LEAST_STEPS)])
def test_until_enough_is_known_it_says_nothing(name, steps):
    said = played(made(name), counts(2 * steps))
    assert [one is None for one in said] == [True] * (2 * steps - 1) + [False]


def test_the_interval_learns_from_outcomes_as_they_come():
    said = played(made(), counts(200))
    assert said[-1].calibrated_on == 200 - 2 * WINDOW - 1
    wide = said[-1].quantiles[:, 0, -1] / (counts(200).sum() / 200 / 2 / 15)
    assert (wide > 1).all()


def test_the_highest_until_a_time_counts_no_later_horizon():
    said = played(made(), counts(40))[-1]
    said.quantiles[:, 2] = 1e6
    until = said.until(np.array([60.0, 61.0]))
    assert until[0] == pytest.approx(said.quantiles[0, :2].max(0))
    assert (until[1] == 1e6).all()


def test_longer_intervals_are_steps_of_their_own():
    said = played(made(bin_s=60.0), counts(40))[-1]
    assert said.horizons_s.tolist() == [60.0, 120.0]


def test_the_median_alone_is_not_calibrated():
    said = played(made(quantile=0.5), counts(60))[-1]
    assert said.levels == (0.5,)
    assert said.calibrated_on == 0


def test_a_copy_goes_on_by_itself():
    arrivals = counts(90)
    model = made("persistence")
    played(model, arrivals[:70])
    again = copy.deepcopy(model)
    first = played(model, arrivals[70:])
    second = played(again, arrivals[70:])
    assert np.array_equal(first[-1].quantiles, second[-1].quantiles)


def test_its_version_depends_on_the_networks_weights(tmp_path, monkeypatch):
    before = [modelled.version(name) for name in ("bilstm", "persistence")]
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(modelled, "SHIPPED", tmp_path)
    after = [modelled.version(name) for name in ("bilstm", "persistence")]
    assert before[0] != after[0]
    assert before[1] == after[1]
