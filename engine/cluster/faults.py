"""Losses of nodes by plan: which nodes a fault takes, and when.

Crashes of workers, partitions and outages of tools belong to the simulator; here is what happens
to machines. Faults happen at the first tick that starts at or after their time.
"""

import numpy as np

from engine.cluster.nodes import LEAVING, OFF, Nodes
from engine.scenario import Fault, FaultKind, Purchase, Scenario
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import IntArray

__all__ = ["NodeFaults"]

_STREAM = 4
"""Of the scenario's seed sequence: which nodes."""


class NodeFaults:
    """The node losses and revocations of one replay that are still to come."""

    def __init__(self, scenario: Scenario) -> None:
        kinds = (FaultKind.NODE_LOSS, FaultKind.SPOT_REVOCATION)
        planned = [fault for fault in scenario.faults if fault.kind in kinds]
        self._ahead = sorted(planned, key=lambda fault: fault.at_s)
        stream = np.random.SeedSequence(scenario.seed, spawn_key=(_STREAM,))
        self._random = np.random.default_rng(stream)

    def strike(self, nodes: Nodes, state: State, now: float) -> None:
        """Lets happen what is due by now."""
        while self._ahead and self._ahead[0].at_s <= now:
            fault = self._ahead.pop(0)
            for g, group in enumerate(nodes.groups):
                if fault.where in (None, group.name):
                    self._hit(fault, nodes, state, g, now)

    def _hit(self, fault: Fault, nodes: Nodes, state: State, g: int, now: float) -> None:
        group, start = nodes.groups[g], nodes.span(g).start
        phase = nodes.table["phase"][nodes.span(g)]
        if fault.kind is FaultKind.SPOT_REVOCATION:
            if group.purchase is Purchase.SPOT:
                taken = self._some(np.flatnonzero((phase != OFF) & (phase != LEAVING)), fault)
                nodes.table["lost_s"][start + taken] = now + group.notice_s
            return
        for node in self._some(np.flatnonzero(phase != OFF), fault).tolist():
            kernel.crash_node(state, start + node, now)
            phase[node] = OFF
            nodes.note(g, "node-lost", now)

    def _some(self, nodes: IntArray, fault: Fault) -> IntArray:
        number = min(fault.count, len(nodes))
        return self._random.choice(nodes, number, replace=False, shuffle=False)
