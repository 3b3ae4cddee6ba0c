"""What holds of every replay, whatever arrives and whatever is scaled."""

import threading
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.sim import kernel
from tests.reference.play import Script, Tick, play_on_kernel, pool_of, scale, state_of
from tests.reference.scripts import busy_script

SEEDS = range(20)
FAILED = ("queue timeout", "exec timeout", "rejected", "lost")
LAST = ("finished", *FAILED)


def long_script(seed: int = 7, n: int = 20_000) -> Script:
    """Sessions at two pools with time-outs, limits and contention, at about 80 % load."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(n)
    after = np.where(numbers % 3, numbers - rng.integers(1, 30, n), -1)
    return Script(
        arrival_s=tuple(np.cumsum(rng.exponential(1.0, n))),
        work_s=tuple(rng.lognormal(1.0, 1.0, n)),
        pool=tuple(rng.integers(0, 2, n)),
        after=tuple(np.maximum(after, -1)),
        think_s=tuple(rng.exponential(20.0, n)),
        pools=(
            pool_of(slots=4, workers=2, contention=0.5, queue_timeout_s=15.0, queue_limit=9),
            pool_of(slots=3, workers=2, exec_timeout_s=12.0, shared_queue=True),
        ),
    )


def bytes_of(state: kernel.State) -> dict[str, bytes]:
    """Everything that replays may change."""
    fixed = {"requests", "roots", "startup_draws"}
    return {name: getattr(state, name).tobytes() for name in state._fields if name not in fixed}


def replay(script: Script, slices: int = 1, until_s: float = 30_000.0) -> kernel.State:
    """Advances in slices of equal length, with scaling in the middle and a quarter later."""
    state = state_of(script)
    changes = {slices // 2: (1, -1), 3 * slices // 4: (-1, 1)} if slices > 1 else {}
    for number, time_s in enumerate(np.linspace(0.0, until_s, slices + 1)[1:]):
        state = scale(state, changes.get(number, (0, 0)), float(time_s))
        kernel.advance(state, time_s)
    return state


@pytest.mark.parametrize("seed", SEEDS)
def test_at_every_tick_what_arrived_has_finished_failed_or_is_in_the_system(seed):
    script = busy_script(seed)
    played, so_far = play_on_kernel(script), [Counter() for _ in script.pools]
    for tick in played.ticks:
        for total, pool in zip(so_far, tick, strict=True):
            total.update(pool.counts)
            in_system = pool.levels["queued"] + pool.levels["in service"]
            assert total["arrived"] == sum(total[status] for status in LAST) + in_system
    for p, total in enumerate(so_far):
        of_pool = [o for o, pool in zip(played.outcomes, script.pool, strict=True) if pool == p]
        statuses = Counter(o.status for o in of_pool)
        assert {status: total[status] for status in LAST} == {s: statuses[s] for s in LAST}
        assert total["arrived"] == len(of_pool) - statuses["not arrived"]


@pytest.mark.parametrize("seed", SEEDS)
def test_busy_slot_seconds_are_those_of_the_requests_served(seed):
    played = play_on_kernel(busy_script(seed))
    busy_slot_s = sum(pool.integrals["busy"] for tick in played.ticks for pool in tick)
    served_s = [o.end_s - o.start_s for o in played.outcomes if o.start_s == o.start_s]
    assert busy_slot_s == pytest.approx(sum(served_s), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_starts_before_it_arrived_or_ends_before_it_started(seed):
    for outcome in play_on_kernel(busy_script(seed)).outcomes:
        assert not outcome.start_s < outcome.arrived_s
        assert not outcome.end_s < max(outcome.arrived_s, outcome.start_s)


@pytest.mark.parametrize("seed", SEEDS)
def test_sessions_keep_their_order(seed):
    script = busy_script(seed)
    outcomes = play_on_kernel(script).outcomes
    for i, (outcome, awaited) in enumerate(zip(outcomes, script.after, strict=True)):
        if awaited < 0:
            assert outcome.arrived_s == script.arrival_s[i]
        elif outcome.status != "not arrived":
            assert outcome.arrived_s == outcomes[awaited].end_s + script.think_s[i]
            assert outcome.arrived_s < script.horizon_s


def test_no_request_starts_before_its_worker_is_ready():
    rng = np.random.default_rng(3)
    script = Script(
        arrival_s=tuple(np.sort(rng.uniform(0, 100, 2000))),
        work_s=tuple(rng.exponential(1.0, 2000)),
        pools=(pool_of(slots=2, workers=1, startup_s=tuple(rng.uniform(1, 30, 5))),),
    )
    state = state_of(script)
    for now in range(0, 100, 10):
        state = scale(state, (2,), float(now))
        kernel.advance(state, now + 10.0)
    kernel.advance(state, np.inf)
    workers = state.workers[state.outcomes["worker"]]
    assert np.all(state.outcomes["start_s"] >= workers["ready_s"])
    assert len(np.unique(state.outcomes["worker"])) > 10


def test_requests_in_the_system_are_arrival_rate_times_time_in_the_system():
    """Little's law: exact on a run that ends empty, by reading the levels after each event."""
    script = long_script(n=3000)
    state = state_of(script)
    kernel.advance(state, np.inf)
    arrived = ~np.isnan(state.outcomes["arrived_s"])
    times_s = np.unique(
        np.r_[state.outcomes["arrived_s"][arrived], state.outcomes["end_s"][arrived]]
    )
    again, in_system = state_of(script), []
    for time_s in times_s[1:]:
        kernel.advance(again, time_s)
        in_system.append(again.counters[:, [kernel.C_QUEUED, kernel.C_IN_SERVICE]].sum())
    duration_s = times_s[-1] - times_s[0]
    mean_in_system = np.dot(in_system, np.diff(times_s)) / duration_s
    mean_time_s = (state.outcomes["end_s"] - state.outcomes["arrived_s"])[arrived].mean()
    assert arrived.sum() > 2000
    assert_allclose(mean_in_system, arrived.sum() / duration_s * mean_time_s, rtol=1e-9)


