"""The champion as a policy: the rule or the learned policy, chosen anew every hour, per pool."""

import hashlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.champion.candidates import challengers, rule_spec
from engine.champion.choice import EVERY_S, LEAD, Choice, added, choose, undecided
from engine.champion.twin import Stretch, Twin
from engine.learn import adapt_shelf
from engine.policies import parameters as check
from engine.policies.base import Action, Observation, Policy, PolicyContext
from engine.policies.registry import create
from engine.runner import policy_version

NAME = "champion"
UNKNOWN = "the rule: nothing is known of the past yet"


class Champion:
    """The predictive rule or the learned policy, per pool: whichever replays better on the past.

    Every `every_s` what arrived since is replayed, on a copy of the cluster made from
    observations, under the rule and under the learned policy from cautious to cheap. Where one of
    these was cheaper by more than `lead` over the last `lookback_s`, and missed no more requests,
    it decides from then on; else the rule does. The rationale names who decided, and why.
    """

    def __init__(
        self,
        context: PolicyContext,
        *,
        quantile: float = 0.95,
        target: float = 0.8,
        every_s: float = EVERY_S,
        lookback_s: float = 86400.0,
        lead: float = LEAD,
        checkpoint: str | None = None,
    ) -> None:
        """Begins with the rule.

        Args:
            context: the pools and the tick.
            quantile: of the demand that the rule has capacity for, 0.5 to 0.99.
            target: share of slots that the rule wants in use, above 0 and up to 1.
            every_s: seconds between two choices, 60 or more.
            lookback_s: seconds of the past that count, `every_s` or more.
            lead: share by which the learned policy has to be cheaper, 0 to 1.
            checkpoint: folder of a trained allocator; the shipped one if not given.
        """
        every_s = check.number(NAME, "every_s", every_s, 60.0)
        lookback_s = check.number(NAME, "lookback_s", lookback_s, every_s)
        self._lead = check.number(NAME, "lead", lead, 0.0, 1.0)
        specs = [rule_spec(quantile, target), *challengers(checkpoint)]
        self._names = [str(spec) for spec in specs]
        self._policies: list[Policy] = [create(spec, context) for spec in specs]
        self.interval_s = context.tick_s
        self._twin, self._every_s = Twin(context, specs), every_s
        self._past: deque[list[Stretch]] = deque(maxlen=max(1, round(lookback_s / every_s)))
        self._pools = [pool.name for pool in context.pools]
        self.choices: list[Choice] = undecided(self._pools, self._names[0], UNKNOWN)
        """In force, one a pool."""

    @staticmethod
    def version(parameters: Mapping[str, Any]) -> str:
        """What decides its answers beside the code that all policies share; part of run ids."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        given = parameters.get("checkpoint")
        learned = challengers(None if given is None else str(given))[0]
        digest.update("".join(policy_version(learned)).encode())
        return digest.hexdigest()[:12]

    @staticmethod
    def settled(parameters: Mapping[str, Any], store_path: Path) -> Mapping[str, Any]:
        """With the allocator in use beside a store, if none is named. Raises CheckpointError."""
        return adapt_shelf.settled(parameters, store_path)

    def propose(self, observation: Observation) -> Action:
        """A target for each pool, by whoever decides for it."""
        if observation.t_s > 0.0:
            self._twin.note(observation)
            if self._twin.known_s >= self._every_s - 1e-6:
                self._choose()
        actions = [policy.propose(observation) for policy in self._policies]
        places = [self._names.index(choice.chosen) for choice in self.choices]
        said = any(actions[place].rationale for place in places)
        return Action(
            target=np.array([actions[at].target[p] for p, at in enumerate(places)]),
            reason=tuple(actions[at].reason[p] for p, at in enumerate(places)),
            rationale=tuple(
                {**actions[at].rationale[p], **_said(choice)}
                for p, (at, choice) in enumerate(zip(places, self.choices, strict=True))
            )
            if said
            else (),
        )

    def _choose(self) -> None:
        self._past.append(self._twin.replay())
        pasts = [
            added(name, [stretches[number] for stretches in self._past])
            for number, name in enumerate(self._names)
        ]
        self.choices = choose(self._pools, pasts[0], pasts[1:], self._lead)


def _said(choice: Choice) -> dict[str, Any]:
    """The choice in a rationale."""
    return {
        "decided_by": choice.chosen,
        "why": choice.reason,
        "saving_frac": choice.saving_frac,
        "missed_frac_of_past": choice.missed_frac,
        "rival": choice.rival,
        "rival_missed_frac_of_past": choice.rival_missed_frac,
    }
