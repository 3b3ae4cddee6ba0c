"""A cluster in SimPy, the way its manual builds things: processes, resources, interrupts.

Least-loaded routing to workers with slots and queues of their own, scaling at given times with
start-up delays, cancelled starts and draining. There is always a ready worker.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
import simpy

Process = Generator[simpy.Event, object, None]


@dataclass(eq=False)
class Worker:
    """Its slots are a resource, whose queue is the worker's."""

    number: int
    slots: simpy.Resource
    ordered_s: float
    load: int = 0
    ready: bool = False
    draining: bool = False
    start: simpy.Process | None = None
    """What makes it ready, while it starts."""


@dataclass(kw_only=True)
class Cluster:
    """Scales by `changes[k]` at `k * every_s`; the n-th order takes `startup_s[n]`."""

    slots: int
    initial: int
    every_s: float
    changes: list[int]
    startup_s: list[float]
    env: simpy.Environment = field(default_factory=simpy.Environment)
    workers: dict[int, Worker] = field(default_factory=dict)
    orders: int = 0
    served: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    """Worker, start and end by request."""

    def run(self, gap_s: np.ndarray, work_s: np.ndarray) -> None:
        """Serves requests that arrive `gap_s` (n,) after each other and take `work_s` (n,)."""
        for _ in range(self.initial):
            self.order().ready = True
        self.env.process(self.control())
        self.env.process(self.source(gap_s.tolist(), work_s.tolist()))
        self.env.run()

    def source(self, gap_s: list[float], work_s: list[float]) -> Process:
        for number, (gap, work) in enumerate(zip(gap_s, work_s, strict=True)):
            yield self.env.timeout(gap)
            ready = [w for _, w in sorted(self.workers.items()) if w.ready]
            self.env.process(self.request(number, work, min(ready, key=lambda w: w.load)))

    def request(self, number: int, work_s: float, worker: Worker) -> Process:
        worker.load += 1
        with worker.slots.request() as slot:
            yield slot
            start_s = self.env.now
            yield self.env.timeout(work_s)
        self.served[number] = (worker.number, start_s, self.env.now)
        worker.load -= 1
        self.remove_if_done(worker)

    def control(self) -> Process:
        for change in self.changes:
            for _ in range(change):
                worker = self.order()
                worker.start = self.env.process(self.start(worker))
            for _ in range(-change):
                self.scale_in()
            yield self.env.timeout(self.every_s)

    def order(self) -> Worker:
        number = next(n for n in range(len(self.workers) + 1) if n not in self.workers)
        worker = Worker(number, simpy.Resource(self.env, self.slots), self.env.now)
        self.workers[number] = worker
        return worker

    def start(self, worker: Worker) -> Process:
        startup_s = self.startup_s[self.orders % len(self.startup_s)]
        self.orders += 1
        try:
            yield self.env.timeout(startup_s)
            worker.ready = True
        except simpy.Interrupt:
            del self.workers[worker.number]
        worker.start = None

    def scale_in(self) -> None:
        """The newest start, or else the least loaded worker; the highest number on ties."""
        starting = [worker for worker in self.workers.values() if worker.start]
        if starting:
            newest = max(starting, key=lambda w: (w.ordered_s, w.number))
            process, newest.start = newest.start, None
            process.interrupt()
            return
        ready = [worker for worker in self.workers.values() if worker.ready]
        worker = min(ready, key=lambda w: (w.load, -w.number))
        worker.ready, worker.draining = False, True
        self.remove_if_done(worker)

    def remove_if_done(self, worker: Worker) -> None:
        if worker.draining and worker.load == 0:
            del self.workers[worker.number]
