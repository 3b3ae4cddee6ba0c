"""What machines, energy and transfer cost in each tick, by component."""

import numpy as np

from engine.cluster.nodes import node_share
from engine.cluster.prices import PriceSeries, price_over
from engine.scenario import CostMode, NodeGroup, NodeType, Purchase, Region, Scenario, WorkerSize
from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, FloatArray

__all__ = [
    "ENERGY",
    "ON_DEMAND",
    "OWNED",
    "TRANSFER",
    "group_usd_per_hour",
    "lifetime_s",
    "node_usd_per_hour",
    "price_now",
    "rent_usd",
    "shared_out",
    "worker_usd_per_hour",
]

ON_DEMAND, OWNED, ENERGY, TRANSFER = "on_demand", "owned", "energy", "transfer"
RESERVED, SPOT = "reserved", "spot"
DAYS_PER_YEAR = 365.25


def lifetime_s(kind: NodeType) -> float:
    """Seconds over which a node's purchase and making are spread."""
    return kind.lifetime_years * DAYS_PER_YEAR * SECONDS_PER_DAY


def group_usd_per_hour(scenario: Scenario, group: NodeGroup, nodes: int) -> float:
    """Of so many nodes held together; of a reserved group those above `nodes_min` on demand."""
    each = node_usd_per_hour(scenario, group)
    if scenario.cost_mode is CostMode.OWNED or group.purchase is not Purchase.RESERVED:
        return nodes * each
    beyond = max(nodes - group.nodes_min, 0)
    return group.nodes_min * each + beyond * _listed(scenario, group, Purchase.ON_DEMAND)


def node_usd_per_hour(scenario: Scenario, group: NodeGroup) -> float:
    """Of one node held: its rent in its region, or the purchase over the lifetime.

    Of a reserved group it is a committed node's. Owned machines cost their energy besides; a
    history of prices is not read for it.
    """
    kind = scenario.node_type_of(group)
    if scenario.cost_mode is CostMode.OWNED:
        return kind.capex_usd / (lifetime_s(kind) / SECONDS_PER_HOUR)
    return _listed(scenario, group, group.purchase)


def rent_usd(
    scenario: Scenario,
    group: NodeGroup,
    node_s: FloatArray,
    edges_s: FloatArray,
    series: PriceSeries | None,
) -> dict[str, FloatArray]:
    """(T,) by component: what a group's nodes cost, without the energy of owned ones.

    Args:
        scenario: with its prices.
        group: whose nodes.
        node_s: (T,) node-seconds held in each tick.
        edges_s: (T + 1,) of the ticks, on the replay's clock.
        series: history of the prices, if any.
    """
    if scenario.cost_mode is CostMode.OWNED:
        return {OWNED: node_usd_per_hour(scenario, group) * node_s / SECONDS_PER_HOUR}

    def paid(purchase: Purchase, held_s: FloatArray) -> FloatArray:
        price = price_over(series, purchase, _listed(scenario, group, purchase), edges_s)
        return np.asarray(price * held_s / SECONDS_PER_HOUR, np.float64)

    if group.purchase is Purchase.ON_DEMAND:
        return {ON_DEMAND: paid(Purchase.ON_DEMAND, node_s)}
    if group.purchase is Purchase.SPOT:
        return {SPOT: paid(Purchase.SPOT, node_s)}
    committed_s = group.nodes_min * np.diff(edges_s)
    found = {RESERVED: paid(Purchase.RESERVED, committed_s)}
    if group.nodes_max > group.nodes_min:
        found[ON_DEMAND] = paid(Purchase.ON_DEMAND, np.maximum(node_s - committed_s, 0.0))
    return found


def price_now(
    scenario: Scenario,
    group: NodeGroup,
    series: PriceSeries | None,
    edges_s: FloatArray,
    purchase: Purchase | None = None,
) -> FloatArray:
    """(T,) of one node, US dollars per hour in each tick; see `rent_usd`.

    `purchase` None: on the group's own terms.
    """
    if scenario.cost_mode is CostMode.OWNED:
        return np.full(len(edges_s) - 1, node_usd_per_hour(scenario, group))
    terms = purchase or group.purchase
    return price_over(series, terms, _listed(scenario, group, terms), edges_s)


def _listed(scenario: Scenario, group: NodeGroup, purchase: Purchase) -> float:
    """The scenario's own price, US dollars per hour."""
    price = scenario.node_type_of(group).usd_per_hour_as(purchase)
    assert price is not None  # the scenario was checked
    return price * scenario.region_of(group.zone).price_factor


def worker_usd_per_hour(scenario: Scenario, pool: int, size: WorkerSize) -> float:
    """Of one worker: its own price in its region, or that of the share of a node it takes.

    On reserved nodes it is that of committed ones; see `Conditions.usd_per_hour` for more.
    """
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
