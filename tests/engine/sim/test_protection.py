"""Retries, breakers, sizes, memory, tenants, caches, degradation: by hand, on both simulators."""

import math
from itertools import pairwise

import pytest

from engine.scenario import Backoff, Breaker, Cache, Degradation, DegradeKind, Retry
from engine.sim import kernel
from engine.sim.parameters import Size, TenantParameters
from tests.reference.play import Script, Tick, play_on_kernel, play_on_reference, pool_of

LAST = 1000.0


@pytest.fixture(params=[play_on_kernel, play_on_reference], ids=["kernel", "reference"])
def play(request):
    """Plays requests on a pool; `acts` are operations by time."""

    def play_on(arrival_s, work_s, pool, acts=None, **more):
        times = sorted({0.0, *(acts or {}), LAST})
        ticks = tuple(
            Tick(until_s=until_s, acts=(acts or {}).get(since_s, ()))
            for since_s, until_s in pairwise(times)
        )
        return request.param(
            Script(arrival_s=arrival_s, work_s=work_s, pools=(pool,), ticks=ticks, **more)
        )

    return play_on


def services(played):
    return [(o.worker and o.worker[1], o.start_s, o.end_s) for o in played.outcomes]


def ends(played):
    return [(outcome.status, outcome.end_s) for outcome in played.outcomes]


def total(played, name):
    return sum(tick[0].more[name] for tick in played.ticks)


class TestRetries:
    RETRY = Retry(attempts=3, backoff_s=3.0, multiplier=2.0, jitter=Backoff.NONE)

    def test_waits_between_tries_grow_and_a_request_counts_once(self, play):
        played = play((0, 1), (5, 1), pool_of(queue_limit=0), retry=self.RETRY)
        assert services(played) == [(0, 0, 5), (0, 10, 11)]  # refused at 1 and at 4
        assert sum(tick[0].counts["arrived"] for tick in played.ticks) == 2
        assert total(played, "retried") == 2

    def test_the_last_try_decides(self, play):
        played = play((0, 1), (50, 1), pool_of(queue_limit=0), retry=self.RETRY)
        assert ends(played) == [("finished", 50), ("rejected", 10)]

    def test_what_is_lost_in_a_crash_comes_again(self, play):
        acts = {2.0: (("crash_workers", 0, 1),)}
        played = play((0, 1), (5, 5), pool_of(workers=2), acts, retry=self.RETRY)
        assert sorted(o.start_s for o in played.outcomes) in ([0, 5], [1, 6])
        assert {o.status for o in played.outcomes} == {"finished"}

    def test_without_arrivals_to_speak_of_the_budget_allows_no_retry(self, play):
        retry = Retry(attempts=3, budget_frac=0.1)
        played = play((0, 1), (5, 1), pool_of(queue_limit=0), retry=retry)
        assert ends(played) == [("finished", 5), ("rejected", 1)]


