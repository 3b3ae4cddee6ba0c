"""Fields of routing: router, factors, circuit breaker, cache, retries."""

from app.cluster_fields.base import Field, Part, Type
from engine.scenario import Affinity, Backoff, RouterKind

ROUTER = Part(
    key="router",
    title="Router",
    noun="router",
    help="How the worker of each request is chosen among the ready ones.",
    many=False,
    fields=(
        Field(
            path="kind",
            label="Router",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in RouterKind),
            help="least-connections: the worker that holds the fewest requests. power-of-two: the "
            "better of two drawn at random. predicted-completion: the earliest predicted end. "
            "hierarchical: region, zone, node, worker.",
        ),
        Field(
            path="affinity",
            label="Session affinity",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in Affinity),
            help="session: the worker that served the session last, unless it is overloaded.",
        ),
        Field(
            path="affinity_slack",
            label="A session stays within",
            unit="requests",
            type=Type.WHOLE,
            help="More than the least loaded worker holds.",
            used=lambda entry: entry["affinity"] != Affinity.NONE.value,
        ),
        Field(
            path="adapt_s",
            label="Adaptive weights every",
            unit="s",
            help="How often routers that adapt refresh their weights.",
        ),
        Field(
            path="ewma_s",
            label="Time constant of means",
            unit="s",
            help="Of the running means of latency and service time per worker.",
        ),
    ),
)


def _weighs(entry: str, help_text: str, label: str) -> Field:
    return Field(path=entry, label=label, unit="weight", help=help_text)


FACTORS = Part(
    key="router.factors",
    title="Seven factors",
    noun="factors",
    help="Weights of the router seven-factor; only their ratios matter.",
    many=False,
    fields=(
        _weighs("cpu", "Free cores.", "CPU"),
        _weighs("memory", "Free memory.", "Memory"),
        _weighs("queue", "Few waiting requests.", "Queue"),
        _weighs("latency", "Low latency lately.", "Latency"),
        _weighs("agent_load", "Few requests of the agent type.", "Agent load"),
        _weighs("performance", "Few failures, high speed.", "Performance"),
        _weighs("context", "It has the session's data.", "Context"),
    ),
)

BREAKER = Part(
    key="router.breaker",
    title="Circuit breaker",
    noun="circuit breaker",
    help="One per worker: after failures in a row it takes no requests for a while, then a probe.",
    many=False,
    switch="Circuit breaker per worker",
    fields=(
        Field(
            path="failure_threshold",
            label="Opens after",
            unit="failures in a row",
            type=Type.WHOLE,
            help="Time-outs in the queue or in service, and requests lost with the worker.",
        ),
        Field(path="open_s", label="Stays open", unit="s", help="Before probes are let through."),
        Field(
            path="half_open_probes",
            label="Probes",
            unit="at a time",
            type=Type.WHOLE,
            help="Requests let through while half-open.",
        ),
        Field(
            path="success_threshold",
            label="Closes after",
            unit="successes in a row",
            type=Type.WHOLE,
            help="One failure while half-open opens it again.",
        ),
    ),
)

CACHE = Part(
    key="cache",
    title="Cache of prefixes",
    noun="cache",
    help="A hit spares a request the prefill of the prefix it shares with its session.",
    many=False,
    switch="Three-level cache of session prefixes",
    fields=(
        Field(
            path="worker_sessions",
            label="In a worker's memory",
            unit="sessions",
            type=Type.WHOLE,
            help="Least recently used out. 0: level off.",
        ),
        Field(path="worker_ttl_s", label="Kept there", unit="s", help="Since the last use."),
        Field(
            path="zone_sessions",
            label="In the zone's cache",
            unit="sessions",
            type=Type.WHOLE,
            help="0: level off.",
        ),
        Field(path="zone_ttl_s", label="Kept in the zone", unit="s", help="Since the last use."),
        Field(
            path="zone_fetch_s",
            label="Fetch from the zone",
            unit="s",
            help="To bring a prefix to the worker.",
        ),
        Field(
            path="store_sessions",
            label="In the region's store",
            unit="sessions",
            type=Type.WHOLE,
            help="0: level off.",
        ),
        Field(path="store_ttl_s", label="Kept in the store", unit="s", help="Since the last use."),
        Field(
            path="store_fetch_s",
            label="Fetch from the store",
            unit="s",
            help="To bring a prefix to the worker.",
        ),
    ),
)

RETRY = Part(
    key="retry",
    title="Retries",
    noun="retry",
    help="What callers do when a request fails.",
    many=False,
    fields=(
        Field(
            path="attempts",
            label="Attempts",
            unit="in all",
            type=Type.WHOLE,
            help="1: no retry.",
        ),
        Field(path="backoff_s", label="First wait", unit="s", help="Before the second attempt."),
        Field(
            path="multiplier", label="Then times", unit="×", help="Each wait is so much longer."
        ),
        Field(path="backoff_max_s", label="Longest wait", unit="s", help="Waits grow up to it."),
        Field(
            path="jitter",
            label="Spread of waits",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in Backoff),
            help="none: exactly the wait. full-jitter: uniform between 0 and it.",
        ),
        Field(
            path="budget_frac",
            label="Retry budget",
            unit="per arrived request",
            optional=True,
            empty="no limit",
            help="Retries allowed over the last minute.",
        ),
    ),
)
