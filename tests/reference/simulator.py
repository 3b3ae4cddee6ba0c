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

from engine.scenario import Backoff, Breaker, Cache, Degradation, Retry
from engine.sim import kernel
from engine.sim.parameters import PoolParameters, RouterParameters, Size, TenantParameters
from tests.reference.grouping import Grouping
from tests.reference.operations import Operations
from tests.reference.parts import Pool, Request, Worker
from tests.reference.policing import Breakers, Tenancy
from tests.reference.routers import ROUTERS, share
from tests.reference.scoring import Scoring
from tests.reference.sparing import Sparing

# the order of simultaneous events
END, BECOME_READY, DRAIN_END, RESIZED, HALF_OPEN, EXPIRE, ARRIVE = range(7)
COUNTS = ("arrived", "finished", "queue timeout", "exec timeout", "rejected", "lost")
LONG_AGO_S = -86400.0


@dataclass(frozen=True, order=True)
class Event:
    time_s: float
    kind: int
    number: tuple[int, ...]
    handle: Callable[[], None] = field(compare=False)


class Cluster(Operations, Breakers, Tenancy, Sparing, Scoring, Grouping):
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
        retry: Retry,
        breaker: Breaker | None,
        tenants: tuple[TenantParameters, ...],
        affinity_slack: int | None,
        cache: Cache | None,
        degradation: tuple[Degradation, ...],
        routing: RouterParameters,
    ) -> None:
        self.now, self.routing = 0.0, routing
        self.group_sizes = Counter(request.group for request in requests)
        self.spoilt, self.together, self.just_spoilt = set(), set(), []
        self.retry, self.breaker = retry, breaker
        self.affinity_slack, self.cache, self.degradation = affinity_slack, cache, degradation
        self.last_worker, self.shelves = {}, {}
        self.partitioned = any(t.share < 1.0 or t.floor > 0.0 for t in tenants)
        self.tools_until_s = -math.inf
        self.seed, self.picks = seed, 0
        self.requests = requests
        self.horizon_s, self.abandon = horizon_s, abandon
        self.coming = sorted((r.arrival_s, r.number) for r in roots)
        self.pools = [Pool(parameters) for parameters in pools]
        for p, pool in enumerate(self.pools):
            pool.tenants = list(tenants)
            for number in range(pool.parameters.workers_initial):
                speed = pool.size.speed
                worker = self.new_worker(p, number, LONG_AGO_S, pool.size)
                worker.own_speed = speed
                worker.phase, pool.workers[number] = "ready", worker
                self.join(worker)

    # ---------------------------------------------------------------- time

    def advance(self, until_s: float) -> None:
        """Handles every event before `until_s`, that instant excluded."""
        while event := min(self.possible_events(), default=None):
            if event.time_s >= until_s:
                return
            self.pass_time(event.time_s)
            event.handle()
            self.review()

    def possible_events(self) -> Iterator[Event]:
        if self.coming:
            time_s, number = self.coming[0]
            yield Event(time_s, ARRIVE, (number,), self.arrive_next)
        for p, pool in enumerate(self.pools):
            for worker in pool.workers.values():
                yield from self.events_at(worker, pool.parameters)
            for request in pool.queue:
                yield self.expiry(request, p)
            for requests in pool.gathered.values():
                yield from (self.expiry(request, p) for request in requests)

    def events_at(self, worker: Worker, parameters: PoolParameters) -> Iterator[Event]:
        place = (worker.pool, worker.number)
        if worker.phase == "starting":
            yield Event(worker.ready_s, BECOME_READY, place, lambda: self.become_ready(worker))
        if worker.phase == "draining":
            yield Event(worker.stop_s, DRAIN_END, place, lambda: self.drain_end(worker))
        if worker.phase == "ready" and worker.next_size:
            yield Event(worker.resized_s, RESIZED, place, lambda: self.resized(worker))
        if worker.phase in ("starting", "ready") and worker.breaker == "open":
            yield Event(worker.half_open_s, HALF_OPEN, place, lambda: self.half_open(worker))
        for request in worker.in_service:
            yield self.completion(request)
        for request in worker.queue:
            yield self.expiry(request, worker.pool)

    def completion(self, request: Request) -> Event:
        return Event(request.end_s, END, (request.number,), lambda: self.end(request))

    def expiry(self, request: Request, p: int) -> Event:
        due_s = request.queued_s + self.pools[p].parameters.queue_timeout_s
        return Event(due_s, EXPIRE, (p, request.number), lambda: self.expire(request))

    def pass_time(self, now: float) -> None:
        for pool in self.pools:
            for phase in ("starting", "ready", "draining"):
                pool.integrals[phase] += len(pool.in_phase(phase)) * (now - self.now)
            for worker in pool.workers.values():
                slot_s = len(worker.in_service) * (now - self.now)
                pool.integrals["slots"] += worker.slots * (now - self.now)
                worker.busy_slot_s += slot_s
                pool.integrals["busy"] += slot_s
                size = pool.parameters.sizes.index(worker.size)
                pool.integrals[f"workers of size {size}"] += now - self.now
                pool.integrals[f"busy in size {size}"] += slot_s
        self.now = now

    # -------------------------------------------------------------- events

    def new_worker(self, p: int, number: int, ready_s: float, size: Size) -> Worker:
        prefixes = self.cache.worker_sessions if self.cache else 0
        memories = [[-1, -math.inf] for _ in range(prefixes)]
        return Worker(p, number, self.now, ready_s, size, memories=memories)

    def arrive_next(self) -> None:
        time_s, number = self.coming.pop(0)
        request = self.requests[number]
        if request.status == "not arrived" and request.follows and time_s < self.tools_until_s:
            self.come(request, self.tools_until_s)
            return
        if any(pool.parameters.router == kernel.HIERARCHICAL for pool in self.pools):
            request.pool = self.site(request)
        pool = self.pools[request.pool]
        if request.status == "not arrived":
            request.arrived_s = self.now
            pool.counts["arrived"] += 1
            pool.integrals["offered"] += request.work_s
            pool.arrivals.append(self.now)
        if self.is_degraded(request, pool):
            return
        if self.group_of(request) >= 0:
            self.gather(request, pool)
            return
        if self.partitioned:
            self.place_in_partition(request, pool)
            return
        chosen = self.route(request, pool) if pool.routable and not pool.queue else None
        starts = chosen and not chosen.queue and not pool.held_back
        if starts and self.can_start(request, chosen):
            self.begin(request, chosen)
        elif chosen and not pool.parameters.shared_queue:
            self.wait(request, chosen.queue, chosen)
        else:
            self.wait(request, pool.queue, None)

    def route(self, request: Request, pool: Pool) -> Worker:
        router = pool.parameters.router
        if pool.parameters.shared_queue or self.partitioned:
            router = kernel.LEAST_CONNECTIONS
        stays = self.worker_of_session(request, pool)
        if stays and not pool.parameters.shared_queue and not self.partitioned:
            return stays
        if router == kernel.WEIGHTED_ROUND_ROBIN:
            return self.weighted_turn(pool)
        if router == kernel.HIERARCHICAL:
            return self.at_best_node(pool)
        if router not in ROUTERS:
            return self.highest_score(request, pool)
        pool.turn += router == kernel.ROUND_ROBIN
        return ROUTERS[router](pool.routable, self.seed, request.number, pool.turn - 1)

    def wait(self, request: Request, queue: list[Request], worker: Worker | None) -> None:
        limit = self.pools[request.pool].parameters.queue_limit
        ahead = [r for r in queue if r.tenant == request.tenant] if self.partitioned else queue
        if limit is not None and len(ahead) >= limit:
            self.fail(request, "rejected")
        else:
            queue.append(request)
            request.status, request.worker, request.queued_s = "queued", worker, self.now
            if worker:
                self.mind(worker)

    def can_start(self, request: Request, worker: Worker) -> bool:
        if len(worker.in_service) >= worker.slots:
            return False
        limits = self.pools[worker.pool].parameters.over_memory == kernel.WAIT_FOR_MEMORY
        fits = worker.memory_kib + request.memory_kib <= worker.size.room_kib
        return fits or not limits or not worker.in_service

    def begin(self, request: Request, worker: Worker) -> None:
        over = self.pools[worker.pool].parameters.over_memory
        fits = worker.memory_kib + request.memory_kib <= worker.size.room_kib
        if over == kernel.NO_LIMIT or fits:
            self.start(request, worker)
        elif over == kernel.WAIT_FOR_MEMORY:
            self.fail(request, "rejected")
        else:
            self.fail(request, "lost")
            self.judge(worker, False)
            self.restart(worker)
        self.mind(worker)

    def start(self, request: Request, worker: Worker) -> None:
        parameters = self.pools[request.pool].parameters
        service_s = self.work_s(request, worker, self.pools[request.pool])
        others = len(worker.in_service)
        if others:
            service_s *= 1.0 + parameters.contention * others / (worker.slots - 1)
        service_s /= worker.speed
        request.cut_off = service_s > parameters.exec_timeout_s
        request.status, request.worker = "in service", worker
        request.start_s = self.now
        request.end_s = self.now + min(service_s, parameters.exec_timeout_s)
        worker.in_service.append(request)

    def leave(self, request: Request, worker: Worker) -> None:
        """The last one in service takes its place."""
        place, last = worker.in_service.index(request), worker.in_service.pop()
        if last is not request:
            worker.in_service[place] = last

    def end(self, request: Request) -> None:
        worker, pool = request.worker, self.pools[request.pool]
        self.leave(request, worker)
        latency_s, service_s = self.now - request.arrived_s, self.now - request.start_s
        for means in (worker.means, pool.means):
            good = 0.0 if request.cut_off else 1.0
            means.learn(self.now, self.routing.ewma_s, latency_s, service_s, good)
        if request.cut_off:
            self.fail(request, "exec timeout")
        else:
            self.remember(request, worker, pool)
            self.finish(request, pool)
        self.judge(worker, not request.cut_off)
        self.pull(worker)
        if worker.phase == "draining" and not worker.held:
            self.stop(worker)

    def finish(self, request: Request, pool: Pool) -> None:
        request.status = "finished"
        pool.counts["finished"] += 1
        pool.latencies_s.append(self.now - request.arrived_s + pool.parameters.delay_s)
        self.release(request)

    def become_ready(self, worker: Worker) -> None:
        pool = self.pools[worker.pool]
        number = pool.orders * len(self.pools) + worker.pool
        if share(self.seed, number, kernel.FOR_START) < pool.start_failure:
            pool.counts["failed starts"] += 1
            worker.ready_s = self.next_ready_s(pool, kernel.FAILED_START_S)
            return
        worker.phase = "ready"
        self.join(worker)
        self.pull(worker)
        if worker.replaces:
            self.retire(worker.replaces)
            worker.replaces = None

    def pull(self, worker: Worker) -> None:
        """Takes what waits at the worker, then what waits for the pool, while there is room."""
        pool = self.pools[worker.pool]
        while not pool.held_back and (
            queue := worker.queue
            or (not self.partitioned and worker in pool.routable and pool.queue)
        ):
            request = self.first(queue, pool)
            if not self.can_start(request, worker):
                break
            queue.remove(request)
            self.begin(request, worker)
        self.share_out(pool)

    def drain_end(self, worker: Worker) -> None:
        self.lose(worker)
        self.stop(worker)
        self.share_out(self.pools[worker.pool])

    def lose(self, worker: Worker) -> None:
        held = [*reversed(worker.in_service), *sorted(worker.queue, key=lambda r: r.tenant)]
        worker.in_service, worker.queue = [], []
        for request in held:
            self.fail(request, "lost")
            self.judge(worker, False)

    def held_by(self, pool: Pool) -> int:
        """Requests in the pool, wherever they are."""
        gathered = sum(len(requests) for requests in pool.gathered.values())
        return sum(len(w.held) for w in pool.workers.values()) + len(pool.queue) + gathered

    def stop(self, worker: Worker) -> None:
        self.part(worker)
        del self.pools[worker.pool].workers[worker.number]

    def expire(self, request: Request) -> None:
        if self.group_of(request) >= 0:
            self.disband(request.group, self.pools[request.pool], "queue timeout")
            return
        worker = request.worker
        queue = worker.queue if worker else self.pools[request.pool].queue
        queue.remove(request)
        self.fail(request, "queue timeout")
        if worker:
            self.judge(worker, False)
            if self.pools[worker.pool].parameters.over_memory == kernel.WAIT_FOR_MEMORY:
                self.pull(worker)

    def fail(self, request: Request, status: str) -> None:
        if not self.will_retry(request):
            self.give_up(request, status)

    def give_up(self, request: Request, status: str) -> None:
        request.status, request.end_s = status, self.now
        self.pools[request.pool].counts[status] += 1
        self.spoil(request)
        if not self.abandon:
            self.release(request)

    def will_retry(self, request: Request) -> bool:
        if request.tries + 1 >= self.retry.attempts:
            return False
        pool = self.pools[request.pool]
        if self.retry.budget_frac is not None:
            allowed = self.retry.budget_frac * self.fresh(pool.arrivals)
            if self.fresh(pool.retries) + 1.0 > allowed + 1e-9:
                return False
            pool.retries.append(self.now)
        wait_s = self.retry.backoff_s * self.retry.multiplier**request.tries
        wait_s = min(self.retry.backoff_max_s, wait_s)
        if self.retry.jitter is Backoff.FULL_JITTER:
            wait_s *= share(self.seed, request.number * 16 + request.tries, kernel.FOR_RETRY)
        request.tries += 1
        request.status, request.worker = "retrying", None
        request.start_s = request.end_s = math.nan
        pool.counts["retried"] += 1
        self.come(request, self.now + wait_s)
        return True

    def fresh(self, times_s: list[float]) -> float:
        """How many there were in about the last minute: each fades away."""
        return sum(math.exp((time_s - self.now) / kernel.MINUTE_S) for time_s in times_s)

    def come(self, request: Request, arrival_s: float) -> None:
        if request.status == "retrying" or arrival_s < self.horizon_s:
            bisect.insort(self.coming, (arrival_s, request.number))

    def release(self, request: Request) -> None:
        delay_s = self.pools[request.pool].parameters.delay_s
        for follower in request.followers:
            self.come(follower, self.now + delay_s + follower.think_s)

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
