"""The scenario as a whole."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import did_you_mean
from engine.scenario.checks import at_least, at_most, refuse, refuse_constant, unique
from engine.scenario.faults import Fault, FaultKind
from engine.scenario.guarding import Guard
from engine.scenario.places import CostMode, NodeGroup, NodeType, Purchase, Region, Zone
from engine.scenario.promises import Priorities, Sampling, Slo
from engine.scenario.routing import Cache, Retry, Router, RouterKind
from engine.scenario.siting import Siting
from engine.scenario.tenancy import Degradation, Partitions, PriorityClass, Tenant
from engine.scenario.workers import AgentType, Pool, WorkerSize

TICK_MIN_S, TICK_MAX_S = 1e-3, 86400.0


class OnFailure(StrEnum):
    """What a session does when one of its requests fails."""

    CONTINUE = "continue"
    """Its next request comes after the tool wait all the same."""
    ABANDON = "abandon"
    """The rest of the session never arrives."""


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
    regions: tuple[Region, ...] = (Region(),)
    zones: tuple[Zone, ...] = (Zone(),)
    node_types: tuple[NodeType, ...] = ()
    node_groups: tuple[NodeGroup, ...] = ()
    cost_mode: CostMode = CostMode.RENTED
    router: Router = field(default_factory=Router)
    siting: Siting | None = None
    """None: each pool has the workers that its policy asks for."""
    cache: Cache | None = None
    retry: Retry = field(default_factory=Retry)
    tenants: tuple[Tenant, ...] = ()
    priority_classes: tuple[PriorityClass, ...] = ()
    partitions: Partitions | None = None
    degradation: tuple[Degradation, ...] = ()
    faults: tuple[Fault, ...] = ()
    random_faults_per_day: float = 0.0
    """Worker crashes per pool and day at random moments, on top of the plan."""
    guard: Guard | None = None
    """None: only the pools' limits, the room on their nodes and a carbon threshold hold."""
    keep_requests: bool = False
    """Store a row per request with the run; otherwise histograms only."""

    def __post_init__(self) -> None:
        if not TICK_MIN_S <= self.tick_s <= TICK_MAX_S:
            refuse(
                f"tick_s is {self.tick_s}", "scenario", f"Use {TICK_MIN_S:g} to {TICK_MAX_S:g} s"
            )
        if self.seed < 0:
            refuse(f"seed is {self.seed}", "scenario", "Use 0 or more")
        if not self.pools or not self.agent_types:
            refuse("there is no pool or no agent type", "scenario", "Add at least one of each")
        at_least(self, "scenario", 0.0, "random_faults_per_day")
        at_most(self, "scenario", 100_000, "random_faults_per_day")
        _check_names(self)
        if self.siting is not None and self.router.kind is not RouterKind.HIERARCHICAL:
            refuse(
                f"the router {self.router.kind.value!r} keeps requests in the pool they came to",
                "siting",
                "Use the router hierarchical, which sends them where the workers are",
            )
        if sum(pool.share for pool in self.pools) <= 0:
            refuse("every pool's share is 0", "pools", "Give at least one a share above 0")

    def agent_type_of(self, pool: Pool) -> AgentType:
        """The agent type whose workers the pool holds."""
        return next(kind for kind in self.agent_types if kind.name == pool.agent_type)

    def size_of(self, pool: Pool) -> WorkerSize:
        """The size that the pool's workers have at the start."""
        return next(s for s in self.agent_type_of(pool).all_sizes if s.name == pool.size)

    def node_type_of(self, group: NodeGroup) -> NodeType:
        """The kind of machine of a node group."""
        return next(kind for kind in self.node_types if kind.name == group.node_type)

    def region_of(self, zone: str) -> Region:
        """The region that the zone of this name lies in."""
        name = next(entry.region for entry in self.zones if entry.name == zone)
        return next(region for region in self.regions if region.name == name)


def _known(name: str | None, names: list[str], kind: str, where: str) -> None:
    if name is not None and name not in names:
        refuse(f"unknown {kind} {name!r}", where, did_you_mean(name, names))


