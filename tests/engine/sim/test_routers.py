"""Routers against queueing theory, and the orders in which they choose by example."""

import dataclasses

import numpy as np
import pytest

from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.parameters import Size
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


def test_the_better_informed_a_router_the_shorter_the_wait():
    waits = {name: mean_wait_s(router, 20, 0.8) for name, router in ROUTERS.items()}
    ranked = ["random", "round robin", "power of two", "least connections"]
    assert [waits[name] for name in ranked] == sorted(waits.values(), reverse=True)[:4]
    assert waits["predicted completion"] == waits["least connections"]


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
