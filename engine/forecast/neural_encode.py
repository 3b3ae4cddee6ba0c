"""Network inputs of many histories, compiled: one pass over the few steps that matter.

What the numbers mean is told in `neural_inputs`, which owns shapes and constants. Only the steps
that are read are looked at for gaps, so a batch of long histories is never copied.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.units import SECONDS_PER_DAY, FloatArray, IntArray

__all__ = ["encode_rows"]

Float32 = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

WINDOW = 12
MEANS = (1, 2, 3, 6, 12, 24, 48, 96, 192, 256)
"""Steps of the trailing means, from full resolution to coarse."""
DIFFS = 32
"""Differences at a lag are averaged over this many latest steps."""
FLOOR = 0.05
"""Of the level, so that logarithms of zero demand stay moderate."""
SPIKE = 20.0
"""A step of so many times the mean of the others is an accident, or nothing to plan by."""
PLAIN, SEASONAL = 6, 3
"""Anchors from the latest steps, and from each of day and week."""
_LAGS = (1, 4, 16, 64)
_LONG = 64
_WEEKEND = 5
_DAYS = 7

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
_compiled = njit(**_OPTIONS)


@_compiled
def _log(value: float) -> float:
    return math.log(value + FLOOR)


@_compiled
def _mean(values: FloatArray, start: int, stop: int) -> float:
    total = 0.0
    for at in range(start, stop):
        total += values[at]
    return total / max(stop - start, 1)


@_compiled
def _deviation(values: FloatArray, latest: int) -> float:
    """Standard deviation of the latest values."""
    length = len(values)
    start = max(length - latest, 0)
    mean = _mean(values, start, length)
    total = 0.0
    for at in range(start, length):
        total += (values[at] - mean) ** 2
    return math.sqrt(total / (length - start))


@_compiled
def _lagged(values: FloatArray, lag: int, latest: int) -> float:
    """Mean |change over `lag` steps| among the latest values."""
    length = len(values)
    size = min(latest, length)
    lag = min(lag, size - 1)
    count = min(DIFFS, size - lag)
    total = 0.0
    for at in range(length - count, length):
        total += abs(values[at] - values[at - lag])
    return total / max(count, 1)


@_compiled
def _turn(at: float, period: float, out: Float32, place: int) -> None:
    """Sine and cosine of a time of the day or week; both 0, no such time, where it is unknown."""
    known = at == at
    turn = 2 * math.pi * at / period
    out[place] = math.sin(turn) if known else 0.0
    out[place + 1] = math.cos(turn) if known else 0.0


@_compiled
def _season(
    row: FloatArray, level: float, period: int, ahead: IntArray, target: FloatArray
) -> tuple[bool, float, float, float]:
    """Demand one season before: of each target, and around the cut-off.

    Returns:
        Whether the history reaches back so far; the mean of the window and of three steps one
        season before the cut-off; mean |demand − demand one season before| of the latest steps.
    """
    length = len(row)
    if length < period + WINDOW or period <= 1:
        target[:] = 0.0
        return False, 0.0, 0.0, 0.0
    for h in range(len(ahead)):
        at = length + (ahead[h] - 1) % period - period
        total = 0.0
        for near in range(at - 1, at + 2):
            total += row[min(max(near, 0), length - 1)]
        target[h] = total / 3 / level
    end = length - period
    count = min(DIFFS, end)
    change = 0.0
    for at in range(length - count, length):
        change += abs(row[at] - row[at - period])
    now = _mean(row, end - WINDOW, end) / level
    last = _mean(row, end - 3, end) / level
    return True, now, last, change / count / level


@_compiled
def _moved(
    out: Float32, place: int, target: float, now: float, last: float, near: float, window: float
) -> None:
    """As it was; times today's level ÷ that of then; plus the change since then."""
    ratio = min(max((window + FLOOR) / (now + FLOOR), 0.2), 5.0)
    out[place] = target
    out[place + 1] = target * ratio
    out[place + 2] = max(target + near - last, 0.0)


