"""Seven faults of a well-known sketch of agent load balancing, each beside what we do instead.

The sketches are written here in our own words, as short as shows the fault.
"""

from collections import Counter, OrderedDict
from itertools import pairwise

import numpy as np
import pytest

from engine.scenario import Breaker, Cache
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.state import make_state
from tests.reference.play import Script, Tick, play_on_kernel, pool_of


def workers_of(played):
    return [outcome.worker and outcome.worker[1] for outcome in played.outcomes]


class TestSevenFactorScore:
    """S2-R13: usage counts as merit, so whoever is busiest comes first."""

    def sketch(self, workers):
        return max(workers, key=lambda name: sum(workers[name].values()))

    def test_the_sketch_picks_the_busiest_worker(self):
        usage = {"cpu": 0.9, "memory": 0.8, "queue": 0.9, "latency": 0.7, "agents": 0.9}
        workers = {"busy": usage, "idle": dict.fromkeys(usage, 0.0)}
        assert self.sketch(workers) == "busy"

    def test_ours_picks_the_idle_one(self):
        pool = pool_of(slots=4, workers=2, router=kernel.SEVEN_FACTOR)
        played = play_on_kernel(Script(arrival_s=(0, 1, 2), work_s=(9, 9, 9), pools=(pool,)))
        assert workers_of(played)[:2] == [0, 1]


class TestBreakerInSelection:
    """S2-R14: the second best is taken unseen where the best one's breaker is open."""

    def sketch(self, ranked, is_open):
        return ranked[1] if is_open[ranked[0]] else ranked[0]

    def test_the_sketch_fails_with_one_worker_and_takes_a_second_open_one(self):
        with pytest.raises(IndexError):
            self.sketch(["a"], {"a": True})
        assert self.sketch(["a", "b"], {"a": True, "b": True}) == "b"

    @pytest.mark.parametrize("router", range(10))
    def test_ours_never_sends_anything_to_an_open_breaker(self, router):
        """Two of three workers trip at 3 s; with one worker requests wait outside."""
        breaker = Breaker(failure_threshold=1, open_s=50.0)
        for workers, arrivals in ((1, (0, 4)), (3, (0, 0.1, 4, 5, 6))):
            pool = pool_of(workers=workers, exec_timeout_s=3.0, router=router)
            work_s = tuple(9 if at < 1 else 0.5 for at in arrivals)
            script = Script(arrival_s=arrivals, work_s=work_s, pools=(pool,), breaker=breaker)
            played = play_on_kernel(script)
            tripped = {o.worker for o in played.outcomes if o.status == "exec timeout"}
            later = [o for o in played.outcomes if o.arrived_s >= 4]
            assert all(o.worker not in tripped or o.start_s >= 53 for o in later)
            assert all(o.status == "finished" for o in later)


def workers_by_weight(weights, number):
    """Whose turn it is (number,), with weights that do not move."""
    pool = pool_of(workers=len(weights), router=kernel.WEIGHTED_ROUND_ROBIN)
    arrivals = make_requests(np.arange(number) * 1.0, np.full(number, 0.25))
    state = make_state(arrivals, (pool,))
    state.standings["share"][: len(weights)] = weights
    state.pools["weights_s"] = np.inf  # never refreshed
    kernel.advance(state, np.inf)
    return state.outcomes["worker"]


class TestWeightedRoundRobin:
    """S2-R27, three faults."""

    def sketch_pick(self, weights, draw):
        """Weighted random under the name of round robin; the rest falls to the first."""
        at = draw * sum(weights.values())
        present = [name for name in weights if name != "gone"]
        for name in present:
            at -= weights[name]
            if at <= 0:
                return name
        return present[0]

    def test_the_sketch_is_random_so_the_same_worker_has_runs(self):
        rng = np.random.default_rng(1)
        picks = [self.sketch_pick({"a": 1.0, "b": 1.0}, rng.random()) for _ in range(100)]
        assert any(one == other for one, other in pairwise(picks))

    def test_ours_takes_turns_smoothly(self):
        """Weights 3, 1 and 1: three turns in five, spread out."""
        chosen = workers_by_weight((3.0, 1.0, 1.0), 10)
        assert chosen.tolist() == [0, 1, 0, 2, 0, 0, 1, 0, 2, 0]

    def sketch_weight(self, base, performance, load, latency):
        return max(1.0, base * performance * load * latency)

    def test_the_sketch_forgets_all_adaptation(self):
        assert self.sketch_weight(1.0, 0.9, 0.5, 0.8) == self.sketch_weight(1.0, 0.1, 0.1, 0.1)

    def test_ours_gives_a_slow_worker_fewer_turns(self):
        """One of two workers answers at a quarter of the speed; both have the same slots."""
        pool = pool_of(slots=4, workers=2, router=kernel.WEIGHTED_ROUND_ROBIN)
        ticks = (Tick(until_s=1e6, acts=(("set_speed", 0, 1, 0.25),)),)
        number = 400
        script = Script(
            arrival_s=tuple(0.5 * n for n in range(number)),
            work_s=(1.0,) * number,
            pools=(pool,),
            ticks=ticks,
        )
        played = play_on_kernel(script)
        slow = {o.worker for o in played.outcomes if o.end_s - o.start_s > 2}
        share = np.mean([o.worker in slow for o in played.outcomes[50:]])
        assert len(slow) == 1
        assert 0.02 < share < 0.3

    def test_the_sketch_gives_the_first_worker_what_a_removed_one_had(self):
        rng = np.random.default_rng(2)
        weights = {"a": 1.0, "b": 1.0, "gone": 2.0}
        picks = Counter(self.sketch_pick(weights, rng.random()) for _ in range(4000))
        assert picks["a"] / picks["b"] == pytest.approx(3.0, rel=0.15)

    def test_ours_divides_it_among_those_that_are_left(self):
        pool = pool_of(workers=4, router=kernel.WEIGHTED_ROUND_ROBIN)
        ticks = (Tick(until_s=20.0), Tick(until_s=1e6, changes=(-2,)))
        script = Script(
            arrival_s=tuple(range(220)), work_s=(0.5,) * 220, pools=(pool,), ticks=ticks
        )
        chosen = Counter(workers_of(play_on_kernel(script))[40:])
        assert len(chosen) == 2
        assert max(chosen.values()) - min(chosen.values()) <= 2

    def test_turns_are_in_proportion_to_weights(self):
        """Chi-square of 6,000 turns of five workers whose weights do not move."""
        weights, n = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 6000
        picks = np.bincount(workers_by_weight(weights, n), minlength=5)
        expected = n * weights / weights.sum()
        assert (np.square(picks - expected) / expected).sum() < 0.01  # random: about 4


