"""Histories in, quantiles out: the cut-off holds, odd histories give sensible answers."""

import numpy as np
import pytest
import torch

from engine.errors import CheckpointError, UsageError
from engine.forecast.gaps import filled
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.neural import SHIPPED, NeuralForecaster
from engine.forecast.neural_attention import faithfulness
from engine.forecast.training_data import HORIZONS_S, workload
from models.forecaster import CORES, NetworkConfig, build

LEVELS = (0.1, 0.5, 0.9)


def forecaster(core="bilstm"):
    return NeuralForecaster(build(NetworkConfig(core=core, hidden=8, width=16), 0), {})


def demand(pools=3, steps=700, seed=0):
    rng = np.random.default_rng(seed)
    wave = 5 + 3 * np.sin(np.arange(steps) * 2 * np.pi / 288)
    return rng.poisson(wave * 60, (pools, steps)) / 60


@pytest.mark.parametrize("core", sorted(CORES))
def test_nothing_after_the_cut_off_changes_a_forecast(core):
    series = demand()
    for cut in (40, 333, 699):
        changed = series.copy()
        changed[:, cut:] = 1e6
        plain, other = (
            forecaster(core).predict_quantiles(
                Histories(demand=s[:, :cut], step_s=300.0, end_s=cut * 300.0), HORIZONS_S, LEVELS
            )
            for s in (series, changed)
        )
        assert np.array_equal(plain, other)


@pytest.mark.parametrize("factor", [1e-3, 1e5])
def test_forecasts_scale_with_demand(factor):
    """Only the count per step, capped, tells a network how large demand is."""
    model = forecaster()
    with torch.no_grad():
        model.model.context.weight[:, 22] = 0.0  # reads the count per step
    plain, scaled = (
        model.predict_quantiles(
            Histories(demand=demand() * f, step_s=300.0, end_s=0.0), HORIZONS_S, LEVELS
        )
        for f in (1.0, factor)
    )
    assert scaled == pytest.approx(plain * factor, rel=1e-3)


@pytest.mark.parametrize("step_s", [1.0, 15.0, 60.0, 300.0, 3600.0])
def test_one_network_serves_every_step_length(step_s):
    histories = Histories(demand=demand(), step_s=step_s, end_s=7200.0)
    quantiles = forecaster().predict_quantiles(histories, HORIZONS_S, LEVELS)
    assert quantiles.shape == (3, 6, 3)
    assert np.isfinite(quantiles).all()


@pytest.mark.parametrize(
    "history",
    [
        np.zeros((1, 400)),
        np.full((1, 400), 7.0),
        np.append(np.ones((1, 399)), [[1000.0]], 1),
        np.append(np.full((1, 200), 1000.0), np.zeros((1, 200)), 1),
        np.full((1, 400), 1e15),
        np.full((1, 400), 1e-9),
        demand(1, 30),
        demand(1, 4),
    ],
    ids=["zeros", "constant", "spike", "ends", "huge", "tiny", "30 points", "4 points"],
)
def test_odd_histories_give_a_sensible_forecast(history):
    quantiles = forecaster().predict_quantiles(
        Histories(demand=history, step_s=300.0, end_s=0.0), HORIZONS_S, LEVELS
    )
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert quantiles.min() >= 0
    assert quantiles.max() <= 5 * max(history.max(), 1.0)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (np.ones((1, 3)), "shape"),
        (-np.ones((1, 50)), "negative"),
        (np.full((1, 50), np.inf), "infinite"),
        (np.full((1, 50), np.nan), "gaps only"),
    ],
)
def test_histories_that_cannot_be_read_are_refused_with_a_reason(history, message):
    with pytest.raises(UsageError, match=message):
        forecaster().predict_quantiles(
            Histories(demand=history, step_s=60.0, end_s=0.0), HORIZONS_S, LEVELS
        )


