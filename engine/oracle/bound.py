"""The least that any policy can pay for as many requests within the SLO, if workers start at once.

Whoever serves K requests within the SLO holds a slot for each of them, for as long as the request
takes alone on the fastest worker there is. So the K requests that take least give a bound:

    slot-seconds ≥ Σ of the K least wᵢ        wᵢ = max(0, workᵢ / speed − lateᵢ)
    money        ≥ Σ of the K least wᵢ · price of a slot-second in the pool of request i

lateᵢ is by how much request i can end after the window and still meet the SLO: what is served
after the window is not paid for in it. Neither is less than what the smallest allowed size costs
where nothing takes workers away; a pool that begins below it may stay there, as what a policy
leaves alone is left alone (in Kubernetes, too, nothing is scaled that stands at 0). No plan, no
forecast and no start-up time comes into it.
"""

from dataclasses import dataclass

import numpy as np

from engine.cluster.money import worker_usd_per_hour
from engine.scenario import Pool, RouterKind, Scenario, WorkerSize
from engine.sim.service import Workload
from engine.units import SECONDS_PER_HOUR, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What no policy can stay below."""

    slot_hours: float
    usd: float | None
    """None where nodes are paid for: they may be shared, idle or kept asleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What each request of a window takes at least, least first. N requests."""

    slot_s: FloatArray
    """(N + 1,) sums of the 0, 1, 2, … least."""
    usd: FloatArray | None
    """(N + 1,) the same in money."""
    floor_slot_s: float
    """Of the smallest sizes that pools can have over the window."""
    floor_usd: float

    def bound(self, met: int) -> Bound:
        """For so many requests within the SLO, or more.

        Args:
            met: requests that a policy served within the SLO.
        """
        served = min(max(met, 0), len(self.slot_s) - 1)
        return Bound(
            slot_hours=max(float(self.slot_s[served]), self.floor_slot_s) / SECONDS_PER_HOUR,
            usd=None if self.usd is None else max(float(self.usd[served]), self.floor_usd),
        )


def is_bounded(scenario: Scenario) -> bool:
    """Whether work is known beforehand: caches, smaller models and quick nodes spare some."""
    noisy = any(scenario.node_type_of(g).speed_noise != "none" for g in scenario.node_groups)
    return scenario.cache is None and not scenario.degradation and not noisy


def needs(workload: Workload, scenario: Scenario, window_s: float) -> Needs:
    """What the requests of a window take; see the module for the proof.

    In a closed loop nobody knows beforehand when a request arrives, so each may end after the
    window.

    Args:
        workload: the window's requests.
        scenario: one of which `is_bounded` is true.
        window_s: length of the window.
    """
    requests = workload.arrivals.requests
    slo_s = scenario.slo.latency_s
    arrival_s = requests["arrival_s"]
    if workload.closed_loop:
        arrival_s = np.full(len(requests), window_s)
    late_s = np.maximum(arrival_s + slo_s - window_s, 0.0)
    least_s = np.maximum(requests["work_s"] / _fastest(scenario) - late_s, 0.0)
    rented = all(pool.node_group is None for pool in scenario.pools)
    usd = _usd(scenario, requests["pool"], least_s) if rented else None
    steady = not scenario.faults and scenario.random_faults_per_day == 0.0 and rented
    lows = [
        min(pool.workers_min, begun.workers_initial) * window_s if steady else 0.0
        for pool, begun in zip(scenario.pools, workload.pools, strict=True)
    ]
    return Needs(
        slot_s=_sums(least_s), usd=None if usd is None else _sums(usd),
        floor_slot_s=sum(
            worker_s * _fewest_slots(scenario, pool)
            for worker_s, pool in zip(lows, scenario.pools, strict=True)
        ),
        floor_usd=sum(
            worker_s / SECONDS_PER_HOUR * _lowest_price(scenario, number)
            for number, worker_s in enumerate(lows)
        ),
    )  # fmt: skip


def _usd(scenario: Scenario, pool: FloatArray, least_s: FloatArray) -> FloatArray:
    """(N,) of each request's slot; where routers choose the pool, in the cheapest one."""
    prices = np.array([_slot_usd_per_s(scenario, n) for n in range(len(scenario.pools))])
    if scenario.siting is not None or scenario.router.kind is RouterKind.HIERARCHICAL:
        prices[:] = prices.min()
    made: FloatArray = least_s * prices[pool]
    return made


def _slot_usd_per_s(scenario: Scenario, number: int) -> float:
    return min(
        worker_usd_per_hour(scenario, number, size) / size.slots / SECONDS_PER_HOUR
        for size in _sizes(scenario, scenario.pools[number])
    )


def _lowest_price(scenario: Scenario, number: int) -> float:
    sizes = _sizes(scenario, scenario.pools[number])
    return min(worker_usd_per_hour(scenario, number, size) for size in sizes)


def _fewest_slots(scenario: Scenario, pool: Pool) -> int:
    return min(size.slots for size in _sizes(scenario, pool))


def _fastest(scenario: Scenario) -> float:
    """Speed of the fastest size; nodes do not add to it."""
    return max(size.speed for pool in scenario.pools for size in _sizes(scenario, pool))


def _sizes(scenario: Scenario, pool: Pool) -> tuple[WorkerSize, ...]:
    return scenario.agent_type_of(pool).all_sizes


def _sums(values: FloatArray) -> FloatArray:
    made: FloatArray = np.concatenate(([0.0], np.cumsum(np.sort(values))))
    return made
