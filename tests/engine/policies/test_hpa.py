"""The HPA as a policy: what it sees of our workers, its parameters, reasons and rationale."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.policies.base import Policy, Reason
from engine.policies.hpa import Hpa


def answer(policy, observation):
    action = policy.propose(observation)
    return action.target[0], action.reason[0]


def pods_of(action):
    """The groups of pods that are not empty, with their sizes."""
    pods = action.rationale[0]["metric"]["pods"]
    return {name: size for name, size in pods.items() if size}


def test_it_is_a_policy_that_syncs_every_fifteen_seconds(make_context):
    policy = Hpa(make_context())
    assert isinstance(policy, Policy)
    assert policy.interval_s == 15.0


def test_it_scales_up_to_its_target(make_context, observe):
    policy = Hpa(make_context(), target=0.5)
    assert answer(policy, observe(15.0, [1.0, 0.8])) == (4, Reason.DEMAND_UP)


def test_the_default_target_is_the_eighty_percent_of_kubernetes(make_context, observe):
    policy = Hpa(make_context())
    assert answer(policy, observe(15.0, [0.85, 0.8])) == (2, Reason.WITHIN_TOLERANCE)
    assert answer(policy, observe(30.0, [0.9, 0.9])) == (3, Reason.DEMAND_UP)


def test_a_starting_worker_counts_as_idle_on_the_way_up(make_context, observe):
    policy = Hpa(make_context(), target=0.5)
    ready_only = observe(15.0, [0.9, 0.9])
    with_starting = observe(30.0, [0.9, 0.9], starting=1)
    assert answer(policy, ready_only)[0] == 4
    assert answer(policy, with_starting) == (4, Reason.DEMAND_UP)
    assert answer(policy, observe(45.0, [0.9, 0.9], starting=2)) == (4, Reason.WITHIN_TOLERANCE)


def test_workers_that_start_and_would_turn_the_step_around_leave_the_size_alone(
    make_context, observe
):
    policy = Hpa(make_context(), target=0.5)
    got = answer(policy, observe(15.0, [0.9, 0.9], starting=4))
    assert got == (6, Reason.UNCERTAIN_METRICS)


def test_a_worker_ready_for_less_than_a_sample_counts_as_unready(make_context, observe):
    fresh = observe(100.0, [0.9, 0.9, 0.2], ready_s=[0.0, 0.0, 90.0])
    settled = observe(100.0, [0.9, 0.9, 0.2], ready_s=[0.0, 0.0, 85.0])
    policy = Hpa(make_context(), target=0.5)
    assert pods_of(policy.propose(fresh)) == {"ready": 2, "unready": 1}
    assert pods_of(policy.propose(settled)) == {"ready": 3}


def test_draining_workers_are_ignored(make_context, observe):
    action = Hpa(make_context(), target=0.5).propose(observe(15.0, [0.5, 0.5], draining=3))
    assert (action.target[0], action.reason[0]) == (2, Reason.WITHIN_TOLERANCE)
    assert pods_of(action) == {"ready": 2, "ignored": 3}


def test_a_worker_without_a_sample_counts_as_busy_on_the_way_down(make_context, observe):
    policy = Hpa(make_context(), target=0.5, downscale_window_s=0)
    policy.propose(observe(0.0, [0.4] * 3))
    assert answer(policy, observe(15.0, [0.1, 0.1, 0.1])) == (1, Reason.DEMAND_DOWN)
    assert answer(policy, observe(30.0, [0.1, 0.1, math.nan])) == (3, Reason.ROUNDING)


def test_no_sample_at_all_changes_nothing(make_context, observe):
    action = Hpa(make_context()).propose(observe(15.0, [math.nan, math.nan]))
    assert (action.target[0], action.reason[0]) == (2, Reason.METRICS_MISSING)
    assert action.rationale[0]["metric"]["failure"] == "FailedGetResourceMetric"


def test_a_step_down_waits_for_five_minutes_of_low_recommendations(make_context, observe):
    policy = Hpa(make_context())
    answers = [answer(policy, observe(15.0 * tick, [0.1] * 4)) for tick in range(23)]
    assert answers[:21] == [(4, Reason.STABILIZED)] * 21
    assert answers[21] == (1, Reason.DEMAND_DOWN)


def test_one_sync_at_most_doubles_the_size(make_context, observe):
    policy = Hpa(make_context(), target=0.1)
    assert answer(policy, observe(15.0, [1.0, 1.0])) == (4, Reason.RATE_LIMIT)
    assert answer(policy, observe(30.0, [1.0] * 4)) == (8, Reason.RATE_LIMIT)


def test_the_pool_s_limits_bind(make_context, observe):
    policy = Hpa(make_context(workers_min=2, workers_max=3), target=0.1, downscale_window_s=0)
    assert answer(policy, observe(15.0, [1.0, 1.0])) == (3, Reason.MAX_WORKERS)
    assert answer(policy, observe(30.0, [0.0, 0.0])) == (2, Reason.MIN_WORKERS)
    assert answer(policy, observe(45.0, [0.1] * 5)) == (3, Reason.MAX_WORKERS)
    assert answer(policy, observe(60.0, [0.1])) == (2, Reason.MIN_WORKERS)


def test_rounding_up_to_whole_workers_can_keep_the_size(make_context, observe):
    policy = Hpa(make_context(), target=0.5)
    assert answer(policy, observe(15.0, [0.44, 0.44])) == (2, Reason.ROUNDING)


def test_a_pool_set_to_zero_switches_its_hpa_off(make_context, observe):
    assert answer(Hpa(make_context()), observe(15.0, [])) == (0, Reason.DISABLED)


def test_on_utilisation_it_keeps_a_worker_where_the_pool_may_be_empty(make_context, observe):
    policy = Hpa(make_context(workers_min=0), downscale_window_s=0)
    policy.propose(observe(0.0, [0.0]))
    assert answer(policy, observe(15.0, [0.0])) == (1, Reason.MIN_WORKERS)


def test_on_requests_in_flight_it_divides_them_by_the_target(make_context, observe):
    policy = Hpa(make_context(), metric="in_flight", target=0.5)
    assert answer(policy, observe(15.0, [1.0, 1.0], requests=7)) == (4, Reason.DEMAND_UP)
    assert answer(policy, observe(30.0, [1.0] * 4, requests=8)) == (4, Reason.WITHIN_TOLERANCE)


def test_requests_in_flight_are_shared_by_starting_workers_too(make_context, observe):
    policy = Hpa(make_context(), metric="in_flight", target=0.5)
    busy = observe(15.0, [1.0, 1.0], starting=2, requests=8)
    assert answer(policy, busy) == (4, Reason.WITHIN_TOLERANCE)


def test_use_is_rounded_up_to_thousandths_but_not_for_the_noise_of_binary_fractions(
    make_context, observe
):
    noisy = 0.1 + 0.2
    assert noisy * 4000 > 1200
    action = Hpa(make_context()).propose(observe(15.0, [noisy, 0.30001]))
    assert action.rationale[0]["metric"]["use"]["total_milli"] == 1200 + 1201


def test_on_requests_in_flight_it_goes_to_zero_and_back(make_context, observe):
    policy = Hpa(make_context(workers_min=0), metric="in_flight", downscale_window_s=0)
    policy.propose(observe(0.0, [0.0], requests=0))
    assert answer(policy, observe(15.0, [0.0], requests=0)) == (0, Reason.DEMAND_DOWN)
    woken = policy.propose(observe(30.0, [], requests=5))
    assert (woken.target[0], woken.reason[0]) == (2, Reason.DEMAND_UP)
    assert woken.rationale[0]["metric"]["ratio"] is None


def test_behavior_paces_steps_up_over_a_period(make_context, observe):
    policy = Hpa(make_context(), target=0.1, scale_up_pods=3, scale_up_period_s=60)
    assert answer(policy, observe(0.0, [1.0] * 2)) == (5, Reason.RATE_LIMIT)
    assert answer(policy, observe(15.0, [1.0] * 5)) == (5, Reason.RATE_LIMIT)
    assert answer(policy, observe(60.0, [1.0] * 5)) == (8, Reason.RATE_LIMIT)


def test_behavior_paces_steps_down_by_percent(make_context, observe):
    policy = Hpa(
        make_context(), downscale_window_s=0, scale_down_percent=50, scale_down_period_s=60
    )
    assert answer(policy, observe(0.0, [0.0] * 8)) == (4, Reason.RATE_LIMIT)
    assert answer(policy, observe(15.0, [0.0] * 4)) == (4, Reason.RATE_LIMIT)


def test_a_window_on_the_way_up_holds_a_step_back(make_context, observe):
    policy = Hpa(make_context(), target=0.5, scale_up_window_s=60)
    assert answer(policy, observe(0.0, [1.0, 1.0])) == (2, Reason.STABILIZED)
    assert answer(policy, observe(60.0, [1.0, 1.0])) == (4, Reason.DEMAND_UP)


def test_a_disabled_direction_does_not_move(make_context, observe):
    policy = Hpa(make_context(), scale_down_select="Disabled", downscale_window_s=0)
    assert answer(policy, observe(15.0, [0.1] * 4)) == (4, Reason.RATE_LIMIT)


def test_a_tolerance_of_its_own_for_up(make_context, observe):
    policy = Hpa(make_context(), target=0.5, scale_up_tolerance=0.5)
    assert answer(policy, observe(15.0, [0.7, 0.7])) == (2, Reason.WITHIN_TOLERANCE)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"target": 0}, "above 0 and up to 1"),
        ({"target": 1.2}, "above 0 and up to 1"),
        ({"target": "high"}, "above 0 and up to 1"),
        ({"target": True}, "above 0 and up to 1"),
        ({"target": 0.655}, "whole percents"),
        ({"metric": "cpu"}, "utilisation, in_flight"),
        ({"tolerance": -0.1}, "from 0 to 1"),
        ({"tolerance": math.nan}, "from 0 to 1"),
        ({"downscale_window_s": 4000}, "from 0 to 3600"),
        ({"sync_s": 20}, "hpa:sync_s=15"),
        ({"sync_s": 0}, "hpa:sync_s=15"),
        ({"scale_up_pods": 0}, "of 1 or more"),
        ({"scale_up_percent": 1.5}, "whole number"),
        ({"scale_up_pods": 1, "scale_up_period_s": 1801}, "from 1 to 1800"),
        ({"scale_up_period_s": 60}, "scale_up_pods or scale_up_percent"),
        ({"scale_up_window_s": 3601}, "from 0 to 3600"),
        ({"scale_down_select": "Most"}, "Max, Min, Disabled"),
        ({"scale_down_tolerance": 2}, "from 0 to 1"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_the_range(make_context, parameters, said):
    with pytest.raises(PolicyError, match="hpa") as refused:
        Hpa(make_context(), **parameters)
    assert said in str(refused.value)


def test_every_pool_has_a_memory_of_its_own(make_context, observe):
    one, two = observe(0.0, [0.1] * 4), observe(0.0, [0.9] * 4)
    policy = Hpa(make_context({}, {}), target=0.5)
    both = joined(one, two)
    action = policy.propose(both)
    assert list(action.target) == [4, 8]
    assert action.reason == (Reason.STABILIZED, Reason.DEMAND_UP)


def joined(one, two):
    """One observation of both pools."""
    fields = {}
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            fields[field.name] = np.concatenate([a, b])
        elif isinstance(a, tuple):
            fields[field.name] = a + b
    return dataclasses.replace(one, **fields)


SHARES = st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    ticks=st.lists(st.tuples(SHARES, st.integers(0, 4), st.integers(0, 3)), max_size=8),
    target=st.integers(1, 100),
    paced=st.booleans(),
)
def test_proposals_stay_in_range_and_follow_from_their_rationale(
    make_context, observe, ticks, target, paced
):
    extra = {"scale_up_pods": 2, "scale_down_percent": 30} if paced else {}
    policy = Hpa(make_context(workers_min=2, workers_max=9), target=target / 100, **extra)
    for tick, (shares, starting, draining) in enumerate(ticks):
        observation = observe(15.0 * tick, shares, starting=starting, draining=draining)
        action = policy.propose(observation)
        said = json.loads(json.dumps(action.rationale[0], allow_nan=False))
        if said["current"] == 0:
            assert action.reason[0] is Reason.DISABLED
            continue
        if said["proposed"] is not None:
            assert 2 <= action.target[0] <= 9
        assert action.target[0] == replayed(said)
        if action.reason[0] is Reason.WITHIN_TOLERANCE:
            metric = said["metric"]
            ratio = metric["ratio"] if metric["filled_ratio"] is None else metric["filled_ratio"]
            assert action.target[0] == said["current"]
            assert 0.9 <= ratio <= 1.1


def replayed(said):
    """The size again, from nothing but the rationale."""
    current, lowest, highest = said["current"], said["min"], said["max"]
    if current > highest or current < lowest:
        return min(max(current, lowest), highest)
    if said["proposed"] is None:
        return current
    assert said["proposed"] == asked_for(said)
    size, pace = said["stabilised"], said["pace"]
    if size > current and pace is not None:
        size = min(size, pace)
    if size < current and pace is not None and pace <= current:
        size = max(size, pace)
    return min(max(size, lowest), highest)


def asked_for(said):
    """What the metric asks for, again, from nothing but the rationale."""
    metric, current = said["metric"], said["current"]
    down, up = said["tolerance"]
    use = metric["filled_use"] or metric["use"]
    first, ratio = (
        100 * sums["total_milli"] // sums["requested_milli"] / said["target"]
        for sums in (metric["use"], use)
    )
    size = math.ceil(ratio * use["samples"])
    if 1 - down <= ratio <= 1 + up or (first < 1 < ratio) or (ratio < 1 < first):
        return current
    turned = (ratio < 1 and size > current) or (ratio > 1 and size < current)
    return current if turned and metric["filled_use"] else size
