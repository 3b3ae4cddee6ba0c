"""The contract between the replay and a policy: what it may see, what it may answer, and why.

A policy from outside the project is one class with `interval_s` and `propose`, registered under
the entry-point group `smartscale.policies`; see the README for one in 20 lines.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np

from engine.scenario import Priorities, RouterKind
from engine.units import FloatArray, Int32Array, IntArray

KEEP = -1
"""A target that means: no opinion on this pool, leave it as it is."""

MANY = 2**31 - 1
"""More workers than there ever are."""


class Reason(StrEnum):
    """What bound a decision. Stored with every decision, read by the explain page."""

    FIXED = "fixed"
    """Static capacity: the number was decided before the replay."""
    WITHIN_TOLERANCE = "within_tolerance"
    WITHIN_BAND = "within_band"
    BREACH_TOO_SHORT = "breach_too_short"
    """Outside the band, but not yet for long enough."""
    UNCERTAIN_METRICS = "uncertain_metrics"
    """Workers without a usable sample leave the direction open: no change."""
    ROUNDING = "rounding"
    """Outside the tolerance, but rounded up to whole workers it is the same size."""
    DEMAND_UP = "demand_up"
    DEMAND_DOWN = "demand_down"
    STABILIZED = "stabilized"
    COOLDOWN = "cooldown"
    RATE_LIMIT = "rate_limit"
    MIN_WORKERS = "min_workers"
    MAX_WORKERS = "max_workers"
    LARGER_SIZE = "larger_size"
    SMALLER_SIZE = "smaller_size"
    SITED = "sited"
    """Workers of the same agent type elsewhere are cheaper, cleaner or safer."""
    NO_ROOM = "no_room"
    """The pool's nodes are full, and there may be no more of them."""
    CARBON = "carbon"
    """The grid is too dirty to grow now."""
    SLO_FLOOR = "slo_floor"
    """The forecast's upper quantile needs more capacity than was proposed."""
    BUDGET = "budget"
    HELD = "held"
    """A person ordered this size."""
    METRICS_MISSING = "metrics_missing"
    NOT_DUE = "not_due"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFacts:
    """What a policy may know of a size that a pool's workers can have."""

    name: str
    slots: int
    speed: float
    """Divides service times."""
    price_usd_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """What a policy may know of a pool before the replay starts."""

    name: str
    agent_type: str
    slots: int
    """Concurrent requests per worker."""
    workers_min: int
    workers_max: int
    workers_initial: int
    startup_mean_s: float
    """Mean seconds from the order of a worker to its readiness."""
    price_usd_per_hour: float
    peak_busy_slots: float
    """Peak of the trace's *historic* demand in busy slots (mean over the busiest minute). This is
    the one look at the whole trace that is allowed, for sizing fixed capacity; the static rule
    states it. NaN where there is no history. A preview, which replays parts of a window, gives
    that of the whole one to policies whose class says `sees_peak = True`."""
    sizes: tuple[SizeFacts, ...] = ()
    """That its workers can have; `slots` and price above are of the size at the start."""
    size: str = "standard"
    """Of its workers at the start."""
    region: str = ""
    delay_s: float = 0.0
    """Round trip between the callers and the region."""
    says_memory: bool = False
    """Whether it is known what memory requests take."""
    resize_s: float = 0.0
    """That a worker takes to change its size in place; 0 where another one is started instead."""


