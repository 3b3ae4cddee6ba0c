"""Where the workers of agent types with several pools are wanted, at each decision."""

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.siting import on_the_way, place_best, place_evenly
from engine.scenario import Scenario, Siting, SitingRule
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import FloatArray, IntArray

__all__ = ["Sites", "types_of"]

_ROUNDING = 1e-9


class Sites:
    """The siting of one replay. Types are numbered as in `types`."""

    def __init__(self, scenario: Scenario, rule: Siting, conditions: Conditions) -> None:
        self._rule, self._conditions = rule, conditions
        self.types = types_of(scenario)
        self._bound = _bound(scenario, self.types)
        self._low = np.array([pool.workers_min for pool in scenario.pools])
        self._high = np.array([pool.workers_max for pool in scenario.pools])

    def asked(
        self, state: State, tick: int, kind: int, total: int, current: IntArray, most: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Workers to ask for, and where they are to be in the end, in each pool of a type.

        Args:
            state: of the simulator.
            tick: that begins.
            kind: the type.
            total: workers wanted in all its pools.
            current: (P,) workers asked for so far.
            most: (P,) for which there is room.
        """
        pools = self.types[kind]
        held = current[pools]
        size = state.pools["size"]
        score, score_paid = (
            each[pools] for each in self._conditions.score(self._rule, tick, size)
        )
        stays = 1.0 - self._rule.hysteresis_frac * held / max(total, 1)
        score, score_paid = score * stays, score_paid * stays
        high = np.minimum(self._high[pools], np.maximum(most[pools], held))
        stay = np.ceil(total * self._stay_frac(state, pools) - _ROUNDING).astype(np.int64)
        low = np.minimum(np.maximum(self._low[pools], stay), high)
        if self._rule.rule is SitingRule.SPREAD:
            places = place_evenly(total, low, high)
        else:
            paid = self._conditions.committed(size)[pools]
            places = place_best(total, low, high, score, paid, score_paid)
        ready = state.counters[pools, kernel.C_READY]
        return on_the_way(total, places, held, ready, score), places

    def _stay_frac(self, state: State, pools: IntArray) -> FloatArray:
        """(n,) of all work of the type so far, that which may be done in this pool only."""
        share: FloatArray = np.zeros(len(pools))
        if self._bound.any():
            offered = state.tenants["offered_slot_s"][pools]
            total = float(offered.sum())
            bound = (offered * self._bound[pools]).sum(axis=1)
            share = bound / total if total > 0 else share
        return share


def types_of(scenario: Scenario) -> tuple[IntArray, ...]:
    """(pools of the type,) numbers of pools, for each agent type that has any."""
    names = np.array([pool.agent_type for pool in scenario.pools])
    return tuple(np.flatnonzero(names == kind) for kind in dict.fromkeys(names.tolist()))


def _bound(scenario: Scenario, types: tuple[IntArray, ...]) -> FloatArray:
    """(P, N) 1 where a tenant may have its requests in no other pool of the type."""
    regions = [scenario.region_of(pool.zone).name for pool in scenario.pools]
    bound = np.zeros((len(regions), max(1, len(scenario.tenants))))
    for n, tenant in enumerate(scenario.tenants):
        if not tenant.regions:
            continue
        for pools in types:
            allowed = [p for p in pools.tolist() if regions[p] in tenant.regions]
            if len(allowed) == 1 and len(pools) > 1:
                bound[allowed[0], n] = 1.0
    return bound
