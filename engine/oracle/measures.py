"""How good a finished replay was for each stretch of time: capacity paid for, requests missed.

A request is missed if it waits longer than half the mean service time of its pool, or does not
finish at all. Unlike the SLO this asks nothing of the length of the request itself, so it can be
met by capacity alone.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.histogram import BUCKETS, percentile_s
from engine.replay import Replay
from engine.sim import kernel
from engine.units import FloatArray, IntArray

WAIT_FACTOR = 0.5
"""Of the mean service time; what waits longer is missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A finished replay in numbers that runs of any size share. B blocks of time, P pools."""

    arrived: IntArray
    """(B, P) by time of arrival; so are the others."""
    missed: IntArray
    slo_missed: IntArray
    """Not finished within the scenario's SLO."""
    slot_s: FloatArray
    """(B, P) slot-seconds provisioned."""
    work_s: FloatArray
    """(P,) seconds of service of what arrived, alone on a worker."""
    usd: float
    latency: IntArray
    """(BUCKETS,) of requests; those that failed count at the queue time-out or at the time they
    took, whichever is longer."""

    @property
    def cost(self) -> float:
        """Provisioned slot-seconds over the work that arrived; 1 is perfect elasticity."""
        return float(self.slot_s.sum() / self.work_s.sum())

    @property
    def missed_frac(self) -> float:
        """Share of requests missed."""
        return float(self.missed.sum() / self.arrived.sum())

    @property
    def slo_missed_frac(self) -> float:
        """Share of requests that did not meet the SLO."""
        return float(self.slo_missed.sum() / self.arrived.sum())

    @property
    def p99_s(self) -> float:
        """99th percentile of latency, within 1 %."""
        return percentile_s(self.latency, 0.99)

    @property
    def service_s(self) -> float:
        """Mean seconds of service of a request alone on a worker."""
        return float(self.work_s.sum() / self.arrived.sum())


def measures(run: Replay, block_s: float) -> Measures:
    """Of a replay that `play` has finished.

    Args:
        run: the replay.
        block_s: a multiple of the tick.
    """
    state, scenario = run.fleet.state, run.spec.scenario
    pools = len(run.facts)
    per_block = max(1, round(block_s / run.tick_s))
    blocks = -(-run.ticks // per_block)
    shape = (blocks, pools)
    arrived, missed, late = (np.zeros(shape, np.int64) for _ in range(3))
    latency = np.zeros(BUCKETS, np.int64)
    timeouts = [scenario.agent_type_of(pool).queue_timeout_s or 0.0 for pool in scenario.pools]
    number, work_s = _work(state.requests["pool"], state.requests["work_s"], pools)
    _count(
        state.requests, state.outcomes, per_block * run.tick_s, scenario.slo.latency_s,
        WAIT_FACTOR * work_s / np.maximum(number, 1), np.array(timeouts),
        arrived, missed, late, latency,
    )  # fmt: skip
    slot_s = np.zeros((blocks * per_block, pools))
    slot_s[: run.ticks] = run.integrals[:, :, kernel.F_SLOT_S]
    return Measures(
        arrived=arrived, missed=missed, slo_missed=late, latency=latency, work_s=work_s,
        slot_s=slot_s.reshape(blocks, per_block, pools).sum(1),
        usd=_usd(run),
    )  # fmt: skip


def _usd(run: Replay) -> float:
    by_size = run.books.size_s
    if by_size is not None:
        paid = np.zeros(by_size.shape[1:])
        for pool, facts in enumerate(run.facts):
            paid[pool, : len(facts.sizes)] = [size.price_usd_per_hour for size in facts.sizes]
        return float((by_size.sum(0) * paid).sum() / 3600.0)
    worker_s = run.integrals[:, :, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1].sum((0, 2))
    prices = np.array([facts.price_usd_per_hour for facts in run.facts])
    return float((worker_s * prices).sum() / 3600.0)


@njit(nogil=True, cache=True)
def _work(pool, work_s, pools):  # type: ignore[no-untyped-def]
    number, total = np.zeros(pools, np.int64), np.zeros(pools)
    for i in range(len(pool)):
        number[pool[i]] += 1
        total[pool[i]] += work_s[i]
    return number, total


@njit(nogil=True, cache=True)
def _count(  # type: ignore[no-untyped-def]
    requests, outcomes, block_s, slo_s, waits_s, timeouts_s, arrived, missed, late, latency
):
    last = len(arrived) - 1
    for i in range(len(outcomes)):
        outcome = outcomes[i]
        if np.isnan(outcome.arrived_s):
            continue
        p = requests[i].pool
        block = min(int(outcome.arrived_s / block_s), last)
        arrived[block, p] += 1
        took_s = outcome.end_s - outcome.arrived_s
        if outcome.status == kernel.FINISHED:
            missed[block, p] += outcome.start_s - outcome.arrived_s > waits_s[p]
            late[block, p] += took_s > slo_s
        else:
            missed[block, p] += 1
            late[block, p] += 1
            took_s = timeouts_s[p] if np.isnan(took_s) else max(took_s, timeouts_s[p])
        latency[kernel.latency_bucket(took_s)] += 1
