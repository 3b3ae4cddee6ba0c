"""Networks without torch give what they give with it."""

import numba
import numpy as np
import pytest
import torch

from engine.forecast import neural_lanes
from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster, encode_histories, tensors
from engine.forecast.neural_kernel import LANES, RecurrentKernel
from models.forecaster import NetworkConfig, build

AHEAD = np.array([1, 2, 12])


def network(core, seed=0):
    model = build(NetworkConfig(core=core, hidden=8, width=20), seed).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model


def encoded(pools, steps=600, seed=0, features=False):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(4, (pools, steps)) * rng.lognormal(0, 2, (pools, 1))
    end_s = np.where(rng.random(pools) < 0.5, np.nan, 1e5)
    more = {}
    if features:
        more["features"] = rng.normal(size=(pools, 12, 23))
        more["present"] = rng.random((pools, 23)) < 0.3
    return encode_histories(Histories(demand=demand, step_s=300.0, end_s=end_s, **more), AHEAD)


@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("pools", [1, 3, LANES, LANES + 7])
@pytest.mark.parametrize("core", RecurrentKernel.CORES)
def test_it_gives_what_the_module_gives(core, pools, features):
    model, inputs = network(core), encoded(pools, features=features)
    with torch.inference_mode():
        slow = model(tensors(inputs)).numpy()
    assert RecurrentKernel(model)(inputs) == pytest.approx(slow, rel=5e-5, abs=5e-5)


def test_the_shipped_network_gives_the_same_both_ways():
    forecaster, inputs = NeuralForecaster.load(), encoded(300)
    with torch.inference_mode():
        slow = forecaster.model(tensors(inputs)).numpy()
    assert RecurrentKernel(forecaster.model)(inputs) == pytest.approx(slow, rel=2e-5, abs=2e-5)


def test_weights_that_changed_in_place_count_at_once():
    model, inputs = network("bilstm"), encoded(4)
    kernel = RecurrentKernel(model)
    before = kernel(inputs)
    model.load_state_dict(network("bilstm", seed=1).state_dict())
    after = kernel(inputs)
    assert not np.allclose(before, after)
    assert np.array_equal(after, RecurrentKernel(model)(inputs))


def test_a_batch_gives_each_pool_what_it_gets_alone():
    model, inputs = network("bilstm"), encoded(LANES + 3)
    kernel = RecurrentKernel(model)
    together = kernel(inputs)
    for pool in (0, LANES - 1, LANES, LANES + 2):
        alone = type(inputs)(
            **{name: getattr(inputs, name)[pool : pool + 1] for name in inputs.__slots__}
        )
        assert kernel(alone)[0] == pytest.approx(together[pool], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "right", "error"),
    [("tanh", np.tanh, 4e-7), ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), 4e-7),
     ("softplus", lambda x: np.logaddexp(0, x), 3e-6)],
)  # fmt: skip
def test_series_are_exact_enough(name, right, error):
    series = getattr(neural_lanes, name)

    @numba.njit
    def each(values, out):
        for at in range(len(values)):
            out[at] = series(values[at])

    at = np.linspace(-30, 30, 100_001).astype(np.float32)
    out = np.empty_like(at)
    each(at, out)
    assert np.abs(out - right(at.astype(np.float64))).max() < error
