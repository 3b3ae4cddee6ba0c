"""Priorities to start from, and how they reach a policy that weighs them."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.policies.registry import PolicySpec, parse_spec
from engine.scenario import WEIGHT_FIELDS, Priorities

WEIGHTS: Mapping[str, Priorities] = MappingProxyType(
    {
        "latency first": Priorities(
            w_latency=0.55, w_utilisation=0.05, w_cost=0.05, w_reliability=0.3, w_carbon=0.05
        ),
        "balanced": Priorities(
            w_latency=0.3, w_utilisation=0.1, w_cost=0.3, w_reliability=0.2, w_carbon=0.1
        ),
        "cost first": Priorities(
            w_latency=0.08, w_utilisation=0.12, w_cost=0.7, w_reliability=0.05, w_carbon=0.05
        ),
        "green": Priorities(
            w_latency=0.15, w_utilisation=0.1, w_cost=0.15, w_reliability=0.1, w_carbon=0.5
        ),
    }
)
"""Ours, from what users shall feel first to what the planet shall; they sum to 1."""

WEIGHING = "smartscale"
"""The policy that takes weights."""


def weighted(policy: str, priorities: Priorities) -> str:
    """The policy with these weights; one that does not weigh stays as it is.

    Raises:
        PolicyError: a policy that cannot be read.
    """
    spec = parse_spec(policy)
    if spec.name != WEIGHING:
        return str(spec)
    shares = priorities.normalised()
    given = {name.removeprefix("w_"): round(getattr(shares, name), 4) for name in WEIGHT_FIELDS}
    made = sorted((dict(spec.parameters) | given).items())
    return str(PolicySpec(name=spec.name, parameters=tuple(made)))
