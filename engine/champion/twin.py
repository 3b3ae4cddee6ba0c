"""A copy of the cluster in the policy's hands: replays what arrived under every candidate.

Built from observations alone, so that it works on any cluster: how many requests arrived in each
tick, how much work they brought, and how long they held a slot. What is within a tick is drawn.
"""

from collections.abc import Sequence

import numpy as np

from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.policies.base import Observation, Policy, PolicyContext
from engine.policies.demand import DEFAULT_INTERVAL_S
from engine.policies.registry import PolicySpec, create
from engine.replay import ReplaySpec, set_up
from engine.scenario import AgentType, Pool, QueueKind, Scenario, Slo, Startup, StartupKind
from engine.sim.service import lognormal, prepare
from engine.trace.schema import RequestTable, request_table
from engine.trace.streams import stream
from engine.units import FloatArray, IntArray

QUEUE_TIMEOUT_S = 60.0
"""After which a request is taken to give up; observations do not say it."""
SLOWEST = 1.5
"""Most by which requests are taken to last longer than their work, in a busy worker."""
CV_MOST = 2.0
_STREAM = 8123

Stretch = tuple[FloatArray, FloatArray, FloatArray]
"""(P,) arrived, missed, slot-seconds."""


class Twin:
    """Remembers what arrives, and replays stretches of it under all candidates."""

    def __init__(self, context: PolicyContext, candidates: Sequence[PolicySpec]) -> None:
        """Knows the pools.

        Args:
            context: of the real cluster.
            candidates: each goes on in the next stretch where it was.

        Raises:
            PolicyError: a candidate that cannot be made.
        """
        self._context = context
        tick_s = context.tick_s
        self._tick_s = tick_s * max(1, round(DEFAULT_INTERVAL_S / tick_s))
        inside = _context(context, self._tick_s)
        self._policies: list[tuple[str, Policy]] = [
            (str(spec), create(spec, inside)) for spec in candidates
        ]
        first = np.array([pool.workers_initial for pool in context.pools], np.int64)
        self._sizes: list[IntArray] = [first.copy() for _ in candidates]
        self._stretches = 0
        self._forget()

    def _forget(self) -> None:
        self._arrived: list[IntArray] = []
        self._work_s: list[FloatArray] = []
        self._busy_s = np.zeros(len(self._context.pools))
        self._finished = np.zeros(len(self._context.pools))

    def note(self, observation: Observation) -> None:
        """Takes the last tick in."""
        self._arrived.append(observation.arrived.copy())
        self._work_s.append(np.nan_to_num(observation.offered_slots) * observation.tick_s)
        self._busy_s += np.nan_to_num(observation.busy_slots) * observation.tick_s
        self._finished += observation.finished

    @property
    def known_s(self) -> float:
        """How long the stretch is that `replay` would replay."""
        return len(self._arrived) * self._context.tick_s

    def replay(self) -> list[Stretch]:
        """What every candidate would have done since the last call."""
        table, known_s = self._requests(), self.known_s
        pools = len(self._context.pools)
        made: list[Stretch] = []
        for number, (name, policy) in enumerate(self._policies):
            if not len(table):
                made.append((np.zeros(pools), np.zeros(pools), np.zeros(pools)))
                continue
            scenario = _scenario(self._context, self._tick_s, self._sizes[number])
            spec = ReplaySpec(
                workload=prepare(table, scenario), scenario=scenario, name=name,
                window_s=known_s, policy=lambda _, kept=policy: kept,  # type: ignore[misc]
            )  # fmt: skip
            (run,) = set_up([spec])
            run_out(run)
            self._sizes[number] = run.target.copy()
            found = measures(run, known_s)
            made.append(
                (found.arrived.sum(0), found.missed.sum(0), found.slot_s.sum(0))
            )  # fmt: skip
        self._stretches += 1
        self._forget()
        return made

    def _requests(self) -> RequestTable:
        """The stretch as requests: spread evenly at random in their tick, their work as seen."""
        rng = stream(self._context.seed, _STREAM, self._stretches)
        tick_s = self._context.tick_s
        counts, work_s = np.array(self._arrived, np.int64), np.array(self._work_s)
        slow = self._slowness(counts, work_s)
        parts = [
            _of_pool(rng, counts[:, p], work_s[:, p] * slow[p], tick_s)
            for p in range(counts.shape[1])
        ]
        arrival_s = np.concatenate([times for times, _ in parts])
        kind = np.repeat(np.arange(len(parts)), [len(times) for times, _ in parts])
        service_s = np.concatenate([work for _, work in parts])
        order = np.argsort(arrival_s, kind="stable")
        return request_table(
            arrival_s[order], service_s=service_s[order],
            agent_type=kind[order].astype(np.int32),
            agent_types=tuple(_name(p) for p in range(len(parts))),
        )  # fmt: skip

    def _slowness(self, counts: IntArray, work_s: FloatArray) -> FloatArray:
        """(P,) how much longer requests held a slot than their work alone takes."""
        with np.errstate(invalid="ignore", divide="ignore"):
            alone = work_s.sum(0) / counts.sum(0)
            ratio = self._busy_s / self._finished / alone
        made: FloatArray = np.clip(np.nan_to_num(ratio, nan=1.0, posinf=1.0), 1.0, SLOWEST)
        return made


