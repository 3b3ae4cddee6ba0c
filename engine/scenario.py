"""Everything a replay needs besides trace and policy: frozen and validated.

The same object is edited on the pages, read by the command line and stored with every run;
`scenario_file` turns it into TOML and back.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import ScenarioError, did_you_mean

TICK_MIN_S, TICK_MAX_S = 1e-3, 86400.0


def _refuse(what: str, where: str, fix: str) -> None:
    raise ScenarioError(what, where, fix)


def _at_least(owner: object, where: str, minimum: float, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (value >= minimum and math.isfinite(value)):
            _refuse(f"{name} is {value}", where, f"Use a finite number of {minimum:g} or more")


def _above_zero(owner: object, where: str, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (value > 0 and math.isfinite(value)):
            _refuse(f"{name} is {value}", where, "Use a finite number above 0")


def _unique(names: list[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            _refuse(f"the name {name!r} is used twice", where, "Give each one its own name")


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


class OnFailure(StrEnum):
    """What a session does when one of its requests fails."""

    CONTINUE = "continue"
    """Its next request comes after the tool wait all the same."""
    ABANDON = "abandon"
    """The rest of the session never arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """Seconds from the order of a worker until it is ready, as a distribution."""

    kind: StartupKind = StartupKind.UNIFORM
    mean_s: float = 75.0
    spread_s: float = 15.0
    """Uniform: half the width. Lognormal: standard deviation. Constant: ignored."""

    def __post_init__(self) -> None:
        _at_least(self, "startup", 0.0, "mean_s", "spread_s")
        if self.kind is StartupKind.UNIFORM and self.spread_s > self.mean_s:
            _refuse(
                f"spread_s is {self.spread_s}, above mean_s {self.mean_s}",
                "startup",
                "A uniform start-up time must not go below 0 s; lower spread_s",
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

    def __post_init__(self) -> None:
        where = f"agent type {self.name!r}"
        if not 1 <= self.slots <= 4096:
            _refuse(f"slots is {self.slots}", where, "Use 1 to 4096")
        _at_least(self, where, 0.0, "price_usd_per_hour", "overhead_s", "contention", "service_cv")
        _at_least(self, where, 0.0, "drain_grace_s", "queue_limit")
        _above_zero(self, where, "prefill_tokens_per_s", "decode_tokens_per_s", "service_mean_s")
        _above_zero(self, where, "queue_timeout_s", "exec_timeout_s")


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

    def __post_init__(self) -> None:
        where = f"pool {self.name!r}"
        if not 0 <= self.workers_min <= self.workers_max <= 100_000:
            _refuse(
                f"workers_min is {self.workers_min} and workers_max {self.workers_max}",
                where,
                "Use 0 <= workers_min <= workers_max <= 100000",
            )
        if self.workers_max < 1:
            _refuse("workers_max is 0", where, "Use 1 or more")
        _at_least(self, where, 0.0, "share")
        if self.workers_initial is not None and not 0 <= self.workers_initial <= self.workers_max:
            _refuse(
                f"workers_initial is {self.workers_initial}",
                where,
                f"Use 0 to workers_max, which is {self.workers_max}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What users were promised."""

    latency_s: float = 30.0
    """A request meets its SLO when it finishes within this many seconds of its arrival."""
    attainment_frac: float = 0.99
    """Share of requests that should meet it."""

    def __post_init__(self) -> None:
        _above_zero(self, "slo", "latency_s")
        if not 0 < self.attainment_frac <= 1:
            _refuse(
                f"attainment_frac is {self.attainment_frac}", "slo", "Use a share above 0, up to 1"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Priorities:
    """What matters, as weights; `normalised` makes them sum to 1."""

    w_latency: float = 0.35
    """α."""
    w_utilisation: float = 0.15
    """β."""
    w_cost: float = 0.2
    """γ."""
    w_reliability: float = 0.15
    """δ."""
    w_carbon: float = 0.15
    """Weight of emissions."""
    carbon_threshold_g_per_kwh: float | None = None
    """Grid intensity above which emission-raising actions are masked; None: never."""

    def __post_init__(self) -> None:
        names = ("w_latency", "w_utilisation", "w_cost", "w_reliability", "w_carbon")
        _at_least(self, "priorities", 0.0, *names)
        _above_zero(self, "priorities", "carbon_threshold_g_per_kwh")
        if sum(getattr(self, name) for name in names) <= 0:
            _refuse("all weights are 0", "priorities", "Give at least one a weight above 0")

    def normalised(self) -> "Priorities":
        """The same priorities with weights that sum to 1."""
        names = ("w_latency", "w_utilisation", "w_cost", "w_reliability", "w_carbon")
        total = sum(getattr(self, name) for name in names)
        return dataclasses.replace(self, **{n: getattr(self, n) / total for n in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a series becomes requests."""

    scale: float = 1.0
    """Multiplies the series' rate."""
    dispersion: float | None = None
    """Variance/mean of counts in 10 s; None: Poisson arrivals within each interval."""

    def __post_init__(self) -> None:
        _above_zero(self, "sampling", "scale")
        _at_least(self, "sampling", 1.0, "dispersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Cluster, promises, priorities and seed. Same scenario, same bytes."""

    name: str = "llm-agents"
    seed: int = 1
    tick_s: float = 15.0
    """Control interval, a millisecond to a day; each policy's own is a multiple of it."""
    agent_types: tuple[AgentType, ...] = (AgentType(),)
    pools: tuple[Pool, ...] = (Pool(),)
    slo: Slo = field(default_factory=Slo)
    priorities: Priorities = field(default_factory=Priorities)
    sampling: Sampling = field(default_factory=Sampling)
    on_failure: OnFailure = OnFailure.CONTINUE
    keep_requests: bool = False
    """Store a row per request with the run; otherwise histograms only."""

    def __post_init__(self) -> None:
        if not TICK_MIN_S <= self.tick_s <= TICK_MAX_S:
            _refuse(
                f"tick_s is {self.tick_s}", "scenario", f"Use {TICK_MIN_S:g} to {TICK_MAX_S:g} s"
            )
        if self.seed < 0:
            _refuse(f"seed is {self.seed}", "scenario", "Use 0 or more")
        if not self.pools or not self.agent_types:
            _refuse("there is no pool or no agent type", "scenario", "Add at least one of each")
        _unique([pool.name for pool in self.pools], "pools")
        known = [agent_type.name for agent_type in self.agent_types]
        _unique(known, "agent_types")
        for pool in self.pools:
            if pool.agent_type not in known:
                _refuse(
                    f"unknown agent type {pool.agent_type!r}",
                    f"pool {pool.name!r}",
                    did_you_mean(pool.agent_type, known),
                )
        if sum(pool.share for pool in self.pools) <= 0:
            _refuse("every pool's share is 0", "pools", "Give at least one a share above 0")

    def agent_type_of(self, pool: Pool) -> AgentType:
        """The agent type whose workers the pool holds."""
        return next(kind for kind in self.agent_types if kind.name == pool.agent_type)
