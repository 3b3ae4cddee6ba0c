"""Reads once a tick how evenly pools work and how safely: hot workers, breakers, memory."""

import numpy as np

from engine.cluster.meter import HOT_FRAC, HOT_SD, HOT_TICKS
from engine.records import GaugeTicks
from engine.scenario import FaultKind, Scenario
from engine.sim import kernel
from engine.sim.kernel import State
from engine.sim.traits import KIB_PER_GIB, memory_rule
from engine.units import FloatArray

__all__ = ["Gauges"]

IMBALANCE, BUSIEST, HOT = range(3)


class Gauges:
    """The gauges of one replay. T ticks, P pools."""

    def __init__(self, scenario: Scenario, ticks: int) -> None:
        pools = len(scenario.pools)
        self.spread = np.full((ticks, pools, 3), np.nan)
        """(T, P, 3) imbalance, busiest share and hot workers; NaN without workers."""
        kinds = [scenario.agent_type_of(pool) for pool in scenario.pools]
        most = max(len(kind.all_sizes) for kind in kinds)
        self._base_kib = np.array([kind.memory_base_gib * KIB_PER_GIB for kind in kinds])
        self._whole_kib = np.zeros((pools, most))
        for p, kind in enumerate(kinds):
            known = memory_rule(kind) != kernel.NO_LIMIT or kind.memory_base_gib > 0
            for k, size in enumerate(kind.all_sizes):
                self._whole_kib[p, k] = size.memory_gib * KIB_PER_GIB if known else np.nan
        self._memory = np.full((ticks, pools), np.nan)
        self._measures_memory = bool((self._whole_kib[:, 0] > 0).any())
        self._breakers = np.zeros((ticks, pools), np.int64)
        self._has_breakers = scenario.router.breaker is not None
        kinds_of_fault = {fault.kind for fault in scenario.faults}
        self._has_partitions = FaultKind.ZONE_PARTITION in kinds_of_fault
        self._unreachable_s = np.zeros((ticks, pools))
        self._streak = np.zeros(0, np.int64)

    def read(self, tick: int, state: State, utilisation: FloatArray, seconds: float) -> None:
        """At the end of a tick.

        Args:
            tick: which.
            state: of the simulator.
            utilisation: (W,) busy share of each worker over the tick, nan where it was not there.
            seconds: length of the tick.
        """
        if len(self._streak) != len(utilisation):  # workers got other numbers
            self._streak = np.zeros(len(utilisation), np.int64)
        pools = state.pools
        look_at_workers(utilisation, pools, self._streak, self.spread[tick])
        if self._has_breakers:
            there = state.workers[state.workers["phase"] != kernel.OFF]
            open_ones = there["pool"][there["breaker"] != kernel.CLOSED]
            self._breakers[tick] = np.bincount(open_ones, minlength=len(pools))
        if self._measures_memory:
            self._memory[tick] = self._memory_frac(state)
        if self._has_partitions:
            self._unreachable_s[tick] = np.where(pools["reachable"] == 0, seconds, 0.0)

    def _memory_frac(self, state: State) -> FloatArray:
        there = state.workers[state.workers["phase"] == kernel.READY]
        number = len(state.pools)
        used = self._base_kib[there["pool"]] + there["memory_kib"]
        whole = self._whole_kib[there["pool"], there["size"]]
        used = np.bincount(there["pool"], weights=used, minlength=number)
        whole = np.bincount(there["pool"], weights=whole, minlength=number)
        share: FloatArray = np.full(number, np.nan)
        return np.divide(used, whole, out=share, where=whole > 0)

    def ticks(self) -> GaugeTicks:
        """Everything read."""
        return GaugeTicks(
            imbalance=self.spread[:, :, IMBALANCE],
            busiest_frac=self.spread[:, :, BUSIEST],
            hot_workers=np.nan_to_num(self.spread[:, :, HOT]).astype(np.int64),
            memory_frac=self._memory,
            breakers_open=self._breakers,
            unreachable_s=self._unreachable_s,
        )


@kernel.compiled
def look_at_workers(utilisation, pools, streak, found):  # type: ignore[no-untyped-def]
    """Fills (P, 3) imbalance, busiest share and hot workers; streak (W,) of ticks above 90 %."""
    for p in range(len(pools)):
        first = pools[p].first_worker
        last = first + pools[p].used
        number, total, squares, most = 0, 0.0, 0.0, 0.0
        for w in range(first, last):
            share = utilisation[w]
            if np.isnan(share):
                streak[w] = 0
                continue
            number += 1
            total += share
            squares += share * share
            most = max(most, share)
            streak[w] = streak[w] + 1 if share > HOT_FRAC else 0
        if number == 0:
            continue
        mean = total / number
        deviation = np.sqrt(max(squares / number - mean * mean, 0.0))
        hot = 0
        for w in range(first, last):
            share = utilisation[w]
            if share > mean + HOT_SD * deviation + 1e-12 or streak[w] >= HOT_TICKS:
                hot += 1
        if mean > 0.0:
            found[p, IMBALANCE] = deviation / mean
        found[p, BUSIEST] = most
        found[p, HOT] = hot
