"""Fields of tenants, priorities, degradation, faults, promises and the replay itself."""

from app.cluster_fields.base import Field, Part, Plain, Type
from engine.scenario import CostMode, DegradeKind, FaultKind, OnFailure
from engine.scenario.faults import INSTANT, SHARES

TENANTS = Part(
    key="tenants",
    title="Tenants",
    noun="tenant",
    help="On whose behalf requests run. Without any, all requests are equal.",
    entries_down=True,
    fields=(
        Field(
            path="name", label="Name", type=Type.TEXT, help="As in the trace, where it has any."
        ),
        Field(
            path="share",
            label="Share",
            unit="weight",
            help="Of requests that name no tenant. 0: only those that name it.",
        ),
        Field(
            path="priority",
            label="Priority class",
            type=Type.NAME,
            names_of="priority_classes",
            optional=True,
            empty="rank 0",
            help="Whose requests go first.",
        ),
        Field(
            path="floor_frac",
            label="Floor",
            unit="share 0 to 1",
            help="Of each pool's slots, guaranteed to it.",
        ),
        Field(
            path="regions",
            label="May run in",
            type=Type.NAMES,
            names_of="regions",
            optional=True,
            empty="anywhere",
            help="Residency: its requests run nowhere else.",
        ),
        Field(
            path="group_size",
            label="Group size",
            type=Type.WHOLE,
            help="So many of its requests start all together or not at all.",
        ),
    ),
)

PRIORITY_CLASSES = Part(
    key="priority_classes",
    title="Priority classes",
    noun="priority class",
    help="Requests of a higher rank are served first.",
    entries_down=True,
    fields=(
        Field(path="name", label="Name", type=Type.TEXT, help="Tenants refer to it."),
        Field(
            path="rank",
            label="Rank",
            unit="-8 to 8",
            type=Type.WHOLE,
            help="The larger, the earlier served.",
        ),
        Field(
            path="aging_s",
            label="Counts one rank higher after",
            unit="s",
            optional=True,
            empty="never",
            help="A waiting request, so that none starves.",
        ),
    ),
)

PARTITIONS = Part(
    key="partitions",
    title="Partitions",
    noun="partitions",
    help="Slots of each pool divided among tenants by floor and recent demand.",
    many=False,
    switch="Divide slots among tenants",
    fields=(
        Field(path="every_s", label="Balanced every", unit="s", help="After recent demand."),
        Field(
            path="hysteresis_frac",
            label="Only if off by more than",
            unit="share 0 to 1",
            help="Of the pool.",
        ),
    ),
)


def _sheds(entry: Plain) -> bool:
    return bool(entry["kind"] == DegradeKind.SHED.value)


DEGRADATION = Part(
    key="degradation",
    title="Degradation under overload",
    noun="degradation level",
    help="What is given up when a pool is overloaded, level by level.",
    entries_down=True,
    fields=(
        Field(
            path="kind",
            label="What is given up",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in DegradeKind),
            help="shed: low ranks are rejected. cached: a share is answered from the cache. "
            "smaller-model: work is shorter. deadline: late requests are rejected.",
        ),
        Field(
            path="above",
            label="Entered above",
            unit="requests per slot",
            help="Held by the pool's ready workers.",
        ),
        Field(
            path="below",
            label="Left below",
            unit="requests per slot",
            help="At most the load at which it is entered.",
        ),
        Field(
            path="amount",
            label="Amount",
            unit="share, or s",
            help="cached: share of requests. smaller-model: share of the work. deadline: seconds.",
            used=lambda entry: not _sheds(entry),
        ),
        Field(
            path="rank",
            label="Shed below rank",
            type=Type.WHOLE,
            help="Requests of a lower rank are rejected.",
            used=_sheds,
        ),
    ),
)

COUNTED = (
    FaultKind.WORKER_CRASH,
    FaultKind.NODE_LOSS,
    FaultKind.SLOW_WORKER,
    FaultKind.SPOT_REVOCATION,
)
FACTORED = (*SHARES, FaultKind.METRIC_DELAY)

