"""Gaps in a history of demand."""

import numpy as np

from engine.errors import UsageError
from engine.forecast.neural_encode import WINDOW
from engine.units import FloatArray


def filled(demand: FloatArray) -> FloatArray:
    """Gaps by linear interpolation, at the ends by the nearest value.

    Raises:
        UsageError: a history without a single value.
    """
    gaps = np.isnan(demand)
    if not gaps.any():
        return demand
    whole = demand.copy()
    at = np.arange(demand.shape[1])
    for row in np.flatnonzero(gaps.any(1)):
        known = ~gaps[row]
        if not known.any():
            raise UsageError("the history holds gaps only", f"pool {row}", "Choose a later time")
        whole[row] = np.interp(at, at[known], demand[row, known])
    return whole


def knows_recent(values: FloatArray) -> bool:
    """Whether the latest `WINDOW` steps hold a value."""
    return bool(np.isfinite(values[-WINDOW:]).any())
