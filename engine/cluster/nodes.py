"""The nodes of one replay: what they hold, from when on, and what they draw.

Nodes change at the start of ticks only. Workers are the simulator's; each says on which node it
is, so nothing is counted twice.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.cluster.noise import node_speeds
from engine.cluster.placement import ASLEEP, HELD, NEW, fitting, free_frac, place
from engine.cluster.power import node_watts
from engine.errors import ScenarioError
from engine.records import EventLog
from engine.scenario import NodeGroup, NodeType, Purchase, Scenario, WorkerSize
from engine.sim import kernel
from engine.sim.parameters import STARTUP_DRAWS
from engine.sim.service import startup_seconds
from engine.sim.state import LONG_AGO_S
from engine.units import SECONDS_PER_HOUR, AnyArray, FloatArray, IntArray

__all__ = ["LEAVING", "OFF", "ON", "SUSPENDED", "Nodes", "make_nodes", "node_share", "resources"]

OFF, ON, LEAVING, SUSPENDED = 0, 1, 2, 3
"""LEAVING: its workers drain and it takes no new ones, because it is revoked or emptied."""
NODE = np.dtype(
    [
        ("phase", "i8"),
        ("ready_s", "f8"),  # workers can start from then on
        ("lost_s", "f8"),  # when a spot node is lost, inf: never
        ("empty_since_s", "f8"),  # nan: it holds workers
        ("speed", "f8"),
        ("sleeps", "?"),  # leaving: it is suspended when it is empty
    ]
)
_ROUNDING = 1e-9
_STREAM = 3
"""Of the scenario's seed sequence; the streams before it belong to `engine.sim.service`."""


@dataclass(frozen=True, slots=True)
class _Draws:
    """What chance decides about the nodes of a group, used in turn. (STARTUP_DRAWS,) each."""

    provision_s: FloatArray
    speed: FloatArray
    lifetime_s: FloatArray
    """inf where nodes are not revoked."""


def node_share(size: WorkerSize, kind: NodeType) -> float:
    """Share of a node that one worker takes, by the resource of which it takes most."""
    shares = [size.cpu_cores / kind.cpu_cores, size.memory_gib / kind.memory_gib]
    return max([*shares, size.gpus / kind.gpus if kind.gpus else 0.0])


def make_nodes(scenario: Scenario) -> "Nodes | None":
    """The scenario's nodes, all off; None where it has no node groups."""
    return Nodes(scenario) if scenario.node_groups else None


