"""The only loop: simulator ⇄ policy, tick by tick, for any number of runs in lockstep.

A run's result never depends on the others, on threads or on the clock (only the measured
decision times do, and they are kept apart).
"""

import math
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.cluster.accounts import Readings, accounts
from engine.cluster.grid import GridSeries, intensity
from engine.cluster.money import worker_usd_per_hour
from engine.errors import EngineError, PolicyError, PolicyFailed, ReplayCancelled
from engine.fleet import Fleet
from engine.guard import Chain
from engine.monitor import Monitor
from engine.policies.base import Action, Future, Observation, Policy, PolicyContext, PoolFacts
from engine.records import DecisionLog, RunRecord
from engine.scenario import Scenario, WorkerSize
from engine.sim import kernel
from engine.sim.outcomes import Tally, tally
from engine.sim.service import Workload
from engine.units import FloatArray

THREADS_PAY_OFF = 20_000
"""Requests per tick, over all runs, from which advancing in threads beats doing it in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySpec:
    """One run to be made."""

    workload: Workload
    scenario: Scenario
    policy: Callable[[PolicyContext], Policy]
    """Makes the policy for this run."""
    name: str
    """The policy as typed; named in errors and progress."""
    window_s: float
    clock_s: float = 0.0
    """Unix time of the window's start, or seconds since the trace's start where unknown."""
    grids: Mapping[str, GridSeries] = field(default_factory=dict)
    """Measured carbon intensity by region, of those that name a series."""
    future: Future | None = None
    """For oracles only."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come."""

    fraction: float
    t_s: float
    """Seconds into the window."""


