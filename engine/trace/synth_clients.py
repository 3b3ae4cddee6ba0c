"""Demand of many clients as services of language models see it: few large ones, gaps in clumps.

Each client's gaps are of a Weibull or a gamma distribution, most with a coefficient of variation
above 1, so that requests come in clumps within seconds; its rate changes from window to window of
minutes, and clients fall silent and come back. The process and the ranges follow what is published
of such services (Xiang et al., "ServeGen", arXiv:2505.09999); no recorded number is in it.
"""

import math
from typing import NamedTuple

import numpy as np

from engine.units import AnyArray, FloatArray, IntArray

CLIENTS = (3, 120)
"""Between these, drawn with an even logarithm."""
WINDOW_S = (120.0, 900.0)
"""Between two changes of the rates, drawn with an even logarithm."""
_CV_MEDIAN, _CV_SPREAD, _CV_MOST = 1.2, 1.25, 10.0
"""Of gaps: a logarithmic normal distribution over the clients."""
_LEVEL = 0.02
"""Of its mean rate, that a client keeps while it is silent."""


class _Clients(NamedTuple):
    """C clients over W windows."""

    rates: FloatArray
    """(C, W) expected requests in each window."""
    shape: FloatArray
    """(C,) of the gaps' distribution."""
    weibull: AnyArray
    """(C,) whether it is Weibull; gamma otherwise."""


def client_counts(rng: np.random.Generator, span_s: int, rate_per_s: float) -> IntArray:
    """(span_s,) arrivals in each second.

    Args:
        rng: draws clients, rates and gaps.
        span_s: whole seconds.
        rate_per_s: expected over the span.
    """
    window_s = math.exp(rng.uniform(math.log(WINDOW_S[0]), math.log(WINDOW_S[1])))
    windows = math.ceil(span_s / window_s) + 1
    clients = _clients(rng, windows, rate_per_s * window_s)
    edges_s: FloatArray = (np.arange(windows + 1, dtype=np.float64) - rng.random()) * window_s
    arrivals = [_arrivals(rng, clients, row, edges_s) for row in range(len(clients.shape))]
    at = np.concatenate(arrivals)
    at = at[(at >= 0.0) & (at < span_s)]
    counts: IntArray = np.bincount(at.astype(np.int64), minlength=span_s)
    return counts


def _clients(rng: np.random.Generator, windows: int, per_window: float) -> _Clients:
    """Clients that together expect so many requests in a window."""
    number = round(math.exp(rng.uniform(math.log(CLIENTS[0]), math.log(CLIENTS[1]))))
    share = np.arange(1.0, number + 1.0) ** -rng.uniform(0.4, 1.8)
    keep, spread = rng.uniform(0.3, 0.98), rng.uniform(0.05, 0.7)
    steps = rng.standard_normal((number, windows))
    walk = np.empty_like(steps)
    walk[:, 0] = steps[:, 0]
    for at in range(1, windows):
        walk[:, at] = keep * walk[:, at - 1] + math.sqrt(1.0 - keep**2) * steps[:, at]
    rates = share[:, None] * np.exp(spread * walk) * _tide(rng, windows)
    silent = rng.random((number, windows)) < rng.choice([0.0, 0.1, 0.3])
    rates *= np.where(silent, _LEVEL, 1.0)
    cv = np.clip(_CV_MEDIAN * np.exp(_CV_SPREAD * rng.standard_normal(number)), 0.5, _CV_MOST)
    weibull = rng.random(number) < 0.5
    return _Clients(
        rates=rates * (per_window * windows / rates.sum()),
        shape=np.where(weibull, cv**-0.92, cv**-2.0),
        weibull=weibull,
    )


def _tide(rng: np.random.Generator, windows: int) -> FloatArray:
    """(W,) what all clients share: a slow wave, and now and then a step for good."""
    at = np.arange(windows) / max(windows, 1)
    wave = rng.uniform(0.0, 0.6) * np.sin(2 * np.pi * (at * rng.uniform(0.2, 2.0) + rng.random()))
    steps = np.where(rng.random(windows) < rng.uniform(0.0, 0.06), rng.normal(0, 0.4, windows), 0)
    made: FloatArray = np.exp(wave + np.cumsum(steps))
    return made


def _arrivals(
    rng: np.random.Generator, clients: _Clients, row: int, edges_s: FloatArray
) -> FloatArray:
    """Seconds at which one client's requests arrive.

    Gaps are drawn in requests expected, stretched to fill what is expected in all, begun at a
    random phase, and then laid out over time by the client's rates.
    """
    expected = np.concatenate([[0.0], np.cumsum(clients.rates[row])])
    number = rng.poisson(expected[-1])
    if number == 0:
        return np.empty(0)
    shape = clients.shape[row]
    gaps = rng.weibull(shape, number) if clients.weibull[row] else rng.gamma(shape, 1.0, number)
    turned = np.cumsum(gaps) / max(float(gaps.sum()), 1e-300) + rng.random()
    at: FloatArray = np.interp((turned - np.floor(turned)) * expected[-1], expected, edges_s)
    return at
