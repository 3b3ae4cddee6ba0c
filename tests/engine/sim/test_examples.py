"""The contract by example: small enough to be worked out by hand, told to both simulators."""

import math
from itertools import pairwise

import pytest

from tests.reference.play import Script, Tick, play_on_kernel, play_on_reference, pool_of

UNTIL_S = 1000.0


@pytest.fixture(params=[play_on_kernel, play_on_reference], ids=["kernel", "reference"])
def play(request):
    """Plays requests on pools; `changes` are changes of the workers by time."""

    def play_on(arrival_s, work_s, *pools, changes=None, **more):
        changes = changes or {}
        times = sorted({0.0, *changes, UNTIL_S})
        ticks = tuple(
            Tick(until_s=until_s, changes=changes.get(since_s, (0,) * len(pools)))
            for since_s, until_s in pairwise(times)
        )
        script = Script(
            arrival_s=arrival_s, work_s=work_s, pools=pools, **{"ticks": ticks, **more}
        )
        return request.param(script)

    return play_on


def services(played):
    """Number of the worker, start and end of each request."""
    return [(o.worker and o.worker[1], o.start_s, o.end_s) for o in played.outcomes]


def ends(played):
    return [(outcome.status, outcome.end_s) for outcome in played.outcomes]


def statuses(played):
    return [outcome.status for outcome in played.outcomes]


class TestRouting:
    def test_requests_go_to_the_least_loaded_worker_and_the_lowest_number_on_ties(self, play):
        played = play((0, 0, 0, 0, 1), (9, 9, 2, 9, 9), pool_of(slots=2, workers=3))
        assert [o.worker[1] for o in played.outcomes] == [0, 1, 2, 0, 1]
        assert [o.start_s for o in played.outcomes] == [0, 0, 0, 0, 1]

    def test_waiting_requests_count_as_load(self, play):
        played = play((0, 0, 1, 2), (9, 9, 9, 9), pool_of(workers=2))
        assert services(played) == [(0, 0, 9), (1, 0, 9), (0, 9, 18), (1, 9, 18)]

    def test_a_worker_with_a_queue_of_its_own_serves_it_in_order_of_arrival(self, play):
        played = play((0, 1, 2), (5, 3, 1), pool_of())
        assert services(played) == [(0, 0, 5), (0, 5, 8), (0, 8, 9)]

    def test_a_free_worker_does_not_take_what_waits_at_another(self, play):
        played = play((0, 0, 1), (9, 2, 1), pool_of(workers=2))
        assert services(played) == [(0, 0, 9), (1, 0, 2), (0, 9, 10)]

    def test_with_a_shared_queue_the_first_free_worker_takes_the_oldest(self, play):
        played = play((0, 0, 1, 1), (9, 2, 4, 1), pool_of(workers=2, shared_queue=True))
        assert services(played) == [(0, 0, 9), (1, 0, 2), (1, 2, 6), (1, 6, 7)]

    def test_pools_do_not_share_workers(self, play):
        played = play((0, 0, 0), (5, 5, 5), pool_of(), pool_of(workers=2), pool=(0, 0, 1))
        assert [o.worker for o in played.outcomes] == [(0, 0), (0, 0), (1, 0)]
        assert [o.start_s for o in played.outcomes] == [0, 5, 0]


class TestServiceTime:
    def test_others_in_service_at_the_start_slow_a_request_down_for_good(self, play):
        played = play((0, 0, 0, 10), (4, 4, 4, 4), pool_of(slots=3, contention=0.5))
        assert [o.end_s for o in played.outcomes] == [4.0, 5.0, 6.0, 14.0]

    def test_contention_means_nothing_to_a_single_slot(self, play):
        assert services(play((0,), (4,), pool_of(contention=1.0))) == [(0, 0, 4)]

    def test_service_longer_than_the_execution_time_out_is_cut_off_there(self, play):
        played = play((0, 0, 0), (3, 4, 1), pool_of(exec_timeout_s=3.0))
        assert ends(played) == [("finished", 3), ("exec timeout", 6), ("finished", 7)]

    def test_contention_counts_towards_the_execution_time_out(self, play):
        played = play((0, 0), (3, 3), pool_of(slots=2, contention=1.0, exec_timeout_s=5.0))
        assert ends(played) == [("finished", 3), ("exec timeout", 5)]


