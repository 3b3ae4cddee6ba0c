"""The only loop: simulator ⇄ policy, tick by tick, for any number of runs in lockstep.

A run's result never depends on the others, on threads or on the clock (only the measured
decision times do, and they are kept apart).
"""

import copy
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.briefing import context_of, facts_of, sizes_of
from engine.cluster.accounts import Readings, accounts
from engine.cluster.conditions import Conditions
from engine.cluster.grid import GridSeries
from engine.cluster.prices import PriceSeries
from engine.cluster.sites import types_of
from engine.cluster.sizes import SizeBooks
from engine.cluster.worth import worth_of
from engine.collecting import old_left_alone
from engine.errors import EngineError, ReplayCancelled
from engine.fleet import Fleet
from engine.gauges import Gauges
from engine.guard import Applied, Chain
from engine.guard.record import Log
from engine.merging import merged_bill, merged_observation
from engine.monitor import Monitor
from engine.policies.base import Action, Future, Observation, Policy, PolicyContext
from engine.policies.checks import digest, failure_of, ticks_between, uncopied
from engine.records import Accounts, DecisionLog, RunRecord
from engine.scenario import Scenario
from engine.sim import kernel
from engine.sim.outcomes import Tally, pools_of, tally
from engine.sim.service import Workload
from engine.sim.tenants import tenant_ticks
from engine.steering import Steering
from engine.units import AnyArray, FloatArray

THREADS_PAY_OFF = 20_000
"""Requests per tick, over all runs, from which advancing in threads beats doing it in turn."""

Probe = Callable[["Replay", int, Observation, FloatArray, FloatArray], None]
"""Takes the replay, the tick, what the policy is about to see, grids and prices, (P,) each."""


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
    prices: Mapping[str, PriceSeries] = field(default_factory=dict)
    """History of prices by node group, of those whose node type names one."""
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
    with ThreadPoolExecutor(workers) as threads, old_left_alone():
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
            tuple(for_each(lambda run, k=tick: run.advance(k), runs))  # type: ignore[misc]
        records = list(threads.map(Replay.record, runs))
    if progress is not None:
        progress(Progress(1.0, runs[0].spec.window_s))
    return records


