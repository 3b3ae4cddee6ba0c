"""The core of Soft Actor-Critic, by hand: targets, losses, densities, and what comes of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models.sac import Batch, Learner, adam
from models.sac_options import Options, Sizes

SIZES = Sizes(tokens=3, scores=2, futures=1, groups=((0, 1), (2,), (3, 4)))
SMALL = Options(width=4, token_width=4, heads=2, batch=2, gamma=0.5, steps=2, actor_every=1)
ACTION, FUTURE = -2, -3
"""Columns in what critics read."""
UNEVEN = np.array([[0.2, 0.8], [0.8, 0.2]], np.float32)
CAREFUL, BOLD = (5.0, 0.0), (1.0, 3.0)
"""Under the first of UNEVEN they weigh 1.0 and 2.6, under the second 4.0 and 1.4. Evenly weighed
the bold one is smaller, and number by number neither."""


class Told(nn.Module):
    """Critics that say what they are told to: rows (B, inputs) to (2, B, K)."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.moved = answer, nn.Parameter(torch.zeros(1))

    def forward(self, rows):
        return self.answer(rows) + self.moved


def always(*vectors):
    """The same vectors for every row, of the first and of the second critic."""
    told = torch.tensor(vectors)[:, None]
    return lambda rows: told.expand(-1, len(rows), -1)


def learner_with(critics=None, targets=None, options=SMALL, alpha=1e-12):
    """A learner whose critics or targets are told; what critics say stays as it is."""
    zeros, ones = np.zeros(SIZES.tokens, np.float32), np.ones(SIZES.tokens, np.float32)
    learner = Learner(options, SIZES, 0, zeros, ones)
    for name, told in (("critics", critics), ("targets", targets)):
        if told is not None:
            setattr(learner, name, Told(told))
    learner.critic_optimizer = adam(learner.critics.parameters(), 0.0)
    with torch.no_grad():
        learner.log_alpha.fill_(math.log(alpha))
    return learner


def batch_of(reward, weights=UNEVEN, importance=None):
    number = len(weights)
    rng = np.random.default_rng(1)
    rows, after = rng.standard_normal((2, number, SIZES.tokens)).astype(np.float32)
    future = np.zeros((number, SIZES.futures), np.float32)
    return Batch(
        rows, future, np.zeros(number, np.float32), np.array(reward, np.float32), after, future,
        np.asarray(weights, np.float32), importance,
    )  # fmt: skip


SILENT = always((0.0, 0.0), (0.0, 0.0))
EARNED = [[1.0, 2.0], [0.0, 0.0]]
STILL = np.zeros((2, 2), np.float32)


@pytest.mark.parametrize("order", [1, -1])
def test_the_target_takes_the_whole_vector_of_the_critic_whose_weighed_sum_is_smaller(order):
    """Wanted: (1, 2) + 0.25 x (5, 0) = (2.25, 2) and 0.25 x (1, 3) = (0.25, 0.75)."""
    learner = learner_with(SILENT, always(*(CAREFUL, BOLD)[::order]))
    logged = learner.update(batch_of(EARNED), STILL)
    assert logged["critic_loss"] == pytest.approx(2 * (5.0625 + 4.0 + 0.0625 + 0.5625) / 4)
    assert learner.surprise == pytest.approx([0.2 * 2.25 + 0.8 * 2.0, 0.8 * 0.25 + 0.2 * 0.75])


def test_the_target_holds_the_discounted_value_after_n_steps_and_no_entropy():
    """However dear certainty is: rewards are sums of scores, and so stay the values."""
    learner = learner_with(SILENT, always(CAREFUL, CAREFUL), alpha=100.0)
    options = replace(SMALL, gamma=0.9, steps=3)
    learner.options = options
    learner.update(batch_of(EARNED), np.full((2, 2), 2.5, np.float32))
    after = 0.9**3 * 5.0
    assert learner.surprise == pytest.approx([0.2 * (1 + after) + 0.8 * 2.0, 0.8 * after])


