"""Latency histograms in log buckets: small, mergeable, percentiles within 1 % over any window.

The same buckets as the simulator's (a test holds them together): bucket b counts latencies in
BUCKET_MIN_S * 1.02 ** [b, b + 1).
"""

import math

import numpy as np

from engine.units import AnyArray, FloatArray, Int32Array, IntArray

BUCKETS = 1024
BUCKET_MIN_S = 1e-4
LOG_WIDTH = 0.019802627296179712  # ln 1.02


def buckets_of(latency_s: FloatArray) -> Int32Array:
    """(n,) bucket of each latency (n,); the first and last take what lies beyond them."""
    with np.errstate(divide="ignore"):
        raw = np.log(np.maximum(latency_s, BUCKET_MIN_S) / BUCKET_MIN_S) / LOG_WIDTH
    return np.clip(raw, 0, BUCKETS - 1).astype(np.int32)


def midpoints_s(buckets: AnyArray) -> FloatArray:
    """The geometric middle of buckets, in seconds."""
    values: FloatArray = BUCKET_MIN_S * np.exp((np.asarray(buckets) + 0.5) * LOG_WIDTH)
    return values


def percentile_s(counts: IntArray, share: float) -> float:
    """The `share` quantile (nearest rank) of a histogram (BUCKETS,), NaN if it is empty."""
    cumulated = np.cumsum(counts)
    total = int(cumulated[-1])
    if total == 0:
        return math.nan
    rank = max(1, math.ceil(share * total - 1e-9))
    return float(midpoints_s(np.array([np.searchsorted(cumulated, rank)]))[0])
