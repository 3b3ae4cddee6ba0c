"""Threshold autoscaling: when it steps, why it does not, and what it refuses."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.policies.base import Policy, Reason
from engine.policies.threshold import Threshold


def answer(policy, observation):
    action = policy.propose(observation)
    return action.target[0], action.reason[0]


def test_it_is_a_policy_evaluated_every_fifteen_seconds(make_context):
    policy = Threshold(make_context())
    assert isinstance(policy, Policy)
    assert policy.interval_s == 15.0


@pytest.mark.parametrize("share", [0.35, 0.5, 0.75])
def test_within_the_band_nothing_moves(make_context, observe, share):
    policy = Threshold(make_context(), breach_s=0)
    assert answer(policy, observe(15.0, [share] * 2)) == (2, Reason.WITHIN_BAND)


def test_it_steps_out_once_the_breach_has_lasted(make_context, observe):
    policy = Threshold(make_context(), breach_s=60)
    answers = [answer(policy, observe(15.0 * tick, [0.9, 0.9])) for tick in range(1, 5)]
    assert answers[:3] == [(2, Reason.BREACH_TOO_SHORT)] * 3
    assert answers[3] == (3, Reason.DEMAND_UP)


def test_a_sample_inside_the_band_starts_the_breach_again(make_context, observe):
    policy = Threshold(make_context(), breach_s=30)
    policy.propose(observe(15.0, [0.9]))
    policy.propose(observe(30.0, [0.5]))
    assert answer(policy, observe(45.0, [0.9])) == (1, Reason.BREACH_TOO_SHORT)
    assert answer(policy, observe(60.0, [0.9])) == (2, Reason.DEMAND_UP)


def test_a_second_step_out_waits_for_the_cooldown(make_context, observe):
    policy = Threshold(make_context(), breach_s=0, cooldown_out_s=30)
    assert answer(policy, observe(15.0, [0.9])) == (2, Reason.DEMAND_UP)
    assert answer(policy, observe(30.0, [0.9])) == (1, Reason.COOLDOWN)
    assert answer(policy, observe(45.0, [0.9])) == (2, Reason.DEMAND_UP)


def test_a_step_in_waits_for_the_cooldown_of_any_step(make_context, observe):
    policy = Threshold(make_context(), breach_s=0, cooldown_in_s=45)
    policy.propose(observe(0.0, [0.9] * 3))
    assert answer(policy, observe(30.0, [0.1] * 4)) == (4, Reason.COOLDOWN)
    assert answer(policy, observe(45.0, [0.1] * 4)) == (3, Reason.DEMAND_DOWN)
    assert answer(policy, observe(75.0, [0.1] * 3)) == (3, Reason.COOLDOWN)
    assert answer(policy, observe(90.0, [0.1] * 3)) == (2, Reason.DEMAND_DOWN)


def test_a_step_out_does_not_wait_for_a_step_in(make_context, observe):
    policy = Threshold(make_context(), breach_s=0)
    assert answer(policy, observe(0.0, [0.1] * 4)) == (3, Reason.DEMAND_DOWN)
    assert answer(policy, observe(15.0, [0.9] * 3)) == (4, Reason.DEMAND_UP)


@pytest.mark.parametrize(
    ("step", "current", "size"), [(3, 2, 5), ("50%", 3, 5), ("1%", 3, 4), ("12.5%", 8, 9)]
)
def test_a_step_is_a_number_of_workers_or_a_share_of_the_pool(
    make_context, observe, step, current, size
):
    policy = Threshold(make_context(), breach_s=0, step=step)
    assert answer(policy, observe(15.0, [0.9] * current))[0] == size


def test_the_step_in_is_a_parameter_of_its_own(make_context, observe):
    policy = Threshold(make_context(), breach_s=0, step=5, step_in="50%")
    assert answer(policy, observe(15.0, [0.1] * 5))[0] == 2


def test_the_pool_s_limits_bind(make_context, observe):
    policy = Threshold(make_context(workers_min=2, workers_max=4), breach_s=0, step=9)
    assert answer(policy, observe(15.0, [0.9] * 2)) == (4, Reason.MAX_WORKERS)
    assert answer(policy, observe(500.0, [0.1] * 2)) == (2, Reason.MIN_WORKERS)


def test_a_step_that_the_maximum_swallows_starts_no_cooldown(make_context, observe):
    policy = Threshold(make_context(workers_max=2), breach_s=0, cooldown_in_s=300)
    policy.propose(observe(15.0, [0.9] * 2))
    assert answer(policy, observe(30.0, [0.1] * 2)) == (1, Reason.DEMAND_DOWN)


def test_starting_and_draining_workers_and_those_without_a_sample_do_not_count(
    make_context, observe
):
    policy = Threshold(make_context(), breach_s=0)
    action = policy.propose(observe(15.0, [0.5, math.nan], starting=2, draining=2))
    assert action.reason[0] is Reason.WITHIN_BAND
    assert (action.rationale[0]["utilisation"], action.rationale[0]["samples"]) == (0.5, 1)


def test_no_sample_at_all_changes_nothing(make_context, observe):
    action = Threshold(make_context()).propose(observe(15.0, [], starting=2))
    assert (action.target[0], action.reason[0]) == (2, Reason.METRICS_MISSING)
    assert action.rationale[0]["utilisation"] is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"upper": 0}, "above 0 and up to 1"),
        ({"lower": -0.1}, "from 0 to 1"),
        ({"lower": 0.8}, "below 0.75"),
        ({"breach_s": -1}, "of 0 or more"),
        ({"step": 0}, "of 1 or more"),
        ({"step": "0%"}, "such as 20%"),
        ({"step": "many"}, "such as 20%"),
        ({"step_in": 1.5}, "whole number"),
        ({"cooldown_out_s": "x"}, "of 0 or more"),
        ({"cooldown_in_s": -5}, "of 0 or more"),
        ({"interval_s": 20}, "threshold:interval_s=15"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_the_range(make_context, parameters, said):
    with pytest.raises(PolicyError, match="threshold") as refused:
        Threshold(make_context(), **parameters)
    assert said in str(refused.value)


@settings(max_examples=50, deadline=None)
@given(
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    out_s=st.integers(0, 120),
    in_s=st.integers(0, 120),
)
def test_steps_keep_their_cooldowns_and_the_range(make_context, observe, shares, out_s, in_s):
    policy = Threshold(
        make_context(workers_max=5), breach_s=15, cooldown_out_s=out_s, cooldown_in_s=in_s
    )
    size, steps = 2, []
    for tick, share in enumerate(shares, start=1):
        after = int(policy.propose(observe(15.0 * tick, [share] * size)).target[0])
        assert 1 <= after <= 5
        assert not (after > size and share <= 0.75)
        assert not (after < size and share >= 0.35)
        if after != size:
            steps.append((15.0 * tick, after - size))
        size = after
    for (before_s, _), (now_s, change) in pairwise(steps):
        assert change > 0 or now_s - before_s >= in_s
    outs = [when for when, change in steps if change > 0]
    assert all(later - sooner >= out_s for sooner, later in pairwise(outs))