def _check_names(scenario: Scenario) -> None:
    """Every name is used once and every reference is to a name that is there."""
    names = {
        part: [entry.name for entry in getattr(scenario, part)]
        for part in (
            "agent_types",
            "pools",
            "regions",
            "zones",
            "node_types",
            "node_groups",
            "tenants",
            "priority_classes",
        )
    }
    for part, used in names.items():
        unique(used, part)
    for zone in scenario.zones:
        _known(zone.region, names["regions"], "region", f"zone {zone.name!r}")
    for group in scenario.node_groups:
        where = f"node group {group.name!r}"
        _known(group.node_type, names["node_types"], "node type", where)
        _known(group.zone, names["zones"], "zone", where)
        kind = scenario.node_type_of(group)
        if scenario.cost_mode is CostMode.RENTED and kind.usd_per_hour_as(group.purchase) is None:
            refuse(
                f"node type {kind.name!r} has no {group.purchase.value} price",
                where,
                f"Give it usd_per_hour_{group.purchase.value}, or buy on demand",
            )
        if scenario.cost_mode is CostMode.OWNED and not kind.has_power:
            refuse(
                f"node type {kind.name!r} has no power, but its energy is to be paid",
                where,
                "Give it watts_idle and watts_full or power_points, or use the cost mode rented",
            )
    for tenant in scenario.tenants:
        where = f"tenant {tenant.name!r}"
        _known(tenant.priority, names["priority_classes"], "priority class", where)
        for region in tenant.regions:
            _known(region, names["regions"], "region", where)
    for pool in scenario.pools:
        _check_pool(scenario, pool, names)
    _check_events(scenario, names)


def _check_events(scenario: Scenario, names: dict[str, list[str]]) -> None:
    for fault in scenario.faults:
        _check_fault(scenario, fault, names)
    for hold in () if scenario.guard is None else scenario.guard.holds:
        _known(hold.pool, names["pools"], "pool", "guard: holds")
        kind = next(pool.agent_type for pool in scenario.pools if pool.name == hold.pool)
        together = [pool.name for pool in scenario.pools if pool.agent_type == kind]
        if scenario.siting is not None and len(together) > 1:
            refuse(
                f"pool {hold.pool!r} is held, but its workers are sited among {len(together)}",
                "guard: holds",
                "Leave out siting, or keep the pool's size by workers_min and workers_max",
            )


def _check_pool(scenario: Scenario, pool: Pool, names: dict[str, list[str]]) -> None:
    where = f"pool {pool.name!r}"
    _known(pool.agent_type, names["agent_types"], "agent type", where)
    _known(pool.zone, names["zones"], "zone", where)
    region = scenario.region_of(pool.zone)
    if scenario.priorities.carbon_threshold_percentile is not None and region.is_constant:
        refuse_constant(region.name)
    _known(pool.node_group, names["node_groups"], "node group", where)
    sizes = [size.name for size in scenario.agent_type_of(pool).all_sizes]
    _known(pool.size, sizes, "worker size", where)
    for group in scenario.node_groups:
        if group.name == pool.node_group and group.zone != pool.zone:
            refuse(
                f"its node group {group.name!r} lies in zone {group.zone!r}",
                where,
                f"Put both into one zone; the pool says {pool.zone!r}",
            )
        if group.name == pool.node_group:
            _check_fit(scenario, pool, group, where)


def _check_fit(scenario: Scenario, pool: Pool, group: NodeGroup, where: str) -> None:
    kind = scenario.node_type_of(group)
    size = scenario.size_of(pool)
    for need in ("cpu_cores", "memory_gib", "gpus"):
        if getattr(size, need) > getattr(kind, need):
            refuse(
                f"a worker takes {getattr(size, need):g} {need}, node type {kind.name!r} has "
                f"{getattr(kind, need):g}",
                where,
                "Use a larger node type or a smaller worker size",
            )


PLACES = {
    FaultKind.WORKER_CRASH: "pools",
    FaultKind.NODE_LOSS: "node_groups",
    FaultKind.ZONE_PARTITION: "zones",
    FaultKind.SLOW_WORKER: "pools",
    FaultKind.START_FAILURE: "pools",
    FaultKind.METRIC_LOSS: "pools",
    FaultKind.METRIC_DELAY: "pools",
    FaultKind.SPOT_REVOCATION: "node_groups",
    FaultKind.GRID_OUTAGE: "regions",
}
"""Of what kind of part a fault's `where` is the name; tool outages have no place."""


def _check_fault(scenario: Scenario, fault: Fault, names: dict[str, list[str]]) -> None:
    at = f"fault {fault.kind.value!r} at {fault.at_s:g} s"
    if fault.kind not in PLACES:
        if fault.where is not None:
            refuse(f"it has no place, but where is {fault.where!r}", at, "Leave `where` out")
        return
    part = PLACES[fault.kind]
    _known(fault.where, names[part], part.removesuffix("s").replace("_", " "), at)
    spot = [group.name for group in scenario.node_groups if group.purchase is Purchase.SPOT]
    if fault.kind is FaultKind.SPOT_REVOCATION and fault.where and fault.where not in spot:
        refuse(f"the nodes of {fault.where!r} are no spot nodes", at, "Use node-loss for others")
