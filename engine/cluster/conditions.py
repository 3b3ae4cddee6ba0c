"""What the world is like for each pool as a replay goes on: grids, prices, and a place's score."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from engine.cluster.grid import GridSeries, intensity, outage_frac, percentile_g_per_kwh
from engine.cluster.money import price_now, worker_usd_per_hour
from engine.cluster.nodes import node_share, resources
from engine.cluster.placement import fitting
from engine.cluster.power import WATTS_PER_KW, node_watts
from engine.cluster.prices import PriceSeries
from engine.scenario import NodeGroup, Purchase, Region, Scenario, Siting
from engine.units import FloatArray, IntArray

__all__ = ["Conditions", "region_grams"]

GRAMS_PER_KG = 1000.0
USUAL_BUSY_FRAC = 0.7
"""At which share busy a worker's power is judged when places are compared."""


class Conditions:
    """Of one replay. T ticks, P pools."""

    def __init__(
        self,
        scenario: Scenario,
        edges_s: FloatArray,
        clock_s: float,
        grids: Mapping[str, GridSeries],
        prices: Mapping[str, PriceSeries],
    ) -> None:
        """Looks up what each tick is like; ScenarioError: a grid has no percentiles.

        Args:
            scenario: with its regions.
            edges_s: (T + 1,) of the ticks, seconds into the window.
            clock_s: of the window's start.
            grids: measured carbon intensity by region.
            prices: history by node group.
        """
        self._scenario = scenario
        self.at_s = at_s = edges_s + clock_s
        """(T + 1,) of the ticks' edges, on the replay's clock."""
        names = [scenario.region_of(pool.zone).name for pool in scenario.pools]
        self._regions = [_region(scenario, name) for name in names]
        grams = {r.name: region_grams(scenario, r, edges_s, at_s, grids) for r in self._regions}
        self._grams: FloatArray = np.column_stack([grams[name] for name in names])  # (T, P)
        self.thresholds: FloatArray = _thresholds(scenario, self._regions, grids)
        """(P,) of the pools' own grids, g CO2e per kWh; empty: they have none of their own."""
        self._listed: FloatArray = _listed(scenario)
        self._pools = np.arange(len(names))
        groups = {group.name: group for group in scenario.node_groups}
        self._histories = [
            (p, price_now(scenario, groups[name], prices[name], at_s))
            for p, name in enumerate(pool.node_group for pool in scenario.pools)
            if name is not None and name in prices
        ]

        sharing = Counter(pool.node_group for pool in scenario.pools)
        self._committed = [
            (p, groups[name].nodes_min / sharing[name], _on_demand(scenario, groups[name], series))
            for p, name, series in (
                (p, pool.node_group, (prices.get(pool.node_group or ""), at_s))
                for p, pool in enumerate(scenario.pools)
            )
            if name is not None and groups[name].purchase is Purchase.RESERVED
        ]
        """Pool, its part of the committed nodes, price (T,) of a node beyond them."""

    def g_per_kwh(self, tick: int) -> FloatArray:
        """(P,) of the last tick before `tick`, at the start of the first."""
        row: FloatArray = self._grams[max(tick - 1, 0)].copy()
        return row

    def all_g_per_kwh(self, ticks: int) -> FloatArray:
        """(T, P) what `g_per_kwh` says of each of so many ticks."""
        return self._grams[np.maximum(np.arange(ticks) - 1, 0)]

    def usd_per_hour(
        self, tick: int, size: IntArray, workers: IntArray | None = None
    ) -> FloatArray:
        """(P,) of a worker of these sizes (P,), by the same tick's prices.

        Args:
            tick: that begins.
            size: (P,)
            workers: (P,) asked for so far: the price is that of one more, on demand where it
                exceeds what was committed; None: that of committed nodes.
        """
        found = self._listed[self._pools, size]
        for p, price in self._histories:
            found[p] = self._share(p, int(size[p])) * price[max(tick - 1, 0)]
        if workers is not None and self._committed:
            beyond = workers >= self.committed(size)
            for p, _, price in self._committed:
                if beyond[p]:
                    found[p] = self._share(p, int(size[p])) * price[max(tick - 1, 0)]
        return found

    def bill(self, tick: int, size: IntArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """What all workers of a pool cost: price x max(workers, committed) - saved, each (P,).

        The price is on demand where nodes are reserved; committed ones are paid for anyway, and
        so much less as is saved, in US dollars per hour.
        """
        price, committed = self.usd_per_hour(tick, size), self.committed(size)
        saved = np.zeros(len(price))
        for p, nodes, on_demand in self._committed:
            share = self._share(p, int(size[p]))
            paid = price[p] / share * nodes
            price[p] = share * on_demand[max(tick - 1, 0)]
            saved[p] = price[p] * committed[p] - paid
        return price, committed, saved

    def _share(self, p: int, size: int) -> float:
        """Of a node, that a worker takes."""
        scenario = self._scenario
        pool = scenario.pools[p]
        group = next(g for g in scenario.node_groups if g.name == pool.node_group)
        kind = scenario.agent_type_of(pool).all_sizes[size]
        return node_share(kind, scenario.node_type_of(group))

    def score(self, rule: Siting, tick: int, size: IntArray) -> tuple[FloatArray, FloatArray]:
        """(P,) US dollars per hour that one more worker counts as at its place; lower is better.

        The second is that of a worker on nodes that are committed and so paid for anyway.
        """
        delay_s = np.array([region.network_delay_s for region in self._regions])
        carbon = self.g_per_kwh(tick) / GRAMS_PER_KG * self.kw(size)
        besides = rule.usd_per_kg * carbon + rule.usd_per_h_per_delay_s * delay_s
        price = self.usd_per_hour(tick, size)
        for p, _, node_price in self._committed:
            price[p] = self._share(p, int(size[p])) * node_price[max(tick - 1, 0)]
        return np.asarray(price + besides, np.float64), np.asarray(besides, np.float64)

    def committed(self, size: IntArray) -> IntArray:
        """(P,) workers of these sizes for which a pool's nodes are paid for anyway.

        Pools that share a group have their part of it.
        """
        found = np.zeros(len(size), np.int64)
        for p, nodes, _ in self._committed:
            scenario = self._scenario
            pool = scenario.pools[p]
            group = next(g for g in scenario.node_groups if g.name == pool.node_group)
            need = resources(scenario.agent_type_of(pool).all_sizes[int(size[p])])
            whole = np.array([resources(scenario.node_type_of(group))])
            found[p] = int(fitting(whole, np.array(need))[0] * nodes)
        return found

    def kw(self, size: IntArray) -> FloatArray:
        """(P,) of a worker, with the site's overhead; 0 where its power is not given."""
        found: FloatArray = self._kw[self._pools, size]
        return found

    @cached_property
    def _kw(self) -> FloatArray:
        """(P, S) of a worker of each size, NaN where there is none."""
        scenario, found = self._scenario, np.full(self._listed.shape, np.nan)
        for p, pool in enumerate(scenario.pools):
            for k, kind in enumerate(scenario.agent_type_of(pool).all_sizes):
                watts = kind.watts_idle + USUAL_BUSY_FRAC * (kind.watts_full - kind.watts_idle)
                if pool.node_group is not None:
                    group = next(g for g in scenario.node_groups if g.name == pool.node_group)
                    node = scenario.node_type_of(group)
                    whole = float(node_watts(node, np.array([USUAL_BUSY_FRAC]))[0])
                    watts = whole * node_share(kind, node)
                found[p, k] = watts / WATTS_PER_KW * self._regions[p].pue
        return found


def _thresholds(
    scenario: Scenario, regions: list[Region], grids: Mapping[str, GridSeries]
) -> FloatArray:
    percentile = scenario.priorities.carbon_threshold_percentile
    if percentile is None:
        return np.zeros(0)
    found = [percentile_g_per_kwh(each, grids.get(each.name), percentile) for each in regions]
    return np.array(found)


def _listed(scenario: Scenario) -> FloatArray:
    """(P, S) prices per hour of a worker of each size."""
    sizes = [scenario.agent_type_of(pool).all_sizes for pool in scenario.pools]
    found = np.full((len(sizes), max(len(each) for each in sizes)), np.nan)
    for p, each in enumerate(sizes):
        for k, size in enumerate(each):
            found[p, k] = worker_usd_per_hour(scenario, p, size)
    return found


def _on_demand(
    scenario: Scenario, group: NodeGroup, series: tuple[PriceSeries | None, FloatArray]
) -> FloatArray:
    history, at_s = series
    return price_now(scenario, group, history, at_s, Purchase.ON_DEMAND)


def _region(scenario: Scenario, name: str) -> Region:
    return next(region for region in scenario.regions if region.name == name)


def region_grams(
    scenario: Scenario,
    region: Region,
    edges_s: FloatArray,
    at_s: FloatArray,
    grids: Mapping[str, GridSeries],
) -> FloatArray:
    """(T,) g CO2e per kWh of what is not renewable.

    Args:
        scenario: with its faults.
        region: whose.
        edges_s: (T + 1,) of the ticks, seconds into the window.
        at_s: (T + 1,) the same on the replay's clock.
        grids: measured carbon intensity by region.
    """
    out = outage_frac(scenario.faults, region.name, edges_s)
    grid = intensity(region, grids.get(region.name), at_s)
    return np.asarray(grid * (1.0 - out) + region.backup_g_per_kwh * out, np.float64)
