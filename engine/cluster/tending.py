"""What becomes of nodes at the start of a tick: lost, given back, put to sleep, emptied."""

import math
from dataclasses import dataclass

import numpy as np

from engine.cluster.nodes import LEAVING, OFF, ON, SUSPENDED, Nodes
from engine.cluster.placement import HELD, place
from engine.policies.base import GroupAction
from engine.scenario import Placement
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import FloatArray, IntArray

__all__ = ["Move", "steer", "tend"]

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
        _let_go(nodes, g, count, now)
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
            nodes.note(g, "node-noticed", now)
            kernel.drain_node(state, node, now)
        if table["lost_s"][node] <= now:
            kernel.crash_node(state, node, now)
            table["phase"][node] = OFF
            nodes.note(g, "node-lost", now)


def _let_go(nodes: Nodes, g: int, count: IntArray, now: float) -> None:
    table = nodes.table[nodes.span(g)]
    gone = (table["phase"] == LEAVING) & (count[nodes.span(g)] == 0)
    revoked = gone & (table["lost_s"] - nodes.groups[g].notice_s <= now)
    missing = max(nodes.groups[g].nodes_min - nodes.held(g), 0)
    kept = np.isin(np.arange(len(gone)), np.flatnonzero(gone & ~revoked)[:missing])
    asleep = gone & ~revoked & (table["sleeps"] | kept)
    table["phase"][gone] = OFF
    table["phase"][asleep] = SUSPENDED
    table["empty_since_s"][asleep] = now
    table["sleeps"][gone] = False
    nodes.note(g, "node-lost", now, int(revoked.sum()))
    nodes.note(g, "node-suspended", now, int(asleep.sum()))
    nodes.note(g, "node-returned", now, int((gone & ~revoked & ~asleep).sum()))


def _settle(nodes: Nodes, g: int, count: IntArray, now: float) -> None:
    group, span = nodes.groups[g], nodes.span(g)
    phase, since = nodes.table["phase"][span], nodes.table["empty_since_s"][span]
    empty = ((phase == ON) | (phase == SUSPENDED)) & (count[span] == 0)
    since[~empty] = np.nan
    since[empty & np.isnan(since)] = now
    idle_s = now - since + _ROUNDING  # nan: not empty, and nothing below holds
    sleep_after_s = group.suspend_empty_after_s
    if sleep_after_s is not None:
        tired = (phase == ON) & (idle_s >= sleep_after_s)
        phase[tired] = SUSPENDED
        nodes.note(g, "node-suspended", now, int(tired.sum()))
    spare = nodes.held(g) - group.nodes_min
    due = np.flatnonzero(idle_s >= group.remove_empty_after_s)
    if spare > 0 and len(due):
        longest = due[np.lexsort((-due, since[due]))]  # the newest number on ties
        phase[longest[:spare]] = OFF
        nodes.note(g, "node-returned", now, min(spare, len(longest)))


def _consolidate(nodes: Nodes, state: State, g: int, count: IntArray, now: float) -> list[Move]:
    below = nodes.groups[g].consolidate_below_frac
    if below is None or nodes.held(g) <= nodes.groups[g].nodes_min:
        return []
    share = nodes.requested_frac(g, state.workers)
    sources = np.argsort(share, kind="stable")
    sources = sources[share[sources] < below]
    return _empty(nodes, state, g, sources, count, now, most=1)


