"""What an action means: the dial, and the forms that it was chosen over; see the ablation."""

from typing import NamedTuple

import numpy as np

from engine.learn import dial
from engine.units import AnyArray, FloatArray, IntArray

DIAL, HEADROOM, DELTA = "dial", "headroom", "delta"
FORMS = (DIAL, HEADROOM, DELTA)
_HEADROOM = (-0.10, 1.60)
"""Logarithms of capacity over present demand at -1 and 1."""
_DELTA = 0.5
"""Share of its workers that a pool gains at 1, and loses at -1."""


class Sight(NamedTuple):
    """P pools as an action finds them."""

    level: FloatArray
    """(P,) requests/s over the last minute."""
    service_s: FloatArray
    ahead: FloatArray
    """(P, Q) quantiles of log(highest rate ahead / level)."""
    slots: FloatArray
    queued: AnyArray
    target: IntArray
    """(P,) workers wanted so far."""


def wanted(form: str, action: FloatArray, sight: Sight) -> FloatArray:
    """(P,) workers that the actions (P,) in [-1, 1] ask for, fractions included."""
    if form == DELTA:
        return np.asarray(
            sight.target + np.round(_DELTA * action * np.maximum(sight.target, 2)), np.float64
        )
    if form == HEADROOM:
        low, high = _HEADROOM
        headroom = np.exp(low + 0.5 * (action + 1.0) * (high - low))
        busy = sight.level * sight.service_s * headroom
        backlog = sight.queued * sight.service_s / dial.DRAIN_S
        return np.asarray((busy + backlog) / sight.slots, np.float64)
    made = np.empty(len(action))
    dial.targets(
        action, sight.level, sight.service_s, sight.ahead, sight.slots, sight.queued, made
    )
    return made
