"""What `neural_encode` computes, with numpy: slow, and written without regard to it."""

import math
from dataclasses import dataclass

import numpy as np

from engine.forecast.neural_encode import SPIKE
from engine.forecast.neural_inputs import (
    COS_HOUR,
    DAY_OF_WEEK,
    DEMAND,
    FEATURE_COUNT,
    SIN_HOUR,
    Encoded,
)
from engine.units import SECONDS_PER_DAY

FloatArray = Float32 = Flags = IntArray = np.ndarray

WINDOW = 12
MEANS = (1, 2, 3, 6, 12, 24, 48, 96, 192, 256)
"""Steps of the trailing means, from full resolution to coarse."""
DIFFS = 32
"""Differences at a lag are averaged over this many latest steps."""
_LAGS = (1, 4, 16, 64)
_FLOOR = 0.05  # of the level, so that logarithms of zero demand stay moderate


def _turn(at: FloatArray, period: float) -> tuple[FloatArray, FloatArray]:
    """Sine and cosine of a time of the day or week; both 0, no such time, where it is unknown."""
    turn = 2 * math.pi * at / period
    known = turn == turn
    return np.where(known, np.sin(turn), 0.0), np.where(known, np.cos(turn), 0.0)


def encode(
    history: FloatArray,
    step_s: float,
    ahead: IntArray,
    moment,
    features: FloatArray | None = None,
    present: Flags | None = None,
) -> Encoded:
    """Network inputs of B histories of the same length and step.

    Args:
        history: (B, T) demand per step, finite and ≥ 0, oldest first, T ≥ `LEAST`.
        step_s: seconds of a step.
        ahead: (H,) steps ahead of the last one, ≥ 1.
        moment: end of the histories.
        features: (B, WINDOW, FEATURE_COUNT) further features of the last steps, standardised.
        present: (B, FEATURE_COUNT) which of them the trace has.
    """
    recent = capped(history[:, -MEANS[-1] :])
    level = _level(recent, step_s)
    scaled = np.divide(recent, level[:, None], dtype=np.float32, casting="same_kind")
    means = _trailing_means(scaled)
    day = _season(history, level, round(SECONDS_PER_DAY / step_s), ahead)
    week = _season(history, level, round(7 * SECONDS_PER_DAY / step_s), ahead)
    anchors, anchor_present = _anchors(scaled, means, ahead, day, week)
    spreads = _spreads(scaled, ahead, day)
    steps, flags = _steps(scaled, step_s, moment, features, present)
    return Encoded(
        steps=steps,
        present=flags,
        context=_context(scaled, means, spreads, step_s, moment, level, day, week),
        anchors=anchors,
        anchor_present=anchor_present,
        spreads=spreads,
        horizon=_horizon(anchors, anchor_present, ahead, step_s, moment, day),
        level=level,
    )


def capped(recent):
    """The three highest values lowered to `SPIKE` times the mean of the others."""
    made = recent.astype(np.float64).copy()
    for row in made:
        ordered = np.sort(row)
        limit = SPIKE * ordered[:-3].mean() if len(row) > 3 else 0.0
        if limit > 0 and np.mean(row > 0) > 0.5:
            row[:] = np.minimum(row, limit)
    return made


def _level(recent: FloatArray, step_s: float) -> FloatArray:
    level: FloatArray = 0.5 * recent[:, -64:].mean(1) + 0.5 * recent.mean(1)
    return np.where(level > 1e-12, level, 1.0 / step_s)


def _trailing_means(scaled: Float32) -> Float32:
    """(B, len(MEANS)); a mean longer than the history is that of the whole history."""
    length = scaled.shape[1]
    sizes = np.minimum(MEANS, length)
    edges = [0, *sizes]
    parts = [
        scaled[:, length - b : length - a].sum(1, dtype=np.float32)
        for a, b in zip(edges, sizes, strict=False)
    ]
    return (np.cumsum(np.stack(parts, 1), 1) / sizes).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Season:
    there: bool
    target: Float32
    """(B, H) demand one season before the target, mean of three steps."""
    now: Float32
    """(B,) demand one season before the cut-off, mean of the window."""
    last: Float32
    """(B,) the same, mean of three steps."""
    residual: Float32
    """(B,) mean |demand − demand one season before| over the latest steps."""


