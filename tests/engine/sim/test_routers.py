"""Routers against queueing theory, and the orders in which they choose by example."""

import dataclasses

import numpy as np
import pytest

from engine.scenario import Cache
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.choices import explain_choice
from engine.sim.parameters import Size, TenantParameters
from engine.sim.state import make_state
from tests.reference.play import Script, Tick, play_on_kernel, play_on_reference, pool_of

REQUESTS = 400_000
ROUTERS = {
    "least connections": kernel.LEAST_CONNECTIONS,
    "random": kernel.RANDOM,
    "round robin": kernel.ROUND_ROBIN,
    "power of two": kernel.POWER_OF_TWO,
    "predicted completion": kernel.PREDICTED_COMPLETION,
}


def mean_wait_s(router: int, workers: int, load: float, **more: object) -> float:
    """Of exponential requests of mean 1 s at single-slot workers, the start left out."""
    rng = np.random.default_rng(5)
    arrival_s = np.cumsum(rng.exponential(1.0 / (workers * load), REQUESTS))
    arrivals = make_requests(arrival_s, rng.exponential(1.0, REQUESTS))
    state = make_state(arrivals, (pool_of(workers=workers, router=router, **more),), seed=3)
    kernel.advance(state, np.inf)
    waits = state.outcomes["start_s"] - state.outcomes["arrived_s"]
    return float(waits[REQUESTS // 20 :].mean())


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_random_routing_makes_each_worker_a_single_server_queue(load):
    assert mean_wait_s(kernel.RANDOM, 10, load) == pytest.approx(load / (1 - load), rel=0.05)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_round_robin_over_two_workers_is_an_erlang_queue(load):
    """E2/M/1: the wait is s / (1 - s), where s = (2 r / (2 r + 1 - s))**2, r arrivals a second."""
    s = 0.0
    for _ in range(10_000):
        s = (2 * load / (2 * load + 1 - s)) ** 2
    assert mean_wait_s(kernel.ROUND_ROBIN, 2, load) == pytest.approx(s / (1 - s), rel=0.04)


@pytest.mark.parametrize("load", [0.7, 0.9])
def test_two_choices_come_near_to_the_limit_for_many_workers(load):
    """Mean time in the system is the sum of load**(2**i - 2) over i = 1, 2, …"""
    theory = sum(load ** (2**i - 2) for i in range(1, 12)) - 1
    found = mean_wait_s(kernel.POWER_OF_TWO, 200, load)
    assert found == pytest.approx(theory, rel=0.04)


@pytest.mark.slow
def test_the_better_informed_a_router_the_shorter_the_wait():
    waits = {name: mean_wait_s(router, 20, 0.8) for name, router in ROUTERS.items()}
    ranked = ["random", "round robin", "power of two", "least connections"]
    assert [waits[name] for name in ranked] == sorted(waits.values(), reverse=True)[:4]
    assert waits["predicted completion"] == waits["least connections"]


@pytest.mark.slow
def test_a_shared_queue_beats_every_router_and_needs_none():
    waits = [mean_wait_s(r, 10, 0.8, shared_queue=True) for r in ROUTERS.values()]
    assert len(set(waits)) == 1
    assert waits[0] < mean_wait_s(kernel.LEAST_CONNECTIONS, 10, 0.8)


def test_draws_follow_the_seed():
    script = Script(
        arrival_s=tuple(range(50)), work_s=(1,) * 50, pools=(pool_of(workers=5, router=1),)
    )
    again = [play_on_kernel(script) for _ in range(2)]
    other = play_on_kernel(dataclasses.replace(script, seed=1))
    assert repr(again[0]) == repr(again[1])
    assert [o.worker for o in other.outcomes] != [o.worker for o in again[0].outcomes]


@pytest.fixture(params=[play_on_kernel, play_on_reference], ids=["kernel", "reference"])
def workers_of(request):
    """Numbers of the workers that requests are routed to."""

    def play_on(*arguments, **more):
        played = request.param(Script(**more, pools=(pool_of(**arguments[0]),)))
        return [outcome.worker and outcome.worker[1] for outcome in played.outcomes]

    return play_on


def test_round_robin_takes_turns_whatever_the_load(workers_of):
    pool = {"workers": 3, "router": kernel.ROUND_ROBIN}
    assert workers_of(pool, arrival_s=(0, 1, 2, 3, 4), work_s=(9, 1, 9, 1, 1)) == [0, 1, 2, 0, 1]


def test_predicted_completion_prefers_a_faster_worker_even_if_it_is_busier(workers_of):
    """One worker of three times the speed is started beside one of the first size."""
    pool = {
        "router": kernel.PREDICTED_COMPLETION,
        "other_sizes": (Size(1, 3.0),),
        "startup_s": (0.0,),
    }
    ticks = (
        Tick(until_s=1.0),
        Tick(until_s=100.0, acts=(("order_workers", 0, (7, 0.0, 3.0)),)),
    )
    chosen = workers_of(pool, arrival_s=(2, 2, 2, 2), work_s=(9,) * 4, ticks=ticks)
    assert chosen == [1, 1, 0, 1]


def test_more_slots_hold_more_before_requests_wait(workers_of):
    pool = {"workers": 2, "size": 1, "other_sizes": (Size(3, 1.0),)}
    assert workers_of(pool, arrival_s=(0,) * 7, work_s=(9,) * 7) == [0, 1, 0, 1, 0, 1, 0]


def routed_by(first, later):
    """Workers of twelve requests that stay, with another router from the seventh on."""
    n = 12
    arrivals = make_requests(np.arange(n) * 1.0, np.full(n, 99.0))
    state = make_state(arrivals, (pool_of(slots=4, workers=3, router=first),))
    kernel.advance(state, 5.5)
    kernel.set_router(state, 0, later)
    kernel.advance(state, 50.0)
    return state.outcomes["worker"].tolist()


@pytest.mark.parametrize("first", range(9))
def test_the_router_of_a_pool_can_be_changed_meanwhile(first):
    taken = routed_by(first, kernel.ROUND_ROBIN)
    turns = taken[6:]
    assert turns[:3] == turns[3:]
    assert sorted(turns[:3]) == [0, 1, 2]
    assert routed_by(first, first)[:6] == taken[:6]


def test_after_a_change_to_least_connections_the_least_loaded_are_filled():
    held = np.bincount(routed_by(kernel.RANDOM, kernel.LEAST_CONNECTIONS), minlength=3)
    assert held.tolist() == [4, 4, 4]


@pytest.fixture
def loaded():
    """Three workers of four slots and 8 KiB with 2, 0 and 5 requests, one of which waits.

    The last request of session 7 was served by worker 0. Tenant 0 likes the pool.
    """
    n = 8
    traits = np.zeros(n, kernel.TRAIT)
    traits["group"], traits["chain"] = kernel.NONE, kernel.NONE
    traits["memory_kib"] = 1
    traits["chain"][[0, 7]] = 0
    arrivals = make_requests(np.arange(n) * 1.0, np.full(n, 99.0), traits=traits)
    pool = pool_of(
        slots=4,
        workers=3,
        queue_limit=5,
        room_kib=8,
        over_memory=kernel.WAIT_FOR_MEMORY,
        router=kernel.CONTEXT_AWARE,
    )
    state = make_state(arrivals, (pool,), tenants=(TenantParameters(liked=(0,)),), cache=Cache())
    for place, worker in enumerate((0, 0, 2, 2, 2, 2, 2)):
        state.pools["router"] = kernel.ROUND_ROBIN
        state.pools["turn"] = worker
        kernel.advance(state, place + 0.5)
    return state


def factors_of(state, router):
    kernel.set_router(state, 0, router)
    choice = explain_choice(state, 7, 7.0)
    return choice, {c.worker: (c.factors, c.score) for c in choice.candidates}


def test_least_agent_load_is_its_formula_to_the_last_digit(loaded):
    """S2-R28: 0.3 CPU + 0.2 memory + 0.3 part of the type's requests + 0.2 queue."""
    choice, found = factors_of(loaded, kernel.LEAST_AGENT_LOAD)
    cases = {0: (2 / 4, 2 / 8, 2 / 7, 0), 1: (0, 0, 0, 0), 2: (1, 4 / 8, 5 / 7, 1 / 5)}
    for worker, (cpu, memory, part, queue) in cases.items():
        factors, score = found[worker]
        names = ("cpu", "memory", "agent_load", "queue")
        assert [factors[name] for name in names] == [cpu, memory, part, queue]
        assert -score == pytest.approx(0.3 * cpu + 0.2 * memory + 0.3 * part + 0.2 * queue)
    assert (choice.worker, choice.runner_up) == (1, 0)


def test_load_of_an_empty_cluster_is_0_and_nothing_is_divided_by_it():
    pool = pool_of(slots=4, workers=2, queue_limit=0, router=kernel.LEAST_AGENT_LOAD)
    state = make_state(make_requests(np.zeros(1), np.ones(1)), (pool,))
    choice = explain_choice(state, 0, 0.0)
    assert [candidate.score for candidate in choice.candidates] == [0.0, 0.0]


@pytest.mark.parametrize("liked", [True, False])
@pytest.mark.parametrize("data", [True, False])
def test_the_context_score_has_its_four_corners(loaded, liked, data):
    """S2-R30: 0.3 data + 0.25 specialisation + 0.25 free resources + 0.2 performance."""
    loaded.specials[:] = liked
    if not data:
        loaded.chains["worker"] = kernel.NONE
    _, found = factors_of(loaded, kernel.CONTEXT_AWARE)
    free = 1 - (2 / 4 + 2 / 8) / 2
    expected = 0.3 * data + 0.25 * liked + 0.25 * free + 0.2 * kernel.AVERAGE
    assert found[0][1] == pytest.approx(expected)
    assert found[1][1] == pytest.approx(0.25 * liked + 0.25 + 0.2 * kernel.AVERAGE)


def test_seven_factors_count_usage_against_a_worker(loaded):
    """S2-R13 corrected: with equal weights the mean of five turned round and two as they are."""
    choice, found = factors_of(loaded, kernel.SEVEN_FACTOR)
    factors, score = found[0]
    against = ("cpu", "memory", "queue", "latency", "agent_load")
    total = sum(1 - factors[name] for name in against)
    assert score == pytest.approx((total + factors["performance"] + factors["context"]) / 7)
    assert choice.worker in (0, 1)
    assert found[2][1] == min(score for _, score in found.values())