def test_the_target_is_of_what_the_actor_would_do_next_there_and_of_what_comes_after():
    def said(rows):
        return (rows[:, ACTION] + rows[:, FUTURE])[None, :, None].expand(2, -1, 2)

    learner = learner_with(SILENT, said)
    later = np.array([[30.0], [-20.0]], np.float32)
    batch = batch_of([[0.0, 0.0]] * 2)._replace(next_future=later)
    noise = np.array([[0.4, -1.3], [9.0, 9.0]], np.float32)
    with torch.no_grad():
        seen = learner.seen(batch.next_rows, batch.weights)
        mean, log_std = learner.actor(seen)
        learner.used.b3.fill_(3.0)  # what is used acts otherwise than what learns
    learner.update(batch, noise)
    chosen = np.tanh(mean.numpy() + np.exp(log_std.numpy()) * noise[0])
    assert learner.surprise == pytest.approx(0.25 * np.abs(chosen + later[:, 0]), rel=1e-5)


def test_transitions_count_by_their_importance():
    learner = learner_with(SILENT, SILENT)
    counts = np.array([0.5, 3.0], np.float32)
    logged = learner.update(batch_of([[1.0, 2.0], [3.0, 0.0]], importance=counts), STILL)
    assert logged["critic_loss"] == pytest.approx(2 * (0.5 * (1 + 4) + 3.0 * (9 + 0)) / 4)


def test_scalar_critics_learn_the_weighed_sum_and_the_smaller_of_two():
    """Wanted: 0.2 x 1 + 0.8 x 2 + 0.25 x 1.5 and 0.25 x 1.5."""
    told = always((0.0,), (0.0,)), always((2.5,), (1.5,))
    learner = learner_with(*told, replace(SMALL, vector=False))
    learner.update(batch_of(EARNED), STILL)
    assert learner.surprise == pytest.approx([1.8 + 0.375, 0.375])


@pytest.mark.parametrize("order", [1, -1])
def test_the_actors_loss_takes_the_smaller_critic_too(order):
    """Weighed, row by row: 1.0 of the careful one, 1.4 of the bold one."""
    learner = learner_with(always(*(CAREFUL, BOLD)[::order]), SILENT)
    logged = learner.update(batch_of(EARNED), STILL)
    assert logged["actor_loss"] == pytest.approx(-(1.0 + 1.4) / 2)


def test_the_actors_loss_holds_the_temperature_times_the_density():
    learner = learner_with(SILENT, SILENT, alpha=3.0)
    logged = learner.update(batch_of(EARNED), np.ones((2, 2), np.float32))
    assert logged["actor_loss"] == pytest.approx(-3.0 * logged["entropy"], rel=1e-5)


@pytest.mark.parametrize("actor", ["mlp", "transformer"])
def test_the_density_of_an_action_is_the_slope_of_its_distribution_and_integrates_to_one(actor):
    learner = learner_with(options=replace(SMALL, actor=actor))
    rng = np.random.default_rng(2)
    seen = torch.from_numpy(rng.standard_normal((5, SIZES.tokens + SIZES.scores)))
    network = learner.actor.double()
    noise = torch.linspace(-8.0, 8.0, 8001, dtype=torch.float64)
    with torch.no_grad():
        sampled = [network.sample(row.expand(len(noise), -1), noise) for row in seen]
        shares = torch.special.ndtr(noise).numpy()
    for action, density in sampled:
        chosen, found = action.numpy(), np.exp(density.numpy())
        assert np.trapezoid(found, chosen) == pytest.approx(1.0, abs=1e-4)
        middle = slice(2000, 6001)  # four spreads: beyond, differences of shares are rounding
        slope = np.gradient(shares, chosen)[middle]
        assert found[middle] == pytest.approx(slope, rel=1e-3)


def test_a_density_at_the_end_of_the_dial_is_finite():
    learner = learner_with()
    with torch.no_grad():
        learner.actor.b3[0] = 30.0
        action, density = learner.actor.sample(torch.zeros(1, 5), torch.zeros(1))
        _, log_std = learner.actor(torch.zeros(1, 5))
    assert float(action) == 1.0
    about = 2 * 30.0 - 2 * math.log(2.0) - float(log_std) - 0.5 * math.log(2 * math.pi)
    assert float(density) == pytest.approx(about, rel=0.02)


