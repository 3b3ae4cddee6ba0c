"""What the allocator has to show against its rivals, and how that is read off the fronts."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from engine.evaluate.families import ANY_HPA, BOUND, CHAMPION, HPA, ORACLE, RULE, SEEDS, UNIONS
from engine.evaluate.frontier import Found, cheapest, cost_at, p99_at
from engine.units import FloatArray

Points = Mapping[str, FloatArray]
"""By family (S, 3): cost, share missed and p99 of every setting."""
COST, MISSED, P99 = range(3)
NOT_REACHED, NO_RIVAL = -math.inf, math.inf
"""In place of a figure: the allocator's own front does not come there, or the rival's does not."""
LEAST_COMPARED = 1e-3
"""Among fewer requests missed, who misses more is chance."""
SAME_RULE = "predictive, the champion's settings"
"""The rule at the settings at which the champion was judged, so that both fronts have as many."""
SHARES = 9
"""Shares of misses at which the champion is held against the rule."""

_ANY_HPA_MISSES = (0.01, 0.02, 0.03, 0.04)
_RULE_MISSES = (0.01, 0.015, 0.02)
_REAL_MISSES, _REAL_MORE = (0.002, 0.003, 0.005), (0.01, 0.03, 0.05)
_NAMES: Mapping[str, str] = MappingProxyType(
    {HPA: "tuned stock HPA", ANY_HPA: "the best HPA of any kind", RULE: "the predictive rule"}
)
_STOCK, _LONG, _MIDDLE = ("0.3", "0.4", "0.5"), ("0.3", "0.4", "0.5", "0.6"), ("0.5", "0.6", "0.7")


@dataclass(frozen=True, slots=True)
class Read:
    """What a bar comes to for one front."""

    value: float
    """Share; or NOT_REACHED, or NO_RIVAL."""
    own_ends: bool = False
    """The front ends before: the figure is that of its last point, the true one is better."""
    rival_ends: bool = False
    """The rival's does, or the oracle's: against one that goes on there the true figure is
    worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A promise."""

    name: str
    at: str
    """Where on the fronts."""
    wanted_frac: float | None
    """At least; None: nothing is promised, the figure is for knowledge."""
    of: tuple[str, ...]
    """Families that it is read for: the allocator of each training seed, or the champion."""
    read: Callable[[Points, str], Read]


def suite_bars(points: Points, stock: Sequence[str]) -> list[Bar]:
    """The bars of generated days, of those policies that were judged.

    Args:
        points: of the families.
        stock: settings of stock HPA, in the order of its points.
    """
    own = tuple(name for name in SEEDS if name in points)
    if not own:
        return _champion(points)
    at = {policy.rpartition("=")[2]: row for row, policy in enumerate(stock)}
    made = [
        Bar(
            name="cheaper than stock HPA at its misses", at=f"target {target}", wanted_frac=0.40,
            of=own, read=partial(_cheaper_than_stock, row=at[target]),
        )
        for target in _STOCK if target in at
    ]  # fmt: skip
    made += _equal(points, own, ANY_HPA, _ANY_HPA_MISSES, 0.20)
    made += _equal(points, own, RULE, _RULE_MISSES, 0.08)
    made += [
        Bar(
            name="lower request p99 than stock HPA at its cost", at=f"target {target}",
            wanted_frac=0.30, of=own, read=partial(_lower_p99, row=at[target]),
        )
        for target in _MIDDLE if target in at
    ]  # fmt: skip
    bound = "oracle with start-up delay" if BOUND in points else "unsearched oracle"
    made += [
        Bar(
            name=f"share of the gap from stock HPA to the {bound} that is closed",
            at=f"target {target}", wanted_frac=0.75, of=own,
            read=partial(_gap_closed, row=at[target]),
        )
        for target in _LONG if target in at and ORACLE in points
    ]  # fmt: skip
    return [*made, *_champion(points)]


def trace_bars(points: Points) -> list[Bar]:
    """The bars of windows of stored traces, of those policies that were judged."""
    own = tuple(name for name in SEEDS if name in points)
    made = []
    for rival, wanted in ((ANY_HPA if ANY_HPA in points else HPA, 0.10), (RULE, None)):
        made += _equal(points, own, rival, _REAL_MISSES, wanted) if own else []
        made += _equal(points, own, rival, _REAL_MORE, None) if own else []
    return [*made, *_champion(points)]


def _equal(
    points: Points, own: tuple[str, ...], rival: str, misses: Sequence[float], wanted: float | None
) -> list[Bar]:
    """Savings against a rival's front at some shares of misses."""
    if rival not in points:
        return []
    return [
        Bar(
            name=f"cheaper than {_NAMES[rival]} at equal misses", at=f"{share:.1%} missed",
            wanted_frac=wanted, of=own, read=partial(_cheaper, rival=rival, share=share),
        )
        for share in misses
    ]  # fmt: skip


def _champion(points: Points) -> list[Bar]:
    if SAME_RULE not in points:
        return []
    return [
        Bar(
            name="champion: cheaper than the predictive rule at equal misses, where it is least",
            at=f"{LEAST_COMPARED:.1%} missed and more", wanted_frac=-0.01, of=(CHAMPION,),
            read=_never_dearer,
        )
    ]  # fmt: skip


def _cost(points: Points, family: str, share: float) -> Found | None:
    parts = [name for name in UNIONS.get(family, (family,)) if name in points]
    return cheapest(
        cost_at([(c, m) for c, m, _ in points[name].tolist()], share) for name in parts
    )


def _cheaper(points: Points, own: str, *, rival: str, share: float) -> Read:
    mine, theirs = _cost(points, own, share), _cost(points, rival, share)
    if mine is None:
        return Read(NOT_REACHED)
    if theirs is None:
        return Read(NO_RIVAL, own_ends=mine.ends)
    return Read(1.0 - mine.value / theirs.value, mine.ends, theirs.ends)


def _cheaper_than_stock(points: Points, own: str, *, row: int) -> Read:
    cost, share, _ = points[HPA][row]
    mine = _cost(points, own, float(share))
    return Read(NOT_REACHED) if mine is None else Read(1.0 - mine.value / cost, mine.ends)


def _lower_p99(points: Points, own: str, *, row: int) -> Read:
    cost, _, p99 = points[HPA][row]
    mine = p99_at([(c, p) for c, _, p in points[own].tolist()], float(cost))
    return Read(NOT_REACHED) if mine is None else Read(1.0 - mine.value / p99, mine.ends)


def _gap_closed(points: Points, own: str, *, row: int) -> Read:
    cost, share, _ = points[HPA][row]
    mine, bound = _cost(points, own, float(share)), _cost(points, ORACLE, float(share))
    if mine is None:
        return Read(NOT_REACHED)
    if bound is None or bound.value >= cost:
        return Read(NO_RIVAL, own_ends=mine.ends)
    return Read((cost - mine.value) / (cost - bound.value), mine.ends, bound.ends)


def _never_dearer(points: Points, own: str) -> Read:
    """The least saving over the shares of misses that both fronts have."""
    both = [points[name][:, MISSED] for name in (own, SAME_RULE)]
    low = max(LEAST_COMPARED, *(float(missed.min()) for missed in both))
    high = min(float(missed.max()) for missed in both)
    if low > high:
        return Read(NO_RIVAL)
    found = [
        _cheaper(points, own, rival=SAME_RULE, share=s) for s in np.geomspace(low, high, SHARES)
    ]
    return min(found, key=lambda read: read.value)
