"""What becomes of nodes at the start of a tick: lost, given back, put to sleep, emptied."""

from dataclasses import dataclass

import numpy as np

from engine.cluster.nodes import LEAVING, OFF, ON, SUSPENDED, Nodes
from engine.cluster.placement import HELD, place
from engine.scenario import Placement
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import AnyArray, FloatArray, IntArray

__all__ = ["Move", "tend"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Move:
    """Workers of a pool that move; those on the old node drain already."""

    pool: int
    nodes: IntArray
    """(n,) where they go."""
    ready_after_s: float
    """Seconds until they take requests there."""


def tend(nodes: Nodes, state: State, now: float) -> list[Move]:
    """Everything that happens to nodes without anybody asking for workers.

    1. Revoked nodes drain from the notice on, and are lost with what they still hold.
    2. Nodes that were to be emptied, and are, go; those needed for the smallest number come.
    3. Empty nodes are suspended or given back when their time has come.
    4. At most one node a group is emptied because its workers fit elsewhere.

    Returns:
        The workers to be ordered on their new nodes.
    """
    for g in range(len(nodes.groups)):
        _revoke(nodes, state, g, now)
    count = nodes.count(state.workers)
    moves: list[Move] = []
    for g in range(len(nodes.groups)):
        _let_go(nodes, g, count)
        nodes.keep_smallest(g, now)
        _settle(nodes, g, count, now)
        moves += _consolidate(nodes, state, g, count, now)
    return moves


def _revoke(nodes: Nodes, state: State, g: int, now: float) -> None:
    table, span = nodes.table, nodes.span(g)
    noticed = table["lost_s"][span] - nodes.groups[g].notice_s <= now
    for place_in_group in np.flatnonzero(noticed & (table["phase"][span] != OFF)).tolist():
        node = span.start + place_in_group
        if table["phase"][node] != LEAVING:
            table["phase"][node] = LEAVING
            kernel.drain_node(state, node, now)
        if table["lost_s"][node] <= now:
            kernel.crash_node(state, node, now)
            table["phase"][node] = OFF


def _let_go(nodes: Nodes, g: int, count: IntArray) -> None:
    span = nodes.span(g)
    phase = nodes.table["phase"][span]
    phase[(phase == LEAVING) & (count[span] == 0)] = OFF


def _settle(nodes: Nodes, g: int, count: IntArray, now: float) -> None:
    group, span = nodes.groups[g], nodes.span(g)
    phase, since = nodes.table["phase"][span], nodes.table["empty_since_s"][span]
    empty = ((phase == ON) | (phase == SUSPENDED)) & (count[span] == 0)
    since[~empty] = np.nan
    since[empty & np.isnan(since)] = now
    idle_s = now - since + _ROUNDING  # nan: not empty, and nothing below holds
    sleep_after_s = group.suspend_empty_after_s
    if sleep_after_s is not None:
        phase[(phase == ON) & (idle_s >= sleep_after_s)] = SUSPENDED
    spare = nodes.held(g) - group.nodes_min
    due = np.flatnonzero(idle_s >= group.remove_empty_after_s)
    if spare > 0 and len(due):
        longest = due[np.lexsort((-due, since[due]))]  # the newest number on ties
        phase[longest[:spare]] = OFF


def _consolidate(nodes: Nodes, state: State, g: int, count: IntArray, now: float) -> list[Move]:
    group, span = nodes.groups[g], nodes.span(g)
    below = group.consolidate_below_frac
    if below is None or nodes.held(g) <= group.nodes_min:
        return []
    table, workers = nodes.table[span], state.workers
    takes = (table["phase"] == ON) & (table["ready_s"] <= now) & (count[span] > 0)
    starting = workers["node"][(workers["phase"] == kernel.STARTING) & (workers["node"] >= 0)]
    still = np.bincount(starting, minlength=len(nodes.table))[span] == 0
    share = nodes.requested_frac(g, workers)
    for source in np.argsort(share, kind="stable"):
        if share[source] >= below:
            break
        if not (takes[source] and still[source]):
            continue
        others = np.flatnonzero(takes & (np.arange(len(table)) != source))
        moves = _emptied(nodes, workers, g, int(source), others)
        if moves is not None:
            table["phase"][source] = LEAVING
            kernel.drain_node(state, span.start + int(source), now)
            return moves
    return []


def _emptied(
    nodes: Nodes, workers: AnyArray, g: int, source: int, others: IntArray
) -> list[Move] | None:
    """Where the workers of a node could go, the largest first; None: they do not all fit."""
    start = nodes.span(g).start
    here = workers[(workers["node"] == start + source) & (workers["phase"] == kernel.READY)]
    free = nodes.free(g, workers)[others]
    moves = []
    needs = {p: _largest(nodes, here, p) for p in set(here["pool"].tolist())}
    for p in sorted(needs, key=lambda p: (-float(needs[p].max()), p)):
        number = int(np.sum(here["pool"] == p))
        chosen = place(
            Placement.PACK,
            free=free,
            capacity=nodes.capacity[g],
            need=needs[p],
            mine=np.zeros(len(others), np.int64),
            tier=np.full(len(others), HELD),
            number=number,
        )
        if len(chosen) < number:
            return None
        np.subtract.at(free, chosen, needs[p])
        moves.append(Move(p, start + others[chosen], nodes.groups[g].migrate_s))
    return moves


def _largest(nodes: Nodes, here: AnyArray, p: int) -> FloatArray:
    """(R,) at most taken by a worker of pool `p` on a node."""
    sizes = here["size"][here["pool"] == p]
    return np.asarray(nodes.needs[p, sizes].max(axis=0), np.float64)
