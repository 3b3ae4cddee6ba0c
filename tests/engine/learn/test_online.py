"""Learning while deciding: bounded, cautious, the same again, and no constraint is ever broken."""

import json
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cluster.grid import GridSeries
from engine.learn.online import CALM, DELTA, PLACES, RADIUS, Online
from engine.learn.policy import SmartScale
from engine.oracle.play import run_out
from engine.policies.base import KEEP, Observation, WorkerView
from engine.policies.registry import create, parse_spec
from engine.replay import ReplaySpec, set_up
from engine.scenario import (
    AgentType,
    Guard,
    Hold,
    Pool,
    Priorities,
    QueueKind,
    Scenario,
    Startup,
)
from engine.sim.service import prepare
from engine.trace.schema import request_table

pytestmark = pytest.mark.slow

WEIGHTS = np.array([0.48, 0.0, 0.2, 0.32, 0.0])
USUAL = np.ones(2)
NOBODY = WorkerView(
    started_s=np.empty(0), ready_s=np.empty(0), draining=np.empty(0, np.int32),
    utilisation=np.empty(0),
)  # fmt: skip


def made(pools=2, seed=5):
    return Online(WEIGHTS, np.full(pools, 4.0), np.full(pools, 60.0), 15.0, seed)


def seen(ready, queued=0, pools=2):
    def whole(value):
        return np.full(pools, value)

    return Observation(
        t_s=15.0, tick_s=15.0, target=whole(1), starting=whole(0), ready=np.asarray(ready),
        draining=whole(0), queued=whole(queued), in_service=whole(0), arrived=whole(30),
        finished=whole(30), failed=whole(0), offered_slots=whole(8.0), busy_slots=whole(8.0),
        p95_s=whole(1.0), workers=(NOBODY,) * pools,
    )  # fmt: skip


LEVEL, SERVICE = np.full(2, 2.0), np.full(2, 4.0)


def steps(online, number, earns, fallback=0.0):
    """Positions of a cluster in which `earns(position)` workers are ready."""
    position, positions = np.full(2, fallback), []
    for _ in range(number):
        ready = np.array([earns(float(at)) for at in position])
        position = online.steered(np.full(2, fallback), seen(ready), LEVEL, SERVICE, USUAL)
        positions.append(position.copy())
    return np.array(positions)


