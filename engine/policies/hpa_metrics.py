"""How many replicas one metric asks for, as Kubernetes' replica calculator computes it.

Pure functions over the arrays of `hpa_pods`. Source: `replica_calculator.go` and
`metrics/utilization.go` of Kubernetes.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.policies.hpa_pods import Counts, Groups, Pods, Samples, serving
from engine.policies.hpa_spec import MetricSpec, Source, Target

INT32_MAX = 2**31 - 1
"""Kubernetes caps every count here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a ratio may stray from 1 without any change."""

    down: float
    up: float

    def holds(self, ratio: float) -> bool:
        """Whether `ratio` is close enough to 1."""
        return (1.0 - self.down) <= ratio <= (1.0 + self.up)


class Verdict(StrEnum):
    """Which branch of the calculator gave the answer."""

    WITHIN_TOLERANCE = "within_tolerance"
    READY = "ready"
    """Every pod that counts has a sample: ratio times ready pods."""
    FILLED = "filled"
    """Pods without a sample, or unready ones, were given an assumed use first."""
    FLIPPED = "flipped"
    """With assumed use the ratio pointed the other way: no change."""
    CONTRADICTED = "contradicted"
    """With assumed use the count pointed the other way: no change."""
    TOTAL = "total"
    """From one total instead of samples of pods."""


class Use(NamedTuple):
    """Sums over samples, or one total."""

    total_milli: int
    requested_milli: int
    """What the pods with these samples request; 0 where it is not a share of requests."""
    samples: int
    """How many; for a total the pods that share it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one metric asks for."""

    replicas: int
    verdict: Verdict
    value: int
    """Measured: percent of the requests for utilisation, else milli-units."""
    ratio: float
    """Measured over target; above 1 asks for more."""
    use: Use
    counts: Counts | None = None
    """Group sizes; None for totals."""
    filled_ratio: float | None = None
    """The ratio with assumed use filled in; None: nothing was assumed."""
    filled_use: Use | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a metric gives no number."""

    reason: str
    """Kubernetes' reason of the ScalingActive condition."""
    what: str


def failure(metric: MetricSpec, what: str) -> Failure:
    """The failure of `metric`, with the reason that Kubernetes gives it."""
    known = metric.source in set(Source)
    reason = f"FailedGet{metric.source}Metric" if known else "InvalidMetricSourceType"
    return Failure(reason=reason, what=what)


def pods_proposal(
    metric: MetricSpec,
    current: int,
    pods: Pods,
    samples: Samples,
    groups: Groups,
    tolerance: Tolerance,
    *,
    fill_to_target: bool = True,
) -> Proposal | Failure:
    """Replicas that bring a metric of pods to its target.

    ratio = value / target with value = ⌊100 · Σ use / Σ request⌋ percent, or ⌊Σ use / samples⌋
    milli-units. The cut to whole numbers comes before the division by the target, as in
    Kubernetes. With a sample of every pod that counts the answer is ⌈ratio · ready pods⌉; else
    pods without one are first given an assumed use, which may cancel the change.
    `fill_to_target` is explained in `hpa_spec.Options`.
    """
    counts = groups.counts
    if not len(pods):
        return failure(metric, "the target has no pods")
    if not counts.ready and not samples.strangers_milli:
        return failure(metric, "no pod that counts has a sample")
    if metric.kind is Target.UTILISATION and math.isnan(sum(pods.request_milli)):
        return failure(metric, "a pod requests none of this resource")
    use = _use(metric, samples, groups)
    if metric.kind is Target.UTILISATION and use.requested_milli <= 0:
        return failure(metric, "the samples belong to no pod of this target")
    value = _value(metric, use)
    ratio = value / metric.target
    filled_ratio, filled = None, None
    if counts.missing or (counts.unready and ratio > 1.0):
        fill_percent = max(100, metric.target) if fill_to_target else 100
        filled = _filled(metric, use, groups, ratio, fill_percent)
        filled_ratio = _value(metric, filled) / metric.target
        replicas, verdict = _settled(current, ratio, filled_ratio, filled.samples, tolerance)
    elif tolerance.holds(ratio):
        replicas, verdict = current, Verdict.WITHIN_TOLERANCE
    else:
        replicas, verdict = _capped(ratio * counts.ready), Verdict.READY
    return Proposal(
        replicas=replicas,
        verdict=verdict,
        value=value,
        ratio=ratio,
        use=use,
        counts=counts,
        filled_ratio=filled_ratio,
        filled_use=filled,
    )


