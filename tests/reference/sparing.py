"""What spares work in the reference: sessions that stay, cached prefixes, degradation."""

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from engine.scenario import Cache, Degradation, DegradeKind
from engine.sim import kernel
from tests.reference.routers import least_connections, share

if TYPE_CHECKING:
    from tests.reference.parts import Pool, Request, Worker


class Sparing:
    """Sessions and overload."""

    now: float
    seed: int
    affinity_slack: int | None
    cache: Cache | None
    degradation: tuple[Degradation, ...]
    last_worker: dict[int, "Worker"]
    shelves: dict[tuple[int, int], "OrderedDict[int, float]"]

    # ------------------------------------------------------------ affinity

    def worker_of_session(self, request: "Request", pool: "Pool") -> "Worker | None":
        worker = self.last_worker.get(request.chain)
        if self.affinity_slack is None or request.chain < 0 or worker not in pool.routable:
            return None
        least = least_connections(pool.routable, 0, 0, 0)
        return worker if len(worker.held) <= len(least.held) + self.affinity_slack else None

    # --------------------------------------------------------------- cache

    def levels(self, pool: "Pool") -> list[tuple[tuple[int, int], int, float, float]]:
        """Key, room, time to live and fetch time of the shared caches that the pool uses."""
        cache, parameters = self.cache, pool.parameters
        zone, region = (0, parameters.zone), (1, parameters.region)
        return [
            (zone, cache.zone_sessions, cache.zone_ttl_s, cache.zone_fetch_s),
            (region, cache.store_sessions, cache.store_ttl_s, cache.store_fetch_s),
        ]

    def keep_in_worker(self, worker: "Worker", chain: int) -> None:
        """In its own place, else in that of the one used least recently."""
        if worker.memories:
            own = [m for m in worker.memories if m[0] == chain]
            place = own[0] if own else min(worker.memories, key=lambda m: m[1])
            place[:] = [chain, self.now]

    def shelve(self, key: tuple[int, int], room: int, chain: int) -> None:
        shelf = self.shelves.setdefault(key, OrderedDict())
        if room:
            for other in [o for o in self.shelves if o[0] == key[0] and o != key]:
                self.shelves[other].pop(chain, None)  # it is where it was used last
            if chain not in shelf and len(shelf) == room:
                shelf.popitem(last=False)
            shelf[chain] = self.now
            shelf.move_to_end(chain)

    def spared_s(self, request: "Request", worker: "Worker", pool: "Pool") -> float:
        if self.cache is None or request.chain < 0 or request.prefix_s <= 0:
            return 0.0
        for memory in worker.memories:
            fresh = self.now - memory[1] <= self.cache.worker_ttl_s
            if memory[0] == request.chain and fresh:
                memory[1] = self.now
                self.note(request, pool, "hit", "hit worker")
                return request.prefix_s
        levels = self.levels(pool)
        for number, (key, _, ttl_s, fetch_s) in enumerate(levels):
            used_s = self.shelves.get(key, {}).get(request.chain, -math.inf)
            if self.now - used_s <= ttl_s:
                self.keep_in_worker(worker, request.chain)
                for upper_key, upper_room, _, _ in levels[: number + 1]:
                    self.shelve(upper_key, upper_room, request.chain)
                self.note(request, pool, "hit", ("hit zone", "hit store")[number])
                return max(0.0, request.prefix_s - fetch_s)
        return 0.0

    def note(self, request: "Request", pool: "Pool", what: str, name: str) -> None:
        """Counts a request once, however often it is tried."""
        pool.counts[name] += what not in request.noted
        request.noted.add(what)

    def remember(self, request: "Request", worker: "Worker", pool: "Pool") -> None:
        pool.served.append(self.now - request.start_s)
        if self.cache is not None and request.chain >= 0:
            self.keep_in_worker(worker, request.chain)
            for key, room, _, _ in self.levels(pool):
                self.shelve(key, room, request.chain)

    # --------------------------------------------------------- degradation

    def work_s(self, request: "Request", worker: "Worker", pool: "Pool") -> float:
        if request.chain >= 0:
            self.last_worker[request.chain] = worker
        work_s = request.work_s
        if spared_s := self.spared_s(request, worker, pool):
            work_s = max(0.0, work_s - spared_s)
        for level in pool.engaged:
            if level.kind is DegradeKind.SMALLER_MODEL:
                work_s *= level.amount
                self.note(request, pool, "degraded", "degraded")
        return work_s

    def is_degraded(self, request: "Request", pool: "Pool") -> bool:
        """Whether the request is answered or turned away at once."""
        held = self.held_by(pool)
        slots = sum(worker.slots for worker in pool.routable)
        load = held / slots if slots else (math.inf if held else 0.0)
        pool.engaged = [
            level
            for level in self.degradation
            if (load >= level.below if level in pool.engaged else load > level.above)
        ]
        mean_s = 0.0
        for number, service_s in enumerate(pool.served):
            mean_s += (service_s - mean_s) / min(number + 1, kernel.MEAN_OF)
        wait_s = max(0, held - slots + 1) * mean_s / slots if slots else math.inf
        rank = pool.tenants[request.tenant].rank if pool.tenants else 0
        for level in pool.engaged:
            late = level.kind is DegradeKind.DEADLINE and wait_s > level.amount
            if late or (level.kind is DegradeKind.SHED and rank < level.rank):
                self.give_up(request, "shed")
                return True
            draw = share(self.seed, request.number, kernel.FOR_CACHED)
            alone = self.group_of(request) < 0
            if level.kind is DegradeKind.CACHED and alone and draw < level.amount:
                request.start_s = request.end_s = self.now
                self.note(request, pool, "degraded", "degraded")
                self.finish(request, pool)
                return True
        return False
