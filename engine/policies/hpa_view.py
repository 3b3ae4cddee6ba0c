"""Our workers as Kubernetes would show them, and an HPA's outcome in our words.

A starting worker is a Pending pod, a draining one is being deleted, a ready one is Running with
a Ready condition since `ready_s`. Its request is one core a slot, its use the busy slots.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.policies.base import Observation, Reason, WorkerView
from engine.policies.hpa_controller import Outcome, View, tolerance_of
from engine.policies.hpa_metrics import Failure, Proposal, Verdict
from engine.policies.hpa_normalise import Limit
from engine.policies.hpa_pods import Phase, Pods, Samples
from engine.policies.hpa_spec import HpaSpec, Options

MILLI = 1000
NANO_IN_MILLI = 1e-6
"""The metrics server counts in billionths of a core; Kubernetes rounds those up to thousandths."""

_LIMITS = {
    Limit.TOO_FEW: Reason.MIN_WORKERS,
    Limit.TOO_MANY: Reason.MAX_WORKERS,
    Limit.UP: Reason.RATE_LIMIT,
    Limit.DOWN: Reason.RATE_LIMIT,
}


def utilisation_view(observation: Observation, pool: int, slots: int) -> View:
    """What an HPA on utilisation sees of one pool."""
    workers = observation.workers[pool]
    use = np.ceil(workers.utilisation * (MILLI * slots) - NANO_IN_MILLI)
    samples = Samples(value_milli=use.tolist(), t_s=observation.t_s, window_s=observation.tick_s)
    return _view(observation, pool, _pods(workers, slots), samples)


def in_flight_view(observation: Observation, pool: int) -> View:
    """What an HPA on an external count of requests, waiting and in service, sees of one pool."""
    requests = int(observation.queued[pool] + observation.in_service[pool])
    return _view(observation, pool, _NO_PODS, (MILLI * requests,))


def _view(
    observation: Observation, pool: int, pods: Pods, reading: Samples | tuple[int, ...]
) -> View:
    return View(
        now_s=observation.t_s,
        current=int(observation.target[pool]),
        status=int(observation.starting[pool] + observation.ready[pool]),
        pods=pods,
        readings=(reading,),
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

    `target` is in percent for utilisation, else in milli-units a worker. `tolerance` and
    `window_s`, of stabilisation, are for the way down and the way up.
    """
    tolerance = tolerance_of(spec, options)
    down_s, up_s = options.downscale_window_s, 0.0
    if spec.behavior is not None:
        down_s = down_s if spec.behavior.down.window_s is None else spec.behavior.down.window_s
        up_s = spec.behavior.up.window_s or 0.0
    return {
        "min": spec.min_replicas,
        "max": spec.max_replicas,
        "target": spec.metrics[0].target,
        "tolerance": [tolerance.down, tolerance.up],
        "window_s": [down_s, up_s],
        "kind": spec.metrics[0].kind.value,
    }


def rationale_of(outcome: Outcome, view: View, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers behind an outcome, enough to follow every step again."""
    return {
        **settings,
        "current": view.current,
        "status": view.status,
        "metric": _metric_rationale(outcome.metrics[0]) if outcome.metrics else None,
        "proposed": outcome.proposed,
        "stabilised": outcome.stabilised,
        "pace": outcome.pace,
        "limit": (outcome.limit or outcome.bypass or Limit.WITHIN).value,
        "desired": outcome.replicas,
        "conditions": {
            name: f"{status}: {reason}" for name, (status, reason) in outcome.conditions.items()
        },
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
