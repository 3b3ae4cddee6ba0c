"""The guard, stage by stage, in its order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.guard import Chain, stages
from engine.policies.base import KEEP, PoolFacts, Reason
from engine.scenario import Guard, Hold


def facts(name="a", low=1, high=10, price=2.0):
    return PoolFacts(
        name=name, agent_type="chat", slots=4, workers_min=low, workers_max=high,
        workers_initial=3, startup_mean_s=60.0, price_usd_per_hour=price, peak_busy_slots=9.0,
    )  # fmt: skip


def apply(proposed, current=3, limits=(1, 10), room=None, t_s=30.0, g_per_kwh=None, chain=None,
          **guard):  # fmt: skip
    """(workers, reason, stages) for one pool."""
    threshold = guard.pop("threshold", None)
    chain = chain or Chain(
        (facts(low=limits[0], high=limits[1]),), 15.0, guard=Guard(**guard),
        carbon_threshold=threshold, policy="p",
    )  # fmt: skip
    grid = None if g_per_kwh is None else np.array([g_per_kwh])
    wanted, log = chain.decide(
        t_s, np.array([proposed]), np.array([float(current)]), (Reason.DEMAND_UP,), grid
    )
    left = chain.place(t_s, 0, wanted[0], current, log, room)
    return left.workers, left.reason, left.stages


def names(stages):
    return [stage.stage for stage in stages]


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
        "limits", proposed, applied, reason,
    )  # fmt: skip


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


def test_room_on_nodes_binds_only_upwards():
    applied, reason, (limits, placement) = apply(40.0, room=lambda: 2)
    assert (applied, reason) == (5, Reason.NO_ROOM)
    assert (limits.stage, limits.after) == ("limits", 10)
    assert (placement.stage, placement.before, placement.after) == ("placement", 10, 5)
    assert apply(5.0, room=lambda: 2) == (5, Reason.DEMAND_UP, ())
    assert apply(2.0, room=lambda: 0) == (2, Reason.DEMAND_UP, ())


def literal_mask(wanted, current, g_per_kwh, threshold, _):
    """The mask as the source prints it (S3-R35): the whole action times 0 or 1."""
    return current + (wanted - current) * np.where(g_per_kwh > threshold, 0.0, 1.0)


def test_above_the_threshold_nothing_grows_but_scaling_in_is_allowed(monkeypatch):
    dirty = {"g_per_kwh": 501.0, "threshold": 500.0}
    assert apply(8.0, **dirty)[:2] == (3, Reason.CARBON)
    assert apply(1.0, **dirty) == (1, Reason.DEMAND_UP, ())
    # The defect of the literal mask: it also takes back a step that lowers emissions.
    monkeypatch.setattr(stages, "carbon", literal_mask)
    assert apply(8.0, **dirty)[:2] == (3, Reason.CARBON)
    assert apply(1.0, **dirty)[:2] == (3, Reason.CARBON)


def test_growth_softens_in_the_band_below_the_threshold_and_stops_at_it():
    sizes = [
        apply(9.0, g_per_kwh=g, threshold=500.0, carbon_soft_g_per_kwh=100.0)[0]
        for g in (399.0, 400.0, 425.0, 450.0, 475.0, 499.0, 500.0, 501.0)
    ]
    assert sizes == [9, 9, 7, 6, 4, 3, 3, 3]


def test_a_hard_mask_lets_growth_pass_at_equality_and_not_above():
    hard = {"threshold": 500.0, "carbon_soft_g_per_kwh": 0.0}
    assert apply(9.0, g_per_kwh=500.0, **hard)[0] == 9
    assert apply(9.0, g_per_kwh=500.1, **hard)[0] == 3


class Floor:
    """A forecast that needs so many workers."""

    def __init__(self, workers):
        self._workers = np.array(workers, np.float64)

    def workers(self):
        return self._workers

    def numbers(self):
        return {}


def with_floor(workers, **options):
    chain = Chain((facts(),), 15.0, carbon_threshold=500.0, guard=Guard(**options))
    chain._floor, chain._acts_alone = Floor([workers]), True
    return chain


def test_the_floor_of_the_forecast_outranks_the_carbon_mask_but_not_the_limits():
    applied, reason, stages = apply(9.0, g_per_kwh=900.0, chain=with_floor(6.0))
    assert (applied, reason, names(stages)) == (6, Reason.SLO_FLOOR, ["carbon", "slo"])
    assert apply(2.0, g_per_kwh=900.0, chain=with_floor(60.0))[0] == 10


def test_the_floor_also_lifts_a_pool_that_the_policy_left_alone():
    assert apply(KEEP, chain=with_floor(5.0))[:2] == (5, Reason.SLO_FLOOR)
    assert apply(KEEP, chain=with_floor(2.0)) == (3, Reason.DEMAND_UP, ())


def test_a_period_lets_so_many_workers_out_and_in():
    chain = Chain((facts(high=100),), 15.0, guard=Guard(out_workers=4, in_workers=2))
    assert apply(50.0, 3, t_s=0.0, chain=chain)[:2] == (7, Reason.RATE_LIMIT)
    assert apply(50.0, 7, t_s=45.0, chain=chain)[0] == 7
    assert apply(50.0, 7, t_s=60.0, chain=chain)[0] == 11
    assert apply(1.0, 11, t_s=60.0, chain=chain)[0] == 9


def test_steps_out_wait_for_the_last_step_out_and_steps_in_for_any_step():
    chain = Chain((facts(high=100),), 15.0, guard=Guard(cooldown_out_s=15.0, cooldown_in_s=300.0))
    assert apply(5.0, 3, t_s=0.0, chain=chain)[0] == 5
    assert apply(9.0, 5, t_s=14.0, chain=chain)[:2] == (5, Reason.COOLDOWN)
    assert apply(9.0, 5, t_s=15.0, chain=chain)[0] == 9
    assert apply(1.0, 9, t_s=314.0, chain=chain)[:2] == (9, Reason.COOLDOWN)
    assert apply(1.0, 9, t_s=315.0, chain=chain)[0] == 1
    assert apply(9.0, 1, t_s=316.0, chain=chain)[0] == 9


def test_limits_are_kept_at_once_whatever_the_pace_is():
    chain = Chain((facts(),), 15.0, guard=Guard(in_workers=1, cooldown_in_s=300.0))
    assert apply(30.0, 30, t_s=0.0, chain=chain)[:2] == (10, Reason.MAX_WORKERS)


def test_growth_beyond_the_budget_is_cut_by_the_same_share_and_the_rest_handed_out_in_order():
    pools = (facts("a", high=100), facts("b", high=100), facts("c", high=100, price=0.0))
    chain = Chain(pools, 15.0, guard=Guard(budget_usd_per_hour=33.0))
    wanted, log = chain.decide(
        0.0, np.array([13.0, 8.0, 50.0]), np.array([3.0, 3.0, 3.0]), (Reason.DEMAND_UP,) * 3
    )
    assert wanted.tolist() == [10.0, 6.0, 50.0]
    assert log.reasons == [Reason.BUDGET, Reason.BUDGET, Reason.DEMAND_UP]
    poor = Chain(pools, 15.0, guard=Guard(budget_usd_per_hour=5.0))
    shrunk, _ = poor.decide(
        0.0, np.array([13.0, 2.0, 3.0]), np.array([3.0, 3.0, 3.0]), (Reason.DEMAND_UP,) * 3
    )
    assert shrunk.tolist() == [3.0, 2.0, 3.0]


def test_a_person_outranks_policy_carbon_floor_pace_and_budget_but_not_limits_or_room():
    hold = Hold(pool="a", at_s=100.0, for_s=100.0, workers=8)
    chain = Chain((facts(),), 15.0, guard=Guard(holds=(hold,), cooldown_out_s=60.0))
    assert apply(4.0, 3, t_s=99.0, chain=chain)[0] == 4
    applied, reason, stages = apply(2.0, 4, t_s=100.0, chain=chain)
    assert (applied, reason, names(stages)) == (8, Reason.HELD, ["hold"])
    assert apply(9.0, 8, t_s=199.0, chain=chain)[:2] == (8, Reason.HELD)
    assert apply(9.0, 8, t_s=300.0, chain=chain)[0] == 9
    full = Chain((facts(),), 15.0, guard=Guard(holds=(hold,)))
    assert apply(2.0, 4, t_s=100.0, chain=full, room=lambda: 1)[:2] == (5, Reason.HELD)


def test_a_hold_without_a_size_freezes_the_one_it_found():
    chain = Chain((facts(),), 15.0, guard=Guard(holds=(Hold(pool="a", for_s=60.0),)))
    assert apply(9.0, 3, t_s=0.0, chain=chain)[0] == 3
    assert apply(1.0, 3, t_s=30.0, chain=chain)[:2] == (3, Reason.HELD)
    assert apply(9.0, 3, t_s=60.0, chain=chain)[0] == 9
