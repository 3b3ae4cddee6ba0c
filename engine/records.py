"""What a replay leaves behind: flat arrays. Everything after the replay is a function of these."""

import math
from dataclasses import dataclass, field

import numpy as np

from engine.units import AnyArray, FloatArray, IntArray


@dataclass(slots=True)
class DecisionLog:
    """One entry per policy evaluation and pool, as growing columns."""

    tick: list[int] = field(default_factory=list)
    pool: list[int] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    proposed: list[float] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    rationale: list[str | None] = field(default_factory=list)
    """JSON text, None where the policy gave none."""
    guard: list[str | None] = field(default_factory=list)
    """JSON text, None where the guard changed nothing."""
    size: list[str | None] = field(default_factory=list)
    """In which workers are ordered from then on, None where no size was proposed."""
    routing: list[str | None] = field(default_factory=list)
    """JSON text of the router and the weights that were proposed, None where neither was."""
    seen: list[int] = field(default_factory=list)
    """Digest of what the policy saw."""
    wall_ms: list[float] = field(default_factory=list)
    """Wall milliseconds of each evaluation (one entry an evaluation, not a pool)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOrder:
    """Workers ordered by one decision and the moment the first of them is ready."""

    t_s: float
    pool: int
    number: int
    first_ready_s: float | None
    """None where none was ready in the window, be it that the order was cancelled."""


EVENTS = (
    "node-started", "node-returned", "node-noticed", "node-lost", "node-suspended",
    "node-resumed", "workers-moved", "pool-resized", "pool-rerouted",
    "pool-reweighed",
)  # fmt: skip
"""Ordered; given back; told that it will be revoked; revoked or broken; put to sleep; woken;
emptied by migration; another worker size; another router; other weights for routers."""


@dataclass(slots=True)
class EventLog:
    """What happened to machines besides changes of numbers of workers, as growing columns."""

    t_s: list[float] = field(default_factory=list)
    """Seconds into the window."""
    kind: list[str] = field(default_factory=list)
    """One of `EVENTS`."""
    place: list[str] = field(default_factory=list)
    """Name of the node group or pool."""
    number: list[int] = field(default_factory=list)
    """Of nodes or workers."""
    gib: list[float] = field(default_factory=list)
    """Sent over the network for it, nan where nothing is."""

    def note(
        self, t_s: float, kind: str, place: str, number: int = 1, gib: float = math.nan
    ) -> None:
        """Adds an entry, unless it is about none."""
        assert kind in EVENTS
        if number:
            self.t_s.append(t_s)
            self.kind.append(kind)
            self.place.append(place)
            self.number.append(number)
            self.gib.append(gib)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeTicks:
    """How evenly and how safely pools worked. (T, P); T ticks, P pools."""

    imbalance: FloatArray
    """Standard deviation over mean of the workers' busy shares; nan without work."""
    busiest_frac: FloatArray
    """Busy share of the busiest worker, nan without workers."""
    hot_workers: IntArray
    """Busier than mean + 2 standard deviations, or above 90 % for three ticks."""
    memory_frac: FloatArray
    """Share of the workers' memory in use at the tick's end; nan where types do not say it."""
    breakers_open: IntArray
    """Workers with an open or half-open breaker at the tick's end."""
    unreachable_s: FloatArray
    """For which the pool was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTicks:
    """What tenants asked for and got, by tick of arrival. (T, N) for N tenants."""

    names: tuple[str, ...]
    arrived: IntArray
    finished: IntArray
    slo_met: IntArray
    asked_slot_s: FloatArray
    """Work that arrived."""
    served_slot_s: FloatArray
    """Of that, of requests that finished."""
    latency_s: FloatArray
    """Summed over the finished ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What machines are accounted for together."""

    name: str
    """Of the node group, or of the pool whose workers have machines of their own."""
    is_group: bool
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Machines, energy, carbon and money of a replay. T ticks, K places, P pools.

    (T, K) arrays unless said otherwise; nan where the scenario does not say what is needed.
    """

    places: tuple[Place, ...]
    nodes: IntArray
    """Held in the tick, suspended ones included; 0 where there are no node groups."""
    suspended: IntArray
    node_s: FloatArray
    requested_frac: FloatArray
    """Mean share of the nodes that workers take, by the resource of which they take most."""
    busy_frac: FloatArray
    """Mean share of the nodes' power to compute that requests used."""
    busiest_frac: FloatArray
    """That of the busiest node."""
    fragmentation: FloatArray
    """1 - the largest free piece of the nodes over all that is free."""
    hot_nodes: IntArray
    """Busier than mean + 2 standard deviations, or above 90 % for three ticks."""
    energy_kwh: FloatArray
    """Of the site: of the machines times PUE."""
    green_kwh: FloatArray
    """Of that, from renewable energy of the region's own."""
    backup_kwh: FloatArray
    """Of that, from generators."""
    g_per_kwh: FloatArray
    """Carbon intensity of what was not from renewable energy, g CO2e per kWh."""
    operational_g: FloatArray
    """Carbon of the energy, g CO2e."""
    embodied_g: FloatArray
    """Share of the carbon of making the nodes, by time held over lifetime."""
    usd: dict[str, FloatArray]
    """By component, those that the scenario has: on_demand, reserved, spot, owned, energy,
    transfer. Energy only where the machines are owned, because rents include it."""
    pool_usd: FloatArray
    """(T, P) all of the money, nodes' shared out by the worker-seconds that pools had on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the scenario says requests are worth and take; (P,) arrays may be empty."""

    revenue_usd_per_request: float = 0.0
    penalty_usd_per_violation: float = 0.0
    has_cache: bool = False
    gib_per_request: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(P,) sent to the callers."""
    round_trip_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(P,) between the callers and the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All of one finished replay. T ticks, P pools, N requests of the trace window."""

    pools: tuple[str, ...]
    slots: AnyArray
    """(P,) slots per worker; (T, P) their mean where sizes may change."""
    price_usd_per_hour: FloatArray
    """(P,) per provisioned worker."""
    tick_s: float
    window_s: float
    """Length of the window; the last tick may be shorter than `tick_s`."""
    slo_latency_s: float
    counters: IntArray
    """(T, P, columns) as in the simulator: counts by event time, then levels at the tick's end."""
    integrals: FloatArray
    """(T, P, columns) as in the simulator."""
    target: IntArray
    """(T, P) workers asked for during the tick."""
    arrived: IntArray
    """(T, P) by tick of arrival."""
    slo_met: IntArray
    """(T, P) of those, finished within the SLO."""
    latency: tuple[AnyArray, AnyArray, AnyArray, AnyArray]
    """Sparse histogram of finished requests by tick of arrival: tick, pool, bucket, requests."""
    minutes: IntArray
    """(minutes, 3) by minute of arrival: finished, of those within the SLO, failed."""
    outcome: dict[str, int]
    """Requests by what became of them: arrived, finished, queue_timeout, exec_timeout, rejected,
    lost. Those that wait for ever, without a time-out, count as lost too, and those that
    degradation turned away as rejected."""
    decisions: DecisionLog
    orders: tuple[WorkerOrder, ...]
    closed_loop: bool
    requests: dict[str, AnyArray] | None = None
    """seq, pool, arrival_s, start_s, end_s, status of each request that arrived, if kept."""
    accounts: Accounts | None = None
    """None where the scenario says of machines no more than the price of a worker."""
    gauges: GaugeTicks | None = None
    """None where nobody read them."""
    tenants: TenantTicks | None = None
    """None in a scenario without tenants."""
    events: EventLog = field(default_factory=EventLog)
    worth: Worth = field(default_factory=Worth)

    @property
    def ticks(self) -> int:
        """Number of ticks."""
        return len(self.counters)

    @property
    def tick_starts_s(self) -> FloatArray:
        """(T,) seconds since the window's start."""
        return np.arange(self.ticks, dtype=np.float64) * self.tick_s
