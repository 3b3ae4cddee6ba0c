"""What would have happened otherwise: the replay branched at a decision and played on.

Both sides are played by the same simulator from the same state, so every difference is due to the
change alone.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.branching import Branches
from engine.errors import PolicyError, UsageError
from engine.explain.words import workers
from engine.guard import Kept
from engine.policies.base import Reason
from engine.policies.checks import ticks_between
from engine.policies.registry import create, find, parse_spec
from engine.replay import Replay
from engine.sim import kernel
from engine.sim.outcomes import pools_of
from engine.units import SECONDS_PER_HOUR, FloatArray, IntArray

__all__ = ["CHANGES", "Counterfactual", "Played", "WhatIf", "kind_of_pool"]

HORIZON_S = 3600.0
KEPT_S = 900.0
"""For how long a changed size is kept at least, or at most."""
EARLIER_S = 600.0
SETTLE_S = 1800.0
"""After the horizon, at most, for requests of the horizon that are still under way."""
CHANGES: Mapping[str, str] = {
    "one-more": "one worker more",
    "one-fewer": "one worker fewer",
    "no-guard": "without the guard",
    "no-carbon-mask": "without the carbon mask",
    "hpa": "what the HPA would have done",
    "earlier": "ten minutes earlier",
}
"""What can be changed, in words; `policy:SPEC` and `hold:N` as well."""
_RESOLVED = (kernel.FINISHED, kernel.QUEUE_TIMEOUT, kernel.EXEC_TIMEOUT, kernel.REJECTED,
               kernel.SHED, kernel.LOST)  # fmt: skip
GUARDS = (
    Reason.CARBON, Reason.SLO_FLOOR, Reason.RATE_LIMIT, Reason.COOLDOWN, Reason.BUDGET,
    Reason.HELD,
)  # fmt: skip
"""What the guard adds to the limits of pools and nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One side over the horizon. Requests are those that arrived in it."""

    figures: Mapping[str, float | None]
    """arrived, finished, failed, p50_s, p95_s, p99_s, slo_attainment_frac, worker_hours,
    cost_usd, carbon_g; None: not measured."""
    target: IntArray
    """(K, P) workers asked for in each of K ticks."""
    queued: IntArray
    """(K, P) waiting at each tick's end."""
    applied: int
    """To the pool at the decision; with siting to all pools of its agent type together."""
    bound: str
    """What bound that."""
    unresolved: int
    """Requests still under way when playing ended; they count as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What happened beside what would have."""

    change: str
    words: str
    pool: str
    from_s: float
    """Where the sides part, seconds into the window."""
    horizon_s: float
    kept_s: float | None
    """For how long a changed size was kept; None: the change is not a size."""
    base: Played
    other: Played
    difference: Mapping[str, float | None]
    """Other minus base."""


