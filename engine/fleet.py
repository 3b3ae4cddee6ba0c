"""The workers of one replay and the nodes under them: orders, losses and what can be seen."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from engine.cluster.hosting import make_hosting
from engine.orders import Orders
from engine.policies.base import WorkerView
from engine.scenario import Scenario
from engine.sim import kernel
from engine.sim.faults import WorkerFaults
from engine.sim.partitions import Balancer
from engine.sim.service import Workload, new_state
from engine.sim.state import make_views, with_room
from engine.units import FloatArray, IntArray


class Fleet:
    """The simulated cluster, from its state before the window on. Times in seconds into it."""

    def __init__(
        self, workload: Workload, scenario: Scenario, *, ticks: int, window_s: float
    ) -> None:
        """Makes the cluster.

        Raises:
            ScenarioError: the initial workers do not fit onto their nodes, or the tenants'
                floors into their pools.
        """
        self.state = new_state(workload, scenario, window_s)
        self._faults = WorkerFaults(scenario, window_s)
        self._partitions = Balancer(scenario)
        self.hosting = make_hosting(scenario, self.state, ticks)
        self.orders = Orders()
        self._look_again()

    def _look_again(self) -> None:
        self._views = make_views(self.state)
        self._first_worker: list[int] = self.state.pools["first_worker"].tolist()

    def advance(
        self, tick: int, from_s: float, to_s: float, counters: IntArray, integrals: FloatArray
    ) -> None:
        """Simulates a tick; its counts and integrals go to the arrays given. (P, columns)."""
        kernel.run_tick(self.state, from_s, to_s, self._views, counters, integrals)
        if self.hosting is not None:
            self.hosting.read(tick, self.state, to_s - from_s)

    def view(self, pool: int) -> WorkerView:
        """The workers of a pool at the end of the last tick; copies."""
        views, first = self._views, self._first_worker[pool]
        span = slice(first, first + int(views.number[pool]))
        return WorkerView(
            started_s=views.started_s[span].copy(),
            ready_s=views.ready_s[span].copy(),
            draining=views.draining[span].copy(),
            utilisation=views.utilisation[span].copy(),
        )

    def room(self, pool: int) -> Callable[[], int] | None:
        """How many more workers fit onto the pool's nodes; None where it has none."""
        hosting = self.hosting
        if hosting is None or not hosting.holds(pool):
            return None
        return lambda: hosting.room(self.state, pool)

    def scale(self, pool: int, change: int, now: float) -> None:
        """Orders or removes workers of a pool because of a decision."""
        before = self._starting(pool)
        if change < 0:
            kernel.scale_in(self.state, pool, -change, now)
            self.orders.cancelled(pool, before - self._starting(pool))
        else:
            self._order(pool, change, now)
            self.orders.placed(now, pool, self._starting(pool) - before)

    def tend(self, target: IntArray, now: float) -> None:
        """Lets faults happen and nodes come and go, and orders again what was lost by either.

        Args:
            target: (P,) workers asked for.
            now: start of a tick.
        """
        self._faults.strike(self.state, now)
        self._partitions.balance(self.state, now)
        if self.hosting is not None:
            for move in self.hosting.tend(self.state, now):
                self._make_room(move.pool, len(move.nodes))
                self.hosting.move(self.state, move, now)
        levels = self.state.counters
        there = levels[:, kernel.C_STARTING] + levels[:, kernel.C_READY]
        for pool in np.flatnonzero(target > there).tolist():
            self._order(pool, int(target[pool] - there[pool]), now)

    def _order(self, pool: int, workers: int, now: float) -> None:
        self._make_room(pool, workers)
        if self.hosting is not None and self.hosting.holds(pool):
            self.hosting.order(self.state, pool, workers, now)
        else:
            kernel.scale_out(self.state, pool, workers, now)

    def _make_room(self, pool: int, workers: int) -> None:
        """Room in the simulator's arrays for more workers of a pool."""
        wanted = np.zeros(len(self.state.pools), np.int64)
        wanted[pool] = workers
        held = len(self.state.workers)
        self.state = with_room(self.state, wanted)
        if len(self.state.workers) != held:
            self._look_again()

    def _starting(self, pool: int) -> Counter[float]:
        """When the workers of a pool that are starting now will be ready, seconds."""
        first, capacity = self._first_worker[pool], self.state.pools["capacity"][pool]
        workers = self.state.workers[first : first + capacity]
        return Counter(workers["ready_s"][workers["phase"] == kernel.STARTING].tolist())