@pytest.mark.parametrize(("wanted", "sign"), [(9.0, 1), (-9.0, -1)])
def test_the_temperature_rises_while_actions_are_too_certain_and_falls_else(wanted, sign):
    learner = learner_with(SILENT, SILENT, alpha=0.1)
    learner.target_entropy = wanted
    learner.update(batch_of(EARNED), STILL)
    moved = float(learner.log_alpha.detach()) - math.log(0.1)
    assert moved == pytest.approx(sign * SMALL.rate, rel=1e-3)  # the first step of Adam


@pytest.mark.parametrize("actor", ["mlp", "transformer"])
def test_the_gradient_of_the_actors_loss_is_that_of_finite_differences(actor):
    """Through the action into the critics and through the density, for every parameter."""
    options = replace(SMALL, actor=actor, rate=0.0, clip_actor=1e9)
    learner = learner_with(options=options, alpha=0.3)
    for network in (learner.actor, learner.used, learner.critics):
        network.double()
    rng = np.random.default_rng(3)
    number = 6
    seen, future, weights, noise = (
        torch.from_numpy(rng.standard_normal(shape))
        for shape in ((number, 5), (number, 1), (number, 2), (number,))
    )

    def loss():
        return learner._improve(seen, future, weights.abs(), noise)["actor_loss"]

    loss()
    parameters = list(learner.actor.parameters())
    gradients = [parameter.grad.clone().flatten() for parameter in parameters]
    assert all(float(gradient.abs().max()) > 1e-6 for gradient in gradients)
    step = 1e-5
    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat = parameter.data.view(-1)
        for place in rng.choice(len(flat), min(len(flat), 12), replace=False):
            around = []
            for sign in (1.0, -1.0):
                flat[place] += sign * step
                around.append(loss())
                flat[place] -= sign * step
            slope = (around[0] - around[1]) / (2 * step)
            assert float(gradient[place]) == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_targets_follow_the_critics_and_the_used_actor_those_learned():
    learner = learner_with(options=replace(SMALL, tau=0.25, ema=0.9))
    with torch.no_grad():
        learner.targets.b3.fill_(8.0)
        learner.used.b3.fill_(8.0)
    learner.update(batch_of(EARNED), STILL)
    near, far = learner.critics.b3, learner.targets.b3
    assert torch.allclose(far, 8.0 + 0.25 * (near - 8.0))
    assert torch.allclose(learner.used.b3, 8.0 + 0.1 * (learner.actor.b3 - 8.0))


def test_the_actor_stands_still_between_its_updates():
    learner = learner_with(options=replace(SMALL, actor_every=3))
    before = learner.actor.b3.detach().clone()
    logged = [learner.update(batch_of(EARNED), STILL) for _ in range(3)]
    assert ["actor_loss" in each for each in logged] == [False, False, True]
    assert not torch.equal(learner.actor.b3, before)


def test_no_gradient_is_longer_than_its_clip():
    options = replace(SMALL, clip_critics=1e-3, clip_actor=1e-4, actor_every=2)
    learner, batch = learner_with(options=options), batch_of([[90.0, -40.0], [0.0, 70.0]])
    for network, longest in ((learner.critics, 1e-3), (learner.actor, 1e-4)):
        learner.update(batch, np.ones((2, 2), np.float32))
        length = torch.stack([(p.grad**2).sum() for p in network.parameters()]).sum().sqrt()
        assert float(length) == pytest.approx(longest, rel=0.02)


def test_rates_fall_to_a_tenth_along_a_half_cosine_and_the_wanted_entropy_evenly():
    learner = learner_with(options=replace(SMALL, critic_rate=2.0))
    for done, part, wanted in ((0.0, 1.0, -1.0), (0.5, 0.55, -1.5), (1.0, 0.1, -2.0)):
        learner.pace(done)
        rates = [
            optimizer.param_groups[0]["lr"] / SMALL.rate
            for optimizer in (
                learner.actor_optimizer, learner.critic_optimizer, learner.alpha_optimizer
            )
        ]  # fmt: skip
        assert rates == pytest.approx([part, 2.0 * part, part])
        assert learner.target_entropy == pytest.approx(wanted)