@_compiled
def encode_rows(
    history: FloatArray,
    step_s: float,
    ahead: IntArray,
    second_of_day: FloatArray,
    day_of_week: FloatArray,
    window: Float32,
    hours: Float32,
    context: Float32,
    anchors: Float32,
    spreads: Float32,
    horizon: Float32,
    level: FloatArray,
    gaps: Flags,
) -> None:
    """Fills the inputs of B histories; a row whose read steps hold a gap is only marked.

    Args:
        history: (B, T) demand per step, oldest first; NaN is a gap.
        step_s: seconds of a step.
        ahead: (H,) steps ahead of the last one, ≥ 1.
        second_of_day: (B,) of the cut-off; NaN: no calendar.
        day_of_week: (B,) 0 to 7 with the fraction of the day.
        window: (B, `WINDOW`) logarithms of the latest steps, out.
        hours: (B, `WINDOW`, 2) sine and cosine of their time of the day, out.
        context: (B, C) summaries, out.
        anchors: (B, H, 12), out.
        spreads: (B, H, 6), out.
        horizon: (B, H, 30), out.
        level: (B,) what 1 stands for, in units of the demand, out.
        gaps: (B,) rows that hold a gap, out.
    """
    length, count = history.shape[1], len(ahead)
    size = min(length, MEANS[-1])
    recent = np.empty(size)
    means = np.empty(len(MEANS))
    day, week = np.empty(count), np.empty(count)
    a_day, a_week = round(SECONDS_PER_DAY / step_s), round(_DAYS * SECONDS_PER_DAY / step_s)
    for b in range(len(history)):
        row = history[b]
        for at in range(size):
            recent[at] = row[length - size + at]
        _cap_spikes(recent)
        scale = 0.5 * _mean(recent, size - min(_LONG, size), size) + 0.5 * _mean(recent, 0, size)
        if not scale > 1e-12:
            scale = 1.0 / step_s
        level[b] = scale
        total = 0.0
        for at in range(size):
            recent[at] /= scale
            total += recent[at]
        day_there, day_now, day_last, day_off = _season(row, scale, a_day, ahead, day)
        week_there, week_now, week_last, week_off = _season(row, scale, a_week, ahead, week)
        gap = total + day_now + day_off + week_now + week_off + day.sum() + week.sum()
        gaps[b] = gap != gap
        if gaps[b]:
            continue
        _trailing(recent, means)
        _window(recent, window[b])
        for at in range(WINDOW):
            back = second_of_day[b] + (at + 1 - WINDOW) * step_s
            _turn(back, SECONDS_PER_DAY, hours[b, at], 0)
        near, half, whole = means[2], means[3], means[4]
        damped = half - (2 * whole - half)
        single, deviation = _lagged(recent, 1, size), _deviation(recent, _LONG)
        quick = _lagged(recent, 1, WINDOW + 1)
        for h in range(count):
            out = anchors[b, h]
            out[0], out[1], out[2], out[3], out[4] = means[0], near, whole, means[6], means[9]
            trend = half + damped * min(ahead[h] / 6, 2.0)
            out[5] = min(max(trend, 0.3 * half), 3.0 * half)
            _moved(out, PLAIN, day[h], day_now, day_last, near, whole)
            _moved(out, PLAIN + SEASONAL, week[h], week_now, week_last, near, whole)
            off = spreads[b, h]
            off[0] = _lagged(recent, ahead[h], size)
            off[1], off[2], off[3] = single, deviation, quick
            off[4], off[5] = day_off if day_there else single, 0.02
            own = horizon[b, h]
            own[0], own[1] = math.log(ahead[h]), math.log(ahead[h] * step_s / 60) / 2
            own[2] = min(ahead[h] / 24, 4.0)
            _turn(second_of_day[b] + ahead[h] * step_s, SECONDS_PER_DAY, own, 3)
            own[5] = _log(day[h]) - _log(day_last) if day_there else 0.0
            # Differences from persistence keep the anchors comparable at any demand.
            anchor_count = len(out)
            for a in range(anchor_count):
                there = (a < PLAIN) or (day_there if a < PLAIN + SEASONAL else week_there)
                own[6 + a] = _log(out[a]) - _log(out[0]) if there else 0.0
                own[6 + anchor_count + a] = 1.0 if there else 0.0
        _summaries(recent, means, context[b])
        _placed(
            context[b], step_s, scale, second_of_day[b], day_of_week[b], deviation, size,
            (day_there, _log(whole) - _log(day_now), day_off),
            (week_there, _log(whole) - _log(week_now), week_off),
        )  # fmt: skip


