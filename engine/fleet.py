"""The workers of one replay and the nodes under them: orders, losses and what can be seen."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from engine.cluster.hosting import make_hosting
from engine.orders import Orders
from engine.policies.base import GroupAction, WorkerView
from engine.records import EventLog
from engine.scenario import RouterKind, Scenario
from engine.sim import kernel
from engine.sim.faults import WorkerFaults
from engine.sim.partitions import Balancer
from engine.sim.service import ROUTERS, Workload, new_state
from engine.sim.state import make_views, with_room
from engine.sim.traits import KIB_PER_GIB, memory_rule
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
        kernel.moor_all(self.state)
        self.orders = Orders()
        self.events = EventLog() if self.hosting is None else self.hosting.nodes.events
        self._names = [pool.name for pool in scenario.pools]
        self._memory = _memory_of(scenario)
        """Of pools of which it is known: KiB of an idle worker, and (sizes,) of a whole one."""
        self._resizing: set[int] = set()
        """Pools with workers that do not have their pool's size."""
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

    @property
    def utilisation(self) -> FloatArray:
        """(W,) busy share of each worker over the last tick, nan where it was not there."""
        return self._views.utilisation_of

    def view(self, pool: int) -> WorkerView:
        """The workers of a pool at the end of the last tick; copies."""
        views, first = self._views, self._first_worker[pool]
        span = slice(first, first + int(views.number[pool]))
        return WorkerView(
            started_s=views.started_s[span].copy(),
            ready_s=views.ready_s[span].copy(),
            draining=views.draining[span].copy(),
            utilisation=views.utilisation[span].copy(),
            memory_frac=self._memory_frac(pool, span),
        )

    def _memory_frac(self, pool: int, span: slice) -> FloatArray:
        """(workers,) share of the memory of some workers of a pool in use, nan while starting."""
        if pool not in self._memory:
            return np.zeros(0)
        base_kib, whole_kib = self._memory[pool]
        views = self._views
        used = base_kib + views.memory_kib[span]
        share = used / whole_kib[views.size[span]]
        return np.where(np.isnan(views.ready_s[span]), np.nan, share)

    def room(self, pool: int) -> Callable[[], int] | None:
        """How many more workers fit onto the pool's nodes; None where it has none."""
        hosting = self.hosting
        if hosting is None or not hosting.holds(pool):
            return None
        return lambda: hosting.room(self.state, pool)

    def fits(self, pool: int, size: int) -> bool:
        """Whether the pool's nodes could hold its workers in another size."""
        hosting = self.hosting
        if hosting is None or not hosting.holds(pool):
            return True
        return hosting.can_resize(self.state, pool, size)

    def room_resized(self, pool: int, size: int, workers: int) -> Callable[[], int] | None:
        """As `room`, in another size, when so many workers have got it first."""
        hosting = self.hosting
        if hosting is None or not hosting.holds(pool):
            return None
        left = hosting.nodes.room(pool, size, self.state.workers) - workers
        return lambda: max(0, left)

    def waits(self, pool: int) -> bool:
        """Whether workers may have to wait for room before they get another size."""
        return self.room(pool) is not None and not self.state.pools["resize_in_place"][pool]

    def waiting(self) -> list[tuple[int, int, int]]:
        """Pool, size and number of workers that wait for room to get their pool's size."""
        found = []
        for pool in sorted(self._resizing):
            if not self.waits(pool):
                continue
            first, capacity = self._first_worker[pool], self.state.pools["capacity"][pool]
            workers = self.state.workers[first : first + capacity]
            there = (workers["phase"] == kernel.READY) | (workers["phase"] == kernel.STARTING)
            old = there & (workers["replaced"] == 0) & (workers["size"] != self.size(pool))
            numbers = Counter(workers["size"][old].tolist())
            found += [(pool, size, number) for size, number in sorted(numbers.items())]
        return found

    def scale(self, pool: int, change: int, now: float) -> None:
        """Orders or removes workers of a pool because of a decision."""
        before = self._starting(pool)
        if change < 0:
            kernel.scale_in(self.state, pool, -change, now)
            self.orders.cancelled(pool, before - self._starting(pool))
        else:
            self._order(pool, change, now)
            self.orders.placed(now, pool, self._starting(pool) - before)

    def size(self, pool: int) -> int:
        """In which of its sizes the pool's workers are ordered."""
        return int(self.state.pools["size"][pool])

    def resize(self, pool: int, size: int, now: float) -> bool:
        """Workers of a pool have another size from now on; False where they do not fit."""
        if not self.fits(pool, size):
            return False
        on_nodes = self.hosting is not None and self.hosting.holds(pool)
        self._make_room(pool, int(self.state.counters[pool, kernel.C_READY]))
        if on_nodes and not self.state.pools["resize_in_place"][pool]:
            self.state.pools["size"][pool] = size
            self._replace(pool, now)
        else:
            kernel.resize(self.state, pool, size, now)
        self.events.note(now, "pool-resized", self._names[pool])
        self._resizing.add(pool)
        return True

    def reroute(self, pool: int, router: RouterKind, now: float) -> None:
        """Requests of a pool are routed so from now on; not to or from the hierarchical router."""
        number = ROUTERS[router]
        if number != self.state.pools["router"][pool]:
            kernel.set_router(self.state, pool, number)
            self.events.note(now, "pool-rerouted", self._names[pool])

    def reweigh(self, pool: int, preference: float, sizes: FloatArray, now: float) -> None:
        """Routers give so much to a pool and to its workers of each size (sizes,) from now on."""
        state = self.state
        held = (state.pools["preference"][pool], *state.sizes["weight"][pool, : len(sizes)])
        if held != (preference, *sizes):
            kernel.set_weights(state, pool, preference, sizes)
            self.events.note(now, "pool-reweighed", self._names[pool])

    def resizing(self) -> IntArray:
        """(P,) workers that do not have their pool's size yet; new ones all do."""
        found = np.zeros(len(self._names), np.int64)
        for pool in self._resizing:
            found[pool] = self._others(pool)
        return found

    def _others(self, pool: int) -> int:
        first, capacity = self._first_worker[pool], self.state.pools["capacity"][pool]
        workers = self.state.workers[first : first + capacity]
        there = (workers["phase"] == kernel.READY) | (workers["phase"] == kernel.STARTING)
        return int(np.count_nonzero(there & (workers["size"] != self.size(pool))))

    def _replace(self, pool: int, now: float) -> None:
        """Starts workers of the pool's size for those of others, as far as nodes have room.

        No worker goes before the one that replaces it is ready, so on full nodes some stay.
        """
        if self.hosting is not None and self.hosting.holds(pool):
            self._make_room(pool, int(self.state.counters[pool, kernel.C_READY]))
            self.hosting.replace(self.state, pool, now)

    def steer(self, g: int, action: GroupAction, now: float) -> None:
        """Empties nodes of a group, or puts them to sleep, as a policy wants."""
        assert self.hosting is not None
        for move in self.hosting.steer(self.state, g, action, now):
            self._make_room(move.pool, len(move.nodes))
            self.hosting.move(self.state, move, now)

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
        for pool in sorted(self._resizing):
            self._replace(pool, now)
        self._resizing = {pool for pool in self._resizing if self._others(pool)}
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


def _memory_of(scenario: Scenario) -> dict[int, tuple[float, FloatArray]]:
    found = {}
    for p, pool in enumerate(scenario.pools):
        kind = scenario.agent_type_of(pool)
        if memory_rule(kind) != kernel.NO_LIMIT:
            whole = np.array([size.memory_gib * KIB_PER_GIB for size in kind.all_sizes])
            found[p] = (kind.memory_base_gib * KIB_PER_GIB, whole)
    return found