@pytest.mark.parametrize("privileged", [True, False])
def test_the_future_reaches_critics_that_may_see_it_and_no_others(privileged):
    learner = learner_with(options=replace(SMALL, privileged=privileged))
    batch = batch_of(EARNED)
    one, other = (
        learner.judged(batch._replace(future=np.full((2, 1), value, np.float32)), batch.action)
        for value in (-3.0, 3.0)
    )
    assert np.array_equal(one, other) is not privileged


def test_used_it_acts_by_the_running_means_middle_and_exploring_by_what_it_learned():
    learner, batch = learner_with(), batch_of(EARNED)
    with torch.no_grad():
        learner.used.b3.add_(0.5)
        seen = learner.seen(batch.rows, batch.weights)
        used, (mean, log_std) = learner.used(seen)[0].numpy(), learner.actor(seen)
    assert learner.act(batch.rows, batch.weights, None) == pytest.approx(np.tanh(used), rel=1e-5)
    noise = np.array([0.7, -2.0])
    raw = mean.numpy() + np.exp(log_std.numpy()) * noise
    assert learner.act(batch.rows, batch.weights, noise) == pytest.approx(np.tanh(raw), rel=1e-5)


PRIORITIES = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
AIM = -1.0


def earned_by(action):
    """(B, 2) scores, each best at another action."""
    return np.stack([-4.0 * (action - 0.5) ** 2, -4.0 * (action + 0.5) ** 2], 1)


def one_state(action, weights):
    rows = np.zeros((len(action), SIZES.tokens), np.float32)
    future = np.zeros((len(action), SIZES.futures), np.float32)
    return Batch(rows, future, action, earned_by(action), rows, future, weights)


@pytest.fixture(scope="module")
def bandit():
    """A learner at the end of a task of one state, and its logs.

    Scores are those of `earned_by`; under priorities (p, 1 - p) the best action is p - 0.5.
    """
    options = Options(width=32, batch=128, gamma=0.5, steps=1, tau=0.02, ema=0.98, rate=2e-3)
    zeros, ones = np.zeros(SIZES.tokens, np.float32), np.ones(SIZES.tokens, np.float32)
    learner, rng = Learner(options, SIZES, 1, zeros, ones), np.random.default_rng(4)
    learner.target_entropy = AIM
    logs = []
    for _ in range(1500):
        number = options.batch
        action = rng.uniform(-1, 1, number).astype(np.float32)
        part = rng.uniform(0, 1, number)
        weights = np.stack([part, 1.0 - part], 1).astype(np.float32)
        batch = one_state(action, weights)
        logs.append(learner.update(batch, rng.standard_normal((2, number)).astype(np.float32)))
    return learner, logs


def test_a_task_of_one_state_ends_at_the_best_action_for_every_priority(bandit):
    learner, _ = bandit
    rows = np.zeros((len(PRIORITIES), SIZES.tokens), np.float32)
    assert learner.act(rows, PRIORITIES, None) == pytest.approx(PRIORITIES[:, 0] - 0.5, abs=0.08)


def test_there_the_entropy_ends_at_what_was_wanted(bandit):
    _, logs = bandit
    entropy = [log["entropy"] for log in logs if "entropy" in log]
    assert entropy[0] > AIM + 0.5
    assert np.mean(entropy[-50:]) == pytest.approx(AIM, abs=0.1)


def test_there_the_critics_end_at_the_discounted_sum_of_what_the_actor_earns(bandit):
    """A constant state: value = mean reward / (1 - gamma), score by score."""
    learner, _ = bandit
    many, noise = np.repeat(PRIORITIES, 4000, 0), np.random.default_rng(5).standard_normal(12_000)
    action = learner.act(np.zeros((len(many), SIZES.tokens), np.float32), many, noise)
    mean = earned_by(action).reshape(len(PRIORITIES), -1, 2).mean(1)
    best = (PRIORITIES[:, 0] - 0.5).astype(np.float32)
    said = learner.judged(one_state(best, PRIORITIES.astype(np.float32)), best)
    assert said == pytest.approx(earned_by(best) + 0.5 * mean / (1 - 0.5), abs=0.15)