def _season(history: FloatArray, level: FloatArray, period: int, ahead: IntArray) -> _Season:
    size, length = history.shape
    if length < period + WINDOW or period <= 1:
        gone = np.zeros(size, np.float32)
        flat = np.zeros((size, len(ahead)), np.float32)
        return _Season(there=False, target=flat, now=gone, last=gone, residual=gone)
    at = length - 1 + (ahead - 1) % period + 1 - period
    around = np.clip(at[:, None] + np.arange(-1, 2), 0, length - 1)  # (H, 3)
    end = length - period
    count = min(DIFFS, end)
    before = history[:, end - count : end]
    change = np.abs(history[:, -count:] - before).mean(1)
    return _Season(
        there=True,
        target=(history[:, around].mean(2) / level[:, None]).astype(np.float32),
        now=(before[:, -WINDOW:].mean(1) / level).astype(np.float32),
        last=(before[:, -3:].mean(1) / level).astype(np.float32),
        residual=(change / level).astype(np.float32),
    )


def _anchors(
    scaled: Float32, means: Float32, ahead: IntArray, day: _Season, week: _Season
) -> tuple[Float32, Flags]:
    """Persistence, means, a damped trend, and seasons as they were and moved to today's level."""
    size, count = len(scaled), len(ahead)
    last, near, half, window = (means[:, i : i + 1] for i in (0, 2, 3, 4))
    before = 2 * window - half  # the older half of the window
    trend = np.clip(half + (half - before) * np.minimum(ahead / 6, 2), 0.3 * half, 3 * half)
    flat = [np.broadcast_to(m, (size, count)) for m in (last, near, window, means[:, 6:7])]
    whole = np.broadcast_to(means[:, -1:], (size, count))
    seasonal = [part for season in (day, week) for part in _moved(season, near, window)]
    anchors = np.stack([*flat, whole, trend, *seasonal], -1).astype(np.float32)
    there = [True] * 6 + [day.there] * 3 + [week.there] * 3
    return anchors, np.broadcast_to(np.array(there), (size, len(there))).copy()


def _moved(season: _Season, near: Float32, window: Float32) -> list[Float32]:
    """As it was; times today's level ÷ that of then; plus the change since then."""
    shift = near - season.last[:, None]
    ratio = (window + _FLOOR) / (season.now[:, None] + _FLOOR)
    return [
        season.target,
        season.target * np.clip(ratio, 0.2, 5.0),
        np.maximum(season.target + shift, 0.0),
    ]


def _deviation(window: Float32) -> Float32:
    """(B,) standard deviation."""
    gap = window - window.mean(1, keepdims=True)
    deviation: Float32 = np.sqrt(np.einsum("bt,bt->b", gap, gap) / window.shape[1])
    return deviation


def _lagged(scaled: Float32, lag: int) -> Float32:
    """(B,) mean |change over `lag` steps| of the latest steps; 0 where none is known."""
    length = scaled.shape[1]
    lag = min(lag, length - 1)
    count = min(DIFFS, length - lag)
    change = scaled[:, -count:] - scaled[:, -count - lag : length - lag]
    mean: Float32 = np.abs(change).mean(1).astype(np.float32)
    return mean


def _spreads(scaled: Float32, ahead: IntArray, day: _Season) -> Float32:
    size, count = len(scaled), len(ahead)
    at_lag = {int(lag): _lagged(scaled, int(lag)) for lag in np.unique(ahead)}
    at_horizon = np.stack([at_lag[int(lag)] for lag in ahead], 1)
    single = _lagged(scaled, 1)
    deviation = _deviation(scaled[:, -64:])
    quick = _lagged(scaled[:, -WINDOW - 1 :], 1)
    seasonal = day.residual if day.there else single
    flat = [single, deviation, quick, seasonal, np.full(size, 0.02, np.float32)]
    parts = [at_horizon, *(np.broadcast_to(part[:, None], (size, count)) for part in flat)]
    return np.stack(parts, -1).astype(np.float32)


