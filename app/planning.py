"""The knobs of the page *Planner*: read from a scenario and a policy, and put back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import PolicyError
from engine.learn.policy import mixed_weights
from engine.policies.registry import PolicySpec, parse_spec
from engine.scenario import WEIGHT_FIELDS, AgentType, Guard, Priorities, Scenario, Startup
from engine.weights import WEIGHING, weighted

SWITCHES = ("vertical", "routing")
"""Parameters of the policy that weighs: what it does beside choosing numbers of workers."""
DIGITS = 6
"""Of seconds, so that a knob read back from a scenario stands where it stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What can be turned."""

    policy: str
    """Without the weights and the switches."""
    weights: tuple[float, ...]
    """α, β, γ, δ and carbon; any sum above 0."""
    carbon_g_per_kwh: float | None
    """Intensity above which nothing is scaled up; None: never."""
    slo_s: float
    slo_frac: float
    startup_s: float
    """Mean of the first pool's workers; the others keep their ratio to it. Where the first
    pool's start at once, there is no ratio: it is the mean of all that start at once."""
    budget_usd_per_hour: float | None
    workers_max: int
    """Of the largest pool; the others keep their ratio to it."""
    vertical: bool = False
    """Whether the policy chooses the size of workers, too."""
    routing: bool = False
    """Whether it gives pools routing weights, too."""
    carbon_percentile: float | None = None
    """In place of one intensity: that percentile of the history of each region's own grid."""

    @property
    def priorities(self) -> Priorities:
        """The weights, which sum to 1 here."""
        given = dict(zip(WEIGHT_FIELDS, self.weights, strict=True))
        made = Priorities(
            **given,
            carbon_threshold_g_per_kwh=self.carbon_g_per_kwh,
            carbon_threshold_percentile=self.carbon_percentile,
        )
        return made.normalised()


def knobs_of(scenario: Scenario, policy: str) -> Knobs:
    """Where the knobs stand for a scenario and a policy as typed."""
    spec, weights = _unweighted(parse_spec(policy), scenario.priorities.weights)
    guard = scenario.guard
    plain, switches = switched(str(spec))
    return Knobs(
        policy=plain,
        weights=weights,
        carbon_g_per_kwh=scenario.priorities.carbon_threshold_g_per_kwh,
        carbon_percentile=scenario.priorities.carbon_threshold_percentile,
        slo_s=scenario.slo.latency_s,
        slo_frac=scenario.slo.attainment_frac,
        startup_s=_startup_s(scenario),
        budget_usd_per_hour=None if guard is None else guard.budget_usd_per_hour,
        workers_max=max(pool.workers_max for pool in scenario.pools),
        **switches,
    )


def _unweighted(
    spec: PolicySpec, weights: tuple[float, ...]
) -> tuple[PolicySpec, tuple[float, ...]]:
    """The policy without what it types of weights, and what it weighs by.

    Args:
        spec: the policy; weights that it refuses stay in it.
        weights: (5,) the scenario's.
    """
    given = dict(spec.parameters)
    own = {"profile", *(name.removeprefix("w_") for name in WEIGHT_FIELDS)}
    if spec.name != WEIGHING or own.isdisjoint(given):
        return spec, weights
    try:
        mixed = mixed_weights(weights, given.get("profile"), given)
    except PolicyError:
        return spec, weights
    kept = tuple(pair for pair in spec.parameters if pair[0] not in own)
    return replace(spec, parameters=kept), tuple(mixed.tolist())


def switched(policy: str) -> tuple[str, dict[str, bool]]:
    """A policy as typed without its switches, and where those that it names stand.

    Raises:
        PolicyError: it cannot be read.
    """
    spec = parse_spec(policy)
    given = dict(spec.parameters)
    named = [name for name in SWITCHES if isinstance(given.get(name), bool)]
    if spec.name != WEIGHING or not named:
        return policy, {}
    found = {name: bool(given.pop(name)) for name in named}
    return str(replace(spec, parameters=tuple(given.items()))), found


def completed(typed: str, before: str) -> str:
    """What was typed as a policy: parameters alone are those of the policy before.

    A box whose text has come to what was chosen before takes the next letter for a new text, so
    of `hpa:target=0.5`, typed over `hpa`, only `:target=0.5` is left.
    """
    return f"{before.partition(':')[0]}{typed}" if typed.startswith(":") else typed


def grids_vary(scenario: Scenario) -> bool:
    """Whether the intensity of every pool's grid changes, so that it has percentiles."""
    return not any(scenario.region_of(pool.zone).is_constant for pool in scenario.pools)


def turned(base: Scenario, knobs: Knobs) -> Scenario:
    """The scenario with the knobs where they are. Raises ScenarioError for what is impossible."""
    larger = knobs.workers_max / max(pool.workers_max for pool in base.pools)
    pools = tuple(
        replace(pool, workers_max=max(pool.workers_min, 1, round(pool.workers_max * larger)))
        for pool in base.pools
    )
    slo = replace(base.slo, latency_s=knobs.slo_s, attainment_frac=knobs.slo_frac)
    return replace(
        base,
        agent_types=_started_in(base, knobs.startup_s),
        pools=base.pools if larger == 1.0 else pools,
        slo=slo,
        priorities=knobs.priorities,
        guard=_guard(base.guard, knobs.budget_usd_per_hour),
    )


def policy_text(knobs: Knobs) -> str:
    """The policy with the weights, as it is replayed. Raises PolicyError."""
    spec = parse_spec(knobs.policy)
    if spec.name == WEIGHING:
        on = {name: True for name in SWITCHES if getattr(knobs, name)}
        spec = replace(spec, parameters=tuple((on | dict(spec.parameters)).items()))
    return weighted(str(spec), knobs.priorities)


def percents(weights: Mapping[str, float]) -> dict[str, int]:
    """Weights in whole percent that sum to 100; even ones where all are 0.

    What is lost by rounding down goes to the largest remainders, so a link gives them back.
    """
    total = sum(weights.values())
    exact = {
        name: 100 * weight / total if total > 0 else 100 / len(weights)
        for name, weight in weights.items()
    }
    made = {name: int(share + 1e-9) for name, share in exact.items()}
    behind = sorted(exact, key=lambda name: made[name] - exact[name])
    for name in behind[: 100 - sum(made.values())]:
        made[name] += 1
    return made


def above_frac(curve: Any, threshold: float) -> float:
    """Share of the time in which a grid is above a threshold.

    Args:
        curve: rows with g_per_kwh of one region, all of one length.
        threshold: g CO2e per kWh.
    """
    return float((curve["g_per_kwh"] > threshold).mean())


def _startup_s(scenario: Scenario) -> float:
    return scenario.agent_type_of(scenario.pools[0]).startup.mean_s


def _started_in(base: Scenario, startup_s: float) -> tuple[AgentType, ...]:
    """The agent types with the knob of the start-up time where it is."""
    first_s = _startup_s(base)
    if startup_s == first_s:
        return base.agent_types

    def turned_one(startup: Startup) -> Startup:
        if first_s == 0:
            return startup if startup.mean_s else replace(startup, mean_s=startup_s)
        slower = startup_s / first_s
        return replace(
            startup,
            mean_s=round(startup.mean_s * slower, DIGITS),
            spread_s=round(startup.spread_s * slower, DIGITS),
        )

    return tuple(replace(kind, startup=turned_one(kind.startup)) for kind in base.agent_types)


def _guard(guard: Guard | None, budget: float | None) -> Guard | None:
    if guard is None:
        return None if budget is None else Guard(budget_usd_per_hour=budget)
    return replace(guard, budget_usd_per_hour=budget)
