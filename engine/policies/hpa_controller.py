"""One reconcile of a HorizontalPodAutoscaler: the order of the steps, and the conditions.

`reconcile` reads what the cluster shows and what the HPA remembers, and says the new size with
everything behind it. Source: `reconcileAutoscaler` in Kubernetes' `horizontal.go`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.policies.hpa_metrics import (
    Failure,
    Proposal,
    Tolerance,
    failure,
    pods_proposal,
    total_proposal,
)
from engine.policies.hpa_normalise import (
    Events,
    Limit,
    Limited,
    Recommendation,
    Recommendations,
    limited,
    limited_legacy,
    stabilised,
    stabilised_legacy,
    stored,
)
from engine.policies.hpa_pods import Pods, Samples, group_pods
from engine.policies.hpa_spec import Behavior, HpaSpec, MetricSpec, Options, Source, Target

Reading = Samples | tuple[int, ...] | None
"""What was measured for one metric: samples of pods, or milli-values of an object or from outside.
None: nothing could be fetched."""

Condition = tuple[bool, str]
"""Status and reason."""

_PER_POD = frozenset(
    {
        (Source.RESOURCE, Target.UTILISATION),
        (Source.RESOURCE, Target.AVERAGE_VALUE),
        (Source.PODS, Target.AVERAGE_VALUE),
    }
)
_TOTAL = frozenset(
    (source, kind)
    for source in (Source.OBJECT, Source.EXTERNAL)
    for kind in (Target.VALUE, Target.AVERAGE_VALUE)
)


@dataclass(slots=True, kw_only=True)
class State:
    """What an HPA remembers between reconciles."""

    recommendations: Recommendations | None = None
    """None: before the first reconcile, which seeds it with the size found."""
    ups: Events = ()
    downs: Events = ()
    conditions: dict[str, Condition] = field(default_factory=dict)
    """By Kubernetes' name: AbleToScale, ScalingActive, ScalingLimited. Stays until set anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the controller sees at one reconcile."""

    now_s: float
    current: int
    """`spec.replicas` of the scale."""
    status: int
    """`status.replicas` of the scale: pods that exist."""
    pods: Pods
    readings: tuple[Reading, ...]
    """One a metric of the spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One reconcile. Fields are None where the step was not reached."""

    replicas: int
    metrics: tuple[Proposal | Failure, ...] = ()
    proposed: int | None = None
    """The largest proposal of the valid metrics."""
    stabilised: int | None = None
    """After the memory of earlier recommendations."""
    limit: Limit | None = None
    """What capped `stabilised`."""
    pace: int | None = None
    """The size that the pace of scaling allows; None: nothing to pace."""
    bypass: Limit | None = None
    """Set where the size was outside min and max: corrected without a look at metrics."""
    failure: Failure | None = None
    """Of the first invalid metric. Nothing changes unless `proposed` is set."""
    conditions: Mapping[str, Condition]


def reconcile(state: State, spec: HpaSpec, options: Options, view: View) -> Outcome:
    """Decides the new size and updates `state`; the new size is taken as written."""
    current = view.current
    state.conditions["AbleToScale"] = (True, "SucceededGetScale")
    if state.recommendations is None:
        state.recommendations = (Recommendation(current, view.now_s),)
    if current == 0 and spec.min_replicas != 0:
        state.conditions["ScalingActive"] = (False, "ScalingDisabled")
        return Outcome(replicas=0, conditions=dict(state.conditions))
    if current > spec.max_replicas:
        return _bypass(state, spec, view, spec.max_replicas, Limit.TOO_MANY)
    if current < spec.min_replicas:
        return _bypass(state, spec, view, spec.min_replicas, Limit.TOO_FEW)
    metrics = tuple(
        _evaluated(metric, reading, spec, options, view)
        for metric, reading in zip(spec.metrics, view.readings, strict=True)
    )
    valid = [metric.replicas for metric in metrics if isinstance(metric, Proposal)]
    failed = next((metric for metric in metrics if isinstance(metric, Failure)), None)
    if failed is not None and (not valid or max(valid) < current):
        state.conditions["ScalingActive"] = (False, failed.reason)
        return Outcome(
            replicas=current,
            metrics=metrics,
            failure=failed,
            conditions=dict(state.conditions),
        )
    state.conditions["ScalingActive"] = (True, "ValidMetricFound")
    return _normalised(state, spec, options, view, metrics, max(valid), failed)