def without_limits(
    pools: tuple[PoolFacts, ...], reasons: Collection[Reason]
) -> tuple[PoolFacts, ...]:
    """The pools where those of their limits that are among `reasons` no longer bind."""
    if Reason.MIN_WORKERS in reasons:
        pools = tuple(replace(pool, workers_min=0) for pool in pools)
    if Reason.MAX_WORKERS in reasons:
        pools = tuple(replace(pool, workers_max=MANY) for pool in pools)
    return pools


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """What will arrive: for oracles only, the bounds that other policies are measured against.

    A policy gets it only if its class says `sees_future = True`. N requests in the order of the
    trace; in closed loops they arrive as recorded.
    """

    arrival_s: FloatArray
    """(N,) seconds into the window."""
    work_s: FloatArray
    """(N,) seconds of service alone on a worker."""
    pool: Int32Array
    """(N,)"""
    window_s: float
    plan: IntArray | None = None
    """(ticks, pools) sizes that local search found, where it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """Everything fixed during a replay that a policy may use."""

    pools: tuple[PoolFacts, ...]
    groups: tuple[str, ...] = ()
    """Names of the node groups, in the order of `Action.groups`."""
    tick_s: float
    slo_latency_s: float
    seed: int
    future: Future | None = None
    """Only for oracles."""
    carbon_threshold_g_per_kwh: float | None = None
    """Of the priorities: growth is unwelcome on a dirtier grid; None: there is none, or each grid
    has its own, which observations tell."""
    priorities: tuple[float, ...] = Priorities().weights
    """(5,) the scenario's weights of latency, utilisation, cost, reliability and carbon, of which
    only ratios count."""
    weighs_pools: bool = False
    """Whether requests are routed among the pools of an agent type by weights of pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """The workers of one pool as a metrics server sees them, one entry a provisioned worker."""

    started_s: FloatArray
    """(workers,) when the worker was ordered."""
    ready_s: FloatArray
    """(workers,) when it became ready, NaN while starting."""
    draining: Int32Array
    """(workers,) 1 while draining (Kubernetes: being deleted)."""
    utilisation: FloatArray
    """(workers,) mean busy share of its slots over the last tick, 0 to 1; NaN: no sample."""
    memory_frac: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(workers,) share of its memory in use at the end of the last tick, NaN: no sample; empty
    where the scenario does not say what memory requests take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The cluster at the end of a tick. Arrays have one entry a pool unless said otherwise."""

    t_s: float
    """Now. Nothing in here happened later."""
    tick_s: float
    target: IntArray
    """(pools,) workers asked for: starting + ready."""
    starting: IntArray
    ready: IntArray
    draining: IntArray
    queued: IntArray
    """(pools,) requests waiting now."""
    in_service: IntArray
    """(pools,) requests holding a slot now."""
    arrived: IntArray
    """(pools,) arrivals during the last tick."""
    finished: IntArray
    failed: IntArray
    """(pools,) time-outs, rejections and losses during the last tick."""
    offered_slots: FloatArray
    """(pools,) work that arrived in the last tick, as mean busy slots it needs."""
    busy_slots: FloatArray
    """(pools,) mean busy slots over the last tick."""
    p95_s: FloatArray
    """(pools,) 95th percentile of latency of requests that ended in the last tick, NaN if none."""
    workers: tuple[WorkerView, ...]
    """One view a pool."""
    size: tuple[str, ...] = ()
    """One a pool: of the workers that are ordered now."""
    resizing: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """(pools,) workers, starting or ready, that do not have that size yet."""
    grid_g_per_kwh: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(pools,) carbon intensity of the pool's grid over the last tick; at the start: of the
    first one."""
    carbon_threshold_g_per_kwh: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(pools,) that of the pool's own grid, where thresholds are percentiles of histories; empty:
    the context's holds."""
    price_usd_per_hour: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(pools,) of a worker of the present size now, by its share of a node where it is on one."""
    green_kw: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(pools,) renewable power that came in the pool's region over the last tick; all pools of a
    region share it."""
    green_left_kwh: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(pools,) of the renewable energy that came there since local midnight, what nobody has used
    yet; it lapses at the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAction:
    """What a policy wants of the nodes of a group, once. What it costs is in the replay.

    Moving takes the group's `migrate_s`, in which the worker is held twice; a sleeping node draws
    its own power and takes `resume_s` to wake up.
    """

    empty_frac: float = 0.0
    """Share of the nodes in use that are emptied by migration, those least taken first, as far as
    their workers fit on the others."""
    suspend_below_frac: float = 0.0
    """Nodes that were less busy over the last tick are put to sleep: empty ones at once, others
    when their workers have moved, as far as they fit elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingWeights:
    """What routers give a pool and its workers, until they are given others. All above 0."""

    pool: float = 1.0
    """Beside the other pools of its agent type, for the hierarchical router: its turns among the
    zones of a region, and its free slots in the choice of a region, count so much."""
    sizes: Mapping[str, float] = field(default_factory=dict)
    """By worker size, 1 where none is named: turns of the weighted round robin, and a factor of
    the score for the routers that score (the divisor where less is better)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a policy proposes. A policy may leave pools alone with `KEEP`."""

    target: FloatArray
    """(pools,) workers wanted (starting + ready); fractions are quantised upwards by the guard."""
    reason: tuple[Reason, ...]
    """One a pool: what bound the proposal."""
    rationale: tuple[Mapping[str, Any], ...] = field(default=())
    """One a pool, JSON-able: the numbers behind it. Empty: none given."""
    size: tuple[str | None, ...] = ()
    """One a pool: the worker size wanted, None: as it is. Empty: all as they are."""
    groups: tuple[GroupAction | None, ...] = ()
    """One a node group: what is wanted of its nodes. Empty: nothing."""
    router: tuple[RouterKind | None, ...] = ()
    """One a pool: how its requests are routed from now on, None: as they are. Empty: all as they
    are. The hierarchical router chooses among pools, so it is for the scenario alone."""
    weights: tuple[RoutingWeights | None, ...] = ()
    """One a pool: what routers give it and its workers from now on, None: as it is. Empty: all as
    they are."""


@runtime_checkable
class Policy(Protocol):
    """observe → propose. One instance serves one run; it may keep state between calls."""

    interval_s: float
    """Seconds between evaluations; a multiple of the scenario's tick."""

    def propose(self, observation: Observation) -> Action:
        """The action for what was observed. Must not look at a clock or at global state."""
        ...


