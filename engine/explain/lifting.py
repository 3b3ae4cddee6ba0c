"""What really bound a decision: constraints are lifted, and the decision is made again.

A pool's limits, a cooldown and a rate limit are lifted in policy and guard alike, because the
reason does not tell them apart. A constraint that is named is one, or a least set, without which
another size would have been applied; where none is, the demand itself asked for the size.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.guard import Applied, Chain
from engine.policies.base import Liftable, Observation, Policy, Reason
from engine.replay import Replay
from engine.units import FloatArray

__all__ = ["Binding", "BindingProbe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What bound the decision for one pool."""

    tick: int
    pool: int
    applied: int
    reason: Reason
    """As recorded."""
    named: tuple[Reason, ...]
    """Lifted together they change what is applied; empty: nothing bound."""
    without: int
    """What is applied without them."""
    constrained: bool
    """Whether the recorded reason is a constraint at all."""
    alone: bool
    """Whether the recorded reason is a constraint, and changes it by itself."""


@dataclass(slots=True)
class BindingProbe:
    """Told by a replay of each evaluation; lifts constraints on copies of policy and guard."""

    pool: int | None = None
    """None: looks at all pools."""
    found: list[Binding] = field(default_factory=list)

    def __call__(
        self, replay: Replay, tick: int, observation: Observation,
        g_per_kwh: FloatArray, usd_per_hour: FloatArray,
    ) -> None:  # fmt: skip
        """See `engine.replay.Probe`."""
        if replay.types is not None:  # totals of agent types are divided among pools by siting
            return
        case = _Case(replay, observation, g_per_kwh, usd_per_hour)
        base = case.settled(())
        for pool, applied in enumerate(base):
            if self.pool in (None, pool):
                self.found.append(_bound(case, tick, pool, applied))


@dataclass(slots=True)
class _Case:
    """One evaluation that can be made again and again."""

    replay: Replay
    observation: Observation
    g_per_kwh: FloatArray
    usd_per_hour: FloatArray

    def constraints(self) -> tuple[Reason, ...]:
        """Of guard and policy, the last to act first; each once, as it is lifted in both."""
        policy = self.replay.policy
        own = policy.constraints if isinstance(policy, Liftable) else ()
        return tuple(dict.fromkeys((*self.replay.guard.constraints, *own)))

    def settled(self, lifted: Sequence[Reason]) -> list[Applied]:
        """What is applied to each pool without some constraints."""
        replay, now = self.replay, self.observation.t_s
        policy, guard = _policy(replay.policy, lifted), _guard(replay.guard, lifted)
        action = policy.propose(copy.deepcopy(self.observation))
        wanted, log = guard.decide(
            now,
            np.asarray(action.target, np.float64),
            replay.target.astype(np.float64),
            tuple(action.reason),
            g_per_kwh=self.g_per_kwh,
            usd_per_hour=self.usd_per_hour,
        )
        anywhere = Reason.NO_ROOM in lifted
        return [
            guard.place(
                now, pool, float(wanted[pool]), int(replay.target[pool]), log,
                None if anywhere else replay.fleet.room(pool),
            )
            for pool in range(len(wanted))
        ]  # fmt: skip


def _policy(policy: Policy, lifted: Sequence[Reason]) -> Policy:
    if lifted and isinstance(policy, Liftable):
        return policy.without(*lifted)
    return copy.deepcopy(policy)


def _guard(guard: Chain, lifted: Sequence[Reason]) -> Chain:
    return guard.without(*lifted)


def _bound(case: _Case, tick: int, pool: int, base: Applied) -> Binding:
    reason, order = base.reason, case.constraints()

    def applied(*lifted: Reason) -> int:
        return case.settled(lifted)[pool].workers

    constrained = reason in order
    alone = constrained and applied(reason) != base.workers
    named: tuple[Reason, ...] = (reason,) if alone else ()
    if constrained and not alone:
        others = [other for other in order if other != reason]
        named = _least(base, [reason, *others], applied)
    return Binding(
        tick=tick, pool=pool, applied=base.workers, reason=reason, named=named,
        without=applied(*named) if named else base.workers, constrained=constrained, alone=alone,
    )  # fmt: skip


def _least(base: Applied, order: list[Reason], applied: Callable[..., int]) -> tuple[Reason, ...]:
    """A least set of constraints without which another size is applied; none: nothing bound."""
    for number in range(2, len(order) + 1):
        if applied(*order[:number]) != base.workers:
            break
    else:
        return ()
    kept = order[:number]
    for reason in list(kept):
        fewer = [other for other in kept if other != reason]
        if fewer and applied(*fewer) != base.workers:
            kept = fewer
    return tuple(kept)
