import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import guard
from engine.errors import PolicyError
from engine.policies.base import KEEP, Reason


def apply(proposed, current=3, limits=(1, 10), reason=Reason.DEMAND_UP):
    return guard.apply(proposed, current, reason, limits, "policy 'p', pool 'a', 30 s")


def test_a_possible_proposal_is_applied_as_it_is():
    assert apply(4.0) == (4, Reason.DEMAND_UP, ())


def test_keep_leaves_the_pool_alone_whatever_the_limits_are():
    assert apply(KEEP, current=30) == (30, Reason.DEMAND_UP, ())


def test_fractions_are_rounded_up_and_the_reason_stays_the_policys():
    applied, reason, stages = apply(4.01)
    assert (applied, reason) == (5, Reason.DEMAND_UP)
    assert [(s.stage, s.before, s.after) for s in stages] == [("quantise", 4.01, 5)]


@pytest.mark.parametrize(
    ("proposed", "applied", "reason"),
    [(40.0, 10, Reason.MAX_WORKERS), (0.0, 1, Reason.MIN_WORKERS)],
)
def test_the_pools_limits_bind_and_say_so(proposed, applied, reason):
    got, bound, (stage,) = apply(proposed)
    assert (got, bound) == (applied, reason)
    assert (stage.stage, stage.before, stage.after, stage.reason) == (
        "limits",
        proposed,
        applied,
        reason,
    )


def test_rounding_comes_before_the_limits():
    applied, reason, stages = apply(10.5)
    assert (applied, reason) == (10, Reason.MAX_WORKERS)
    assert [(stage.stage, stage.after) for stage in stages] == [("quantise", 11), ("limits", 10)]


@pytest.mark.parametrize("proposed", [math.nan, math.inf, -math.inf, -2.0, -0.5])
def test_what_is_no_number_of_workers_is_refused_with_policy_pool_and_time(proposed):
    with pytest.raises(PolicyError) as refused:
        apply(proposed)
    assert refused.value.where == "policy 'p', pool 'a', 30 s"


@given(
    proposed=st.floats(0, 1e6),
    current=st.integers(0, 100),
    limits=st.tuples(st.integers(0, 50), st.integers(1, 100)).filter(lambda x: x[0] <= x[1]),
)
def test_what_is_applied_is_within_the_limits_and_the_stages_lead_there(proposed, current, limits):
    applied, reason, stages = apply(proposed, current, limits)
    assert limits[0] <= applied <= limits[1]
    value = proposed
    for stage in stages:
        assert stage.before == value
        assert stage.after != value
        value = stage.after
    assert value == applied
    if proposed in range(limits[0], limits[1] + 1):
        assert (applied, reason) == (proposed, Reason.DEMAND_UP)


def test_room_on_nodes_binds_last_and_only_upwards():
    def with_room(proposed, room):
        return guard.apply(proposed, 3, Reason.DEMAND_UP, (1, 10), "here", lambda: room)

    applied, reason, (limits, placement) = with_room(40.0, 2)
    assert (applied, reason) == (5, Reason.NO_ROOM)
    assert (limits.stage, limits.after) == ("limits", 10)
    assert (placement.stage, placement.before, placement.after) == ("placement", 10, 5)
    assert with_room(5.0, 2) == (5, Reason.DEMAND_UP, ())
    assert with_room(2.0, 0) == (2, Reason.DEMAND_UP, ())
