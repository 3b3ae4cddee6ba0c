"""Where the workers of agent types with several pools are wanted, at each decision."""

import math

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.siting import Site, place_best, place_evenly, resited
from engine.scenario import Scenario, Siting, SitingRule
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import FloatArray, IntArray

__all__ = ["Sites"]

_ROUNDING = 1e-9


class Sites:
    """The siting of one replay."""

    def __init__(self, scenario: Scenario, rule: Siting, conditions: Conditions) -> None:
        self._rule, self._conditions = rule, conditions
        types = [pool.agent_type for pool in scenario.pools]
        together = [np.flatnonzero(np.array(types) == kind) for kind in dict.fromkeys(types)]
        self._types = [pools for pools in together if len(pools) > 1]
        self._bound = _bound(scenario, self._types)
        self._low = np.array([pool.workers_min for pool in scenario.pools])
        self._high = np.array([pool.workers_max for pool in scenario.pools])

    def asked(self, state: State, tick: int, wanted: IntArray, most: IntArray) -> IntArray:
        """(P,) workers to ask for instead of those wanted.

        Args:
            state: of the simulator.
            tick: that begins.
            wanted: (P,) by the policy, as the guard leaves them.
            most: (P,) for which there is room.
        """
        asked = wanted.copy()
        score = self._conditions.score(self._rule, tick, state.pools["size"])
        stay = self._stay_frac(state)
        for pools in self._types:
            mine = wanted[pools]
            high = np.minimum(self._high[pools], np.maximum(most[pools], mine))
            bound = np.array([math.ceil(x - _ROUNDING) for x in mine * stay[pools]], np.int64)
            low = np.minimum(np.maximum(self._low[pools], bound), high)
            ready = state.counters[pools, kernel.C_READY]
            places = self._places(int(mine.sum()), low, high, score[pools], mine)
            asked[pools] = resited(Site(mine, ready, low, high), places)
        return asked

    def _places(
        self, total: int, low: IntArray, high: IntArray, score: FloatArray, wanted: IntArray
    ) -> IntArray:
        if self._rule.rule is SitingRule.SPREAD:
            return place_evenly(total, low, high)
        held = wanted / max(total, 1)  # where they are now counts as a little cheaper
        return place_best(total, low, high, score * (1.0 - self._rule.hysteresis_frac * held))

    def _stay_frac(self, state: State) -> FloatArray:
        """(P,) share of the work so far that may be done in no other pool of its type."""
        if not self._bound.any():
            return np.zeros(len(state.pools))
        offered = state.tenants["offered_slot_s"]
        total = offered.sum(axis=1)
        bound = (offered * self._bound).sum(axis=1)
        share: FloatArray = np.zeros(len(total))
        np.divide(bound, total, out=share, where=total > 0)
        return share


def _bound(scenario: Scenario, types: list[IntArray]) -> FloatArray:
    """(P, N) 1 where a tenant may have its requests in no other pool of the type."""
    regions = [scenario.region_of(pool.zone).name for pool in scenario.pools]
    bound = np.zeros((len(regions), max(1, len(scenario.tenants))))
    for n, tenant in enumerate(scenario.tenants):
        if not tenant.regions:
            continue
        for pools in types:
            allowed = [p for p in pools.tolist() if regions[p] in tenant.regions]
            if len(allowed) == 1:
                bound[allowed[0], n] = 1.0
    return bound
