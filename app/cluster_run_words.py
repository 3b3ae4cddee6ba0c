"""Words of what *Compare* says of machines, tenants, faults and routing."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.routes import FACTOR_MEANINGS, Route

TITLE = "Machines, tenants, faults and routing"
CHOOSE = "Look at"
ENERGY, CARBON, TENANTS, FAULTS, ROUTING = "Energy", "Carbon", "Fairness", "Faults", "Routing"
MEASURE = "Measure"
RUN = "Run"
PLACES_ALT = "Node hours, energy, carbon and money of each place and run"
TENANTS_ALT = "What each tenant asked for and got in each run"
FAULTS_ALT = "Planned faults, with SLO attainment while each lasted"
EVENTS_ALT = "What happened to machines in this run"
EVENTS_TITLE = "What happened to machines"
NO_EVENTS = "Nothing happened to machines in this window."
NOT_ALL_SHOWN = "Only the first of them are shown."
FAULT_ROWS = (
    "Each row is a planned fault: SLO attainment of requests that arrived while it lasted, in the "
    "5 minutes after a moment, and in the whole run for comparison. Grey bands in the chart mark "
    "the faults."
)
FAULTS_RANDOM = "No fault was planned; what broke at random is in the list below."
ATTAINED_DURING = "SLO attainment then"
ATTAINED_WHOLE = "In the whole window"
FAULT, WHEN = "Fault", "When"
PLACE, REGION = "Place", "Region"
MACHINES_CAPTION = "All places together; the table below has each one."
ENERGY_UNKNOWN = (
    "Energy and carbon are measured where the scenario gives the power of every machine; see the "
    "page Cluster, Power full."
)
TENANT_CAPTION = "By time of arrival."
JAIN_HELP = (
    "Jain index of the tenants' SLO attainment: 1 when all fare alike, 1 ÷ their number when one "
    "has everything."
)
OTHERS_LEFT_OUT = "Not measured in these runs:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column that can be drawn over time."""

    column: str
    label: str
    unit: str
    how: str
    """What a step that covers several ticks shows."""
    meaning: str

    @property
    def title(self) -> str:
        """Of the axis."""
        return f"{self.label} ({self.unit})"


ENERGY_MEASURES = (
    Measure(column="watts", label="Power", unit="W", how="mean", meaning="Of all sites."),
    Measure(
        column="nodes", label="Nodes held", unit="nodes", how="mean",
        meaning="Also while starting or suspended.",
    ),
    Measure(
        column="busy_frac", label="Nodes busy", unit="share", how="mean",
        meaning="Share of the nodes' cores or GPUs that work on requests.",
    ),
    Measure(
        column="requested_frac", label="Nodes taken", unit="share", how="mean",
        meaning="Share of the nodes that workers take.",
    ),
    Measure(
        column="green_watts", label="Renewable power", unit="W", how="mean",
        meaning="From the green budgets of the regions.",
    ),
    Measure(
        column="backup_watts", label="Generator power", unit="W", how="mean",
        meaning="While the grid is out.",
    ),
    Measure(
        column="cost_usd_per_h", label="Cost", unit="USD/h", how="mean",
        meaning="Rent, purchase, energy and transfer.",
    ),
)  # fmt: skip
CARBON_MEASURES = (
    Measure(
        column="carbon_g_per_h", label="Carbon", unit="g CO₂e/h", how="mean",
        meaning="Energy times intensity, with the share of making the nodes.",
    ),
    Measure(
        column="g_per_kwh", label="Grid intensity", unit="g CO₂e/kWh", how="mean",
        meaning="Of what is not renewable, by the power of each place.",
    ),
)  # fmt: skip
TENANT_MEASURES = (
    Measure(
        column="attainment_frac", label="SLO attainment", unit="share", how="mean",
        meaning="Of requests that arrived then.",
    ),
    Measure(
        column="latency_mean_s", label="Mean latency", unit="s", how="mean",
        meaning="Of requests that finished.",
    ),
    Measure(
        column="served_slots", label="Slots in use", unit="slots", how="mean",
        meaning="Work of the tenant's requests.",
    ),
    Measure(
        column="arrived_per_s", label="Arrivals", unit="1/s", how="mean",
        meaning="Requests of the tenant.",
    ),
    Measure(
        column="failed_per_s", label="Failures", unit="1/s", how="mean",
        meaning="Requests of the tenant that did not finish.",
    ),
)  # fmt: skip
FAULT_MEASURES = (
    Measure(
        column="failed_per_s", label="Failures", unit="1/s", how="mean",
        meaning="Time-outs, rejections and losses, by time of failure.",
    ),
    Measure(
        column="retried_per_s", label="Retries", unit="1/s", how="mean",
        meaning="Attempts after a failure.",
    ),
    Measure(
        column="retrying", label="Waiting for a retry", unit="requests", how="highest value",
        meaning="Requests between two attempts.",
    ),
    Measure(
        column="shed_per_s", label="Shed", unit="1/s", how="mean",
        meaning="Requests that degradation turned away.",
    ),
    Measure(
        column="degraded_per_s", label="Degraded answers", unit="1/s", how="mean",
        meaning="Requests answered from a cache or by a smaller model.",
    ),
    Measure(
        column="crashed", label="Workers crashed", unit="workers", how="sum",
        meaning="In each step.",
    ),
    Measure(
        column="start_failed", label="Failed starts", unit="workers", how="sum",
        meaning="In each step.",
    ),
    Measure(
        column="breakers_open", label="Breakers open", unit="workers", how="highest value",
        meaning="Workers whose circuit breaker is open or half-open.",
    ),
    Measure(
        column="unreachable_frac", label="Cut off", unit="share", how="mean",
        meaning="Share of the time in which a pool could not be reached.",
    ),
    Measure(
        column="at_risk_usd_per_h", label="Revenue at risk", unit="USD/h", how="mean",
        meaning="Of requests that missed their SLO.",
    ),
)  # fmt: skip
ROUTING_MEASURES = (
    Measure(
        column="routed_per_s", label="Requests to route", unit="1/s", how="mean",
        meaning="Arrivals, for the first time or again: what a router has to decide on.",
    ),
    Measure(
        column="imbalance", label="Imbalance", unit="deviation ÷ mean", how="mean",
        meaning="Standard deviation of the workers' busy shares, in the pool where it is largest.",
    ),
    Measure(
        column="busiest_frac", label="Busiest worker", unit="share", how="highest value",
        meaning="Busy share of the worker that has most to do.",
    ),
    Measure(
        column="hot_workers", label="Hot workers", unit="workers", how="mean",
        meaning="Busier than mean + 2 standard deviations, or above 90 % for three ticks.",
    ),
    Measure(
        column="hits_worker_per_s", label="Cache hits, worker", unit="1/s", how="mean",
        meaning="Requests whose prefix was in the worker's own memory.",
    ),
    Measure(
        column="hits_zone_per_s", label="Cache hits, zone", unit="1/s", how="mean",
        meaning="Requests whose prefix came from the zone's cache.",
    ),
    Measure(
        column="hits_store_per_s", label="Cache hits, store", unit="1/s", how="mean",
        meaning="Requests whose prefix came from the region's store.",
    ),
    Measure(
        column="memory_frac", label="Memory in use", unit="share", how="highest value",
        meaning="Of the workers of the fullest pool.",
    ),
    Measure(
        column="round_trip_s", label="Network round trip", unit="s", how="mean",
        meaning="Between callers and regions, per finished request.",
    ),
    Measure(
        column="transfer_gib_per_h", label="Transfer", unit="GiB/h", how="mean",
        meaning="Data sent to callers.",
    ),
)  # fmt: skip
EVENTS: Mapping[str, str] = {
    "node-started": "Nodes ordered",
    "node-returned": "Nodes given back",
    "node-noticed": "Nodes told that they will be revoked",
    "node-lost": "Nodes lost",
    "node-suspended": "Nodes put to sleep",
    "node-resumed": "Nodes woken",
    "workers-moved": "Workers moved",
    "pool-resized": "Workers of another size",
    "pool-rerouted": "Requests routed by another rule",
    "pool-reweighed": "Workers given other routing weights",
}

