"""What people write into a Kubernetes HorizontalPodAutoscaler (v2), and the controller's flags.

Kubernetes' own terms are kept in the `hpa_*` modules, so that they read beside its source:
`pkg/controller/podautoscaler/horizontal.go` and `pkg/apis/autoscaling/v2/defaults.go`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Where a metric comes from."""

    RESOURCE = "Resource"
    """CPU or memory of every pod."""
    PODS = "Pods"
    """A custom metric of every pod."""
    OBJECT = "Object"
    """One number about one other object, such as a queue."""
    EXTERNAL = "External"
    """Numbers from outside the cluster; their sum counts."""


class Target(StrEnum):
    """How a metric's target is to be read."""

    UTILISATION = "Utilization"
    """Percent of the pods' requests."""
    AVERAGE_VALUE = "AverageValue"
    """Milli-units a pod."""
    VALUE = "Value"
    """Milli-units altogether."""


class Select(StrEnum):
    """Which of several scaling policies counts."""

    MAX = "Max"
    """The one that allows the largest change."""
    MIN = "Min"
    DISABLED = "Disabled"
    """No change in this direction."""


class Amount(StrEnum):
    """What a scaling policy's value counts."""

    PODS = "Pods"
    PERCENT = "Percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One entry of `spec.metrics`."""

    source: str
    """A `Source`. Any other text makes the metric invalid, as in Kubernetes; nothing raises."""
    kind: Target
    target: int
    """Percent for `UTILISATION`, else milli-units; positive."""
    resource: str = "cpu"
    """Of `Source.RESOURCE` only. Readiness is looked at for `cpu` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    """One entry of `behavior.scaleUp.policies` or `behavior.scaleDown.policies`."""

    amount: Amount
    value: int
    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRules:
    """One half of `behavior` as people wrote it; None: left out."""

    policies: tuple[ScalingPolicy, ...] | None = None
    select: Select | None = None
    window_s: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One half of `behavior` after the defaults are filled in."""

    policies: tuple[ScalingPolicy, ...]
    select: Select
    window_s: float | None
    """Seconds that recommendations are remembered. None: the controller's downscale window."""
    tolerance: float | None
    """None: the controller's tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """Both halves of `spec.behavior`."""

    up: Rules
    down: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class HpaSpec:
    """A HorizontalPodAutoscaler."""

    min_replicas: int
    max_replicas: int
    metrics: tuple[MetricSpec, ...]
    behavior: Behavior | None = None
    """None: the rules from before `behavior` existed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Flags of the controller; the defaults are those of kube-controller-manager."""

    tolerance: float = 0.1
    downscale_window_s: float = 300.0
    cpu_initialisation_s: float = 300.0
    readiness_delay_s: float = 30.0
    fill_to_target: bool = True
    """On the way down, a pod without a sample counts as using max(100, target) % of its request,
    as newer releases have it. False: always 100 %, as older ones do."""


def up_rules(given: GivenRules | None = None) -> Rules:
    """The scale-up half with defaults: at most the larger of +4 pods and +100 % in 15 s."""
    defaults = Rules(
        policies=(
            ScalingPolicy(amount=Amount.PODS, value=4, period_s=15.0),
            ScalingPolicy(amount=Amount.PERCENT, value=100, period_s=15.0),
        ),
        select=Select.MAX,
        window_s=0.0,
        tolerance=None,
    )
    return _filled(given, defaults)


def down_rules(given: GivenRules | None = None) -> Rules:
    """The scale-down half with defaults: -100 % in 15 s, after the controller's window."""
    defaults = Rules(
        policies=(ScalingPolicy(amount=Amount.PERCENT, value=100, period_s=15.0),),
        select=Select.MAX,
        window_s=None,
        tolerance=None,
    )
    return _filled(given, defaults)


def _filled(given: GivenRules | None, defaults: Rules) -> Rules:
    if given is None:
        return defaults
    return Rules(
        policies=defaults.policies if given.policies is None else given.policies,
        select=defaults.select if given.select is None else given.select,
        window_s=defaults.window_s if given.window_s is None else given.window_s,
        tolerance=defaults.tolerance if given.tolerance is None else given.tolerance,
    )
