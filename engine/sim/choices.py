"""Why a request goes where it goes: what each candidate has, who comes second, by how much."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import FloatArray

__all__ = ["FACTORS", "Candidate", "Choice", "DecidedBy", "Level", "explain_choice"]

FACTORS = MappingProxyType(
    {
        "held": (kernel.W_HELD, "requests in service and queued"),
        "blocked": (kernel.W_BLOCKED, "1: no slot is free and the queue is full"),
        "cpu": (kernel.W_CPU, "share of its cores in use"),
        "memory": (kernel.W_MEMORY, "share of its memory for requests in use"),
        "agent_load": (kernel.W_PART, "share of all requests that the pool's workers hold"),
        "queue": (kernel.W_QUEUE, "how full its queue is"),
        "latency": (kernel.W_LATENCY, "0 to 1, 0.5: that of its pool; less is better"),
        "performance": (kernel.W_PERFORMANCE, "0 to 1, 0.5: that of its pool; more is better"),
        "data": (kernel.W_DATA, "1: it served the request's session last"),
        "special": (kernel.W_SPECIAL, "1: its agent type is for the request's tenant"),
        "context": (kernel.W_CONTEXT, "score of the context-aware router, 0 to 1"),
        "weight": (kernel.W_WEIGHT, "of its size, given by the policy; 1: none was given"),
    }
)
"""Columns of the kernel's table and what they mean, by name."""
_BY_DRAW = frozenset({kernel.RANDOM, kernel.POWER_OF_TWO})


class DecidedBy(StrEnum):
    """What settled it."""

    SCORE = "score"
    """The router's score; then the fewest requests held, then the lowest number."""
    CREDIT = "credit"
    """Whoever has most credit in weighted round robin."""
    TURN = "turn"
    DRAW = "draw"
    SESSION = "session"
    """The worker that served the session last."""
    NOBODY = "nobody"
    """No worker may have it: it waits in the pool's queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One worker that could have had the request."""

    worker: int
    """Its index in the pool."""
    node: int | None
    score: float
    """By which the router ranks; more is better."""
    factors: dict[str, float]
    """By the names of FACTORS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A step of the hierarchical router before the worker."""

    name: str
    """region, zone or node"""
    scores: dict[int, float]
    """By number of the region, the pool or the node, of those with a worker that may have it.

    Workers on machines of their own are nodes with numbers above those of the others."""
    chosen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer to where a request would go."""

    pool: int
    worker: int | None
    """Index in the pool; None: it waits in the pool's queue."""
    decided_by: DecidedBy
    candidates: tuple[Candidate, ...]
    """Best first."""
    runner_up: int | None
    """Index in the pool of who would have it if the worker were not there; None: nobody, or
    it is decided by turn or draw."""
    margin: float | None
    """Score of the worker less that of the runner-up."""
    levels: tuple[Level, ...] = ()


def explain_choice(state: State, request: int, now: float) -> Choice:
    """Where a request would go if it arrived now, and why; the state is left as it is.

    Args:
        state: the cluster, not in the middle of `advance`.
        request: its number.
        now: seconds, not before the last event.
    """
    copy = state._replace(
        pools=state.pools.copy(), regions=state.regions.copy(), standings=state.standings.copy()
    )
    p, worker, by_session = kernel.choose_worker(copy, request, now)
    candidates = _candidates(state, p, request, now, worker)
    chosen = None if worker == kernel.NONE else int(worker - state.pools["first_worker"][p])
    decided_by = _decided_by(state, p, worker, by_session)
    runner_up = margin = None
    if decided_by in (DecidedBy.SCORE, DecidedBy.CREDIT, DecidedBy.SESSION):
        others = [other for other in candidates if other.worker != chosen]
        mine = next((c.score for c in candidates if c.worker == chosen), None)
        if others and mine is not None:
            runner_up, margin = others[0].worker, mine - others[0].score
    return Choice(
        pool=p,
        worker=chosen,
        decided_by=decided_by,
        candidates=candidates,
        runner_up=runner_up,
        margin=margin,
        levels=_levels(state, p, request, now) if state.clock["sited"][0] else (),
    )


