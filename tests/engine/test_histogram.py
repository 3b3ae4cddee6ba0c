"""Percentiles from log buckets: within 1 % of the exact ones, over any merged window."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import histogram
from engine.sim import kernel

LONGEST_S = histogram.BUCKET_MIN_S * 1.02**histogram.BUCKETS
latencies = arrays(
    np.float64,
    st.integers(1, 400),
    elements=st.floats(histogram.BUCKET_MIN_S, 0.999 * LONGEST_S),
)


def counted(latency_s):
    return np.bincount(histogram.buckets_of(latency_s), minlength=histogram.BUCKETS)


def nearest_rank(latency_s, share):
    """The smallest value that at least this share is no longer than."""
    ordered = sorted(latency_s)
    return ordered[max(1, math.ceil(share * len(ordered) - 1e-9)) - 1]


def test_the_buckets_are_those_of_the_simulator():
    assert histogram.BUCKETS == kernel.BUCKETS
    assert histogram.BUCKET_MIN_S == kernel.BUCKET_MIN_S
    assert histogram.LOG_WIDTH == kernel.LOG_WIDTH


def test_they_reach_from_a_tenth_of_a_millisecond_to_half_a_day():
    assert histogram.BUCKET_MIN_S == 1e-4
    assert LONGEST_S > 12 * 3600


@given(latencies)
def test_the_simulator_puts_every_latency_into_the_same_bucket(latency_s):
    ours = histogram.buckets_of(latency_s)
    assert ours.tolist() == [kernel.latency_bucket(value) for value in latency_s]


@given(latencies)
def test_a_latency_is_within_one_percent_of_the_middle_of_its_bucket(latency_s):
    middle = histogram.midpoints_s(histogram.buckets_of(latency_s))
    assert np.all(np.abs(middle / latency_s - 1) < 0.01)


@given(latencies, st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_percentiles_are_within_one_percent_of_the_exact_ones(latency_s, share):
    got = histogram.percentile_s(counted(latency_s), share)
    assert got == pytest.approx(nearest_rank(latency_s, share), rel=0.01)


@given(latencies, latencies)
def test_merged_histograms_are_the_histogram_of_everything(one, other):
    together = counted(np.concatenate([one, other]))
    assert np.array_equal(counted(one) + counted(other), together)


@given(latencies, st.sampled_from([0.5, 0.95, 0.99]))
def test_the_simulator_computes_the_same_percentile(latency_s, share):
    counts = counted(latency_s)
    assert kernel.percentile_of(counts, share) == pytest.approx(
        histogram.percentile_s(counts, share), rel=1e-12
    )


def test_nothing_has_no_percentile():
    assert math.isnan(histogram.percentile_s(np.zeros(histogram.BUCKETS, np.int64), 0.5))


def test_what_lies_beyond_the_buckets_goes_into_the_outermost():
    beyond = np.array([0.0, 1e-9, 1e9])
    assert histogram.buckets_of(beyond).tolist() == [0, 0, histogram.BUCKETS - 1]
