"""A demand series becomes requests: seeded arrivals with the series' rate and a given dispersion.

Series are traces too, but the simulator serves requests. Demand in requests is reproduced count
by count; utilisation first becomes busy slots, and then a rate.
"""

import math
from types import MappingProxyType

import numpy as np

from engine.errors import ScenarioError
from engine.trace.schema import RequestTable, SeriesTable, request_table
from engine.trace.streams import MICROSECOND_S, stream, whole_microseconds
from engine.units import FloatArray, IntArray

MAX_REQUESTS = 50_000_000
"""Rows of one sample unless more are asked for: about 2.6 GB as a `RequestTable`."""
BLOCK_S = 10.0
"""Longest span over which the rate stays constant: the bin in which dispersion is stated."""
MHZ_PER_SLOT = 2600.0
"""Clock of one busy slot. Our choice: base clocks of server cores lie around 2 to 3 GHz."""

BUSY_SLOTS_PER_UNIT = MappingProxyType(
    {"cpu_percent": 1 / 100, "mhz": 1 / MHZ_PER_SLOT, "cores": 1.0}
)
"""Busy slots per unit of a utilisation series: one machine at 100 %, one core, or 2,600 MHz of
work keep one slot busy. A series summed over machines sums to as many slots."""

_COUNTS, _PLACES, _SERVICE = 0, 1, 2  # purposes of the random streams


def requests_from_series(
    series: SeriesTable,
    *,
    seed: int,
    dispersion: float | None = None,
    scale: float = 1.0,
    service_mean_s: float | None = None,
    service_cv: float = 1.0,
    max_requests: int = MAX_REQUESTS,
) -> RequestTable:
    """Requests that follow the series, interval by interval.

    Unit `requests`: each interval holds exactly `scale` × value requests; fractions carry over
    to the next interval. `requests_per_s`: the value is the mean rate, counts are random.
    Utilisation: demand in busy slots = value × `BUSY_SLOTS_PER_UNIT`, and by Little's law the
    mean rate = demand ÷ `service_mean_s`.

    Args:
        series: on its own grid; time between intervals stays empty.
        seed: same seed, same rows.
        dispersion: variance ÷ mean of counts in bins of 10 s, around the series' rate; 1 or
            None is a Poisson process. In intervals of exact counts it holds inside the interval
            (sample variance), so there it needs intervals longer than 10 s.
        scale: factor on demand.
        service_mean_s: mean service time, lognormal; None leaves it open, which a utilisation
            series does not allow.
        service_cv: standard deviation ÷ mean of the service time; 0 is constant.
        max_requests: larger samples are refused before anything is drawn.

    Raises:
        ScenarioError: a parameter or a value of the series is out of range, the unit says
            nothing of demand, or the sample would be too large.
    """
    _check(series, dispersion, scale, service_mean_s, service_cv)
    expected = _expected_requests(series, service_mean_s) * scale
    _check_size(float(expected.sum()), max_requests, scale)
    blocks = max(1, math.ceil(series.interval_s / BLOCK_S - 1e-9))
    rng = stream(seed, _COUNTS)
    excess = 0.0 if dispersion is None else dispersion - 1.0
    if series.unit == "requests":
        counts = _exact_counts(_whole(expected, rng), blocks, excess, rng)
    else:
        counts = _random_counts(expected, blocks, excess, rng)
    width_s = series.interval_s / blocks
    start_s = series.t_s[:, None] + width_s * np.arange(blocks)
    arrival_s = place(counts.ravel(), start_s.ravel(), width_s, stream(seed, _PLACES))
    if service_mean_s is None:
        return request_table(arrival_s)
    service = lognormal(service_mean_s, service_cv, len(arrival_s), stream(seed, _SERVICE))
    return request_table(arrival_s, service_s=service)


def place(
    counts: IntArray, start_s: FloatArray, width_s: FloatArray | float, rng: np.random.Generator
) -> FloatArray:
    """Arrivals, sorted: each count spread uniformly over its block, in whole microseconds.

    Args:
        counts: (blocks,) requests.
        start_s: (blocks,) starts, increasing; blocks do not overlap.
        width_s: (blocks,) or one for all, seconds.
        rng: drawn from once per request.
    """
    usable_s = np.broadcast_to(np.asarray(width_s, np.float64) - MICROSECOND_S, start_s.shape)
    arrival_s = rng.random(int(counts.sum()))
    arrival_s *= np.repeat(usable_s, counts)
    arrival_s += np.repeat(start_s, counts)
    arrival_s = whole_microseconds(arrival_s)
    arrival_s.sort()
    return arrival_s