@runtime_checkable
class Liftable(Protocol):
    """A policy that can say what it would have done without one of its own constraints."""

    constraints: tuple[Reason, ...]
    """Those that it has, the last to act first."""

    def without(self, *reasons: Reason) -> Policy:
        """A copy, with its memory, in which these no longer bind; others are ignored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a learned policy wants what it wants. P pools, G groups of what it sees."""

    groups: tuple[str, ...]
    """Names of the groups, in plain words."""
    attribution: FloatArray
    """(P, G) by how many workers the wanted size changes if the policy does not see the group."""
    unit: str = "workers"
    """Of the attribution."""
    attention: FloatArray | None = None
    """(P, G) shares of attention through all layers, summing to 1; None: the policy has none."""
    heads: FloatArray | None = None
    """(P, L, H, G) the same of each layer and head alone."""
    scores: tuple[str, ...] = ()
    """Names of the parts of the reward, for `values`."""
    neighbours: tuple[int, ...] = ()
    """Sizes that `values` are of, as differences to the chosen one."""
    values: FloatArray | None = None
    """(P, neighbours, scores) what the critics expect; None: no critics at hand."""


@runtime_checkable
class Explains(Protocol):
    """A policy that can say what in the observation moved it."""

    def explain(self, observation: Observation) -> Explanation | None:
        """Asked instead of `propose` of a copy; None: nothing to say yet."""
        ...


@runtime_checkable
class OwnLoop(Protocol):
    """A policy that can play a whole replay faster than tick by tick, with the same sizes."""

    def played(self, run: Any, cancel: Callable[[], bool] | None) -> bool:
        """Plays it for its measures alone; False, and nothing done, where it cannot."""
        ...


class PolicyFactory(Protocol):
    """A policy class: called once per run with the context and the parameters typed by people."""

    def __call__(self, context: PolicyContext, **parameters: Any) -> Policy:
        """A fresh policy. Raises PolicyError for a parameter out of range."""
        ...