class TestLimits:
    def test_a_request_that_waits_too_long_fails_exactly_then(self, play):
        played = play((0, 1, 2), (9, 5, 5), pool_of(queue_timeout_s=7.5))
        assert ends(played) == [("finished", 9), ("queue timeout", 8.5), ("finished", 14)]

    def test_a_slot_freed_at_the_time_out_is_in_time(self, play):
        played = play((0, 1), (9, 5), pool_of(queue_timeout_s=8.0))
        assert ends(played) == [("finished", 9), ("finished", 14)]

    def test_a_request_behind_one_that_timed_out_is_next(self, play):
        played = play((0, 1, 3, 4), (5, 5, 1, 1), pool_of(queue_timeout_s=6.0))
        assert [o.end_s for o in played.outcomes] == [5, 10, 9, 11]
        assert statuses(played) == ["finished", "finished", "queue timeout", "finished"]

    def test_requests_time_out_in_the_queue_of_a_pool_without_workers(self, play):
        played = play((0, 2), (1, 1), pool_of(workers=0, queue_timeout_s=5.0))
        assert ends(played) == [("queue timeout", 5), ("queue timeout", 7)]

    def test_no_request_waits_with_a_time_out_of_zero(self, play):
        played = play((0, 1, 2), (2, 1, 1), pool_of(queue_timeout_s=0.0))
        assert ends(played) == [("finished", 2), ("queue timeout", 1), ("finished", 3)]

    def test_a_full_queue_rejects(self, play):
        played = play((0, 1, 2, 6), (5, 5, 5, 5), pool_of(queue_limit=1))
        assert [o.end_s for o in played.outcomes] == [5, 10, 2, 15]
        assert statuses(played) == ["finished", "finished", "rejected", "finished"]

    def test_each_worker_has_a_queue_limit_of_its_own(self, play):
        played = play((0,) * 5, (5,) * 5, pool_of(workers=2, queue_limit=1))
        assert statuses(played) == ["finished"] * 4 + ["rejected"]

    def test_a_shared_queue_has_one_limit(self, play):
        played = play((0,) * 5, (5,) * 5, pool_of(workers=2, queue_limit=1, shared_queue=True))
        assert statuses(played) == ["finished"] * 3 + ["rejected"] * 2

    def test_without_room_to_wait_only_free_slots_help(self, play):
        played = play((0, 0, 0, 5), (5,) * 4, pool_of(slots=2, queue_limit=0))
        assert statuses(played) == ["finished", "finished", "rejected", "finished"]


class TestScaleOut:
    def test_start_up_times_are_used_in_turn_whatever_happened_before(self, play):
        pool = pool_of(workers=0, startup_s=(3.0, 1.0, 2.0))
        played = play((0,) * 4, (9,) * 4, pool, changes={0.0: (2,), 0.5: (-1,), 4.0: (2,)})
        assert services(played)[:1] == [(0, 3, 12)]  # the worker with 1 s was cancelled
        assert sorted(o.start_s for o in played.outcomes) == [3, 6, 7, 12]

    def test_requests_wait_for_a_worker_to_become_ready(self, play):
        pool = pool_of(slots=2, workers=0, startup_s=(3.0,))
        played = play((0, 1, 2), (4, 5, 1), pool, changes={0.0: (1,)})
        assert services(played) == [(0, 3, 7), (0, 3, 8), (0, 7, 8)]

    def test_nobody_overtakes_the_queue_of_the_pool(self, play):
        pool = pool_of(workers=0, startup_s=(3.0,))
        played = play((0, 1, 4), (4, 5, 1), pool, changes={0.0: (1,)})
        assert services(played) == [(0, 3, 7), (0, 7, 12), (0, 12, 13)]

    def test_a_second_worker_takes_what_waits_for_the_pool(self, play):
        pool = pool_of(workers=0, startup_s=(3.0, 5.0))
        played = play((0, 1, 4), (9, 9, 1), pool, changes={0.0: (2,)})
        assert services(played) == [(0, 3, 12), (1, 5, 14), (0, 12, 13)]

    def test_a_new_worker_takes_nothing_that_waits_at_another(self, play):
        played = play((0, 0), (9, 1), pool_of(), changes={1.0: (1,)})
        assert services(played) == [(0, 0, 9), (0, 9, 10)]


