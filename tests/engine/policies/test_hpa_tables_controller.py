"""Kubernetes' own tests of whole reconciles, as data rows.

T9 of `horizontal_test.go` with the conditions it expects, and the rows of T5 without `behavior`.
Kubernetes' tests lift the legacy pace out of the way; no row here reaches it.
"""

import math
from typing import NamedTuple

import pytest

from engine.policies.hpa_controller import State, View, reconcile
from engine.policies.hpa_normalise import Limit, Recommendation, ScaleEvent
from engine.policies.hpa_pods import Phase, Pods, Samples
from engine.policies.hpa_spec import (
    Amount,
    Behavior,
    GivenRules,
    HpaSpec,
    MetricSpec,
    Options,
    ScalingPolicy,
    Source,
    Target,
    down_rules,
    up_rules,
)

NOW_S = 100_000.0
OPTIONS = Options(cpu_initialisation_s=120.0, readiness_delay_s=10.0)
LONG_AGO_S = -1e9

RESCALED = ("AbleToScale", True, "SucceededRescale")
READY = ("AbleToScale", True, "ReadyForNewScale")
STABILISED = ("AbleToScale", True, "ScaleDownStabilized")
FETCHED = ("AbleToScale", True, "SucceededGetScale")
VALID = ("ScalingActive", True, "ValidMetricFound")
WITHIN = ("ScalingLimited", False, "DesiredWithinRange")
OK = (RESCALED, VALID, WITHIN)
UNCHANGED = (READY, VALID, WITHIN)
INVALID = "CheddarCheese"


def limited(reason):
    return ("ScalingLimited", True, reason)


def failed(reason):
    return ("ScalingActive", False, reason)


def metric(source, kind, target):
    return MetricSpec(source=source, kind=kind, target=target)


def cpu(target):
    return metric(Source.RESOURCE, Target.UTILISATION, target)


class Pod(NamedTuple):
    level: float = math.nan
    request: float = 1000.0
    ready: bool = True
    started_s: float = LONG_AGO_S
    phase: Phase = Phase.RUNNING
    deleted: bool = False


def fleet(*levels, requests=None, **fields):
    wanted = requests or [1000.0] * len(levels)
    return [Pod(lv, rq, **fields) for lv, rq in zip(levels, wanted, strict=True)]


IDLE = fleet(100, 300, 500, 250, 250)
BUSY = fleet(300, 400, 500)
TENTHS = [100.0, 100.0, 100.0]
EMPTY_HISTORY = ()
SAMPLES = "samples"

OBJECT = metric(Source.OBJECT, Target.VALUE, 15000)
EXTERNAL = metric(Source.EXTERNAL, Target.VALUE, 14400)
QPS = metric(Source.PODS, Target.AVERAGE_VALUE, 15000)
BROKEN = metric(INVALID, Target.VALUE, 1)


class Row(NamedTuple):
    """One reconcile. `readings`: SAMPLES for the pods' levels, a total, or None: not fetched."""

    current: int
    result: int
    pods: list[Pod]
    metrics: tuple[MetricSpec, ...]
    readings: tuple[object, ...] = (SAMPLES,)
    lowest: int = 2
    highest: int = 6
    status: int | None = None
    up: GivenRules | None = None
    history: tuple[Recommendation, ...] | None = None
    conditions: tuple[tuple[str, bool, str], ...] = OK


PERCENT_700 = GivenRules(
    policies=(ScalingPolicy(amount=Amount.PERCENT, value=700, period_s=60),), window_s=0
)
PERCENT_100 = GivenRules(
    policies=(ScalingPolicy(amount=Amount.PERCENT, value=100, period_s=15),), window_s=30
)
DOWN = {"history": EMPTY_HISTORY}

