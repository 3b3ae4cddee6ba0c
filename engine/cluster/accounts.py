"""From what the meters read to energy, carbon and money: a function of the finished replay.

Energy is paid for once: rents include it, owners of nodes buy it. Workers on machines of their
own are always rented.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.cluster.grid import GridSeries, intensity, outage_frac, supply
from engine.cluster.meter import Meter
from engine.cluster.money import (
    ENERGY,
    ON_DEMAND,
    TRANSFER,
    energy_usd,
    lifetime_s,
    rent_usd,
    shared_out,
    worker_usd_per_hour,
)
from engine.cluster.nodes import node_share
from engine.cluster.power import worker_kwh
from engine.cluster.prices import PriceSeries
from engine.records import Accounts, Place
from engine.scenario import CostMode, Region, Scenario, WorkerSize
from engine.units import SECONDS_PER_HOUR, FloatArray, IntArray

__all__ = ["Readings", "accounts", "is_accounted"]

GRAMS_PER_KG = 1000.0
NO_PRICES: Mapping[str, PriceSeries] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a replay measured. T ticks, P pools."""

    edges_s: FloatArray
    """(T + 1,) of the ticks, seconds into the window."""
    clock_s: float
    """Of the window's start: Unix time where known."""
    sizes: tuple[WorkerSize, ...]
    """(P,) of the pools' workers."""
    worker_s: FloatArray
    """(T, P) that workers were provisioned."""
    size_s: FloatArray | None = None
    """(T, P, S) of that, by size; None where every pool has one size."""
    busy_slot_s: FloatArray
    """(T, P)"""
    busy_by_size_s: FloatArray | None = None
    """(T, P, S) of that, by size."""
    finished: IntArray
    """(T, P) requests, by the tick in which they ended."""
    meter: Meter | None
    """None without node groups."""


def is_accounted(scenario: Scenario) -> bool:
    """Whether a scenario says of machines more than the price of a worker."""
    kinds = [scenario.agent_type_of(pool) for pool in scenario.pools]
    return (
        bool(scenario.node_groups)
        or any(scenario.size_of(pool).watts_full > 0 for pool in scenario.pools)
        or any(scenario.region_of(pool.zone).price_factor != 1 for pool in scenario.pools)
        or any(kind.transfer_gib_per_request > 0 or kind.sizes for kind in kinds)
    )


def accounts(
    scenario: Scenario,
    readings: Readings,
    grids: Mapping[str, GridSeries],
    prices: Mapping[str, PriceSeries] = NO_PRICES,
) -> Accounts | None:
    """Energy, carbon and money by tick and place; None where nothing says what they are.

    Args:
        scenario: with its places, prices and powers.
        readings: of the replay.
        grids: measured carbon intensity by region, for those that name a series.
        prices: history by node group, for those whose node type names one.
    """
    if not is_accounted(scenario):
        return None
    books = _Books(scenario, readings, prices)
    books.add_groups()
    books.add_pools()
    return books.close(grids)