class Nodes:
    """All nodes of a replay in one table; group g has `span(g)` of it."""

    def __init__(self, scenario: Scenario) -> None:
        self.groups = scenario.node_groups
        self.kinds = [scenario.node_type_of(group) for group in self.groups]
        sizes = np.array([group.nodes_max for group in self.groups])
        self._first = np.concatenate(([0], np.cumsum(sizes)))
        self.table = np.zeros(int(sizes.sum()), NODE)
        self.capacity = np.array([resources(kind) for kind in self.kinds])  # (G, R)
        names = [group.name for group in self.groups]
        self.group_of = [
            None if pool.node_group is None else names.index(pool.node_group)
            for pool in scenario.pools
        ]
        self.pool_names = [pool.name for pool in scenario.pools]
        kinds = [scenario.agent_type_of(pool) for pool in scenario.pools]
        most = max(len(kind.all_sizes) for kind in kinds)
        self.needs = np.zeros((len(kinds), most, 3))  # (P, sizes, R)
        self._busy_share = np.zeros((len(kinds), most))  # of a node, per busy slot
        for p, kind in enumerate(kinds):
            for k, size in enumerate(kind.all_sizes):
                self.needs[p, k] = resources(size)
                group = self.group_of[p]
                if group is not None:
                    cores = kind.cpu_per_request or size.cpu_cores / size.slots
                    self._busy_share[p, k] = _busy_share(cores, size, self.kinds[group])
        stream = np.random.SeedSequence(scenario.seed, spawn_key=(_STREAM,))
        self._draws = [
            _draw(group, kind, np.random.default_rng(seed))
            for group, kind, seed in zip(
                self.groups, self.kinds, stream.spawn(len(self.groups)), strict=True
            )
        ]
        self.base_gib = np.array([kind.memory_base_gib for kind in kinds])  # (P,)
        self._started = [0] * len(self.groups)
        self._pools_of = [
            np.array([p for p, mine in enumerate(self.group_of) if mine == g], np.int64)
            for g in range(len(self.groups))
        ]
        self._edges = np.zeros(len(kinds) + 1, np.int64)
        """(P + 1,) where each pool's workers begin, and the end; see `_spans`."""
        self.events = EventLog()

    def span(self, g: int) -> slice:
        """Where the group's nodes are in the table."""
        return slice(int(self._first[g]), int(self._first[g + 1]))

    # What is on them

    def _spans(self, workers: AnyArray) -> IntArray:
        """(P + 1,) edges of the pools' workers, which follow each other."""
        if self._edges[-1] != len(workers):  # there is more room for workers than before
            pools = np.arange(len(self._edges))
            self._edges = np.searchsorted(workers["pool"], pools).astype(np.int64)
        return self._edges

    def _count(self, p: int, workers: AnyArray) -> IntArray:
        """(nodes,) workers of a pool on each node."""
        edges = self._spans(workers)
        here = workers[edges[p] : edges[p + 1]]
        node = here["node"][(here["phase"] != kernel.OFF) & (here["node"] >= 0)]
        return np.bincount(node, minlength=len(self.table))

    def workers_on(self, g: int, workers: AnyArray) -> AnyArray:
        """The workers that are on nodes of a group, in whatever phase but off."""
        edges = self._spans(workers)
        spans = [workers[edges[p] : edges[p + 1]] for p in self._pools_of[g].tolist()]
        here: AnyArray = np.concatenate([workers[:0], *spans])
        on_nodes: AnyArray = here[(here["phase"] != kernel.OFF) & (here["node"] >= 0)]
        return on_nodes

    def count(self, workers: AnyArray) -> IntArray:
        """(nodes,) workers on each node."""
        node = workers["node"]
        return np.bincount(
            node[(workers["phase"] != kernel.OFF) & (node >= 0)], minlength=len(self.table)
        )

    def free(self, g: int, workers: AnyArray) -> FloatArray:
        """(nodes of the group, R) resources that no worker has."""
        span = self.span(g)
        taken = np.zeros((span.stop - span.start, self.needs.shape[2]))
        _take(workers, self._spans(workers), self._pools_of[g], self.needs, span.start, taken)
        return np.asarray(self.capacity[g] - taken, np.float64)

    def held(self, g: int) -> int:
        """Nodes of a group that can take workers, suspended ones included."""
        phase = self.table["phase"][self.span(g)]
        return int(np.sum((phase == ON) | (phase == SUSPENDED)))

    # Workers come

    def room(self, p: int, size: int, workers: AnyArray) -> int:
        """How many more workers of a pool could be placed now, nodes not yet held included."""
        g = self.group_of[p]
        assert g is not None
        free = self.free(g, workers)[self.table["phase"][self.span(g)] != LEAVING]
        return int(fitting(free, self.needs[p, size]).sum())

    def fit_resized(self, p: int, size: int, workers: AnyArray) -> bool:
        """Whether all workers of a pool would fit in another size on the nodes they are on."""
        g = self.group_of[p]
        assert g is not None
        here = self.workers_on(g, workers)
        here = here[(here["pool"] == p) & (here["phase"] != kernel.DRAINING)]
        more = np.maximum(self.needs[p, size] - self.needs[p, here["size"]], 0.0)
        free = self.free(g, workers)
        np.subtract.at(free, here["node"] - self.span(g).start, more)
        return bool((free >= -_ROUNDING).all())

    def place(self, p: int, size: int, number: int, workers: AnyArray, now: float) -> IntArray:
        """Nodes for `number` new workers of a pool; starts and wakes what is needed for them.

        Returns:
            (<= number,) node numbers; fewer where the group is full.
        """
        g = self.group_of[p]
        assert g is not None
        first = self.span(g).start
        phase = self.table["phase"][self.span(g)]
        held = np.flatnonzero((phase == ON) | (phase == SUSPENDED))
        new = np.flatnonzero(phase == OFF)[:number]
        among = np.concatenate((held, new))
        tier = np.concatenate((np.where(phase[held] == ON, HELD, ASLEEP), np.full(len(new), NEW)))
        chosen = place(
            self.groups[g].placement,
            free=self.free(g, workers)[among],
            capacity=self.capacity[g],
            need=self.needs[p, size],
            mine=self._count(p, workers)[first:][among],
            tier=tier,
            number=number,
        )
        nodes = first + among[chosen]
        for node in dict.fromkeys(nodes.tolist()):
            self._use(g, node, now)
        return np.asarray(nodes, np.int64)

    def _use(self, g: int, node: int, now: float) -> None:
        entry = self.table[node]
        if entry["phase"] == OFF:
            self.start(g, node, now)
        elif entry["phase"] == SUSPENDED:
            self.note(g, "node-resumed", now)
            entry["phase"] = ON
            entry["ready_s"] = now + self.kinds[g].resume_s
        entry["empty_since_s"] = np.nan

    def start(self, g: int, node: int, now: float) -> None:
        """A node that is off is ordered."""
        draws, turn = self._draws[g], self._started[g] % STARTUP_DRAWS
        self._started[g] += 1
        entry = self.table[node]
        entry["phase"] = ON
        entry["ready_s"] = now + draws.provision_s[turn]
        entry["lost_s"] = max(entry["ready_s"], 0.0) + draws.lifetime_s[turn]
        entry["speed"] = draws.speed[turn]
        entry["empty_since_s"] = max(now, 0.0)
        entry["sleeps"] = False
        self.note(g, "node-started", now)

    def note(self, g: int, kind: str, now: float, number: int = 1, gib: float = np.nan) -> None:
        """Logs what happened to nodes of a group; what was before the window is not logged."""
        if now >= 0.0:
            self.events.note(now, kind, self.groups[g].name, number, gib)

    def wait_s(self, nodes: IntArray, now: float) -> FloatArray:
        """(n,) seconds until workers can start on these nodes."""
        return np.maximum(self.table["ready_s"][nodes] - now, 0.0)

    def begin(self, state: kernel.State) -> None:
        """Before the window: the smallest number of nodes, and the initial workers on nodes.

        Raises:
            ScenarioError: they do not fit.
        """
        for g in range(len(self.groups)):
            self.keep_smallest(g, LONG_AGO_S)
        for p, group in enumerate(self.group_of):
            first = int(state.pools["first_worker"][p])
            number = int(state.counters[p, kernel.C_READY])
            if group is None or not number:
                continue
            span = slice(first, first + number)
            nodes = self.place(p, int(state.pools["size"][p]), number, state.workers, LONG_AGO_S)
            if len(nodes) < number:
                raise ScenarioError(
                    f"{self.groups[group].nodes_max} nodes hold {len(nodes)} of the {number} "
                    f"workers that pool {self.pool_names[p]!r} has at the start",
                    f"node group {self.groups[group].name!r}: nodes_max",
                    "Allow more nodes, or fewer workers at the start",
                )
            workers = state.workers[span]
            workers["node"] = nodes
            workers["own_speed"] *= self.table["speed"][nodes]
            workers["speed"] = workers["own_speed"]

    def keep_smallest(self, g: int, now: float) -> None:
        """Starts nodes until the group has its smallest number."""
        phase = self.table["phase"][self.span(g)]
        missing = self.groups[g].nodes_min - self.held(g)
        for node in np.flatnonzero(phase == OFF)[: max(missing, 0)]:
            self.start(g, self.span(g).start + int(node), now)

    # What they draw

    def busy_frac(self, workers: AnyArray, seconds: float) -> FloatArray:
        """(nodes,) mean share busy over the last tick of `seconds`, ended workers included."""
        here = workers[workers["node"] >= 0]
        share = self._busy_share
        work = here["busy_slot_s"] * share[here["pool"], here["size"]]
        changed = here["was"] != kernel.NONE
        if changed.any():
            mine = here[changed]
            before, after = (share[mine["pool"], mine[size]] for size in ("was", "size"))
            work[changed] += mine["was_slot_s"] * (before - after)
        total = np.bincount(here["node"], weights=work, minlength=len(self.table))
        return np.asarray(np.minimum(total / seconds, 1.0), np.float64)

    def requested_frac(self, g: int, workers: AnyArray) -> FloatArray:
        """(nodes of the group,) share that workers take, by the resource they take most of."""
        return 1.0 - free_frac(self.free(g, workers), self.capacity[g])

    def watts(self, g: int, busy_frac: FloatArray) -> FloatArray:
        """(nodes of the group,) power over a tick in which all nodes were `busy_frac` busy."""
        kind, phase = self.kinds[g], self.table["phase"][self.span(g)]
        drawn = node_watts(kind, busy_frac[self.span(g)])
        drawn = np.where(phase == SUSPENDED, kind.watts_suspended, drawn)
        return np.asarray(np.where(phase == OFF, 0.0, drawn), np.float64)


