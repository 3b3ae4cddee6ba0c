"""What the replay asks of nodes: place workers, tend the nodes at each tick, read their meters."""

import numpy as np

from engine.cluster.faults import NodeFaults
from engine.cluster.meter import Meter
from engine.cluster.nodes import Nodes, make_nodes
from engine.cluster.tending import Move, tend
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

    def move(self, state: State, move: Move, now: float) -> None:
        """Orders what moves on its new nodes; moving takes the place of starting up."""
        draws = state.startup_draws[move.pool]
        turns = int(state.pools["started"][move.pool]) + np.arange(len(move.nodes))
        wait_s = max(move.ready_after_s, _AT_ONCE_S) - draws[turns % len(draws)]
        speed = self.nodes.table["speed"][move.nodes]
        kernel.order_workers(state, move.pool, move.nodes, wait_s, speed, now)

    def read(self, tick: int, state: State, seconds: float) -> None:
        """Reads the meters at the end of a tick."""
        self.meter.read(tick, self.nodes, state.workers, seconds)
