"""The pods of an HPA's target, and which of them count, as Kubernetes groups them.

Plain columns and one loop: at the tens of pods that an HPA looks after this is several times
faster than array operations. Values are in milli-units (Kubernetes' `MilliValue`), floats that
are whole numbers. Source: `groupPods` in Kubernetes' `replica_calculator.go`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.policies.hpa_spec import Options


class Phase(StrEnum):
    """Life of a pod."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods that the HPA's selector finds. Columns, one entry a pod."""

    phase: Sequence[Phase]
    deleted: Sequence[bool]
    ready: Sequence[bool | None]
    """The Ready condition; None: the pod has none."""
    started_s: Sequence[float]
    """NaN: no start time yet."""
    ready_changed_s: Sequence[float]
    """Last transition of the Ready condition."""
    request_milli: Sequence[float]
    """NaN: the pod requests nothing of this resource."""

    def __len__(self) -> int:
        return len(self.phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One per-pod metric, in the order of the pods."""

    value_milli: Sequence[float]
    """NaN: no sample."""
    t_s: float
    """When the samples were taken."""
    window_s: float
    """Seconds before `t_s` that the samples average over."""
    strangers_milli: tuple[int, ...] = ()
    """Samples of pods that are not in the list."""
    request_milli: Sequence[float] | None = None
    """What the pods request of it, where that is not `Pods.request_milli`."""


class Counts(NamedTuple):
    """How many pods are in each group; every pod is in exactly one."""

    ready: int
    unready: int
    missing: int
    """No sample, though the pod should have one."""
    ignored: int
    """Deleted or failed."""


class Groups(NamedTuple):
    """The groups' sizes and sums."""

    counts: Counts
    use_milli: float
    """Of the ready pods; so is the next."""
    ready_request_milli: float
    unready_request_milli: float
    missing_requests_milli: tuple[float, ...]
    """One by one, because what is assumed of each is rounded by itself."""


def group_pods(
    pods: Pods, samples: Samples, *, cpu: bool, now_s: float, options: Options
) -> Groups:
    """Sorts pods into ready, unready, missing and ignored, and sums what they use and request.

    Only CPU looks at readiness: a pod that starts burns CPU without serving anybody.
    """
    pending, failed = Phase.PENDING, Phase.FAILED
    warm_s = options.cpu_initialisation_s
    n_ready = n_unready = n_ignored = 0
    use = ready_request = unready_request = 0.0
    missing = []
    for phase, deleted, ready, started_s, changed_s, request, value in zip(
        pods.phase,
        pods.deleted,
        pods.ready,
        pods.started_s,
        pods.ready_changed_s,
        pods.request_milli,
        samples.value_milli,
        strict=True,
    ):
        if deleted or phase is failed:
            n_ignored += 1
        elif phase is pending:
            n_unready += 1
            unready_request += request
        elif value != value:
            missing.append(request)
        elif (  # most pods are warm and ready: those need no closer look
            cpu
            and not (ready and started_s + warm_s <= now_s)
            and _unready_for_cpu(ready, started_s, changed_s, samples, now_s, options)
        ):
            n_unready += 1
            unready_request += request
        else:
            n_ready += 1
            ready_request += request
            use += value
    counts = Counts(n_ready, n_unready, len(missing), n_ignored)
    return Groups(counts, use, ready_request, unready_request, tuple(missing))


def _unready_for_cpu(
    ready: bool | None,
    started_s: float,
    changed_s: float,
    samples: Samples,
    now_s: float,
    options: Options,
) -> bool:
    if ready is None or started_s != started_s:
        return True
    if started_s + options.cpu_initialisation_s > now_s:
        return not ready or samples.t_s < changed_s + samples.window_s
    never_ready = started_s + options.readiness_delay_s > changed_s
    return not ready and never_ready


def serving(pods: Pods) -> int:
    """Pods that run and are ready, deleted ones included."""
    return sum(
        phase is Phase.RUNNING and ready is True
        for phase, ready in zip(pods.phase, pods.ready, strict=True)
    )
