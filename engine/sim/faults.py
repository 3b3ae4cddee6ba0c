"""The part of a fault plan that happens to workers, their network and their tools.

Faults happen at the first tick that starts at or after their time, and last a tick at least.
"""

import numpy as np

from engine.scenario import Fault, FaultKind, Scenario
from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import SECONDS_PER_HOUR

__all__ = ["WorkerFaults"]

_STREAM = 6
"""Of the scenario's seed sequence: when workers crash at random."""
_DAY_S = 24 * SECONDS_PER_HOUR
_KINDS = frozenset(
    {
        FaultKind.WORKER_CRASH,
        FaultKind.ZONE_PARTITION,
        FaultKind.SLOW_WORKER,
        FaultKind.TOOL_OUTAGE,
        FaultKind.START_FAILURE,
    }
)


class WorkerFaults:
    """The faults of one replay that are still to come or still last. Times in seconds."""

    def __init__(self, scenario: Scenario, window_s: float) -> None:
        planned = [fault for fault in scenario.faults if fault.kind in _KINDS]
        planned += _at_random(scenario, window_s)
        self._ahead = sorted(planned, key=lambda fault: fault.at_s)
        self._lasting: list[Fault] = []
        self._slowed: list[tuple[Fault, set[int]]] = []
        """Which workers each fault that lasts has slowed down; none is in two of them."""
        self._zones = [pool.zone for pool in scenario.pools]
        self._names = [pool.name for pool in scenario.pools]

    def strike(self, state: State, now: float) -> None:
        """Lets end what is over by now, then lets happen what is due."""
        for fault in [f for f in self._lasting if f.at_s + f.for_s <= now]:
            self._lasting.remove(fault)
            if fault.kind is FaultKind.SLOW_WORKER:
                self._speed_up(fault, state)
                continue
            for pool in self._pools(fault):
                self._set(state, pool, fault.kind, now)
        while self._ahead and self._ahead[0].at_s <= now:
            self._begin(self._ahead.pop(0), state, now)

    def _begin(self, fault: Fault, state: State, now: float) -> None:
        if fault.kind is FaultKind.TOOL_OUTAGE:
            until_s = max(fault.at_s + fault.for_s, float(state.clock["tools_until_s"][0]))
            kernel.hold_tools(state, until_s)
            return
        if fault.kind is not FaultKind.WORKER_CRASH:
            self._lasting.append(fault)
        if fault.kind is FaultKind.SLOW_WORKER:
            self._slow_down(fault, state)
            return
        for pool in self._pools(fault):
            if fault.kind is FaultKind.WORKER_CRASH:
                kernel.crash_workers(state, pool, fault.count, now)
            else:
                self._set(state, pool, fault.kind, now)

    def _set(self, state: State, pool: int, kind: FaultKind, now: float) -> None:
        """Makes a pool what the faults of a kind that last say."""
        lasting = [f for f in self._lasting if f.kind is kind and pool in self._pools(f)]
        if kind is FaultKind.ZONE_PARTITION:
            kernel.set_reachable(state, pool, not lasting, now)
        else:
            kernel.fail_starts(state, pool, max((f.factor for f in lasting), default=0.0))

    def _slow_down(self, fault: Fault, state: State) -> None:
        before = state.workers["slowed"].copy()
        for pool in self._pools(fault):
            kernel.set_speed(state, pool, fault.count, fault.factor)
        hit = set(np.flatnonzero(state.workers["slowed"] != before).tolist())
        for _, others in self._slowed:
            others.difference_update(
                hit
            )  # those were at their own speed: they are other workers by now
        self._slowed.append((fault, hit))

    def _speed_up(self, fault: Fault, state: State) -> None:
        """What the fault slowed down runs at its own speed; what others slowed stays slow."""
        number = next(n for n, (other, _) in enumerate(self._slowed) if other is fault)
        hit = list(self._slowed.pop(number)[1])
        state.workers["slowed"][hit] = 1.0
        state.workers["speed"][hit] = state.workers["own_speed"][hit]

    def _pools(self, fault: Fault) -> list[int]:
        here = self._zones if fault.kind is FaultKind.ZONE_PARTITION else self._names
        return [p for p, name in enumerate(here) if fault.where in (None, name)]


def _at_random(scenario: Scenario, window_s: float) -> list[Fault]:
    """Crashes of single workers at Poisson times, of each pool."""
    stream = np.random.SeedSequence(scenario.seed, spawn_key=(_STREAM,))
    rng = np.random.default_rng(stream)
    crashes = []
    for pool in scenario.pools:
        number = rng.poisson(scenario.random_faults_per_day * window_s / _DAY_S)
        crashes += [
            Fault(kind=FaultKind.WORKER_CRASH, at_s=at_s, where=pool.name)
            for at_s in rng.uniform(0.0, window_s, number).tolist()
        ]
    return crashes
