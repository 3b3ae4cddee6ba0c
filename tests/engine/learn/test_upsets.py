"""Faults and moving prices of the training ground."""

from dataclasses import replace

import numpy as np
import pytest

from engine.learn import tokens
from engine.learn.cells import BIN_S, TICKS, Mixture, episode
from engine.learn.ground import Ground
from engine.learn.training import Plan, train
from engine.learn.upsets import upsets
from engine.lookahead.checkpoint import shipped
from engine.sim import kernel

CALM, POOLS = Mixture(faults=0.0, prices=0.0), 4


def quiet():
    """Nothing happens and no price moves."""
    return upsets(np.random.default_rng(0), POOLS, TICKS, BIN_S, 0.0, 0.0)


def grounds(drawn, ticks):
    """The same pools without and with what is drawn, after so many ticks in the dial's middle."""
    made = [
        Ground(replace(episode(3, 1, POOLS), upsets=each), shipped()) for each in (quiet(), drawn)
    ]
    for _ in range(ticks):
        for ground in made:
            ground.step(np.zeros(POOLS))
    return made


def levels(ground):
    return ground._state.counters[:, [kernel.C_STARTING, kernel.C_READY]]


def test_what_is_drawn_leaves_pools_and_demand_as_they_are():
    calm, upset = (episode(3, 1, POOLS, each) for each in (CALM, Mixture(faults=1.0, prices=1.0)))
    assert np.array_equal(upset.counts, calm.counts)
    assert np.array_equal(upset.requests.requests, calm.requests.requests)
    assert not calm.upsets.crashed.any()
    assert (calm.upsets.price == 1.0).all()
    assert (upset.upsets.price.std(1) > 0.0).all()


def test_shares_of_the_one_leave_the_other_as_it_is():
    both = upsets(np.random.default_rng(5), 60, TICKS, BIN_S, 0.5, 0.5)
    faults = upsets(np.random.default_rng(5), 60, TICKS, BIN_S, 0.5, 0.0)
    prices = upsets(np.random.default_rng(5), 60, TICKS, BIN_S, 0.0, 0.5)
    more = upsets(np.random.default_rng(5), 60, TICKS, BIN_S, 0.9, 0.5)
    for name in ("crashed", "failing", "slow", "speed"):
        assert np.array_equal(getattr(both, name), getattr(faults, name))
    assert np.array_equal(both.price, prices.price)
    assert np.array_equal(both.price, more.price)
    struck = (both.crashed + both.failing + abs(both.slow) > 0).any(1)
    assert struck.any()
    assert np.array_equal(both.crashed[struck], more.crashed[struck])


def test_a_price_is_the_same_whatever_comes_after_it():
    short, long = (
        upsets(np.random.default_rng(5), 300, ticks, BIN_S, 0.0, 1.0).price
        for ticks in (TICKS // 2, TICKS)
    )
    assert np.array_equal(short, long[:, : TICKS // 2])
    assert long.mean() == pytest.approx(1.0, abs=0.05)


def test_what_is_seen_of_grid_and_price_is_of_the_last_tick():
    drawn = quiet()
    drawn.price[:, 10:] = 3.0
    _, dear = grounds(drawn, 10)
    assert dear._seen[:, tokens.PRICE] == pytest.approx(dear._slots)
    dear.step(np.zeros(POOLS))
    assert dear._seen[:, tokens.PRICE] == pytest.approx(3.0 * dear._slots)
    grid = dear.episode.facts[:, 3] * dear.episode.carbon[:, 10]
    assert dear._seen[:, 10] == pytest.approx(grid)


def test_starts_fail_and_workers_crash_by_other_draws_in_every_episode():
    seeds = [episode(3, number, 2).seed for number in range(4)] + [episode(4, 0, 2).seed]
    assert len(set(seeds)) == len(seeds)
    assert episode(3, 0, 2).seed == seeds[0]


def test_shares_of_pools_are_those_asked_for_and_all_kinds_of_faults_happen():
    drawn = upsets(np.random.default_rng(5), 400, TICKS, BIN_S, 0.3, 0.5)
    struck = (drawn.crashed > 0).any(1), (drawn.failing > 0).any(1), (drawn.slow > 0).any(1)
    assert 0.24 < np.logical_or.reduce(struck).mean() < 0.36
    assert min(each.mean() for each in struck) > 0.1
    assert 0.42 < (drawn.price != 1.0).any(1).mean() < 0.58


def test_crashed_workers_are_gone_with_what_they_hold_and_are_ordered_again_at_once():
    drawn = quiet()
    drawn.crashed[0, 8] = 1.0
    calm, struck = grounds(drawn, 8)
    assert np.array_equal(levels(calm), levels(struck))
    for ground in (calm, struck):
        ground.step(np.zeros(POOLS))
    starting, ready = levels(struck)[0]
    assert starting > 0
    assert ready == 0
    assert np.array_equal(levels(calm)[1:], levels(struck)[1:])
    assert struck._seen[0, 7] > calm._seen[0, 7]


def test_no_worker_becomes_ready_while_every_start_fails():
    drawn = quiet()
    drawn.crashed[:, 4] = 1.0
    drawn.failing[:, 4:] = 1.0
    _, struck = grounds(drawn, 24)
    assert (levels(struck)[:, 1] == 0).all()
    assert (levels(struck)[:, 0] > 0).all()


def test_slow_workers_take_longer_until_they_recover():
    drawn = quiet()
    drawn.slow[:, 4], drawn.speed[:, 4], drawn.slow[:, 12] = 1.0, 0.3, -1.0
    _, struck = grounds(drawn, 10)
    ready = struck._state.workers["phase"] == kernel.READY
    assert (struck._state.workers["speed"][ready] < 1.0).any()
    for _ in range(6):
        struck.step(np.zeros(POOLS))
    assert (struck._state.workers["speed"] == struck._state.workers["own_speed"]).all()


def test_cost_is_scored_and_seen_at_the_price_of_the_tick():
    drawn = quiet()
    drawn.price[0] = 2.0
    calm, dear = (ground for ground in grounds(drawn, 20))
    one, other = calm.rewards(10), dear.rewards(10)
    assert other[0, 2] == pytest.approx(1.5 - 2.0 * (1.5 - one[0, 2]))
    assert np.array_equal(np.delete(one, 2, 1)[0], np.delete(other, 2, 1)[0])
    column = tokens.TOKEN.index("log(price of a slot / usual)")
    assert dear.rows[:, column] == pytest.approx([np.log(2.0), 0.0, 0.0, 0.0])


def test_learning_from_what_was_executed_is_another_training():
    small = Plan(episodes=1, cells=3, updates=1, buffer=4000, value_updates=0)
    one, other = train(small), train(replace(small, executed=True))
    differ = [not np.array_equal(a.detach(), b.detach()) for a, b in
              zip(one.actor.parameters(), other.actor.parameters(), strict=True)]  # fmt: skip
    assert any(differ)


def test_what_is_executed_is_a_position_that_wants_those_workers():
    ground, rng = Ground(episode(3, 1, 8), shipped()), np.random.default_rng(2)
    known = 0
    for _ in range(30):
        action = rng.uniform(-1, 1, 8)
        size = np.ceil(ground.wanted(action) - 1e-9).astype(np.int64)
        again = np.ceil(ground.wanted(ground.executed(size)) - 1e-9)
        ends = ground.wanted(np.full(8, -1.0)), ground.wanted(np.ones(8))
        inside = (size - 0.5 > ends[0]) & (size - 0.5 < ends[1])
        assert np.array_equal(again[inside], size[inside])
        known += inside.sum()
        ground.step(action)
    assert known > 100
