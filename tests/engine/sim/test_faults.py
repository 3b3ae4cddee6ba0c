"""Faults of workers that overlap: each ends for what it hit, and for nothing else."""

import dataclasses

import numpy as np

from engine.replay import set_up
from engine.scenario import Fault, FaultKind
from tests.engine.replays import demand, scenario, spec


def slow(at_s, for_s, count, factor):
    return Fault(
        kind=FaultKind.SLOW_WORKER, at_s=at_s, for_s=for_s, where="own", count=count, factor=factor
    )


def slowed_by_tick(*faults):
    """Which workers of eight run at which share of their speed, at the start of each tick."""
    base = scenario()
    pools = (dataclasses.replace(base.pools[0], workers_initial=8, workers_min=8),)
    chosen = scenario(pools=pools, faults=faults)
    (run,) = set_up([spec("static:workers=8", demand(number=50), chosen)])
    seen = []
    for tick in range(20):
        run.decide(tick)
        workers = run.fleet.state.workers[:8]
        assert np.array_equal(workers["speed"], workers["own_speed"] * workers["slowed"])
        seen.append(workers["slowed"].copy())
        run.advance(tick)
    return np.array(seen)


def test_when_one_slowness_ends_the_others_stay_with_their_workers():
    """From 30 s to 75 s, from 45 s to 150 s, and from 90 s to 120 s."""
    seen = slowed_by_tick(
        slow(30.0, 45.0, 2, 0.5), slow(45.0, 105.0, 3, 0.3), slow(90.0, 30.0, 1, 0.7)
    )
    first, second, third = (seen == factor for factor in (0.5, 0.3, 0.7))
    for hit, count, since, until in (
        (first, 2, 2, 5), (second, 3, 3, 10), (third, 1, 6, 8)
    ):  # fmt: skip
        assert hit.sum(axis=1).tolist() == [count * (since <= tick < until) for tick in range(20)]
        assert (hit[since:until] == hit[since]).all()
    assert (seen[10:] == 1.0).all()


def test_two_slownesses_alike_end_one_after_the_other():
    seen = slowed_by_tick(
        slow(30.0, 60.0, 2, 0.5), slow(30.0, 60.0, 2, 0.5), slow(45.0, 60.0, 1, 0.5)
    )
    number = (seen == 0.5).sum(axis=1).tolist()
    assert number == [0] * 2 + [4] + [5] * 3 + [1] + [0] * 13
