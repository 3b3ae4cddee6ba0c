"""Requests that start all together or not at all: by hand, on both simulators, and in replays."""

from itertools import pairwise

import numpy as np
import pytest

from engine.replay import replay
from engine.scenario import Backoff, Retry, Tenant
from engine.sim import kernel
from engine.sim.parameters import TenantParameters
from engine.sim.service import prepare
from tests.engine.replays import demand, scenario, spec
from tests.reference.play import Script, Tick, play_on_kernel, play_on_reference, pool_of

LAST = 1000.0


@pytest.fixture(params=[play_on_kernel, play_on_reference], ids=["kernel", "reference"])
def play(request):
    """Plays requests at a pool; `acts` are operations by time."""

    def play_on(arrival_s, work_s, pool, acts=None, **more):
        times = sorted({0.0, *(acts or {}), LAST})
        ticks = tuple(
            Tick(until_s=until_s, acts=(acts or {}).get(since_s, ()))
            for since_s, until_s in pairwise(times)
        )
        script = Script(arrival_s=arrival_s, work_s=work_s, pools=(pool,), ticks=ticks, **more)
        return request.param(script).outcomes

    return play_on


def starts(outcomes):
    return [outcome.start_s for outcome in outcomes]


def statuses(outcomes):
    return [outcome.status for outcome in outcomes]


def test_a_group_starts_when_its_last_request_is_there(play):
    outcomes = play((0, 3, 7), (5, 5, 5), pool_of(slots=4), group=(0, 0, 0))
    assert starts(outcomes) == [7, 7, 7]


def test_it_starts_over_several_workers_at_once(play):
    outcomes = play((0, 0, 0), (5, 5, 5), pool_of(slots=1, workers=3), group=(0, 0, 0))
    assert starts(outcomes) == [0, 0, 0]
    assert sorted(outcome.worker[1] for outcome in outcomes) == [0, 1, 2]


def test_slots_are_kept_for_a_group_and_given_back_afterwards(play):
    """Two slots, one busy until 10: the group of two waits, and so does who comes after it."""
    outcomes = play((0, 1, 1, 2), (10, 4, 4, 1), pool_of(slots=2), group=(-1, 0, 0, -1))
    assert starts(outcomes) == [0, 10, 10, 14]


def test_a_group_that_can_never_fit_holds_nobody_up(play):
    outcomes = play(
        (0, 0, 0, 1), (1, 1, 1, 1), pool_of(slots=2, queue_timeout_s=9.0), group=(0, 0, 0, -1)
    )
    assert statuses(outcomes) == ["queue timeout"] * 3 + ["finished"]
    assert outcomes[3].start_s == 1


def test_it_starts_as_soon_as_there_is_a_larger_pool(play):
    acts = {4.0: (("order_workers", 0, (-1, 0.0, 1.0)),)}
    pool = pool_of(slots=2, startup_s=(1.0,))
    assert starts(play((0, 0, 0), (1, 1, 1), pool, acts, group=(0, 0, 0))) == [5, 5, 5]


def test_slots_are_kept_no_longer_once_a_crash_makes_the_group_too_large(play):
    """One of two workers is gone with its node at 2 s, so three slots there are no more."""
    acts = {
        0.0: (("order_workers", 0, (1, 0.0, 1.0)),),
        2.0: (("crash_node", 1),),
    }
    outcomes = play(
        (0.5, 0.5, 1, 1, 1, 1.5),
        (9, 9, 1, 1, 1, 1),
        pool_of(slots=2, startup_s=(0.0,)),
        acts,
        group=(-1, -1, 0, 0, 0, -1),
    )
    assert outcomes[5].start_s == 2.0
    assert np.isnan(starts(outcomes)[2:5]).all()


def test_when_one_times_out_none_starts(play):
    pool = pool_of(slots=4, queue_timeout_s=5.0)
    outcomes = play((0, 9), (1, 1), pool, group=(0, 0))
    assert [(o.status, o.end_s) for o in outcomes] == [("queue timeout", 5), ("rejected", 9)]


def test_requests_that_are_tried_again_meet_again(play):
    retry = Retry(attempts=3, backoff_s=4.0, multiplier=1.0, jitter=Backoff.NONE)
    pool = pool_of(slots=4, queue_timeout_s=5.0)
    outcomes = play((0, 6), (1, 1), pool, group=(0, 0), retry=retry)
    assert starts(outcomes) == [9, 9]  # the first fails at 5 and is back at 9


def test_memory_must_be_there_for_all(play):
    pool = pool_of(slots=3, room_kib=6, over_memory=kernel.WAIT_FOR_MEMORY)
    outcomes = play((0, 1, 1), (5, 1, 1), pool, group=(-1, 0, 0), memory_kib=(3, 3, 3))
    assert starts(outcomes) == [0, 5, 5]


def test_shares_of_a_tenant_bound_its_groups(play):
    tenants = (TenantParameters(share=0.5),)
    pool = pool_of(slots=4)
    outcomes = play((0, 1, 1), (5, 1, 1), pool, group=(-1, 0, 0), tenants=tenants)
    assert starts(outcomes) == [0, 5, 5]


@pytest.mark.parametrize("seed", range(6))
def test_in_a_replay_each_group_starts_at_one_time_or_never(seed):
    tenants = (Tenant(name="single"), Tenant(name="batch", group_size=4))
    given = scenario(tenants=tenants, seed=seed)
    traits = prepare(demand(seed), given).arrivals.traits
    record = replay([spec("hpa", demand(seed), given)])[0]
    rows = record.requests
    group, together = traits["group"][rows["seq"]], 0
    for number in range(group.max() + 1):
        mine = rows["start_s"][group == number]
        begun = mine[~np.isnan(mine)]
        assert len(begun) in (0, len(mine))
        assert len(np.unique(begun)) <= 1
        together += len(begun) > 1
    assert together > 20
    outcome = record.outcome
    failed = sum(outcome[name] for name in ("queue_timeout", "exec_timeout", "rejected", "lost"))
    assert outcome["arrived"] == outcome["finished"] + failed == len(demand(seed))
