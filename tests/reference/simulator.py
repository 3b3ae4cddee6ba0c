"""The cluster simulator once more: slow, obvious, and written from its contract alone.

No event heap, no linked lists, no totals kept on the side: the next event is found by looking at
everything that could happen next, and every figure is counted when somebody asks for it. It takes
the same parameters as the fast one, and `play.py` plays the same script on both.
"""

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.sim import kernel
from engine.sim.state import PoolParameters, Size
from tests.reference.routers import ROUTERS, bits

END, BECOME_READY, DRAIN_END, EXPIRE, ARRIVE = range(5)  # the order of simultaneous events
COUNTS = ("arrived", "finished", "queue timeout", "exec timeout", "rejected", "lost")
LONG_AGO_S = -86400.0


@dataclass(eq=False)
class Request:
    number: int
    pool: int
    arrival_s: float
    work_s: float
    think_s: float
    followers: list["Request"] = field(default_factory=list)
    status: str = "not arrived"
    arrived_s: float = math.nan
    start_s: float = math.nan
    end_s: float = math.nan
    worker: "Worker | None" = None
    cut_off: bool = False


@dataclass(eq=False)
class Worker:
    pool: int
    number: int
    ordered_s: float
    ready_s: float
    size: Size
    node: int = -1
    node_speed: float = 1.0
    slowed: float = 1.0
    phase: str = "starting"
    drain_s: float = math.nan
    in_service: list[Request] = field(default_factory=list)
    queue: list[Request] = field(default_factory=list)
    busy_slot_s: float = 0.0

    @property
    def held(self) -> list[Request]:
        return self.in_service + self.queue

    @property
    def slots(self) -> int:
        return self.size.slots

    @property
    def full(self) -> bool:
        return len(self.in_service) >= self.slots

    @property
    def speed(self) -> float:
        return self.size.speed * self.node_speed * self.slowed


@dataclass(eq=False)
class Pool:
    parameters: PoolParameters
    workers: dict[int, Worker] = field(default_factory=dict)  # those that exist
    routable: list[Worker] = field(
        default_factory=list
    )  # the last takes the place of one that parts
    queue: list[Request] = field(default_factory=list)
    orders: int = 0
    turn: int = 0
    reachable: bool = True
    # since the last open_tick
    counts: Counter[str] = field(default_factory=Counter)
    integrals: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    def in_phase(self, phase: str) -> list[Worker]:
        return [self.workers[n] for n in sorted(self.workers) if self.workers[n].phase == phase]

    @property
    def size(self) -> Size:
        return self.parameters.sizes[self.parameters.size]

    def join(self, worker: Worker) -> None:
        if self.reachable:
            self.routable.append(worker)

    def part(self, worker: Worker) -> None:
        if worker in self.routable:
            place, last = self.routable.index(worker), self.routable.pop()
            if last is not worker:
                self.routable[place] = last


@dataclass(frozen=True, order=True)
class Event:
    time_s: float
    kind: int
    number: tuple[int, ...]
    handle: Callable[[], None] = field(compare=False)


