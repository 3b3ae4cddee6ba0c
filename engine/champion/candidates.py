"""Who stands for election: one setting of the rule, and a ladder of the learned policy."""

from engine.policies.registry import PolicySpec, parse_spec

LADDER = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Weights of cost of the learned policy, from cautious to cheap."""
WAITS = 0.6
"""Of what is left for latency and reliability, the share of latency."""


def rule_spec(quantile: float, target: float) -> PolicySpec:
    """The predictive rule with its two settings."""
    return parse_spec(f"predictive:quantile={quantile:g}:target={target:g}")


def learned_spec(cost: float, checkpoint: str | None = None) -> PolicySpec:
    """The learned policy for a weight of cost; what is left is for latency and reliability."""
    rest = 1.0 - cost
    spec = parse_spec(
        f"smartscale:carbon=0:cost={cost:g}:latency={WAITS * rest:.6g}"
        f":reliability={(1 - WAITS) * rest:.6g}:utilisation=0"
    )
    if checkpoint is None:
        return spec
    parameters = sorted([*spec.parameters, ("checkpoint", checkpoint)])
    return PolicySpec(name=spec.name, parameters=tuple(parameters))


def challengers(checkpoint: str | None = None) -> tuple[PolicySpec, ...]:
    """The learned policy from cautious to cheap."""
    return tuple(learned_spec(cost, checkpoint) for cost in LADDER)
