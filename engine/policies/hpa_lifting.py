"""An HPA in which one of its constraints no longer binds, to ask whether it did."""

from collections.abc import Collection
from dataclasses import replace

from engine.policies.base import Reason
from engine.policies.hpa_metrics import INT32_MAX
from engine.policies.hpa_spec import (
    Amount,
    Behavior,
    HpaSpec,
    Options,
    Rules,
    ScalingPolicy,
    Select,
    down_rules,
    up_rules,
)

__all__ = ["lifted_options", "lifted_spec"]

_ANY_PACE = (ScalingPolicy(amount=Amount.PODS, value=INT32_MAX, period_s=1.0),)


def lifted_options(options: Options, reasons: Collection[Reason]) -> Options:
    """The controller's flags without its tolerance or its memory."""
    if Reason.WITHIN_TOLERANCE in reasons:
        options = replace(options, tolerance=0.0)
    if Reason.STABILIZED in reasons:
        options = replace(options, downscale_window_s=0.0)
    return options


def lifted_spec(spec: HpaSpec, reasons: Collection[Reason]) -> HpaSpec:
    """The HPA without its limits, tolerance, memory or pace."""
    if Reason.MIN_WORKERS in reasons:
        spec = replace(spec, min_replicas=0)
    if Reason.MAX_WORKERS in reasons:
        spec = replace(spec, max_replicas=INT32_MAX)
    behavior = spec.behavior
    if behavior is None and Reason.RATE_LIMIT in reasons:
        behavior = Behavior(up=up_rules(), down=down_rules())
    if behavior is None:
        return spec
    up, down = _rules(behavior.up, reasons), _rules(behavior.down, reasons)
    return replace(spec, behavior=Behavior(up=up, down=down))


def _rules(rules: Rules, reasons: Collection[Reason]) -> Rules:
    if Reason.WITHIN_TOLERANCE in reasons:
        rules = replace(rules, tolerance=0.0)
    if Reason.STABILIZED in reasons:
        rules = replace(rules, window_s=0.0)
    if Reason.RATE_LIMIT in reasons:
        rules = replace(rules, policies=_ANY_PACE, select=Select.MAX)
    return rules
