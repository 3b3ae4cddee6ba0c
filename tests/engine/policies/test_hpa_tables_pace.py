"""Kubernetes' own test tables for everything after the metrics, as data rows.

T1 to T6 of `horizontal_test.go` (TestConvertDesiredReplicasWithRules, the limits with select
Min, TestNormalizeDesiredReplicas, TestScalingWithRules, TestStoreScaleEvents,
TestNormalizeDesiredReplicasWithBehavior) and the rows of `autoscaling/v2/defaults_test.go`.
"""

import pytest

from engine.policies.hpa_normalise import (
    Limit,
    Recommendation,
    ScaleEvent,
    change_within,
    down_limit,
    limited,
    limited_legacy,
    stabilised,
    stabilised_legacy,
    stored,
    up_limit,
)
from engine.policies.hpa_spec import (
    Amount,
    Behavior,
    GivenRules,
    ScalingPolicy,
    Select,
    down_rules,
    up_rules,
)

NOW_S = 10_000.0
W, F, M, U, D = Limit.WITHIN, Limit.TOO_FEW, Limit.TOO_MANY, Limit.UP, Limit.DOWN


def pods(value, period_s):
    return ScalingPolicy(amount=Amount.PODS, value=value, period_s=period_s)


def percent(value, period_s):
    return ScalingPolicy(amount=Amount.PERCENT, value=value, period_s=period_s)


def given(*policies, **fields):
    return GivenRules(policies=policies or None, **fields)


@pytest.mark.parametrize(
    ("current", "desired", "lowest", "highest", "size", "limit"),
    [
        (5, 7, 3, 8, 7, W),
        (3, 1, 2, 8, 2, F),
        (1, 0, 0, 10, 0, W),
        (20, 1000, 1, 10, 10, M),
        (3, 1000, 1, 2000, 6, U),
    ],
)
def test_without_behavior_a_step_stays_in_range_and_at_most_doubles(
    current, desired, lowest, highest, size, limit
):
    assert limited_legacy(current, desired, lowest, highest)[:2] == (size, limit)


TWO_POLICIES = (pods(2, 60), percent(50, 60))


def test_select_min_takes_the_smaller_step_up():
    rules = up_rules(given(*TWO_POLICIES, select=Select.MIN))
    assert up_limit(1, (), (), rules, NOW_S) == 2


def test_select_min_takes_the_smaller_step_down():
    rules = down_rules(given(*TWO_POLICIES, select=Select.MIN))
    assert down_limit(5, (), (), rules, NOW_S) == 3


@pytest.mark.parametrize("limit_of", [up_limit, down_limit])
def test_select_disabled_allows_no_step(limit_of):
    rules = up_rules(given(*TWO_POLICIES, select=Select.DISABLED))
    assert limit_of(5, (), (), rules, NOW_S) == 5


def history(*entries):
    """Recommendations from (replicas, age in minutes)."""
    return tuple(Recommendation(replicas, NOW_S - 60 * age) for replicas, age in entries)


@pytest.mark.parametrize(
    ("remembered", "desired", "result", "length"),
    [
        ((), 5, 5, 1),
        (((4, 2), (5, 1)), 3, 5, 3),
        (((1, 2), (2, 1)), 3, 3, 3),
        (((10, 10), (9, 9)), 3, 3, 2),
        (((10, 10), (4, 1), (5, 2), (9, 9)), 3, 5, 4),
    ],
)
def test_without_behavior_the_highest_recommendation_of_five_minutes_holds(
    remembered, desired, result, length
):
    steady, kept = stabilised_legacy(history(*remembered), desired, NOW_S, 300.0)
    assert (steady, len(kept)) == (result, length)
    assert Recommendation(desired, NOW_S) in kept