class Replay:
    """One replay in progress: from `set_up`, for `play`."""

    def __init__(self, spec: ReplaySpec) -> None:
        scenario, workload = spec.scenario, spec.workload
        self.spec = spec
        self.tick_s = scenario.tick_s
        self.ticks = max(1, math.ceil(spec.window_s / scenario.tick_s - 1e-9))
        self.facts = facts_of(scenario, workload)
        self.types = None if scenario.siting is None else types_of(scenario)
        self.context = context = context_of(scenario, workload, spec.future)
        self.policy = spec.policy(context)
        self.every = ticks_between(self.policy, scenario.tick_s, spec.name)
        self.fleet = Fleet(workload, scenario, ticks=self.ticks, window_s=spec.window_s)
        pools = len(workload.pools)
        self.counters = np.zeros((self.ticks, pools, kernel.COUNTERS), np.int64)
        self.integrals = np.zeros((self.ticks, pools, kernel.INTEGRALS), np.float64)
        ends_s = np.minimum(np.arange(self.ticks + 1) * scenario.tick_s, spec.window_s)
        self.edges_s: FloatArray = ends_s
        conditions = Conditions(scenario, ends_s, spec.clock_s, spec.grids, spec.prices)
        self.books = SizeBooks(spec.workload.pools, self.ticks)
        self.monitor = Monitor(
            scenario, self.fleet, self.counters, self.integrals, conditions, self.books
        )
        self.steering = Steering(scenario, self.fleet, conditions)
        self.guard = Chain(
            context.pools,
            self.tick_s,
            guard=scenario.guard,
            carbon_threshold=scenario.priorities.carbon_threshold,
            policy=spec.name,
        )
        self.gauges = Gauges(scenario, self.ticks)
        self.targets = np.zeros((self.ticks, pools), np.int64)
        self.wants = np.zeros((self.ticks, len(context.pools)), np.int64)
        self.tick = 0
        """That begins next."""
        self.target = np.array([p.workers_initial for p in workload.pools], np.int64)
        self.wanted = np.array([f.workers_initial for f in context.pools], np.int64)
        self.log = DecisionLog()
        self._seen = 0
        self.probe: Probe | None = None
        """Told of each evaluation before it happens; what it is given is not its own."""

    def fork(self, outcomes: AnyArray | None = None) -> "Replay":
        """A copy to be played on differently, with its own (N,) outcomes where they are given.

        What never changes is shared, its log begins here. PolicyError: a policy cannot be copied.
        """
        state, done = self.fleet.state, self.tick
        shared = (
            self.spec, self.facts, self.context,
            state.requests, state.roots, state.traits, state.startup_draws,
        )  # fmt: skip
        memo: dict[int, object] = {id(value): value for value in shared}
        own = {} if outcomes is None else {id(state.outcomes): outcomes}
        memo |= {id(self.log): DecisionLog(), id(self.probe): None, **own}
        for grown in (self.counters, self.integrals):
            memo[id(grown)] = empty = np.zeros(grown.shape, grown.dtype)
            empty[:done] = grown[:done]
        try:
            return copy.deepcopy(self, memo)
        except (TypeError, ValueError) as error:
            raise uncopied(self.spec.name, error) from error

    # 1. decide, at the start of a tick, from what was observed until now
    def decide(self, tick: int) -> None:
        """Evaluates the policy if it is due, and applies what the guard leaves of its action."""
        self.fleet.tend(self.target, tick * self.tick_s)
        due = tick % self.every == 0
        if due or self.guard.watches:
            observation = self.monitor.observe(tick, self.target)
            prices = self._bill(tick)
            if self.types is not None:
                observation = merged_observation(observation, self.types, self.wanted)
            self.guard.see(observation)
        if due:
            grams = observation.grid_g_per_kwh.copy()
            self._seen = digest(observation)
            if self.probe is not None:
                self.probe(self, tick, observation, grams, prices)
            started = time.perf_counter()
            action = self._proposed(observation)
            self.log.wall_ms.append((time.perf_counter() - started) * 1e3)
            self._apply(tick, action, grams, prices)
        self.targets[tick], self.wants[tick] = self.target, self.wanted

    def _bill(self, tick: int) -> FloatArray:
        """(P,) price of a worker as the guard's budget counts it, 0 where nobody asks for it."""
        if not self.guard.pays and self.probe is None:
            return np.zeros(len(self.wanted))
        prices, self.guard.committed = merged_bill(self.monitor.bill(tick), self.types)
        self.guard.besides_usd_per_hour = self.monitor.besides_usd_per_hour(tick)
        return prices

    def _proposed(self, observation: Observation) -> Action:
        try:
            return self.policy.propose(observation)
        except EngineError:
            raise
        except Exception as error:
            raise failure_of(self.spec.name, observation.t_s, error) from error

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
        seconds = float(self.edges_s[tick + 1] - self.edges_s[tick])
        state = self.fleet.state
        self.gauges.read(tick, state, self.fleet.utilisation, seconds)
        self.books.read(tick, state, self.edges_s)
        self.monitor.keep_views(tick)
        self.tick = tick + 1

    def _apply(
        self, tick: int, action: Action, g_per_kwh: FloatArray, usd_per_hour: FloatArray
    ) -> None:
        """What the guard leaves is done; grids and prices as they were before the policy ran."""
        now = tick * self.tick_s
        self.steering.check(action, f"policy {self.spec.name!r}")
        held = self.target if self.types is None else self.wanted
        wanted, changes, action = self.steering.wishes.settled(
            self.guard, action, tick, now, held.astype(np.float64), g_per_kwh, usd_per_hour
        )
        for number in range(len(wanted)):
            size, current = float(wanted[number]), int(held[number])
            granted = changes.granted[number][0] if number in changes.granted else None
            room = None if self.types else self.steering.left(number, granted, held)
            if granted is not None and not self.steering.resize(number, granted, now):
                changes.take_back(number, size, current)
                size = float(current)
            if self.types is None:
                entry = self.guard.place(now, number, size, current, changes, room)
                self._do(tick, number, number, action, float(action.target[number]), entry)
            else:
                self._site(tick, number, action, size, changes)
        self.steering.steer(action, now)

    def _site(self, tick: int, kind: int, action: Action, wanted: float, changes: Log) -> None:
        """Settles the total of an agent type, then divides it over its pools."""
        assert self.types is not None
        pools, current = self.types[kind], int(self.wanted[kind])
        most = self.steering.room(pools, self.target)
        spare = int(most[pools].sum()) - current
        entry = self.guard.place(tick * self.tick_s, kind, wanted, current, changes, lambda: spare)
        self.wanted[kind] = entry.workers
        sited = self.steering.sited(tick, kind, entry, current, self.target, most)
        for pool, places, settled in sited:
            self._do(tick, pool, kind, action, float(places), settled)

    def _do(
        self, tick: int, pool: int, number: int, action: Action, proposed: float, entry: Applied
    ) -> None:
        """Applies and logs what was settled for a pool; `number` is its place in the action."""
        now, current = tick * self.tick_s, int(self.target[pool])
        size = self.steering.size(pool, action, number)
        if entry.workers != current:
            self.fleet.scale(pool, entry.workers - current, now)
            self.target[pool] = entry.workers
        log = self.log
        log.tick.append(tick)
        log.pool.append(pool)
        log.current.append(current)
        log.proposed.append(proposed)
        log.applied.append(entry.workers)
        log.reason.append(entry.reason.value)
        log.size.append(size)
        log.routing.append(self.steering.routing(action, number))
        log.seen.append(self._seen)
        log.rationale.append(
            msgspec.json.encode(action.rationale[number], enc_hook=_plain).decode()
            if action.rationale
            else None
        )
        log.guard.append(msgspec.json.encode(entry.stages).decode() if entry.stages else None)

    # 3. after the window: let what is in the system finish, then count
    def record(self) -> RunRecord:
        """Runs the cluster empty and returns everything that is kept of the run."""
        kernel.advance(self.fleet.state, math.inf)
        scenario, state = self.spec.scenario, self.fleet.state
        tenants = tuple(tenant.name for tenant in scenario.tenants)
        result: Tally = tally(
            pools_of(state),
            state.outcomes,
            pools=len(self.facts),
            tick_s=self.tick_s,
            ticks=self.ticks,
            slo_s=scenario.slo.latency_s,
            keep=scenario.keep_requests,
            delay_s=state.pools["delay_s"],
            patient=np.isinf(state.pools["queue_timeout_s"]),
        )
        return RunRecord(
            accounts=self.accounted(),
            pools=tuple(facts.name for facts in self.facts),
            slots=self.books.slots(self.worker_s, self.integrals[:, :, kernel.F_SLOT_S]),
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
            gauges=self.gauges.ticks(),
            tenants=tenant_ticks(state, tenants, self.edges_s, scenario.slo.latency_s),
            events=self.fleet.events,
            worth=worth_of(scenario),
        )

    def accounted(self) -> Accounts | None:
        """Machines, energy, carbon and money of the ticks played so far."""
        spec = self.spec
        return accounts(spec.scenario, self._readings(), spec.grids, spec.prices)

    @property
    def worker_s(self) -> FloatArray:
        """(T, P) provisioned worker-seconds."""
        kept = self.integrals[:, :, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1]
        return np.asarray(kept.sum(axis=2), np.float64)

    def _readings(self) -> Readings:
        """What the accounts are made of."""
        hosting = self.fleet.hosting
        return Readings(
            edges_s=self.edges_s,
            clock_s=self.spec.clock_s,
            sizes=sizes_of(self.spec.scenario, self.spec.workload),
            size_s=self.books.size_s,
            busy_by_size_s=self.books.busy_slot_s,
            worker_s=self.worker_s,
            busy_slot_s=self.integrals[:, :, kernel.F_BUSY_SLOT_S],
            finished=self.counters[:, :, kernel.C_FINISHED],
            meter=None if hosting is None else hosting.meter,
        )


def _plain(value: object) -> object:
    """The numbers and arrays of numpy in a rationale, as JSON can say them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a rationale holds a {type(value).__name__}, which JSON cannot say")
