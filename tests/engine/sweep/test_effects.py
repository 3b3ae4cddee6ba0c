import numpy as np
import pytest

from engine.sweep.effects import cliff, effect


def test_the_setting_that_decides_alone_explains_everything():
    both = [(a, b) for a in range(4) for b in range(4)]
    values = np.array([10.0 * a for a, _ in both])
    one = effect("a", [str(a) for a, _ in both], "cost_usd", values)
    other = effect("b", [str(b) for _, b in both], "cost_usd", values)
    assert (one.explained_frac, one.rises) == (pytest.approx(1.0), True)
    assert other.explained_frac == pytest.approx(0.0)
    assert (one.lowest, one.highest) == (0.0, 30.0)


def test_two_settings_that_add_up_share_the_variance_by_their_weight():
    both = [(a, b) for a in range(5) for b in range(5)] * 40
    values = np.array([2.0 * a + b for a, b in both])
    shares = [
        effect("x", [str(pair[k]) for pair in both], "cost_usd", values).explained_frac
        for k in (0, 1)
    ]
    assert shares == pytest.approx([0.8, 0.2], abs=0.005)


def test_a_setting_or_a_figure_that_does_not_vary_has_no_effect():
    assert effect("a", ["1", "1"], "cost_usd", np.array([1.0, 2.0])) is None
    assert effect("a", ["1", "2"], "cost_usd", np.array([3.0, 3.0])) is None
    assert effect("a", ["1", "2"], "cost_usd", np.array([3.0, np.nan])) is None


def test_text_and_curves_that_turn_have_no_direction():
    found = [
        effect("a", settings, "cost_usd", np.array(values), alone=True)
        for settings, values in ((["x", "y"], [1.0, 2.0]), (["1", "2", "3"], [1.0, 9.0, 2.0]))
    ]
    assert [each.rises for each in found] == [None, None]
    assert [each.explained_frac for each in found] == [1.0, 1.0]  # nothing else was varied


@pytest.mark.parametrize("number", [11, 24, 32])
def test_a_setting_without_effect_explains_about_nothing(number):
    rng = np.random.default_rng(number)
    found = []
    for _ in range(200):
        places = [f"{place:.4f}" for place in rng.uniform(0, 1, number)]
        found.append(effect("a", places, "cost_usd", rng.normal(10.0, 1.0, number)))
    assert np.mean([each.explained_frac for each in found]) < 0.08
    assert np.median([each.explained_frac for each in found]) < 0.01
    assert all(each.rises is None for each in found if each.explained_frac == 0.0)


def test_where_every_point_has_a_name_of_its_own_nobody_knows_what_the_name_does():
    assert effect("a", ["x", "y", "z"], "cost_usd", np.array([1.0, 2.0, 5.0])) is None


def test_many_values_are_put_into_groups():
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 1, 300)
    found = effect("a", [f"{p:.4f}" for p in places], "cost_usd", places**2)
    assert 0.9 < found.explained_frac <= 1.0
    assert found.rises


def test_a_cliff_is_named_by_the_last_value_that_keeps_the_promise():
    starts = ["20", "45", "90", "180"]
    found = cliff("startup", starts, np.array([0.999, 0.995, 0.91, 0.8]), 0.99)
    assert (found.kept_at, found.broken_at) == ("45", "90")
    falling = cliff("workers", ["1", "2", "3"], np.array([0.5, 0.995, 0.999]), 0.99)
    assert (falling.kept_at, falling.broken_at) == ("2", "1")
    assert (falling.kept_last, falling.broken_last) == ("2", "1")


def test_a_cliff_between_values_put_together_is_named_by_values_that_were_replayed():
    workers = [str(number) for number in range(1, 13)]
    found = cliff("workers", workers, np.repeat([0.999, 0.5], 6), 0.99)
    assert (found.kept_at, found.broken_at) == ("5 to 6", "7 to 8")
    assert (found.kept_last, found.broken_last) == ("6", "8")
    falling = cliff("workers", workers, np.repeat([0.5, 0.999], 6), 0.99)
    assert (falling.kept_at, falling.broken_at) == ("7 to 8", "5 to 6")
    assert (falling.kept_last, falling.broken_last) == ("7", "5")


def test_a_slope_is_no_cliff():
    assert cliff("x", ["1", "2"], np.array([0.995, 0.985]), 0.99) is None
    assert cliff("x", ["1", "2"], np.array([0.8, 0.7]), 0.99) is None
    assert cliff("x", ["a", "b"], np.array([1.0, 0.5]), 0.99) is None
