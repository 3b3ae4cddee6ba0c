"""The compiled actors say what torch says, and why."""

import numpy as np
import pytest
import torch

from engine.learn import actors
from engine.learn.cells import FUTURES
from engine.learn.checkpoint import INPUTS, SIZES_GROUPS, TOKENS, load, save, sizes
from engine.learn.insight import act, insight_of
from engine.learn.tokens import WIDTH
from models.learners import learner_of
from models.sac import Batch, Learner
from models.sac_options import Options, told
from models.sac_values import distil, value_rows

POOLS = 9


@pytest.fixture(scope="module", params=["mlp", "transformer"])
def both(request, tmp_path_factory):
    """A learner with weights far from those it starts with, and what is loaded of it."""
    rng = np.random.default_rng(4)
    shift, scale = rng.standard_normal(WIDTH), rng.uniform(0.5, 2.0, WIDTH)
    options = Options(actor=request.param, token_width=16, width=24)
    learner = Learner(
        options, sizes(FUTURES), 5, shift.astype(np.float32), scale.astype(np.float32)
    )
    for parameter in learner.used.parameters():
        noise = torch.from_numpy(rng.standard_normal(parameter.shape).astype(np.float32))
        parameter.data += 0.3 * noise
    if request.param == "transformer":
        learner.used.embed.data *= learner.used.mask
    folder = tmp_path_factory.mktemp(request.param)
    save(learner, folder, {})
    return learner, load(folder)[0]