def spread(*changes):
    """Events in the centres of equal segments of the last 120 s, oldest first.

    Kubernetes' helper cuts the ages to whole seconds, and so does this.
    """
    segment_s = 120 / len(changes)
    return tuple(
        ScaleEvent(change, NOW_S - int(120 - segment_s * (index + 1) + segment_s / 2))
        for index, change in enumerate(changes)
    )


NONE = GivenRules()
E159, E_MANY = spread(1, 5, 9), spread(8, 12, 9, 11)

# current, desired, min, max, up rules, down rules, up events, down events -> size, limit
SCALING_WITH_RULES = [
    (5, 7, 3, 8, NONE, NONE, (), (), 7, W),
    (3, 1, 2, 8, NONE, NONE, (), (), 2, F),
    (1, 0, 0, 10, NONE, NONE, (), (), 0, W),
    (20, 1000, 1, 10, NONE, NONE, (), (), 10, M),
    (100, 1000, 100, 150, NONE, NONE, (), (), 150, M),
    (3, 1000, 1, 2000, given(percent(1, 60)), NONE, (), (), 4, U),
    # Kubernetes skips this row through an inverted flag; the algorithm gives what it lists.
    (1000, 3, 3, 2000, NONE, given(pods(20, 60)), (), (), 980, D),
    (10, 50, 1, 1000, NONE, NONE, (), (), 20, U),
    (10, 500, 1, 1000, given(pods(100, 60), percent(100, 60)), NONE, (), (), 110, U),
    (10, 500, 1, 1000, given(pods(2, 60), percent(100, 60)), NONE, (), (), 20, U),
    (10, 50, 1, 1000, given(pods(100, 60)), NONE, (), (), 50, W),
    (10, 50, 1, 1000, given(pods(10000, 60)), NONE, (), (), 50, W),
    (10, 50, 1, 1000, given(pods(30, 60)), NONE, (), (), 40, U),
    (10, 50, 1, 1000, given(percent(200, 60)), NONE, (), (), 30, U),
    (100, 2, 1, 1000, NONE, given(pods(20, 60), percent(1, 60)), (), (), 80, D),
    (100, 2, 1, 1000, NONE, given(pods(2, 60), percent(1, 60)), (), (), 98, D),
    (10, 0, 1, 1000, NONE, given(pods(100, 60)), (), (), 1, F),
    (10, 0, 1, 1000, NONE, given(pods(100, 60), window_s=300), (), (), 1, F),
    (10, 2, 5, 1000, NONE, given(percent(100, 60)), (), (), 5, F),
    (10, 2, 1, 1000, NONE, given(pods(5, 60)), (), (), 5, D),
    (10, 5, 1, 1000, NONE, given(percent(50, 60)), (), (), 5, W),
    (100, 500, 1, 200, given(pods(300, 60)), NONE, E159, (), 200, M),
    (100, 500, 1, 200, given(percent(10000, 60)), NONE, E159, (), 200, M),
    (100, 500, 1, 1000, given(pods(5, 120)), NONE, E159, (), 100, U),
    (100, 500, 1, 1000, given(pods(150, 120)), NONE, E159, (), 235, U),
    (100, 500, 1, 1000, given(percent(200, 120)), NONE, E159, (), 255, U),
    (6, 24, 1, 1000, given(percent(300, 300)), NONE, spread(4), spread(2), 16, U),
    (10, 5, 1, 1000, NONE, NONE, (), E159, 5, W),
    (100, 0, 1, 1000, NONE, given(pods(115, 120)), (), E159, 1, F),
    (100, 0, 5, 1000, NONE, given(pods(130, 120)), (), E159, 5, F),
    (100, 2, 5, 1000, NONE, given(percent(100, 120)), (), E159, 5, F),
    (100, 2, 1, 1000, NONE, given(pods(5, 120)), (), E159, 100, D),
    (100, 0, 1, 1000, NONE, given(percent(50, 120)), (), spread(2, 4, 6), 56, D),
    (10, 1, 1, 1000, NONE, given(percent(50, 180)), spread(2), spread(4), 6, D),
    (100, 0, 1, 1000, NONE, given(percent(10, 120)), (), spread(10, 10, 10), 100, D),
    (10, 5, 1, 1000, NONE, given(percent(1000, 120)), (), spread(10, 10, 10), 5, W),
    (100, 200, 1, 1000, given(pods(1000, 60)), NONE, E_MANY, (), 200, W),
    (100, 200, 1, 1000, given(pods(1000, 120), percent(100, 60)), NONE, E_MANY, (), 200, W),
    (100, 200, 1, 1000, given(pods(1000, 30), percent(100, 60)), NONE, E_MANY, (), 200, W),
    (100, 5, 1, 1000, NONE, given(pods(1000, 60)), (), E_MANY, 5, W),
    (100, 5, 1, 1000, NONE, given(pods(1000, 120), percent(100, 60)), (), E_MANY, 5, W),
    (100, 5, 1, 1000, NONE, given(pods(1000, 30), percent(100, 60)), (), E_MANY, 5, W),
]


