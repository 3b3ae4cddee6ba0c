"""One network out of several trainings answers as they do on average."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from engine.errors import ReplayCancelled, UsageError
from engine.learn import adapt_learner, checkpoint, distilling, training
from engine.learn.actors import Mlp
from engine.learn.checkpoint import load
from engine.learn.distilling import DistilPlan
from engine.learn.insight import act
from engine.learn.life import CARD, CURVES, distil_allocator, train_allocator
from engine.learn.rewards import fresh_weights
from engine.learn.training import Plan
from models import sac_distilled
from models.sac_options import DQN, TRANSFORMER, Options

pytestmark = pytest.mark.slow

SMALL = Plan(
    episodes=1, cells=2, updates=1, buffer=3000, value_updates=20,
    options=Options(width=16, batch=32, token_width=8, heads=2),
)  # fmt: skip
OPTIONS = SMALL.options
SHORT = DistilPlan(episodes=2, cells=16, steps=600)


@pytest.fixture(autouse=True)
def _short_episodes(monkeypatch):
    monkeypatch.setattr(training, "TICKS", 40)
    monkeypatch.setattr(distilling, "TICKS", 40)
    monkeypatch.setattr(sac_distilled, "BATCH", 128)


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """Three MLPs of other seeds, a transformer, a DQN."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TICKS", 40)
        made = []
        for number, actor in enumerate(["mlp", "mlp", "mlp", TRANSFORMER, DQN]):
            folder = tmp_path_factory.mktemp(f"training-{number}")
            options = replace(SMALL.options, actor=actor)
            train_allocator(folder, replace(SMALL, seed=number, options=options))
            made.append(folder)
    return made


def test_it_learns_on_the_cpu_where_that_is_asked_for(trainings, monkeypatch):
    """Though the best device is another, which cannot be used here."""
    monkeypatch.setattr("models.device.best_device", lambda: "nowhere")
    learner, _ = distilling.distilled(trainings[:2], replace(SHORT, steps=5), device="cpu")
    assert learner.device.type == "cpu"


def test_it_answers_as_they_do_on_average_though_they_differ(trainings, tmp_path):
    found = distil_allocator(tmp_path, trainings[:3], SHORT)
    assert found.gap < 0.5 * found.apart
    rng = np.random.default_rng(5)
    weights, about = load(tmp_path)
    assert about["distilled"]["from_seeds"] == [0, 1, 2]
    rows = weights.shift + weights.scale * rng.standard_normal((200, len(weights.shift)))
    priorities = fresh_weights(rng, 200)
    means = np.mean([_before_tanh(folder, rows, priorities) for folder in trainings[:3]], axis=0)
    said = _before_tanh(tmp_path, rows, priorities)
    one = _before_tanh(trainings[0], rows, priorities)
    far = np.abs(np.tanh(one) - np.tanh(means)).mean()
    assert np.abs(np.tanh(said) - np.tanh(means)).mean() < far


def _before_tanh(folder, rows, priorities):
    weights, _ = load(folder)
    assert isinstance(weights.actor, Mlp)
    standard = np.clip((rows - weights.shift) / weights.scale, -6.0, 6.0)
    inputs = np.concatenate([standard, weights.told(priorities)], 1, dtype=np.float32)
    return np.arctanh(np.clip(act(weights, inputs)[0], -1 + 1e-9, 1 - 1e-9))


def test_the_same_trainings_and_plan_give_the_same_network(trainings):
    one, first = distilling.distilled(trainings[:2], SHORT)
    other, second = distilling.distilled(trainings[:2], SHORT)
    assert first == second
    for a, b in zip(one.used.parameters(), other.used.parameters(), strict=True):
        assert torch.equal(a, b)


def test_its_card_names_the_seeds_and_the_first_ones_curves_stay(trainings, tmp_path):
    distil_allocator(tmp_path, trainings[1:3], SHORT)
    assert "seeds 1, 2" in (tmp_path / CARD).read_text("utf-8")
    assert (tmp_path / CURVES).read_bytes() == (trainings[1] / CURVES).read_bytes()


def test_transformers_can_be_distilled_too(trainings):
    _, found = distilling.distilled([trainings[3], trainings[3]], replace(SHORT, steps=5))
    assert found.apart == 0.0


@pytest.mark.parametrize(
    ("chosen", "told"),
    [((0,), "only one"), ((0, 3), "other settings.*options"), ((4, 4), "a DQN")],
)
def test_what_has_no_mean_is_refused(trainings, chosen, told):
    with pytest.raises(UsageError, match=told):
        distilling.distilled([trainings[number] for number in chosen], SHORT)


def test_what_no_training_from_scratch_made_is_refused(trainings, tmp_path):
    learner = adapt_learner.restored(trainings[0], adapt_learner.options_of(trainings[0], OPTIONS))
    checkpoint.save(learner, tmp_path, {"plan": {"options": asdict(learner.options)}})
    with pytest.raises(UsageError, match="no training from scratch"):
        distilling.distilled([trainings[0], tmp_path], SHORT)


def test_a_training_is_not_overwritten(trainings):
    before = (trainings[1] / CURVES).read_bytes()
    with pytest.raises(UsageError, match="overwritten"):
        distil_allocator(trainings[1], trainings[:2], SHORT)
    assert (trainings[1] / CURVES).read_bytes() == before


def test_progress_rises_to_the_end(trainings):
    told = []
    plan = replace(SHORT, steps=1200)
    distilling.distilled(trainings[:2], plan, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert len({share for share in told if share > 0.4}) >= 2


def test_it_can_be_stopped_while_it_plays_and_while_it_learns(trainings):
    with pytest.raises(ReplayCancelled, match="episode 1"):
        distilling.distilled(trainings[:2], SHORT, cancel=lambda: True)
    asked = iter([False] * (3 * 40 + 3))
    with pytest.raises(ReplayCancelled, match="while it learned"):
        distilling.distilled(trainings[:2], SHORT, cancel=lambda: next(asked, True))


def test_settings_that_are_newer_than_a_training_are_as_by_default(trainings, tmp_path):
    learner = adapt_learner.restored(trainings[0], adapt_learner.options_of(trainings[0], OPTIONS))
    known = checkpoint.load(trainings[0])[1]["plan"]
    older = {key: known[key] for key in known if key not in ("remind", "executed")}
    checkpoint.save(learner, tmp_path, {"plan": older})
    assert distilling.plan_of(tmp_path) == distilling.plan_of(trainings[0]) == known