@njit(nogil=True, cache=True)
def _take(workers, edges, pools, needs, start, taken):  # type: ignore[no-untyped-def]
    """Adds what workers of some pools take to `taken` (nodes, R), of the nodes from `start` on.

    A worker that grows in place has the room for its next size already.
    """
    for p in pools:
        for w in range(edges[p], edges[p + 1]):
            worker = workers[w]
            node = worker.node - start
            if worker.phase == kernel.OFF or node < 0 or node >= len(taken):
                continue
            for r in range(taken.shape[1]):
                need = needs[p, worker.size, r]
                if not np.isnan(worker.resized_s):
                    need = max(need, needs[p, worker.next_size, r])
                taken[node, r] += need


def resources(of: WorkerSize | NodeType) -> tuple[float, float, float]:
    """Cores, GiB of memory, GPUs."""
    return of.cpu_cores, of.memory_gib, float(of.gpus)


def _busy_share(cores_per_request: float, size: WorkerSize, kind: NodeType) -> float:
    gpus = size.gpus / size.slots / kind.gpus if kind.gpus else 0.0
    return max(cores_per_request / kind.cpu_cores, gpus)


def _draw(group: NodeGroup, kind: NodeType, rng: np.random.Generator) -> _Draws:
    provision_s = startup_seconds(kind.provision, rng)
    speed = node_speeds(kind.speed_noise, STARTUP_DRAWS, rng)
    lifetime_s = np.full(STARTUP_DRAWS, np.inf)
    if group.purchase is Purchase.SPOT and group.revocations_per_hour > 0:
        lifetime_s = rng.exponential(SECONDS_PER_HOUR / group.revocations_per_hour, STARTUP_DRAWS)
    return _Draws(provision_s, speed, lifetime_s)
