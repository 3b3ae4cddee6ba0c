"""Training on generated workloads, and fitting to one trace, at sizes that take seconds."""

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster
from engine.forecast.training import TrainOptions, train
from engine.forecast.training_data import STEPS_S, cut, examples, horizons, workload
from engine.forecast.training_fit import fit_to_trace
from models.forecaster import NetworkConfig, build

SMALL = TrainOptions(series=20, epochs=2, hidden=8, width=16)


@pytest.mark.parametrize("step_s", STEPS_S)
def test_workloads_are_finite_demand(step_s):
    for seed in range(5):
        series = workload(np.random.default_rng(seed), step_s)
        assert np.isfinite(series.demand).all()
        assert series.demand.min() >= 0


def test_the_same_seed_gives_the_same_examples():
    first, again, other = examples(3, 5), examples(3, 5), examples(3, 6)
    assert np.array_equal(first.value, again.value)
    assert first.value.shape != other.value.shape or not np.array_equal(first.value, other.value)


def test_examples_hold_what_came_after_their_windows():
    rng = np.random.default_rng(1)
    series = workload(rng, 60.0)
    ahead, cuts = horizons(rng, 60.0), np.array([500, 900])
    made = cut(series, cuts, 300, ahead)
    came = made.value * made.encoded.level[:, None]
    assert came == pytest.approx(series.demand[cuts[:, None] + ahead - 1], rel=1e-5)


def test_inputs_of_an_example_do_not_know_its_future():
    series = workload(np.random.default_rng(2), 60.0)
    cuts, ahead = np.array([700]), np.array([1, 15, 60])
    plain = cut(series, cuts, 400, ahead).encoded
    series.demand[700:] += 1000.0
    changed = cut(series, cuts, 400, ahead).encoded
    for one, other in zip(plain.arrays(), changed.arrays(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
def test_training_improves_and_leaves_a_checkpoint_that_forecasts(tmp_path):
    told = []
    fitted = train(tmp_path, SMALL, lambda share, text: told.append(share))
    assert fitted.after < fitted.before
    assert told == sorted(told)
    assert told[-1] == 1.0
    model = NeuralForecaster.load(tmp_path)
    ones = Histories(demand=np.ones((1, 50)), step_s=60.0, end_s=0.0)
    assert model.predict_quantiles(ones, (60.0,), (0.5,))[0, 0, 0] == pytest.approx(1.0, abs=0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.slow
def test_training_that_is_cancelled_stops_after_the_epoch(tmp_path):
    fitted = train(tmp_path, SMALL, cancelled=lambda: True)
    assert fitted.stopped == "cancelled"
    assert len(fitted.curve) == 1


def test_wrong_options_are_refused():
    with pytest.raises(UsageError, match="epochs"):
        TrainOptions(epochs=0)


@pytest.mark.slow
def test_fit_to_a_trace_is_never_worse_on_validation_and_leaves_the_first_model_alone():
    model = NeuralForecaster(build(NetworkConfig(hidden=8, width=16), 0), {})
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    wave = 20 + 15 * np.sin(np.arange(900) / 20)
    demand = np.random.default_rng(0).poisson(wave * 60) / 60
    fitted = fit_to_trace(model, demand, 60.0, 0.0, epochs=3)
    assert fitted.after < fitted.before
    assert all(torch.equal(w, before[n]) for n, w in model.model.state_dict().items())
    noise = np.random.default_rng(1).permutation(demand) * np.linspace(1, 40, 900)
    again = fit_to_trace(fitted.forecaster, noise, 60.0, 0.0, epochs=2)
    assert again.after <= again.before


def test_a_trace_that_is_too_short_to_fit_says_so():
    model = NeuralForecaster(build(NetworkConfig(hidden=8, width=16), 0), {})
    with pytest.raises(UsageError, match="at least 120 steps"):
        fit_to_trace(model, np.ones(100), 60.0, 0.0)
