"""Percentiles from the latency histogram are within 1 % of those of the requests themselves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.state import make_state
from tests.reference.play import pool_of

LONGEST_S = kernel.BUCKET_MIN_S * 1.02**kernel.BUCKETS
PERCENTS = (1, 25, 50, 90, 95, 99, 100)


def exact(latencies_s: list[float], percent: int) -> float:
    """Nearest rank: the smallest value that `percent` of all values do not exceed."""
    return sorted(latencies_s)[-(-percent * len(latencies_s) // 100) - 1]


@given(
    st.lists(st.floats(kernel.BUCKET_MIN_S, 0.99 * LONGEST_S), min_size=1, max_size=200),
    st.sampled_from(PERCENTS),
)
def test_a_percentile_is_within_one_percent_of_the_exact_one(latencies_s, percent):
    counts = np.zeros(kernel.BUCKETS, np.int64)
    for latency_s in latencies_s:
        counts[kernel.latency_bucket(latency_s)] += 1
    found = kernel.percentile_of(counts, percent / 100.0)
    assert found == pytest.approx(exact(latencies_s, percent), rel=0.01)


def test_every_bucket_is_within_one_percent_of_what_it_stands_for():
    """At both ends of each bucket, where it is furthest off."""
    edges_s = kernel.BUCKET_MIN_S * np.exp(np.arange(kernel.BUCKETS + 1) * kernel.LOG_WIDTH)
    for bucket in range(kernel.BUCKETS):
        counts = np.zeros(kernel.BUCKETS, np.int64)
        counts[bucket] = 1
        found = kernel.percentile_of(counts, 0.5)
        for latency_s in (edges_s[bucket] * (1 + 1e-9), edges_s[bucket + 1] * (1 - 1e-9)):
            assert kernel.latency_bucket(latency_s) == bucket
            assert found == pytest.approx(latency_s, rel=0.01)


def test_buckets_that_are_looked_up_are_those_of_the_logarithm():
    """To the last bit, where one bucket ends and in between."""
    edges_s = kernel.BUCKET_MIN_S * np.exp(np.arange(1, kernel.BUCKETS) * kernel.LOG_WIDTH)
    around = edges_s.view(np.int64)[:, None] + np.arange(-25, 26)
    between = np.geomspace(1.0001 * kernel.BUCKET_MIN_S, 3.0 * LONGEST_S, 5000)
    for latency_s in (*around.view(np.float64).ravel().tolist(), *between.tolist()):
        by_log = int(math.log(latency_s / kernel.BUCKET_MIN_S) / kernel.LOG_WIDTH)
        assert kernel.latency_bucket(latency_s) == min(by_log, kernel.BUCKETS - 1)


def test_latencies_beyond_the_buckets_are_counted_at_the_ends():
    assert kernel.latency_bucket(0.0) == kernel.latency_bucket(kernel.BUCKET_MIN_S / 2) == 0
    assert kernel.latency_bucket(10 * LONGEST_S) == kernel.BUCKETS - 1


def test_there_is_no_percentile_of_nothing():
    assert np.isnan(kernel.percentile_of(np.zeros(kernel.BUCKETS, np.int64), 0.95))


@pytest.mark.parametrize("percent", PERCENTS)
def test_percentiles_of_a_replay_are_those_of_its_finished_requests(percent):
    rng = np.random.default_rng(1)
    arrival_s = np.cumsum(rng.exponential(1.0, 20_000))
    arrivals = make_requests(arrival_s, rng.lognormal(0.0, 1.5, 20_000))
    state = make_state(arrivals, (pool_of(slots=3, workers=2, queue_timeout_s=9.0),))
    kernel.open_tick(state)
    kernel.advance(state, np.inf)
    finished = state.outcomes[state.outcomes["status"] == kernel.FINISHED]
    latencies_s = (finished["end_s"] - finished["arrived_s"]).tolist()
    found = kernel.percentile_of(state.ended[0], percent / 100.0)
    assert 10_000 < len(latencies_s) == state.ended[0].sum() < 20_000
    assert found == pytest.approx(exact(latencies_s, percent), rel=0.01)
