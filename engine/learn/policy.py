"""The learned allocator as a policy: tokens, actor and dial compiled, one batch for all pools."""

import copy
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.learn import actors, dial, tokens
from engine.learn import checkpoint as files
from engine.learn.insight import Insight, insight_of
from engine.learn.rewards import PROFILES, SCORES
from engine.lookahead.checkpoint import shipped as forecaster
from engine.policies import parameters as check
from engine.policies.base import Action, Observation, PolicyContext, Reason
from engine.policies.demand import CONSTRAINTS, DemandWatch
from engine.units import FloatArray

NAME = "smartscale"
USUAL_G_PER_KWH = 400.0
"""Carbon intensity that counts as usual where a policy sees none."""
DAY_S = 86_400.0
_NO_ATTENTION = np.empty((0, 0, 0, 0, 0), np.float32)


class SmartScale:
    """The learned allocator: how cautious to be, from forecast, load and what matters.

    A network trained by Soft Actor-Critic on simulated clusters moves along forecast quantiles:
    workers = ⌈demand at that quantile / (slots · busy share) + backlog⌉. What matters are weights
    of latency, utilisation, cost, reliability and carbon; moving them needs no training.
    """

    constraints = CONSTRAINTS

    def __init__(
        self,
        context: PolicyContext,
        *,
        profile: str = "unified",
        latency: float | None = None,
        utilisation: float | None = None,
        cost: float | None = None,
        reliability: float | None = None,
        carbon: float | None = None,
        hold_s: float = 0.0,
        checkpoint: str | None = None,
    ) -> None:
        """Remembers nothing yet.

        Args:
            context: the pools and the tick.
            profile: weights to start from: `smartscale` or `unified`.
            latency: α in place of the profile's; weights are scaled to sum to 1.
            utilisation: β.
            cost: γ.
            reliability: δ.
            carbon: weight of emissions.
            hold_s: the highest proposal of this long stands.
            checkpoint: folder of a trained allocator; the shipped one if not given.
        """
        self.interval_s = context.tick_s
        given = (latency, utilisation, cost, reliability, carbon)
        self._weights = _weights(profile, given)
        self._actor = _actor(checkpoint)
        self._watch = DemandWatch(NAME, context, interval_s=None, hold_s=hold_s)
        pools = len(context.pools)
        threshold = context.carbon_threshold_g_per_kwh or np.inf
        self._facts = np.array(
            [
                (pool.slots, pool.startup_mean_s, 60.0, USUAL_G_PER_KWH, threshold)
                for pool in context.pools
            ]
        )
        self._decisions = 0
        self._cluster = np.zeros(pools, np.int64)
        self._before = np.zeros((pools, 3))
        self._rows = np.empty((pools, tokens.WIDTH))
        self._seen = np.empty((pools, len(tokens.SEEN)))
        self._level, self._service_s = np.empty(pools), np.empty(pools)
        self._ahead = np.empty((pools, 4))
        self._inputs = np.empty((pools, files.INPUTS), np.float32)
        self._action = np.zeros(pools)

    @staticmethod
    def version(parameters: Mapping[str, Any]) -> str:
        """What decides its answers beside the code that all policies share; part of run ids."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        given = parameters.get("checkpoint")
        folder = files.SHIPPED if given is None else Path(str(given))
        weights = folder / files.WEIGHTS
        digest.update(weights.read_bytes() if weights.is_file() else b"")
        return digest.hexdigest()[:12]

    def propose(self, observation: Observation) -> Action:
        """A target for each pool."""
        if not self._watch.due(observation):
            return self._watch.silent(Reason.NOT_DUE)
        self._look(observation)
        action = self._act().copy()
        self._before[:, 2] = action
        wanted = np.empty(len(action))
        dial.targets(
            action, self._level, self._service_s, self._ahead, self._watch.slots,
            observation.queued.astype(np.float64), wanted,
        )  # fmt: skip
        numbers = {
            "caution": action,
            "rate_per_s": self._level,
            "expected_per_s": self._level * np.exp(self._ahead[:, 2]),
            "service_s": self._service_s,
        } | {
            f"w_{name}": np.full(len(action), weight)
            for name, weight in zip(SCORES, self._weights, strict=True)
        }
        return self._watch.answer(observation, wanted, numbers)

    def insight(self) -> Insight:
        """Why the last answer was what it was; for decisions that somebody asks about."""
        return insight_of(self._actor, self._inputs, self._action, self._level, self._ahead)

    def without(self, *reasons: Reason) -> "SmartScale":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        lifted._watch.lift(*reasons)
        return lifted

    def _look(self, observation: Observation) -> None:
        for column, name in enumerate(tokens.SEEN[:-1]):
            self._seen[:, column] = getattr(observation, name)
        self._seen[:, 5] = np.nan_to_num(self._seen[:, 5])
        self._see_grid(observation.grid_g_per_kwh)
        tokens.observe(
            self._watch.lookahead.memory, forecaster(), self._watch.interval_s, self._facts,
            self._seen, self._cluster, self._before, self._rows, self._level, self._service_s,
            self._ahead,
        )  # fmt: skip

    def _see_grid(self, g_per_kwh: FloatArray) -> None:
        """The grid now; usual is the mean of what was seen, of the last day at most."""
        if not len(g_per_kwh):
            self._seen[:, -1] = USUAL_G_PER_KWH
            return
        self._seen[:, -1] = g_per_kwh
        self._decisions += 1
        share = max(1.0 / self._decisions, self._watch.interval_s / DAY_S)
        self._facts[:, 3] += share * (g_per_kwh - self._facts[:, 3])

    def _act(self) -> FloatArray:
        own = self._actor
        weights = np.broadcast_to(self._weights, (len(self._rows), len(SCORES)))
        actors.standardise(self._rows, own.shift, own.scale, weights, self._inputs)
        if isinstance(own.actor, actors.Mlp):
            actors.act_mlp(own.actor, self._inputs, self._action)
        else:
            actors.act_transformer(own.actor, own.heads, self._inputs, self._action, _NO_ATTENTION)
        return self._action


def _weights(profile: str, given: tuple[float | None, ...]) -> FloatArray:
    chosen = PROFILES[check.choice(NAME, "profile", profile, tuple(PROFILES))].weights()
    mixed = [
        usual if own is None else check.number(NAME, name, own, 0.0)
        for name, usual, own in zip(SCORES, chosen, given, strict=True)
    ]
    if sum(mixed) <= 0.0:
        raise check.refuse(NAME, "all weights are 0", "Give at least one a weight above 0")
    made: FloatArray = np.array(mixed) / sum(mixed)
    return made


def _actor(folder: str | None) -> files.Weights:
    return files.shipped() if folder is None else files.load(Path(folder))[0]