def test_gaps_are_filled_along_a_straight_line():
    gap = np.array([[1.0, np.nan, 3.0, np.nan, np.nan], [5.0, 5.0, 5.0, 5.0, 5.0]])
    assert filled(gap).tolist() == [[1, 2, 3, 3, 3], [5, 5, 5, 5, 5]]


def test_any_quantiles_can_be_asked_for_within_those_learned():
    histories = Histories(demand=demand(), step_s=60.0, end_s=0.0)
    model = forecaster()
    many = model.predict_quantiles(histories, (60.0,), (0.01, 0.1, 0.3, 0.5, 0.8, 0.9, 0.99))
    few = model.predict_quantiles(histories, (60.0,), LEVELS)
    assert (np.diff(many, axis=-1) >= 0).all()
    assert many[..., [1, 3, 5]] == pytest.approx(few)
    for bad in ((0.001,), (0.5, 0.1), ()):
        with pytest.raises(UsageError):
            model.predict_quantiles(histories, (60.0,), bad)


def test_horizons_round_up_to_whole_steps():
    assert steps_ahead(HORIZONS_S, 300.0).tolist() == [1, 1, 1, 1, 3, 12]
    assert steps_ahead(HORIZONS_S, 15.0).tolist() == [2, 4, 8, 20, 60, 240]


def test_pools_of_a_batch_do_not_see_each_other():
    series, model = demand(pools=1030), forecaster()  # more than one chunk

    def ask(rows):
        histories = Histories(demand=series[rows], step_s=300.0, end_s=0.0)
        return model.predict_quantiles(histories, HORIZONS_S, LEVELS)

    together = ask(slice(None))
    for row in (0, 1023, 1029):
        assert ask([row])[0] == pytest.approx(together[row], rel=1e-4)


def test_a_missing_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match="forecast train"):
        NeuralForecaster.load(tmp_path / "none")


def test_the_shipped_model_beats_persistence_on_workloads_it_never_saw():
    """In pinball at the median, over generated workloads of a seed of their own."""
    model, ours, naive = NeuralForecaster.load(SHIPPED), 0.0, 0.0
    for seed in range(30):
        series = workload(np.random.default_rng([9, seed]), 60.0)
        cuts = np.arange(2000, 6000, 200)
        rows = np.stack([series.demand[cut - 1600 : cut] for cut in cuts])
        end_s = series.start_s + cuts * 60.0
        histories = Histories(demand=rows, step_s=60.0, end_s=end_s)
        median = model.predict_quantiles(histories, (900.0,), (0.5,))[:, 0, 0]
        came = series.demand[cuts + 14]
        scale = np.abs(came - rows[:, -1]).mean() + 1e-9
        ours += np.abs(came - median).mean() / scale
        naive += np.abs(came - rows[:, -1]).mean() / scale
    assert ours < 0.9 * naive


class Pointer:
    """A network that reads the last step's demand only, and says that it reads step `says`."""

    config = NetworkConfig(core="ssm")  # one that only torch runs

    def __init__(self, says):
        self.says = says

    def to(self, device):
        return self

    def eval(self):
        return self

    def __call__(self, inputs):
        last = inputs.steps[:, -1, 11].exp()[:, None, None]
        return last * torch.linspace(0.9, 1.1, 9)

    def attention(self, inputs):
        weight = torch.full((len(inputs.steps), 12), 0.01)
        weight[:, self.says] = 0.89
        return torch.full((len(inputs.steps), 12, 23), 1 / 23), weight


@pytest.mark.parametrize(("says", "faithful"), [(-1, True), (0, False)])
def test_attention_is_faithful_only_where_hiding_its_step_hurts(says, faithful):
    series = np.random.default_rng(0).gamma(2.0, 1.0, (400, 60))
    histories = Histories(demand=series, step_s=60.0, end_s=0.0)
    model = NeuralForecaster(Pointer(says), {})
    result = faithfulness(model, histories, series[:, -1:], np.array([1]))
    assert result.low <= result.gain <= result.high
    assert result.faithful == faithful