def _use(metric: MetricSpec, samples: Samples, groups: Groups) -> Use:
    total = int(groups.use_milli)
    count = groups.counts.ready + len(samples.strangers_milli)
    if metric.kind is Target.UTILISATION:  # strangers request nothing, so they add nothing
        return Use(total, int(groups.ready_request_milli), count)
    return Use(total + sum(samples.strangers_milli), 0, count)


def _value(metric: MetricSpec, use: Use) -> int:
    if metric.kind is Target.UTILISATION:
        return use.total_milli * 100 // use.requested_milli
    return use.total_milli // use.samples


def _filled(metric: MetricSpec, use: Use, groups: Groups, ratio: float, fill_percent: int) -> Use:
    """`use` and what is assumed of pods without a usable sample.

    On the way down missing ones count as fully busy; on the way up missing and unready ones
    count as idle. At exactly 1 nothing is assumed.
    """
    if ratio == 1.0:
        return use
    down = ratio < 1.0
    samples = use.samples + groups.counts.missing + (0 if down else groups.counts.unready)
    if metric.kind is not Target.UTILISATION:
        assumed = groups.counts.missing * metric.target if down else 0
        return Use(use.total_milli + assumed, 0, samples)
    missing = groups.missing_requests_milli
    requested = sum(missing) + (0.0 if down else groups.unready_request_milli)
    assumed = sum(int(request) * fill_percent // 100 for request in missing) if down else 0
    return Use(use.total_milli + assumed, use.requested_milli + int(requested), samples)


def _settled(
    current: int, ratio: float, filled_ratio: float, count: int, tolerance: Tolerance
) -> tuple[int, Verdict]:
    if tolerance.holds(filled_ratio):
        return current, Verdict.WITHIN_TOLERANCE
    if ratio < 1.0 < filled_ratio or filled_ratio < 1.0 < ratio:
        return current, Verdict.FLIPPED
    replicas = _capped(filled_ratio * count)
    if (filled_ratio < 1.0 and replicas > current) or (filled_ratio > 1.0 and replicas < current):
        return current, Verdict.CONTRADICTED
    return replicas, Verdict.FILLED


def total_proposal(
    metric: MetricSpec, current: int, status: int, total: int, pods: Pods, tolerance: Tolerance
) -> Proposal | Failure:
    """Replicas for one total, of an object or from outside.

    Args:
        metric: the target in milli-units, a `VALUE` or an `AVERAGE_VALUE`.
        current: `spec.replicas` of the scale.
        status: `status.replicas` of the scale, the pods that exist.
        total: milli-units, summed over all values.
        pods: for a `VALUE`, those that run and are ready share the total.
        tolerance: not applied to a `VALUE` when scaling up from zero.
    """
    if metric.kind is Target.AVERAGE_VALUE:
        return _per_pod(metric, status, total, tolerance)
    ratio = total / metric.target
    if current == 0:
        return _of_total(_capped(ratio), total, ratio, Use(total, 0, 1))
    if tolerance.holds(ratio):
        use = Use(total, 0, current)
        return _of_total(current, total, ratio, use, Verdict.WITHIN_TOLERANCE)
    if not len(pods):
        return failure(metric, "the target has no pods")
    count = serving(pods)
    return _of_total(_capped(ratio * count), total, ratio, Use(total, 0, count))


def _per_pod(metric: MetricSpec, status: int, total: int, tolerance: Tolerance) -> Proposal:
    """The answer is ⌈total / target⌉ unless total / (target · pods) is within tolerance."""
    wanted = _capped(total / metric.target)
    use = Use(total, 0, status)
    if not status:  # Kubernetes divides by zero here, and no tolerance holds the result
        return _of_total(wanted, total, math.inf, use)
    ratio = total / (metric.target * status)
    value = math.ceil(total / status)
    if tolerance.holds(ratio):
        return _of_total(status, value, ratio, use, Verdict.WITHIN_TOLERANCE)
    return _of_total(wanted, value, ratio, use)


def _of_total(
    replicas: int, value: int, ratio: float, use: Use, verdict: Verdict = Verdict.TOTAL
) -> Proposal:
    return Proposal(replicas=replicas, verdict=verdict, value=value, ratio=ratio, use=use)


def _capped(replicas: float) -> int:
    return min(math.ceil(replicas), INT32_MAX)
