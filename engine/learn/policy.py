"""The learned allocator as a policy: tokens, actor and dial compiled, one batch for all pools."""

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.learn import adapt_shelf, route_file, sizer, tokens
from engine.learn import checkpoint as files
from engine.learn.actors import Mlp
from engine.learn.insight import Insight, explanation, insight_of
from engine.learn.mind import (
    NO_ATTENTION,
    USUAL_G_PER_KWH,
    decide_mlp,
    decide_transformer,
    new_mind,
    over_usual,
    settle,
)
from engine.learn.online import Online
from engine.learn.rewards import PROFILES, SCORES
from engine.learn.sizing import Sizing
from engine.lookahead import LEVELS
from engine.lookahead.checkpoint import shipped as forecaster
from engine.policies import parameters as check
from engine.policies.base import Action, Explanation, Observation, PolicyContext, Reason
from engine.policies.demand import CONSTRAINTS, DemandWatch
from engine.units import FloatArray

NAME = "smartscale"
SHOWN = LEVELS.index(0.95)
"""The quantile of the forecast that sentences speak of."""
_THRESHOLD = tokens.FACTS.index("g_threshold")
_RATES = tuple(f"q{level * 100:.0f}_per_s" for level in LEVELS)


class SmartScale:
    """The learned allocator: how cautious to be, from forecast, load and what matters.

    A network trained by Soft Actor-Critic on simulated clusters moves along forecast quantiles:
    workers = ⌈demand at that quantile / (slots · busy share) + backlog⌉. What matters are weights
    of latency, utilisation, cost, reliability and carbon, the scenario's unless typed here; moving
    them needs no training.
    """

    constraints = CONSTRAINTS

    def __init__(
        self,
        context: PolicyContext,
        *,
        profile: str | None = None,
        latency: float | None = None,
        utilisation: float | None = None,
        cost: float | None = None,
        reliability: float | None = None,
        carbon: float | None = None,
        offset: float = 0.0,
        hold_s: float = 0.0,
        checkpoint: str | None = None,
        online: bool = False,
        vertical: bool = False,
        routing: bool = False,
    ) -> None:
        """Remembers nothing yet.

        Args:
            context: the pools and the tick.
            profile: weights to start from: `smartscale` or `unified`; those of the scenario's
                priorities if not given.
            latency: α, a weight of 0 or more in place of the one that it starts from; weights are
                scaled to sum to 1.
            utilisation: β, 0 or more.
            cost: γ, 0 or more.
            reliability: δ, 0 or more.
            carbon: weight of emissions, 0 or more.
            offset: -2 to 2, added to the network's position of the dial: more careful or more
                daring than any weights make it.
            hold_s: the highest proposal of so many seconds stands, 0 or more.
            checkpoint: folder of a trained allocator, or the name of one that comes with the
                product, such as `allocator-1`; the usual one if not given.
            online: learn an offset of the dial from what is earned, by cautious exploration.
            vertical: choose the size of workers, too, where pools have several.
            routing: give the pools of an agent type routing weights, too, by a head of its own.
        """
        self.interval_s = context.tick_s
        typed = dict(zip(SCORES, (latency, utilisation, cost, reliability, carbon), strict=True))
        self._weights = mixed_weights(context.priorities, profile, typed)
        self._own = own = _actor(checkpoint).under(self._weights)
        self.watch = DemandWatch(NAME, context, interval_s=None, hold_s=hold_s)
        self._horizon_s = self.watch.horizon_s()
        self.mind = new_mind(
            context, self.watch.lookahead.memory, forecaster(), self._weights, own,
            self.watch.interval_s, check.number(NAME, "offset", offset, -2.0, 2.0),
        )  # fmt: skip
        self._told = {
            f"w_{name}": [float(weight)] * len(context.pools)
            for name, weight in zip(SCORES, self._weights, strict=True)
        }
        self._online = self._learner(context) if check.flag(NAME, "online", online) else None
        self._sizing = self._sizes(context) if check.flag(NAME, "vertical", vertical) else None
        routes = check.flag(NAME, "routing", routing)
        self._routing = route_file.routing_of(NAME, context, self._weights) if routes else None

    @staticmethod
    def version(parameters: Mapping[str, Any]) -> str:
        """What decides its answers beside the code that all policies share; part of run ids."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        given = parameters.get("checkpoint")
        folder = files.SHIPPED if given is None else files.folder_of(str(given))
        folders = [folder]
        folders += [sizer.SHIPPED] if parameters.get("vertical") else []
        folders += [route_file.SHIPPED] if parameters.get("routing") else []
        for weights in (each / files.WEIGHTS for each in folders):
            digest.update(weights.read_bytes() if weights.is_file() else b"")
        return digest.hexdigest()[:12]

    @staticmethod
    def settled(parameters: Mapping[str, Any], store_path: Path) -> Mapping[str, Any]:
        """With the allocator in use beside a store, if none is named. Raises CheckpointError."""
        return adapt_shelf.settled(parameters, store_path)

    def propose(self, observation: Observation) -> Action:
        """A target for each pool."""
        if not self.watch.due(observation):
            return self.watch.silent(Reason.NOT_DUE)
        self._look(observation)
        if self._sizing is not None:
            self._sizing.follow(observation)
        own, mind = self._own, self.mind
        if isinstance(own.actor, Mlp):
            decide_mlp(mind, own.actor)
        else:
            decide_transformer(mind, own.actor, own.heads, NO_ATTENTION)
        if self._online is not None:
            mind.action[:] = self._online.steered(
                mind.action, observation, mind.level, mind.service_s, over_usual(mind)
            )
            settle(mind)
        if self._sizing is not None:
            self._sizing.choose(observation)
        numbers = self._numbers()
        if self._online is not None:
            numbers |= self._online.numbers()
        sizing, routing = self._sizing, self._routing
        extra = None if sizing is None else sizing.extra
        action = self.watch.answer(observation, mind.wanted, numbers, extra)
        if sizing is not None:
            action = sizing.sized(action, observation)
        if routing is not None:
            action = routing.added(action, observation, mind.level, mind.service_s)
        return action

    def _numbers(self) -> dict[str, FloatArray | list[float]]:
        """(P,) each: what the answer rests on."""
        mind = self.mind
        rates = (mind.level[:, None] * np.exp(mind.ahead)).T.tolist()
        return {
            "caution": mind.action, "rate_per_s": mind.level, "expected_per_s": rates[SHOWN],
            "service_s": mind.service_s, "horizon_s": self._horizon_s,
            "quantile": [LEVELS[SHOWN]] * len(mind.level),
            **dict(zip(_RATES, rates, strict=True)), **self._told,
        }  # fmt: skip

    @property
    def own(self) -> files.Weights:
        """The networks that it decides with."""
        return self._own

    def insight(self) -> Insight:
        """Why the last answer was what it was; for decisions that somebody asks about."""
        mind = self.mind
        return insight_of(self._own, mind.inputs, mind.action, mind.level, mind.ahead, mind.offset)

    def explain(self, observation: Observation) -> Explanation | None:
        """What moved the answer to an observation, in workers; see `Explains`."""
        if {*self.propose(observation).reason} <= {Reason.NOT_DUE, Reason.METRICS_MISSING}:
            return None
        return explanation(self._own, self.mind)

    @property
    def learns(self) -> bool:
        """Whether it goes on learning while it decides."""
        return self._online is not None

    @property
    def resizes(self) -> bool:
        """Whether it chooses the size of workers."""
        return self._sizing is not None

    @property
    def learner(self) -> Online | None:
        """What it learned while it decided; None where it does not."""
        return self._online

    @property
    def routes(self) -> bool:
        """Whether it gives routing weights."""
        return self._routing is not None

    def played(self, run: Any, cancel: Callable[[], bool] | None) -> bool:
        """Plays a plain run in one compiled loop; False where the cluster is not plain."""
        from engine.learn import express

        plain = express.is_plain(run)
        if plain:
            express.run_out(run, cancel)
        return plain

    def without(self, *reasons: Reason) -> "SmartScale":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        lifted.watch.lift(*reasons)
        if lifted._sizing is not None and Reason.STABILIZED in reasons:
            lifted._sizing.free()
        return lifted

    def _sizes(self, context: PolicyContext) -> Sizing | None:
        """None where there is nothing to choose."""
        made = Sizing(context, self.mind, self.watch, sizer.shipped())
        return made if made.acts else None

    def _learner(self, context: PolicyContext) -> Online:
        startup_s = np.array([pool.startup_mean_s for pool in context.pools])
        every_s = self.watch.interval_s
        return Online(self._weights, self.watch.slots, startup_s, every_s, context.seed)

    def _look(self, observation: Observation) -> None:
        seen = self.mind.seen
        for column, name in enumerate(tokens.SEEN[:-2]):
            seen[:, column] = getattr(observation, name)
        grid = observation.grid_g_per_kwh
        seen[:, -2] = grid if len(grid) else USUAL_G_PER_KWH
        if len(observation.price_usd_per_hour):
            seen[:, tokens.PRICE] = observation.price_usd_per_hour
        if len(observation.carbon_threshold_g_per_kwh):
            self.mind.facts[:, _THRESHOLD] = observation.carbon_threshold_g_per_kwh


def mixed_weights(
    priorities: Sequence[float], profile: object, typed: Mapping[str, object]
) -> FloatArray:
    """(5,) what the policy weighs by, in the order of SCORES; they sum to 1.

    Args:
        priorities: (5,) the scenario's, which it starts from without a profile.
        profile: as typed, of the weights that it starts from instead; None: of none.
        typed: by score what replaces the weight that it starts from; None: nothing.

    Raises:
        PolicyError: no such profile, a weight that is no number of 0 or more, or all are 0.
    """
    if profile is not None:
        priorities = PROFILES[check.choice(NAME, "profile", profile, tuple(PROFILES))].weights()
    mixed = [
        usual if (own := typed.get(name)) is None else check.number(NAME, name, own, 0.0)
        for name, usual in zip(SCORES, priorities, strict=True)
    ]
    if sum(mixed) <= 0.0:
        raise check.refuse(NAME, "all weights are 0", "Give at least one a weight above 0")
    made: FloatArray = np.array(mixed) / sum(mixed)
    return made


def _actor(folder: str | None) -> files.Weights:
    return files.shipped() if folder is None else files.load(files.folder_of(folder))[0]
