"""Positions are compared on the same arrivals, and an actor that is taught chooses the best."""

from dataclasses import replace

import numpy as np
import pytest

from engine.learn import lessons as lessons_of
from engine.learn import training
from engine.learn.checkpoint import sizes
from engine.learn.lessons import PLACES, lessons
from engine.learn.rewards import SCORES
from engine.learn.tokens import GROUPS, WIDTH
from engine.learn.training import train
from models import sac_taught
from models.sac import Learner
from models.sac_options import Options
from models.sac_taught import Teacher, teach
from tests.engine.learn.test_studies import TINY


@pytest.fixture
def _short(monkeypatch):
    monkeypatch.setattr(lessons_of, "TICKS", 60)
    monkeypatch.setattr(training, "TICKS", 30)


@pytest.mark.usefixtures("_short")
def test_every_position_meets_the_same_arrivals_and_more_caution_costs_more():
    made = lessons(0, 1, 2)
    places, states, _ = made.rows.shape
    assert made.scores.shape == (states, places, len(SCORES))
    assert places == len(PLACES)
    history = list(GROUPS["history"])
    assert np.allclose(made.rows[0][:, history], made.rows[-1][:, history])
    cost = made.scores[:, :, SCORES.index("cost")].mean(0)
    assert (np.diff(cost) < 0.0).all()


@pytest.mark.slow
def test_an_actor_is_taught_the_position_that_is_best_under_each_priority_and_state(monkeypatch):
    """Latency likes the end that the first number of the state names, cost always the lower."""
    monkeypatch.setattr(sac_taught, "BATCH", 128)
    rng = np.random.default_rng(2)
    zeros, ones = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    learner = Learner(Options(width=24), sizes(6), 1, zeros, ones)
    rows = np.zeros((8, 200, WIDTH), np.float32)
    side = np.where(np.arange(200) % 2 == 0, 1.0, -1.0).astype(np.float32)
    rows[:, :, 0] = side
    scores = np.zeros((200, 8, 5), np.float32)
    scores[:, :, 0] = side[:, None] * np.array(PLACES)
    scores[:, :, 2] = -np.array(PLACES)

    def weights(rng, number):
        made = np.zeros((number, 5))
        made[np.arange(number), rng.choice([0, 2], number)] = 1.0
        return made

    teach(learner, Teacher(rows, scores, weights), rng, 250)
    for score, wanted in ((0, side), (2, np.full(200, -1.0))):
        priorities = np.tile(np.eye(5)[score], (200, 1))
        assert learner.act(rows[0], priorities, None) == pytest.approx(wanted, abs=0.3)


@pytest.mark.slow
@pytest.mark.usefixtures("_short")
def test_a_training_can_begin_with_lessons():
    plan = replace(TINY, lessons=1, lesson_steps=3, critics_first=2)
    one, other = train(plan), train(replace(plan, lessons=0))
    moved = one.used.w1.detach() - other.used.w1.detach()
    assert moved.abs().max() > 0.0


@pytest.mark.usefixtures("_short")
def test_a_folder_keeps_lessons_and_gives_them_for_the_same_pools_only(tmp_path, monkeypatch):
    made = lessons(0, 1, 2, folder=tmp_path)

    def again(*_):
        raise AssertionError("played again")

    monkeypatch.setattr(lessons_of, "episode", again)
    kept = lessons(0, 1, 2, folder=tmp_path)
    assert np.array_equal(kept.rows, made.rows)
    assert np.array_equal(kept.scores, made.scores)
    with pytest.raises(AssertionError, match="played again"):
        lessons(1, 1, 2, folder=tmp_path)
    with monkeypatch.context() as changed, pytest.raises(AssertionError, match="played again"):
        changed.setattr(lessons_of, "GROUND", 1)
        lessons(0, 1, 2, folder=tmp_path)
    whole = (tmp_path / lessons_of.KEPT).read_bytes()
    (tmp_path / lessons_of.KEPT).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssertionError, match="played again"):
        lessons(0, 1, 2, folder=tmp_path)


@pytest.mark.usefixtures("_short")
def test_lessons_go_on_beside_the_critics_and_a_stopped_training_goes_on_with_them(tmp_path):
    plan = replace(
        TINY, episodes=2, lessons=1, lesson_steps=3, critics_first=2, remind=3.0, value_updates=0
    )

    class KilledError(Exception):
        pass

    def killed(moment):
        if moment.episode == 1:
            raise KilledError

    whole, forgetful = train(plan), train(replace(plan, remind=0.0))
    with pytest.raises(KilledError):
        train(plan, folder=tmp_path, on_moment=killed)
    resumed = train(plan, folder=tmp_path)
    assert np.array_equal(resumed.used.w1.detach(), whole.used.w1.detach())
    assert not np.array_equal(forgetful.used.w1.detach(), whole.used.w1.detach())
