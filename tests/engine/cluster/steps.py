"""A fleet that tests move by hand."""

import numpy as np

from engine.cluster.nodes import OFF
from engine.fleet import Fleet
from engine.sim import kernel
from engine.sim.service import prepare
from engine.trace.schema import request_table

TICK_S = 15.0


class Steps:
    """A fleet that is told by hand what to do, tick by tick."""

    def __init__(self, scenario, arrivals=(), service_s=1.0):
        at = np.array([*arrivals, 1e6])
        table = request_table(at, service_s=np.full(len(at), service_s))
        self.fleet = Fleet(prepare(table, scenario), scenario, ticks=1000, window_s=2e6)
        self.target = self.fleet.state.counters[:, kernel.C_READY].copy()
        self.tick = 0

    @property
    def now(self):
        return self.tick * TICK_S

    @property
    def nodes(self):
        return self.fleet.hosting.nodes

    @property
    def held(self):
        """Node numbers that are not off."""
        return np.flatnonzero(self.nodes.table["phase"] != OFF).tolist()

    def workers_on(self):
        count = self.nodes.count(self.fleet.state.workers)
        return {node: int(count[node]) for node in np.flatnonzero(count).tolist()}

    def step(self, *targets, ticks=1):
        for _ in range(ticks):
            self.fleet.tend(self.target, self.now)
            for pool, target in enumerate(targets):
                if target != self.target[pool]:
                    self.fleet.scale(pool, target - int(self.target[pool]), self.now)
                    self.target[pool] = target
            pools = len(self.fleet.state.pools)
            self.fleet.advance(
                self.tick,
                self.now,
                self.now + TICK_S,
                np.zeros((pools, kernel.COUNTERS), np.int64),
                np.zeros((pools, kernel.INTEGRALS)),
            )
            self.tick += 1

    def ready(self, pool=0):
        return int(self.fleet.state.counters[pool, kernel.C_READY])

    def meter(self, name):
        return getattr(self.fleet.hosting.meter, name)[self.tick - 1, 0]