class _Books:
    """Collects places one after the other, then adds what is common to a region."""

    def __init__(
        self, scenario: Scenario, readings: Readings, prices: Mapping[str, PriceSeries]
    ) -> None:
        self.scenario, self.read, self.prices = scenario, readings, prices
        self.pools = scenario.pools
        self.own = [n for n, pool in enumerate(self.pools) if pool.node_group is None]
        groups = [
            Place(name=group.name, is_group=True, region=scenario.region_of(group.zone).name)
            for group in scenario.node_groups
        ]
        own = [
            Place(
                name=self.pools[n].name,
                is_group=False,
                region=scenario.region_of(self.pools[n].zone).name,
            )
            for n in self.own
        ]
        self.places = (*groups, *own)
        self.shape = (len(readings.worker_s), len(self.places))
        self.energy_kwh = np.full(self.shape, np.nan)
        self.embodied_g = np.zeros(self.shape)
        self.usd: dict[str, FloatArray] = {}
        self.pool_usd = np.zeros(readings.worker_s.shape)

    def region(self, k: int) -> Region:
        """Of a place."""
        return next(r for r in self.scenario.regions if r.name == self.places[k].region)

    def pay(self, component: str, k: int, usd: FloatArray, weight: FloatArray) -> None:
        """Books `usd` (T,) of a place, shared out to pools by `weight` (T, P)."""
        self.usd.setdefault(component, np.zeros(self.shape))[:, k] += usd
        self.pool_usd += shared_out(usd, weight)

    def add_groups(self) -> None:
        """Nodes: rent or purchase, energy, and the carbon of their making."""
        meter, scenario = self.read.meter, self.scenario
        for k, group in enumerate(scenario.node_groups):
            assert meter is not None
            kind, region = scenario.node_type_of(group), self.region(k)
            node_s, weight = meter.node_s[:, k], self._weights(group.name)
            clock_s, series = self.read.edges_s + self.read.clock_s, self.prices.get(group.name)
            for component, usd in rent_usd(scenario, group, node_s, clock_s, series).items():
                self.pay(component, k, usd, weight)
            self.embodied_g[:, k] = kind.embodied_kg * GRAMS_PER_KG * node_s / lifetime_s(kind)
            if kind.has_power:
                self.energy_kwh[:, k] = meter.energy_kwh[:, k] * region.pue
            if scenario.cost_mode is CostMode.OWNED:
                self.pay(ENERGY, k, energy_usd(region, self.energy_kwh[:, k]), weight)

    def add_pools(self) -> None:
        """Workers on machines of their own: rent and energy; and what all pools sent."""
        scenario, read = self.scenario, self.read
        for k, n in enumerate(self.own, start=len(scenario.node_groups)):
            rent, used_kwh = np.zeros(self.shape[0]), np.zeros(self.shape[0])
            for size, worker_s, busy_slot_s in self._sizes(n):
                price = worker_usd_per_hour(scenario, n, size)
                rent += worker_s / SECONDS_PER_HOUR * price
                busy_s = busy_slot_s / size.slots
                used_kwh += worker_kwh(size.watts_idle, size.watts_full, worker_s, busy_s)
            self.pay(ON_DEMAND, k, rent, self._only(n))
            if read.sizes[n].watts_full > 0:
                self.energy_kwh[:, k] = used_kwh * self.region(k).pue
        names = [(place.name, place.is_group) for place in self.places]
        for n, pool in enumerate(self.pools):
            gib = scenario.agent_type_of(pool).transfer_gib_per_request
            price = scenario.region_of(pool.zone).transfer_usd_per_gib
            if gib * price > 0:
                in_group = pool.node_group is not None
                k = names.index((pool.node_group or pool.name, in_group))
                sent = read.finished[:, n].astype(np.float64)
                self.pay(TRANSFER, k, sent * (gib * price), self._only(n))

    def _sizes(self, n: int) -> list[tuple[WorkerSize, FloatArray, FloatArray]]:
        """Each size that a pool's workers had, provisioned (T,) and busy slot-seconds (T,)."""
        read = self.read
        if read.size_s is None or read.busy_by_size_s is None:
            return [(read.sizes[n], read.worker_s[:, n], read.busy_slot_s[:, n])]
        sizes = self.scenario.agent_type_of(self.pools[n]).all_sizes
        return [
            (size, read.size_s[:, n, s], read.busy_by_size_s[:, n, s])
            for s, size in enumerate(sizes)
        ]

    def close(self, grids: Mapping[str, GridSeries]) -> Accounts:
        """Adds what the regions' energy is made of."""
        read, clock_s = self.read, self.read.edges_s + self.read.clock_s
        green, backup = np.full(self.shape, np.nan), np.full(self.shape, np.nan)
        grams, carbon = np.full(self.shape, np.nan), np.full(self.shape, np.nan)
        for region in self.scenario.regions:
            mine = [k for k, place in enumerate(self.places) if place.region == region.name]
            if not mine:
                continue
            used = self.energy_kwh[:, mine]
            found = supply(
                region,
                np.nansum(used, axis=1),
                intensity(region, grids.get(region.name), clock_s),
                outage_frac(self.scenario.faults, region.name, read.edges_s),
                clock_s,
            )
            total = np.nansum(used, axis=1, keepdims=True)
            share = np.divide(used, total, out=used * 0.0, where=total > 0)
            green[:, mine] = share * found.green_kwh[:, None]
            backup[:, mine] = share * found.backup_kwh[:, None]
            carbon[:, mine] = share * found.carbon_g[:, None]
            grams[:, mine] = found.g_per_kwh[:, None]
        return Accounts(
            places=self.places,
            energy_kwh=self.energy_kwh,
            green_kwh=green,
            backup_kwh=backup,
            g_per_kwh=grams,
            operational_g=carbon,
            embodied_g=self.embodied_g,
            usd=self.usd,
            pool_usd=self.pool_usd,
            nodes=self._of_nodes("nodes", 0).astype(np.int64),
            suspended=self._of_nodes("suspended", 0).astype(np.int64),
            node_s=self._of_nodes("node_s", 0.0),
            requested_frac=self._of_nodes("requested_frac", np.nan),
            busy_frac=self._of_nodes("busy_frac", np.nan),
            busiest_frac=self._of_nodes("busiest_frac", np.nan),
            fragmentation=self._of_nodes("fragmentation", np.nan),
            hot_nodes=self._of_nodes("hot_nodes", 0).astype(np.int64),
        )

    def _of_nodes(self, name: str, else_where: float) -> FloatArray:
        """(T, K) of a reading that only nodes have."""
        values = np.full(self.shape, else_where)
        if self.read.meter is not None:
            values[:, : len(self.scenario.node_groups)] = getattr(self.read.meter, name)
        return values

    def _weights(self, group: str) -> FloatArray:
        """(T, P) shares of a group's nodes that pools had.

        While none had any, all pools of the group share equally; if it has no pools, all there
        are.
        """
        entry = next(g for g in self.scenario.node_groups if g.name == group)
        kind = self.scenario.node_type_of(entry)
        members = np.array([pool.node_group == group for pool in self.pools])
        weight = np.zeros(self.read.worker_s.shape)
        for n in np.flatnonzero(members).tolist():
            for size, worker_s, _ in self._sizes(n):
                weight[:, n] += worker_s * node_share(size, kind)
        equal = members if members.any() else np.ones(len(members), np.bool_)
        weight[weight.sum(axis=1) == 0] = equal
        return weight

    def _only(self, n: int) -> FloatArray:
        weight = np.zeros(self.read.worker_s.shape)
        weight[:, n] = 1.0
        return weight
