"""Many clients bring the rate that was asked for, in clumps, the same for the same seed."""

import numpy as np
import pytest

from engine.learn.cells import RATE_MOST, Mixture, episode, with_clients
from engine.trace.streams import stream
from engine.trace.synth_clients import client_counts

HOUR_S = 3600


def drawn(seed, rate_per_s=8.0):
    return client_counts(stream(seed, 1), 2 * HOUR_S, rate_per_s)


def test_the_rate_is_the_one_that_was_asked_for_and_the_seed_decides_every_arrival():
    made = [drawn(seed) for seed in range(40)]
    assert {len(counts) for counts in made} == {2 * HOUR_S}
    assert np.mean([counts.mean() for counts in made]) == pytest.approx(8.0, rel=0.05)
    assert np.array_equal(made[3], drawn(3))
    assert not np.array_equal(made[3], made[4])


def test_requests_come_in_clumps_and_rates_change_within_minutes():
    """Variance over mean of counts: 1 for Poisson arrivals at a steady rate."""
    made = np.stack([drawn(seed) for seed in range(40)])
    seconds = made.var(1) / made.mean(1)
    minutes = made.reshape(40, -1, 60).sum(2)
    assert np.median(seconds) > 1.5
    assert np.median(minutes.var(1) / minutes.mean(1)) > 10.0


def test_pools_of_a_training_can_have_many_clients_only():
    made = episode(5, 0, 4, Mixture(kinds=with_clients(1.0)))
    dispersion = made.counts.var(1) / made.counts.mean(1)
    assert (dispersion > 1.1).all()
    assert made.counts.max() <= 8 * RATE_MOST
