"""How the quick forecaster learns: paths of arrivals of many kinds, and what came after each cut.

Half of the paths are the product's synthetic kinds with random options, half the broad mixture
that the large forecaster learns from. Their seeds have a stream of their own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.forecast.training_data import workload
from engine.lookahead.features import FEATURES, KEPT_S, PEAK_S, Memory, describe
from engine.trace.streams import stream
from engine.trace.synth_rates import Bursty, Diurnal, FlashCrowd, Growth, Shape
from engine.units import FloatArray, IntArray

BINS_S = (15.0, 30.0, 60.0, 5.0)
_BIN_CHANCE = (0.6, 0.25, 0.1, 0.05)
HORIZONS_S = (20.0, 600.0)
"""Between these, drawn with an even logarithm."""
CUTS = 48
_STREAM = 4101
_CELLS_S = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """N cuts."""

    features: FloatArray
    """(N, F)"""
    target: FloatArray
    """(N,) log(highest rate until the horizon / level)."""


def path(rng: np.random.Generator, bin_s: float) -> FloatArray:
    """(T,) arrivals in each bin of a random workload of about half a day."""
    if rng.random() < 0.5:
        demand = workload(rng, bin_s).demand
        return np.asarray(np.round(demand * bin_s), np.float64)
    t_s = np.arange(0.0, _CELLS_S, 1.0) + 0.5
    rate = random_shape(rng).rate(t_s, _CELLS_S, rng)
    rate = rate / rate.mean() * 10 ** rng.uniform(-0.7, 2.3)
    return counts(rng, rate, bin_s)


def counts(rng: np.random.Generator, rate: FloatArray, bin_s: float) -> FloatArray:
    """(T,) arrivals by bin of Poisson requests at (S,) rates of seconds, with gamma bursts."""
    cv, held = rng.uniform(0.0, 0.6), int(rng.integers(1, 31))
    if cv > 0.05:
        factor = rng.standard_gamma(cv**-2, len(rate) // held + 1) * cv**2
        rate = rate * np.repeat(factor, held)[: len(rate)]
    width = int(bin_s)
    bins = len(rate) // width
    expected = rate[: bins * width].reshape(bins, width).sum(1)
    return np.asarray(rng.poisson(expected), np.float64)


def random_shape(rng: np.random.Generator) -> Shape:
    """One of the synthetic kinds with random options."""
    kind = rng.integers(0, 4)
    if kind == 0:
        day_s = rng.choice([86400.0, 43200.0, 14400.0])
        return Diurnal(peak_to_trough=rng.uniform(2, 10), day_s=day_s,
                       peak_at_s=rng.uniform(0, day_s))  # fmt: skip
    if kind == 1:
        return FlashCrowd(
            flash_factor=rng.uniform(3, 14), ramp_s=rng.uniform(10, 120),
            hold_s=rng.uniform(60, 1800), decay_s=rng.uniform(30, 600),
            flashes=int(rng.integers(1, 9)), first_at_s=rng.uniform(600, 2400),
        )  # fmt: skip
    if kind == 2:
        return Growth(growth_factor=rng.uniform(0.3, 6))
    calm_s, hot_s = rng.uniform(60, 480, 2)
    return Bursty(hot_to_calm=rng.uniform(3, 25), calm_s=calm_s, hot_s=hot_s)


def examples(seed: int, number: int) -> Examples:
    """Cuts of path `number` of this seed."""
    rng = stream(seed, _STREAM, number)
    bin_s = float(rng.choice(BINS_S, p=_BIN_CHANCE))
    arrivals = path(rng, bin_s)
    horizon_s = np.exp(rng.uniform(math.log(HORIZONS_S[0]), math.log(HORIZONS_S[1]), CUTS))
    last = len(arrivals) - int(np.ceil(HORIZONS_S[1] / bin_s)) - 2
    cuts = rng.integers(8, last, CUTS)
    features, target = np.empty((CUTS, FEATURES)), np.empty(CUTS)
    _cut(arrivals, cuts, horizon_s, bin_s, features, target)
    return Examples(features=features, target=target)


def _cut(
    arrivals: FloatArray, cuts: IntArray, horizon_s: FloatArray, bin_s: float,
    features: FloatArray, target: FloatArray,
) -> None:  # fmt: skip
    bins = int(np.ceil(KEPT_S / bin_s))
    memory = Memory(np.zeros((1, bins)), np.zeros(1), np.zeros((1, 2)), np.zeros(2, np.int64))
    _fill(memory, arrivals, cuts, horizon_s, bin_s, np.empty(bins + 1), features, target)


@njit(nogil=True, cache=True)
def _fill(memory, arrivals, cuts, horizon_s, bin_s, sums, features, target):  # type: ignore[no-untyped-def]
    wide = max(1, round(PEAK_S / bin_s))
    kept = memory.counts.shape[1]
    for n in range(len(cuts)):
        known = min(kept, cuts[n])
        memory.counts[0, :known] = arrivals[cuts[n] - known : cuts[n]]
        memory.at[0] = known % kept
        memory.at[1] = known
        level = describe(memory, 0, bin_s, horizon_s[n], sums, features[n])
        ahead = max(wide, int(np.ceil(horizon_s[n] / bin_s - 1e-9)))
        highest = 0.0
        for start in range(cuts[n], cuts[n] + ahead - wide + 1):
            highest = max(highest, arrivals[start : start + wide].sum())
        target[n] = np.log((highest + 0.5) / (wide * bin_s) / level)


def gather(
    seed: int, numbers: range, progress: Callable[[float, str], None] | None = None
) -> Examples:
    """The cuts of many paths, one after the other."""
    made = []
    for done, number in enumerate(numbers):
        made.append(examples(seed, number))
        if progress is not None and done % 50 == 0:
            progress(done / len(numbers), "Making workloads")
    return Examples(
        features=np.concatenate([e.features for e in made]),
        target=np.concatenate([e.target for e in made]),
    )