def _bypass(state: State, spec: HpaSpec, view: View, replicas: int, limit: Limit) -> Outcome:
    _write(state, spec.behavior, view, replicas)
    return Outcome(replicas=replicas, bypass=limit, conditions=dict(state.conditions))


def _normalised(
    state: State,
    spec: HpaSpec,
    options: Options,
    view: View,
    metrics: tuple[Proposal | Failure, ...],
    proposed: int,
    failed: Failure | None,
) -> Outcome:
    steady = _stabilise(state, spec.behavior, options, view, proposed)
    replicas, limit, pace = _limit(state, spec, view, steady)
    held = "ScaleUpStabilized" if proposed >= view.current and spec.behavior else None
    reason = "ReadyForNewScale" if steady == proposed else held or "ScaleDownStabilized"
    state.conditions["AbleToScale"] = (True, reason)
    state.conditions["ScalingLimited"] = (replicas != steady, limit.value)
    _write(state, spec.behavior, view, replicas)
    return Outcome(
        replicas=replicas,
        metrics=metrics,
        proposed=proposed,
        stabilised=steady,
        limit=limit,
        pace=pace,
        failure=failed,
        conditions=dict(state.conditions),
    )


def _stabilise(
    state: State, behavior: Behavior | None, options: Options, view: View, proposed: int
) -> int:
    history = state.recommendations or ()
    window_s = options.downscale_window_s
    if behavior is None:
        steady, history = stabilised_legacy(history, proposed, view.now_s, window_s)
    else:
        up_s = behavior.up.window_s or 0.0
        down_s = window_s if behavior.down.window_s is None else behavior.down.window_s
        steady, history = stabilised(history, view.current, proposed, view.now_s, up_s, down_s)
    state.recommendations = history
    return steady


def _limit(state: State, spec: HpaSpec, view: View, steady: int) -> Limited:
    lowest, highest = spec.min_replicas, spec.max_replicas
    if spec.behavior is None:
        return limited_legacy(view.current, steady, lowest, highest)
    ups, downs = state.ups, state.downs
    return limited(view.current, steady, lowest, highest, spec.behavior, ups, downs, view.now_s)


def _write(state: State, behavior: Behavior | None, view: View, replicas: int) -> None:
    change = replicas - view.current
    if change == 0:
        return
    state.conditions["AbleToScale"] = (True, "SucceededRescale")
    if behavior is None:
        return
    if change > 0:
        state.ups = stored(state.ups, change, behavior.up, view.now_s)
    else:
        state.downs = stored(state.downs, -change, behavior.down, view.now_s)


def _evaluated(
    metric: MetricSpec, reading: Reading, spec: HpaSpec, options: Options, view: View
) -> Proposal | Failure:
    tolerance = tolerance_of(spec, options)
    shape = (metric.source, metric.kind)
    if shape not in _PER_POD and shape not in _TOTAL:
        return failure(metric, f"no such metric: {metric.source} with {metric.kind}")
    if isinstance(reading, Samples) and shape in _PER_POD:
        return _of_pods(metric, reading, options, view, tolerance)
    if isinstance(reading, tuple) and shape in _TOTAL:
        total = sum(reading)
        return total_proposal(metric, view.current, view.status, total, view.pods, tolerance)
    return failure(metric, "nothing could be fetched")


def _of_pods(
    metric: MetricSpec, samples: Samples, options: Options, view: View, tolerance: Tolerance
) -> Proposal | Failure:
    cpu = metric.source == Source.RESOURCE and metric.resource == "cpu"
    pods = view.pods
    if samples.request_milli is not None:
        pods = replace(pods, request_milli=samples.request_milli)
    groups = group_pods(pods, samples, cpu=cpu, now_s=view.now_s, options=options)
    return pods_proposal(
        metric,
        view.current,
        pods,
        samples,
        groups,
        tolerance,
        fill_to_target=options.fill_to_target,
    )


def tolerance_of(spec: HpaSpec, options: Options) -> Tolerance:
    """The tolerance of each direction: the spec's own, else the controller's."""
    up = spec.behavior.up.tolerance if spec.behavior else None
    down = spec.behavior.down.tolerance if spec.behavior else None
    return Tolerance(
        up=options.tolerance if up is None else up,
        down=options.tolerance if down is None else down,
    )
