"""How alike two workloads are, so that a fine-tuning begins from the most similar known one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.learn.adapt_cells import OwnPool
from engine.learn.cells import episode
from engine.units import FloatArray

SCALES: Mapping[str, float] = {
    "log rate": 2.0,
    "bursts in 15 s": 0.3,
    "bursts in a minute": 0.3,
    "swings in 15 minutes": 0.3,
    "log peak minute over mean": 0.5,
    "log service time": 0.7,
    "log slots per worker": 0.7,
}
"""What a workload is described by, and a difference that counts as one. Logarithms are natural;
bursts and swings are coefficients of variation of counts beyond chance. Ours."""
MIXTURE_SEED, MIXTURE_CELLS = 8, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A trained allocator and the workloads that it knows."""

    name: str
    folder: str
    """Of its checkpoint; empty: the shipped one."""
    workloads: tuple[tuple[float, ...], ...]
    """Numbers in the order of SCALES."""


def described(counts: FloatArray, service_s: float, slots: float) -> tuple[float, ...]:
    """A workload in numbers, in the order of SCALES.

    Args:
        counts: (seconds,) arrivals in each second.
        service_s: mean seconds of service.
        slots: per worker.
    """
    mean = max(float(counts.mean()), 1e-6)
    minutes = _sums(counts, 60) / 60.0
    return (
        float(np.log(mean)), _beyond_chance(counts, 15), _beyond_chance(counts, 60),
        _beyond_chance(counts, 900), float(np.log(max(minutes.max(), 1e-9) / mean)),
        float(np.log(service_s)), float(np.log(slots)),
    )  # fmt: skip


def described_pools(pools: Sequence[OwnPool], until_s: float) -> tuple[tuple[float, ...], ...]:
    """The pools of a trace in numbers, from what arrived before a moment."""
    made = []
    for pool in pools:
        known = pool.arrival_s < until_s
        seconds = np.bincount(pool.arrival_s[known].astype(np.int64), minlength=int(until_s))
        service_s = float(pool.work_s[known].mean()) if known.any() else 1.0
        made.append(described(seconds.astype(np.float64), service_s, pool.parameters.slots))
    return tuple(made)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Root of the mean of squared differences, each over its scale."""
    apart = (np.array(one) - np.array(other)) / np.array(list(SCALES.values()))
    return float(np.sqrt((apart**2).mean()))


def nearest(
    workloads: Sequence[Sequence[float]], known: Sequence[Known]
) -> tuple[Known, dict[str, float]]:
    """The allocator that knows the most similar workloads, and the distance of each.

    The distance of an allocator is the mean, over the pools, of that to the nearest workload it
    knows. Equally far ones: the first.
    """
    apart = {
        each.name: float(np.mean([min(distance(w, k) for k in each.workloads) for w in workloads]))
        for each in known
    }
    return min(known, key=lambda each: apart[each.name]), apart


@cache
def mixture() -> Known:
    """What the shipped allocator knows: pools drawn from the mixture that it was trained on."""
    drawn = episode(MIXTURE_SEED, 0, MIXTURE_CELLS)
    return Known(
        name="shipped", folder="",
        workloads=tuple(
            described(counts, float(service_s), float(facts[0]))
            for counts, service_s, facts in zip(
                drawn.counts, drawn.service_s, drawn.facts, strict=True
            )
        ),
    )  # fmt: skip


def _sums(counts: FloatArray, seconds: int) -> FloatArray:
    whole = max(1, len(counts) // seconds)
    made: FloatArray = np.resize(counts, whole * seconds).reshape(whole, seconds).sum(1)
    return made


def _beyond_chance(counts: FloatArray, seconds: int) -> float:
    """Coefficient of variation of counts over so many seconds, less that of a Poisson process."""
    sums = _sums(counts, seconds)
    mean = max(float(sums.mean()), 1e-6)
    return float(np.sqrt(max(float(sums.var()) - mean, 0.0)) / mean)
