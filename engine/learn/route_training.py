"""Trains the routing head: clusters played under weights, critics of the outcome, ascent.

Each cluster is played on the same arrivals under equal weights and under several others, with the
dial as it is shipped; critics learn the differences of the scores, and the head ascends what they
say by the priorities. The first round's weights are drawn; later ones' lie around the head's own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.errors import ReplayCancelled
from engine.learn.express import grams_of
from engine.learn.rewards import SCORES, fresh_weights
from engine.learn.route_ground import Cluster, cluster, played, scores_of
from engine.learn.routing import FEATURES, MOST, STATE, STEPS, Head, Sites, slopes, steps_of, told
from engine.trace.streams import stream
from engine.units import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from models.router import Played, RouterLearner

POOLS_MOST = 5
_STREAM = 6637
_STANDARD = 200
"""Clusters that the inputs are standardised by; they are not played."""
_FAR = 10_000_000
"""Number of the first of those."""
_WIDTHS = (0.3, 1.0, 2.0)
"""Of what slopes are drawn from."""
_AROUND = 4
"""Arms of a later round that try the head's own slopes, or some around them."""


class Standard(NamedTuple):
    """What a head's inputs are standardised by."""

    shift: FloatArray
    scale: FloatArray
    apart: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to train."""

    rounds: int = 3
    clusters: int = 400
    """Of each round."""
    priorities: int = 2
    """That each cluster is played under."""
    arms: int = 5
    """Weights beside equal ones that each is played with."""
    steps: int = 1500
    """Of each network in each round."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the curves show of a round."""

    round: int
    rounds: int
    seconds: float
    """CPU since the start."""
    runs: int
    """Replays so far."""
    loss: float
    """Of the critics."""
    said: float
    """Points a tick that critics say the head gains by the priorities."""
    gained: float
    """The same as played this round, by the weights tried: mean over all arms."""


class Lesson:
    """What is played; grows from round to round. One row an arm."""

    def __init__(self) -> None:
        self.rows: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]] = []

    def tensors(self) -> "Played":
        """All rows, padded to the same number of pools. Loads torch."""
        import torch

        from models.router import Played

        n, most = len(self.rows), POOLS_MOST
        features, there = np.zeros((n, most, len(FEATURES))), np.zeros((n, most))
        logits = np.zeros((n, most))
        for row, (own, _, _, tried, _) in enumerate(self.rows):
            features[row, : len(own)], there[row, : len(own)] = own, 1.0
            logits[row, : len(own)] = tried
        state, priorities, gains = (
            np.stack([row[k] for row in self.rows]) for k in (1, 2, 4)
        )  # fmt: skip

        def single(values: FloatArray) -> "Tensor":
            return torch.from_numpy(np.asarray(values, np.float32))

        return Played(
            features=single(features), there=single(there), state=single(state),
            priorities=single(priorities), logits=single(logits), gains=single(gains),
        )  # fmt: skip


