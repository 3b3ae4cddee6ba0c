"""Which candidate a pool should have, from what each would have cost and missed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.units import FloatArray

LEAD = 0.02
"""A challenger has to be cheaper by this share: what is within a few per cent may be chance."""
EVERY_S = 3600.0
"""Between two choices; no less of the past is looked at."""
MISSED_LEAST = 1e-3
"""Share of requests that the rule has to miss: among fewer, who misses more is chance, and what is
saved by missing a few more of nearly none is no saving at equal misses."""
ARRIVED_LEAST = 500
"""Requests from which a past is long enough to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a candidate would have done in every pool. (P,) each, sums over the past looked at."""

    name: str
    """The candidate as somebody would type it."""
    arrived: FloatArray
    missed: FloatArray
    """Waited over half a mean service time, or did not finish."""
    slot_s: FloatArray
    """Slot-seconds provisioned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who decides for a pool, and why."""

    pool: str
    chosen: str
    """The candidate as somebody would type it."""
    challenger: bool
    """Whether it is not the rule."""
    rival: str | None
    """The best of the others; None: nothing was compared."""
    saving_frac: float | None
    """What the chosen one costs less than its rival; None: nothing was compared."""
    missed_frac: float | None
    """Share of requests that the chosen one would have missed; None: none arrived."""
    rival_missed_frac: float | None
    """None: nothing was compared."""
    arrived: int
    """Requests that it was judged on."""
    reason: str
    """The same as a sentence."""


def choose(
    pools: Sequence[str], rule: Past, challengers: Sequence[Past], lead: float = LEAD
) -> list[Choice]:
    """One choice a pool.

    Args:
        pools: names.
        rule: the one that decides unless another is clearly better.
        challengers: the others.
        lead: share by which a challenger has to be cheaper.
    """
    return [_of_pool(name, p, rule, challengers, lead) for p, name in enumerate(pools)]


def undecided(pools: Sequence[str], rule: str, why: str) -> list[Choice]:
    """The rule for every pool, because nothing is known yet."""
    return [
        Choice(
            pool=name, chosen=rule, challenger=False, rival=None, saving_frac=None,
            missed_frac=None, rival_missed_frac=None, arrived=0, reason=why,
        )
        for name in pools
    ]  # fmt: skip


def _of_pool(pool: str, p: int, rule: Past, challengers: Sequence[Past], lead: float) -> Choice:
    arrived = float(rule.arrived[p])
    if arrived < ARRIVED_LEAST or not challengers:
        return _made(pool, p, rule, None, why=f"the rule: only {arrived:.0f} requests are known")
    if rule.missed[p] < MISSED_LEAST * arrived:
        share = f"{rule.missed[p] / arrived:.3%}"
        why = f"the rule: it misses {share}, too few to compare at equal misses"
        return _made(pool, p, rule, None, why=why)
    settings = f"{len(challengers)} settings"
    fit = [c for c in challengers if c.missed[p] <= rule.missed[p]]
    if not fit:
        least = min(challengers, key=lambda c: float(c.missed[p]))
        return _stays(pool, p, rule, least, f"all {settings} of the learned policy miss more")
    best = min(fit, key=lambda c: float(c.slot_s[p]))
    saving = 1.0 - float(best.slot_s[p] / rule.slot_s[p])
    if saving <= lead:
        among = f"of {settings} of the learned policy the cheapest that misses no more"
        return _stays(pool, p, rule, best, f"{among} {_against(saving)}")
    return _made(pool, p, best, rule, challenger=True, why=(
        f"the learned policy costs {saving:.1%} less and misses "
        f"{best.missed[p] / arrived:.2%} instead of {rule.missed[p] / arrived:.2%}"
    ))  # fmt: skip


def _against(saving: float) -> str:
    if saving < 0.0:
        return f"costs {-saving:.1%} more"
    return f"costs only {saving:.1%} less, which may be chance"


def _stays(pool: str, p: int, rule: Past, rival: Past, why: str) -> Choice:
    return _made(pool, p, rule, rival, why=f"the rule: {why}")


def _made(
    pool: str, p: int, one: Past, other: Past | None, *, why: str, challenger: bool = False
) -> Choice:
    return Choice(
        pool=pool, chosen=one.name, challenger=challenger,
        rival=None if other is None else other.name,
        saving_frac=None if other is None else _saving(one, other, p),
        missed_frac=_share(one, p),
        rival_missed_frac=None if other is None else _share(other, p),
        arrived=int(one.arrived[p]), reason=why,
    )  # fmt: skip


def _saving(one: Past, other: Past, p: int) -> float:
    return 1.0 - float(one.slot_s[p] / other.slot_s[p]) if other.slot_s[p] else 0.0


def _share(past: Past, p: int) -> float | None:
    return float(past.missed[p] / past.arrived[p]) if past.arrived[p] else None


def added(name: str, parts: Sequence[tuple[FloatArray, FloatArray, FloatArray]]) -> Past:
    """A past out of its stretches: (P,) arrived, missed and slot-seconds of each."""
    sums = np.sum(np.array(parts, np.float64), axis=0)
    return Past(name=name, arrived=sums[0], missed=sums[1], slot_s=sums[2])
