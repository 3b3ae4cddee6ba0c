"""Fields of agent types, worker sizes and pools."""

from app.cluster_fields.base import Field, Part, Type
from engine.scenario import OverMemory, QueueKind, Resize, StartupKind

STARTUP_KINDS = tuple(kind.value for kind in StartupKind)


def _spread_used(entry: dict[str, object], key: str) -> bool:
    start = entry[key]
    return isinstance(start, dict) and start["kind"] != StartupKind.CONSTANT.value


AGENT_TYPES = Part(
    key="agent_types",
    title="Agent types",
    noun="agent type",
    help="Kinds of worker: how fast one serves, how long it starts, what it needs and costs.",
    least=1,
    fields=(
        Field(path="name", label="Name", type=Type.TEXT, help="Pools refer to it."),
        Field(
            path="slots",
            label="Slots",
            unit="requests at a time",
            type=Type.WHOLE,
            help="Requests that one worker serves at the same time.",
        ),
        Field(
            path="price_usd_per_hour",
            label="Price",
            unit="USD/h",
            help="Per provisioned worker; only for workers on machines of their own.",
        ),
        Field(
            path="startup.kind",
            label="Start-up time",
            type=Type.CHOICE,
            choices=STARTUP_KINDS,
            help="How the time from the order of a worker to its readiness is distributed.",
            group="Start-up",
        ),
        Field(
            path="startup.mean_s",
            label="Mean start-up",
            unit="s",
            help="On a node that is there: image pull, start and loading the model.",
        ),
        Field(
            path="startup.spread_s",
            label="Start-up spread",
            unit="s",
            help="Uniform: half the width. Lognormal: standard deviation.",
            used=lambda entry: _spread_used(dict(entry), "startup"),
        ),
        Field(
            path="overhead_s",
            label="Fixed time per request",
            unit="s",
            help="Tokenisation, network, scheduling.",
            group="Service",
        ),
        Field(
            path="prefill_tokens_per_s",
            label="Prompt speed",
            unit="tokens/s",
            help="Speed of reading the prompt.",
        ),
        Field(
            path="decode_tokens_per_s",
            label="Output speed",
            unit="tokens/s",
            help="Speed of writing the answer of one request alone.",
        ),
        Field(
            path="contention",
            label="Slow-down when full",
            unit="share",
            help="0.2: a request beside full slots takes 1.2 times as long as alone.",
        ),
        Field(
            path="service_mean_s",
            label="Mean service time",
            unit="s",
            help="Only for requests that bring neither tokens nor a service time.",
        ),
        Field(
            path="service_cv",
            label="Its variation",
            unit="standard deviation ÷ mean",
            help="Of that drawn service time. 0: constant.",
        ),
        Field(
            path="queue_limit",
            label="Queue limit",
            unit="requests",
            type=Type.WHOLE,
            optional=True,
            empty="no limit",
            help="Requests that may wait per worker; more are rejected.",
            group="Limits",
        ),
        Field(
            path="queue_timeout_s",
            label="Queue time-out",
            unit="s",
            optional=True,
            empty="never",
            help="A request that waits longer fails.",
        ),
        Field(
            path="exec_timeout_s",
            label="Execution time-out",
            unit="s",
            optional=True,
            empty="never",
            help="A request in service longer fails.",
        ),
        Field(
            path="drain_grace_s",
            label="Drain grace",
            unit="s",
            optional=True,
            empty="it finishes",
            help="A draining worker is stopped after this long and loses its requests.",
        ),
        Field(
            path="cpu_cores",
            label="CPU",
            unit="cores",
            help="What a worker takes of its node.",
            group="Resources and power",
        ),
        Field(path="memory_gib", label="Memory", unit="GiB", help="What a worker may use."),
        Field(path="gpus", label="GPUs", type=Type.WHOLE, help="Whole GPUs of its node."),
        Field(
            path="watts_idle",
            label="Power idle",
            unit="W",
            help="Of one worker on a machine of its own; nodes bring their own power.",
        ),
        Field(
            path="watts_full",
            label="Power full",
            unit="W",
            help="With all slots busy. 0: not known, so energy is not measured.",
        ),
        Field(
            path="cpu_per_request",
            label="CPU per request",
            unit="cores",
            help="In service. 0: the worker's cores divided by its slots.",
            group="Memory and transfer of requests",
        ),
        Field(
            path="memory_base_gib",
            label="Memory idle",
            unit="GiB",
            help="Used with nothing in service: model weights, runtime.",
        ),
        Field(
            path="memory_per_request_gib",
            label="Memory per request",
            unit="GiB",
            help="Of one request in service, whatever its tokens.",
        ),
        Field(
            path="memory_per_1k_tokens_gib",
            label="Memory per 1,000 tokens",
            unit="GiB",
            help="On top, for each thousand prompt and output tokens.",
        ),
        Field(
            path="over_memory",
            label="When memory runs out",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in OverMemory),
            help="queue: the next request waits. crash: the worker is killed and starts again.",
        ),
        Field(
            path="transfer_gib_per_request",
            label="Sent per request",
            unit="GiB",
            help="To the callers; paid at the region's transfer price.",
        ),
        Field(
            path="specialities",
            label="Specialities",
            type=Type.WORDS,
            optional=True,
            help="Tenants for which context-aware routers prefer this agent type; commas between.",
            group="Routing and resizing",
        ),
        Field(
            path="resize",
            label="Change of size",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in Resize),
            help="restart: a new worker first, then the old one drains. in-place: it serves on.",
        ),
        Field(path="resize_s", label="In-place change takes", unit="s", help="Until it holds."),
    ),
)

