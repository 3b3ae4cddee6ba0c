"""Onto which nodes workers go: bin packing, one worker after the other. Pure functions."""

import numpy as np
from numba import njit

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
    return np.asarray(
        _chosen(
            _RULES.index(rule), np.array(free, np.float64), np.asarray(capacity, np.float64),
            np.asarray(need, np.float64), np.array(mine, np.int64), np.array(tier, np.int64),
            number,
        )
    )  # fmt: skip


_RULES = (Placement.FIRST, Placement.PACK, Placement.SPREAD)
_FIRST, _PACK, _SPREAD = range(3)


@njit(nogil=True, cache=True, error_model="numpy")
def _times(free, need):  # type: ignore[no-untyped-def]
    """How many workers fit onto one node, as `fitting` says it."""
    times = np.inf
    for r in range(len(need)):
        if need[r] > 0:
            times = min(times, (free[r] + _ROUNDING) / need[r])
    return np.int64(max(times, 0.0))


@njit(nogil=True, cache=True, error_model="numpy")
def _left(free, capacity):  # type: ignore[no-untyped-def]
    """Share of one node that is free, as `free_frac` says it."""
    left = np.inf
    for r in range(len(capacity)):
        if capacity[r] > 0:
            left = min(left, free[r] / capacity[r])
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def _chosen(rule, free, capacity, need, mine, tier, number):  # type: ignore[no-untyped-def]
    """`place` by the number of its rule; changes what it is given."""
    nodes = len(free)
    room, left = np.empty(nodes, np.int64), np.empty(nodes)
    for n in range(nodes):
        room[n], left[n] = _times(free[n], need), _left(free[n], capacity)
    chosen = np.empty(number, np.int64)
    for k in range(number):
        best = -1
        for n in range(nodes):
            if room[n] <= 0:
                continue
            better = best < 0 or tier[n] < tier[best]
            if not better and tier[n] == tier[best]:
                if rule == _PACK:
                    better = left[n] < left[best]
                elif rule == _SPREAD:
                    more_room = mine[n] == mine[best] and left[n] > left[best]
                    better = mine[n] < mine[best] or more_room
            if better:
                best = n
        if best < 0:
            return chosen[:k]
        chosen[k] = best
        free[best] -= need
        room[best], left[best] = _times(free[best], need), _left(free[best], capacity)
        mine[best] += 1
        tier[best] = HELD
    return chosen
