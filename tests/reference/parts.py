"""What the reference's cluster is made of: requests, workers and pools."""

import math
from collections import Counter
from dataclasses import dataclass, field

from engine.scenario import Degradation
from engine.sim.parameters import PoolParameters, Size, TenantParameters
from tests.reference.scoring import Means


@dataclass(eq=False)
class Request:
    number: int
    pool: int
    arrival_s: float
    work_s: float
    think_s: float
    memory_kib: int = 0
    tenant: int = 0
    chain: int = -1
    prefix_s: float = 0.0
    group: int = -1
    home: int = 0  # pool that it was drawn to
    follows: bool = False
    followers: list["Request"] = field(default_factory=list)
    status: str = "not arrived"
    arrived_s: float = math.nan
    start_s: float = math.nan
    end_s: float = math.nan
    worker: "Worker | None" = None
    cut_off: bool = False
    queued_s: float = math.nan
    tries: int = 0
    noted: set[str] = field(default_factory=set)  # what was counted of it


@dataclass(eq=False)
class Worker:
    pool: int
    number: int
    ordered_s: float
    ready_s: float
    size: Size
    node: int = -1
    own_speed: float = 1.0
    slowed: float = 1.0
    memories: list[list[float]] = field(default_factory=list)  # chain and when it was used
    phase: str = "starting"
    stop_s: float = math.inf
    next_size: Size | None = None
    resized_s: float = math.inf
    replaces: "Worker | None" = None
    breaker: str = "closed"
    streak: int = 0
    half_open_s: float = math.nan
    in_service: list[Request] = field(default_factory=list)
    queue: list[Request] = field(default_factory=list)
    busy_slot_s: float = 0.0
    means: Means = field(default_factory=Means)
    share: float = 0.0
    credit: float = 0.0
    sizes: list[tuple[float, Size]] = field(default_factory=list)  # since when it had each

    def __post_init__(self) -> None:
        self.sizes = [(self.ordered_s, self.size)]

    def slot_s(self, since_s: float, until_s: float) -> float:
        """Slots that it had, over this time."""
        ends = [at for at, _ in self.sizes[1:]] + [math.inf]
        return sum(
            size.slots * max(0.0, min(end, until_s) - max(at, since_s))
            for (at, size), end in zip(self.sizes, ends, strict=True)
        )

    @property
    def held(self) -> list[Request]:
        return self.in_service + self.queue

    @property
    def slots(self) -> int:
        return self.size.slots

    @property
    def full(self) -> bool:
        return len(self.in_service) >= self.slots or bool(self.queue)

    @property
    def memory_kib(self) -> int:
        return sum(request.memory_kib for request in self.in_service)

    @property
    def speed(self) -> float:
        return self.own_speed * self.slowed

    def change_size(self, size: Size, now: float) -> None:
        self.own_speed = self.own_speed / self.size.speed * size.speed
        self.size = size
        self.sizes.append((now, size))


@dataclass(eq=False)
class Pool:
    parameters: PoolParameters
    workers: dict[int, Worker] = field(default_factory=dict)  # those that exist
    routable: list[Worker] = field(
        default_factory=list
    )  # the last takes the place of one that parts
    queue: list[Request] = field(default_factory=list)
    gathered: dict[int, list[Request]] = field(default_factory=dict)  # by group
    complete: list[int] = field(default_factory=list)  # groups that wait for slots
    held_back: bool = False
    means: Means = field(default_factory=Means)
    preference: float = 1.0
    size_weights: dict[Size, float] = field(default_factory=dict)
    weights_s: float = -math.inf
    weight: float = 0.0
    credit: float = 0.0
    orders: int = 0
    turn: int = 0
    reachable: bool = True
    size: Size = field(init=False)
    start_failure: float = 0.0
    engaged: list[Degradation] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    tenants: list[TenantParameters] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)  # times of the last minutes
    retries: list[float] = field(default_factory=list)
    # since the last open_tick
    counts: Counter[str] = field(default_factory=Counter)
    integrals: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    def weight_of(self, worker: Worker) -> float:
        return self.size_weights.get(worker.size, 1.0)

    def in_phase(self, phase: str) -> list[Worker]:
        return [self.workers[n] for n in sorted(self.workers) if self.workers[n].phase == phase]

    def __post_init__(self) -> None:
        self.size = self.parameters.sizes[self.parameters.size]