@pytest.mark.parametrize(
    ("current", "desired", "lowest", "highest", "up", "down", "ups", "downs", "size", "limit"),
    SCALING_WITH_RULES,
)
def test_behavior_paces_a_step(
    current, desired, lowest, highest, up, down, ups, downs, size, limit
):
    behavior = Behavior(up=up_rules(up), down=down_rules(down))
    got = limited(current, desired, lowest, highest, behavior, ups, downs, NOW_S)
    assert got[:2] == (size, limit)


BOTH_60 = (pods(10, 60), percent(100, 60))

# rules, previous (change, age in s), stored (change, outdated) after a change of 5,
# change seen in the last 60 s before it
STORE_SCALE_EVENTS = [
    (BOTH_60, (), ((5, False),), 0),
    (BOTH_60, ((7, 61),), ((5, False),), 0),
    (BOTH_60, ((7, 58),), ((7, False), (5, False)), 7),
    ((pods(10, 60),), ((7, 61), (6, 59)), ((5, False), (6, False)), 6),
    (
        (pods(10, 60), percent(100, 30)),
        ((8, 29), (6, 59), (7, 61), (9, 61)),
        ((8, False), (6, False), (7, True), (5, False)),
        14,
    ),
    (
        (pods(10, 120), percent(100, 30)),
        ((7, 58), (6, 59)),
        ((7, False), (6, False), (5, False)),
        13,
    ),
]


@pytest.mark.parametrize("rules_of", [up_rules, down_rules])
@pytest.mark.parametrize(("policies", "previous", "kept", "change"), STORE_SCALE_EVENTS)
def test_scale_events_are_stored_over_outdated_ones(rules_of, policies, previous, kept, change):
    events = tuple(ScaleEvent(size, NOW_S - age_s) for size, age_s in previous)
    assert change_within(events, 60, NOW_S) == change
    after = stored(events, 5, rules_of(given(*policies)), NOW_S)
    assert tuple((event.change, event.outdated) for event in after) == kept


# current, desired, remembered (replicas, age in min), up and down window -> result, stored
NORMALISE_WITH_BEHAVIOR = [
    (100, 5, (), 0, 0, 5, [5]),
    (100, 3, ((4, 2), (5, 1)), 0, 180, 5, [4, 5, 3]),
    (1, 7, ((4, 2), (5, 1)), 300, 0, 4, [4, 5, 7]),
    (100, 3, ((1, 2), (2, 1)), 300, 0, 3, [1, 2, 3]),
    (1, 3, ((4, 2), (5, 1)), 0, 300, 3, [4, 5, 3]),
    (100, 3, ((10, 10), (9, 9)), 0, 0, 3, [10, 3]),
    (1, 100, ((10, 10), (9, 9)), 0, 0, 100, [10, 100]),
    (100, 3, ((10, 10), (4, 1), (5, 2), (9, 9)), 0, 180, 5, [10, 4, 5, 3]),
    (1, 100, ((10, 100), (6, 1), (5, 2), (9, 3)), 300, 0, 5, [100, 6, 5, 9]),
    (2, 1, ((2, 100), (3, 3)), 300, 300, 2, [1, 3]),
    (2, 3, ((2, 100), (1, 3)), 300, 300, 2, [3, 1]),
]


