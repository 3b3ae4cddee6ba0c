"""How many requests a second the simulator's kernel handles on one core, beside SimPy and Ciw.

All three simulate Poisson arrivals and exponential work on 400 slots at 75 % load, one after the
other on the same machine. Random numbers are drawn beforehand for the kernel and SimPy; Ciw draws
its own.
"""

import time
from collections.abc import Callable, Generator
from importlib import import_module
from statistics import median
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from engine.errors import UsageError
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.kernel import State
from engine.sim.parameters import STARTUP_DRAWS, PoolParameters
from engine.sim.state import make_state, make_views
from engine.units import FloatArray

__all__ = ["run"]

WORKERS, SLOTS, LOAD = 50, 8, 0.75
TICK_S = 15.0
SEED = 1
REPEATS = 3
BAR_REQUESTS_PER_S, BAR_SIMPY_RATIO, BAR_CIW_RATIO = 3e6, 40.0, 100.0
DETAIL = (
    f"kernel: {WORKERS} workers of {SLOTS} slots, least-loaded routing, mean work 1 s, {LOAD:.0%} "
    f"load, ticks of {TICK_S:g} s with counters, utilisation and latency histograms, every "
    "request's outcome kept; one core, compiled and memory set aside beforehand. SimPy: the same "
    "cluster and the same kind of requests, a process per request, a resource per worker, no "
    f"figures but the end of each request. Ciw: one station of {WORKERS * SLOTS} servers with the "
    f"same arrival rate and work. Each figure is the median of {REPEATS} runs"
)


class Demand(NamedTuple):
    """Requests in order of arrival."""

    gap_s: FloatArray
    """(n,) seconds between an arrival and the one before."""
    work_s: FloatArray
    """(n,) seconds of service."""


def run(
    requests: int = 5_000_000, simpy_requests: int = 100_000, ciw_requests: int = 50_000
) -> dict[str, Any]:
    """Requests per second of the kernel, SimPy and Ciw.

    Args:
        requests: simulated by the kernel in one run.
        simpy_requests: by SimPy.
        ciw_requests: by Ciw.

    Raises:
        UsageError: SimPy or Ciw is not installed.
    """
    simpy, ciw = _rival("simpy"), _rival("ciw")
    simulate_with_kernel(cluster_of(demand_of(1000)))  # compiles
    demand, few = demand_of(requests), demand_of(simpy_requests)
    speeds = [_speed(requests, simulate_with_kernel, cluster_of(demand)) for _ in range(REPEATS)]
    ours = median(speeds)
    simpy_speed, ciw_speed = (
        median(_speed(*measured) for _ in range(REPEATS))
        for measured in (
            (simpy_requests, simulate_with_simpy, simpy, few),
            (ciw_requests, simulate_with_ciw, ciw, ciw_requests),
        )
    )
    return {
        "requests": requests,
        "requests_per_s": ours,
        "requests_per_s_best": max(speeds),
        "simpy_requests_per_s": simpy_speed,
        "ciw_requests_per_s": ciw_speed,
        "simpy_ratio": ours / simpy_speed,
        "ciw_ratio": ours / ciw_speed,
        "bar_requests_per_s": BAR_REQUESTS_PER_S,
        "bar_simpy_ratio": BAR_SIMPY_RATIO,
        "bar_ciw_ratio": BAR_CIW_RATIO,
        "passed": ours >= BAR_REQUESTS_PER_S
        and ours >= BAR_SIMPY_RATIO * simpy_speed
        and ours >= BAR_CIW_RATIO * ciw_speed,
        "detail": DETAIL,
    }


def demand_of(requests: int) -> Demand:
    """As many Poisson arrivals with exponential work; the same ones each time."""
    rng = np.random.default_rng(SEED)
    gap_s = rng.exponential(1.0 / (LOAD * WORKERS * SLOTS), requests)
    return Demand(gap_s, rng.exponential(1.0, requests))


def cluster_of(demand: Demand) -> State:
    """The idle cluster, and memory for what becomes of each request."""
    pool = PoolParameters(
        slots=SLOTS,
        workers_max=WORKERS,
        workers_initial=WORKERS,
        startup_draws_s=np.zeros(STARTUP_DRAWS),
    )
    return make_state(make_requests(np.cumsum(demand.gap_s), demand.work_s), (pool,))


def simulate_with_kernel(state: State) -> FloatArray:
    """When each request (n,) ended; tick by tick, with all that a replay sees of a tick."""
    views, counters, integrals = make_views(state), state.counters.copy(), state.integrals.copy()
    now, last_s = 0.0, state.requests["arrival_s"][-1]
    while now <= last_s or counters[0, kernel.C_IN_SERVICE] > 0:
        kernel.run_tick(state, now, now + TICK_S, views, counters, integrals)
        now += TICK_S
    ends: FloatArray = state.outcomes["end_s"]
    return ends


def simulate_with_simpy(simpy: ModuleType, demand: Demand) -> FloatArray:
    """When each request (n,) ended; the way SimPy's manual builds it, without frills."""
    env = simpy.Environment()
    slots = [simpy.Resource(env, SLOTS) for _ in range(WORKERS)]
    load = [0] * WORKERS
    ends = np.empty(len(demand.work_s))

    def arrive() -> Generator[Any, Any, None]:
        gaps, works = demand.gap_s.tolist(), demand.work_s.tolist()
        for number, (gap_s, work_s) in enumerate(zip(gaps, works, strict=True)):
            yield env.timeout(gap_s)
            env.process(serve(number, load.index(min(load)), work_s))

    def serve(number: int, worker: int, work_s: float) -> Generator[Any, Any, None]:
        load[worker] += 1
        with slots[worker].request() as slot:
            yield slot
            yield env.timeout(work_s)
        load[worker] -= 1
        ends[number] = env.now

    env.process(arrive())
    env.run()
    return ends


def simulate_with_ciw(ciw: ModuleType, requests: int) -> None:
    """An M/M/c queue of as many servers as there are slots."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(LOAD * WORKERS * SLOTS)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[WORKERS * SLOTS],
    )
    ciw.seed(SEED)
    ciw.Simulation(network).simulate_until_max_customers(requests)


def _speed(requests: int, simulate: Callable[..., object], *arguments: object) -> float:
    """Requests per second."""
    started = time.perf_counter()
    simulate(*arguments)
    return requests / (time.perf_counter() - started)


def _rival(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"{name} is not installed, and the kernel is measured against it",
            "bench kernel",
            "Install the development tools with `make check`, or with `pip install simpy ciw`",
        ) from missing