class TestScaleIn:
    def test_the_newest_start_is_cancelled_first_and_the_highest_number_on_ties(self, play):
        pool = pool_of(workers=0, startup_s=(5.0, 6.0, 7.0))
        changes = {0.0: (2,), 1.0: (1,), 2.0: (-2,)}
        played = play((0, 0), (9, 9), pool, changes=changes)
        assert services(played) == [(0, 5, 14), (0, 14, 23)]

    def test_ready_workers_go_when_nothing_starts_the_least_loaded_first(self, play):
        played = play((0, 0, 0, 2), (9, 1, 9, 1), pool_of(workers=3), changes={1.5: (-1,)})
        assert played.outcomes[3].worker == (0, 0)  # number 1 was idle and is gone
        assert played.outcomes[3].start_s == 9

    def test_among_equally_loaded_workers_the_highest_number_goes(self, play):
        played = play((1, 1, 1), (9, 9, 9), pool_of(workers=3), changes={0.5: (-1,)})
        assert [o.worker[1] for o in played.outcomes] == [0, 1, 0]

    def test_a_draining_worker_finishes_what_it_holds_and_gets_nothing_new(self, play):
        played = play((0, 0, 1, 1, 3), (5, 9, 2, 2, 1), pool_of(workers=2), changes={2.0: (-1,)})
        assert services(played) == [(0, 0, 5), (1, 0, 9), (0, 5, 7), (1, 9, 11), (0, 7, 8)]
        assert [tick[0].levels["draining"] for tick in played.ticks] == [0, 0]

    def test_a_draining_worker_takes_nothing_from_the_shared_queue(self, play):
        pool = pool_of(workers=2, shared_queue=True)
        played = play((0, 0, 1), (9, 4, 1), pool, changes={2.0: (-1,)})
        assert services(played) == [(0, 0, 9), (1, 0, 4), (0, 9, 10)]

    def test_what_a_worker_holds_when_its_grace_period_ends_is_lost(self, play):
        pool = pool_of(slots=2, drain_grace_s=3.0)
        played = play((0, 0, 1), (4, 6, 7), pool, changes={2.0: (-1,)})
        assert ends(played) == [("finished", 4), ("lost", 5), ("lost", 5)]

    def test_what_still_waits_at_a_worker_when_its_grace_period_ends_is_lost_too(self, play):
        pool = pool_of(drain_grace_s=3.0)
        played = play((0, 1), (9, 1), pool, changes={2.0: (-1,)})
        assert ends(played) == [("lost", 5), ("lost", 5)]
        assert [o.start_s for o in played.outcomes] == [0, pytest.approx(math.nan, nan_ok=True)]

    def test_a_number_is_used_again_when_its_worker_is_gone(self, play):
        changes = {2.0: (-1,), 3.0: (1,), 6.0: (1,)}
        played = play((0, 4, 7), (5, 9, 9), pool_of(), changes=changes)
        assert [o.worker[1] for o in played.outcomes] == [0, 1, 0]

    def test_a_pool_can_go_to_zero_and_come_back(self, play):
        pool = pool_of(startup_s=(2.0,))
        played = play((0, 4, 5), (1, 1, 1), pool, changes={3.0: (-1,), 6.0: (1,)})
        assert services(played) == [(0, 0, 1), (0, 8, 9), (0, 9, 10)]

    def test_no_more_workers_go_than_there_are(self, play):
        played = play((0,), (1,), pool_of(workers=2), changes={5.0: (-9,)})
        assert played.ticks[-1][0].levels["ready"] == 0


class TestSessions:
    def test_a_request_arrives_a_think_time_after_the_one_it_waits_for(self, play):
        played = play((0, math.nan), (3, 4), pool_of(), after=(-1, 0), think_s=(0.0, 2.0))
        assert services(played) == [(0, 0, 3), (0, 5, 9)]

    def test_several_requests_can_wait_for_the_same(self, play):
        played = play(
            (0, 0, 0), (3, 4, 1), pool_of(slots=2), after=(-1, 0, 0), think_s=(0.0, 2.0, 1.0)
        )
        assert services(played) == [(0, 0, 3), (0, 5, 9), (0, 4, 5)]

    @pytest.mark.parametrize("abandon", [False, True])
    def test_a_failure_ends_a_session_only_where_sessions_are_abandoned(self, play, abandon):
        failing = {
            "rejected": (pool_of(queue_limit=0), {}),
            "queue timeout": (pool_of(queue_timeout_s=1.0), {}),
            "exec timeout": (pool_of(slots=2, exec_timeout_s=2.0), {}),
            "lost": (pool_of(slots=2, drain_grace_s=1.0), {1.0: (-1,)}),
        }
        for status, (pool, changes) in failing.items():
            played = play(
                (0, 0, 0),
                (2, 9, 1),
                pool,
                changes=changes,
                after=(-1, -1, 1),
                think_s=(0.0, 0.0, 5.0),
                abandon=abandon,
            )
            assert statuses(played)[1] == status
            assert (statuses(played)[2] == "not arrived") == abandon

    def test_requests_that_would_arrive_at_the_horizon_or_later_never_do(self, play):
        played = play(
            (0, 0, 0),
            (3, 1, 1),
            pool_of(slots=2),
            after=(-1, 0, 0),
            think_s=(0.0, 2.0, 1.9),
            horizon_s=5.0,
        )
        assert statuses(played) == ["finished", "not arrived", "finished"]


