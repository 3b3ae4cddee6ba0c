"""What a quick forecast reads of the past, compiled: ratios of arrivals over windows, per pool.

One bin is the time between two evaluations. All features are relative to the level, the mean
rate of the last minute, so that pools of any size look alike. One file with the network's forward
pass, because numba does not notice changes of what comes from another file.

Letters: P pools, N bins kept, F features, Q quantiles.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.units import AnyArray, FloatArray, IntArray

KEPT_S = 3600.0
"""How far back the features reach."""
LEVEL_S = 60.0
PEAK_S = 30.0
"""Demand is a mean over this long: what a queue of seconds can smooth needs no worker."""
EDGES_S = np.array(
    [0, 15, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1440, 1920, 2700, 3600], np.float64
)
SPANS_S = np.array([300.0, 900.0, 1800.0, 3600.0])
"""Over which the highest, the lowest rate and the restlessness are taken."""
HALF_LIFE_S = 600.0
"""Of the memory of service times."""
HALF = 0.5  # of a request, added to counts: a window without any has no logarithm
BOUND = 6.0  # of every standardised feature

WINDOWS = len(EDGES_S) - 1
FEATURES = WINDOWS + 3 * len(SPANS_S) + 3
NAMES = (
    *(f"rate {int(a)} to {int(b)} s ago" for a, b in itertools.pairwise(EDGES_S)),
    *(f"highest rate in {int(s)} s" for s in SPANS_S),
    *(f"lowest rate in {int(s)} s" for s in SPANS_S),
    *(f"restlessness over {int(s)} s" for s in SPANS_S),
    "noise of counts",
    "horizon",
    "bin",
)
"""(F,) the first 24 in logarithms of ratios to the level; noise is 1 / sqrt(requests of the last
minute + 1); horizon and bin are logarithms of seconds over 120 and 15."""


class Memory(NamedTuple):
    """What is remembered of P pools."""

    counts: FloatArray
    """(P, N) arrivals by bin, a ring."""
    open: FloatArray
    """(P,) arrivals in the bin that is not closed yet."""
    served: FloatArray
    """(P, 2) fading sums of requests finished and of the slot-seconds they took."""
    at: IntArray
    """(2,) the ring's next place, bins closed so far."""


class Network(NamedTuple):
    """A multilayer perceptron with two hidden layers (SiLU) of width W."""

    shift: AnyArray
    """(F,) taken from the features, which are then divided by `scale`."""
    scale: AnyArray
    w1: AnyArray
    """(F, W)"""
    b1: AnyArray
    w2: AnyArray
    """(W, W)"""
    b2: AnyArray
    w3: AnyArray
    """(W, Q) to the first quantile and to what each is above the one before (softplus)."""
    b3: AnyArray


def new_memory(pools: int, bin_s: float) -> Memory:
    """Nothing remembered yet."""
    bins = max(4, int(np.ceil(KEPT_S / bin_s)))
    return Memory(
        counts=np.zeros((pools, bins)),
        open=np.zeros(pools),
        served=np.zeros((pools, 2)),
        at=np.zeros(2, np.int64),
    )


@njit(nogil=True, cache=True)
def note(memory, arrived, finished, busy_slot_s, tick_s):
    """Adds a tick to the open bin. (P,) arrivals, requests finished, busy slot-seconds."""
    keep = 0.5 ** (tick_s / HALF_LIFE_S)
    for p in range(len(arrived)):
        memory.open[p] += arrived[p]
        memory.served[p, 0] = keep * memory.served[p, 0] + finished[p]
        memory.served[p, 1] = keep * memory.served[p, 1] + busy_slot_s[p]


@njit(nogil=True, cache=True)
def close_bin(memory):
    """The open bin is full."""
    for p in range(len(memory.open)):
        memory.counts[p, memory.at[0]] = memory.open[p]
        memory.open[p] = 0.0
    memory.at[0] = (memory.at[0] + 1) % memory.counts.shape[1]
    memory.at[1] += 1


@njit(nogil=True, cache=True)
def service_s(memory, p):
    """Mean seconds that a request holds a slot, NaN while none has finished."""
    if memory.served[p, 0] < 1e-3:
        return np.nan
    return memory.served[p, 1] / memory.served[p, 0]