@given(st.integers(0, 1000), st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_nothing_is_proposed_beyond_the_radius_or_the_dial(seed, fallback):
    noise = np.random.default_rng(seed)
    positions = steps(made(seed=seed), 300, lambda _: noise.integers(1, 60), fallback)
    assert np.abs(positions - fallback).max() <= RADIUS + 1e-12
    assert np.abs(positions).max() <= 1.0


def test_exploration_never_ends_and_is_the_same_for_a_seed():
    one, same, other = (steps(made(seed=s), 400, lambda _: 3) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert len(np.unique(np.round(one[-100:], 6))) > 1


def test_it_moves_to_where_less_is_paid_for_the_same_service():
    online = made()
    steps(online, 1500, lambda at: 5.0 + 4.0 * at)
    assert (online.offset <= -2 * DELTA).all()
    dearer_below = made()
    steps(dearer_below, 1500, lambda at: 5.0 - 4.0 * at)
    assert (dearer_below.offset >= 2 * DELTA).all()


def test_noise_alone_moves_it_little():
    noise = np.random.default_rng(3)
    online = made()
    steps(online, 3000, lambda _: 4.0 + noise.normal(0, 1.0))
    assert np.abs(online.offset).max() <= 2 * DELTA


def test_while_requests_wait_nothing_is_tried_downwards():
    online = made()
    waits = int(np.ceil(CALM * 2.0 * 4.0)) + 1
    for _ in range(400):
        position = online.steered(np.zeros(2), seen(np.full(2, 3), waits), LEVEL, SERVICE, USUAL)
        assert (position >= online.offset - 1e-12).all()


def test_what_is_earned_is_booked_on_the_place_that_was_really_played():
    """With a queue throughout nothing is tried downwards, so nothing is known of there."""
    online = made()
    for _ in range(2000):
        online.steered(np.zeros(2), seen(np.full(2, 3), 10), LEVEL, SERVICE, USUAL)
    below = [online._number[p, : PLACES // 2] for p in range(2)]
    assert np.array_equal(below, np.zeros((2, PLACES // 2)))
    assert (online._number[:, PLACES // 2 + 1] > 5).all()


def test_what_an_end_of_the_dial_cuts_short_counts_for_no_place():
    online = made()
    for _ in range(1000):
        online.steered(np.full(2, 0.95), seen(np.full(2, 3)), LEVEL, SERVICE, USUAL)
    assert not online._number[:, PLACES // 2 + 1 :].any()
    assert (online._number[:, PLACES // 2 - 1] > 1).all()


def test_a_place_counts_only_after_it_was_played_for_a_start_up_time():
    """Requests wait at every other decision, so that what is played changes all the time."""
    online = made()
    for step in range(600):
        queued = 10 * (step % 2)
        online.steered(np.zeros(2), seen(np.full(2, 3), queued), LEVEL, SERVICE, USUAL)
    assert not online._number[:, PLACES // 2 - 1].any()


def test_a_drift_is_noticed_and_what_was_learned_is_let_go():
    online = made()
    noise = np.random.default_rng(4)
    steps(online, 800, lambda _: 3.0 + noise.normal(0, 0.05))
    assert (online.drifts == 0).all()
    steps(online, 400, lambda _: 30.0 + noise.normal(0, 0.05))
    assert (online.drifts >= 1).all()


def hour(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(4.0 * np.repeat(rng.gamma(0.7, 1.4, 60), 60))
    times = np.sort(np.repeat(np.arange(3600.0), counts) + rng.random(counts.sum()))
    return request_table(times, service_s=rng.lognormal(1.0, 0.7, len(times)))


THRESHOLD = 400.0
LOW, HIGH = 300.0, 500.0
"""Of the grid's intensity, g CO2e per kWh."""


def guarded(seed):
    """A cluster with random limits on everything."""
    rng = np.random.default_rng(seed)
    low = int(rng.integers(1, 6))
    guard = Guard(
        out_workers=int(rng.integers(1, 8)), in_workers=int(rng.integers(1, 4)),
        period_s=float(rng.choice([15.0, 60.0, 300.0])),
        cooldown_in_s=float(rng.choice([0.0, 120.0])),
        cooldown_out_s=float(rng.choice([0.0, 30.0])),
        budget_usd_per_hour=float(rng.integers(low + 2, 40)),
        slo_quantile=float(rng.choice([0.5, 0.8, 0.95])),
        carbon_soft_g_per_kwh=float(rng.choice([0.0, 50.0])),
        holds=(Hold(pool="pool", at_s=1200.0, for_s=600.0),),
    )  # fmt: skip
    kind = AgentType(
        name="worker", slots=4, price_usd_per_hour=1.0, startup=Startup(mean_s=60.0, spread_s=5.0),
        queue_limit=None,
    )  # fmt: skip
    pool = Pool(
        name="pool", agent_type="worker", workers_min=low, workers_max=low + 30,
        workers_initial=low, queue=QueueKind.POOL,
    )  # fmt: skip
    return Scenario(
        agent_types=(kind,), pools=(pool,), guard=guard, tick_s=15.0, seed=seed,
        priorities=Priorities(carbon_threshold_g_per_kwh=THRESHOLD),
    )  # fmt: skip


class Hour:
    """An hour of exploration, and what the guard's forecast asked for at each decision."""

    def __init__(self, seed):
        scenario = guarded(seed)
        self.guard, self.pool = scenario.guard, scenario.pools[0]
        grid = np.random.default_rng([seed, 1]).uniform(LOW, HIGH, 12)
        spec = ReplaySpec(
            workload=prepare(hour(seed), scenario), scenario=scenario, window_s=3600.0,
            policy=partial(create, parse_spec("smartscale:online=true:cost=0.3")), name="online",
            grids={"region-a": GridSeries(g_per_kwh=grid, interval_s=300.0, start_s=0.0)},
        )  # fmt: skip
        (self.run,) = set_up([spec])
        self.floors = []
        told = self.run.guard._floor.workers

        def heard():
            self.floors.append(float(told()[0]))
            return told()

        self.run.guard._floor.workers = heard
        run_out(self.run)

    def check_ledger(self):
        """What each stage made of what came before leads from the proposal to what was done."""
        log, size, acted = self.run.log, self.pool.workers_initial, Counter()
        assert log.tick == list(range(240))
        for k, text in enumerate(log.guard):
            assert log.current[k] == size
            value = float(size) if log.proposed[k] == KEEP else log.proposed[k]
            stages = json.loads(text) if text else []
            for stage in stages:
                assert stage["before"] == value != stage["after"]
                value = stage["after"]
            assert value == log.applied[k] == self.run.targets[k, 0]
            assert not stages or log.reason[k] == stages[-1]["reason"]
            names = {stage["stage"] for stage in stages}
            acted.update(names)
            self.check_carbon_and_floor(k, size, log.applied[k], names)
            size = log.applied[k]
        return acted

    def check_carbon_and_floor(self, tick, before, after, acted):
        if 1200 <= tick * 15 < 1800:  # what a person holds
            return
        floor = min(self.floors[tick], self.pool.workers_max)
        if self.run.steering.wishes._conditions.g_per_kwh(tick)[0] > THRESHOLD:
            assert after <= max(before, self.pool.workers_min, floor)
        assert after >= floor or acted & {"rate", "cooldown", "budget", "placement"}


def test_an_hour_of_exploration_breaks_no_hard_constraint():
    acted = Counter()

    @given(st.integers(0, 10_000))
    @settings(max_examples=6, deadline=None)
    def explored(seed):
        made = Hour(seed)
        assert made.run.policy._online is not None
        acted.update(made.check_ledger())
        _sizes_are_within(made)

    explored()
    assert {"carbon", "slo", "rate", "cooldown", "budget", "hold"} <= acted.keys()


def _sizes_are_within(made):
    guard, pool = made.guard, made.pool
    sizes = np.concatenate([[pool.workers_initial], made.run.targets[:, 0]])
    assert sizes.min() >= pool.workers_min
    assert sizes.max() <= pool.workers_max
    assert sizes.max() <= guard.budget_usd_per_hour
    moves = np.diff(sizes)
    ticks = round(guard.period_s / 15.0)
    grown = np.convolve(np.maximum(moves, 0), np.ones(ticks))
    shrunk = np.convolve(np.maximum(-moves, 0), np.ones(ticks))
    assert grown.max() <= guard.out_workers
    assert shrunk.max() <= guard.in_workers
    held = sizes[1 + 1200 // 15 : 1 + 1800 // 15]
    assert len(set(held.tolist())) == 1
    _cooled(moves, guard)


def _cooled(moves, guard):
    """No step in within the cooldown after any step, none out within that after a step out."""
    at = np.flatnonzero(moves)
    for before, now in pairwise(at):
        apart_s = (now - before) * 15.0
        if moves[now] < 0:
            assert apart_s >= guard.cooldown_in_s
    outs = np.flatnonzero(moves > 0)
    if len(outs) > 1:
        assert np.diff(outs).min() * 15.0 >= guard.cooldown_out_s


def test_the_option_is_off_unless_asked_for(make_context):
    assert SmartScale(make_context())._online is None
    assert SmartScale(make_context(), online=True)._online is not None


def test_after_a_drift_it_recovers_and_the_frozen_policy_does_not():
    """Half-way what was cheap becomes dear: the offset changes sides and earns what it did."""
    online = made()
    noise = np.random.default_rng(6)
    steps(online, 1500, lambda at: 8.0 + 6.0 * at + noise.normal(0, 0.1))
    before = online.offset.copy()
    steps(online, 3000, lambda at: 14.0 - 6.0 * at + noise.normal(0, 0.1))
    assert (before < 0).all()
    assert (online.drifts >= 1).all()
    frozen, adapted = 14.0, 14.0 - 6.0 * online.offset
    assert (online.offset > 0).all()
    assert (adapted < frozen).all()
