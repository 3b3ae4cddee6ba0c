"""A run that is ready to be asked: one decision checked, or played on differently."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from engine import runner
from engine.explain import rerun
from engine.explain.counterfactuals import (
    HORIZON_S,
    KEPT_S,
    Counterfactual,
    WhatIf,
    kind_of_pool,
)
from engine.explain.decision import Decision
from engine.explain.gather import Told
from engine.explain.lifting import Binding, BindingProbe
from engine.policies.base import Explains, Explanation, Observation
from engine.replay import Replay
from engine.units import FloatArray

__all__ = ["Asked", "Checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What making a decision again says of its record."""

    same: bool
    """Whether it came to what was recorded, after the same observation."""
    binding: Binding | None
    """What bound it."""
    together: tuple[str, ...]
    """Pools whose workers the binding counts together: one, or with siting all of a type."""
    explanation: Explanation | None
    """What moved the policy, where it can say."""
    row: int
    """Of the explanation: what the policy calls the decision's pool."""


class Asked:
    """A stored run played again as far as its questions reach. One question at a time."""

    def __init__(
        self,
        told: Told,
        *,
        cancel: Callable[[], bool] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Loads what was replayed. See `engine.explain.rerun.again` for what is raised."""
        self._told = told
        self._branches = rerun.branches(told.store, told.run, cancel=cancel, progress=progress)
        self._what_if = WhatIf(self._branches)

    def prepare(self) -> None:
        """Plays the whole run, so that later questions are quick. Raises ReplayCancelled."""
        self._branches.prepare()

    def check(self, decision: Decision) -> Checked:
        """Makes a decision again, with and without what bound it."""
        tick, pool = self._place(decision)
        branch = self._branches.at(tick)
        kind = kind_of_pool(branch, pool)
        probe, heard = BindingProbe(pool=kind), _Heard()

        def look(
            replay: Replay, tick: int, observation: Observation, grams: FloatArray, usd: FloatArray
        ) -> None:
            probe(replay, tick, observation, grams, usd)
            heard(replay, observation)

        branch.probe, before = look, len(branch.log.tick)  # ticks on the way here are logged, too
        branch.decide(tick)
        probe.close(branch)
        entries = [rerun.logged(branch, place) for place in range(before, len(branch.log.tick))]
        mine = [entry for entry in entries if entry["pool"] == pool]
        return Checked(
            same=bool(mine) and rerun.same(decision, mine[0]) and not probe.wrong,
            binding=probe.found[0] if probe.found else None,
            together=_together(branch, pool),
            explanation=heard.found,
            row=kind,
        )

    def ask(
        self, decision: Decision, change: str, *,
        horizon_s: float = HORIZON_S, kept_s: float = KEPT_S,
    ) -> Counterfactual:  # fmt: skip
        """Plays on from a decision as it was and otherwise; see `WhatIf.ask`.

        Another policy uses the allocator in use. Raises CheckpointError where that is gone.
        """
        tick, pool = self._place(decision)
        kind, _, policy = change.partition(":")
        if kind == "policy":
            change = f"{kind}:{runner.chosen(self._told.store, policy)}"
        return self._what_if.ask(tick, pool, change, horizon_s=horizon_s, kept_s=kept_s)

    def _place(self, decision: Decision) -> tuple[int, int]:
        names = [pool.name for pool in self._told.scenario.pools]
        return rerun.tick_of(self._told.run, decision.t_s), names.index(decision.pool)


def _together(replay: Replay, pool: int) -> tuple[str, ...]:
    if replay.types is None:
        return (replay.facts[pool].name,)
    return tuple(replay.facts[p].name for p in replay.types[kind_of_pool(replay, pool)].tolist())


class _Heard:
    """Asks a policy what moved it, if it can say."""

    def __init__(self) -> None:
        self.found: Explanation | None = None

    def __call__(self, replay: Replay, observation: Observation) -> None:
        if isinstance(replay.policy, Explains):
            policy = copy.deepcopy(replay.policy)
            self.found = policy.explain(copy.deepcopy(observation))
