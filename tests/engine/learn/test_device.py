"""Learners keep all of an update on one device, a GPU where there is one.

No GPU is needed: torch's device `meta`, whose tensors have shapes and no numbers, is as foreign to
arrays as one.
"""

import numpy as np
import pytest
import torch

from engine.learn.lessons import PLACES
from engine.learn.rewards import SCORES, fresh_weights
from engine.learn.training import SIZES
from models import dqn, sac, sac_values
from models.device import best_device
from models.sac import Batch
from models.sac_options import ACTORS, DQN, Options
from models.sac_taught import Teacher
from models.sac_values import distil

NUMBER, ELSEWHERE = 6, "meta"


def small(actor):
    return Options(actor=actor, width=16, batch=NUMBER, token_width=8, heads=2)


def made(actor, device):
    shift, scale = np.zeros(SIZES.tokens, np.float32), np.ones(SIZES.tokens, np.float32)
    kind = dqn.Dqn if actor == DQN else sac.Learner
    return kind(small(actor), SIZES, 0, shift, scale, device)


def drawn(seed=1):
    rng = np.random.default_rng(seed)

    def some(*shape):
        return rng.standard_normal((NUMBER, *shape)).astype(np.float32)

    return Batch(
        rows=some(SIZES.tokens), future=some(SIZES.futures), action=np.tanh(some()),
        reward=some(len(SCORES)), next_rows=some(SIZES.tokens), next_future=some(SIZES.futures),
        weights=fresh_weights(rng, NUMBER).astype(np.float32),
        importance=np.ones(NUMBER, np.float32),
    )  # fmt: skip


@pytest.fixture
def on_a_gpu(monkeypatch):
    """What leaves the device has no numbers, so its shape stands in; the name of the device."""
    left = []

    def array_of(tensor):
        left.append(tensor.device.type)
        kind = np.float32 if tensor.is_floating_point() else np.int64
        return np.zeros(tuple(tensor.shape), kind)

    for module in (sac, dqn):
        monkeypatch.setattr(module, "array_of", array_of)
        monkeypatch.setattr(module, "number_of", lambda tensor: float(tensor.dim()))
    for module in (sac, dqn, sac_values):
        monkeypatch.setattr(module, "adam", torch.optim.Adam)
    return left


@pytest.mark.parametrize("actor", ACTORS)
def test_an_update_an_action_a_lesson_and_values_stay_on_the_gpu(actor, on_a_gpu):
    learner, batch = made(actor, ELSEWHERE), drawn()
    networks = (learner.actor, learner.used, learner.targets, learner.values)
    for network in networks:
        assert {p.device.type for p in network.parameters()} == {ELSEWHERE}
    for _ in range(2):
        learner.update(batch, np.zeros((2, NUMBER), np.float32))
    learner.act(batch.rows, batch.weights, None)
    learner.act(batch.rows, batch.weights, np.zeros(NUMBER))
    if actor != DQN:
        scores = np.zeros((NUMBER, len(PLACES), len(SCORES)), np.float32)
        rows = np.stack([batch.rows] * len(PLACES))
        teacher = Teacher(rows, scores, fresh_weights)
        teacher.loss(learner, np.random.default_rng(2), NUMBER).backward()
    found = distil(learner, drawn, np.random.default_rng(3), updates=1)
    assert {p.device.type for p in found.parameters()} == {ELSEWHERE}
    assert set(on_a_gpu) == {ELSEWHERE}


def test_what_is_mixed_with_another_device_is_noticed(on_a_gpu, monkeypatch):
    learner, batch = made("mlp", ELSEWHERE), drawn()
    monkeypatch.setattr(learner, "tensor", torch.from_numpy)
    with pytest.raises((RuntimeError, AssertionError), match=r"[Dd]evice"):
        learner.update(batch, np.zeros((2, NUMBER), np.float32))


def updated(actor, device):
    """A learner after three updates there, and what each logged; its first actor update is in."""
    learner, rng = made(actor, device), np.random.default_rng(4)
    noise = rng.standard_normal((3, 2, NUMBER)).astype(np.float32)
    return learner, [learner.update(drawn(at), each) for at, each in enumerate(noise)]


CLOSE = 1e-4
"""Positions of the dial from -1 to 1; parts of a loss. Inputs that differ by a millionth, as
another order of sums would make them, give what differs by 0.000004 at most."""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
@pytest.mark.parametrize("actor", ACTORS)
def test_updates_and_actions_on_a_gpu_are_those_of_the_cpu(actor):
    here, there = updated(actor, "cpu"), updated(actor, "cuda")
    assert {p.device.type for p in there[0].actor.parameters()} == {"cuda"}
    for one, other in zip(here[1], there[1], strict=True):
        assert other == pytest.approx(one, rel=CLOSE, abs=CLOSE)
    batch = drawn(9)
    for call in (
        lambda learner: learner.act(batch.rows, batch.weights, None),
        lambda learner: learner.act(batch.rows, batch.weights, batch.action),
        lambda learner: learner.judged(batch, batch.action),
    ):
        one, other = (call(learner) for learner, _ in (here, there))
        assert other == pytest.approx(one, rel=CLOSE, abs=CLOSE)


@pytest.mark.parametrize("actor", ACTORS)
def test_a_tenth_more_of_one_reward_in_a_batch_is_beyond_that_tolerance(actor):
    learner, (_, logs) = made(actor, "cpu"), updated(actor, "cpu")
    batch = drawn(0)
    batch.reward[0] *= 1.1
    logged = learner.update(batch, np.zeros((2, NUMBER), np.float32))
    assert logged["critic_loss"] != pytest.approx(logs[0]["critic_loss"], rel=CLOSE, abs=CLOSE)


def test_the_best_device_is_the_gpu_where_torch_sees_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_device() == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert best_device() == "cuda"