NO_POD_SAMPLES = [Pod()] * 3
HOT_FIRST = [Pod(300, started_s=NOW_S), *fleet(500, 700, started_s=NOW_S - 180)]
ONE_READY = [Pod(50000, ready=False), Pod(15000), Pod(30000, ready=False)]
UNEVEN = [900.0, 1000.0, 1100.0]
TENS = fleet(100, 200, 300, requests=TENTHS)
AT_MAXIMUM = (RESCALED, VALID, limited("TooManyReplicas"))
TO_15 = {"lowest": 1, "highest": 5}


def not_fetched(reason):
    return {"conditions": (FETCHED, failed(reason))}


# fmt: off
ROWS = {
    "up": Row(3, 5, fleet(300, 500, 700), (cpu(30),)),
    "up, unready counts as idle":
        Row(3, 4, [Pod(300, ready=False), *fleet(500, 700)], (cpu(30),)),
    "up, hot counts as idle": Row(3, 4, HOT_FIRST, (cpu(30),)),
    "unready pods cancel a step up":
        Row(3, 3, [Pod(400), *fleet(500, 700, ready=False)], (cpu(30),), conditions=UNCHANGED),
    "up, failed ignored":
        Row(2, 4, [*fleet(500, 700), *[Pod(phase=Phase.FAILED)] * 2], (cpu(30),)),
    "up, deleted ignored": Row(2, 4, [*fleet(500, 700), *[Pod(deleted=True)] * 2], (cpu(30),)),
    "up by a custom metric": Row(3, 4, fleet(20000, 10000, 30000), (QPS,)),
    "up by a custom metric, unready counts": Row(3, 6, ONE_READY, (QPS,), conditions=AT_MAXIMUM),
    "up by an object": Row(3, 4, NO_POD_SAMPLES, (OBJECT,), (20000,)),
    "up by an object for each pod":
        Row(3, 4, NO_POD_SAMPLES, (metric(Source.OBJECT, Target.AVERAGE_VALUE, 10000),), (40000,)),
    "up from outside":
        Row(3, 4, NO_POD_SAMPLES, (metric(Source.EXTERNAL, Target.VALUE, 6666),), (8600,)),
    "up from outside for each pod":
        Row(3, 4, NO_POD_SAMPLES, (metric(Source.EXTERNAL, Target.AVERAGE_VALUE, 2222),), (8600,)),
    "from zero by an object": Row(0, 2, [], (OBJECT,), (20000,), lowest=0),
    "from zero whatever the tolerance":
        Row(0, 1, [], (metric(Source.OBJECT, Target.VALUE, 1000),), (1000,), lowest=0),
    "down": Row(5, 3, IDLE, (cpu(50),), **DOWN),
    "down with behavior for up only": Row(5, 3, IDLE, (cpu(50),), up=PERCENT_100, **DOWN),
    "down by a custom metric": Row(5, 3, fleet(*[9000] * 5), (QPS,), **DOWN),
    "down by an object for each pod":
        Row(5, 3, IDLE, (metric(Source.OBJECT, Target.AVERAGE_VALUE, 20000),), (60000,), **DOWN),
    "down from outside": Row(5, 3, IDLE, (EXTERNAL,), (8600,), **DOWN),
    "to zero by an object": Row(5, 0, IDLE, (OBJECT,), (0,), lowest=0, **DOWN),
    "to zero from outside": Row(5, 0, IDLE, (EXTERNAL,), (0,), lowest=0, **DOWN),
    "to zero by utilisation": Row(3, 0, fleet(0, 0, 0), (cpu(90),), lowest=0, **DOWN),
    "down includes unready pods":
        Row(5, 2, [*fleet(100, 300, 500), *fleet(250, 250, ready=False)], (cpu(50),), **DOWN),
    "one invalid metric does not stop a step up":
        Row(3, 4, BUSY, (cpu(30), BROKEN), (SAMPLES, None)),
    "one empty metric does not stop a step up":
        Row(3, 4, BUSY, (cpu(30), EXTERNAL), (SAMPLES, None)),
    "one invalid metric stops a step down":
        Row(5, 5, IDLE, (cpu(50), BROKEN), (SAMPLES, None), **DOWN,
            **not_fetched("InvalidMetricSourceType")),
    "one empty metric stops a step down":
        Row(5, 5, IDLE, (cpu(50), EXTERNAL), (SAMPLES, None), **DOWN,
            **not_fetched("FailedGetExternalMetric")),
    "nothing but an invalid metric":
        Row(3, 3, BUSY, (BROKEN,), (None,), **not_fetched("InvalidMetricSourceType")),
    "no CPU samples":
        Row(4, 4, [Pod()] * 4, (cpu(100),), **not_fetched("FailedGetResourceMetric")),
    "no CPU request":
        Row(1, 1, [Pod(200, request=math.nan)], (cpu(100),), **TO_15,
            **not_fetched("FailedGetResourceMetric")),
    "pods metric not fetched":
        Row(3, 3, BUSY, (QPS,), (None,), **not_fetched("FailedGetPodsMetric")),
    "object metric not fetched":
        Row(3, 3, BUSY, (OBJECT,), (None,), **not_fetched("FailedGetObjectMetric")),
    "external metric not fetched":
        Row(3, 3, BUSY, (EXTERNAL,), (None,), **not_fetched("FailedGetExternalMetric")),
    "the first size is remembered":
        Row(5, 5, IDLE, (cpu(50),), conditions=(STABILISED, VALID, WITHIN)),
    "a recent recommendation holds the size":
        Row(4, 4, fleet(50, 50, 50, requests=TENTHS), (cpu(100),), **TO_15,
            history=(Recommendation(10, NOW_S - 600), Recommendation(4, NOW_S - 60)),
            conditions=(STABILISED, VALID, WITHIN)),
    "within tolerance":
        Row(3, 3, fleet(1010, 1030, 1020, requests=UNEVEN), (cpu(100),), **TO_15,
            conditions=UNCHANGED),
    "within tolerance from outside":
        Row(4, 4, [Pod()] * 4, (metric(Source.EXTERNAL, Target.VALUE, 8666),), (8600,),
            conditions=UNCHANGED),
    "more pods than asked for, at target":
        Row(4, 4, fleet(*[500] * 5), (cpu(50),), highest=8, status=5, conditions=UNCHANGED),
    "at the minimum":
        Row(3, 2, fleet(10, 95, 10, requests=UNEVEN), (cpu(90),), **DOWN,
            conditions=(RESCALED, VALID, limited("TooFewReplicas"))),
    "at the maximum":
        Row(3, 5, fleet(8000, 9500, 1000, requests=UNEVEN), (cpu(90),), highest=5,
            conditions=AT_MAXIMUM),
    "switched off at zero": Row(0, 0, [], (cpu(90),), **not_fetched("ScalingDisabled")),
    "below the minimum": Row(1, 2, [], (cpu(90),), conditions=(RESCALED,)),
    "above the maximum": Row(6, 5, BUSY, (cpu(50),), highest=5, conditions=(RESCALED,)),
    "paced by behavior":
        Row(3, 24, TENS, (cpu(10),), highest=100, up=PERCENT_700,
            conditions=(RESCALED, VALID, limited("ScaleUpLimit"))),
    "paced by behavior, but the maximum is lower":
        Row(3, 20, TENS, (cpu(10),), highest=20, up=PERCENT_700, conditions=AT_MAXIMUM),
    "missing reports": Row(4, 2, [Pod(200, request=200.0)], (cpu(50),), **TO_15, **DOWN),
    "missing samples": Row(4, 3, [Pod(400), Pod(95), Pod(), Pod()], (cpu(100),), **DOWN),
    "the largest of two metrics counts":
        Row(3, 5, fleet(20000, 10000, 30000), (cpu(10), QPS), (SAMPLES, SAMPLES), **TO_15,
            conditions=AT_MAXIMUM),
    "a custom metric alone": Row(3, 4, fleet(20000, 10000, 30000), (QPS,), **TO_15),
}
# fmt: on