class TestCache:
    """S2-R49: what is falsy counts as a miss, and nothing bounds the size."""

    class Sketch:
        def __init__(self):
            self.kept = {}

        def get(self, key, compute):
            value = self.kept.get(key)
            if value:
                return value, True
            self.kept[key] = compute()
            return self.kept[key], False

    def test_the_sketch_misses_what_is_there_and_keeps_everything(self):
        cache = self.Sketch()
        assert [cache.get("empty", lambda: 0)[1] for _ in range(2)] == [False, False]
        for key in range(10_000):
            cache.get(key, lambda: 1)
        assert len(cache.kept) == 10_001

    def test_ours_hits_a_first_prefix_and_the_first_session(self):
        """Session 0 at worker 0 at time 0: all numbers that are falsy."""
        cache = Cache(worker_ttl_s=5.0, zone_sessions=0, store_sessions=0)
        script = Script(
            arrival_s=(0, 2),
            work_s=(1, 3),
            chain=(0, 0),
            prefix_s=(1, 1),
            pools=(pool_of(),),
            cache=cache,
        )
        assert [o.end_s for o in play_on_kernel(script).outcomes] == [1, 4]

    def test_ours_keeps_no_more_than_it_may(self):
        """Against a plain least-recently-used dictionary with room for two sessions."""
        rng, n = np.random.default_rng(3), 300
        chain, kept, hits = rng.integers(0, 4, n), OrderedDict(), 0
        for session in chain.tolist():
            hits += kept.pop(session, None) is not None
            kept[session] = True
            if len(kept) > 2:
                kept.popitem(last=False)
        script = Script(
            arrival_s=tuple(range(n)),
            work_s=(0.5,) * n,
            chain=tuple(chain.tolist()),
            prefix_s=(0.1,) * n,
            pools=(pool_of(),),
            cache=Cache(worker_sessions=2, worker_ttl_s=1e9, zone_sessions=0, store_sessions=0),
        )
        played = play_on_kernel(script)
        assert sum(tick[0].more["hit worker"] for tick in played.ticks) == hits > 50


class TestHalfOpenBreaker:
    """S2-R51: a success while half-open clears the count, so the next failure does not reopen."""

    class Sketch:
        def __init__(self, threshold):
            self.threshold, self.failures, self.state = threshold, threshold, "half-open"

        def judge(self, good):
            self.failures = 0 if good else self.failures + 1
            if self.failures >= self.threshold:
                self.state = "open"

    def test_the_sketch_stays_half_open_after_a_success_and_a_failure(self):
        breaker = self.Sketch(threshold=3)
        breaker.judge(good=True)
        breaker.judge(good=False)
        assert breaker.state == "half-open"

    def test_ours_opens_again_and_lets_one_probe_through_at_a_time(self):
        breaker = Breaker(
            failure_threshold=1, open_s=10.0, half_open_probes=1, success_threshold=3
        )
        script = Script(
            arrival_s=(0, 14, 14, 16, 20),
            work_s=(9, 1, 9, 1, 1),
            pools=(pool_of(slots=4, exec_timeout_s=3.0),),
            breaker=breaker,
        )
        outcomes = play_on_kernel(script).outcomes
        assert [o.start_s for o in outcomes] == [0, 14, 15, 28, 29]  # opens at 3 and at 18
        assert outcomes[2].status == "exec timeout"
