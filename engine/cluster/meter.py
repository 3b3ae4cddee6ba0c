"""Reads the nodes once a tick: how many, how full, how busy, and the energy they took."""

import numpy as np

from engine.cluster.nodes import OFF, SUSPENDED, Nodes
from engine.cluster.placement import fragmentation
from engine.cluster.power import kwh
from engine.units import AnyArray, BoolArray, FloatArray

__all__ = ["HOT_FRAC", "HOT_SD", "HOT_TICKS", "Meter"]

HOT_FRAC, HOT_TICKS, HOT_SD = 0.9, 3, 2.0
"""A hotspot: above this busy share for so many ticks, or so many standard deviations above the
mean; from the load-balancing guide, which leaves the numbers open."""
_ROUNDING = 1e-12


class Meter:
    """(T, G) of each reading; T ticks, G node groups."""

    def __init__(self, ticks: int, groups: int) -> None:
        shape = (ticks, groups)
        self.nodes = np.zeros(shape, np.int64)
        """Held, suspended ones included."""
        self.suspended = np.zeros(shape, np.int64)
        self.node_s = np.zeros(shape)
        self.requested_frac = np.full(shape, np.nan)
        """Mean over the nodes, by the resource of which most is taken; nan without nodes."""
        self.busy_frac = np.full(shape, np.nan)
        """Mean over the nodes."""
        self.busiest_frac = np.full(shape, np.nan)
        """Of the busiest node."""
        self.fragmentation = np.full(shape, np.nan)
        """Of what is free; see `engine.cluster.placement`."""
        self.hot_nodes = np.zeros(shape, np.int64)
        """Busier than mean + 2 standard deviations, or above 90 % for three ticks."""
        self.energy_kwh = np.zeros(shape)
        """Of the machines, without the site's overhead."""
        self._streak = np.zeros(0, np.int64)

    def read(
        self, tick: int, nodes: Nodes, workers: AnyArray, busy: FloatArray, seconds: float
    ) -> None:
        """At the end of a tick, before anything is changed.

        Args:
            tick: which.
            nodes: as they were all through the tick.
            workers: of the simulator.
            busy: (nodes,) share busy over the tick.
            seconds: length of the tick.
        """
        for g in range(len(nodes.groups)):
            span = nodes.span(g)
            phase = nodes.table["phase"][span]
            held = phase != OFF
            number = int(held.sum())
            self.nodes[tick, g] = number
            self.suspended[tick, g] = int(np.sum(phase == SUSPENDED))
            self.node_s[tick, g] = number * seconds
            self.energy_kwh[tick, g] = kwh(nodes.watts(g, busy).sum() * seconds)
            if number:
                self.requested_frac[tick, g] = nodes.requested_frac(g, workers)[held].mean()
                self.busy_frac[tick, g] = busy[span][held].mean()
                self.busiest_frac[tick, g] = busy[span][held].max()
                self.fragmentation[tick, g] = fragmentation(nodes.free(g, workers)[held])
            self.hot_nodes[tick, g] = self._hot(busy, span, held)

    def _hot(self, busy: FloatArray, span: slice, held: BoolArray) -> int:
        """Hotspots among the nodes of a group; the definition is the load-balancing guide's."""
        if len(self._streak) != len(busy):
            self._streak = np.zeros(len(busy), np.int64)
        share, streak = busy[span], self._streak[span]
        streak[:] = np.where(held & (share > HOT_FRAC), streak + 1, 0)
        if not held.any():
            return 0
        above = share[held].mean() + HOT_SD * share[held].std() + _ROUNDING
        return int(np.sum(held & ((share > above) | (streak >= HOT_TICKS))))