def _candidates(
    state: State, p: int, request: int, now: float, chosen: int
) -> tuple[Candidate, ...]:
    """Workers that the router looks at, and the one chosen."""
    copy = state._replace(pools=state.pools.copy(), standings=state.standings.copy())
    table = np.zeros((max(1, int(state.pools["routable"][p])), kernel.WEIGHED))
    rows = table[: kernel.weigh(copy, p, request, now, table)]
    rows = rows[np.unique(rows[:, kernel.W_WORKER], return_index=True)[1]]  # drawn ones once
    if state.pools["router"][p] == kernel.HIERARCHICAL and len(rows):
        number = rows[:, kernel.W_WORKER].astype(np.int64)
        at_node = state.standings["berth"][number] == _best_node(state, p)
        rows = rows[at_node | (number == chosen)]
    order = (rows[:, kernel.W_HELD], -rows[:, kernel.W_SCORE], _blocked(state, p, rows))
    return tuple(_candidate(state, p, rows[k]) for k in np.lexsort(order))


def _blocked(state: State, p: int, rows: FloatArray) -> FloatArray:
    """(rows,) whether they come last; only routers that score look at that."""
    scores = kernel.PREDICTED_COMPLETION <= state.pools["router"][p] <= kernel.SEVEN_FACTOR
    return np.where(scores, rows[:, kernel.W_BLOCKED], 0.0)


def _candidate(state: State, p: int, row: FloatArray) -> Candidate:
    worker = int(row[kernel.W_WORKER])
    node = int(state.workers["node"][worker])
    return Candidate(
        worker=worker - int(state.pools["first_worker"][p]),
        node=None if node == kernel.NONE else node,
        score=float(row[kernel.W_SCORE]),
        factors={name: float(row[column]) for name, (column, _) in FACTORS.items()},
    )


def _decided_by(state: State, p: int, worker: int, by_session: bool) -> DecidedBy:
    pool = state.pools[p]
    if worker == kernel.NONE:
        return DecidedBy.NOBODY
    if by_session:
        return DecidedBy.SESSION
    if pool["shared_queue"] or pool["partitioned"]:
        return DecidedBy.SCORE
    if pool["router"] in _BY_DRAW:
        return DecidedBy.DRAW
    if pool["router"] == kernel.ROUND_ROBIN:
        return DecidedBy.TURN
    if pool["router"] == kernel.WEIGHTED_ROUND_ROBIN:
        return DecidedBy.CREDIT
    return DecidedBy.SCORE


def _levels(state: State, p: int, request: int, now: float) -> tuple[Level, ...]:
    """The steps of the hierarchical router down to the node."""
    copy = state._replace(pools=state.pools.copy(), regions=state.regions.copy())
    figures = np.zeros((len(state.pools), 3))
    kernel.weigh_sites(copy, request, now, figures)
    there = np.flatnonzero(figures[:, 2] > 0).tolist()
    regions = {int(state.pools["region"][q]): float(figures[q, 0]) for q in there}
    region = int(state.pools["region"][p])
    here = [q for q in there if state.pools["region"][q] == region]
    zones = {q: float(figures[q, 1]) for q in here}
    levels = [
        Level(name="region", scores=regions, chosen=region),
        Level(name="zone", scores=zones, chosen=p),
    ]
    if state.pools["routable"][p]:
        levels.append(_node_level(state, p))
    return tuple(levels)


def _node_level(state: State, p: int) -> Level:
    """Free slots per slot of each node, less where no worker would start a request at once."""
    first, nodes = int(state.pools["first_berth"][p]), int(state.clock["nodes"][0])
    berths = state.berths[first : first + nodes + int(state.pools["capacity"][p])]
    there = np.flatnonzero(berths["first"] != kernel.NONE)
    used = berths["held"][there] / berths["slots"][there]
    scores = 1.0 - used - kernel.FULL_PENALTY * (berths["open"][there] == 0)
    named = dict(zip(there.tolist(), scores.tolist(), strict=True))
    return Level(name="node", scores=named, chosen=_best_node(state, p))


def _best_node(state: State, p: int) -> int:
    root = int(state.pools["berth_tree"][p]) + 1
    return int(state.berth_tree[root]) & kernel.INDEX_MASK
