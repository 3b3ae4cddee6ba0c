"""Agreement with SimPy request by request, and with Ciw in distribution."""

import math

import ciw
import numpy as np
import pytest

from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.state import make_state
from tests.reference import simpy_cluster
from tests.reference.play import STARTUP_DRAWS, pool_of, scale

pytestmark = pytest.mark.slow

EVERY_S = 60.0


def daily_gaps(rng: np.random.Generator, mean_per_s: float, until_s: float) -> np.ndarray:
    """Seconds between Poisson arrivals whose rate swings by 80 % three times until `until_s`."""
    candidates = rng.uniform(0.0, until_s, rng.poisson(1.8 * mean_per_s * until_s))
    rate = 1.0 + 0.8 * np.sin(6.0 * math.pi * candidates / until_s)
    arrival_s = np.sort(candidates[rng.uniform(0.0, 1.8, len(candidates)) < rate])
    return np.diff(arrival_s, prepend=0.0)


@pytest.mark.parametrize("seed", range(5))
def test_every_request_is_served_when_and_where_simpy_serves_it(seed):
    """Arrivals swing, workers come, go or are cancelled, and queues grow and shrink."""
    rng = np.random.default_rng(seed)
    gap_s = daily_gaps(rng, mean_per_s=4.0, until_s=3600.0)
    work_s = rng.lognormal(0.0, 1.0, len(gap_s))
    startup_s = rng.exponential(60.0, STARTUP_DRAWS)
    changes = never_below_one(4, rng.permutation([2, -1, 1, -2] * 8 + [0] * 28).tolist())

    cluster = simpy_cluster.Cluster(
        slots=2, initial=4, every_s=EVERY_S, changes=changes, startup_s=startup_s.tolist()
    )
    cluster.run(gap_s, work_s)

    pool = pool_of(slots=2, workers=4, startup_s=tuple(startup_s))
    state = make_state(make_requests(np.cumsum(gap_s), work_s), (pool,))
    for tick, change in enumerate(changes):
        state = scale(state, (change,), tick * EVERY_S)
        kernel.advance(state, (tick + 1) * EVERY_S)
    kernel.advance(state, math.inf)

    ours = [
        (int(row["worker"]), float(row["start_s"]), float(row["end_s"])) for row in state.outcomes
    ]
    assert ours == [cluster.served[number] for number in range(len(work_s))]
    assert np.count_nonzero(state.outcomes["start_s"] > state.outcomes["arrived_s"]) > 500
    assert len({worker for worker, _, _ in ours}) > 4


def never_below_one(workers: int, changes: list[int]) -> list[int]:
    """The same changes without the removals that would leave no worker."""
    kept = []
    for change in changes:
        kept.append(change if workers + change >= 1 else 0)
        workers += kept[-1]
    return kept


@pytest.mark.parametrize("servers", [1, 3, 20])
def test_every_request_starts_when_ciw_starts_it(servers):
    rng = np.random.default_rng(servers)
    gap_s = rng.exponential(1.0 / (0.9 * servers), 3000)
    work_s = rng.lognormal(-0.5, 1.0, 3000)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gap_s.tolist(), math.inf])],
        service_distributions=[ciw.dists.Sequential(work_s.tolist())],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(3000)
    records = sorted(simulation.get_all_records(), key=lambda record: record.arrival_date)
    state = make_state(make_requests(np.cumsum(gap_s), work_s), (pool_of(slots=servers),))
    kernel.advance(state, math.inf)
    starts = [record.service_start_date for record in records]
    np.testing.assert_allclose(state.outcomes["start_s"], starts, rtol=1e-12)


REPLICATIONS, UNTIL_S, COUNTED_S = 60, 700.0, 600.0


def figures(arrived_s: np.ndarray, wait_s: np.ndarray) -> tuple[float, float, float]:
    """Mean wait, share that waits, 95th percentile of the wait, of what arrived in time."""
    wait_s = wait_s[arrived_s < COUNTED_S]
    return float(wait_s.mean()), float((wait_s > 0).mean()), float(np.quantile(wait_s, 0.95))


def ciw_figures(seed: int, rate: float, servers: int) -> tuple[float, float, float]:
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[servers],
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(UNTIL_S)
    records = simulation.get_all_records()
    return figures(
        np.array([record.arrival_date for record in records]),
        np.array([record.waiting_time for record in records]),
    )


def our_figures(seed: int, rate: float, servers: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    n = int(rate * UNTIL_S * 1.3)
    arrival_s = np.cumsum(rng.exponential(1.0 / rate, n))
    pool = pool_of(slots=servers)
    state = make_state(make_requests(arrival_s, rng.exponential(1.0, n)), (pool,))
    kernel.advance(state, math.inf)
    return figures(arrival_s, state.outcomes["start_s"] - arrival_s)


@pytest.mark.parametrize("servers", [1, 3])
def test_waits_have_the_distribution_that_ciw_finds(servers):
    """Welch's test on 60 runs each; |t| > 4.5 has probability 2e-5 if both are the same."""
    rate = 0.7 * servers
    ours = np.array([our_figures(seed, rate, servers) for seed in range(REPLICATIONS)])
    theirs = np.array([ciw_figures(seed, rate, servers) for seed in range(REPLICATIONS)])
    difference = ours.mean(axis=0) - theirs.mean(axis=0)
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / REPLICATIONS)
    assert np.all(np.abs(difference) < 4.5 * error), difference / error
    assert np.all(error < 0.08 * theirs.mean(axis=0))