def _log(values: Float32) -> Float32:
    log: Float32 = np.log(values + np.float32(_FLOOR))
    return log


def _context(
    scaled: Float32,
    means: Float32,
    spreads: Float32,
    step_s: float,
    moment,
    level: FloatArray,
    day: _Season,
    week: _Season,
) -> Float32:
    recent = scaled[:, -64:]
    one = np.ones(len(scaled))
    columns = [
        *_log(means).T,
        *(np.log(_deviation(scaled[:, -n:]) + 0.01) for n in (12, 64, 256)),
        *(np.log(_lagged(scaled, lag) + 0.01) for lag in _LAGS),
        (recent == 0).mean(1),
        _log(recent.max(1)), _log(recent.min(1)),
        one * math.log(step_s / 60), np.log(np.clip(level * step_s, 0.05, 1e6)) / 4,
        *_turn(moment.second_of_day, SECONDS_PER_DAY), *_turn(moment.day_of_week, 7),
        moment.day_of_week >= 5,
        one * day.there, one * week.there,
        np.log(day.residual + 0.01) * day.there, np.log(week.residual + 0.01) * week.there,
        (_log(means[:, 4]) - _log(day.now)) * day.there,
        (_log(means[:, 4]) - _log(week.now)) * week.there,
        one * math.log(scaled.shape[1] / 64),
        spreads[:, 0, 2],
    ]  # fmt: skip
    return np.stack(columns, 1).astype(np.float32)


def _horizon(
    anchors: Float32,
    anchor_present: Flags,
    ahead: IntArray,
    step_s: float,
    moment,
    day: _Season,
) -> Float32:
    size = len(anchors)
    turn = _turn(moment.second_of_day[:, None] + ahead * step_s, SECONDS_PER_DAY)
    fixed = [np.log(ahead), np.log(ahead * step_s / 60) / 2, np.minimum(ahead / 24, 4.0)]
    change = (_log(day.target) - _log(day.last[:, None])) * day.there
    own = [*(np.broadcast_to(f, turn[0].shape) for f in fixed), *turn, change]
    there = np.broadcast_to(anchor_present[:, None], anchors.shape)
    # Differences from persistence keep the anchors comparable at any demand.
    against = (_log(anchors) - _log(anchors[..., :1])) * there
    parts = [np.stack(own, -1), against, there]
    joined = np.concatenate(parts, -1).astype(np.float32)
    return joined.reshape(size, len(ahead), -1)


def _steps(
    scaled: Float32,
    step_s: float,
    moment,
    features: FloatArray | None,
    present: Flags | None,
) -> tuple[Float32, Flags]:
    """(B, WINDOW, FEATURE_COUNT) and flags; short histories repeat their first step."""
    size = len(scaled)
    steps = np.zeros((size, WINDOW, FEATURE_COUNT), np.float32)
    flags = np.zeros((size, FEATURE_COUNT), np.bool_)
    if features is not None and present is not None:
        flags |= present
        steps += np.where(present[:, None], features, 0.0).astype(np.float32)
    window = scaled[:, -WINDOW:]
    window = np.pad(window, ((0, 0), (WINDOW - window.shape[1], 0)), "edge")
    back = np.arange(1 - WINDOW, 1) * step_s
    hour = _turn(moment.second_of_day[:, None] + back, SECONDS_PER_DAY)
    steps[:, :, DEMAND] = _log(window)
    steps[:, :, SIN_HOUR], steps[:, :, COS_HOUR] = hour
    steps[:, :, DAY_OF_WEEK] = np.nan_to_num(moment.day_of_week[:, None] / 3.5 - 1)
    flags[:, DEMAND] = True
    flags[:, [SIN_HOUR, COS_HOUR, DAY_OF_WEEK]] = np.isfinite(moment.second_of_day)[:, None]
    return steps, flags
