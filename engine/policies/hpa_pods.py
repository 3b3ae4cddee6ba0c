"""The pods of an HPA's target as arrays, and which of them count, as Kubernetes groups them.

Values are in milli-units (Kubernetes' `MilliValue`), held as float64 that are whole numbers:
sums stay exact up to 2^53. Source: `groupPods` in Kubernetes' `replica_calculator.go`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from engine.policies.hpa_spec import Options
from engine.units import AnyArray, BoolArray, FloatArray


class Phase(IntEnum):
    """Life of a pod, as far as the calculator tells phases apart."""

    RUNNING = 0
    PENDING = 1
    SUCCEEDED = 2
    FAILED = 3


class Ready(IntEnum):
    """A pod's Ready condition."""

    UNKNOWN = -1
    """The pod has no Ready condition."""
    FALSE = 0
    TRUE = 1


# The members as plain numbers: numpy compares with those several times faster.
_PENDING, _FAILED = int(Phase.PENDING), int(Phase.FAILED)
_RUNNING, _READY = int(Phase.RUNNING), int(Ready.TRUE)
_NOT_READY, _UNKNOWN = int(Ready.FALSE), int(Ready.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods that the HPA's selector finds. (pods,) each."""

    phase: AnyArray
    """`Phase`, int8."""
    deleted: BoolArray
    ready: AnyArray
    """`Ready`, int8."""
    started_s: FloatArray
    """NaN: no start time yet."""
    ready_changed_s: FloatArray
    """Last transition of the Ready condition."""
    request_milli: FloatArray
    """NaN: the pod requests nothing of this resource."""

    def __len__(self) -> int:
        return len(self.phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One per-pod metric, in the order of the pods."""

    value_milli: FloatArray
    """(pods,) NaN: no sample."""
    t_s: FloatArray | float
    """When the samples were taken; one for all or one a pod."""
    window_s: FloatArray | float
    """Seconds before `t_s` that the samples average over."""
    strangers_milli: tuple[int, ...] = ()
    """Samples of pods that are not in the list."""


class Counts(NamedTuple):
    """Sizes of the groups."""

    ready: int
    unready: int
    missing: int
    ignored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which pods count how. (pods,) masks; every pod is in exactly one group."""

    ready: BoolArray
    unready: BoolArray
    missing: BoolArray
    """No sample, though the pod should have one."""
    counts: Counts


def group_pods(
    pods: Pods, samples: Samples, *, cpu: bool, now_s: float, options: Options
) -> Groups:
    """Sorts pods into ready, unready, missing and ignored (deleted or failed).

    Only CPU looks at readiness: a pod that starts burns CPU without serving anybody.
    """
    ignored = pods.deleted | (pods.phase == _FAILED)
    unready = (pods.phase == _PENDING) & ~ignored
    rest = ~(ignored | unready)
    missing = np.isnan(samples.value_milli) & rest
    ready = rest & ~missing
    if cpu:
        late = _unready_for_cpu(pods, samples, now_s, options) & ready
        unready |= late
        ready &= ~late
    count = np.count_nonzero
    counts = Counts(int(count(ready)), int(count(unready)), int(count(missing)), 0)
    gone = len(pods) - counts.ready - counts.unready - counts.missing
    return Groups(
        ready=ready, unready=unready, missing=missing, counts=counts._replace(ignored=gone)
    )


def _unready_for_cpu(pods: Pods, samples: Samples, now_s: float, options: Options) -> BoolArray:
    not_ready = pods.ready == _NOT_READY
    warming = pods.started_s + options.cpu_initialisation_s > now_s
    sampled_before = pods.ready_changed_s + samples.window_s > samples.t_s
    never_ready = pods.started_s + options.readiness_delay_s > pods.ready_changed_s
    unknown = (pods.ready == _UNKNOWN) | np.isnan(pods.started_s)
    unready: BoolArray = unknown | np.where(
        warming, not_ready | sampled_before, not_ready & never_ready
    )
    return unready


def serving(pods: Pods) -> int:
    """Pods that run and are ready, deleted ones included."""
    return int(np.count_nonzero((pods.phase == _RUNNING) & (pods.ready == _READY)))