def train(
    plan: Plan,
    *,
    on_moment: Callable[[Moment], None] | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Head:
    """Trains; the same plan gives the same head on the same machine.

    Raises:
        ReplayCancelled: `cancel` returned true.
    """
    from models.router import RouterLearner

    began = time.process_time()
    standard = _standard(plan.seed)
    learner = RouterLearner(len(STATE), len(SCORES), len(FEATURES), MOST, plan.seed)
    lesson, head, runs = Lesson(), None, 0
    for number in range(plan.rounds):
        first = len(lesson.rows)
        for at in range(number * plan.clusters, (number + 1) * plan.clusters):
            if cancel is not None and cancel():
                raise ReplayCancelled(
                    "the training was stopped", f"round {number + 1} of {plan.rounds}",
                    "Start it again: it takes minutes, and keeps nothing between",
                )  # fmt: skip
            if progress is not None:
                share = at / (plan.rounds * plan.clusters)
                progress(share, f"Round {number + 1} of {plan.rounds}")
            _play(lesson, plan, at, standard, head)
            runs += plan.priorities * (plan.arms + 1)
        loss, said = learner.fit(lesson.tensors(), plan.steps)
        head = _head_of(learner, standard)
        if on_moment is not None:
            gained = np.mean([row[2] @ row[4] for row in lesson.rows[first:]])
            on_moment(
                Moment(
                    round=number + 1, rounds=plan.rounds, seconds=time.process_time() - began,
                    runs=runs, loss=loss, said=said, gained=float(gained),
                )
            )  # fmt: skip
    assert head is not None
    return head


def known(made: Cluster, g_per_kwh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Features and state of a cluster, as `routing.told`, when weights are chosen.

    Args:
        made: the cluster.
        g_per_kwh: (P,) intensity of each site's grid then.
    """
    scenario = made.scenario
    (kind,) = scenario.agent_types
    regions = [scenario.region_of(pool.zone) for pool in scenario.pools]
    number = len(regions)
    sites = Sites(
        usd=np.array([kind.price_usd_per_hour * r.price_factor / kind.slots for r in regions]),
        g_per_kwh=g_per_kwh, delay_s=np.array([r.network_delay_s for r in regions]),
        most=np.array([float(kind.slots * pool.workers_max) for pool in scenario.pools]),
        least=np.array([float(kind.slots * pool.workers_min) for pool in scenario.pools]),
        slots=np.full(number, float(kind.slots)),
        startup_s=np.full(number, kind.startup.mean_s), threshold=made.threshold,
    )  # fmt: skip
    return told(sites, made.known_slots, made.service_s)


def _standard(seed: int) -> Standard:
    """From clusters that are not played."""
    found = []
    for number in range(_STANDARD):
        made = cluster(seed, _FAR + number)
        regions = [made.scenario.region_of(pool.zone) for pool in made.scenario.pools]
        found.append(known(made, np.array([region.grid_g_per_kwh for region in regions])))
    states = np.stack([state for _, state in found])
    features = np.concatenate([own for own, _ in found])
    return Standard(states.mean(0), states.std(0) + 1e-3, features.std(0) + 1e-3)


def _play(lesson: Lesson, plan: Plan, number: int, standard: Standard, head: Head | None) -> None:
    """One cluster under some priorities and weights."""
    rng = stream(plan.seed, _STREAM, number)
    made = cluster(plan.seed, number)
    for priorities in fresh_weights(rng, plan.priorities):
        plain = played(made, priorities, np.ones(len(made.scenario.pools)))
        features, state = known(made, grams_of(plain)[0])
        before, apart = scores_of(plain, made), features / standard.apart
        centre = None if head is None else slopes(head, state, priorities)
        for arm in range(plan.arms):
            steps = steps_of(apart @ _tried(rng, centre, arm))
            run = played(made, priorities, np.exp(steps / STEPS))
            gain = scores_of(run, made) - before
            seen = (state - standard.shift) / standard.scale
            lesson.rows.append((apart, seen, priorities, steps / STEPS, gain))


def _tried(rng: np.random.Generator, centre: FloatArray | None, arm: int) -> FloatArray:
    """(K,) slopes to be tried: the head's own first, then some around it, at last any."""
    drawn: FloatArray = rng.standard_normal(len(FEATURES)) * rng.choice(_WIDTHS, len(FEATURES))
    if centre is None or arm >= _AROUND:
        return drawn
    return centre if arm == 0 else centre + 0.5 * drawn


def _head_of(learner: "RouterLearner", standard: Standard) -> Head:
    net = learner.head
    layers = [
        tensor.detach().numpy().astype(np.float32)
        for layer in (net.first, net.second, net.last)
        for tensor in (layer.weight.T, layer.bias)
    ]
    inputs = [np.asarray(part, np.float32) for part in standard]
    return Head(*(np.ascontiguousarray(part) for part in (*inputs, *layers)))