@njit(nogil=True, cache=True)
def describe(memory, p, bin_s, horizon_s, sums, out):
    """Fills `out` (F,) and returns the level of pool p, requests/s.

    sums (N + 1,) is room to work in; it holds the arrivals of the newest bins afterwards.
    """
    kept = memory.counts.shape[1]
    known = min(kept, memory.at[1])
    sums[0] = 0.0
    for j in range(known):
        sums[j + 1] = sums[j] + memory.counts[p, (memory.at[0] - 1 - j) % kept]
    first = min(known, max(1, round(LEVEL_S / bin_s)))
    level = (sums[first] + HALF) / (max(first, 1) * bin_s)
    for k in range(WINDOWS):
        low = round(EDGES_S[k] / bin_s)
        high = min(known, max(low + 1, round(EDGES_S[k + 1] / bin_s)))
        out[k] = 0.0
        if low < high:
            rate = (sums[high] - sums[low] + HALF) / ((high - low) * bin_s)
            out[k] = np.log(rate / level)
    _spans(sums, known, bin_s, level, out)
    out[FEATURES - 3] = 1.0 / np.sqrt(sums[first] + 1.0)
    out[FEATURES - 2] = np.log(horizon_s / 120.0)
    out[FEATURES - 1] = np.log(bin_s / 15.0)
    return level


@njit(nogil=True, cache=True)
def _spans(sums, known, bin_s, level, out):
    """Highest and lowest rate and mean step of its logarithm over each span, newest bins first."""
    wide = max(1, round(PEAK_S / bin_s))
    spans = len(SPANS_S)
    highest, lowest, steps, taken, before, at = -np.inf, np.inf, 0.0, 0, 0.0, 0
    for k in range(spans):
        last = min(known, round(SPANS_S[k] / bin_s))
        while at + wide <= last:
            here = np.log((sums[at + wide] - sums[at] + HALF) / (wide * bin_s) / level)
            highest, lowest = max(highest, here), min(lowest, here)
            if at > 0:
                steps += abs(here - before)
                taken += 1
            before = here
            at += 1
        seen = highest > -np.inf
        out[WINDOWS + k] = highest if seen else 0.0
        out[WINDOWS + spans + k] = lowest if seen else 0.0
        out[WINDOWS + 2 * spans + k] = steps / taken if taken else 0.0


@njit(nogil=True, cache=True)
def _dense(x, w, b, y):
    y[:] = b
    for i in range(len(x)):
        xi = x[i]
        for j in range(len(y)):
            y[j] += xi * w[i, j]


@njit(nogil=True, cache=True)
def _silu(x):
    for j in range(len(x)):
        x[j] = x[j] / (np.float32(1.0) + np.exp(-x[j]))


@njit(nogil=True, cache=True)
def forward(net, features, x, one, other, raw, out):
    """Fills `out` (Q,) with quantiles of log(highest rate / level); the rest is room to work."""
    for i in range(len(x)):
        z = (np.float32(features[i]) - net.shift[i]) / net.scale[i]
        x[i] = min(max(z, np.float32(-BOUND)), np.float32(BOUND))
    _dense(x, net.w1, net.b1, one)
    _silu(one)
    _dense(one, net.w2, net.b2, other)
    _silu(other)
    _dense(other, net.w3, net.b3, raw)
    out[0] = raw[0]
    for q in range(1, len(raw)):
        out[q] = out[q - 1] + np.log1p(np.exp(np.float64(raw[q])))


@njit(nogil=True, cache=True)
def outlook(memory, net, bin_s, horizon_s, features, level, service, ahead):
    """Describes and forecasts every pool.

    Args: horizon_s (P,); features (P, F), level (P,) requests/s, service (P,) seconds and
    ahead (P, Q) logarithms of ratios receive the answers.
    """
    sums = np.empty(memory.counts.shape[1] + 1)
    x = np.empty(len(net.shift), np.float32)
    one, other = np.empty(len(net.b1), np.float32), np.empty(len(net.b2), np.float32)
    raw = np.empty(len(net.b3), np.float32)
    for p in range(len(level)):
        level[p] = describe(memory, p, bin_s, horizon_s[p], sums, features[p])
        service[p] = service_s(memory, p)
        forward(net, features[p], x, one, other, raw, ahead[p])
