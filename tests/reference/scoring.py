"""How the reference ranks workers, takes weighted turns and goes down a hierarchy."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.sim import kernel
from engine.sim.parameters import RouterParameters
from tests.reference.routers import below

if TYPE_CHECKING:
    from tests.reference.parts import Pool, Request, Worker


@dataclass
class Means:
    """Running means of what ended somewhere; older ones fade."""

    seen_s: float = 0.0
    weight: float = 0.0
    latency_s: float = 0.0
    service_s: float = 0.0
    good: float = 0.0

    def learn(self, now: float, ewma_s: float, latency_s: float, service_s: float, good: float):
        self.weight = self.weight * math.exp((self.seen_s - now) / ewma_s) + 1.0
        self.seen_s = now
        self.latency_s += (latency_s - self.latency_s) / self.weight
        self.service_s += (service_s - self.service_s) / self.weight
        self.good += (good - self.good) / self.weight


class Scoring:
    """Routers that look at more than connections."""

    pools: list["Pool"]
    routing: RouterParameters
    seed: int
    now: float

    # ------------------------------------------------------------- factors

    def cpu(self, worker: "Worker") -> float:
        share = worker.size.cpu_share or 1.0 / worker.slots
        return min(1.0, len(worker.in_service) * share)

    def memory(self, worker: "Worker", pool: "Pool") -> float:
        limited = pool.parameters.over_memory != kernel.NO_LIMIT and worker.size.room_kib
        return min(1.0, worker.memory_kib / worker.size.room_kib) if limited else 0.0

    def part_held(self, worker: "Worker", pool: "Pool") -> float:
        total = self.held_by(pool) - len(pool.queue)
        return len(worker.held) / total if total else 0.0

    def queue(self, worker: "Worker", pool: "Pool") -> float:
        limit, queued = pool.parameters.queue_limit, len(worker.queue)
        if limit is None:
            return queued / (queued + worker.slots)
        return min(1.0, queued / limit) if limit else 0.0

    def slowness(self, worker: "Worker", pool: "Pool") -> float:
        own, everyone = worker.means.latency_s, pool.means.latency_s
        known = worker.means.weight and own + everyone
        return own / (own + everyone) if known else 0.5

    def performance(self, worker: "Worker", pool: "Pool") -> float:
        own, everyone = worker.means.service_s, pool.means.service_s
        known = worker.means.weight and own + everyone
        return worker.means.good * (everyone / (own + everyone)) if known else 0.5

    def context(self, request: "Request", worker: "Worker", pool: "Pool") -> float:
        keeps = self.affinity_slack is not None or self.cache is not None
        last = self.last_worker.get(request.chain) if request.chain >= 0 else None
        data = 1.0 if keeps and last is worker else 0.0
        liked = pool.tenants and self.pools.index(pool) in pool.tenants[request.tenant].liked
        free = 1.0 - 0.5 * (self.cpu(worker) + self.memory(worker, pool))
        score = 0.3 * data + 0.25 * bool(liked)
        return score + 0.25 * free + 0.2 * self.performance(worker, pool)

    def score(self, request: "Request", worker: "Worker", pool: "Pool") -> float:
        router = pool.parameters.router
        weight = pool.weight_of(worker)
        if router == kernel.PREDICTED_COMPLETION:
            return -(len(worker.held) + 1) / (worker.slots * worker.speed * weight)
        if router == kernel.CONTEXT_AWARE:
            return self.context(request, worker, pool) * weight
        cpu, memory = self.cpu(worker), self.memory(worker, pool)
        part, queue = self.part_held(worker, pool), self.queue(worker, pool)
        if router == kernel.LEAST_AGENT_LOAD:
            return -(0.3 * cpu + 0.2 * memory + 0.3 * part + 0.2 * queue) / weight
        factors = [factor / sum(self.routing.factors) for factor in self.routing.factors]
        slowness, performance = self.slowness(worker, pool), self.performance(worker, pool)
        score = factors[0] * (1.0 - cpu) + factors[1] * (1.0 - memory)
        score += factors[2] * (1.0 - queue) + factors[3] * (1.0 - slowness)
        score += factors[4] * (1.0 - part) + factors[5] * performance
        return (score + factors[6] * self.context(request, worker, pool)) * weight

    # ------------------------------------------------------------- routers

    def highest_score(self, request: "Request", pool: "Pool") -> "Worker":
        looked_at, number = pool.routable, request.number * kernel.SAMPLED
        if len(looked_at) > kernel.SCAN_MAX:
            drawn = [
                below(self.seed, number + k, kernel.FOR_CANDIDATE, len(looked_at))
                for k in range(kernel.SAMPLED)
            ]
            looked_at = [looked_at[place] for place in drawn]
        return min(looked_at, key=lambda w: self.rank(request, w, pool))

    def rank(self, request: "Request", worker: "Worker", pool: "Pool") -> tuple:
        limit = pool.parameters.queue_limit
        blocked = worker.full and limit is not None and len(worker.queue) >= limit
        return (blocked, -self.score(request, worker, pool), len(worker.held), worker.number)

    def weighted_turn(self, pool: "Pool") -> "Worker":
        if self.now - pool.weights_s >= self.routing.adapt_s:
            pool.weights_s = self.now
            for worker in pool.routable:
                free = max(0.05, 1.0 - len(worker.held) / worker.slots)
                quick = (1.0 - self.slowness(worker, pool)) / 0.5
                worth = self.performance(worker, pool) / 0.5 * free * quick
                plain = worker.slots * worker.own_speed * pool.weight_of(worker)
                worker.share = plain * max(0.01, worth)
        total = 0.0
        for worker in pool.routable:
            worker.credit += worker.share
            total += worker.share
        chosen = min(pool.routable, key=lambda w: (-w.credit, w.number))
        chosen.credit -= total
        return chosen

    def at_best_node(self, pool: "Pool") -> "Worker":
        nodes: dict[int, list[Worker]] = {}
        for worker in pool.routable:
            alone = self.routing.nodes + worker.number
            nodes.setdefault(worker.node if worker.node >= 0 else alone, []).append(worker)

        def busyness(node: int) -> tuple:
            workers = nodes[node]
            held = sum(len(worker.held) for worker in workers)
            slots = sum(worker.slots for worker in workers)
            queued = sum(len(worker.queue) for worker in workers)
            return (all(w.full for w in workers), held * 4096 // slots, min(queued, 255), node)

        def usage(worker: "Worker") -> tuple:
            load = self.cpu(worker) + self.memory(worker, pool) + self.queue(worker, pool)
            return (worker.full, load / pool.weight_of(worker), worker.number)

        return min(nodes[min(nodes, key=busyness)], key=usage)

    # --------------------------------------------------------------- sites

    def free_slots(self, pool: "Pool") -> int:
        slots = sum(worker.slots for worker in pool.routable)
        return max(0, slots - self.held_by(pool))

    def site(self, request: "Request") -> int:
        """The pool that the request is sent to: region, then zone; its own if all are empty."""
        home = self.pools[request.home]
        if request.group >= 0:
            return request.home
        tenants = home.tenants
        barred = tenants[request.tenant].barred if tenants else ()
        possible = [
            pool
            for p, pool in enumerate(self.pools)
            if pool.parameters.kind == home.parameters.kind and p not in barred
        ]
        for pool in possible:
            if self.worker_of_session(request, pool):
                return self.pools.index(pool)
        there = [
            pool
            for pool in possible
            if pool.routable
            and (not pool.queue or pool.parameters.shared_queue or self.partitioned)
        ]
        free = [pool for pool in there if self.free_slots(pool)] or there
        if not free:
            return request.home
        region = max(free, key=lambda pool: self.appeal(pool, free)).parameters.region
        return self.pools.index(self.turn_of([q for q in free if q.parameters.region == region]))

    def appeal(self, pool: "Pool", pools: list["Pool"]) -> float:
        """Of the pool's region."""
        here = [q for q in pools if q.parameters.region == pool.parameters.region]
        slots = sum(worker.slots for q in here for worker in q.routable)
        free = sum(self.free_slots(q) * q.preference for q in here)
        return 0.5 * float(free) / float(slots) + pool.parameters.appeal

    def turn_of(self, pools: list["Pool"]) -> "Pool":
        total = 0.0
        for pool in pools:
            if self.now - pool.weights_s >= self.routing.adapt_s:
                pool.weights_s = self.now
                slots = sum(worker.slots for worker in pool.routable)
                free = self.free_slots(pool) / slots
                pool.weight = slots * pool.preference * max(0.05, free)
            pool.credit += pool.weight
            total += pool.weight
        chosen = max(pools, key=lambda pool: pool.credit)
        chosen.credit -= total
        return chosen
