"""Scores against their closed forms, and a test of two models that must tell them apart."""

import numpy as np
import pytest
from scipy import stats

from engine.forecast.scores import (
    LEVELS,
    inside,
    margin,
    paired,
    pinball,
    score,
    standard_error,
)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("at", [-1.0, 0.0, 0.3, 2.0])
def test_mean_pinball_of_a_normal_outcome_agrees_with_its_closed_form(level, at):
    """E max(τ(Y−q), (τ−1)(Y−q)) = τ(μ−q) + ∫_{-∞}^q F = φ(q) + q(Φ(q) − τ) for Y ~ N(0, 1)."""
    rng = np.random.default_rng(3)
    came = rng.standard_normal(400_000)
    found = pinball(came, np.full((len(came), 1), at), [level]).mean()
    exact = stats.norm.pdf(at) + at * (stats.norm.cdf(at) - level)
    assert found == pytest.approx(exact, abs=0.005)


def test_pinball_by_hand():
    loss = pinball(np.array([10.0, 2.0]), np.array([[4.0, 5.0], [4.0, 5.0]]), [0.1, 0.9])
    assert loss == pytest.approx(np.array([[0.6, 4.5], [1.8, 0.3]]))


def test_the_true_quantile_has_the_least_loss():
    rng = np.random.default_rng(1)
    came = rng.gamma(2, 3, 50_000)
    tried = np.linspace(0.1, 20, 200)
    losses = [pinball(came, np.full((len(came), 1), at), [0.9]).mean() for at in tried]
    assert tried[np.argmin(losses)] == pytest.approx(np.quantile(came, 0.9), abs=0.15)


def test_scores_by_hand():
    came = np.array([10.0, np.nan, 20.0, 30.0])
    quantiles = np.array([[8.0, 9.0, 12.0], [0, 0, 0], [21.0, 22.0, 23.0], [28.0, 30.0, 34.0]])
    found = score(came, quantiles, step_error=2.0)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.mase == pytest.approx((1 + 2 + 0) / 3 / 2)
    assert found.wape == pytest.approx(3 / 60)
    assert found.width == pytest.approx((4 + 2 + 6) / 3 / 20)


def test_what_cannot_be_divided_by_is_no_figure():
    found = score(np.zeros(3), np.zeros((3, 3)), step_error=0.0)
    assert (found.pinball, found.mase, found.wape, found.width) == (0.0, None, None, None)
    assert found.coverage == 1.0


def test_the_ends_belong_to_the_interval():
    quantiles = np.array([[1.0, 2.0, 3.0]] * 4)
    assert inside(np.array([1.0, 3.0, 0.99, 3.01]), quantiles).tolist() == [
        True, True, False, False
    ]  # fmt: skip
    assert len(LEVELS) == 3


def test_a_better_model_is_told_from_a_worse_one():
    rng = np.random.default_rng(0)
    worse = rng.gamma(2, 1, 200)
    found = paired(worse * 0.9 + rng.normal(0, 0.05, 200), worse, lag=3)
    assert found.difference_frac == pytest.approx(-0.1, abs=0.02)
    assert found.p_value < 0.001


@pytest.mark.parametrize(("size", "overlap"), [(400, 3), (400, 12), (400, 60), (93, 10), (93, 30)])
def test_equal_models_are_rarely_told_apart_also_when_errors_depend_on_each_other(size, overlap):
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(1500):
        noise = overlapping(size, overlap, rng)
        rejected += paired(5 + noise, np.full(size, 5.0), lag=overlap).p_value < 0.05
    assert rejected / 1500 < 0.075


@pytest.mark.parametrize(("sizes", "overlap"), [((52, 64, 77, 93), 6), ((40, 40, 40, 40), 60)])
def test_equal_models_are_rarely_told_apart_also_over_several_ends(sizes, overlap):
    rng, end, rejected = np.random.default_rng(7), np.repeat(np.arange(4), sizes), 0
    for _ in range(600):
        noise = np.concatenate([overlapping(size, overlap, rng) for size in sizes])
        equal = np.full(len(noise), 5.0)
        rejected += paired(5 + noise, equal, overlap, end).p_value < 0.05
    assert rejected / 600 < 0.085


def test_values_of_two_ends_are_no_neighbours():
    """Laid apart they hold more that is independent, and a level of its own counts as noise."""
    values, end = np.random.default_rng(0).random(200), np.repeat([0, 1], 100)
    assert standard_error(values, 10, np.zeros(200, int)) == standard_error(values, 10)
    error, freedom = standard_error(values, 10, end)
    assert (freedom, standard_error(values, 12, end)[1]) == (10, 8)
    assert standard_error(values, 12)[1] == 8
    assert standard_error(values + end, 10, end)[0] > 3 * error
    known = np.where(np.arange(200) % 7 == 0, np.nan, values)
    rest = np.isfinite(known)
    assert margin(known, 10, end) == margin(values[rest], 10, end[rest])


def test_the_same_losses_are_no_difference():
    losses = np.array([1.0, 2.0, np.nan, 3.0])
    found = paired(losses, losses, lag=1)
    assert (found.difference_frac, found.p_value) == (0.0, 1.0)
    assert paired(np.full(9, 1.0), np.full(9, 2.0), lag=1).p_value == 0.0


def overlapping(size, overlap, rng):
    """Errors that hang together over so many origins, of variance `overlap`."""
    noise = rng.standard_normal(size + overlap)
    return np.convolve(noise, np.ones(overlap), "valid")[:size]


def covered(size, overlap, rng):
    """Whether the mean of overlapping, rightly calibrated outcomes lies within its margin."""
    inside = (np.abs(overlapping(size, overlap, rng)) < 1.2816 * overlap**0.5).astype(float)
    by = margin(inside, overlap)
    return by is None or abs(inside.mean() - 0.8) <= by  # None: all alike, and nothing is said


@pytest.mark.parametrize(("size", "overlap"), [(400, 1), (400, 3), (400, 12), (93, 10)])
def test_the_margin_holds_the_true_share_also_when_outcomes_overlap(size, overlap):
    rng = np.random.default_rng(3)
    assert sum(covered(size, overlap, rng) for _ in range(600)) / 600 > 0.89


def test_an_error_of_independent_values_is_the_usual_one():
    values = np.random.default_rng(0).standard_normal(20_000)
    error, freedom = standard_error(values, 1)
    assert freedom == int(0.41 * 20_000 ** (2 / 3))
    assert error == pytest.approx(values.std() / 20_000**0.5, rel=0.1)


def test_where_hardly_two_outcomes_are_independent_there_is_no_margin():
    values = np.random.default_rng(0).random(100)
    assert margin(values, 12) is not None
    assert margin(values, 30) is None


def test_too_few_or_equal_outcomes_have_no_margin():
    assert margin(np.array([1.0, np.nan, 0.0]), 2) is None
    assert margin(np.ones(50), 2) is None