def test_results_do_not_depend_on_how_time_is_sliced():
    script = long_script()
    whole, until_s = state_of(script), 30_000.0
    kernel.advance(whole, until_s)
    sliced = state_of(script)
    for time_s in np.linspace(0.0, until_s, 1001)[1:]:
        kernel.advance(sliced, time_s)
    assert whole.outcomes["status"].max() > kernel.FINISHED
    assert bytes_of(sliced) == bytes_of(whole)


def test_results_do_not_depend_on_other_threads():
    script = long_script()
    expected, states = bytes_of(replay(script, 200)), {}
    threads = [
        threading.Thread(target=lambda n=n: states.update({n: replay(script, 200)}))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [bytes_of(states[n]) == expected for n in range(4)] == [True] * 4


def test_what_happens_later_changes_nothing_before():
    script, now = long_script(), 5_000.0
    before, changed = state_of(script), state_of(script)
    kernel.advance(before, now)
    unborn = np.isnan(before.outcomes["arrived_s"])
    changed.requests["work_s"][unborn] *= 3.0
    changed.requests["arrival_s"][unborn] += 100.0
    kernel.advance(changed, now)
    assert 1000 < unborn.sum() < len(unborn) - 1000
    assert bytes_of(changed) == bytes_of(before)


@pytest.mark.parametrize("seed", range(200))
def test_with_one_fifo_queue_more_capacity_never_delays_any_request(seed):
    """So the mean wait is never longer either.

    Proof. Requests start in order of arrival, each on the slot that is free first. Let `free` be
    the sorted times at which slots become free (a worker that starts counts from when it is
    ready, one that does not exist from never). Request n starts at max(arrival, free[0]), and
    free[0] is replaced by its end. If free <= free' in every place before a request, then its
    start is no later than start', and sorting keeps the order of the places: free <= free' after
    it too. More slots, more workers and earlier starts all make `free` smaller at the beginning.
    Addition and max round monotonically, so this holds to the last bit.
    """
    rng = np.random.default_rng(seed)
    slots, workers = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    more = rng.integers(0, 3, 4)
    arrival_s = tuple(np.cumsum(rng.exponential(1.0, 300)))
    work_s = tuple(rng.lognormal(0.0, 1.5, 300) * slots * workers)

    def starts(slots: int, workers: int, startup_s: float, ordered: int) -> np.ndarray:
        pool = pool_of(slots, workers, startup_s=(startup_s,), shared_queue=True)
        ticks = (Tick(until_s=20.0), Tick(until_s=1e6, changes=(ordered,)))
        script = Script(arrival_s=arrival_s, work_s=work_s, pools=(pool,), ticks=ticks)
        return np.array([outcome.start_s for outcome in play_on_kernel(script).outcomes])

    fewer = starts(slots, workers, 30.0, 1)
    enough = starts(
        slots + more[0], workers + int(more[1]), 30.0 - 10.0 * more[2], 1 + int(more[3])
    )
    assert np.all(enough <= fewer)
    assert fewer.max() > 0
