"""Who decides for a pool, from what each candidate cost and missed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.champion.choice import ARRIVED_LEAST, Past, added, choose, undecided


def past(name, slot_s, missed, arrived=10_000.0):
    return Past(
        name=name, arrived=np.array([arrived]), missed=np.array([float(missed)]),
        slot_s=np.array([float(slot_s)]),
    )  # fmt: skip


def chosen(rule, *challengers, lead=0.02):
    (choice,) = choose(["chat"], rule, challengers, lead)
    return choice


def test_a_learned_policy_that_is_clearly_cheaper_and_misses_no_more_decides():
    choice = chosen(past("rule", 100, 50), past("learned", 90, 40))
    assert (choice.chosen, choice.challenger) == ("learned", True)
    assert choice.saving_frac == pytest.approx(0.10)
    assert choice.reason == (
        "the learned policy costs 10.0% less and misses 0.40% instead of 0.50%"
    )


def test_cheaper_with_more_misses_is_not_better():
    choice = chosen(past("rule", 100, 50), past("a", 50, 51), past("b", 40, 60))
    assert choice.chosen == "rule"
    assert choice.reason == "the rule: all 2 settings of the learned policy miss more"
    assert (choice.rival, choice.rival_missed_frac) == ("a", pytest.approx(0.0051))


def test_a_small_lead_may_be_chance():
    choice = chosen(past("rule", 100, 50), past("learned", 98.5, 50))
    assert choice.chosen == "rule"
    assert "may be chance" in choice.reason


def test_a_dearer_learned_policy_is_told_as_the_cheapest_setting_that_was_tried():
    settings = [past("a", 112.6, 49), past("b", 120, 10), past("c", 60, 80)]
    choice = chosen(past("rule", 100, 50), *settings)
    assert (choice.chosen, choice.rival) == ("rule", "a")
    assert choice.reason == (
        "the rule: of 3 settings of the learned policy the cheapest that misses no more costs "
        "12.6% more"
    )


def test_of_several_that_miss_no_more_the_cheapest_decides():
    settings = [past("a", 95, 10), past("b", 80, 49), past("c", 60, 80)]
    assert chosen(past("rule", 100, 50), *settings).chosen == "b"


def test_a_short_past_decides_nothing():
    short = ARRIVED_LEAST - 1
    choice = chosen(past("rule", 100, 50, short), past("learned", 10, 0, short))
    assert not choice.challenger
    assert (choice.arrived, choice.missed_frac) == (short, 50 / short)
    assert (choice.rival, choice.saving_frac, choice.rival_missed_frac) == (None, None, None)


def test_every_pool_has_its_own_choice():
    rule = Past(name="rule", arrived=np.full(2, 1e4), missed=np.full(2, 50.0),
                slot_s=np.full(2, 100.0))  # fmt: skip
    other = Past(name="learned", arrived=np.full(2, 1e4), missed=np.full(2, 50.0),
                 slot_s=np.array([90.0, 120.0]))  # fmt: skip
    assert [c.chosen for c in choose(["a", "b"], rule, [other])] == ["learned", "rule"]


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.integers(0, 10_000)), min_size=1, max_size=5),
    st.floats(0, 0.5),
)
def test_what_is_chosen_was_never_dearer_or_worse_than_the_rule(settings, lead):
    rule = past("rule", 1000, 100)
    others = [past(str(n), cost, missed) for n, (cost, missed) in enumerate(settings)]
    choice = chosen(rule, *others, lead=lead)
    by_name = {each.name: each for each in [rule, *others]}
    found = by_name[choice.chosen]
    assert found.slot_s[0] <= rule.slot_s[0]
    assert found.missed[0] <= rule.missed[0]


def test_stretches_add_up():
    parts = [tuple(np.full(2, float(n + k)) for k in range(3)) for n in (1, 10)]
    total = added("x", parts)
    assert total.arrived.tolist() == [11, 11]
    assert total.slot_s.tolist() == [15, 15]


def test_nothing_known_is_the_rule_for_all():
    choices = undecided(["a", "b"], "rule", "why")
    assert [c.chosen for c in choices] == ["rule", "rule"]
    assert {(c.arrived, c.missed_frac) for c in choices} == {(0, None)}


def test_a_pool_that_nothing_arrived_in_missed_no_share():
    choice = chosen(past("rule", 100, 0, 0), past("learned", 100, 0, 0))
    assert (choice.arrived, choice.missed_frac) == (0, None)


def test_where_the_rule_misses_nearly_nothing_there_is_nothing_to_compare_at():
    choice = chosen(past("rule", 100, 9), past("learned", 50, 0))
    assert choice.chosen == "rule"
    assert "misses 0.090%, too few to compare" in choice.reason
    assert (choice.arrived, choice.missed_frac, choice.rival) == (10_000, 9e-4, None)
