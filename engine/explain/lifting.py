"""What really bound a decision: constraints are lifted, and the decision is made again.

A pool's limits, a cooldown and a rate limit are lifted in policy and guard alike, because the
reason does not tell them apart. A constraint that is named is one, or a least set, without which
another size would have been applied; where none is, the demand itself asked for the size.

Where the scenario sites workers, constraints bind what all pools of an agent type have together,
and so does everything here: P agent types take the place of pools.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.guard import Applied, Chain
from engine.guard.record import Log
from engine.policies.base import Liftable, Observation, Policy, Reason
from engine.replay import Replay
from engine.units import FloatArray, IntArray

__all__ = ["Binding", "BindingProbe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What bound the decision for one pool, or for one agent type with siting."""

    tick: int
    pool: int
    """Or agent type, in the order of `types_of`."""
    applied: int
    size: str | None
    """Another one that its workers get."""
    reason: Reason
    """As recorded."""
    named: tuple[Reason, ...]
    """Lifted together they change what is applied; empty: nothing bound."""
    without: int
    """Workers applied without them."""
    without_size: str | None
    """Another size that its workers get without them."""
    differs: bool
    """Whether workers, their size, or other parts of the action come out otherwise without."""
    constrained: bool
    """Whether the recorded reason is a constraint at all."""
    alone: bool
    """Whether the recorded reason is a constraint, and changes it by itself."""

    @property
    def told(self) -> tuple[str, str]:
        """What is applied, and what is without the named constraints, in words."""
        base, other = (
            f"{workers}" if size is None else f"{workers} of the size {size}"
            for workers, size in ((self.applied, self.size), (self.without, self.without_size))
        )
        if base != other or not self.differs:
            return base, other
        return f"{base} alone", f"{other} with the routing or nodes that were proposed"


@dataclass(slots=True)
class BindingProbe:
    """Told by a replay of each evaluation; lifts constraints on copies of policy and guard."""

    pool: int | None = None
    """None: looks at all pools."""
    found: list[Binding] = field(default_factory=list)
    wrong: list[Binding] = field(default_factory=list)
    """Of those, such that the replay itself applied another number or size of workers."""
    _open: list[Binding] = field(default_factory=list)

    def __call__(
        self, replay: Replay, tick: int, observation: Observation,
        g_per_kwh: FloatArray, usd_per_hour: FloatArray,
    ) -> None:  # fmt: skip
        """See `engine.replay.Probe`."""
        self.close(replay)
        case = _Case(replay, tick, observation, g_per_kwh, usd_per_hour)
        base = case.settled(())
        for pool, applied in enumerate(base):
            if self.pool in (None, pool):
                self._open.append(_bound(case, tick, pool, applied))
        self.found += self._open

    def close(self, replay: Replay) -> None:
        """Compares the last evaluation with what the replay went on to apply."""
        done = _held(replay)
        self.wrong += [
            one
            for one in self._open
            if one.applied != int(done[one.pool])
            or one.size not in (None, *replay.steering.sizes_at(one.pool))
        ]
        self._open.clear()


def _held(replay: Replay) -> IntArray:
    """(P,) workers asked for so far."""
    return replay.target if replay.types is None else replay.wanted


@dataclass(slots=True)
class _Case:
    """One evaluation that can be made again and again."""

    replay: Replay
    tick: int
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
        held = _held(replay)
        policy, guard = _policy(replay.policy, lifted), _guard(replay.guard, lifted)
        action = policy.propose(copy.deepcopy(self.observation))
        anywhere = Reason.NO_ROOM in lifted
        wanted, log, _ = replay.steering.wishes.settled(
            guard, action, self.tick, now, held.astype(np.float64), self.g_per_kwh,
            self.usd_per_hour, anywhere=anywhere,
        )  # fmt: skip
        return [
            guard.place(
                now, pool, float(wanted[pool]), int(held[pool]), log,
                None if anywhere else self._room(pool, log),
            )
            for pool in range(len(wanted))
        ]  # fmt: skip

    def _room(self, number: int, log: Log) -> Callable[[], int] | None:
        """How many more workers fit; None: no such limit."""
        replay = self.replay
        if replay.types is None:
            granted = log.granted[number][0] if number in log.granted else None
            return replay.steering.left(number, granted, replay.target)
        pools = replay.types[number]
        most = replay.steering.room(pools, replay.target)[pools]
        spare = int(most.sum()) - int(replay.wanted[number])
        return lambda: spare


def _policy(policy: Policy, lifted: Sequence[Reason]) -> Policy:
    if lifted and isinstance(policy, Liftable):
        return policy.without(*lifted)
    return copy.deepcopy(policy)


def _guard(guard: Chain, lifted: Sequence[Reason]) -> Chain:
    return guard.without(*lifted)


def _bound(case: _Case, tick: int, pool: int, base: Applied) -> Binding:
    reason, order = base.reason, case.constraints()

    def applied(*lifted: Reason) -> Applied:
        return case.settled(lifted)[pool]

    def changes(*lifted: Reason) -> bool:
        return applied(*lifted).outcome != base.outcome

    constrained = reason in order
    alone = constrained and changes(reason)
    named: tuple[Reason, ...] = (reason,) if alone else ()
    if constrained and not alone:
        named = _least([reason, *(other for other in order if other != reason)], changes)
    then = applied(*named) if named else base
    return Binding(
        tick=tick, pool=pool, applied=base.workers, size=base.size, reason=reason, named=named,
        without=then.workers, without_size=then.size, differs=then.outcome != base.outcome,
        constrained=constrained, alone=alone,
    )  # fmt: skip


def _least(order: list[Reason], changes: Callable[..., bool]) -> tuple[Reason, ...]:
    """A least set of constraints without which something else is applied; none: nothing bound."""
    for number in range(2, len(order) + 1):
        if changes(*order[:number]):
            break
    else:
        return ()
    kept = order[:number]
    for reason in list(kept):
        fewer = [other for other in kept if other != reason]
        if fewer and changes(*fewer):
            kept = fewer
    return tuple(kept)
