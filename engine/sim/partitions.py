"""Slots of each pool divided among tenants, again and again after their recent demand."""

import numpy as np

from engine.scenario import Scenario
from engine.sim import kernel
from engine.sim.kernel import State
from engine.sim.traits import share_out

__all__ = ["Balancer"]

_REMEMBERED = 0.5
"""Of what the demand was thought to be, at each new look."""


class Balancer:
    """The partitions of one replay; does nothing in a scenario without."""

    def __init__(self, scenario: Scenario) -> None:
        self._rule = scenario.partitions if scenario.tenants else None
        size = (len(scenario.pools), len(scenario.tenants))
        self._floors = np.array([tenant.floor_frac for tenant in scenario.tenants])
        self._offered_slot_s = np.zeros(size)
        self._demand = np.zeros(size)
        self._looked_s = 0.0

    def balance(self, state: State, now: float) -> None:
        """At the start of a tick: moves shares where demand moved by more than the hysteresis."""
        rule = self._rule
        if rule is None or now - self._looked_s < rule.every_s - 1e-9:
            return
        offered = state.tenants["offered_slot_s"]
        rate = (offered - self._offered_slot_s) / (now - self._looked_s)
        seen = rate + state.tenants["waiting"]
        self._demand = _REMEMBERED * self._demand + (1 - _REMEMBERED) * seen
        self._offered_slot_s, self._looked_s = offered.copy(), now
        for pool in range(len(state.pools)):
            shares = share_out(self._demand[pool], self._floors)
            if np.abs(shares - state.tenants["share"][pool]).max() > rule.hysteresis_frac:
                kernel.share_slots(state, pool, shares, now)
