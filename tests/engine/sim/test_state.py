"""Room for more workers and events is made in the middle of a replay, and nobody notices."""

import dataclasses

import numpy as np
import pytest

from engine.sim import kernel, state
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.outcome_memory import give_up
from tests.reference.play import Script, Tick, play_on_kernel, pool_of, scale, state_of
from tests.reference.scripts import busy_script

ROOMY = 200


@pytest.fixture
def growths(monkeypatch):
    """How many workers were added each time."""
    added = []
    real = state._with_more_workers

    def grow(before, extra):
        added.append(extra.tolist())
        return real(before, extra)

    monkeypatch.setattr(state, "_with_more_workers", grow)
    return added


@pytest.mark.parametrize("seed", range(30))
def test_workers_added_later_are_as_good_as_workers_there_from_the_start(seed, growths):
    script = busy_script(seed)
    script = dataclasses.replace(
        script,
        ticks=(
            dataclasses.replace(script.ticks[0], changes=(0, 0)),
            dataclasses.replace(script.ticks[1], changes=(12, 0)),
            *(dataclasses.replace(tick, changes=(1, 1)) for tick in script.ticks[2:9]),
            *script.ticks[9:],
        ),
    )
    roomy = dataclasses.replace(
        script, pools=tuple(dataclasses.replace(p, workers_max=ROOMY) for p in script.pools)
    )
    grown = play_on_kernel(script)
    assert growths  # both pools, while requests are being served
    assert any(extra[0] for extra in growths)
    growths.clear()
    assert repr(play_on_kernel(roomy)) == repr(grown)
    assert not growths


def test_room_is_only_made_when_it_is_needed():
    before = state_of(busy_script(0))
    enough = np.array([state.SPARE_WORKERS, state.SPARE_WORKERS])
    assert state.with_room(before, np.zeros(2, np.int64)) is before
    assert state.with_room(before, enough) is before
    after = state.with_room(before, enough + 1)
    free = np.bincount(after.workers["pool"][after.workers["phase"] == kernel.OFF])
    assert np.all(free > state.SPARE_WORKERS)


def test_events_of_workers_that_are_gone_never_fill_the_heap():
    """Every tick orders workers and cancels them, or loses what they hold long before its end."""
    n = 4000
    script = Script(
        arrival_s=tuple(np.arange(n) / 4.0),
        work_s=(1e6,) * n,
        pools=(pool_of(slots=5, workers=1, startup_s=(0.0, 9e5), drain_grace_s=0.5),),
        ticks=tuple(Tick(until_s=float(s), changes=(4,) if s % 2 else (-3,)) for s in range(1000)),
    )
    current, longest = state_of(script), 0
    first = len(current.heap)
    for tick in script.ticks:
        current = scale(current, tick.changes, max(tick.until_s - 1.0, 0.0))
        kernel.advance(current, tick.until_s)
        longest = max(longest, int(current.clock["heap_size"][0]))
        assert longest <= len(current.heap)
    assert longest > first  # it did have to grow
    assert current.counters[0, kernel.C_LOST] > 900


def test_followers_are_listed_in_order_whatever_they_wait_for():
    arrivals = make_requests(
        np.zeros(7), np.ones(7), after=np.array([-1, 0, 5, 0, 1, -1, 0], np.int32)
    )
    families = {}
    for parent in range(7):
        child, families[parent] = int(arrivals.requests["first_child"][parent]), []
        while child != kernel.NONE:
            families[parent].append(child)
            child = int(arrivals.requests["next_sibling"][child])
    assert families == {0: [1, 3, 6], 1: [4], 2: [], 3: [], 4: [], 5: [2], 6: []}
    assert arrivals.roots.tolist() == [0, 5]


def test_requests_are_only_read_so_replays_can_share_them():
    script = busy_script(3)
    first = state_of(script)
    requests, arrivals = (
        first.requests.tobytes(),
        Arrivals(first.requests, first.roots, first.traits),
    )
    kernel.advance(first, np.inf)
    second = state.make_state(arrivals, script.pools, horizon_s=script.horizon_s)
    kernel.advance(second, np.inf)
    assert first.requests.tobytes() == requests
    assert second.outcomes["status"].max() >= kernel.FINISHED


def test_a_state_in_used_memory_is_like_one_in_fresh_memory():
    arrivals = make_requests(np.arange(50.0), np.full(50, 3.0))
    fresh = state.make_state(arrivals, (pool_of(slots=2, workers=1),))
    kernel.advance(fresh, np.inf)
    ended = fresh.outcomes.copy()
    other = state.make_state(arrivals, (pool_of(slots=1, workers=3),))
    kernel.advance(other, np.inf)
    assert other.outcomes.tobytes() != ended.tobytes()
    give_up(other)
    again = state.make_state(arrivals, (pool_of(slots=2, workers=1),))
    assert again.outcomes is other.outcomes
    kernel.advance(again, np.inf)
    assert again.outcomes.tobytes() == ended.tobytes()
    assert state.make_state(arrivals, (pool_of(),)).outcomes is not other.outcomes


def test_a_cluster_may_grow_in_memory_of_a_larger_one():
    arrivals = make_requests(np.arange(400) * 0.01, np.full(400, 3.0))

    def grown(made):
        for _ in range(3):
            made = state.with_room(made, np.array([len(made.workers) + 5]))
        kernel.advance(made, np.inf)
        return made.outcomes.tobytes()

    expected = grown(state.make_state(arrivals, (pool_of(slots=1, workers=1),)))
    large = state.make_state(arrivals, (pool_of(slots=1, workers=300),))
    kernel.advance(large, np.inf)
    assert large.outcomes["worker"].max() > 200
    give_up(large)
    again = state.make_state(arrivals, (pool_of(slots=1, workers=1),))
    assert again.outcomes is large.outcomes
    assert grown(again) == expected


def test_requests_that_may_never_come_find_fresh_outcomes_in_used_memory():
    script = busy_script(3)
    first = state_of(script)
    untouched = first.outcomes.copy()
    arrivals = Arrivals(first.requests, first.roots, first.traits)
    kernel.advance(first, np.inf)
    assert first.outcomes.tobytes() != untouched.tobytes()
    give_up(first)
    again = state.make_state(arrivals, script.pools, horizon_s=script.horizon_s)
    assert again.outcomes is first.outcomes
    assert again.outcomes.tobytes() == untouched.tobytes()