@_compiled
def _cap_spikes(recent: FloatArray) -> None:
    """Lowers the three highest values to `SPIKE` times the mean of the others.

    One wild step would set the level that everything is measured by. Demand that is mostly zero
    stays as it is: there a single step is all there is.
    """
    size = len(recent)
    first = second = third = total = 0.0
    above_zero = 0
    for at in range(size):
        value = recent[at]
        total += value
        above_zero += value > 0
        if value > first:
            first, second, third = value, first, second
        elif value > second:
            second, third = value, second
        elif value > third:
            third = value
    limit = SPIKE * (total - first - second - third) / max(size - 3, 1)
    if not (first > limit > 0 and 2 * above_zero > size):
        return
    for at in range(size):
        recent[at] = min(recent[at], limit)


@_compiled
def _trailing(recent: FloatArray, means: FloatArray) -> None:
    """A mean longer than the history is that of the whole history."""
    total, done, length = 0.0, 0, len(recent)
    for number in range(len(MEANS)):
        wanted = min(MEANS[number], length)
        while done < wanted:
            done += 1
            total += recent[length - done]
        means[number] = total / wanted


@_compiled
def _window(recent: FloatArray, out: Float32) -> None:
    """Short histories repeat their first step."""
    for at in range(WINDOW):
        out[at] = _log(recent[max(len(recent) - WINDOW + at, 0)])


@_compiled
def _summaries(recent: FloatArray, means: FloatArray, out: Float32) -> None:
    """The first columns of the context: levels, spreads and extremes of the latest steps."""
    place = 0
    for number in range(len(MEANS)):
        out[place] = _log(means[number])
        place += 1
    for latest in (12, 64, 256):
        out[place] = math.log(_deviation(recent, latest) + 0.01)
        place += 1
    for lag in _LAGS:
        out[place] = math.log(_lagged(recent, lag, len(recent)) + 0.01)
        place += 1
    start = max(len(recent) - _LONG, 0)
    zeros, largest, smallest = 0, 0.0, np.inf
    for at in range(start, len(recent)):
        zeros += recent[at] == 0.0
        largest, smallest = max(largest, recent[at]), min(smallest, recent[at])
    out[place] = zeros / (len(recent) - start)
    out[place + 1], out[place + 2] = _log(largest), _log(smallest)


@_compiled
def _placed(
    out: Float32,
    step_s: float,
    scale: float,
    second_of_day: float,
    day_of_week: float,
    deviation: float,
    size: int,
    day: tuple[bool, float, float],
    week: tuple[bool, float, float],
) -> None:
    """The other columns: resolution, level, calendar, seasons (there, change since, residual)."""
    place = 20
    out[place] = math.log(step_s / 60)
    out[place + 1] = math.log(min(max(scale * step_s, 0.05), 1e6)) / 4
    _turn(second_of_day, SECONDS_PER_DAY, out, place + 2)
    _turn(day_of_week, _DAYS, out, place + 4)
    out[place + 6] = 1.0 if day_of_week >= _WEEKEND else 0.0
    out[place + 7] = 1.0 if day[0] else 0.0
    out[place + 8] = 1.0 if week[0] else 0.0
    out[place + 9] = math.log(day[2] + 0.01) if day[0] else 0.0
    out[place + 10] = math.log(week[2] + 0.01) if week[0] else 0.0
    out[place + 11] = day[1] if day[0] else 0.0
    out[place + 12] = week[1] if week[0] else 0.0
    out[place + 13] = math.log(size / _LONG)
    out[place + 14] = deviation
