"""Requests of the reference that start all together or not at all."""

from typing import TYPE_CHECKING

from engine.sim import kernel

if TYPE_CHECKING:
    from tests.reference.parts import Pool, Request, Worker


class Grouping:
    """Groups form, wait for slots together, and start or fail together."""

    pools: list["Pool"]
    group_sizes: dict[int, int]
    spoilt: set[int]
    together: set[int]

    def group_of(self, request: "Request") -> int:
        """Its group while it has to wait for it, else -1."""
        return -1 if request.group in self.together else request.group

    def gather(self, request: "Request", pool: "Pool") -> None:
        if request.group in self.spoilt:
            self.fail(request, "rejected")
            return
        request.status, request.worker, request.queued_s = "queued", None, self.now
        pool.gathered.setdefault(request.group, []).append(request)
        if len(pool.gathered[request.group]) == self.group_sizes[request.group]:
            pool.complete.append(request.group)

    def disband(self, group: int, pool: "Pool", status: str) -> None:
        if group in pool.complete:
            pool.complete.remove(group)
        for request in pool.gathered.pop(group):
            self.fail(request, status)

    def spoil(self, request: "Request") -> None:
        group = self.group_of(request)
        if group >= 0 and group not in self.spoilt:
            self.spoilt.add(group)
            self.just_spoilt.insert(0, group)

    def review(self) -> None:
        """After each event."""
        while self.just_spoilt:
            group = self.just_spoilt.pop(0)
            for pool in self.pools:
                if group in pool.gathered:
                    self.disband(group, pool, "rejected")
        for pool in self.pools:
            while pool.complete and (workers := self.room_for(pool.complete[0], pool)):
                self.start_together(pool.complete.pop(0), pool, workers)
            slots = sum(worker.slots for worker in pool.routable)
            was, pool.held_back = pool.held_back, False
            if pool.complete:
                pool.held_back = len(pool.gathered[pool.complete[0]]) <= slots
            if was and not pool.held_back:
                for _, worker in sorted(pool.workers.items()):
                    if worker.phase in ("ready", "draining"):
                        self.pull(worker)

    def room_for(self, group: int, pool: "Pool") -> list["Worker"]:
        """A worker for each of the group, none if there is not room for all."""
        requests = pool.gathered[group]
        if self.partitioned and not self.may_start(requests[0].tenant, pool, len(requests)):
            return []
        chosen: list[Worker] = []
        for number, request in enumerate(requests):
            kept = list(zip(chosen, requests[:number], strict=True))
            possible = [w for w in pool.routable if self.takes(w, request, kept)]
            if not possible:
                return []
            chosen.append(
                min(possible, key=lambda w: (len(w.in_service) + chosen.count(w), w.number))
            )
        return chosen

    def takes(
        self, worker: "Worker", request: "Request", kept: list[tuple["Worker", "Request"]]
    ) -> bool:
        mine = [other for holder, other in kept if holder is worker]
        busy = len(worker.in_service) + len(mine)
        probes = worker.breaker == "probing"
        if busy >= worker.slots or (
            probes and len(worker.held) + len(mine) >= self.breaker.half_open_probes
        ):
            return False
        if self.pools[worker.pool].parameters.over_memory != kernel.WAIT_FOR_MEMORY or not busy:
            return True
        needed = worker.memory_kib + sum(r.memory_kib for r in [*mine, request])
        return needed <= worker.size.room_kib

    def start_together(self, group: int, pool: "Pool", workers: list["Worker"]) -> None:
        self.together.add(group)
        for request, worker in zip(pool.gathered.pop(group), workers, strict=True):
            if worker.phase == "ready":
                request.worker = worker
                self.begin(request, worker)
            else:
                request.worker = None
                self.fail(request, "lost")
