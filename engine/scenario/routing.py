"""How requests find a worker: router, circuit breaker, session affinity, cache of prefixes."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.scenario.checks import above_zero, at_least, at_most, refuse


class RouterKind(StrEnum):
    """How a request's worker is chosen among the ready ones."""

    LEAST_CONNECTIONS = "least-connections"
    """The worker that holds the fewest requests (in service and queued)."""
    RANDOM = "random"
    ROUND_ROBIN = "round-robin"
    POWER_OF_TWO = "power-of-two"
    """The one that holds fewer of two drawn at random."""
    WEIGHTED_ROUND_ROBIN = "weighted-round-robin"
    """Smooth weighted round robin; weights follow speed, load and latency."""
    LEAST_AGENT_LOAD = "least-agent-load"
    """Smallest 0.3 CPU + 0.2 memory + 0.3 share of the type's requests + 0.2 queue."""
    CONTEXT_AWARE = "context-aware"
    """Largest 0.3 data locality + 0.25 specialisation + 0.25 resources + 0.2 performance."""
    SEVEN_FACTOR = "seven-factor"
    """Largest weighted sum of seven factors, each 0 to 1 and better when larger."""
    PREDICTED_COMPLETION = "predicted-completion"
    """Smallest predicted (queued + in service + 1) x mean service time / speed."""
    HIERARCHICAL = "hierarchical"
    """Region, then zone, then node, then worker; goes back a level where one is empty."""


class Affinity(StrEnum):
    """Whether the requests of a session stay together."""

    NONE = "none"
    SESSION = "session"
    """The worker that served the session last, unless it is overloaded or its breaker open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorWeights:
    """Weights of the seven-factor router; only their ratios matter."""

    cpu: float = 1.0
    memory: float = 1.0
    queue: float = 2.0
    latency: float = 1.0
    agent_load: float = 1.0
    performance: float = 1.0
    context: float = 1.0

    def __post_init__(self) -> None:
        names = ("cpu", "memory", "queue", "latency", "agent_load", "performance", "context")
        at_least(self, "router: factors", 0.0, *names)
        if sum(getattr(self, name) for name in names) <= 0:
            refuse("all factors are 0", "router: factors", "Give at least one a weight above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A circuit breaker per worker: closed, open, half-open."""

    failure_threshold: int = 5
    """Failures in a row, in the queue or in service, that open it: time-outs, and requests lost
    with the worker. One that starts again keeps its breaker, a new one has its own."""
    open_s: float = 30.0
    """Seconds it stays open before probes are let through."""
    half_open_probes: int = 1
    """Requests let through at a time while half-open."""
    success_threshold: int = 2
    """Successes in a row that close it again; one failure while half-open opens it."""

    def __post_init__(self) -> None:
        where = "router: breaker"
        at_least(self, where, 1, "failure_threshold", "half_open_probes", "success_threshold")
        at_most(self, where, 1e6, "failure_threshold", "half_open_probes", "success_threshold")
        above_zero(self, where, "open_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """How requests are spread over workers."""

    kind: RouterKind = RouterKind.LEAST_CONNECTIONS
    affinity: Affinity = Affinity.NONE
    affinity_slack: int = 4
    """A session stays while its worker holds at most this many requests more than the least
    loaded one."""
    adapt_s: float = 1.0
    """How often adaptive weights are refreshed."""
    ewma_s: float = 60.0
    """Time constant of the running means of latency and service time per worker."""
    factors: FactorWeights = field(default_factory=FactorWeights)
    breaker: Breaker | None = None

    def __post_init__(self) -> None:
        at_least(self, "router", 0, "affinity_slack")
        at_most(self, "router", 1e6, "affinity_slack")
        above_zero(self, "router", "adapt_s", "ewma_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Where computed prefixes stay: worker memory, the zone's shared cache, a persistent store.

    A hit spares the request its prefill of the prefix tokens it shares with the session's
    request before, less the time to fetch them. A read promotes the prefix upward.
    """

    worker_sessions: int = 64
    """Prefixes a worker keeps, least recently used out; 0: level off."""
    worker_ttl_s: float = 60.0
    zone_sessions: int = 4096
    zone_ttl_s: float = 3600.0
    zone_fetch_s: float = 0.05
    """Seconds to bring a prefix from the zone's cache to the worker. Our assumption."""
    store_sessions: int = 1_000_000
    store_ttl_s: float = 86400.0
    store_fetch_s: float = 0.5
    """Seconds to bring a prefix from the region's persistent store. Our assumption."""

    def __post_init__(self) -> None:
        at_least(self, "cache", 0, "worker_sessions", "zone_sessions", "store_sessions")
        at_most(self, "cache", 10_000, "worker_sessions")
        at_least(self, "cache", 0.0, "zone_fetch_s", "store_fetch_s")
        above_zero(self, "cache", "worker_ttl_s", "zone_ttl_s", "store_ttl_s")


class Backoff(StrEnum):
    """How waits between attempts are spread."""

    NONE = "none"
    """Exactly the back-off time."""
    FULL_JITTER = "full-jitter"
    """Uniform between 0 and the back-off time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What callers do when a request fails; one that degradation turned away is not retried.

    A request that is tried again counts once, with the latency since its first arrival.
    """

    attempts: int = 1
    """Tries in all; 1: no retry."""
    backoff_s: float = 1.0
    multiplier: float = 2.0
    backoff_max_s: float = 60.0
    jitter: Backoff = Backoff.FULL_JITTER
    budget_frac: float | None = None
    """Retries allowed per arrived request over the last minute; None: as many as callers like."""

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= 16:
            refuse(f"attempts is {self.attempts}", "retry", "Use 1 to 16")
        at_least(self, "retry", 0.0, "backoff_s", "backoff_max_s", "budget_frac")
        at_least(self, "retry", 1.0, "multiplier")
