"""Money over time: present value, internal rate of return, payback, return on investment.

Flows are in one currency, index 0 is today, index k the end of year k. Formulas are the common
ones of corporate finance (Brealey, Myers, Allen, Principles of Corporate Finance, ch. 5 and 6).
What cannot be said is None; nothing here returns inf or NaN.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy

from engine.units import FloatArray

RATE_MIN, RATE_MAX = -0.999999, 1e6


def npv(rate: float, flows: Sequence[float] | FloatArray) -> float:
    """Net present value: sum of flow_k / (1 + rate) ** k. `rate` > -1, per year."""
    return float(sum(flow / (1.0 + rate) ** year for year, flow in enumerate(flows)))


def irr(flows: Sequence[float] | FloatArray) -> float | None:
    """Internal rate of return per year: the rate at which `npv` is 0.

    None where flows never change sign (no such rate), change it more than once (several rates
    may solve it, so none is meaningful), or bring money first and cost later (the rate would be
    the price of a loan, better when lower).
    """
    signs = [math.copysign(1.0, flow) for flow in flows if flow != 0]
    changes = sum(a != b for a, b in pairwise(signs))
    if changes != 1 or signs[0] > 0:
        return None

    def value(log_growth: float) -> float:  # well scaled over the whole range of rates
        growth = math.exp(-log_growth)
        return float(sum(flow * growth**year for year, flow in enumerate(flows)))

    low, high = math.log(1 + RATE_MIN), math.log(1 + RATE_MAX)
    if not (math.isfinite(value(low)) and value(low) * value(high) < 0):
        return None
    return math.expm1(
        float(scipy.optimize.brentq(value, low, high, xtol=1e-14, rtol=1e-15, maxiter=500))
    )


def payback_years(flows: Sequence[float] | FloatArray, rate: float = 0.0) -> float | None:
    """Years until what was invested has come back, for good; flows spread evenly over a year.

    0 where nothing was invested and nothing is ever owed; None where it never comes back, and
    where `lends`: nothing was invested that could come back.

    Args:
        flows: by year.
        rate: discounts them first; 0: the plain payback.
    """
    total = np.cumsum([flow / (1.0 + rate) ** year for year, flow in enumerate(flows)])
    if total[-1] < 0 or lends(flows, rate):
        return None
    owed = np.flatnonzero(total < 0)
    if len(owed) == 0:
        return 0.0
    last = int(owed[-1])
    return last + float(-total[last] / (total[last + 1] - total[last]))


def lends(flows: Sequence[float] | FloatArray, rate: float = 0.0) -> bool:
    """Whether it brings money today and, all in all, costs later."""
    return flows[0] > 0 and npv(rate, flows) < flows[0]


def roi(flows: Sequence[float] | FloatArray) -> float | None:
    """Return on investment: (what came back - what was invested) / what was invested.

    Undiscounted; None where nothing was invested.
    """
    invested = -min(0.0, float(flows[0]))
    return (float(sum(flows[1:])) - invested) / invested if invested > 0 else None


def tco(rate: float, capex: float, yearly: Sequence[float] | FloatArray) -> float:
    """Total cost of ownership: capex + sum of yearly_k / (1 + rate) ** k for k = 1, 2, ...

    The form of the source paper, CAPEX + sum (compute + energy + penalties) / (1 + r) ** t.
    """
    return npv(rate, [capex, *yearly])