class TestSimultaneousEvents:
    def test_decisions_come_before_whatever_happens_at_the_same_instant(self, play):
        """The worker still holds its request at 5, so it drains instead of serving the next."""
        played = play((0, 5), (5, 1), pool_of(), changes={5.0: (-1,)})
        assert statuses(played) == ["finished", "queued"]

    def test_an_event_at_the_end_of_a_tick_belongs_to_the_next_one(self, play):
        played = play((0, 5), (5, 1), pool_of(), changes={5.0: (0,)})
        assert [tick[0].counts["arrived"] for tick in played.ticks] == [1, 1]
        assert [tick[0].counts["finished"] for tick in played.ticks] == [0, 2]

    def test_a_slot_is_freed_before_a_worker_becomes_ready(self, play):
        pool = pool_of(startup_s=(5.0,), shared_queue=True)
        played = play((0, 1), (5, 1), pool, changes={0.0: (1,)})
        assert services(played) == [(0, 0, 5), (0, 5, 6)]

    def test_a_worker_becomes_ready_before_requests_time_out(self, play):
        pool = pool_of(workers=0, startup_s=(5.0,), queue_timeout_s=5.0)
        assert services(play((0,), (1,), pool, changes={0.0: (1,)})) == [(0, 5, 6)]

    def test_a_request_ends_before_its_worker_does(self, play):
        played = play((0,), (5,), pool_of(drain_grace_s=3.0), changes={2.0: (-1,)})
        assert ends(played) == [("finished", 5)]

    def test_a_grace_period_ends_before_requests_time_out(self, play):
        pool = pool_of(drain_grace_s=3.0, queue_timeout_s=4.0)
        played = play((0, 1), (9, 9), pool, changes={2.0: (-1,)})
        assert ends(played) == [("lost", 5), ("lost", 5)]

    def test_a_time_out_makes_room_for_an_arrival(self, play):
        played = play((0, 1, 5), (8, 1, 1), pool_of(queue_limit=1, queue_timeout_s=4.0))
        assert statuses(played) == ["finished", "queue timeout", "finished"]

    def test_an_arrival_finds_the_slot_that_is_freed_then(self, play):
        played = play((0, 5), (5, 1), pool_of(queue_limit=0))
        assert services(played) == [(0, 0, 5), (0, 5, 6)]

    @pytest.mark.parametrize(("root", "follower"), [(1, 2), (2, 1)])
    def test_the_lower_number_arrives_first_be_it_of_a_session_or_not(self, play, root, follower):
        after = [-1, -1, -1]
        after[follower] = 0
        played = play((0, 5, 5), (3, 1, 1), pool_of(), after=tuple(after), think_s=(0.0, 2.0, 2.0))
        assert [o.start_s for o in played.outcomes] == [0, 5, 6]

    def test_the_lower_number_ends_first(self, play):
        """Both slots are freed at 5; the worker of request 0 takes the one that waits."""
        pool = pool_of(workers=2, shared_queue=True)
        assert services(play((0, 0, 1), (5, 5, 1), pool))[2] == (0, 5, 6)

    def test_the_lower_worker_becomes_ready_first(self, play):
        pool = pool_of(workers=0, startup_s=(5.0, 4.0))
        played = play((0, 0), (1, 1), pool, changes={0.0: (1,), 1.0: (1,)})
        assert [o.worker[1] for o in played.outcomes] == [0, 1]


class TestTicks:
    def test_a_tick_reports_what_happened_in_it_and_levels_at_its_end(self, play):
        pool = pool_of(slots=2, startup_s=(4.0,))
        played = play((0, 1, 2), (6, 7, 5), pool, changes={3.0: (1,), 10.0: (-1,)})
        first, second, _ = (tick[0] for tick in played.ticks)
        assert (first.counts["arrived"], first.counts["finished"]) == (3, 0)
        assert first.levels == {
            "queued": 1,
            "in service": 2,
            "starting": 0,
            "ready": 1,
            "draining": 0,
        }
        assert first.integrals == {
            "offered": 18,
            "busy": 5,
            "starting": 0,
            "ready": 3,
            "draining": 0,
        }
        assert second.integrals == {
            "offered": 0,
            "busy": 3 + 5 + 4,
            "starting": 4,
            "ready": 7 + 3,
            "draining": 0,
        }
        assert first.utilisation == {0: pytest.approx(5 / 6)}
        assert second.utilisation == {0: pytest.approx(12 / 14), 1: 0.0}

    def test_utilisation_is_known_of_workers_that_were_ready_or_draining_and_still_are(self, play):
        pool = pool_of(workers=2, startup_s=(4.0,))
        played = play((0, 0), (9, 4), pool, changes={1.0: (-1,), 3.0: (1,), 6.0: (0,)})
        assert [sorted(tick[0].utilisation) for tick in played.ticks] == [
            [0, 1],
            [0, 1],
            [0],
            [0, 2],
        ]
