"""Generated workloads that the shipped forecaster learns from; no recorded trace is among them.

Each series multiplies a random choice of shapes (day, week, growth, slow noise, regimes, crowds,
shifts, batches, silence) and is counted with a random dispersion. All draws are seeded.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy

from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import FEATURE_COUNT, Encoded, Moment, encode
from engine.trace.streams import stream
from engine.units import SECONDS_PER_DAY, FloatArray

STEPS_S = (5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 600.0, 3600.0)
_STEP_CHANCE = (0.06, 0.1, 0.16, 0.1, 0.22, 0.24, 0.08, 0.04)
HORIZONS_S = (30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
UNDATED = 0.3
"""Share of the workloads whose clock the networks do not get to see."""
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A generated series of demand."""

    demand: FloatArray
    """(T,) requests/s in each step."""
    step_s: float
    start_s: float
    """Seconds after a Monday's midnight at which the first step begins; NaN: no calendar."""

    def moment(self, cuts: npt.NDArray[np.int64]) -> Moment:
        """The calendar at the end of the steps before each cut."""
        at_s = self.start_s + cuts.astype(np.float64) * self.step_s
        day = at_s / SECONDS_PER_DAY
        return Moment(second_of_day=np.mod(at_s, SECONDS_PER_DAY), day_of_week=np.mod(day, 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Windows and what came after each."""

    encoded: Encoded
    value: npt.NDArray[np.float32]
    """(B, H) in units of the window's level."""
    weight: npt.NDArray[np.float32]
    """(B, H) 1 ÷ the series' mean persistence error, so that each series counts alike."""


def workload(rng: np.random.Generator, step_s: float) -> Workload:
    """One random series of 500 to 9,000 steps."""
    size = int(np.clip(16 * SECONDS_PER_DAY / step_s, 800, 9000))
    start_s = rng.uniform(0, 7 * SECONDS_PER_DAY)
    t_s: FloatArray = start_s + np.arange(size, dtype=np.float64) * step_s
    shape = np.ones(size)
    for chance, part in _PARTS:
        if rng.random() < chance:
            shape = shape * part(rng, t_s, step_s)
    rate = 10 ** rng.uniform(-1, 4.5) * shape / max(shape.mean(), 1e-9)
    return Workload(demand=_observed(rng, rate, step_s), step_s=step_s, start_s=start_s)


def _day(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    turn = 2 * np.pi * (t_s / SECONDS_PER_DAY + rng.random())
    wave = rng.uniform(0.1, 1.3) * np.sin(turn)
    for harmonic in (2, 3, 4):
        wave = wave + rng.normal(0, 0.25 / (harmonic - 1)) * np.sin(
            harmonic * turn + rng.uniform(0, 6.3)
        )
    return np.exp(wave)


def _week(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    factor = rng.lognormal(0, 0.08, 7)
    factor[5:] *= rng.uniform(0.3, 1.1)
    return factor[(t_s // SECONDS_PER_DAY).astype(np.int64) % 7]


def _growth(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    return np.exp(rng.normal(0, 0.8) * np.linspace(0, 1, len(t_s)))


def _slow_noise(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    keep = np.exp(-1 / 10 ** rng.uniform(0.3, 3))
    noise = rng.standard_normal(len(t_s)) * np.sqrt(1 - keep**2) * rng.uniform(0.03, 0.5)
    shape: FloatArray = np.exp(scipy.signal.lfilter([1.0], [1.0, -keep], noise))
    return shape


def _walk(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    steps = rng.standard_normal(len(t_s)) * 10 ** rng.uniform(-2.7, -1.2)
    return np.exp(np.clip(np.cumsum(steps), -3, 3))


def _regimes(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    """A Markov-modulated rate: levels that hold for random times."""
    levels = np.exp(rng.normal(0, rng.uniform(0.2, 1.2), rng.integers(2, 6)))
    hold = rng.exponential(10 ** rng.uniform(0.6, 2.6), len(t_s)) + 1
    at = np.minimum(np.searchsorted(np.cumsum(hold), np.arange(len(t_s))), len(t_s) - 1)
    return levels[rng.integers(0, len(levels), len(t_s))[at]]


def _shocks(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    """Self-exciting bursts: shocks that decay, heavy-tailed in size."""
    hits = rng.random(len(t_s)) < 10 ** rng.uniform(-2.5, -1)
    size = hits * rng.pareto(rng.uniform(1.5, 3), len(t_s)) * rng.uniform(0.2, 2)
    shape: FloatArray = 1 + np.minimum(
        scipy.signal.lfilter([1.0], [1.0, -np.exp(-1 / 10 ** rng.uniform(0, 2))], size), 40
    )
    return shape


def _crowds(rng: np.random.Generator, t_s: FloatArray, step_s: float) -> FloatArray:
    factor = np.ones(len(t_s))
    since = np.arange(len(t_s)) * step_s
    for _ in range(rng.integers(1, 12)):
        ramp, hold, decay = rng.uniform(10, 600), rng.uniform(0, 5400), rng.uniform(60, 3600)
        corners = rng.choice(since) + np.cumsum([0, ramp, hold, decay])
        factor += rng.uniform(1, 15) * np.interp(since, corners, [0, 1, 1, 0], 0, 0)
    return factor


def _shifts(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    jumps = (rng.random(len(t_s)) < rng.uniform(0.5, 6) / len(t_s)) * rng.normal(0, 0.7, len(t_s))
    return np.exp(np.cumsum(jumps))


def _batches(rng: np.random.Generator, t_s: FloatArray, step_s: float) -> FloatArray:
    """A job that comes again and again: every 15 minutes to once a day."""
    period_s = rng.choice([900.0, 1800.0, _HOUR_S, 6 * _HOUR_S, SECONDS_PER_DAY])
    width_s = max(step_s, rng.uniform(0.02, 0.3) * period_s)
    shape: FloatArray = 1 + rng.uniform(0.3, 6) * (
        (t_s + rng.uniform(0, period_s)) % period_s < width_s
    )
    return shape


def _silence(rng: np.random.Generator, t_s: FloatArray, _step_s: float) -> FloatArray:
    hold = rng.exponential(10 ** rng.uniform(0.5, 2), len(t_s)) + 1
    turn = np.searchsorted(np.cumsum(hold), np.arange(len(t_s)))
    return np.where(turn % 2 == 0, 1.0, rng.choice([0.0, 0.02]))


_PARTS = (
    (0.65, _day), (0.4, _week), (0.3, _growth), (0.55, _slow_noise), (0.2, _walk),
    (0.22, _regimes), (0.2, _shocks), (0.15, _crowds), (0.2, _shifts), (0.15, _batches),
    (0.06, _silence),
)  # fmt: skip


def _observed(rng: np.random.Generator, rate: FloatArray, step_s: float) -> FloatArray:
    """Counts of variance ÷ mean from 1 to 50, or a gauge with relative noise."""
    if rng.random() < 0.3:
        seen = rate * np.exp(rng.normal(0, rng.choice([0.0, 0.02, 0.1, 0.3]), len(rate)))
    else:
        excess = 10 ** rng.uniform(0, 1.7) - 1 if rng.random() < 0.8 else 0.0
        mean = rate * step_s
        if excess > 1e-3:
            mean = rng.standard_gamma(np.maximum(mean / excess, 1e-9)) * excess
        seen = rng.poisson(mean) / step_s
    if rng.random() < 0.15:  # slots in use follow arrivals, smoothed by the service time
        keep = np.exp(-1 / 10 ** rng.uniform(0, 1.5))
        seen = scipy.signal.lfilter([1 - keep], [1.0, -keep], seen, zi=[keep * seen[0]])[0]
    if rng.random() < 0.1:  # a utilisation saturates
        seen = np.minimum(seen, np.quantile(seen, rng.uniform(0.7, 1)))
    return np.maximum(seen, 0.0)


def horizons(rng: np.random.Generator, step_s: float) -> npt.NDArray[np.int64]:
    """(6,) steps ahead: the product's horizons, two of them replaced by random ones."""
    ahead = np.ceil(np.array(HORIZONS_S) / step_s - 1e-9).astype(np.int64)
    ahead = np.minimum(ahead, 720)
    most = max(int(ahead.max()), 12)
    ahead[rng.integers(0, 6, 2)] = np.exp(rng.uniform(0, np.log(most), 2)).astype(np.int64)
    return ahead


def _covariates(
    rng: np.random.Generator, windows: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Features that follow demand or are noise, for the networks to weigh; often none."""
    size = len(windows)
    present = np.zeros((size, FEATURE_COUNT), np.bool_)
    features = rng.standard_normal((size, WINDOW, FEATURE_COUNT))
    if rng.random() < 0.5:
        present[:] = rng.random(FEATURE_COUNT) < rng.uniform(0.1, 0.8)
    follow = rng.random(FEATURE_COUNT) * (rng.random(FEATURE_COUNT) < 0.6)
    log = np.log(windows + 0.05 * windows.mean() + 1e-9)
    shape = (log - log.mean()) / (log.std() + 1e-6)
    return shape[..., None] * follow + features * np.sqrt(1 - follow**2), present


def examples(seed: int, number: int, windows: int = 24) -> Examples:
    """Windows of series `number` of this seed."""
    rng = stream(seed, 77, number)
    series = workload(rng, float(rng.choice(STEPS_S, p=_STEP_CHANCE)))
    if rng.random() < UNDATED:
        series = replace(series, start_s=math.nan)
    ahead = horizons(rng, series.step_s)
    room = len(series.demand) - int(ahead.max())
    day = round(SECONDS_PER_DAY / series.step_s)
    wanted = [rng.integers(24, 300), day + rng.integers(12, 400), 7 * day + 400]
    length = int(min(rng.choice(np.array(wanted), p=[0.4, 0.35, 0.25]), 0.7 * room))
    return cut(series, rng.integers(length, room, windows), length, ahead, rng)


def cut(
    series: Workload,
    cuts: npt.NDArray[np.int64],
    length: int,
    ahead: npt.NDArray[np.int64],
    rng: np.random.Generator | None = None,
    known: npt.NDArray[np.bool_] | None = None,
) -> Examples:
    """Examples of `length` steps before each cut.

    Args:
        series: without gaps.
        cuts: (B,) steps before which all is known.
        length: steps of a window.
        ahead: (H,) steps.
        rng: makes covariates up; None: there are none.
        known: (T,) what was recorded; the rest of the series, put into gaps, is nothing to learn
            to forecast. None: all.
    """
    rows = np.lib.stride_tricks.sliding_window_view(series.demand, length)[cuts - length]
    extra = None if rng is None or length < WINDOW else _covariates(rng, rows[:, -WINDOW:])
    features, present = extra if extra is not None else (None, None)
    encoded = encode(rows, series.step_s, ahead, series.moment(cuts), features, present)
    ends = cuts[:, None] + ahead - 1
    value = series.demand[ends] / encoded.level[:, None]
    counts = np.ones(value.shape) if known is None else known[ends].astype(np.float64)
    error = np.abs(value - encoded.anchors[..., 0]) * counts
    error = error.sum(0, keepdims=True) / np.maximum(counts.sum(0, keepdims=True), 1.0)
    weight = counts / (0.03 + error)
    return Examples(
        encoded=encoded,
        value=np.minimum(value, 100.0).astype(np.float32),
        weight=weight.astype(np.float32),
    )