class WhatIf:
    """Counterfactuals of one replay. Remembers what happened, for the next question."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches
        self._base: tuple[tuple[int, int, int, int], Played] | None = None

    def ask(
        self, tick: int, pool: int, change: str, *,
        horizon_s: float = HORIZON_S, kept_s: float = KEPT_S,
    ) -> Counterfactual:  # fmt: skip
        """Plays both sides.

        Args:
            tick: of the decision.
            pool: its number.
            change: one of `CHANGES`, `policy:SPEC` or `hold:N`.
            horizon_s: how long both are played, from the decision.
            kept_s: for how long a changed size is kept.

        Raises:
            UsageError: no such change, or nothing that it could change.
            PolicyError: the other policy cannot be made here.
        """
        run = self._branches.first
        tick_s = run.tick_s
        first = tick
        if change == "earlier":
            first = max(0, tick - round(EARLIER_S / tick_s))
        last = min(self._branches.ticks, tick + max(1, round(horizon_s / tick_s)))
        base = self._known(first, last, tick, pool)
        with self._branches.lent(first) as branch:
            kept = _change(branch, change, pool, base, tick, kept_s)
            other = _play(branch, first, last, tick, pool)
        return Counterfactual(
            change=change, words=_words(change, other.applied), pool=run.facts[pool].name,
            from_s=first * tick_s, horizon_s=(last - first) * tick_s, kept_s=kept,
            base=base, other=other, difference=_difference(base, other),
        )  # fmt: skip

    def _known(self, first: int, last: int, tick: int, pool: int) -> Played:
        key = (first, last, tick, pool)
        known = self._base
        if known is None or known[0] != key:
            self._base = known = (key, self._happened(first, last, tick, pool))
        return known[1]

    def _happened(self, first: int, last: int, tick: int, pool: int) -> Played:
        """Read off the replay itself, as far as it was played: a branch would do the same again.

        Where its requests were not done within the time that a branch has, a branch is played.
        """
        front = self._branches.first
        self._branches.play_to(last)
        if last < front.ticks:
            mine, until = _arrived(front, first, last), _until(front, last)
            while front.tick < until and _under_way(front, mine):
                self._branches.play_to(front.tick + 1)
            if _done(front, mine, until):
                return _found(front, first, last, tick, pool, mine)
        with self._branches.lent(first) as branch:
            return _play(branch, first, last, tick, pool)


def _words(change: str, applied: int) -> str:
    if change in CHANGES:
        return CHANGES[change]
    kind, _, rest = change.partition(":")
    if kind != "hold":
        return f"with the policy {rest}"
    asked = "" if applied == int(rest) else f" ({rest} asked for)"
    return f"held at {workers(applied)}{asked}"


def _change(
    branch: Replay, change: str, pool: int, base: Played, tick: int, kept_s: float
) -> float | None:
    """Makes the branch differ; for how long a size is kept, None where none is."""
    now_s, decided_s = branch.tick * branch.tick_s, tick * branch.tick_s
    before = _held(branch, pool)
    kind, _, rest = change.partition(":")
    if change == "one-more":
        kept = Kept(size=base.applied + 1, at_most=False, until_s=now_s + kept_s)
    elif change == "one-fewer":
        kept = Kept(size=max(0, base.applied - 1), at_least=False, until_s=now_s + kept_s)
    elif change == "earlier":
        kept_s, out = decided_s - now_s, base.applied >= before
        kept = Kept(size=base.applied, at_least=out, at_most=not out, until_s=decided_s)
    elif kind == "hold" and rest.isdigit():
        kept = Kept(size=int(rest), until_s=now_s + kept_s)
    else:
        _instead(branch, change, rest)
        return None
    branch.guard.keep(kind_of_pool(branch, pool), kept)
    return kept_s


def kind_of_pool(replay: Replay, pool: int) -> int:
    """What a policy calls a pool: its number, or with siting that of its agent type."""
    if replay.types is None:
        return pool
    return next(kind for kind, pools in enumerate(replay.types) if pool in pools)


def _held(replay: Replay, pool: int) -> int:
    """Workers asked for so far."""
    held = replay.target if replay.types is None else replay.wanted
    return int(held[kind_of_pool(replay, pool)])


def _applied(replay: Replay, tick: int, pool: int) -> int:
    """Workers asked for after a tick's decision."""
    held = replay.targets if replay.types is None else replay.wants
    return int(held[tick, kind_of_pool(replay, pool)])


def _instead(branch: Replay, change: str, rest: str) -> None:
    """Another guard or another policy from here on; a policy starts without memory."""
    if change == "no-guard":
        branch.guard = branch.guard.without(*GUARDS)
    elif change == "no-carbon-mask":
        branch.guard = branch.guard.without(Reason.CARBON)
    elif change == "hpa" or change.startswith("policy:"):
        spec = parse_spec("hpa" if change == "hpa" else rest)
        if getattr(find(spec), "sees_future", False):
            raise PolicyError(
                f"{spec.name} plans before the replay starts", change, "Replay it from the start"
            )
        branch.policy = create(spec, branch.context)
        branch.every = ticks_between(branch.policy, branch.tick_s, str(spec))
    else:
        raise UsageError(
            f"there is no change {change!r}", "counterfactual",
            f"Use one of {', '.join(CHANGES)}, policy:SPEC or hold:N",
        )  # fmt: skip


def _play(branch: Replay, first: int, last: int, tick: int, pool: int) -> Played:
    """Plays from `first` to `last`, and on until its requests are done or time is up."""
    while branch.tick < last:
        branch.decide(branch.tick)
        branch.advance(branch.tick)
    return _found(branch, first, last, tick, pool, _settle(branch, first, last))


