"""Fronts in the plane of cost and misses, and what lies on them. Pure arithmetic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 1e-5
"""Shares below one request in 100,000 count as this, so that they have a logarithm."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value read off a front."""

    value: float
    ends: bool
    """The front ends before: it is the value of its last point, no better is known."""


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (cost, misses) that no other point beats in both, by rising cost."""
    kept: list[tuple[float, float]] = []
    for cost, missed in sorted(points):
        if not kept or missed < kept[-1][1]:
            kept.append((cost, missed))
    return kept


def cost_at(points: Sequence[tuple[float, float]], missed: float) -> Found | None:
    """The cost at which a front has so few misses; both in logarithms between two points.

    Args:
        points: (cost, share missed).
        missed: share.

    Returns:
        None where the front never has so few. Where it has fewer everywhere: its cheapest point.
    """
    kept = front(points)
    wanted = math.log(max(missed, LEAST))
    logs = [math.log(max(share, LEAST)) for _, share in kept]
    if wanted < logs[-1] - 1e-12:
        return None
    if wanted >= logs[0]:
        return Found(kept[0][0], wanted > logs[0])
    costs = np.log([cost for cost, _ in kept])
    return Found(float(np.exp(np.interp(-wanted, [-log for log in logs], costs))), False)


def cheapest(found: Iterable[Found | None]) -> Found | None:
    """The lowest of what several fronts cost; None where none of them comes there.

    Points of several fronts taken together would make a dearer one than the best of them is: what
    lies between two points of one front may be cheaper than a point of another.
    """
    return min((one for one in found if one is not None), key=_value, default=None)


def _value(found: Found) -> float:
    return found.value


def p99_at(points: Sequence[tuple[float, float]], cost: float) -> Found | None:
    """The lowest p99 that a front has at this cost, between two points linear in log cost.

    Args:
        points: (cost, p99).
        cost: to be paid at most.

    Returns:
        None where every point costs more. Where all cost less: the best point's.
    """
    kept = front(points)
    if cost < kept[0][0]:
        return None
    if cost >= kept[-1][0]:
        return Found(kept[-1][1], cost > kept[-1][0])
    costs = np.log([c for c, _ in kept])
    return Found(float(np.interp(math.log(cost), costs, [p99 for _, p99 in kept])), False)
