"""What the routing head is worth on unseen clusters, beside equal weights and weights by rules.

Each cluster meets the same requests under every rule, so what is told are paired differences.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.errors import ReplayCancelled
from engine.learn.cells import EPISODE_S
from engine.learn.policy import SmartScale
from engine.learn.route_ground import Cluster, allocator, cluster, scores_of
from engine.learn.routing import STEPS, steps_of
from engine.policies.base import Action, Observation, Policy, PolicyContext, RoutingWeights
from engine.replay import Replay, ReplaySpec, play
from engine.scenario import WEIGHT_FIELDS
from engine.scorecard import scorecard
from engine.units import FloatArray
from engine.weights import WEIGHTS

SEED = 424_249
"""Apart from those of trainings."""
EQUAL, LEARNED = "equal weights", "learned"
RULES: Mapping[str, str] = MappingProxyType(
    {"by 1 / price": "price_usd_per_hour", "by 1 / carbon intensity": "grid_g_per_kwh"}
)
"""Weights by hand, from what is observed at each decision."""
ARMS = (EQUAL, LEARNED, *RULES)
_FIGURES = ("cost_usd", "carbon_g", "p99_s", "missed_frac", "worth")
_RESAMPLED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One cluster under one rule."""

    cost_usd: float
    carbon_g: float
    p99_s: float
    missed_frac: float
    """Share of requests that missed the SLO."""
    worth: float
    """Points a tick by the priorities in force."""


class ByHand:
    """The allocator, with weights of pools as the inverse of what is observed of them."""

    def __init__(self, inner: SmartScale, column: str) -> None:
        """Nothing sent yet.

        Args:
            inner: sizes the pools; all are of one agent type.
            column: of the observation.
        """
        self.interval_s = inner.interval_s
        self._inner, self._column = inner, column

    def propose(self, observation: Observation) -> Action:
        """The allocator's action with the weights beside it."""
        seen = np.maximum(getattr(observation, self._column), 1e-6)
        weights = np.exp(steps_of(-np.log(seen)) / STEPS)
        given = tuple(RoutingWeights(pool=weight) for weight in weights.tolist())
        return replace(self._inner.propose(observation), weights=given)


def study(
    clusters: int,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Replays so many clusters under every preset of priorities and every rule.

    Args:
        clusters: two at least.
        progress: share done, and what is being done.
        cancel: asked before each cluster.

    Returns:
        JSON-able; `markdown` is the table.

    Raises:
        ReplayCancelled: `cancel` returned true.
    """
    rows = []
    for number in range(clusters):
        if cancel is not None and cancel():
            raise ReplayCancelled(
                "the study was stopped", f"cluster {number} of {clusters}",
                "Start it again: it takes minutes, and keeps nothing between",
            )  # fmt: skip
        if progress is not None:
            progress(number / clusters, f"Cluster {number + 1} of {clusters}")
        made = cluster(SEED, number)
        rows += [
            {"cluster": number, "priorities": name, "arm": arm}
            | {figure: getattr(found, figure) for figure in _FIGURES}
            for name in WEIGHTS
            for arm in ARMS
            for found in (judged(made, weights_of(name), arm),)
        ]
    return {"clusters": clusters, "seed": SEED, "rows": rows, "markdown": _table(rows)}


def weights_of(name: str) -> FloatArray:
    """(5,) priorities of a preset."""
    shares = WEIGHTS[name].normalised()
    return np.array([getattr(shares, field) for field in WEIGHT_FIELDS])


def judged(made: Cluster, priorities: FloatArray, arm: str) -> Found:
    """A cluster replayed under (5,) priorities and one of ARMS."""
    run = Replay(
        ReplaySpec(
            workload=made.workload, scenario=made.scenario, window_s=float(EPISODE_S),
            policy=partial(_policy, priorities, made.threshold, arm), name=arm,
            clock_s=made.clock_s,
        )
    )  # fmt: skip
    (record,) = play([run])
    card, accounts = scorecard(record), record.accounts
    assert accounts is not None
    carbon_g = float((accounts.operational_g + accounts.embodied_g).sum())

    def known(figure: str) -> float:
        value = card[figure]
        return float("nan") if value is None else float(value)

    return Found(
        cost_usd=known("cost_usd"), carbon_g=carbon_g, p99_s=known("p99_s"),
        missed_frac=1.0 - known("slo_attainment_frac"),
        worth=float(priorities @ scores_of(run, made)),
    )  # fmt: skip


def _policy(priorities: FloatArray, threshold: float, arm: str, context: PolicyContext) -> Policy:
    inner = allocator(priorities, threshold, context, routing=arm == LEARNED)
    return ByHand(inner, RULES[arm]) if arm in RULES else inner


def _table(rows: list[dict[str, Any]]) -> str:
    heads = ("priorities", "weights", "cost", "carbon", "p99", "SLO missed", "points a tick",
             "clusters better by points", "learned ones less it, points")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in WEIGHTS:
        plain = _columns(rows, name, EQUAL)
        lines.append(
            f"| {name} | {EQUAL} | {plain['cost_usd'].mean():.0f} USD | "
            f"{plain['carbon_g'].mean() / 1000:.1f} kg | {plain['p99_s'].mean():.1f} s | "
            f"{100 * plain['missed_frac'].mean():.2f} % | {plain['worth'].mean():.3f} |  |  |"
        )
        learned = _columns(rows, name, LEARNED)["worth"]
        for arm in ARMS[1:]:
            own = _columns(rows, name, arm)
            ratios = [
                _interval(100 * (own[figure] / plain[figure] - 1.0), "%")
                for figure in ("cost_usd", "carbon_g", "p99_s")
            ]
            missed = _interval(100 * (own["missed_frac"] - plain["missed_frac"]), "points", 2)
            worth = own["worth"] - plain["worth"]
            better = f"{int((worth > 0).sum())} of {len(worth)}"
            beyond = "" if arm == LEARNED else _interval(learned - own["worth"], "", 3)
            cells = (name, arm, *ratios, missed, _interval(worth, "", 3), better, beyond)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _columns(rows: list[dict[str, Any]], name: str, arm: str) -> dict[str, FloatArray]:
    mine = [row for row in rows if (row["priorities"], row["arm"]) == (name, arm)]
    return {figure: np.array([row[figure] for row in mine]) for figure in _FIGURES}


def _interval(each: FloatArray, unit: str, digits: int = 1) -> str:
    """Mean of paired differences and its 95 % interval, by a bootstrap over clusters."""
    rng = np.random.default_rng(0)
    drawn = each[rng.integers(0, len(each), (_RESAMPLED, len(each)))].mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    text = f"{each.mean():+.{digits}f} {unit}".strip()
    return f"{text} ({low:+.{digits}f} to {high:+.{digits}f})"
