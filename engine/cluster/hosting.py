"""What the replay asks of nodes: place workers, tend the nodes at each tick, read their meters."""

import numpy as np

from engine.cluster.faults import NodeFaults
from engine.cluster.meter import Meter
from engine.cluster.nodes import Nodes, make_nodes
from engine.cluster.tending import Move, steer, tend
from engine.policies.base import GroupAction
from engine.scenario import Scenario
from engine.sim import kernel
from engine.sim.kernel import State

__all__ = ["Hosting", "make_hosting"]

_AT_ONCE_S = 1e-6
"""A worker that moves in no time is ready this long after, so that time never goes back."""


def make_hosting(scenario: Scenario, state: State, ticks: int) -> "Hosting | None":
    """The nodes under a cluster whose initial workers are ready; None without node groups.

    Raises:
        ScenarioError: the initial workers do not fit onto the nodes.
    """
    nodes = make_nodes(scenario)
    if nodes is None:
        return None
    nodes.begin(state)
    return Hosting(nodes, Meter(ticks, len(nodes.groups)), NodeFaults(scenario))


class Hosting:
    """The nodes of one replay and their meters."""

    def __init__(self, nodes: Nodes, meter: Meter, faults: NodeFaults) -> None:
        self.nodes, self.meter, self._faults = nodes, meter, faults
        self._busy_frac = np.zeros(len(nodes.table))

    def holds(self, pool: int) -> bool:
        """Whether the pool's workers are on nodes."""
        return self.nodes.group_of[pool] is not None

    def room(self, state: State, pool: int) -> int:
        """How many more workers of a pool its nodes could take, new nodes included."""
        return self.nodes.room(pool, int(state.pools["size"][pool]), state.workers)

    def order(self, state: State, pool: int, number: int, now: float) -> int:
        """Orders workers of a pool on nodes; returns how many there was room for."""
        size = int(state.pools["size"][pool])
        nodes = self.nodes.place(pool, size, number, state.workers, now)
        wait_s, speed = self.nodes.wait_s(nodes, now), self.nodes.table["speed"][nodes]
        return int(kernel.order_workers(state, pool, nodes, wait_s, speed, now))

    def tend(self, state: State, now: float) -> list[Move]:
        """Losses, returns, sleep and consolidation of nodes; see `engine.cluster.tending`."""
        self._faults.strike(self.nodes, state, now)
        return tend(self.nodes, state, now)

    def steer(self, state: State, g: int, action: GroupAction, now: float) -> list[Move]:
        """What a policy wants of a group's nodes; see `engine.cluster.tending`."""
        return steer(self.nodes, state, g, action, self._busy_frac, now)

    def can_resize(self, state: State, pool: int, size: int) -> bool:
        """Whether nodes could hold the pool's workers in another size.

        In place all must fit where they are; else one must fit somewhere to begin with.
        """
        if not state.pools["resize_in_place"][pool]:
            return self.nodes.room(pool, size, state.workers) > 0
        return self.nodes.fit_resized(pool, size, state.workers)

    def replace(self, state: State, pool: int, now: float) -> None:
        """Orders a worker of the pool's size for each ready one of another, as far as they fit.

        The old one drains when the new one is ready. There must be room for as many workers.
        """
        first = int(state.pools["first_worker"][pool])
        workers = state.workers[first : first + int(state.pools["capacity"][pool])]
        size = int(state.pools["size"][pool])
        there = (workers["phase"] == kernel.READY) & (workers["replaced"] == 0)
        old = np.flatnonzero(there & (workers["size"] != size))
        if not len(old):
            return
        nodes = self.nodes.place(pool, size, len(old), state.workers, now)
        new = np.flatnonzero(workers["phase"] == kernel.OFF)[: len(nodes)]
        wait_s, speed = self.nodes.wait_s(nodes, now), self.nodes.table["speed"][nodes]
        kernel.order_workers(state, pool, nodes, wait_s, speed, now)
        workers["replaces"][new] = old[: len(new)]
        workers["replaced"][old[: len(new)]] = 1

    def move(self, state: State, move: Move, now: float) -> None:
        """Orders what moves on its new nodes; moving takes the place of starting up."""
        draws = state.startup_draws[move.pool]
        turns = int(state.pools["started"][move.pool]) + np.arange(len(move.nodes))
        wait_s = max(move.ready_after_s, _AT_ONCE_S) - draws[turns % len(draws)]
        speed = self.nodes.table["speed"][move.nodes]
        kernel.order_workers(state, move.pool, move.nodes, wait_s, speed, now)

    def read(self, tick: int, state: State, seconds: float) -> None:
        """Reads the meters at the end of a tick."""
        self._busy_frac = self.nodes.busy_frac(state.workers, seconds)
        self.meter.read(tick, self.nodes, state.workers, self._busy_frac, seconds)
