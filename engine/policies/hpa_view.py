"""Our workers as Kubernetes would show them, and an HPA's outcome in our words.

A starting worker is a Pending pod, a draining one is being deleted, a ready one is Running with
a Ready condition since `ready_s`. Its request is one core a slot, its use the busy slots.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.policies.base import Observation, Reason, WorkerView
from engine.policies.hpa_controller import Outcome, Reading, View, tolerance_of
from engine.policies.hpa_metrics import Failure, Proposal, Verdict
from engine.policies.hpa_normalise import Limit
from engine.policies.hpa_pods import Phase, Pods, Samples
from engine.policies.hpa_spec import HpaSpec, MetricSpec, Options

MILLI = 1000
WHOLE = 10**9
"""Parts into which a worker's memory is divided; only shares of it are known."""
NANO_IN_MILLI = 1e-6
"""The metrics server counts in billionths of a core; Kubernetes rounds those up to thousandths."""

_LIMITS = {
    Limit.TOO_FEW: Reason.MIN_WORKERS,
    Limit.TOO_MANY: Reason.MAX_WORKERS,
    Limit.UP: Reason.RATE_LIMIT,
    Limit.DOWN: Reason.RATE_LIMIT,
}


UTILISATION, IN_FLIGHT, MEMORY = "utilisation", "in_flight", "memory"
"""What an HPA here may measure."""


def view_of(observation: Observation, pool: int, slots: int, measures: tuple[str, ...]) -> View:
    """What an HPA that measures all of this sees of one pool."""
    looks_at_pods = measures != (IN_FLIGHT,)
    return View(
        now_s=observation.t_s,
        current=int(observation.target[pool]),
        status=int(observation.starting[pool] + observation.ready[pool]),
        pods=_pods(observation.workers[pool], slots) if looks_at_pods else _NO_PODS,
        readings=tuple(_reading(observation, pool, slots, measure) for measure in measures),
    )


def _reading(observation: Observation, pool: int, slots: int, measure: str) -> Reading:
    if measure == IN_FLIGHT:  # an external count of requests, waiting and in service
        return (MILLI * int(observation.queued[pool] + observation.in_service[pool]),)
    workers, t_s, window_s = observation.workers[pool], observation.t_s, observation.tick_s
    if measure == UTILISATION:
        use = np.ceil(workers.utilisation * (MILLI * slots) - NANO_IN_MILLI)
        return Samples(value_milli=use.tolist(), t_s=t_s, window_s=window_s)
    number = len(workers.started_s)
    if len(workers.memory_frac) != number:
        return None
    return Samples(
        value_milli=np.rint(workers.memory_frac * WHOLE).tolist(),
        t_s=t_s,
        window_s=window_s,
        request_milli=[float(WHOLE)] * number,
    )


def _pods(workers: WorkerView, slots: int) -> Pods:
    pending, running = Phase.PENDING, Phase.RUNNING
    ready_s = workers.ready_s.tolist()
    return Pods(
        phase=[running if when == when else pending for when in ready_s],
        deleted=workers.draining.tolist(),
        ready=[True] * len(ready_s),
        started_s=workers.started_s.tolist(),
        ready_changed_s=ready_s,
        request_milli=[float(MILLI * slots)] * len(ready_s),
    )


_NO_PODS = Pods(phase=(), deleted=(), ready=(), started_s=(), ready_changed_s=(), request_milli=())


def reason_of(outcome: Outcome, current: int) -> Reason:
    """What bound the outcome: the last step that changed it, or why the metrics kept it."""
    if outcome.bypass is not None:
        return _LIMITS[outcome.bypass]
    if outcome.proposed is None or outcome.limit is None:
        return Reason.DISABLED if outcome.failure is None else Reason.METRICS_MISSING
    if outcome.limit is not Limit.WITHIN:
        return _LIMITS[outcome.limit]
    if outcome.stabilised != outcome.proposed:
        return Reason.STABILIZED
    if outcome.replicas != current:
        return Reason.DEMAND_UP if outcome.replicas > current else Reason.DEMAND_DOWN
    return _unchanged(outcome)