def lognormal(mean: float, cv: float, size: int, rng: np.random.Generator) -> FloatArray:
    """Draws with this mean and coefficient of variation, at least and in whole microseconds.

    σ² = ln(1 + cv²), μ = ln(mean) − σ²/2.
    """
    variance = math.log1p(cv * cv)
    drawn = np.exp(math.log(mean) - variance / 2 + math.sqrt(variance) * rng.standard_normal(size))
    return whole_microseconds(np.maximum(drawn, MICROSECOND_S))


def _expected_requests(series: SeriesTable, service_mean_s: float | None) -> FloatArray:
    """(n,) mean requests in each interval."""
    if series.unit == "requests":
        return series.value
    if series.unit == "requests_per_s":
        return series.value * series.interval_s
    if series.unit not in BUSY_SLOTS_PER_UNIT:
        raise ScenarioError(
            f"a series in the unit {series.unit!r} does not say how many requests it stands for",
            "unit of the series",
            "Import it again with its unit: requests, requests_per_s, "
            + ", ".join(BUSY_SLOTS_PER_UNIT),
        )
    if service_mean_s is None:
        raise ScenarioError(
            f"a series in {series.unit} becomes requests only with a mean service time",
            "service_mean_s",
            "Give the seconds that a request holds a slot, such as 2.0",
        )
    busy_slots = series.value * BUSY_SLOTS_PER_UNIT[series.unit]
    return busy_slots * series.interval_s / service_mean_s


def _whole(expected: FloatArray, rng: np.random.Generator) -> IntArray:
    """Whole counts whose running sum stays within one request of the expected one."""
    running = np.floor(np.round(np.cumsum(expected), 6) + rng.random())
    counts: IntArray = np.diff(running.astype(np.int64), prepend=0)
    return counts


def _exact_counts(
    totals: IntArray, blocks: int, excess: float, rng: np.random.Generator
) -> IntArray:
    """(n, blocks) counts that sum to `totals`: Poisson or negative binomial, given the sum.

    Given their sum, Poisson counts are multinomial, and negative binomial counts of the same
    dispersion are multinomial with shares from a Dirichlet distribution.
    """
    if blocks == 1:
        return totals[:, None]
    share = np.ones((len(totals), blocks))
    if excess > 0:
        share = rng.standard_gamma(totals[:, None] / (blocks * excess), share.shape)
        # Where all shares vanish, the limit is that one block takes everything.
        lost = np.flatnonzero(share.sum(axis=1) == 0)
        share[lost, rng.integers(0, blocks, len(lost))] = 1.0
    share /= share.sum(axis=1, keepdims=True)
    return rng.multinomial(totals, share)


def _random_counts(
    expected: FloatArray, blocks: int, excess: float, rng: np.random.Generator
) -> IntArray:
    """(n, blocks) counts: Poisson, or negative binomial as a Poisson of a gamma rate.

    A gamma rate of mean λ and variance λ(D − 1) gives counts of variance ÷ mean D.
    """
    rate = np.repeat(expected[:, None] / blocks, blocks, axis=1)
    if excess > 0:
        rate = rng.standard_gamma(rate / excess) * excess
    return rng.poisson(rate)


def _check(
    series: SeriesTable,
    dispersion: float | None,
    scale: float,
    service_mean_s: float | None,
    service_cv: float,
) -> None:
    bad = np.flatnonzero(~(np.isfinite(series.value) & (series.value >= 0)))
    if len(bad):
        raise ScenarioError(
            f"demand is {series.value[bad[0]]:g} at {series.t_s[bad[0]]:g} s ({len(bad)} values)",
            "the series",
            "Import it again with values of 0 or more",
        )
    allowed = {
        "dispersion": (dispersion is None or 1 <= dispersion < math.inf, dispersion, "1 or more"),
        "scale": (0 < scale < math.inf, scale, "a factor above 0"),
        "service_mean_s": (
            service_mean_s is None or MICROSECOND_S <= service_mean_s < math.inf,
            service_mean_s,
            "seconds above 0",
        ),
        "service_cv": (0 <= service_cv < math.inf, service_cv, "0 or more"),
    }
    for name, (fine, value, wanted) in allowed.items():
        if not fine:
            raise ScenarioError(f"{name} is {value}", name, f"Use {wanted}")


def _check_size(requests: float, most: int, scale: float) -> None:
    if requests > most:
        raise ScenarioError(
            f"the series stands for about {requests:,.0f} requests, more than {most:,}",
            "requests from a series",
            "Choose a shorter window, or scale the demand down: scale "
            f"{scale * most / requests:.2g} or less",
        )
