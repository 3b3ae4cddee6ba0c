"""What machines, energy and transfer cost in each tick, by component."""

from engine.cluster.nodes import node_share
from engine.scenario import CostMode, NodeGroup, NodeType, Purchase, Region, Scenario, WorkerSize
from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, FloatArray

__all__ = [
    "ENERGY",
    "ON_DEMAND",
    "OWNED",
    "TRANSFER",
    "component_of",
    "lifetime_s",
    "node_usd_per_hour",
    "shared_out",
    "worker_usd_per_hour",
]

ON_DEMAND, OWNED, ENERGY, TRANSFER = "on_demand", "owned", "energy", "transfer"
DAYS_PER_YEAR = 365.25


def component_of(group: NodeGroup, mode: CostMode) -> str:
    """Under which component a group's nodes are paid."""
    if mode is CostMode.OWNED:
        return OWNED
    return {
        Purchase.ON_DEMAND: ON_DEMAND,
        Purchase.RESERVED: "reserved",
        Purchase.SPOT: "spot",
    }[group.purchase]


def lifetime_s(kind: NodeType) -> float:
    """Seconds over which a node's purchase and making are spread."""
    return kind.lifetime_years * DAYS_PER_YEAR * SECONDS_PER_DAY


def node_usd_per_hour(scenario: Scenario, group: NodeGroup) -> float:
    """Of one node held: its rent in its region, or the purchase over the lifetime.

    Owned machines cost their energy besides.
    """
    kind = scenario.node_type_of(group)
    if scenario.cost_mode is CostMode.OWNED:
        return kind.capex_usd / (lifetime_s(kind) / SECONDS_PER_HOUR)
    price = kind.usd_per_hour_as(group.purchase)
    assert price is not None  # the scenario was checked
    return price * scenario.region_of(group.zone).price_factor


def worker_usd_per_hour(scenario: Scenario, pool: int, size: WorkerSize) -> float:
    """Of one worker: its own price in its region, or that of the share of a node it takes."""
    entry = scenario.pools[pool]
    if entry.node_group is None:
        return size.price_usd_per_hour * scenario.region_of(entry.zone).price_factor
    group = next(group for group in scenario.node_groups if group.name == entry.node_group)
    share = node_share(size, scenario.node_type_of(group))
    return node_usd_per_hour(scenario, group) * share


def energy_usd(region: Region, energy_kwh: FloatArray) -> FloatArray:
    """Of energy bought for machines that are owned, renewable energy included."""
    return region.energy_usd_per_kwh * energy_kwh


def shared_out(usd: FloatArray, weight: FloatArray) -> FloatArray:
    """(T, n) of `usd` (T,), by `weight` (T, n), whose rows are not all 0."""
    shares: FloatArray = usd[:, None] * (weight / weight.sum(axis=1, keepdims=True))
    return shares