def _of_pool(
    rng: np.random.Generator, counts: IntArray, work_s: FloatArray, tick_s: float
) -> tuple[FloatArray, FloatArray]:
    """Arrivals and work of a pool's requests; the work of each tick adds up to what was seen."""
    number = int(counts.sum())
    tick = np.repeat(np.arange(len(counts)), counts)
    arrival_s = (tick + rng.random(number)) * tick_s
    drawn = lognormal(1.0, _variation(counts, work_s), rng.standard_normal(number))
    sums = np.bincount(tick, drawn, len(counts))
    each: FloatArray = drawn * (work_s / np.maximum(sums, 1e-12))[tick]
    return arrival_s, np.maximum(each, 1e-6)


def _variation(counts: IntArray, work_s: FloatArray) -> float:
    """Coefficient of variation of a request's work, from how its mean varies between ticks.

    The mean of n requests has 1/n of the variance of one: cv² = mean of n · (w/n − m)² / m².
    """
    some = counts > 0
    if not some.any():
        return 0.0
    number = counts[some]
    mean = work_s[some].sum() / number.sum()
    spread = np.mean(number * (work_s[some] / number - mean) ** 2)
    return float(min(np.sqrt(spread) / max(mean, 1e-9), CV_MOST))


def _name(pool: int) -> str:
    return f"kind-{pool}"


def _scenario(context: PolicyContext, tick_s: float, sizes: IntArray) -> Scenario:
    """The cluster as far as a policy knows it, with the workers that a candidate has by now."""
    kinds = tuple(
        AgentType(
            name=_name(p), slots=pool.slots, price_usd_per_hour=pool.price_usd_per_hour,
            startup=Startup(kind=StartupKind.CONSTANT, mean_s=pool.startup_mean_s),
            contention=0.0, queue_limit=None, queue_timeout_s=QUEUE_TIMEOUT_S,
            exec_timeout_s=None,
        )
        for p, pool in enumerate(context.pools)
    )  # fmt: skip
    pools = tuple(
        Pool(
            name=pool.name, agent_type=_name(p), workers_min=pool.workers_min,
            workers_max=pool.workers_max, workers_initial=int(sizes[p]), queue=QueueKind.POOL,
        )
        for p, pool in enumerate(context.pools)
    )  # fmt: skip
    return Scenario(
        name="twin", agent_types=kinds, pools=pools, tick_s=tick_s, seed=context.seed,
        slo=Slo(latency_s=context.slo_latency_s),
    )  # fmt: skip


def _context(context: PolicyContext, tick_s: float) -> PolicyContext:
    return PolicyContext(
        pools=context.pools, tick_s=tick_s, slo_latency_s=context.slo_latency_s,
        seed=context.seed, priorities=context.priorities,
    )  # fmt: skip
