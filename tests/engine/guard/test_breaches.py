"""One million random proposals in random states: nothing is breached, every change is written."""

import math

import numpy as np
import pytest

from engine.guard import Chain
from engine.policies.base import KEEP, PoolFacts, Reason
from engine.scenario import Guard, Hold

POOLS, DECISIONS, CLUSTERS = 50, 40, 500
THRESHOLD = 400.0


class Floors:
    """A forecast that anything may come of."""

    def __init__(self, rng):
        self._rng, self.now = rng, np.zeros(POOLS)

    def workers(self):
        self.now = np.floor(self._rng.gamma(0.5, 30.0, POOLS))
        return self.now

    def numbers(self):
        return {}


def random_pools(rng):
    lows = rng.integers(0, 30, POOLS)
    return tuple(
        PoolFacts(
            name=str(p), agent_type="chat", slots=4, workers_min=int(lows[p]),
            workers_max=int(lows[p] + rng.integers(1, 200)), workers_initial=1,
            startup_mean_s=60.0, peak_busy_slots=9.0,
            price_usd_per_hour=float(rng.choice([0.0, rng.uniform(0.1, 30.0)])),
        )
        for p in range(POOLS)
    )  # fmt: skip


def maybe(rng, value):
    return value if rng.random() < 0.6 else None


def random_guard(rng):
    holds = tuple(
        Hold(pool=str(rng.integers(0, POOLS)), at_s=float(rng.uniform(0, 500)),
             for_s=float(rng.uniform(0, 400)), workers=maybe(rng, int(rng.integers(0, 300))))
        for _ in range(rng.integers(0, 6))
    )  # fmt: skip
    return Guard(
        carbon_soft_g_per_kwh=float(rng.choice([0.0, 50.0])),
        out_workers=maybe(rng, int(rng.integers(0, 40))),
        in_workers=maybe(rng, int(rng.integers(0, 40))),
        period_s=float(rng.choice([15.0, 60.0, 300.0])),
        cooldown_out_s=float(rng.choice([0.0, 15.0, 60.0])),
        cooldown_in_s=float(rng.choice([0.0, 300.0])),
        budget_usd_per_hour=maybe(rng, float(rng.uniform(0, 20_000))),
        holds=holds,
    )  # fmt: skip


def proposals(rng, current):
    kind = rng.integers(0, 5, POOLS)
    wild = rng.gamma(0.4, 100.0, POOLS)
    near = np.maximum(current + rng.normal(0, 5, POOLS), 0.0)
    return np.select(
        [kind == 0, kind == 1, kind == 2, kind == 3],
        [np.full(POOLS, float(KEEP)), wild, near, np.round(wild)], np.floor(near),
    )  # fmt: skip


@pytest.mark.slow
def test_a_million_random_proposals_breach_nothing_and_every_change_is_logged():
    assert sum(one_cluster(np.random.default_rng(seed)) for seed in range(CLUSTERS)) == 1_000_000


@pytest.mark.slow
def test_random_proposals_breach_nothing_and_every_change_is_logged():
    assert sum(one_cluster(np.random.default_rng([7, seed])) for seed in range(15)) == 30_000


def one_cluster(rng):
    pools, guard = random_pools(rng), random_guard(rng)
    chain = Chain(pools, 15.0, guard=guard, carbon_threshold=maybe(rng, THRESHOLD))
    floors = maybe(rng, Floors(rng))
    chain._floor, chain._acts_alone = floors, floors is not None or bool(guard.holds)
    watch = Watch(chain, pools, guard, floors)
    size, now = rng.integers(0, 250, POOLS), 0.0
    for _ in range(DECISIONS):
        now += float(rng.choice([1.0, 15.0, 15.0, 30.0, 100.0]))
        size = watch.decide(rng, now, size)
        lost = rng.random(POOLS) < 0.02  # sizes also change behind the guard's back
        size = np.where(lost, rng.integers(0, 250, POOLS), size)
    return DECISIONS * POOLS


