"""The only loop: simulator ⇄ policy, tick by tick, for any number of runs in lockstep.

A run's result never depends on the others, on threads or on the clock (only the measured
decision times do, and they are kept apart).
"""

import math
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np

from engine import guard
from engine.errors import EngineError, PolicyError, PolicyFailed, ReplayCancelled
from engine.orders import Orders
from engine.policies.base import Action, Observation, Policy, PolicyContext, PoolFacts, WorkerView
from engine.records import DecisionLog, RunRecord
from engine.scenario import OnFailure, Scenario
from engine.sim import kernel
from engine.sim.outcomes import Tally, tally
from engine.sim.service import Workload
from engine.sim.state import make_state, make_views, with_room
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
        self.facts = _facts(spec)
        self.policy = spec.policy(
            PolicyContext(
                pools=self.facts,
                tick_s=scenario.tick_s,
                slo_latency_s=scenario.slo.latency_s,
                seed=scenario.seed,
            )
        )
        self.every = _ticks_between(self.policy, scenario.tick_s, spec.name)
        self.state = make_state(
            workload.arrivals,
            workload.pools,
            horizon_s=spec.window_s,
            abandon=scenario.on_failure is OnFailure.ABANDON,
        )
        pools = len(workload.pools)
        self.counters = np.zeros((self.ticks, pools, kernel.COUNTERS), np.int64)
        self.integrals = np.zeros((self.ticks, pools, kernel.INTEGRALS), np.float64)
        self.targets = np.zeros((self.ticks, pools), np.int64)
        self.target = np.array([p.workers_initial for p in workload.pools], np.int64)
        self.views = make_views(self.state)
        self.first_worker: list[int] = self.state.pools["first_worker"].tolist()
        self.log = DecisionLog()
        self.orders = Orders()

    # 1. decide, at the start of a tick, from what was observed until now
    def decide(self, tick: int) -> None:
        """Evaluates the policy if it is due, and applies what the guard leaves of its action."""
        if tick % self.every == 0:
            observation = self._observe(tick)
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
        kernel.run_tick(
            self.state,
            tick * self.tick_s,
            min((tick + 1) * self.tick_s, self.spec.window_s),
            self.views,
            self.counters[tick],
            self.integrals[tick],
        )

    def _observe(self, tick: int) -> Observation:
        """What the last tick left; copies, so that no policy can touch the run."""
        if tick == 0:
            counts, sums = self.state.counters.copy(), self.integrals[0] * np.nan
        else:
            counts, sums = self.counters[tick - 1].copy(), self.integrals[tick - 1].copy()
        sums[:, : kernel.F_P95_S] /= self.tick_s
        return Observation(
            t_s=tick * self.tick_s,
            tick_s=self.tick_s,
            target=self.target.copy(),
            starting=counts[:, kernel.C_STARTING],
            ready=counts[:, kernel.C_READY],
            draining=counts[:, kernel.C_DRAINING],
            queued=counts[:, kernel.C_QUEUED],
            in_service=counts[:, kernel.C_IN_SERVICE],
            arrived=counts[:, kernel.C_ARRIVED],
            finished=counts[:, kernel.C_FINISHED],
            failed=counts[:, kernel.C_QUEUE_TIMEOUT]
            + counts[:, kernel.C_EXEC_TIMEOUT]
            + counts[:, kernel.C_REJECTED]
            + counts[:, kernel.C_LOST],
            offered_slots=sums[:, kernel.F_OFFERED_SLOT_S],
            busy_slots=sums[:, kernel.F_BUSY_SLOT_S],
            p95_s=sums[:, kernel.F_P95_S],
            workers=tuple(self._view(number) for number in range(len(counts))),
        )

    def _view(self, number: int) -> WorkerView:
        views, first = self.views, self.first_worker[number]
        span = slice(first, first + int(views.number[number]))
        return WorkerView(
            started_s=views.started_s[span].copy(),
            ready_s=views.ready_s[span].copy(),
            draining=views.draining[span].copy(),
            utilisation=views.utilisation[span].copy(),
        )

    def _apply(self, tick: int, action: Action) -> None:
        _check_sizes(action, len(self.facts), f"policy {self.spec.name!r}")
        log = self.log
        for number, facts in enumerate(self.facts):
            current, proposed = int(self.target[number]), float(action.target[number])
            applied, reason, stages = guard.apply(
                proposed,
                current,
                action.reason[number],
                (facts.workers_min, facts.workers_max),
                f"policy {self.spec.name!r}, pool {facts.name!r}, {tick * self.tick_s:g} s",
            )
            if applied != current:
                self._scale(number, applied - current, tick * self.tick_s)
                self.target[number] = applied
            log.tick.append(tick)
            log.pool.append(number)
            log.current.append(current)
            log.proposed.append(proposed)
            log.applied.append(applied)
            log.reason.append(reason.value)
            log.rationale.append(
                msgspec.json.encode(action.rationale[number], enc_hook=_plain).decode()
                if action.rationale
                else None
            )
            log.guard.append(msgspec.json.encode(stages).decode() if stages else None)

    def _scale(self, number: int, change: int, now: float) -> None:
        if change < 0:
            before = self._starting(number)
            kernel.scale_in(self.state, number, -change, now)
            self.orders.cancelled(number, before - self._starting(number))
            return
        wanted = np.zeros(len(self.facts), np.int64)
        wanted[number] = change
        held = len(self.state.workers)
        self.state = with_room(self.state, wanted)
        if len(self.state.workers) != held:
            self.views = make_views(self.state)
            self.first_worker = self.state.pools["first_worker"].tolist()
        before = self._starting(number)
        kernel.scale_out(self.state, number, change, now)
        self.orders.placed(now, number, self._starting(number) - before)

    def _starting(self, number: int) -> Counter[float]:
        """When the workers of a pool that are starting now will be ready, seconds."""
        first, capacity = self.first_worker[number], self.state.pools["capacity"][number]
        workers = self.state.workers[first : first + capacity]
        return Counter(workers["ready_s"][workers["phase"] == kernel.STARTING].tolist())

    # 3. after the window: let what is in the system finish, then count
    def record(self) -> RunRecord:
        """Runs the cluster empty and returns everything that is kept of the run."""
        kernel.advance(self.state, math.inf)
        scenario = self.spec.scenario
        result: Tally = tally(
            self.state.requests["pool"],
            self.state.outcomes,
            pools=len(self.facts),
            tick_s=self.tick_s,
            ticks=self.ticks,
            slo_s=scenario.slo.latency_s,
            keep=scenario.keep_requests,
        )
        return RunRecord(
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
            orders=self.orders.results(self.spec.window_s),
            closed_loop=self.spec.workload.closed_loop,
            requests=result.requests,
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


def _facts(spec: ReplaySpec) -> tuple[PoolFacts, ...]:
    peak: FloatArray = spec.workload.peak_busy_slots
    facts = []
    for number, pool in enumerate(spec.scenario.pools):
        kind = spec.scenario.agent_type_of(pool)
        facts.append(
            PoolFacts(
                name=pool.name,
                agent_type=kind.name,
                slots=kind.slots,
                workers_min=pool.workers_min,
                workers_max=pool.workers_max,
                workers_initial=spec.workload.pools[number].workers_initial,
                startup_mean_s=kind.startup.mean_s,
                price_usd_per_hour=kind.price_usd_per_hour,
                peak_busy_slots=float(peak[number]),
            )
        )
    return tuple(facts)


def _ticks_between(policy: Policy, tick_s: float, name: str) -> int:
    ticks = policy.interval_s / tick_s
    if not (math.isfinite(ticks) and ticks >= 1 and abs(ticks - round(ticks)) < 1e-9):
        raise PolicyError(
            f"its interval of {policy.interval_s:g} s is no multiple of the tick of {tick_s:g} s",
            f"policy {name!r}",
            "Change the policy's interval, or the scenario's tick_s",
        )
    return round(ticks)