@pytest.mark.parametrize(
    ("current", "desired", "remembered", "up_s", "down_s", "result", "kept"),
    NORMALISE_WITH_BEHAVIOR,
)
def test_behavior_holds_a_step_back_by_what_was_recommended_before(
    current, desired, remembered, up_s, down_s, result, kept
):
    steady, after = stabilised(history(*remembered), current, desired, NOW_S, up_s, down_s)
    assert steady == result
    assert [entry.replicas for entry in after] == kept


DEFAULT_UP = (pods(4, 15), percent(100, 15))
DEFAULT_DOWN = (percent(100, 15),)


@pytest.mark.parametrize(
    ("written", "policies", "window_s", "select"),
    [
        (given(), DEFAULT_UP, 0, Select.MAX),
        (
            given(pods(1, 2), percent(3, 4), window_s=25, select=Select.MAX),
            (pods(1, 2), percent(3, 4)),
            25,
            Select.MAX,
        ),
        (given(pods(1, 2), select=Select.MIN), (pods(1, 2),), 0, Select.MIN),
        (given(percent(7, 10)), (percent(7, 10),), 0, Select.MAX),
        (given(pods(4, 2), window_s=25), (pods(4, 2),), 25, Select.MAX),
        (given(percent(7, 60), window_s=25), (percent(7, 60),), 25, Select.MAX),
    ],
)
def test_what_is_left_out_of_scale_up_has_defaults(written, policies, window_s, select):
    rules = up_rules(written)
    assert (rules.policies, rules.window_s, rules.select) == (policies, window_s, select)


@pytest.mark.parametrize(
    ("written", "policies", "window_s", "select"),
    [
        (given(), DEFAULT_DOWN, None, Select.MAX),
        (
            given(pods(1, 2), percent(3, 4), window_s=25, select=Select.MAX),
            (pods(1, 2), percent(3, 4)),
            25,
            Select.MAX,
        ),
        (given(percent(1, 2), select=Select.MIN), (percent(1, 2),), None, Select.MIN),
        (given(pods(3, 4)), (pods(3, 4),), None, Select.MAX),
    ],
)
def test_what_is_left_out_of_scale_down_has_defaults(written, policies, window_s, select):
    rules = down_rules(written)
    assert (rules.policies, rules.window_s, rules.select) == (policies, window_s, select)


@pytest.mark.parametrize("rules_of", [up_rules, down_rules])
def test_a_half_that_is_left_out_altogether_has_the_same_defaults(rules_of):
    assert rules_of(None) == rules_of(GivenRules())


@pytest.mark.parametrize(("age_s", "counts"), [(59.9, 7), (60.0, 0), (60.1, 0)])
def test_an_event_exactly_as_old_as_the_period_no_longer_counts(age_s, counts):
    assert change_within((ScaleEvent(7, NOW_S - age_s),), 60, NOW_S) == counts


def test_an_event_is_kept_for_as_long_as_the_longest_period():
    rules = up_rules(given(pods(10, 120), percent(100, 30)))
    after = stored((ScaleEvent(7, NOW_S - 119),), 5, rules, NOW_S)
    assert [event.change for event in after] == [7, 5]


def test_a_percentage_is_rounded_up_on_the_way_up_and_cut_on_the_way_down():
    half = given(percent(50, 60))
    assert up_limit(5, (), (), up_rules(half), NOW_S) == 8
    assert down_limit(5, (), (), down_rules(half), NOW_S) == 2
