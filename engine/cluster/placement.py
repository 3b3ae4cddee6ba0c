"""Onto which nodes workers go: bin packing, one worker after the other. Pure functions."""

import numpy as np

from engine.scenario import Placement
from engine.units import FloatArray, IntArray

HELD, ASLEEP, NEW = 0, 1, 2
"""Tiers of nodes: those of a lower tier are used as long as one of them has room."""
_ROUNDING = 1e-9


def fitting(free: FloatArray, need: FloatArray) -> IntArray:
    """(n,) how many workers that take `need` (R,) fit into what is `free` (n, R) on each node."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(need > 0, (free + _ROUNDING) / need, np.inf)
    return np.asarray(np.maximum(times.min(axis=1), 0.0), np.int64)


def free_frac(free: FloatArray, capacity: FloatArray) -> FloatArray:
    """(n,) share of each node that is free, by the resource of which least is left.

    Args:
        free: (n, R) of each node.
        capacity: (R,) of an empty one; resources that it does not have do not count.
    """
    has = capacity > 0
    left: FloatArray = (free[:, has] / capacity[has]).min(axis=1)
    return left


def fragmentation(free: FloatArray) -> float:
    """1 - the largest free piece over all that is free, for the resource that is most scattered.

    0 where all that is free lies on one node, near 1 where it is scattered over many; nan where
    nothing is free.

    Args:
        free: (n, R) of each node.
    """
    whole = free.sum(axis=0)
    has = whole > _ROUNDING
    return float((1.0 - free[:, has].max(axis=0) / whole[has]).max()) if has.any() else np.nan


def place(
    rule: Placement,
    *,
    free: FloatArray,
    capacity: FloatArray,
    need: FloatArray,
    mine: IntArray,
    tier: IntArray,
    number: int,
) -> IntArray:
    """The nodes for workers of one pool, in the order of their placement.

    A node is taken from a higher tier only if no node of a lower one has room. Ties go to the
    lower index.

    Args:
        rule: how to choose among nodes of a tier.
        free: (n, R) resources that are free on each node.
        capacity: (R,) resources of an empty node.
        need: (R,) resources that a worker takes.
        mine: (n,) workers of the pool on each node.
        tier: (n,) HELD, ASLEEP or NEW.
        number: of workers.

    Returns:
        (<= number,) indices of nodes; fewer where no node has room for more.
    """
    free, mine, tier = free.copy(), mine.copy(), tier.copy()
    room = fitting(free, need)
    chosen: list[int] = []
    while len(chosen) < number:
        candidates = np.flatnonzero(room > 0)
        if not len(candidates):
            break
        tiers = tier[candidates]
        candidates = candidates[tiers == tiers.min()]
        best = int(candidates[_best(rule, candidates, free, capacity, mine)])
        chosen.append(best)
        free[best] -= need
        room[best] = fitting(free[best : best + 1], need)[0]
        mine[best] += 1
        tier[best] = HELD
    return np.array(chosen, np.int64)


def _best(
    rule: Placement,
    candidates: IntArray,
    free: FloatArray,
    capacity: FloatArray,
    mine: IntArray,
) -> int:
    """Position in `candidates` of the node that the rule prefers."""
    if rule is Placement.FIRST:
        return 0
    left = free_frac(free[candidates], capacity)
    if rule is Placement.PACK:
        return int(np.argmin(left))
    workers = mine[candidates]
    return int(np.argmax(np.where(workers == workers.min(), left, -1.0)))
