"""What is done to the reference's cluster between slices: scaling, faults, nodes, sizes."""

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.sim import kernel
from tests.reference.routers import bits

if TYPE_CHECKING:
    from tests.reference.parts import Pool, Worker


class Operations:
    """Scaling and everything else from outside."""

    pools: list["Pool"]
    now: float
    seed: int
    picks: int
    tools_until_s: float

    def scale_out(self, p: int, number: int) -> None:
        for _ in range(number):
            self.order(p, -1, 0.0, 1.0)

    def order(self, p: int, node: int, extra_s: float, node_speed: float) -> "Worker":
        pool = self.pools[p]
        free = next(n for n in range(len(pool.workers) + 1) if n not in pool.workers)
        worker = self.new_worker(p, free, self.next_ready_s(pool, extra_s), pool.size)
        worker.node, worker.own_speed = node, pool.size.speed * node_speed
        pool.workers[free] = worker
        return worker

    def next_ready_s(self, pool: "Pool", extra_s: float) -> float:
        draws = pool.parameters.startup_draws_s
        ready_s = self.now + extra_s + float(draws[pool.orders % len(draws)])
        pool.orders += 1
        return ready_s

    def order_workers(self, p: int, *orders: tuple[int, float, float]) -> None:
        for node, extra_s, node_speed in orders:
            self.order(p, node, extra_s, node_speed)

    def scale_in(self, p: int, number: int) -> None:
        pool = self.pools[p]
        for _ in range(number):
            starting, ready = pool.in_phase("starting"), pool.in_phase("ready")
            if starting:
                newest = max(starting, key=lambda worker: (worker.ordered_s, worker.number))
                if newest.replaces:
                    self.retire(newest.replaces)
                self.stop(newest)
            elif ready:
                self.drain(min(ready, key=lambda worker: (len(worker.held), -worker.number)))

    def drain(self, worker: "Worker") -> None:
        grace_s = self.pools[worker.pool].parameters.drain_grace_s
        worker.phase, worker.stop_s = "draining", self.now + grace_s
        self.part(worker)
        if not worker.held:
            self.stop(worker)

    def retire(self, worker: "Worker") -> None:
        there = self.pools[worker.pool].workers.get(worker.number) is worker
        if there and worker.phase == "ready":
            self.drain(worker)

    def on_node(self, node: int) -> list["Worker"]:
        workers = [w for pool in self.pools for _, w in sorted(pool.workers.items())]
        return [worker for worker in workers if worker.node == node]

    def drain_node(self, node: int) -> None:
        for worker in self.on_node(node):
            if worker.phase == "starting":
                self.stop(worker)
            elif worker.phase == "ready":
                self.drain(worker)

    def give_notice(self, node: int, notice_s: float) -> None:
        self.drain_node(node)
        for worker in self.on_node(node):
            worker.stop_s = min(worker.stop_s, self.now + notice_s)

    def crash_node(self, node: int) -> None:
        for worker in self.on_node(node):
            self.crash(worker)

    def crash(self, worker: "Worker") -> None:
        self.pools[worker.pool].counts["crashed"] += 1
        self.part(worker)
        self.lose(worker)
        self.stop(worker)
        self.share_out(self.pools[worker.pool])

    def restart(self, worker: "Worker") -> None:
        pool = self.pools[worker.pool]
        pool.counts["crashed"] += 1
        self.part(worker)
        self.lose(worker)
        if worker.phase == "ready":
            worker.next_size = None
            worker.phase = "starting"
            worker.ready_s = self.next_ready_s(pool, 0.0)

    def picked(self, p: int, purpose: int, fresh: bool) -> "Worker | None":
        ready = [w for w in self.pools[p].in_phase("ready") if not (fresh and w.slowed != 1.0)]
        start = self.picks << kernel.INDEX_BITS
        self.picks += 1
        return min(ready, key=lambda w: bits(self.seed, start | w.number, purpose), default=None)

    def crash_workers(self, p: int, count: int) -> None:
        for _ in range(count):
            if (worker := self.picked(p, kernel.FOR_CRASH, False)) is None:
                return
            self.crash(worker)

    def set_speed(self, p: int, count: int, factor: float) -> None:
        for _ in range(count):
            if (worker := self.picked(p, kernel.FOR_SLOW, True)) is None:
                return
            worker.slowed = factor

    def restore_speed(self, p: int) -> None:
        for worker in self.pools[p].workers.values():
            worker.slowed = 1.0

    def set_reachable(self, p: int, reachable: bool) -> None:
        pool = self.pools[p]
        changed, pool.reachable = pool.reachable != reachable, reachable
        for _, worker in sorted(pool.workers.items()) if changed else []:
            if not reachable:
                self.part(worker)
            elif worker.phase == "ready":
                self.join(worker)
                self.pull(worker)

    def fail_starts(self, p: int, probability: float) -> None:
        self.pools[p].start_failure = probability

    def hold_tools(self, until_s: float) -> None:
        self.tools_until_s = until_s

    def share_slots(self, p: int, shares: tuple[float, ...]) -> None:
        pool = self.pools[p]
        pairs = zip(pool.tenants, shares, strict=True)
        pool.tenants = [replace(tenant, share=share) for tenant, share in pairs]
        self.share_out(pool)

    def set_weights(self, p: int, preference: float, sizes: tuple[float, ...]) -> None:
        pool = self.pools[p]
        pool.preference, pool.weights_s = preference, float("-inf")
        pool.size_weights = dict(zip(pool.parameters.sizes, sizes, strict=False))

    def resize(self, p: int, size: int) -> None:
        pool = self.pools[p]
        pool.size = pool.parameters.sizes[size]
        for worker in pool.in_phase("starting"):
            if worker.size != pool.size:
                worker.change_size(pool.size, self.now)
        for worker in pool.in_phase("ready"):
            if pool.parameters.resize_in_place:
                worker.next_size = pool.size
                worker.resized_s = self.now + pool.parameters.resize_s
            elif worker.size != pool.size and not self.is_replaced(worker):
                node_speed = worker.own_speed / worker.size.speed
                self.order(p, worker.node, 0.0, node_speed).replaces = worker

    def is_replaced(self, worker: "Worker") -> bool:
        others = self.pools[worker.pool].workers.values()
        return any(w.phase == "starting" and w.replaces is worker for w in others)

    def resized(self, worker: "Worker") -> None:
        worker.change_size(worker.next_size, self.now)
        worker.next_size = None
        self.pull(worker)