def seen(pools=POOLS, seed=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((pools, WIDTH)) * 2.0, rng.dirichlet(np.ones(5), pools)


def inputs_of(weights, rows, priorities):
    made = np.empty((len(rows), INPUTS), np.float32)
    actors.standardise(rows, weights.shift, weights.scale, weights.told(priorities), made)
    return made


def test_the_compiled_actor_answers_as_torch_does(both):
    learner, weights = both
    rows, priorities = seen()
    expected = learner.act(learner.standard(rows), priorities, None)
    answer, _ = act(weights, inputs_of(weights, rows, priorities))
    assert expected.std() > 0.05
    assert answer == pytest.approx(expected, abs=1e-5)


def test_a_dqn_takes_the_position_that_is_worth_most_under_the_priorities(tmp_path):
    zeros, ones = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    learner = learner_of(Options(actor="dqn", width=24), sizes(FUTURES), 5, zeros, ones, "cpu")
    with torch.no_grad():
        learner.used.b3.normal_()
        learner.used.w3.normal_()
    save(learner, tmp_path, {})
    rows, priorities = seen()
    one = np.broadcast_to(priorities[0], priorities.shape)
    weights = load(tmp_path)[0].under(priorities[0])
    expected = learner.act(learner.standard(rows), one, None)
    assert len(set(expected)) > 1
    assert act(weights, inputs_of(weights, rows, one))[0] == pytest.approx(expected)


def test_networks_read_how_small_a_priority_is_and_not_only_that_it_is_small():
    read = told(np.array([0.0, 0.005, 0.02, 0.1, 1.0]), 0.004)
    assert (np.diff(read) > 0.3).all()
    assert np.abs(read).max() < 2.1
    assert told(np.array([0.25]), 0.0) == [0.25]


def test_pools_in_another_order_get_the_same_answers_in_that_order(both):
    _, weights = both
    inputs = inputs_of(weights, *seen())
    order = np.random.default_rng(1).permutation(POOLS)
    assert np.array_equal(act(weights, inputs[order])[0], act(weights, inputs)[0][order])


def test_attention_is_that_of_torch_and_sums_to_one(both):
    learner, weights = both
    inputs = inputs_of(weights, *seen())
    found = insight_of(
        weights, inputs, act(weights, inputs)[0], np.ones(POOLS), np.zeros((POOLS, 4))
    )
    if learner.options.actor == "mlp":
        assert found.attention is None
        assert found.rollout is None
        return
    with torch.inference_mode():
        _, expected = learner.used.attended(torch.from_numpy(inputs))
    assert found.attention == pytest.approx(expected.numpy(), abs=1e-5)
    assert found.attention.shape == (POOLS, 2, 4, len(TOKENS) + 1)
    assert found.attention.sum(-1) == pytest.approx(1.0, abs=1e-5)
    assert found.rollout.sum(-1) == pytest.approx(1.0)
    assert (found.rollout > 0.0).all()


def test_values_are_those_of_torch_for_the_chosen_position_and_its_neighbours(both):
    learner, weights = both
    inputs = inputs_of(weights, *seen())
    action = act(weights, inputs)[0]
    found = insight_of(weights, inputs, action, np.ones(POOLS), np.zeros((POOLS, 4)))
    assert found.actions[:, 1] == pytest.approx(action)
    for place in range(3):
        rows = value_rows(
            inputs[:, :WIDTH], inputs[:, WIDTH:], found.actions[:, place].astype(np.float32)
        )
        with torch.inference_mode():
            expected = learner.values(torch.from_numpy(rows)).numpy()
        assert found.values[:, place] == pytest.approx(expected, abs=1e-4)


def test_an_effect_is_what_the_answer_moves_by_without_the_group(both):
    _, weights = both
    inputs = inputs_of(weights, *seen())
    action = act(weights, inputs)[0]
    found = insight_of(weights, inputs, action, np.ones(POOLS), np.zeros((POOLS, 4)))
    group = TOKENS.index("forecast")
    without = inputs.copy()
    without[:, list(SIZES_GROUPS[group])] = 0.0
    assert found.effect[:, group] == pytest.approx(action - act(weights, without)[0])
    assert np.abs(found.effect).max() > 0.01


def test_an_effect_counts_the_offset_that_was_added(both):
    _, weights = both
    inputs = inputs_of(weights, *seen())
    plain = act(weights, inputs)[0]
    added = 0.5 - float(np.median(plain))  # the dial ends between the answers
    action = np.minimum(plain + 0.5 + added, 1.0)
    found = insight_of(weights, inputs, action, np.ones(POOLS), np.zeros((POOLS, 4)), 0.5 + added)
    group = TOKENS.index("forecast")
    without = inputs.copy()
    without[:, list(SIZES_GROUPS[group])] = 0.0
    other = np.clip(act(weights, without)[0] + 0.5 + added, -1.0, 1.0)
    assert found.effect[:, group] == pytest.approx(action - other)
    assert (action == 1.0).any()
    assert (action < 1.0).any()


def test_expected_rates_are_the_forecast_over_the_level(both):
    _, weights = both
    inputs = inputs_of(weights, *seen(1))
    ahead = np.log([[1.0, 1.5, 2.0, 4.0]])
    found = insight_of(weights, inputs, np.zeros(1), np.array([3.0]), ahead)
    assert found.expected_per_s == pytest.approx(np.array([[3.0, 4.5, 6.0, 12.0]]))


@pytest.mark.slow
def test_what_is_told_without_the_future_is_close_to_what_critics_say_on_average():
    """Distilled from critics of a learner, on states where the future is noise."""
    options = Options(width=24, batch=128)
    zeros, ones = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    learner = Learner(options, sizes(FUTURES), 1, zeros, ones)
    rng = np.random.default_rng(3)

    def batch(number=128):
        rows = rng.standard_normal((number, WIDTH)).astype(np.float32)
        future = rng.standard_normal((number, FUTURES)).astype(np.float32)
        action = rng.uniform(-1, 1, number).astype(np.float32)
        weights = rng.dirichlet(np.ones(5), number).astype(np.float32)
        return Batch(rows, future, action, np.zeros((number, 5)), rows, future, weights)

    network = distil(learner, batch, rng, 400)
    fresh = batch(2000)
    wanted = learner.judged(fresh, fresh.action)
    with torch.inference_mode():
        rows = value_rows(fresh.rows, told(fresh.weights, options.told_least), fresh.action)
        said = network(torch.from_numpy(rows)).numpy()
    assert ((said - wanted) ** 2).mean() < 0.8 * wanted.var(0).mean()
