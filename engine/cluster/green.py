"""How much renewable energy regions have at the moment, for policies that go by it.

The same sums as in the accounts of a finished replay, tick by tick.
"""

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.grid import came_kwh, local_day
from engine.cluster.hosting import Hosting
from engine.cluster.power import worker_kwh
from engine.cluster.sizes import SizeBooks
from engine.scenario import Region, Scenario
from engine.sim import kernel
from engine.units import SECONDS_PER_HOUR, FloatArray

__all__ = ["GreenGauge"]


class GreenGauge:
    """Of one replay. T ticks, P pools."""

    def __init__(self, scenario: Scenario, conditions: Conditions, books: SizeBooks) -> None:
        """Regions without a budget are not looked at.

        Args:
            scenario: with its regions.
            conditions: of which the ticks' times are used.
            books: what workers of each size did.
        """
        pools = len(scenario.pools)
        self.kw: FloatArray = np.zeros(pools)
        """(P,) that came in the pool's region over the last tick, at the start: over the first."""
        self.left_kwh: FloatArray = np.zeros(pools)
        """(P,) that came there since midnight and was not used."""
        self._scenario, self._books = scenario, books
        self._hours = np.diff(conditions.at_s) / SECONDS_PER_HOUR
        self._supplies = [
            _Supply(scenario, region, conditions.at_s)
            for region in scenario.regions
            if region.green.kwh_per_day > 0
        ]
        self._show(0)

    def read(self, tick: int, hosting: Hosting | None, integrals: FloatArray) -> None:
        """At the end of a tick; integrals (P, INTEGRALS) are those of the tick."""
        for supply in self._supplies:
            used = sum(
                float(hosting.meter.energy_kwh[tick, g])
                for g in supply.groups
                if hosting is not None
            )
            used += sum(self._of_workers(tick, p, integrals) for p in supply.own)
            supply.take(tick, used * supply.region.pue)
        if self._supplies:
            self._show(tick)

    def _show(self, tick: int) -> None:
        for supply in self._supplies:
            self.kw[supply.pools] = supply.came_kwh[tick] / self._hours[tick]
            self.left_kwh[supply.pools] = supply.left_kwh

    def _of_workers(self, tick: int, p: int, integrals: FloatArray) -> float:
        """Energy of a pool's workers on machines of their own, kWh without the overhead."""
        pool, books = self._scenario.pools[p], self._books
        kind = self._scenario.agent_type_of(pool)
        if books.size_s is None or books.busy_slot_s is None:
            sizes = [self._scenario.size_of(pool)]
            worker_s = integrals[p, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1].sum()[None]
            busy_s = integrals[p, kernel.F_BUSY_SLOT_S][None]
        else:
            sizes = list(kind.all_sizes)
            worker_s, busy_s = books.size_s[tick, p], books.busy_slot_s[tick, p]
        return sum(
            float(
                worker_kwh(size.watts_idle, size.watts_full, worker_s[k], busy_s[k] / size.slots)
            )
            for k, size in enumerate(sizes)
        )


class _Supply:
    """The renewable energy of a region: what comes, and what of today's is left."""

    def __init__(self, scenario: Scenario, region: Region, at_s: FloatArray) -> None:
        self.region = region
        self.came_kwh = came_kwh(region, at_s)
        self._day = local_day(region, at_s)
        self.left_kwh = 0.0
        of_pools = [scenario.region_of(pool.zone) is region for pool in scenario.pools]
        self.pools = np.flatnonzero(of_pools)
        self.own = [p for p in self.pools.tolist() if scenario.pools[p].node_group is None]
        self.groups = [
            g
            for g, group in enumerate(scenario.node_groups)
            if scenario.region_of(group.zone) is region and scenario.node_type_of(group).has_power
        ]

    def take(self, tick: int, used_kwh: float) -> None:
        """Uses what there is; what is left lapses when the next tick begins on another day."""
        self.left_kwh = max(0.0, self.left_kwh + float(self.came_kwh[tick]) - used_kwh)
        if tick + 1 < len(self._day) and self._day[tick + 1] != self._day[tick]:
            self.left_kwh = 0.0
