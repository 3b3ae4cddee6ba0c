"""The learned allocator as a policy: tokens, actor and dial compiled, one batch for all pools."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.learn import checkpoint as files
from engine.learn import dial, tokens
from engine.learn.online import Online
from engine.learn.rewards import PROFILES, SCORES
from engine.lookahead.checkpoint import shipped as forecaster
from engine.policies import parameters as check
from engine.policies.base import Action, Observation, PolicyContext, Reason
from engine.policies.demand import DemandWatch
from engine.units import FloatArray

NAME = "smartscale"
USUAL_G_PER_KWH = 400.0
"""Carbon intensity that counts as usual while a policy sees none."""


class SmartScale:
    """The learned allocator: how cautious to be, from forecast, load and what matters.

    A network trained by Soft Actor-Critic on simulated clusters moves along forecast quantiles:
    workers = ⌈demand at that quantile / (slots · busy share) + backlog⌉. What matters are weights
    of latency, utilisation, cost, reliability and carbon; moving them needs no training.
    """

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
        online: bool = False,
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
            online: learn an offset of the dial from what is earned, by cautious exploration.
        """
        self.interval_s = context.tick_s
        given = (latency, utilisation, cost, reliability, carbon)
        self._weights = _weights(profile, given)
        self._actor = _actor(checkpoint)
        self._watch = DemandWatch(NAME, context, interval_s=None, hold_s=hold_s)
        pools = len(context.pools)
        self._online = self._learner(context) if check.flag(NAME, "online", online) else None
        self._facts = np.array(
            [(pool.slots, pool.startup_mean_s, 60.0, USUAL_G_PER_KWH) for pool in context.pools]
        )
        self._cluster = np.zeros(pools, np.int64)
        self._before = np.zeros((pools, 3))
        self._rows = np.empty((pools, tokens.WIDTH))
        self._seen = np.empty((pools, len(tokens.SEEN)))
        self._level, self._service_s = np.empty(pools), np.empty(pools)
        self._ahead = np.empty((pools, 4))

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
        action = self._act()
        if self._online is not None:
            action = self._online.steered(action, observation, self._level, self._service_s)
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
        if self._online is not None:
            numbers |= self._online.numbers()
        return self._watch.answer(observation, wanted, numbers)

    def _learner(self, context: PolicyContext) -> Online:
        startup_s = np.array([pool.startup_mean_s for pool in context.pools])
        every_s = self._watch.interval_s
        return Online(self._weights, self._watch.slots, startup_s, every_s, context.seed)

    def _look(self, observation: Observation) -> None:
        for column, name in enumerate(tokens.SEEN[:-1]):
            self._seen[:, column] = getattr(observation, name)
        self._seen[:, 5] = np.nan_to_num(self._seen[:, 5])
        self._seen[:, -1] = USUAL_G_PER_KWH
        tokens.observe(
            self._watch.lookahead.memory, forecaster(), self._watch.interval_s, self._facts,
            self._seen, self._cluster, self._before, self._rows, self._level, self._service_s,
            self._ahead,
        )  # fmt: skip

    def _act(self) -> FloatArray:
        actor = self._actor
        rows = np.clip((self._rows - actor.shift) / actor.scale, -tokens.BOUND, tokens.BOUND)
        weights = np.broadcast_to(self._weights, (len(rows), len(SCORES)))
        seen = np.concatenate([rows, weights], 1, dtype=np.float32)
        hidden = _silu(_silu(seen @ actor.w1 + actor.b1) @ actor.w2 + actor.b2)
        action: FloatArray = np.tanh(hidden @ actor.w3 + actor.b3).astype(np.float64)
        return action


def _silu(x: np.ndarray) -> np.ndarray:
    made: np.ndarray = x / (1.0 + np.exp(-x))
    return made


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
