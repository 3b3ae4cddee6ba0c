"""What a learner, or a constant, comes to on pools that no training saw: for studies.

The pools are drawn as those of trainings are, from a seed of their own, so that studies are cheap
and any form of action can sit the exam. Policies are judged by `smartscale evaluate`.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.evaluate.frontier import cost_at
from engine.learn.cells import TICKS, USUAL, Episode, Mixture, episode
from engine.learn.forms import DIAL
from engine.learn.ground import LAG, Ground
from engine.learn.rewards import SCORES
from engine.lookahead.checkpoint import shipped
from engine.units import FloatArray

if TYPE_CHECKING:
    from models.sac import Learner

SEED = 424_243
COSTS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Weights of cost; latency has 60 % and reliability 40 % of the rest."""
PLACES = tuple(np.linspace(-1.0, 1.0, 9).tolist())
"""Constant positions of the dial that a learner is compared with."""
_LATENCY_SHARE = 0.6


Point = tuple[float, float]
"""Cost and share missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One setting over all pools of the exam."""

    cost: float
    """Billed slot-seconds, each at its price over usual, over the work that arrived, mean over
    pools."""
    missed_frac: float
    """Share of requests that waited over half a mean service time or failed, mean over pools."""
    scores: tuple[float, ...]
    """(5,) means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Pools, and what constant actions come to there."""

    episode: Episode
    constants: tuple[Mark, ...]
    """By PLACES."""


def weights_of(cost: float) -> FloatArray:
    """(5,) priorities with this weight of cost."""
    made = np.zeros(len(SCORES))
    made[SCORES.index("cost")] = cost
    made[SCORES.index("latency")] = _LATENCY_SHARE * (1.0 - cost)
    made[SCORES.index("reliability")] = (1.0 - _LATENCY_SHARE) * (1.0 - cost)
    return made


def exam_of(cells: int, mixture: Mixture = USUAL) -> Exam:
    """An exam of so many pools."""
    made = episode(SEED, 0, cells, mixture)
    constants = tuple(_played(made, _constantly(np.full(cells, at)), DIAL) for at in PLACES)
    return Exam(episode=made, constants=constants)


def marks(exam: Exam, learner: "Learner", form: str = DIAL) -> list[Mark]:
    """What a learner comes to, by COSTS, without exploration."""
    return [_played(exam.episode, _actions(exam, learner, cost), form) for cost in COSTS]


def random_mark(exam: Exam, rng: np.random.Generator) -> Mark:
    """What pools come to whose positions are drawn once each."""
    at = rng.uniform(-1.0, 1.0, len(exam.episode.pools))
    return _played(exam.episode, _constantly(at), DIAL)


def _constantly(action: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda _: action


def _actions(exam: Exam, learner: "Learner", cost: float) -> Callable[[FloatArray], FloatArray]:
    weights = np.tile(weights_of(cost), (len(exam.episode.pools), 1))
    return lambda rows: learner.act(learner.standard(rows), weights, None)


def _played(made: Episode, act: Callable[[FloatArray], FloatArray], form: str) -> Mark:
    ground = Ground(replace(made, memory=copy.deepcopy(made.memory)), shipped(), form)
    scores = []
    for tick in range(TICKS):
        ground.step(act(ground.rows))
        if tick >= LAG:
            scores.append(ground.rewards(tick - LAG).mean(0))
    totals = ground.totals(TICKS - LAG)
    arrived, work_s = np.maximum(totals[:, 0], 1.0), np.maximum(totals[:, 3], 1.0)
    return Mark(
        cost=float((ground.paid(TICKS - LAG) / work_s).mean()),
        missed_frac=float((totals[:, 1] / arrived).mean()),
        scores=tuple(np.mean(scores, axis=0).tolist()),
    )


def worth(found: Sequence[Mark]) -> float:
    """Mean of the weighed scores, each mark by the priorities that it was played under."""
    return float(
        np.mean([np.dot(weights_of(c), m.scores) for c, m in zip(COSTS, found, strict=True)])
    )


def best_constant(exam: Exam) -> float:
    """As `worth`, of the constant that is best for each of the priorities."""
    return float(
        np.mean([max(np.dot(weights_of(c), m.scores) for m in exam.constants) for c in COSTS])
    )


def saving(rival: Sequence[Point], found: Sequence[Point]) -> float | None:
    """Mean share that settings cost less than a rival's front does at equal misses.

    Args:
        rival: (cost, share missed) of its settings.
        found: of those in question.

    Returns:
        None where no setting is among the misses that the rival comes to.
    """
    made = []
    for cost, missed in found:
        other = cost_at(rival, missed)
        if other is not None and not other.ends:
            made.append(1.0 - cost / other.value)
    return float(np.mean(made)) if made else None


def points(found: Sequence[Mark]) -> list[Point]:
    """What `saving` reads of marks."""
    return [(mark.cost, mark.missed_frac) for mark in found]


def described(found: Sequence[Mark]) -> list[Mapping[str, Any]]:
    """JSON-able."""
    return [
        {"cost_weight": cost, "cost": mark.cost, "missed_frac": mark.missed_frac}
        for cost, mark in zip(COSTS, found, strict=True)
    ]