def _found(played: Replay, first: int, last: int, tick: int, pool: int, mine: IntArray) -> Played:
    """What was played from `first` to `last`, and what became of `mine`."""
    return Played(
        figures=_figures(played, first, last, mine),
        target=played.targets[first:last].copy(),
        queued=played.counters[first:last, :, kernel.C_QUEUED].copy(),
        applied=_applied(played, tick, pool),
        bound=_bound(played, tick, pool),
        unresolved=_under_way(played, mine),
    )


def _settle(branch: Replay, first: int, last: int) -> IntArray:
    """Plays on until all requests that arrived in a span are done; their numbers.

    Where the run ends, the cluster is run empty as `Replay.record` does, and what arrives after
    the last tick counts in it.
    """
    mine = _arrived(branch, first, last)
    until = _until(branch, last)
    while branch.tick < until and _under_way(branch, mine):
        branch.decide(branch.tick)
        branch.advance(branch.tick)
    if branch.tick < branch.ticks:
        return mine
    kernel.advance(branch.fleet.state, math.inf)
    return _arrived(branch, first, last)


def _until(replay: Replay, last: int) -> int:
    """The tick at which settling ends at the latest."""
    return min(replay.ticks, last + round(SETTLE_S / replay.tick_s))


def _done(replay: Replay, mine: IntArray, until: int) -> bool:
    """Whether requests were done before a tick. Nothing changes of a request that is done."""
    ended_s = replay.fleet.state.outcomes["end_s"][mine]
    return not _under_way(replay, mine) and bool((ended_s < until * replay.tick_s).all())


def _bound(replay: Replay, tick: int, pool: int) -> str:
    log = replay.log
    for place in range(bisect_right(log.tick, tick) - 1, -1, -1):
        if log.tick[place] != tick:
            break
        if log.pool[place] == pool:
            return log.reason[place]
    return Reason.NOT_DUE


def _arrived(branch: Replay, first: int, last: int) -> IntArray:
    """Numbers of the requests that arrived between two ticks."""
    until_s = last * branch.tick_s if last < branch.ticks else math.inf
    at_s = branch.fleet.state.outcomes["arrived_s"]
    return np.flatnonzero((at_s >= first * branch.tick_s) & (at_s < until_s))


def _under_way(branch: Replay, mine: IntArray) -> int:
    status = branch.fleet.state.outcomes["status"][mine]
    return int(np.sum(~np.isin(status, _RESOLVED)))


def _figures(branch: Replay, first: int, last: int, mine: IntArray) -> dict[str, float | None]:
    rows = branch.fleet.state.outcomes[mine]
    pools = pools_of(branch.fleet.state)[mine]
    done = rows["status"] == kernel.FINISHED
    delay_s = branch.fleet.state.pools["delay_s"]
    latency_s = np.sort((rows["end_s"] - rows["arrived_s"] + delay_s[pools])[done])
    arrived, finished = len(rows), int(done.sum())
    met = int(np.sum(latency_s <= branch.spec.scenario.slo.latency_s))
    return {
        "arrived": float(arrived),
        "finished": float(finished),
        "failed": float(arrived - finished),
        **{f"p{share}_s": _percentile(latency_s, share / 100) for share in (50, 95, 99)},
        "slo_attainment_frac": met / arrived if arrived else None,
        **_spent(branch, slice(first, last)),
    }


def _percentile(sorted_s: FloatArray, share: float) -> float | None:
    """Nearest rank."""
    if not len(sorted_s):
        return None
    return float(sorted_s[max(1, int(np.ceil(share * len(sorted_s) - 1e-9))) - 1])


def _spent(branch: Replay, ticks: slice) -> dict[str, float | None]:
    """Worker-hours, money and carbon of some ticks."""
    hours = branch.worker_s[ticks] / SECONDS_PER_HOUR
    found = branch.accounted()
    if found is None:
        prices = np.array([facts.price_usd_per_hour for facts in branch.facts])
        cost, carbon = float((hours * prices).sum()), None
    else:
        cost = float(found.pool_usd[ticks].sum())
        grams = found.operational_g[ticks] + found.embodied_g[ticks]
        carbon = None if np.isnan(grams).any() else float(grams.sum())
    return {"worker_hours": float(hours.sum()), "cost_usd": cost, "carbon_g": carbon}


def _difference(base: Played, other: Played) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, value in other.figures.items():
        before = base.figures[name]
        found[name] = None if value is None or before is None else value - before
    return found
