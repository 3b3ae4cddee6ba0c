"""Who may have requests: routable workers, their breakers, and tenants in the reference."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.reference.parts import Pool, Request, Worker


class Breakers:
    """Which workers requests may be routed to."""

    pools: list["Pool"]
    breaker: Any
    now: float

    def probing(self, worker: "Worker") -> bool:
        """Whether the worker has all the probes that are let through at a time."""
        probing = worker.breaker == "probing"
        return probing and len(worker.held) >= self.breaker.half_open_probes

    def join(self, worker: "Worker") -> None:
        pool = self.pools[worker.pool]
        out = worker in pool.routable or worker.breaker == "open" or self.probing(worker)
        if pool.reachable and not out:
            pool.routable.append(worker)
            worker.share = worker.slots * worker.own_speed * pool.weight_of(worker)
            worker.credit = 0.0

    def part(self, worker: "Worker") -> None:
        """The last one takes its place."""
        routable = self.pools[worker.pool].routable
        if worker in routable:
            place, last = routable.index(worker), routable.pop()
            if last is not worker:
                routable[place] = last

    def mind(self, worker: "Worker") -> None:
        if self.probing(worker):
            self.part(worker)

    def judge(self, worker: "Worker", good: bool) -> None:
        if self.breaker is None or worker.phase != "ready" or worker.breaker == "open":
            return
        if worker.breaker == "closed":
            worker.streak = 0 if good else worker.streak + 1
            if worker.streak >= self.breaker.failure_threshold:
                self.trip(worker)
        elif not good:
            self.trip(worker)
        else:
            worker.streak += 1
            if worker.streak >= self.breaker.success_threshold:
                worker.breaker, worker.streak = "closed", 0
            self.join(worker)

    def trip(self, worker: "Worker") -> None:
        worker.breaker, worker.streak = "open", 0
        worker.half_open_s = self.now + self.breaker.open_s
        self.pools[worker.pool].counts["breaker"] += 1
        self.part(worker)

    def half_open(self, worker: "Worker") -> None:
        worker.breaker, worker.streak = "probing", 0
        if worker.phase == "ready":
            self.join(worker)
            self.pull(worker)


class Tenancy:
    """Which request is next, and which tenant may have one more slot."""

    partitioned: bool
    now: float

    def first(self, queue: list["Request"], pool: "Pool") -> "Request | None":
        """The next by rank, where a long wait counts as rank; the oldest on ties."""
        lanes: dict[int, Request] = {}
        for request in queue:
            if not self.partitioned or self.may_start(request.tenant, pool):
                lanes.setdefault(request.tenant, request)
        heads = lanes.values()
        return min(heads, key=lambda r: (-self.level(r, pool), r.queued_s, r.number), default=None)

    def level(self, request: "Request", pool: "Pool") -> int:
        if not pool.tenants:
            return 0
        tenant = pool.tenants[request.tenant]
        return tenant.rank + int((self.now - request.queued_s) / tenant.aging_s)

    def may_start(self, tenant: int, pool: "Pool", number: int = 1) -> bool:
        slots = sum(worker.slots for worker in pool.routable)
        busy = [0] * len(pool.tenants)
        for worker in pool.workers.values():
            for request in worker.in_service:
                busy[request.tenant] += 1
        floors = [int(t.floor * slots + 1e-9) for t in pool.tenants]
        share = pool.tenants[tenant].share
        if share < 1.0 and busy[tenant] + number > max(1, int(share * slots + 1e-9)):
            return False
        if busy[tenant] + number <= floors[tenant]:
            return True
        kept = [max(0, floors[t] - busy[t]) for t in range(len(busy)) if t != tenant]
        return number + sum(busy) + sum(kept) <= slots

    def place_in_partition(self, request: "Request", pool: "Pool") -> None:
        least = self.route(request, pool) if pool.routable else None
        waits = any(other.tenant == request.tenant for other in pool.queue)
        possible = (
            least and not pool.held_back and not waits and self.may_start(request.tenant, pool)
        )
        if possible and self.can_start(request, least):
            self.begin(request, least)
            self.share_out(pool)
        else:
            self.wait(request, pool.queue, None)

    def share_out(self, pool: "Pool") -> None:
        while self.partitioned and pool.queue and pool.routable and not pool.held_back:
            request = self.first(pool.queue, pool)
            if request is None:
                return
            worker = self.route(request, pool)
            if not self.can_start(request, worker):
                return
            pool.queue.remove(request)
            self.begin(request, worker)