FAULTS = Part(
    key="faults",
    title="Fault plan",
    noun="fault",
    help="What breaks, when, where and for how long. Every policy meets the same faults.",
    entries_down=True,
    fields=(
        Field(
            path="kind",
            label="What",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in FaultKind),
            help="The kind of failure.",
        ),
        Field(path="at_s", label="At", unit="s", help="Since the start of the window."),
        Field(
            path="for_s",
            label="For",
            unit="s",
            help="How long it lasts.",
            used=lambda entry: entry["kind"] not in {kind.value for kind in INSTANT},
        ),
        Field(
            path="where",
            label="Where",
            type=Type.NAME,
            names_of="*places",
            optional=True,
            empty="everywhere",
            help="The pool, node group, zone or region concerned.",
            used=lambda entry: entry["kind"] != FaultKind.TOOL_OUTAGE.value,
        ),
        Field(
            path="count",
            label="How many",
            type=Type.WHOLE,
            help="Workers or nodes.",
            used=lambda entry: entry["kind"] in {kind.value for kind in COUNTED},
        ),
        Field(
            path="factor",
            label="Factor",
            unit="share, or s",
            help="slow-worker: speed left. start-failure: probability. metric-loss: share of "
            "samples missing. metric-delay: seconds.",
            used=lambda entry: entry["kind"] in {kind.value for kind in FACTORED},
        ),
    ),
)

RANDOM_FAULTS = Part(
    key="",
    title="Random faults",
    noun="scenario",
    help="On top of the plan, from the scenario's seed: the same for every policy.",
    many=False,
    fields=(
        Field(
            path="random_faults_per_day",
            label="Worker crashes",
            unit="per pool and day",
            help="At random moments.",
        ),
    ),
)

SLO = Part(
    key="slo",
    title="SLO",
    noun="SLO",
    help="What users were promised.",
    many=False,
    fields=(
        Field(
            path="latency_s",
            label="Latency",
            unit="s",
            help="A request meets its SLO when it finishes within this time of its arrival.",
        ),
        Field(
            path="attainment_frac",
            label="Target",
            unit="share 0 to 1",
            help="Share of requests that should meet it.",
        ),
        Field(
            path="penalty_usd_per_violation",
            label="Penalty",
            unit="USD per violation",
            help="For each unbroken run of minutes that broke the SLO.",
        ),
        Field(
            path="revenue_usd_per_request",
            label="Revenue",
            unit="USD per request",
            help="What a request brings in that meets its SLO; at risk with those that do not.",
        ),
    ),
)

PRIORITIES = Part(
    key="priorities",
    title="Priorities",
    noun="priorities",
    help="What matters, as weights; only their ratios count. The policy smartscale decides by "
    "them, unless a profile or weights of its own are typed; other policies do not weigh.",
    many=False,
    fields=(
        Field(path="w_latency", label="α latency", unit="weight", help="Speed for users."),
        Field(path="w_utilisation", label="β utilisation", unit="weight", help="Busy workers."),
        Field(path="w_cost", label="γ cost", unit="weight", help="Money."),
        Field(path="w_reliability", label="δ reliability", unit="weight", help="Few failures."),
        Field(path="w_carbon", label="Carbon", unit="weight", help="Emissions."),
        Field(
            path="carbon_threshold_g_per_kwh",
            label="Carbon threshold",
            unit="g CO₂e/kWh",
            optional=True,
            empty="never",
            help="Grid intensity above which actions that raise emissions are masked.",
        ),
        Field(
            path="carbon_threshold_percentile",
            label="Or a percentile of each grid",
            unit="1 to 99",
            optional=True,
            empty="none",
            help="In place of one threshold: each region's own, that percentile of the whole "
            "history of its grid. At 90 growth stops in its dirtiest tenth. The intensity must "
            "change: a carbon trace, or a typical day other than flat.",
        ),
    ),
)

SAMPLING = Part(
    key="sampling",
    title="Series as requests",
    noun="sampling",
    help="How a recorded series becomes requests.",
    many=False,
    fields=(
        Field(path="scale", label="Scale", unit="×", help="Multiplies the series' rate."),
        Field(
            path="dispersion",
            label="Dispersion",
            unit="variance ÷ mean",
            optional=True,
            empty="Poisson",
            help="Of counts in 10 s; 1 or more.",
        ),
    ),
)

REPLAY = Part(
    key="",
    title="Replay",
    noun="scenario",
    help="What holds for the whole replay.",
    many=False,
    fields=(
        Field(path="name", label="Name", type=Type.TEXT, help="Of the scenario."),
        Field(
            path="tick_s", label="Control interval", unit="s", help="How often policies decide."
        ),
        Field(path="seed", label="Seed", type=Type.WHOLE, help="Same seed, same result."),
        Field(
            path="cost_mode",
            label="Nodes are",
            type=Type.CHOICE,
            choices=tuple(mode.value for mode in CostMode),
            help="rented: prices include energy. owned: purchase over the lifetime, and energy.",
        ),
        Field(
            path="on_failure",
            label="After a failed request a session",
            type=Type.CHOICE,
            choices=tuple(kind.value for kind in OnFailure),
            help="continue: goes on after the tool wait. abandon: ends.",
        ),
        Field(
            path="keep_requests",
            label="Keep a row per request",
            type=Type.FLAG,
            help="With the run; otherwise histograms only.",
        ),
    ),
)
