"""Fixed capacity: its rule, its limits, its refusals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.policies.base import Policy, Reason
from engine.policies.static import Static


def only(action):
    return action.target[0], action.reason[0]


def test_it_is_a_policy_evaluated_every_tick(make_context):
    policy = Static(make_context(tick_s=5.0))
    assert isinstance(policy, Policy)
    assert policy.interval_s == 5.0


@pytest.mark.parametrize(
    ("peak", "slots", "target", "workers"),
    [
        (30.0, 4, 0.75, 10),
        (30.1, 4, 0.75, 11),
        (2.1, 1, 0.7, 3),
        (6.0, 8, 0.5, 2),
        (0.0, 4, 0.75, 0),
    ],
)
def test_it_is_sized_for_the_historic_peak(make_context, observe, peak, slots, target, workers):
    context = make_context(peak_busy_slots=peak, slots=slots, workers_min=0)
    action = Static(context, target=target).propose(observe(0.0, [0.5]))
    assert only(action) == (workers, Reason.FIXED)
    assert action.rationale[0]["peak_busy_slots"] == peak


@given(peak=st.floats(0, 1e4), slots=st.integers(1, 64), target=st.floats(0.05, 1.0))
def test_it_is_the_smallest_size_that_keeps_the_peak_within_the_target(
    make_context, observe, peak, slots, target
):
    context = make_context(peak_busy_slots=peak, slots=slots, workers_min=0, workers_max=10**9)
    workers = Static(context, target=target).propose(observe(0.0, [0.5])).target[0]
    room = slots * target
    assert workers * room >= peak - 1e-6 * room
    assert (workers - 1) * room < peak or workers == 0


def test_a_given_number_of_workers_needs_no_history(make_context, observe):
    policy = Static(make_context(peak_busy_slots=math.nan), workers=7)
    assert only(policy.propose(observe(0.0, [0.5]))) == (7, Reason.FIXED)


@pytest.mark.parametrize(
    ("workers", "size", "reason"), [(1, 2, Reason.MIN_WORKERS), (99, 5, Reason.MAX_WORKERS)]
)
def test_the_pool_s_limits_bind(make_context, observe, workers, size, reason):
    policy = Static(make_context(workers_min=2, workers_max=5), workers=workers)
    assert only(policy.propose(observe(0.0, [0.5]))) == (size, reason)


def test_load_does_not_move_it(make_context, observe):
    policy = Static(make_context())
    sizes = {
        policy.propose(observe(15.0 * n, [share] * 3)).target[0] for n, share in enumerate((0, 1))
    }
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"target": 0}, "above 0 and up to 1"),
        ({"workers": -1}, "of 0 or more"),
        ({"workers": 2.5}, "whole number"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_the_range(make_context, parameters, said):
    with pytest.raises(PolicyError, match="static") as refused:
        Static(make_context(), **parameters)
    assert said in str(refused.value)


def test_without_a_history_it_says_how_to_give_the_size(make_context):
    with pytest.raises(PolicyError, match="static:workers=4") as refused:
        Static(make_context(peak_busy_slots=math.nan))
    assert "pool-0" in refused.value.what
