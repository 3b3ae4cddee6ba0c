"""Agent types and pools: who serves, how fast, how many, at what price."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.scenario.checks import above_zero, at_least, at_most, refuse, unique

MEMORY_MOST_GIB = 2047.0
"""Of one worker: the simulator counts its memory in KiB, of which it can hold 2 TiB."""
STANDARD = "standard"
"""Name of the size an agent type describes by itself."""


class StartupKind(StrEnum):
    """Shape of the start-up time distribution."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"


class QueueKind(StrEnum):
    """Where requests wait for a slot."""

    WORKER = "worker"
    """In the queue of the worker they were routed to (inference servers)."""
    POOL = "pool"
    """In one queue from which workers pull (message brokers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """Seconds from the order of a worker until it is ready, as a distribution."""

    kind: StartupKind = StartupKind.UNIFORM
    mean_s: float = 75.0
    spread_s: float = 15.0
    """Uniform: half the width. Lognormal: standard deviation. Constant: ignored."""

    def __post_init__(self) -> None:
        at_least(self, "startup", 0.0, "mean_s", "spread_s")
        if self.kind is StartupKind.UNIFORM and self.spread_s > self.mean_s:
            refuse(
                f"spread_s is {self.spread_s}, above mean_s {self.mean_s}",
                "startup",
                "A uniform start-up time must not go below 0 s; lower spread_s",
            )


class OverMemory(StrEnum):
    """What happens when the requests in service would need more memory than the worker has."""

    QUEUE = "queue"
    """The next request waits until it fits (inference servers)."""
    CRASH = "crash"
    """The worker is killed and starts again; what it holds is lost (containers)."""


class Resize(StrEnum):
    """How a worker changes its size."""

    RESTART = "restart"
    """It drains and a worker of the new size is started in its place first."""
    IN_PLACE = "in-place"
    """It goes on serving; the new size holds after `resize_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSize:
    """One of the sizes that workers of an agent type come in."""

    name: str
    slots: int
    speed: float = 1.0
    """Divides service times."""
    price_usd_per_hour: float = 0.0
    cpu_cores: float = 2.0
    memory_gib: float = 4.0
    gpus: int = 0
    watts_idle: float = 0.0
    watts_full: float = 0.0

    def __post_init__(self) -> None:
        where = f"worker size {self.name!r}"
        if not 1 <= self.slots <= 4096:
            refuse(f"slots is {self.slots}", where, "Use 1 to 4096")
        above_zero(self, where, "speed", "cpu_cores", "memory_gib")
        at_most(self, where, MEMORY_MOST_GIB, "memory_gib")
        at_least(self, where, 0.0, "price_usd_per_hour", "gpus", "watts_idle", "watts_full")
        if self.watts_full < self.watts_idle:
            refuse(
                f"watts_full is {self.watts_full}, below watts_idle {self.watts_idle}",
                where,
                "A busy worker needs at least as much power as an idle one",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentType:
    """A kind of worker: how fast it serves, how long it starts, what it costs."""

    name: str = "chat"
    slots: int = 8
    """Concurrent requests per worker."""
    price_usd_per_hour: float = 22.1225
    """Per provisioned worker. Default: a3-highgpu-2g, us-central1, on demand, 30 July 2026."""
    startup: Startup = field(default_factory=Startup)
    overhead_s: float = 0.05
    """Fixed seconds per request: tokenisation, network, scheduling. Our assumption."""
    prefill_tokens_per_s: float = 6100.0
    """Prompt tokens per second. Default: llama2-70b on 2 x H100, 512 tokens in 84 ms
    (Splitwise measurements, perf_model.csv)."""
    decode_tokens_per_s: float = 27.0
    """Output tokens per second of one request alone. Default: same source, 37 ms a token."""
    contention: float = 0.2
    """A request that starts with all other slots busy takes (1 + contention) times as long as
    alone; in between linear in the busy share. Default: same source, batch 8 against batch 1."""
    service_mean_s: float = 1.0
    """Mean service time drawn for requests with neither tokens nor a given service time."""
    service_cv: float = 1.0
    """Coefficient of variation of that draw (lognormal); 0: constant."""
    queue_limit: int | None = 64
    """Requests that may wait per worker (or in the pool's queue); None: unlimited."""
    queue_timeout_s: float | None = 60.0
    """A request that waits longer fails; None: waits for ever."""
    exec_timeout_s: float | None = 600.0
    """A request in service longer fails at that moment; None: never."""
    drain_grace_s: float | None = None
    """A draining worker is stopped after this long and loses its requests; None: it finishes."""
    cpu_cores: float = 52.0
    """Of the node, per worker. Default: a3-highgpu-2g, as is the memory."""
    memory_gib: float = 468.0
    gpus: int = 2
    watts_idle: float = 0.0
    """Power of one worker with nothing in service; used where no node group says it."""
    watts_full: float = 0.0
    """Power of one worker with all slots busy."""
    cpu_per_request: float = 0.0
    """Cores one request in service uses; 0: the worker's cores over its slots."""
    memory_base_gib: float = 0.0
    """Memory used with nothing in service (model weights, runtime)."""
    memory_per_request_gib: float = 0.0
    """Memory of one request in service, whatever its tokens."""
    memory_per_1k_tokens_gib: float = 0.0
    """And for each thousand of its prompt and output tokens."""
    over_memory: OverMemory = OverMemory.QUEUE
    transfer_gib_per_request: float = 0.0
    """Sent to the callers, for the transfer price."""
    specialities: tuple[str, ...] = ()
    """Tenants (or other names) for which context-aware routers prefer this agent type."""
    resize: Resize = Resize.RESTART
    resize_s: float = 5.0
    sizes: tuple[WorkerSize, ...] = ()
    """Other sizes for vertical scaling; the agent type's own numbers are the size "standard"."""

    def __post_init__(self) -> None:
        where = f"agent type {self.name!r}"
        if not 1 <= self.slots <= 4096:
            refuse(f"slots is {self.slots}", where, "Use 1 to 4096")
        at_least(self, where, 0.0, "price_usd_per_hour", "overhead_s", "contention", "service_cv")
        at_least(self, where, 0.0, "drain_grace_s", "queue_limit")
        above_zero(self, where, "prefill_tokens_per_s", "decode_tokens_per_s", "service_mean_s")
        above_zero(self, where, "queue_timeout_s", "exec_timeout_s", "cpu_cores", "memory_gib")
        at_least(self, where, 0.0, "gpus", "watts_idle", "watts_full", "cpu_per_request")
        at_least(self, where, 0.0, "memory_base_gib", "memory_per_request_gib", "resize_s")
        at_least(self, where, 0.0, "memory_per_1k_tokens_gib", "transfer_gib_per_request")
        at_most(self, where, MEMORY_MOST_GIB, "memory_gib", "memory_per_request_gib")
        at_most(self, where, MEMORY_MOST_GIB, "memory_per_1k_tokens_gib")
        at_most(self, where, 1000.0, "service_cv")
        unique([STANDARD, *(size.name for size in self.sizes)], f"{where}: sizes")
        if self.watts_full < self.watts_idle:
            refuse(
                f"watts_full is {self.watts_full}, below watts_idle {self.watts_idle}",
                where,
                "A busy worker needs at least as much power as an idle one",
            )
        if self.memory_base_gib > self.memory_gib:
            refuse(
                f"memory_base_gib is {self.memory_base_gib}, above memory_gib {self.memory_gib}",
                where,
                "A worker needs room for what it holds while idle",
            )

    @property
    def all_sizes(self) -> tuple[WorkerSize, ...]:
        """Its own numbers as the size "standard", then the others."""
        own = WorkerSize(
            name=STANDARD,
            slots=self.slots,
            price_usd_per_hour=self.price_usd_per_hour,
            cpu_cores=self.cpu_cores,
            memory_gib=self.memory_gib,
            gpus=self.gpus,
            watts_idle=self.watts_idle,
            watts_full=self.watts_full,
        )
        return (own, *self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The workers of one agent type in one zone."""

    name: str = "chat"
    agent_type: str = "chat"
    zone: str = "zone-a"
    workers_min: int = 1
    """Workers kept with no demand. 0 allows scale to zero."""
    workers_max: int = 50
    workers_initial: int | None = None
    """Ready at the start of the replay; None: what the first minute of the trace needs at 70 %
    busy, at least `workers_min`. The same for every policy of a comparison."""
    queue: QueueKind = QueueKind.WORKER
    share: float = 1.0
    """Weight by which requests that name no agent type are spread over pools."""
    size: str = "standard"
    """Size its workers have at the start of the replay."""
    node_group: str | None = None
    """Where its workers are placed; None: on machines of their own, at the worker's price."""

    def __post_init__(self) -> None:
        where = f"pool {self.name!r}"
        if not 0 <= self.workers_min <= self.workers_max <= 100_000:
            refuse(
                f"workers_min is {self.workers_min} and workers_max {self.workers_max}",
                where,
                "Use 0 <= workers_min <= workers_max <= 100000",
            )
        if self.workers_max < 1:
            refuse("workers_max is 0", where, "Use 1 or more")
        at_least(self, where, 0.0, "share")
        if self.workers_initial is not None and not 0 <= self.workers_initial <= self.workers_max:
            refuse(
                f"workers_initial is {self.workers_initial}",
                where,
                f"Use 0 to workers_max, which is {self.workers_max}",
            )
