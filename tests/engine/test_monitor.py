"""Policies see the last tick, unless the plan says that metrics are late or lost."""

import numpy as np

from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scenario import Fault, FaultKind
from engine.sim.service import prepare
from tests.engine.replays import demand, scenario


class Watching:
    """Keeps what it sees."""

    def __init__(self, context):
        self.interval_s = context.tick_s
        self.seen = []

    def propose(self, observation):
        self.seen.append(observation)
        target = 2.0 + (observation.t_s // 15) % 5
        return Action(target=np.array([target, 3.0]), reason=(Reason.FIXED,) * 2)


def watched(*faults):
    chosen = scenario(faults=faults)
    made = []

    def make(context):
        made.append(Watching(context))
        return made[-1]

    workload = prepare(demand(), chosen)
    replay([ReplaySpec(workload=workload, scenario=chosen, policy=make, name="w", window_s=900.0)])
    return made[0].seen


FRESH = ("target", "starting", "ready", "draining")
METRICS = ("queued", "in_service", "arrived", "finished", "failed", "busy_slots", "p95_s")


def same(one, other, names, pool):
    return all(
        np.array_equal(getattr(one, n)[pool], getattr(other, n)[pool], equal_nan=True)
        for n in names
    )


def late(**changes):
    values = {"kind": FaultKind.METRIC_DELAY, "at_s": 300.0, "for_s": 300.0, "where": "own"}
    return Fault(**{**values, **changes})


def test_late_metrics_are_those_of_an_earlier_tick_and_levels_are_fresh():
    """40 s are three ticks of 15 s."""
    plain, seen = watched(), watched(late(factor=40.0))
    for tick, observation in enumerate(seen):
        shown = plain[tick - 3] if 300 <= tick * 15 < 600 else plain[tick]
        assert same(observation, shown, METRICS, 0)
        assert same(observation, plain[tick], FRESH, 0)
        assert same(observation, plain[tick], (*FRESH, *METRICS), 1)
        assert np.array_equal(
            observation.workers[0].utilisation, shown.workers[0].utilisation, equal_nan=True
        )


def test_metrics_that_are_late_from_the_start_are_missing_at_first():
    seen = watched(late(at_s=0.0, factor=45.0))
    for observation in seen[:4]:
        assert np.isnan(observation.busy_slots[0])
        assert np.isnan(observation.workers[0].utilisation).all()
    assert not np.isnan(seen[4].busy_slots[0])


def test_while_all_metrics_are_lost_the_last_ones_stay_and_no_worker_has_a_sample():
    plain = watched()
    seen = watched(late(kind=FaultKind.METRIC_LOSS, factor=1.0))
    for tick in range(20, 40):
        assert same(seen[tick], plain[19], METRICS, 0)
        assert same(seen[tick], plain[tick], FRESH, 0)
        assert np.isnan(seen[tick].workers[0].utilisation).all()
    assert same(seen[40], plain[40], METRICS, 0)


def test_a_share_of_the_samples_is_lost_and_the_same_ones_each_time():
    fault = late(kind=FaultKind.METRIC_LOSS, factor=0.3, at_s=30.0, for_s=870.0, where=None)
    plain, seen, again = watched(), watched(fault), watched(fault)
    lost = total = 0
    for before, after, repeated in zip(plain[2:], seen[2:], again[2:], strict=True):
        for pool in range(2):
            old, new = before.workers[pool].utilisation, after.workers[pool].utilisation
            lost += int(np.sum(np.isnan(new) & ~np.isnan(old)))
            total += int(np.sum(~np.isnan(old)))
            assert np.array_equal(new, repeated.workers[pool].utilisation, equal_nan=True)
    assert abs(lost / total - 0.3) < 4 * np.sqrt(0.3 * 0.7 / total)


def test_a_fault_of_metrics_between_two_ticks_lasts_the_next_one():
    """From 301 s to 306 s: the tick that starts at 315 s."""
    plain = watched()
    lost = watched(late(kind=FaultKind.METRIC_LOSS, factor=1.0, at_s=301.0, for_s=5.0))
    delayed = watched(late(factor=40.0, at_s=301.0, for_s=5.0))
    for tick, observation in enumerate(plain):
        if tick != 21:
            assert same(lost[tick], observation, METRICS, 0)
            assert same(delayed[tick], observation, METRICS, 0)
    assert same(lost[21], plain[20], METRICS, 0)
    assert same(delayed[21], plain[18], METRICS, 0)
    assert not same(lost[21], plain[21], METRICS, 0)