def replay(
    specs: Sequence[ReplaySpec],
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[RunRecord]:
    """Replays all specs in lockstep; they share tick and window. `set_up`, then `play`."""
    return play(set_up(specs), progress=progress, cancel=cancel)


def set_up(specs: Sequence[ReplaySpec]) -> list["Replay"]:
    """Makes clusters and policies, so that what cannot be replayed is refused beforehand.

    Raises:
        PolicyError: a policy cannot be made, or its interval is no multiple of the tick.
    """
    tick_s, window_s = specs[0].scenario.tick_s, specs[0].window_s
    assert all(s.scenario.tick_s == tick_s and s.window_s == window_s for s in specs)
    return [Replay(spec) for spec in specs]


def play(
    runs: Sequence["Replay"],
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[RunRecord]:
    """Steps what `set_up` made through the window, once.

    Raises:
        PolicyError: a policy proposed something impossible.
        PolicyFailed: a policy raised an error of its own.
        ReplayCancelled: `cancel` returned true between two ticks.
    """
    ticks, tick_s = runs[0].ticks, runs[0].tick_s
    requests = sum(len(run.spec.workload.arrivals.requests) for run in runs)
    workers = min(len(runs), os.cpu_count() or 1)
    every = max(1, ticks // 200)
    with ThreadPoolExecutor(workers) as threads:
        in_threads = workers > 1 and requests / ticks > THREADS_PAY_OFF
        for_each = threads.map if in_threads else map
        for tick in range(ticks):
            if tick % every == 0:
                if cancel is not None and cancel():
                    raise ReplayCancelled(
                        "the replay was cancelled",
                        f"{tick / ticks:.0%} of the way",
                        "Start it again when you like; nothing else was changed",
                    )
                if progress is not None:
                    progress(Progress(tick / ticks, tick * tick_s))
            for run in runs:
                run.decide(tick)
            _finish(for_each(lambda run, k=tick: run.advance(k), runs))  # type: ignore[misc]
        records = list(threads.map(Replay.record, runs))
    if progress is not None:
        progress(Progress(1.0, runs[0].spec.window_s))
    return records


def _finish(results: Iterable[None]) -> None:
    for _ in results:
        pass


class Replay:
    """One replay in progress: from `set_up`, for `play`."""

    def __init__(self, spec: ReplaySpec) -> None:
        scenario, workload = spec.scenario, spec.workload
        self.spec = spec
        self.tick_s = scenario.tick_s
        self.ticks = max(1, math.ceil(spec.window_s / scenario.tick_s - 1e-9))
        self.facts = facts_of(spec)
        self.policy = spec.policy(
            PolicyContext(
                pools=self.facts,
                tick_s=scenario.tick_s,
                slo_latency_s=scenario.slo.latency_s,
                seed=scenario.seed,
                future=spec.future,
            )
        )
        self.every = _ticks_between(self.policy, scenario.tick_s, spec.name)
        self.fleet = Fleet(workload, scenario, ticks=self.ticks, window_s=spec.window_s)
        pools = len(workload.pools)
        self.counters = np.zeros((self.ticks, pools, kernel.COUNTERS), np.int64)
        self.integrals = np.zeros((self.ticks, pools, kernel.INTEGRALS), np.float64)
        self.monitor = Monitor(scenario, self.fleet, self.counters, self.integrals)
        self.guard = Chain(
            self.facts,
            self.tick_s,
            guard=scenario.guard,
            carbon_threshold=scenario.priorities.carbon_threshold_g_per_kwh,
            policy=spec.name,
        )
        self._g_per_kwh = _intensities(spec, self.ticks)
        self.targets = np.zeros((self.ticks, pools), np.int64)
        self.target = np.array([p.workers_initial for p in workload.pools], np.int64)
        self.log = DecisionLog()

    # 1. decide, at the start of a tick, from what was observed until now
    def decide(self, tick: int) -> None:
        """Evaluates the policy if it is due, and applies what the guard leaves of its action."""
        self.fleet.tend(self.target, tick * self.tick_s)
        due = tick % self.every == 0
        if due or self.guard.watches:
            observation = self.monitor.observe(tick, self.target)
            self.guard.see(observation)
        if due:
            started = time.perf_counter()
            action = self._proposed(observation)
            self.log.wall_ms.append((time.perf_counter() - started) * 1e3)
            self._apply(tick, action)
        self.targets[tick] = self.target

    def _proposed(self, observation: Observation) -> Action:
        try:
            return self.policy.propose(observation)
        except EngineError:
            raise
        except Exception as error:
            raise _failure(self.spec.name, observation.t_s, error) from error

    # 2. let the cluster live until the next tick
    def advance(self, tick: int) -> None:
        """Simulates one tick and keeps its counts and integrals."""
        self.fleet.advance(
            tick,
            tick * self.tick_s,
            min((tick + 1) * self.tick_s, self.spec.window_s),
            self.counters[tick],
            self.integrals[tick],
        )
        self.monitor.keep_views(tick)

    def _apply(self, tick: int, action: Action) -> None:
        _check_sizes(action, len(self.facts), f"policy {self.spec.name!r}")
        log, now = self.log, tick * self.tick_s
        known = None if self._g_per_kwh is None else self._g_per_kwh[max(tick - 1, 0)]
        proposals = np.asarray(action.target, np.float64)
        wanted, changes = self.guard.decide(
            now, proposals, self.target.astype(np.float64), tuple(action.reason), known
        )
        for number in range(len(self.facts)):
            current, proposed = int(self.target[number]), float(proposals[number])
            left = self.guard.place(
                now, number, wanted[number], current, changes, self.fleet.room(number)
            )
            applied, stages = left.workers, left.stages
            if applied != current:
                self.fleet.scale(number, applied - current, now)
                self.target[number] = applied
            log.tick.append(tick)
            log.pool.append(number)
            log.current.append(current)
            log.proposed.append(proposed)
            log.applied.append(applied)
            log.reason.append(left.reason.value)
            log.rationale.append(
                msgspec.json.encode(action.rationale[number], enc_hook=_plain).decode()
                if action.rationale
                else None
            )
            log.guard.append(msgspec.json.encode(stages).decode() if stages else None)

    # 3. after the window: let what is in the system finish, then count
    def record(self) -> RunRecord:
        """Runs the cluster empty and returns everything that is kept of the run."""
        kernel.advance(self.fleet.state, math.inf)
        scenario = self.spec.scenario
        result: Tally = tally(
            self.fleet.state.requests["pool"],
            self.fleet.state.outcomes,
            pools=len(self.facts),
            tick_s=self.tick_s,
            ticks=self.ticks,
            slo_s=scenario.slo.latency_s,
            keep=scenario.keep_requests,
        )
        return RunRecord(
            accounts=accounts(scenario, self._readings(), self.spec.grids),
            pools=tuple(facts.name for facts in self.facts),
            slots=np.array([facts.slots for facts in self.facts], np.int64),
            price_usd_per_hour=np.array([f.price_usd_per_hour for f in self.facts]),
            tick_s=self.tick_s,
            window_s=self.spec.window_s,
            slo_latency_s=scenario.slo.latency_s,
            counters=self.counters,
            integrals=self.integrals,
            target=self.targets,
            arrived=result.arrived,
            slo_met=result.slo_met,
            latency=result.latency,
            minutes=result.minutes,
            outcome=result.outcome,
            decisions=self.log,
            orders=self.fleet.orders.results(self.spec.window_s),
            closed_loop=self.spec.workload.closed_loop,
            requests=result.requests,
        )

    def _readings(self) -> Readings:
        """What the accounts are made of."""
        ends_s = np.arange(1, self.ticks + 1) * self.tick_s
        hosting = self.fleet.hosting
        return Readings(
            edges_s=np.minimum(np.concatenate(([0.0], ends_s)), self.spec.window_s),
            clock_s=self.spec.clock_s,
            sizes=_sizes(self.spec),
            worker_s=self.integrals[:, :, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1].sum(2),
            busy_slot_s=self.integrals[:, :, kernel.F_BUSY_SLOT_S],
            finished=self.counters[:, :, kernel.C_FINISHED],
            meter=None if hosting is None else hosting.meter,
        )


def _failure(policy: str, t_s: float, error: Exception) -> PolicyFailed:
    """What an operator, or the policy's author, has to know of an error that a policy raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PolicyFailed(
        f"policy {policy!r} failed {t_s:g} s into the replay: {type(error).__name__}: {error}",
        f"{frame.filename}, line {frame.lineno}, in {frame.name}",
        "Repair the policy, or replay without it",
    )


def _check_sizes(action: Action, pools: int, where: str) -> None:
    sizes = (len(action.target), len(action.reason), len(action.rationale) or pools)
    if sizes != (pools, pools, pools):
        raise PolicyError(
            f"{sizes[0]} targets, {sizes[1]} reasons and {len(action.rationale)} rationales were "
            "proposed",
            where,
            f"Propose one of each per pool, or no rationale at all; there are {pools} pools",
        )


def _plain(value: object) -> object:
    """The numbers and arrays of numpy in a rationale, as JSON can say them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a rationale holds a {type(value).__name__}, which JSON cannot say")


def facts_of(spec: ReplaySpec) -> tuple[PoolFacts, ...]:
    """What policies may know of the pools before the replay."""
    peak: FloatArray = spec.workload.peak_busy_slots
    facts = []
    for number, (pool, size) in enumerate(zip(spec.scenario.pools, _sizes(spec), strict=True)):
        kind = spec.scenario.agent_type_of(pool)
        facts.append(
            PoolFacts(
                name=pool.name,
                agent_type=kind.name,
                slots=size.slots,
                workers_min=pool.workers_min,
                workers_max=pool.workers_max,
                workers_initial=spec.workload.pools[number].workers_initial,
                startup_mean_s=kind.startup.mean_s,
                price_usd_per_hour=worker_usd_per_hour(spec.scenario, number, size),
                peak_busy_slots=float(peak[number]),
            )
        )
    return tuple(facts)


def _sizes(spec: ReplaySpec) -> tuple[WorkerSize, ...]:
    """(pools,) sizes that their workers have in the simulator."""
    return tuple(
        spec.scenario.agent_type_of(pool).all_sizes[entry.size]
        for pool, entry in zip(spec.scenario.pools, spec.workload.pools, strict=True)
    )


def _intensities(spec: ReplaySpec, ticks: int) -> FloatArray | None:
    """(T, P) g CO2e per kWh of each pool's grid; None where the scenario has no threshold."""
    scenario = spec.scenario
    if scenario.priorities.carbon_threshold_g_per_kwh is None:
        return None
    edges_s: FloatArray = spec.clock_s + np.arange(ticks + 1, dtype=np.float64) * scenario.tick_s
    regions = [scenario.region_of(pool.zone) for pool in scenario.pools]
    columns = [intensity(region, spec.grids.get(region.name), edges_s) for region in regions]
    return np.stack(columns, axis=1)


def _ticks_between(policy: Policy, tick_s: float, name: str) -> int:
    ticks = policy.interval_s / tick_s
    if not (math.isfinite(ticks) and ticks >= 1 and abs(ticks - round(ticks)) < 1e-9):
        raise PolicyError(
            f"its interval of {policy.interval_s:g} s is no multiple of the tick of {tick_s:g} s",
            f"policy {name!r}",
            "Change the policy's interval, or the scenario's tick_s",
        )
    return round(ticks)
