"""What is said about a routing decision is what the simulator then does."""

import numpy as np
import pytest

from engine.scenario import Cache
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.choices import FACTORS, DecidedBy, explain_choice
from engine.sim.parameters import RouterParameters, Size, TenantParameters
from engine.sim.state import make_state
from tests.engine.sim.test_invariants import bytes_of
from tests.reference.play import pool_of

pytestmark = pytest.mark.slow

N = 400
SCORED = (
    kernel.LEAST_CONNECTIONS,
    kernel.PREDICTED_COMPLETION,
    kernel.LEAST_AGENT_LOAD,
    kernel.CONTEXT_AWARE,
    kernel.SEVEN_FACTOR,
)
TENANTS = (TenantParameters(), TenantParameters(liked=(0,)), TenantParameters(barred=(0, 1)))


def busy_state(router, *, stays=False, seed=0, pools=1, load=1.0, **more):
    """400 requests of three tenants and 40 sessions at six unlike workers a pool."""
    rng = np.random.default_rng(seed)
    slots = pools * 6 * 2
    traits = np.zeros(N, kernel.TRAIT)
    traits["group"] = kernel.NONE
    traits["chain"] = rng.integers(-1, 40, N)
    traits["memory_kib"] = rng.integers(1, 4, N)
    traits["tenant"] = rng.integers(0, 3, N)
    traits["prefix_s"] = 0.1
    arrivals = make_requests(
        np.cumsum(rng.exponential(1.0 / (load * slots), N)),
        rng.exponential(1.0, N),
        pool=rng.integers(0, pools, N).astype(np.int32),
        traits=traits,
    )
    parameters = tuple(
        pool_of(
            slots=2,
            workers=6,
            router=router,
            room_kib=6,
            queue_limit=5,
            over_memory=kernel.WAIT_FOR_MEMORY,
            other_sizes=(Size(4, 2.0, 12),),
            region=number // 2,
            appeal=0.5 - 0.1 * number,
            **more,
        )
        for number in range(pools)
    )
    state = make_state(
        arrivals,
        parameters,
        seed=seed,
        affinity_slack=2 if stays else None,
        cache=Cache() if stays else None,
        tenants=TENANTS if pools > 1 else (),
        routing=RouterParameters(nodes=pools * 3),
    )
    there = np.flatnonzero(state.workers["phase"] == kernel.READY)
    state.workers["node"][there] = np.arange(len(there)) // 2
    state.workers["own_speed"][there] = rng.uniform(0.5, 1.5, len(there))
    state.workers["speed"] = state.workers["own_speed"]
    kernel.moor_all(state)
    return state


def decisions(state):
    """Each request's explanation just before it arrives, and where it went."""
    for i, at_s in enumerate(state.requests["arrival_s"].tolist()):
        kernel.advance(state, at_s)
        before = bytes_of(state)
        choice = explain_choice(state, i, at_s)
        assert bytes_of(state) == before
        kernel.advance(state, np.nextafter(at_s, np.inf))
        worker = int(state.outcomes["worker"][i])
        yield choice, worker, i


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("router", range(10))
def test_the_worker_named_is_the_one_that_gets_the_request(router, stays):
    state, found = busy_state(router, stays=stays), 0
    for choice, worker, _ in decisions(state):
        if worker != kernel.NONE:  # not rejected
            found += 1
            assert choice.worker == worker
            assert choice.worker in {candidate.worker for candidate in choice.candidates}
    assert found > N / 2


@pytest.mark.parametrize("router", SCORED)
def test_the_best_score_wins_and_the_margin_is_to_the_next_one(router):
    seen = 0
    for choice, _, _ in decisions(busy_state(router)):
        first, second, *_ = choice.candidates
        assert choice.decided_by is DecidedBy.SCORE
        assert (choice.worker, choice.runner_up) == (first.worker, second.worker)
        assert choice.margin == first.score - second.score
        assert choice.margin >= 0 or first.factors["blocked"] < second.factors["blocked"]
        assert first.factors.keys() == FACTORS.keys()
        seen += choice.margin > 0
    assert seen > N / 10


def test_a_session_outweighs_the_score_and_the_margin_says_by_how_much():
    held = [
        choice
        for choice, _, _ in decisions(busy_state(kernel.SEVEN_FACTOR, stays=True))
        if choice.decided_by is DecidedBy.SESSION
    ]
    assert any(choice.margin < 0 for choice in held)
    assert all(
        next(c for c in choice.candidates if c.worker == choice.worker).factors["data"] == 1
        for choice in held
    )


@pytest.mark.parametrize(
    ("router", "by"),
    [
        (kernel.RANDOM, DecidedBy.DRAW),
        (kernel.POWER_OF_TWO, DecidedBy.DRAW),
        (kernel.ROUND_ROBIN, DecidedBy.TURN),
    ],
)
def test_turns_and_draws_have_no_runner_up(router, by):
    choice = explain_choice(busy_state(router), 0, 0.0)
    assert (choice.decided_by, choice.runner_up, choice.margin) == (by, None, None)


def test_nobody_is_chosen_where_no_worker_may_be():
    state = busy_state(kernel.SEVEN_FACTOR)
    kernel.set_reachable(state, 0, False, 0.0)
    choice = explain_choice(state, 0, 0.0)
    assert (choice.worker, choice.decided_by) == (None, DecidedBy.NOBODY)
    assert choice.candidates == ()


class TestHierarchy:
    def test_each_level_names_what_is_taken(self):
        state, zones = busy_state(kernel.HIERARCHICAL, pools=4), set()
        for choice, worker, i in decisions(state):
            region, zone, node = choice.levels
            assert choice.pool == zone.chosen == state.sites[i]
            assert region.chosen == choice.pool // 2
            assert region.scores[region.chosen] == max(region.scores.values())
            assert zone.scores[zone.chosen] == max(zone.scores.values())
            assert node.scores[node.chosen] == pytest.approx(max(node.scores.values()), abs=1e-3)
            zones.add(choice.pool)
            if worker != kernel.NONE:
                here = choice.worker + state.pools["first_worker"][choice.pool]
                assert worker == here
                assert state.workers["node"][worker] == node.chosen
        assert zones == {0, 1, 2, 3}

    def test_barred_regions_are_not_among_the_candidates(self):
        state = busy_state(kernel.HIERARCHICAL, pools=4)
        for choice, _, i in decisions(state):
            if state.traits["tenant"][i] == 2:
                assert choice.pool >= 2
                assert choice.levels[0].scores.keys() == {1}