class TestBreaker:
    def test_it_opens_lets_a_probe_through_and_closes(self, play):
        breaker = Breaker(failure_threshold=1, open_s=10.0, success_threshold=2)
        played = play(
            (0, 4, 5, 6), (9, 1, 1, 1), pool_of(slots=2, exec_timeout_s=3.0), breaker=breaker
        )
        assert ends(played)[0] == ("exec timeout", 3)
        assert services(played)[1:] == [(0, 13, 14), (0, 14, 15), (0, 15, 16)]
        assert total(played, "breaker") == 1

    def test_a_failed_probe_opens_it_again(self, play):
        breaker = Breaker(failure_threshold=1, open_s=10.0, success_threshold=1)
        played = play((0, 4, 5), (9, 9, 1), pool_of(exec_timeout_s=3.0), breaker=breaker)
        assert ends(played) == [("exec timeout", 3), ("exec timeout", 16), ("finished", 27)]

    def test_requests_go_to_the_others_meanwhile(self, play):
        breaker = Breaker(failure_threshold=1, open_s=100.0)
        pool = pool_of(workers=2, exec_timeout_s=3.0)
        played = play((0, 4, 5, 6), (9, 1, 1, 1), pool, breaker=breaker)
        assert [o.worker[1] for o in played.outcomes] == [0, 1, 1, 1]

    @pytest.mark.parametrize(("threshold", "openings"), [(3, 1), (4, 0)])
    def test_what_a_crash_loses_in_service_or_in_the_queue_are_failures(
        self, play, threshold, openings
    ):
        acts = {2.0: (("crash_workers", 0, 1),)}
        breaker = Breaker(failure_threshold=threshold)
        played = play((0, 0, 1), (9, 9, 9), pool_of(slots=2), acts, breaker=breaker)
        assert ends(played) == [("lost", 2)] * 3
        assert total(played, "breaker") == openings

    def test_requests_lost_with_their_node_are_failures(self, play):
        acts = {0.0: (("order_workers", 0, (3, 0, 1)),), 2.0: (("crash_node", 3),)}
        breaker = Breaker(failure_threshold=1)
        played = play((0, 1), (9, 9), pool_of(workers=0, slots=2), acts, breaker=breaker)
        assert ends(played) == [("lost", 2)] * 2
        assert total(played, "breaker") == 1

    @pytest.mark.parametrize(
        ("threshold", "startup_s", "starts_s"), [(2, 2.0, 11), (3, 2.0, 4), (2, 20.0, 21)]
    )
    def test_a_worker_that_lost_all_and_starts_again_keeps_its_breaker(
        self, play, threshold, startup_s, starts_s
    ):
        """Two are lost at 1 s, the one that was too large among them; it is open for 10 s."""
        breaker = Breaker(failure_threshold=threshold, open_s=10.0, success_threshold=1)
        pool = pool_of(
            slots=3, room_kib=6, over_memory=kernel.CRASH_OVER_MEMORY, startup_s=(startup_s,)
        )
        played = play((0, 1, 4), (9, 9, 1), pool, memory_kib=(4, 4, 4), breaker=breaker)
        assert ends(played) == [("lost", 1), ("lost", 1), ("finished", starts_s + 1)]


class TestSizes:
    def test_in_place_the_new_size_holds_after_a_while(self, play):
        pool = pool_of(other_sizes=(Size(2, 2.0),), resize_in_place=True, resize_s=2.0)
        played = play((0, 0, 6), (4, 4, 4), pool, {1.0: (("resize", 0, 1),)})
        assert services(played) == [(0, 0, 4), (0, 3, 5), (0, 6, 8)]
        assert played.ticks[1][0].slot_s == 2 + 2 * (LAST - 3)

    def test_by_restart_a_new_worker_is_ready_before_the_old_one_goes(self, play):
        pool = pool_of(other_sizes=(Size(2, 2.0),), startup_s=(3.0,))
        played = play((0, 5), (9, 4), pool, {1.0: (("resize", 0, 1),)})
        assert services(played) == [(0, 0, 9), (1, 5, 7)]
        assert played.ticks[-1][0].levels["ready"] == 1

    def test_requests_wait_for_memory_in_their_order(self, play):
        pool = pool_of(slots=3, room_kib=6, over_memory=kernel.WAIT_FOR_MEMORY)
        played = play((0, 0, 0, 0), (5, 5, 5, 1), pool, memory_kib=(4, 4, 2, 7))
        assert services(played)[:3] == [(0, 0, 5), (0, 5, 10), (0, 5, 10)]
        assert ends(played)[3] == ("rejected", 10)  # more than the worker has

    def test_a_worker_over_its_memory_loses_all_and_starts_again(self, play):
        pool = pool_of(slots=3, room_kib=6, over_memory=kernel.CRASH_OVER_MEMORY, startup_s=(2.0,))
        played = play((0, 1, 2), (9, 9, 1), pool, memory_kib=(4, 4, 4))
        assert ends(played) == [("lost", 1), ("lost", 1), ("finished", 4)]
        assert total(played, "crashed") == 1