class Watch:
    """Keeps its own books of what was applied, and holds every decision against them."""

    def __init__(self, chain, pools, guard, floors):
        self.chain, self.guard, self.floors = chain, guard, floors
        self.low = np.array([pool.workers_min for pool in pools])
        self.high = np.array([pool.workers_max for pool in pools])
        self.price = np.array([pool.price_usd_per_hour for pool in pools])
        self.steps = []  # (time, change (P,), pools whose change the pace does not rule)

    def decide(self, rng, now, size):
        proposed, grid = proposals(rng, size), rng.uniform(200, 600, POOLS)
        rooms = np.where(rng.random(POOLS) < 0.5, rng.integers(0, 40, POOLS), 10_000)
        reasons = (Reason.DEMAND_UP,) * POOLS
        wanted, log = self.chain.decide(now, proposed, size.astype(float), reasons, grid)
        left = [
            self.chain.place(now, p, wanted[p], int(size[p]), log, lambda p=p: int(rooms[p]))
            for p in range(POOLS)
        ]
        applied = np.array([one.workers for one in left])
        self.check(now, size, proposed, grid, rooms, applied, left)
        return applied

    def check(self, now, size, proposed, grid, rooms, applied, left):
        keep = proposed == KEEP
        had = {
            name: np.array([any(s.stage == name for s in one.stages) for one in left])
            for name in ("slo", "hold", "rate", "cooldown", "budget", "placement")
        }
        alone = keep & (applied == size)
        inside = (applied >= np.minimum(self.low, size + rooms)) & (applied <= self.high)
        assert (inside | alone).all()
        assert ((applied <= size) | (applied <= size + rooms)).all()
        base = np.where(alone, size, np.clip(size, self.low, self.high))
        held = self.held(now)
        free = ~held
        self.check_carbon(grid, size, applied, free)
        self.check_pace(now, base, size, applied, free)
        self.check_budget(base, applied, free)
        if self.floors is not None:
            floor = np.minimum(self.floors.now, self.high)
            below = applied < floor
            bound = had["rate"] | had["cooldown"] | had["budget"] | had["placement"] | held
            assert (~below | bound).all()
        for p, one in enumerate(left):
            value = float(size[p]) if keep[p] else proposed[p]
            for stage in one.stages:
                assert stage.before == value != stage.after
                value = stage.after
            assert value == one.workers
            assert one.reason == (one.stages[-1].reason if one.stages else Reason.DEMAND_UP)

    def held(self, now):
        names = {h.pool for h in self.guard.holds if h.at_s <= now < h.at_s + h.for_s}
        return np.array([str(p) in names for p in range(POOLS)])

    def check_carbon(self, grid, size, applied, free):
        if self.chain._threshold is None:
            return
        floor = 0 if self.floors is None else np.minimum(self.floors.now, self.high)
        dirty = free & (grid > THRESHOLD)
        allowed = np.maximum(np.maximum(size, self.low), floor)
        assert (applied[dirty] <= allowed[dirty]).all()

    def check_pace(self, now, base, size, applied, free):
        guard, change = self.guard, applied - size
        own = np.where(free, applied - base, 0)
        own[(own < 0) & (applied >= size)] = 0  # short of room, not a step in
        recent = [step for step in self.steps if step[0] > now - guard.period_s]
        out = sum((np.maximum(c, 0) for _, c in recent), np.zeros(POOLS))
        gone = sum((np.maximum(-c, 0) for _, c in recent), np.zeros(POOLS))
        most_out = math.inf if guard.out_workers is None else guard.out_workers
        most_in = math.inf if guard.in_workers is None else guard.in_workers
        assert ((own <= 0) | (own + out <= most_out)).all()
        assert ((own >= 0) | (-own + gone <= most_in)).all()
        for at, step in self.steps:
            if now - at < guard.cooldown_out_s:
                assert not ((step > 0) & (own > 0)).any()
            if now - at < guard.cooldown_in_s:
                assert not ((step != 0) & (own < 0)).any()
        self.steps.append((now, change))

    def check_budget(self, base, applied, free):
        if self.guard.budget_usd_per_hour is None or not free.all():
            return
        allowed = max(self.guard.budget_usd_per_hour, float((base * self.price).sum()))
        assert (applied * self.price).sum() <= allowed + 1e-6