SIZES = Part(
    key="agent_types.*.sizes",
    title="Worker sizes",
    noun="worker size",
    help=(
        "Other sizes that workers of an agent type come in, for vertical scaling. Its own numbers "
        "are the size “standard”."
    ),
    entries_down=True,
    fields=(
        Field(path="name", label="Name", type=Type.TEXT, help="Pools refer to it."),
        Field(path="slots", label="Slots", type=Type.WHOLE, help="Requests at a time."),
        Field(path="speed", label="Speed", unit="×", help="Divides service times."),
        Field(path="price_usd_per_hour", label="Price", unit="USD/h", help="Per worker."),
        Field(path="cpu_cores", label="CPU", unit="cores", help="Of its node."),
        Field(path="memory_gib", label="Memory", unit="GiB", help="Of its node."),
        Field(path="gpus", label="GPUs", type=Type.WHOLE, help="Of its node."),
        Field(path="watts_idle", label="Idle", unit="W", help="On a machine of its own."),
        Field(path="watts_full", label="Full", unit="W", help="With all slots busy."),
    ),
)

POOLS = Part(
    key="pools",
    title="Pools",
    noun="pool",
    help="The workers of one agent type in one zone; a policy scales each pool within its limits.",
    least=1,
    fields=(
        Field(path="name", label="Name", type=Type.TEXT, help="Faults refer to it."),
        Field(
            path="agent_type",
            label="Agent type",
            type=Type.NAME,
            names_of="agent_types",
            help="Of its workers.",
        ),
        Field(
            path="size",
            label="Worker size",
            type=Type.NAME,
            names_of="*sizes",
            help="At the start of the replay.",
        ),
        Field(path="zone", label="Zone", type=Type.NAME, names_of="zones", help="Where it is."),
        Field(
            path="node_group",
            label="Node group",
            type=Type.NAME,
            names_of="node_groups",
            optional=True,
            empty="machines of their own",
            help="Where its workers are placed. Without one each has its own machine and price.",
        ),
        Field(
            path="workers_min",
            label="Fewest workers",
            type=Type.WHOLE,
            help="Kept without demand. 0 allows scale to zero.",
            group="Size",
        ),
        Field(
            path="workers_max",
            label="Most workers",
            type=Type.WHOLE,
            help="No policy can go above it.",
        ),
        Field(
            path="workers_initial",
            label="Workers at the start",
            type=Type.WHOLE,
            optional=True,
            empty="automatic",
            help="Automatic: what the first minute needs at 70 % busy.",
        ),
        Field(
            path="queue",
            label="Requests wait",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in QueueKind),
            help="worker: at the worker they were routed to. pool: in one queue for all.",
            group="Requests",
        ),
        Field(
            path="share",
            label="Share of requests",
            unit="weight",
            help="By which requests that name no agent type are spread over pools.",
        ),
    ),
)