def columns(pods):
    return Pods(
        phase=[pod.phase for pod in pods],
        deleted=[pod.deleted for pod in pods],
        ready=[pod.ready for pod in pods],
        started_s=[pod.started_s for pod in pods],
        ready_changed_s=[pod.started_s for pod in pods],
        request_milli=[pod.request for pod in pods],
    )


def reading(kind, pods):
    if kind is SAMPLES:
        levels = [pod.level for pod in pods]
        return Samples(value_milli=levels, t_s=NOW_S, window_s=60.0)
    return None if kind is None else (kind,)


def run(row, state):
    behavior = None if row.up is None else Behavior(up=up_rules(row.up), down=down_rules())
    spec = HpaSpec(
        min_replicas=row.lowest,
        max_replicas=row.highest,
        metrics=row.metrics,
        behavior=behavior,
    )
    view = View(
        now_s=NOW_S,
        current=row.current,
        status=row.current if row.status is None else row.status,
        pods=columns(row.pods),
        readings=tuple(reading(kind, row.pods) for kind in row.readings),
    )
    return reconcile(state, spec, OPTIONS, view)


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ROWS.items()])
def test_one_reconcile_gives_kubernetes_size_and_conditions(row):
    outcome = run(row, State(recommendations=row.history))
    got = tuple((name, *condition) for name, condition in outcome.conditions.items())
    assert outcome.replicas == row.result
    assert got == row.conditions