class TestTenants:
    HIGH, LOW = TenantParameters(rank=1), TenantParameters(rank=0)

    def test_higher_ranks_are_served_first(self, play):
        tenants = (self.HIGH, self.LOW)
        played = play((0, 1, 2), (10, 1, 1), pool_of(), tenant=(1, 1, 0), tenants=tenants)
        assert [o.start_s for o in played.outcomes] == [0, 11, 10]

    def test_a_long_wait_counts_as_rank(self, play):
        tenants = (self.HIGH, TenantParameters(rank=0, aging_s=4.0))
        played = play((0, 1, 2), (10, 1, 1), pool_of(), tenant=(1, 1, 0), tenants=tenants)
        assert [o.start_s for o in played.outcomes] == [0, 10, 11]

    def test_slots_under_a_floor_are_kept_free(self, play):
        tenants = (TenantParameters(floor=0.5), TenantParameters())
        pool = pool_of(slots=2)
        played = play((0, 0, 1), (5, 5, 5), pool, tenant=(1, 1, 0), tenants=tenants)
        assert [o.start_s for o in played.outcomes] == [0, 5, 1]

    def test_shares_bound_and_can_be_changed(self, play):
        tenants = (TenantParameters(share=0.25), TenantParameters(share=0.75))
        acts = {2.0: (("share_slots", 0, (0.75, 0.25)),)}
        played = play(
            (0, 0, 0), (9, 9, 9), pool_of(slots=4), acts, tenant=(0, 0, 0), tenants=tenants
        )
        assert [o.start_s for o in played.outcomes] == [0, 2, 2]


class TestSessions:
    def test_a_session_stays_unless_its_worker_is_overloaded(self, play):
        played = play(
            (0, 1, 2, 2.5, 3),
            (1, 9, 9, 9, 9),
            pool_of(slots=4, workers=2),
            chain=(-1, 7, -1, 7, 7),
            affinity_slack=0,
        )
        assert [o.worker[1] for o in played.outcomes] == [0, 0, 1, 0, 1]

    def test_a_prefix_in_the_workers_memory_is_free(self, play):
        cache = Cache(worker_ttl_s=5.0, zone_sessions=0, store_sessions=0)
        played = play(
            (0, 6, 20), (4, 5, 5), pool_of(), chain=(0, 0, 0), prefix_s=(0, 3, 3), cache=cache
        )
        assert [o.end_s for o in played.outcomes] == [4, 8, 25]  # too old at 20
        assert total(played, "hit worker") == 1

    def test_a_prefix_from_the_zone_or_the_store_takes_time_to_fetch(self, play):
        for zone_sessions, saved_s, name in ((9, 2.5, "hit zone"), (0, 1.0, "hit store")):
            cache = Cache(
                worker_sessions=0, zone_sessions=zone_sessions, zone_fetch_s=0.5, store_fetch_s=2
            )
            played = play((0, 6), (4, 5), pool_of(), chain=(0, 0), prefix_s=(0, 3), cache=cache)
            assert played.outcomes[1].end_s == 11 - saved_s
            assert total(played, name) == 1

    def test_the_prefix_used_least_recently_makes_room(self, play):
        cache = Cache(worker_sessions=1, worker_ttl_s=99.0, zone_sessions=0, store_sessions=0)
        played = play(
            (0, 1, 2, 9),
            (1, 1, 1, 5),
            pool_of(),
            chain=(0, 1, 0, 1),
            prefix_s=(0, 0, 0.5, 3),
            cache=cache,
        )
        assert [o.end_s for o in played.outcomes] == [1, 2, 3, 14]

    def test_a_request_that_finds_its_prefix_in_two_tries_counts_once(self, play):
        retry = Retry(attempts=2, backoff_s=1.0, jitter=Backoff.NONE)
        cache = Cache(zone_sessions=0, store_sessions=0)
        pool = pool_of(exec_timeout_s=3.0)
        played = play(
            (0, 2), (1, 10), pool, chain=(0, 0), prefix_s=(0, 1), cache=cache, retry=retry
        )
        assert ends(played) == [("finished", 1), ("exec timeout", 9)]
        assert total(played, "hit worker") == 1