class Cluster:
    """Pools of workers, and the requests that arrive at them."""

    def __init__(
        self,
        requests: list[Request],
        roots: list[Request],
        pools: tuple[PoolParameters, ...],
        *,
        horizon_s: float,
        abandon: bool,
        seed: int,
    ) -> None:
        self.now = 0.0
        self.seed, self.picks = seed, 0
        self.requests = requests
        self.horizon_s, self.abandon = horizon_s, abandon
        self.coming = sorted((r.arrival_s, r.number) for r in roots)
        self.pools = [Pool(parameters) for parameters in pools]
        for p, pool in enumerate(self.pools):
            for number in range(pool.parameters.workers_initial):
                worker = Worker(p, number, LONG_AGO_S, LONG_AGO_S, pool.size, phase="ready")
                pool.workers[number] = worker
                pool.join(worker)

    # ---------------------------------------------------------------- time

    def advance(self, until_s: float) -> None:
        """Handles every event before `until_s`, that instant excluded."""
        while event := min(self.possible_events(), default=None):
            if event.time_s >= until_s:
                return
            self.pass_time(event.time_s)
            event.handle()

    def possible_events(self) -> Iterator[Event]:
        if self.coming:
            time_s, number = self.coming[0]
            yield Event(time_s, ARRIVE, (number,), self.arrive_next)
        for p, pool in enumerate(self.pools):
            for worker in pool.workers.values():
                yield from self.events_at(worker, pool.parameters)
            for request in pool.queue:
                yield self.expiry(request, p)

    def events_at(self, worker: Worker, parameters: PoolParameters) -> Iterator[Event]:
        place = (worker.pool, worker.number)
        if worker.phase == "starting":
            yield Event(worker.ready_s, BECOME_READY, place, lambda: self.become_ready(worker))
        if worker.phase == "draining":
            end_s = worker.drain_s + parameters.drain_grace_s
            yield Event(end_s, DRAIN_END, place, lambda: self.drain_end(worker))
        for request in worker.in_service:
            yield self.completion(request)
        for request in worker.queue:
            yield self.expiry(request, worker.pool)

    def completion(self, request: Request) -> Event:
        return Event(request.end_s, END, (request.number,), lambda: self.end(request))

    def expiry(self, request: Request, p: int) -> Event:
        due_s = request.arrived_s + self.pools[p].parameters.queue_timeout_s
        return Event(due_s, EXPIRE, (p, request.number), lambda: self.expire(request))

    def pass_time(self, now: float) -> None:
        for pool in self.pools:
            for phase in ("starting", "ready", "draining"):
                pool.integrals[phase] += len(pool.in_phase(phase)) * (now - self.now)
            for worker in pool.workers.values():
                slot_s = len(worker.in_service) * (now - self.now)
                worker.busy_slot_s += slot_s
                pool.integrals["busy"] += slot_s
        self.now = now

    # -------------------------------------------------------------- events

    def arrive_next(self) -> None:
        _, number = self.coming.pop(0)
        request = self.requests[number]
        pool = self.pools[request.pool]
        request.arrived_s = self.now
        pool.counts["arrived"] += 1
        pool.integrals["offered"] += request.work_s
        chosen = self.route(request, pool) if pool.routable and not pool.queue else None
        if chosen and not chosen.full:
            self.start(request, chosen)
        elif chosen and not pool.parameters.shared_queue:
            self.wait(request, chosen.queue, chosen)
        else:
            self.wait(request, pool.queue, None)

    def route(self, request: Request, pool: Pool) -> Worker:
        router = pool.parameters.router
        if pool.parameters.shared_queue:
            router = kernel.LEAST_CONNECTIONS
        pool.turn += router == kernel.ROUND_ROBIN
        return ROUTERS[router](pool.routable, self.seed, request.number, pool.turn - 1)

    def wait(self, request: Request, queue: list[Request], worker: Worker | None) -> None:
        limit = self.pools[request.pool].parameters.queue_limit
        if limit is not None and len(queue) >= limit:
            self.fail(request, "rejected")
        else:
            queue.append(request)
            request.status, request.worker = "queued", worker

    def start(self, request: Request, worker: Worker) -> None:
        parameters = self.pools[request.pool].parameters
        service_s = request.work_s
        others = len(worker.in_service)
        if others:
            service_s *= 1.0 + parameters.contention * others / (worker.slots - 1)
        service_s /= worker.speed
        request.cut_off = service_s > parameters.exec_timeout_s
        request.status, request.worker = "in service", worker
        request.start_s = self.now
        request.end_s = self.now + min(service_s, parameters.exec_timeout_s)
        worker.in_service.append(request)

    def end(self, request: Request) -> None:
        worker, pool = request.worker, self.pools[request.pool]
        worker.in_service.remove(request)
        if request.cut_off:
            self.fail(request, "exec timeout")
        else:
            request.status = "finished"
            pool.counts["finished"] += 1
            pool.latencies_s.append(self.now - request.arrived_s)
            self.release(request)
        if worker.queue:
            self.start(worker.queue.pop(0), worker)
        elif worker in pool.routable and pool.queue:
            self.start(pool.queue.pop(0), worker)
        elif worker.phase == "draining" and not worker.in_service:
            self.stop(worker)

    def become_ready(self, worker: Worker) -> None:
        pool = self.pools[worker.pool]
        worker.phase = "ready"
        pool.join(worker)
        self.pull(worker)

    def pull(self, worker: Worker) -> None:
        pool = self.pools[worker.pool]
        while worker in pool.routable and pool.queue and not worker.full:
            self.start(pool.queue.pop(0), worker)

    def drain_end(self, worker: Worker) -> None:
        self.lose(worker)
        self.stop(worker)

    def lose(self, worker: Worker) -> None:
        for request in [*reversed(worker.in_service), *worker.queue]:
            self.fail(request, "lost")
        worker.in_service, worker.queue = [], []

    def stop(self, worker: Worker) -> None:
        self.pools[worker.pool].part(worker)
        del self.pools[worker.pool].workers[worker.number]

    def expire(self, request: Request) -> None:
        queue = request.worker.queue if request.worker else self.pools[request.pool].queue
        queue.remove(request)
        self.fail(request, "queue timeout")

    def fail(self, request: Request, status: str) -> None:
        request.status, request.end_s = status, self.now
        self.pools[request.pool].counts[status] += 1
        if not self.abandon:
            self.release(request)

    def release(self, request: Request) -> None:
        for follower in request.followers:
            arrival_s = self.now + follower.think_s
            if arrival_s < self.horizon_s:
                bisect.insort(self.coming, (arrival_s, follower.number))

    # ------------------------------------------------------------- scaling

    def scale_out(self, p: int, number: int) -> None:
        for _ in range(number):
            self.order(p, -1, 0.0, 1.0)

    def order(self, p: int, node: int, extra_s: float, node_speed: float) -> None:
        pool = self.pools[p]
        draws = pool.parameters.startup_draws_s
        free = next(n for n in range(len(pool.workers) + 1) if n not in pool.workers)
        ready_s = self.now + extra_s + float(draws[pool.orders % len(draws)])
        pool.orders += 1
        pool.workers[free] = Worker(p, free, self.now, ready_s, pool.size, node, node_speed)

    def order_workers(self, p: int, *orders: tuple[int, float, float]) -> None:
        for node, extra_s, node_speed in orders:
            self.order(p, node, extra_s, node_speed)

    def scale_in(self, p: int, number: int) -> None:
        pool = self.pools[p]
        for _ in range(number):
            starting, ready = pool.in_phase("starting"), pool.in_phase("ready")
            if starting:
                self.stop(max(starting, key=lambda worker: (worker.ordered_s, worker.number)))
            elif ready:
                self.drain(min(ready, key=lambda worker: (len(worker.held), -worker.number)))

    def drain(self, worker: Worker) -> None:
        worker.phase, worker.drain_s = "draining", self.now
        self.pools[worker.pool].part(worker)
        if not worker.held:
            self.stop(worker)

    # -------------------------------------------------------------- faults

    def on_node(self, node: int) -> list[Worker]:
        workers = [w for pool in self.pools for _, w in sorted(pool.workers.items())]
        return [worker for worker in workers if worker.node == node]

    def drain_node(self, node: int) -> None:
        for worker in self.on_node(node):
            if worker.phase == "starting":
                self.stop(worker)
            elif worker.phase == "ready":
                self.drain(worker)

    def crash_node(self, node: int) -> None:
        for worker in self.on_node(node):
            self.crash(worker)

    def crash(self, worker: Worker) -> None:
        self.pools[worker.pool].part(worker)
        self.lose(worker)
        self.stop(worker)

    def picked(self, p: int, purpose: int, fresh: bool) -> Worker | None:
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
        for worker in pool.in_phase("ready") if changed else []:
            if reachable:
                pool.join(worker)
                self.pull(worker)
            else:
                pool.part(worker)

    # --------------------------------------------------------------- ticks

    def open_tick(self) -> None:
        for pool in self.pools:
            pool.counts.clear()
            pool.integrals.clear()
            pool.latencies_s.clear()
            for worker in pool.workers.values():
                worker.busy_slot_s = 0.0

    def close_tick(self, now: float) -> None:
        self.pass_time(now)
