"""The action: how cautious to be. A number in [-1, 1] moves along forecast quantiles.

Any constant action is a sane predictive rule, so exploration is safe from the first step, and the
same action means the same in pools of any size.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numba import njit

QUANTILE = np.array([0, 0, 1, 2, 3, 3], np.int64)
"""Index into the forecast's levels (q50, q80, q95, q99) at each point of the dial."""
BUSY = np.array([1.10, 0.97, 0.92, 0.88, 0.75, 0.40])
"""Share of slots in use at that demand; between the points the logarithm is linear."""
POINTS = len(BUSY)
DRAIN_S = 60.0
"""What waits should be served within this long."""
MEANING: Mapping[int, str] = MappingProxyType(
    {-1: "just the median of demand", 1: "the 99th percentile at 40 % busy"}
)


@njit(nogil=True, cache=True)
def positions(workers, level, service, ahead, slots, queued, out):  # type: ignore[no-untyped-def]
    """Fills `out` (P,) with positions, -1 to 1, at which `targets` wants so many workers (P,)."""
    caution = np.empty(POINTS)
    for p in range(len(out)):
        demand = max(level[p] * service[p] / slots[p], 1e-9)
        alone = workers[p] - queued[p] * service[p] / (slots[p] * DRAIN_S)
        need = np.log(max(alone, 1e-9) / demand)
        for k in range(POINTS):
            caution[k] = ahead[p, QUANTILE[k]] - np.log(BUSY[k])
        out[p] = np.interp(need, caution, np.linspace(-1.0, 1.0, POINTS))


@njit(nogil=True, cache=True)
def targets(action, level, service, ahead, slots, queued, out):  # type: ignore[no-untyped-def]
    """Fills `out` (P,) with workers wanted, fractions included.

    exp(log demand + dial(action)) + queued x service / (slots x drain)
    """
    for p in range(len(action)):
        at = (min(max(action[p], -1.0), 1.0) + 1.0) * 0.5 * (POINTS - 1)
        k = min(int(at), POINTS - 2)
        low = ahead[p, QUANTILE[k]] - np.log(BUSY[k])
        high = ahead[p, QUANTILE[k + 1]] - np.log(BUSY[k + 1])
        caution = low + (at - k) * (high - low)
        demand = level[p] * service[p] / slots[p]
        out[p] = demand * np.exp(caution) + queued[p] * service[p] / (slots[p] * DRAIN_S)