ROUTE_TITLE = "Why did a request go where it went?"
ROUTE_HELP = "One routing decision: each worker that could have had the request, best first."
ROUTE_AT = "Next request from (s)"
ROUTE_AT_HELP = (
    "Seconds since the trace's start. The first request to arrive from then on is taken."
)
ROUTE_ASK = "Explain"
LEVELS_ALT = "The best regions, zones and nodes with their scores, and which were chosen"
CANDIDATES_ALT = "Factors of each worker that could have had the request, best first"
CANDIDATES_CAPTION = (
    "The router ranks by the score; the factors are what it could look at. Point at a heading for "
    "its meaning."
)
FEW_CANDIDATES = 12
BEST_OF_LEVEL = 5
LEVEL, NAME, SCORE, CHOSEN, WORKER, NODE = "Level", "Name", "Score", "Chosen", "Worker", "Node"
_DECIDED = {
    "score": "the best score",
    "credit": "the most credit",
    "turn": "its turn",
    "draw": "a draw",
    "session": "its session, which that worker served last",
    "nobody": "no worker that may have it",
}


def route(found: Route, when: str) -> str:
    """What became of a request, in words."""
    of = "" if found.tenant is None else f" of tenant {found.tenant}"
    where = (
        f"the queue of pool {found.pool}"
        if found.worker is None
        else f"worker {found.worker} of pool {found.pool}"
    )
    text = (
        f"Request {found.request}{of} arrives at {when}; the router {found.router} sends it to "
        f"{where} by {_DECIDED[found.decided_by]}: {found.ending}."
    )
    if found.runner_up is None or found.margin is None:
        return text
    return f"{text} Runner-up: worker {found.runner_up}, {found.margin:.4g} behind."


def factor_helps() -> dict[str, str]:
    """Meaning of each factor by its heading."""
    return {factor(name): meaning.capitalize() for name, meaning in FACTOR_MEANINGS.items()}


def factor(name: str) -> str:
    """Heading of a factor."""
    return "CPU" if name == "cpu" else name.replace("_", " ").capitalize()


def left_out(names: list[str]) -> str:
    """Below the scorecard: which figures no run measured."""
    return f"{OTHERS_LEFT_OUT} {', '.join(names).lower()}." if names else ""