def _unchanged(outcome: Outcome) -> Reason:
    verdicts = {
        metric.verdict
        for metric in outcome.metrics
        if isinstance(metric, Proposal) and metric.replicas == outcome.proposed
    }
    if Verdict.WITHIN_TOLERANCE in verdicts:
        return Reason.WITHIN_TOLERANCE
    if verdicts & {Verdict.FLIPPED, Verdict.CONTRADICTED}:
        return Reason.UNCERTAIN_METRICS
    return Reason.ROUNDING


def settings_of(spec: HpaSpec, options: Options) -> dict[str, Any]:
    """What a rationale repeats of the spec, so that it can be followed by itself.

    `tolerance` and `window_s`, of stabilisation, are for the way down and the way up.
    """
    tolerance = tolerance_of(spec, options)
    down_s, up_s = options.downscale_window_s, 0.0
    if spec.behavior is not None:
        down_s = down_s if spec.behavior.down.window_s is None else spec.behavior.down.window_s
        up_s = spec.behavior.up.window_s or 0.0
    return {
        "min": spec.min_replicas,
        "max": spec.max_replicas,
        "tolerance": [tolerance.down, tolerance.up],
        "window_s": [down_s, up_s],
    }


def rationale_of(
    outcome: Outcome,
    view: View,
    settings: Mapping[str, Any],
    rules: tuple[MetricSpec, ...],
    measures: tuple[str, ...],
) -> dict[str, Any]:
    """The numbers behind an outcome, enough to follow every step again.

    Where there are several metrics, `metric` is the one that asks for most, and `metrics` has all
    of them. `target`, its own, is in percent for utilisation, else in milli-units a worker.

    Args:
        outcome: of a reconcile.
        view: what was seen.
        settings: from `settings_of`.
        rules: the metrics of the spec.
        measures: what each of them measures.
    """
    chosen = _binding(outcome)
    return {
        **settings,
        "target": rules[chosen].target,
        "kind": rules[chosen].kind.value,
        **_of_several(outcome, rules, measures, chosen),
        "current": view.current,
        "status": view.status,
        "metric": _metric_rationale(outcome.metrics[chosen]) if outcome.metrics else None,
        "proposed": outcome.proposed,
        "stabilised": outcome.stabilised,
        "pace": outcome.pace,
        "limit": (outcome.limit or outcome.bypass or Limit.WITHIN).value,
        "desired": outcome.replicas,
        "conditions": {
            name: f"{status}: {reason}" for name, (status, reason) in outcome.conditions.items()
        },
    }


def _binding(outcome: Outcome) -> int:
    """The first metric that asks for as many as are proposed; without any, one that failed."""
    for k, metric in enumerate(outcome.metrics):
        if outcome.proposed is None and isinstance(metric, Failure):
            return k
        if isinstance(metric, Proposal) and metric.replicas == outcome.proposed:
            return k
    return 0


def _of_several(
    outcome: Outcome, rules: tuple[MetricSpec, ...], measures: tuple[str, ...], chosen: int
) -> dict[str, Any]:
    """What is only said where it is not plain from the kind of metric."""
    if MEMORY not in measures:
        return {}
    told = zip(measures, rules, outcome.metrics, strict=False)
    return {
        "measures": measures[chosen],
        "metrics": [
            {"measures": measure, "target": rule.target, **_metric_rationale(metric)}
            for measure, rule, metric in told
        ],
    }


def _metric_rationale(metric: Proposal | Failure) -> dict[str, Any]:
    if isinstance(metric, Failure):
        return {"failure": metric.reason, "what": metric.what}
    return {
        "value": metric.value,
        "ratio": metric.ratio if metric.ratio < math.inf else None,
        "verdict": metric.verdict.value,
        "replicas": metric.replicas,
        "use": metric.use._asdict(),
        "pods": metric.counts and metric.counts._asdict(),
        "filled_ratio": metric.filled_ratio,
        "filled_use": metric.filled_use and metric.filled_use._asdict(),
    }