def steer(
    nodes: Nodes, state: State, g: int, action: GroupAction, busy_frac: FloatArray, now: float
) -> list[Move]:
    """What a policy wants of a group's nodes: some emptied, some put to sleep.

    1. Of its n nodes in use, the least taken are emptied by migration: those whose rank, from 0,
       is below `empty_frac` n. Nodes whose workers fit nowhere else stay as they are.
    2. Nodes less busy than `suspend_below_frac` over the last tick sleep: empty ones at once,
       others as soon as their workers have moved.

    Args:
        nodes: of the replay.
        state: of the simulator.
        g: the group.
        action: what is wanted.
        busy_frac: (nodes,) of the last tick.
        now: start of a tick.

    Returns:
        The workers to be ordered on their new nodes.
    """
    span = nodes.span(g)
    table, count = nodes.table[span], nodes.count(state.workers)
    share = np.where(table["phase"] == ON, nodes.requested_frac(g, state.workers), np.inf)
    ranked = np.argsort(share, kind="stable")[: int(np.sum(table["phase"] == ON))]
    idle = (busy_frac[span] < action.suspend_below_frac) & (table["phase"] == ON)
    idle &= table["ready_s"] <= now
    asleep = idle & (count[span] == 0)
    table["phase"][asleep] = SUSPENDED
    nodes.note(g, "node-suspended", now, int(asleep.sum()))
    first = ranked[: math.ceil(action.empty_frac * len(ranked) - _ROUNDING)]
    table["sleeps"][idle] = True
    wanted = np.isin(ranked, first) | idle[ranked]
    moves = _empty(nodes, state, g, ranked[wanted], count, now, most=len(ranked))
    table["sleeps"] &= table["phase"] == LEAVING
    return moves


def _empty(
    nodes: Nodes, state: State, g: int, sources: IntArray, count: IntArray, now: float, most: int
) -> list[Move]:
    """Empties up to `most` of the `sources` in this order, as far as their workers fit."""
    span = nodes.span(g)
    table, workers = nodes.table[span], state.workers
    takes = (table["phase"] == ON) & (table["ready_s"] <= now) & (count[span] > 0)
    changing = (workers["phase"] == kernel.STARTING) | (workers["replaced"] == 1)
    changing = workers["node"][
        changing & (workers["phase"] != kernel.OFF) & (workers["node"] >= 0)
    ]
    still = np.bincount(changing, minlength=len(nodes.table))[span] == 0
    free = nodes.free(g, workers)
    moves: list[Move] = []
    emptied = 0
    for source in sources.tolist():
        if emptied == most:
            break
        if not (takes[source] and still[source]):
            continue
        others = np.flatnonzero(takes & (np.arange(len(table)) != source))
        found = _elsewhere(nodes, state, g, source, others, free)
        if found is None:
            continue
        table["phase"][source] = LEAVING
        takes[source] = False
        kernel.drain_node(state, span.start + source, now)
        for move in found:
            number = len(move.nodes)
            gib = float(nodes.base_gib[move.pool]) * number
            nodes.note(g, "workers-moved", now, number, gib or np.nan)
            still[move.nodes - span.start] = False
        moves += found
        emptied += 1
    return moves


def _elsewhere(
    nodes: Nodes, state: State, g: int, source: int, others: IntArray, free: FloatArray
) -> list[Move] | None:
    """Where the workers of a node go, the largest first; None: they do not all fit.

    They come in the size in which their pool orders workers now.

    What they take is then missing in `free` (nodes of the group, R).
    """
    start, workers = nodes.span(g).start, state.workers
    here = workers[(workers["node"] == start + source) & (workers["phase"] == kernel.READY)]
    left = free[others]
    moves = []
    size = state.pools["size"]
    needs = {p: nodes.needs[p, size[p]] for p in set(here["pool"].tolist())}
    for p in sorted(needs, key=lambda p: (-float(needs[p].max()), p)):
        number = int(np.sum(here["pool"] == p))
        chosen = place(
            Placement.PACK,
            free=left,
            capacity=nodes.capacity[g],
            need=needs[p],
            mine=np.zeros(len(others), np.int64),
            tier=np.full(len(others), HELD),
            number=number,
        )
        if len(chosen) < number:
            return None
        np.subtract.at(left, chosen, needs[p])
        moves.append(Move(p, start + others[chosen], nodes.groups[g].migrate_s))
    free[others] = left
    return moves