class TestDegradation:
    def play_level(self, play, kind, amount=0.5, rank=1, work_s=4):
        """Four requests at one slot, the level entered above one request a slot."""
        level = Degradation(kind=kind, above=1.0, below=1.0, amount=amount, rank=rank)
        return play((0, 1, 2, 3), (work_s,) * 4, pool_of(), degradation=(level,))

    def test_low_ranks_are_shed(self, play):
        played = self.play_level(play, DegradeKind.SHED)
        assert ends(played) == [("finished", 4), ("finished", 8), ("shed", 2), ("shed", 3)]

    def test_what_cannot_start_in_time_is_turned_away(self, play):
        level = Degradation(kind=DegradeKind.DEADLINE, above=1.0, below=1.0, amount=3.0)
        played = play((0, 4, 4, 5), (4, 4, 4, 4), pool_of(), degradation=(level,))
        assert [o.status for o in played.outcomes] == ["finished"] * 3 + ["shed"]

    def test_answers_from_the_cache_take_no_time(self, play):
        played = self.play_level(play, DegradeKind.CACHED, amount=1.0)
        assert ends(played)[2:] == [("finished", 2), ("finished", 3)]
        assert total(played, "degraded") == 2

    def test_a_smaller_model_shortens_the_work(self, play):
        played = self.play_level(play, DegradeKind.SMALLER_MODEL, amount=0.25)
        assert [o.end_s for o in played.outcomes] == [4, 5, 6, 7]
        assert total(played, "degraded") == 3

    def test_a_request_degraded_by_two_levels_in_two_tries_counts_once(self, play):
        smaller = {"kind": DegradeKind.SMALLER_MODEL, "below": 0.0, "amount": 0.5}
        levels = (Degradation(above=0.0, **smaller), Degradation(above=0.1, **smaller))
        retry = Retry(attempts=2, backoff_s=1.0, jitter=Backoff.NONE)
        pool = pool_of(slots=4, exec_timeout_s=3.0)
        played = play((0, 1), (20, 20), pool, degradation=levels, retry=retry)
        assert ends(played) == [("exec timeout", 7), ("exec timeout", 8)]  # 20 / 4 is too long
        assert total(played, "retried") == 2
        assert total(played, "degraded") == 2


class TestFaults:
    def test_a_notice_ends_draining(self, play):
        acts = {0.0: (("order_workers", 0, (3, 0, 1)),), 2.0: (("give_notice", 3, 4.0),)}
        played = play((0, 1), (9, 9), pool_of(workers=0, startup_s=(0.0,), slots=2), acts)
        assert ends(played) == [("lost", 6), ("lost", 6)]

    def test_tools_that_are_out_hold_sessions_up(self, play):
        acts = {1.0: (("hold_tools", 20.0),)}
        played = play((0, 0), (3, 4), pool_of(), acts, after=(-1, 0), think_s=(0.0, 2.0))
        assert services(played) == [(0, 0, 3), (0, 20, 24)]

    def test_a_failed_start_begins_again(self, play):
        acts = {
            0.0: (("fail_starts", 0, 1.0), ("order_workers", 0, (-1, 0, 1))),
            5.0: (("fail_starts", 0, 0.0),),
        }
        played = play((0,), (1,), pool_of(workers=0, startup_s=(2.0,)), acts)
        assert services(played) == [(0, 5, 6)]  # the next try takes a second and its 2 s
        assert total(played, "failed starts") == 1

    def test_slow_workers_take_longer_until_they_are_restored(self, play):
        acts = {0.0: (("set_speed", 0, 1, 0.5),), 6.0: (("restore_speed", 0),)}
        played = play((0, 7), (2, 2), pool_of(), acts)
        assert services(played) == [(0, 0, 4), (0, 7, 9)]

    def test_a_pool_that_is_cut_off_goes_on_with_what_it_has(self, play):
        acts = {1.0: (("set_reachable", 0, False),), 9.0: (("set_reachable", 0, True),)}
        played = play((0, 0, 2), (3, 3, 1), pool_of(), acts)
        assert services(played) == [(0, 0, 3), (0, 3, 6), (0, 9, 10)]
        assert not math.isnan(played.outcomes[2].end_s)
