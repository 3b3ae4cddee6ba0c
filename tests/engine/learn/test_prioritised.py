"""The buffer that is sampled by priority draws by priority, and says how much each draw counts."""

import numpy as np
import pytest
from scipy.stats import chisquare

from engine.learn.prioritised import BOOST, PAPER, STANDARD, Prioritised, SumTree
from engine.learn.replay_buffer import Transitions


def transitions(number):
    return Transitions(
        np.zeros((number, 2)), np.zeros((number, 1)), np.arange(number, dtype=float),
        np.zeros((number, 1)), np.zeros((number, 2)), np.zeros((number, 1)),
    )  # fmt: skip


def stocked(priorities, replay=STANDARD):
    """A buffer whose transitions have these priorities."""
    number = len(priorities)
    buffer = Prioritised(number + 3, 2, 1, 1, replay)
    buffer.add(transitions(number))
    buffer.chosen = np.arange(number)
    buffer.learned(np.zeros(number), np.asarray(priorities) / 0.3, np.zeros(number))
    return buffer


def test_places_are_drawn_as_often_as_their_priorities_say():
    priorities = np.array([0.0, 1.0, 2.0, 5.0, 0.5])
    tree = SumTree(5)
    tree.set(np.arange(5), priorities)
    found = tree.find(np.random.default_rng(1).random(8000) * tree.total)
    counts = np.bincount(found, minlength=5)
    assert counts[0] == 0
    assert chisquare(counts[1:], 8000 * priorities[1:] / priorities.sum()).pvalue > 0.001


def test_what_surprised_nobody_is_drawn_where_the_forecast_was_doubtful():
    buffer = stocked([0.0, 1.0])
    drawn = buffer.sample(np.random.default_rng(1), 500).action
    assert drawn.mean() > 0.9


def test_what_went_wrong_is_drawn_more_often_than_its_share():
    buffer = stocked([0.1] * 10)
    buffer.chosen = np.arange(10)
    buffer.learned(np.zeros(10), np.full(10, 0.1), np.arange(10) == 3)
    drawn = buffer.sample(np.random.default_rng(1), 2000).action
    assert (drawn == 3).mean() > 0.3
    assert BOOST > 0.0


@pytest.mark.parametrize(("replay", "first", "last"), [(STANDARD, 0.4, 1.0), (PAPER, 0.5, 0.1)])
def test_how_much_a_draw_counts_follows_the_schedule_from_end_to_end(replay, first, last):
    buffer = stocked([0.1, 0.9], replay)
    ratio = buffer.columns["priority"][1] / buffer.columns["priority"][0]
    for done, beta in ((0.0, first), (1.0, last)):
        buffer.pace(done)
        drawn = buffer.sample(np.random.default_rng(2), 200).action
        assert buffer.importance[drawn == 0].min() == pytest.approx(1.0)
        assert buffer.importance[drawn == 1].max() == pytest.approx(ratio**-beta, rel=1e-3)


def test_a_buffer_that_was_kept_goes_on_as_if_it_had_not_been():
    """Priorities fell since the highest was given: new ones still have that one."""
    rng = np.random.default_rng(1)
    buffer = stocked(rng.random(40) * 3)
    buffer.chosen = np.arange(40)
    buffer.learned(rng.random(40) * 0.01, rng.random(40) * 0.01, np.zeros(40))
    other = Prioritised(43, 2, 1, 1)
    kept = {name: column.copy() for name, column in buffer.columns.items()}
    other.fill(kept, buffer.at, buffer.top)
    for one in (buffer, other):
        one.add(transitions(5))
    assert buffer._tree.total == other._tree.total
    draws = [b.sample(np.random.default_rng(3), 200).action for b in (buffer, other)]
    assert np.array_equal(*draws)
