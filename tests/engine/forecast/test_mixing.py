"""Weights: exact where they are solved for, causal where they follow what comes."""

import numpy as np
import pytest

from engine.forecast.conformal import calibrated
from engine.forecast.mixing import (
    as_used,
    ensemble_weights,
    losses,
    mixture,
    names_by_weight,
    not_worse,
    rank_weights,
)
from engine.forecast.scores import LEVELS, inside, pinball


def members(size=300, seed=0):
    rng = np.random.default_rng(seed)
    came = 10 + rng.standard_normal(size)
    good = came[:, None] * 0.5 + 5 + np.array([-0.7, 0, 0.7])
    biased = good + 3.0
    wild = 10 + rng.standard_normal((size, 3)).cumsum(1)
    return came, np.stack([good, biased, np.sort(wild, 1)])


def test_the_ensembles_weights_have_the_least_loss_of_a_fine_grid():
    came, made = members()
    weights = ensemble_weights(came, made)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    found = pinball(came, np.einsum("m,mbq->bq", weights, made), LEVELS).mean()
    grid = np.linspace(0, 1, 21)
    least = min(
        pinball(came, np.einsum("m,mbq->bq", [a, b, 1 - a - b], made), LEVELS).mean()
        for a in grid for b in grid if a + b <= 1
    )  # fmt: skip
    assert found <= least + 1e-9


def test_two_opposite_errors_are_averaged_away():
    came = np.linspace(5, 15, 100)
    over, under = (np.repeat(came[:, None] + bias, 3, 1) for bias in (2.0, -2.0))
    assert ensemble_weights(came, np.stack([over, under])) == pytest.approx([0.5, 0.5])


def test_nothing_known_is_equal_weights():
    assert ensemble_weights(np.full(3, np.nan), np.ones((4, 3, 3))).tolist() == [0.25] * 4


def test_weights_know_only_what_came_before_the_cut_off():
    rng = np.random.default_rng(0)
    each = rng.random((3, 100))
    starts = np.arange(100)
    plain = rank_weights(each, starts, starts + 10)
    changed = each.copy()
    changed[0, 60:] = 50.0
    other = rank_weights(changed, starts, starts + 10)
    assert np.array_equal(plain[:70], other[:70])
    assert not np.array_equal(plain[72:], other[72:])
    assert plain.sum(1) == pytest.approx(1)


def test_weights_follow_the_models_that_have_become_better():
    each = np.array([[1.0] * 300 + [6.0] * 300, [2.0] * 600, [2.5] * 600])
    starts = np.arange(600)
    weights = rank_weights(each, starts, starts + 1)
    assert weights[299].tolist() == [1, 0, 0]
    assert weights[-1] == pytest.approx([0, 1 / 2, 1 / 2])


def test_ranks_give_the_weights_and_models_far_behind_get_none():
    each = np.array([[1.2], [1.0], [9.0], [1.1], [1.3], [1.4]]).repeat(9, 1)
    starts = np.arange(9)
    weights = rank_weights(each, starts, starts + 1)
    assert weights[-1] == pytest.approx([1 / 8, 3 / 8, 0, 3 / 8, 1 / 8, 0])


def test_an_outcome_that_one_model_lacks_counts_for_none():
    each = np.array([[1.0, np.nan, 1.0], [2.0, 0.0, 2.0]])
    starts = np.arange(3)
    assert rank_weights(each, starts, starts + 1)[-1].tolist() == [1, 0]


def test_the_choice_is_better_than_the_best_model_where_errors_differ():
    rng = np.random.default_rng(4)
    came = 10 + rng.standard_normal(600)
    noise = rng.standard_normal((4, 600, 1))
    made = came[:, None] + 0.5 * noise + np.array([-0.7, 0, 0.7])
    starts = np.arange(600)
    weights = rank_weights(losses(came, made), starts, starts + 1)
    mean = np.einsum("bm,mbq->bq", weights, made)
    ours = pinball(came, mean, LEVELS).mean(-1)[300:].mean()
    assert ours < losses(came, made)[:, 300:].mean(1).min()
    assert weights.shape == (600, 4)
    assert weights.sum(1) == pytest.approx(1)


def test_a_mean_of_forecasts_is_made_as_wide_as_it_has_to_be():
    """Their errors differ, so the mean of their intervals covers too much."""
    rng = np.random.default_rng(1)
    size = 4000
    came = 100 + 0.3 * rng.standard_normal(size)
    centres = came + rng.standard_normal((4, size))
    members = centres[..., None] + np.array([-1.2816, 0, 1.2816])
    at = np.arange(size, dtype=float)
    made = mixture(members, np.full(4, 0.25), came, at, at + 1)
    assert inside(came, members.mean(0)).mean() > 0.95
    assert inside(came, made)[2000:].mean() == pytest.approx(0.8, abs=0.03)


def test_a_mixture_of_one_is_that_one():
    came, made = members()
    at = np.arange(len(came))
    alone = mixture(made[:1], np.ones(1), came, at, at + 1)
    assert np.array_equal(alone, calibrated(made[0], came, at + 1, at))


def test_each_model_counts_as_it_is_or_calibrated_whichever_lost_less():
    losing, winning = np.full((1, 50, 3), 3.0), np.full((1, 50, 3), 1.0)
    came, at = np.ones(50), np.arange(50)
    assert (as_used(winning, losing, came, at, at + 1)[0, 2:] == 1).all()
    assert (as_used(losing, winning, came, at, at + 1)[0, 2:] == 1).all()
    assert (as_used(losing, winning, came, at, at + 20)[0, :20] == 1).all(), "calibrated at first"
    assert (as_used(winning, losing, came, at, at + 20)[0, :20] == 3).all(), "calibrated at first"


def test_names_come_heaviest_first_and_specks_are_left_out():
    assert names_by_weight(["a", "b", "c"], np.array([0.3, 0.005, 0.695])) == {
        "c": 0.695, "a": 0.3
    }  # fmt: skip
    assert list(names_by_weight(["a", "b"], np.array([0.3, 0.7]))) == ["b", "a"]


def test_a_model_that_looks_worse_than_the_usual_one_does_not_count():
    rng = np.random.default_rng(0)
    usual, worse, chance = 1 + rng.random((3, 40))
    each, at = np.stack([worse + 2.0, usual, chance]), np.arange(40)
    may = not_worse(each, at, at + 5, 1, 5)
    assert may[:7].tolist() == [[False, True, False]] * 7, "too few outcomes to tell"
    assert not may[20:, 0].any()
    assert may[:, 1].all()
    assert may[20:, 2].any()
    weights = rank_weights(each, at, at + 5, may)
    assert (weights[20:, 0] == 0).all()
    assert weights.sum(1) == pytest.approx(1)


def test_a_model_is_held_against_outcomes_known_at_the_cut_off_only():
    each, at = np.random.default_rng(1).random((3, 60)), np.arange(60)
    each[1:] += 3.0
    other = each.copy()
    other[1:, 50:] -= 99.0
    before, after = (not_worse(losses, at, at + 4, 0, 4) for losses in (each, other))
    assert np.array_equal(before[:54], after[:54])
    assert not np.array_equal(before[57:], after[57:])


def test_models_that_all_may_count_rank_as_without_a_rule():
    each, at = np.random.default_rng(2).random((5, 80)), np.arange(80)
    everyone = np.ones((80, 5), np.bool_)
    assert np.array_equal(rank_weights(each, at, at + 3, everyone), rank_weights(each, at, at + 3))
