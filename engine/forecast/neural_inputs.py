"""What a network sees of a history: scaled window, summaries at several scales, anchors.

The single place where demand becomes network inputs; everything comes from the history given,
which ends at the cut-off. Networks live in `models`; this module needs no torch. The numbers are
made in `neural_encode`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.forecast.gaps import filled
from engine.forecast.neural_encode import PLAIN, SEASONAL, WINDOW, encode_rows
from engine.units import SECONDS_PER_DAY, FloatArray, IntArray

Float32 = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

FEATURE_COUNT = 23
CONTEXT = 35
ANCHORS, SPREADS = PLAIN + 2 * SEASONAL, 6
HORIZON = 6 + 2 * ANCHORS
"""Numbers of a horizon."""
DEMAND, SIN_HOUR, COS_HOUR, DAY_OF_WEEK = 11, 20, 21, 22
"""Places in the registry of 23 features (request_rate holds the demand that is forecast)."""
LEAST = 4
"""Fewest points a forecast is made from."""
_DAY_THERE, _WEEK_THERE = 27, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the histories end. (B,) each; NaN where the trace knows no calendar."""

    second_of_day: FloatArray
    day_of_week: FloatArray
    """0 to 7, with the fraction of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Arrays in the order and the shapes of `models.inputs.Inputs`, and the scale."""

    steps: Float32
    present: Flags
    context: Float32
    anchors: Float32
    anchor_present: Flags
    spreads: Float32
    horizon: Float32
    level: FloatArray
    """(B,) what a quantile of 1 stands for, in units of the demand."""

    def arrays(self) -> tuple[Float32 | Flags, ...]:
        """What the network reads."""
        return (
            self.steps, self.present, self.context, self.anchors,
            self.anchor_present, self.spreads, self.horizon,
        )  # fmt: skip


def lookback(step_s: float, longest_steps: int) -> int:
    """Latest steps that the inputs depend on: a week, the longest horizon and the window."""
    return round(7 * SECONDS_PER_DAY / step_s) + longest_steps + 2 * WINDOW


def encode(
    history: FloatArray,
    step_s: float,
    ahead: IntArray,
    moment: Moment,
    features: FloatArray | None = None,
    present: Flags | None = None,
) -> Encoded:
    """Network inputs of B histories of the same length and step.

    Args:
        history: (B, T) demand per step, ≥ 0, oldest first, T ≥ `LEAST`; NaN is a gap, which is
            filled along a straight line.
        step_s: seconds of a step.
        ahead: (H,) steps ahead of the last one, ≥ 1.
        moment: end of the histories.
        features: (B, WINDOW, FEATURE_COUNT) further features of the last steps, standardised.
        present: (B, FEATURE_COUNT) which of them the trace has.

    Raises:
        UsageError: a history without a single value.
    """
    size, count = len(history), len(ahead)
    window = np.empty((size, WINDOW), np.float32)
    hours = np.empty((size, WINDOW, 2), np.float32)
    context = np.empty((size, CONTEXT), np.float32)
    anchors = np.empty((size, count, ANCHORS), np.float32)
    spreads = np.empty((size, count, SPREADS), np.float32)
    horizon = np.empty((size, count, HORIZON), np.float32)
    level, gaps = np.empty(size), np.empty(size, np.bool_)
    second, day = (
        np.ascontiguousarray(part) for part in (moment.second_of_day, moment.day_of_week)
    )
    out = (window, hours, context, anchors, spreads, horizon, level, gaps)
    encode_rows(history, step_s, ahead, second, day, *out)
    if gaps.any():
        which = np.flatnonzero(gaps)
        parts = [part[which] for part in out]
        whole = filled(history[which])
        encode_rows(whole, step_s, ahead, second[which], day[which], *parts)
        _put(out, parts, which)
    steps, flags = _steps(window, hours, moment, features, present)
    there = np.ones((size, ANCHORS), np.bool_)
    there[:, PLAIN : PLAIN + SEASONAL] = context[:, _DAY_THERE, None] > 0
    there[:, PLAIN + SEASONAL :] = context[:, _WEEK_THERE, None] > 0
    return Encoded(
        steps=steps, present=flags, context=context, anchors=anchors, anchor_present=there,
        spreads=spreads, horizon=horizon, level=level,
    )  # fmt: skip


def _put(out: Sequence[Any], parts: Sequence[Any], which: IntArray) -> None:
    for whole, part in zip(out, parts, strict=True):
        whole[which] = part


def _steps(
    window: Float32,
    hours: Float32,
    moment: Moment,
    features: FloatArray | None,
    present: Flags | None,
) -> tuple[Float32, Flags]:
    """(B, WINDOW, FEATURE_COUNT) and flags."""
    size = len(window)
    steps = np.zeros((size, WINDOW, FEATURE_COUNT), np.float32)
    flags = np.zeros((size, FEATURE_COUNT), np.bool_)
    if features is not None and present is not None:
        flags |= present
        steps += np.where(present[:, None], features, 0.0).astype(np.float32)
    known = np.isfinite(moment.second_of_day)
    steps[:, :, DEMAND] = window
    steps[:, :, SIN_HOUR], steps[:, :, COS_HOUR] = hours[..., 0], hours[..., 1]
    steps[:, :, DAY_OF_WEEK] = np.where(known, moment.day_of_week / 3.5 - 1, 0.0)[:, None]
    flags[:, DEMAND] = True
    flags[:, [SIN_HOUR, COS_HOUR, DAY_OF_WEEK]] = known[:, None]
    return steps, flags
