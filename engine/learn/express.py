"""Replays of the learned allocator in one compiled loop, for measures and scorecards alone.

Simulator, memory, forecast, actor, dial and limits run tick after tick without Python, so that a
day costs what its requests cost, and many settings run in threads. Only for plain clusters: what
faults, nodes, sites or the guard would do is left to `engine.replay`, whose sizes at every tick
are the same; a test holds the two against each other.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TypeVar

import numpy as np

from engine.cluster.conditions import Conditions
from engine.errors import PolicyError, ReplayCancelled
from engine.learn.actors import Mlp
from engine.learn.loop import ORDER, PLACED, Tapes, drive_mlp, drive_transformer
from engine.learn.policy import SmartScale
from engine.replay import Replay
from engine.scenario import Scenario
from engine.sim import kernel
from engine.sim.outcome_memory import give_up
from engine.sim.state import make_views, with_room
from engine.units import FloatArray, IntArray

T = TypeVar("T")
ASKED_EVERY = 512
"""Ticks between two looks at the wish to stop."""
ORDERS = 4096
"""Of workers, that there is room to note to begin with."""


def is_plain_cluster(scenario: Scenario) -> bool:
    """Whether nothing but arrivals and decisions happens to a cluster."""
    return (
        scenario.siting is None
        and not scenario.node_groups
        and scenario.guard is None
        and not scenario.faults
        and scenario.random_faults_per_day == 0.0
        and scenario.partitions is None
        and not scenario.tenants
        and scenario.priorities.carbon_threshold is None
    )


def is_plain(run: Replay) -> bool:
    """Whether a run is one that this loop can play."""
    return (
        isinstance(run.policy, SmartScale)
        and run.policy.watch.hold_s == 0.0
        and not run.policy.learns
        and not run.policy.resizes
        and not run.policy.routes
        and is_plain_cluster(run.spec.scenario)
    )


def run_all(
    makers: Sequence[Callable[[], Replay]],
    read: Callable[[Replay], T],
    cancel: Callable[[], bool] | None = None,
) -> list[T]:
    """Plays runs side by side, a thread a core; each is made, played, read and let go.

    Args:
        makers: of the runs; a run of millions of requests takes memory only while it plays.
        read: what is kept of a run; nothing that holds its outcomes, whose memory is used again.
        cancel: as `run_out`.
    """

    def played(make: Callable[[], Replay]) -> T:
        run = make()
        run_out(run, cancel)
        kept = read(run)
        give_up(run.fleet.state)
        return kept

    with ThreadPoolExecutor(min(len(makers), os.cpu_count() or 1)) as threads:
        return list(threads.map(played, makers))


def run_out(run: Replay, cancel: Callable[[], bool] | None = None) -> None:
    """Steps a plain run through its window and lets what is in the system finish.

    Targets, counters, integrals, orders and how evenly workers were used are filled in; decisions
    are not recorded. Where workers have sizes, the loop ends at every tick for their books.

    Raises:
        PolicyError: the run is not plain.
        ReplayCancelled: `cancel` returned true.
    """
    if not is_plain(run):
        raise PolicyError(
            "it needs the whole replay", run.spec.name,
            "Replay it: only the allocator on a plain cluster runs in one compiled loop",
        )  # fmt: skip
    policy = run.policy
    assert isinstance(policy, SmartScale)
    drive = drive_mlp if isinstance(policy.own.actor, Mlp) else drive_transformer
    pools = run.facts
    limits = np.array([(pool.workers_min, pool.workers_max) for pool in pools], np.int64)
    every = round(policy.watch.interval_s / run.tick_s)
    state, tick = run.fleet.state, 0
    tapes = _tapes(run)
    while tick < run.ticks:
        if cancel is not None and cancel():
            raise ReplayCancelled(
                "the replay was cancelled", f"{tick / run.ticks:.0%} of the way",
                "Start it again when you like; nothing else was changed",
            )  # fmt: skip
        state = with_room(state, _missing(run, tick))
        tapes = _with_room(tapes, len(state.workers))
        first, last = tick, tick + 1 if run.books.kept else min(tick + ASKED_EVERY, run.ticks)
        tick = drive(
            state, make_views(state), tapes, run.target, policy.mind,
            (policy.own.actor, policy.own.heads), limits, every, first, last,
        )  # fmt: skip
        if run.books.kept and tick > first:
            run.books.read(first, state, run.edges_s)
    run.fleet.state = state
    _tell_orders(run, tapes.orders[: tapes.ordered[0]])
    kernel.advance(state, math.inf)


def log_sizes(run: Replay) -> None:
    """Notes what changed in the log of a run that `run_out` played: enough for its scorecard."""
    initial = [pool.workers_initial for pool in run.spec.workload.pools]
    before = np.vstack([initial, run.targets[:-1]])
    tick, pool = np.nonzero(run.targets != before)
    run.log.tick += tick.tolist()
    run.log.pool += pool.tolist()
    run.log.current += before[tick, pool].tolist()
    run.log.applied += run.targets[tick, pool].tolist()


def _tapes(run: Replay) -> Tapes:
    return Tapes(
        counters=run.counters, integrals=run.integrals, targets=run.targets,
        edges_s=run.edges_s, grams=grams_of(run), decided=np.full(1, -1),
        spread=run.gauges.spread, streak=np.zeros(0, np.int64),
        orders=np.zeros((ORDERS, ORDER)), ordered=np.zeros(1, np.int64),
    )  # fmt: skip


def _with_room(tapes: Tapes, workers: int) -> Tapes:
    """Room for what a tick may order; workers that got other numbers begin their streaks anew."""
    if len(tapes.streak) != workers:
        tapes = tapes._replace(streak=np.zeros(workers, np.int64))
    held = int(tapes.ordered[0])
    if held + 2 * workers > len(tapes.orders):
        orders = np.zeros((2 * len(tapes.orders) + 2 * workers, ORDER))
        orders[:held] = tapes.orders[:held]
        tapes = tapes._replace(orders=orders)
    return tapes


def _tell_orders(run: Replay, rows: FloatArray) -> None:
    """Orders as the fleet would have told them."""
    told = run.fleet.orders
    for (t_s, pool, what), group in groupby(rows.tolist(), key=lambda row: tuple(row[:3])):
        ready_s = Counter(row[3] for row in group)
        if what == PLACED:
            told.placed(t_s, int(pool), ready_s)
        else:
            told.cancelled(int(pool), ready_s)


def _missing(run: Replay, tick: int) -> IntArray:
    """(P,) workers that the loop stopped for, since there was no room for them."""
    made: IntArray = np.maximum(run.targets[tick] - run.target, 0)
    return made


def grams_of(run: Replay) -> FloatArray:
    """(T, P) carbon intensity that each tick's decision sees."""
    spec = run.spec
    world = Conditions(spec.scenario, run.edges_s, spec.clock_s, spec.grids, spec.prices)
    return world.all_g_per_kwh(run.ticks)