@pytest.mark.parametrize("events", [(), (ScaleEvent(7, NOW_S - 61),)])
@pytest.mark.parametrize("name", ["up", "down"])
def test_without_behavior_no_scale_event_is_stored(name, events):
    state = State(recommendations=EMPTY_HISTORY, ups=events, downs=events)
    run(ROWS[name], state)
    assert (state.ups, state.downs) == (events, events)


def test_with_behavior_the_step_is_stored_for_its_own_direction():
    state = State()
    run(ROWS["paced by behavior"], state)
    assert (state.ups, state.downs) == ((ScaleEvent(21, NOW_S),), ())


@pytest.mark.parametrize(
    ("name", "limit"),
    [("below the minimum", Limit.TOO_FEW), ("above the maximum", Limit.TOO_MANY)],
)
def test_a_size_outside_the_range_is_corrected_without_a_look_at_metrics(name, limit):
    outcome = run(ROWS[name], State())
    assert (outcome.bypass, outcome.metrics, outcome.proposed) == (limit, (), None)


def test_conditions_stay_until_they_are_set_anew():
    state = State()
    run(ROWS["up"], state)
    outcome = run(ROWS["above the maximum"], state)
    assert outcome.conditions["ScalingActive"] == (True, "ValidMetricFound")


@pytest.mark.parametrize(
    ("source", "kind", "reason"),
    [
        (Source.PODS, Target.UTILISATION, "FailedGetPodsMetric"),
        (Source.RESOURCE, Target.VALUE, "FailedGetResourceMetric"),
        (Source.OBJECT, Target.UTILISATION, "FailedGetObjectMetric"),
        (Source.EXTERNAL, Target.UTILISATION, "FailedGetExternalMetric"),
    ],
)
def test_a_target_that_its_source_does_not_know_is_a_failure(source, kind, reason):
    row = Row(3, 3, BUSY, (metric(source, kind, 10),))
    outcome = run(row, State())
    assert (outcome.replicas, outcome.failure.reason) == (3, reason)


def test_a_step_up_held_back_by_the_window_is_a_condition_of_its_own():
    outcome = run(ROWS["up"]._replace(up=PERCENT_100), State())
    assert outcome.replicas == 3
    assert outcome.conditions["AbleToScale"] == (True, "ScaleUpStabilized")
