"""What a cluster costs, draws and emits while nothing is asked of it."""

from dataclasses import dataclass

import numpy as np

from engine.cluster.money import group_usd_per_hour, lifetime_s, worker_usd_per_hour
from engine.cluster.nodes import resources
from engine.cluster.placement import HELD, NEW, place
from engine.cluster.power import WATTS_PER_KW, node_watts
from engine.scenario import CostMode, NodeGroup, Scenario
from engine.units import SECONDS_PER_HOUR

__all__ = ["Standing", "standing"]

GRAMS_PER_KG = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Of the smallest cluster that the scenario allows, with nothing in service."""

    workers: int
    nodes: int
    usd_per_hour: float
    """Rent or purchase, and the energy of owned nodes."""
    watts: float | None
    """Of the sites, with overhead; None unless every machine's power is given."""
    carbon_g_per_hour: float | None
    """With the share of making the nodes. At the mean intensity of each region and without its
    renewable energy; a stored series is not read for it."""


def standing(scenario: Scenario) -> Standing:
    """The idle cluster: `workers_min` of each pool, on as few nodes as placement needs."""
    nodes = [_nodes_needed(scenario, group) for group in scenario.node_groups]
    usd = 0.0
    watts: list[float | None] = []
    grams: list[float] = []
    for group, number in zip(scenario.node_groups, nodes, strict=True):
        kind, region = scenario.node_type_of(group), scenario.region_of(group.zone)
        usd += group_usd_per_hour(scenario, group, number)
        idle = number * float(node_watts(kind, np.zeros(1))[0]) * region.pue
        if scenario.cost_mode is CostMode.OWNED:
            usd += idle / WATTS_PER_KW * region.energy_usd_per_kwh
        watts.append(idle if kind.has_power or not number else None)
        made = kind.embodied_kg * GRAMS_PER_KG / lifetime_s(kind) * SECONDS_PER_HOUR
        grams.append(idle / WATTS_PER_KW * region.grid_g_per_kwh + number * made)
    for number, pool in enumerate(scenario.pools):
        if pool.node_group is not None:
            continue
        size, region = scenario.size_of(pool), scenario.region_of(pool.zone)
        usd += pool.workers_min * worker_usd_per_hour(scenario, number, size)
        idle = pool.workers_min * size.watts_idle * region.pue
        watts.append(idle if size.watts_full > 0 or not pool.workers_min else None)
        grams.append(idle / WATTS_PER_KW * region.grid_g_per_kwh)
    known = [value for value in watts if value is not None]
    all_known = len(known) == len(watts)
    return Standing(
        workers=sum(pool.workers_min for pool in scenario.pools),
        nodes=sum(nodes),
        usd_per_hour=usd,
        watts=sum(known) if all_known else None,
        carbon_g_per_hour=sum(grams) if all_known else None,
    )


def _nodes_needed(scenario: Scenario, group: NodeGroup) -> int:
    """Nodes that hold the smallest number of workers, placed as the group places them."""
    pools = [pool for pool in scenario.pools if pool.node_group == group.name]
    capacity = np.array(resources(scenario.node_type_of(group)))
    number = min(sum(pool.workers_min for pool in pools) + group.nodes_min, group.nodes_max)
    free = np.tile(capacity, (number, 1))
    tier = np.where(np.arange(number) < group.nodes_min, HELD, NEW)
    for pool in pools:
        need = np.array(resources(scenario.size_of(pool)))
        chosen = place(
            group.placement,
            free=free,
            capacity=capacity,
            need=need,
            mine=np.zeros(number, np.int64),
            tier=tier,
            number=pool.workers_min,
        )
        np.subtract.at(free, chosen, need)
        tier[chosen] = HELD
    return int(np.sum(tier == HELD))
