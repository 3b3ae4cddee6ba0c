"""The mean wait of a queue as the kernel simulates it, with an honest standard error.

One long run in batches that continue each other: what is still in the queue when a batch's last
request arrives enters the next batch first. Batches are so much longer than the queue's memory
that their means are independent; the first one, which starts empty, is thrown away.

Control variates make the standard error smaller: averages of the *inputs* whose means are known.
When a batch by chance drew longer work than it should, its wait is corrected by what regression
says such luck is worth. As controls do not look at the simulator, they cannot hide a fault of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.stats import t as student

from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.parameters import PoolParameters
from engine.sim.state import make_state
from tests.reference.queueing import lindley, mean_wait_mg1

Draw = Callable[[np.random.Generator, int], np.ndarray]
MEMORIES = (0.2, 2.0)  # of the smoothed drift, in units of 1 / (1 - rho)²; found by trial


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Of a mean."""

    mean: float
    error: float
    """Standard error."""
    freedom: int
    """Degrees of freedom of the standard error."""

    def half_width(self, confidence: float) -> float:
        """Half the width of the confidence interval."""
        return self.error * float(student.ppf((1.0 + confidence) / 2.0, self.freedom))


@dataclass(frozen=True, kw_only=True)
class Station:
    """Poisson arrivals at one queue; work has mean 1, time is in units of it."""

    rho: float
    pool: PoolParameters
    work: Draw
    scv: float
    """Squared coefficient of variation of the work."""

    @property
    def servers(self) -> int:
        return self.pool.workers_initial * self.pool.slots

    @property
    def gap_s(self) -> float:
        return 1.0 / (self.rho * self.servers)


def mean_wait(station: Station, *, batches: int, size: int, seed: int) -> Estimate:
    """The mean wait over `batches` batches of `size` requests."""
    rng = np.random.default_rng(seed)
    smooth = _Drift(station) if station.servers == 1 else _SingleServer(station)
    held, waits, controls = np.empty(0), [], []
    for _ in range(batches + 1):
        gap_s = rng.exponential(station.gap_s, size)
        work_s = station.work(rng, size)
        wait_s, held = simulate(station, gap_s, work_s, held)
        waits.append(wait_s)
        controls.append(luck(station, gap_s, work_s) + smooth(gap_s, work_s))
    return regress(np.array(waits[1:]), np.array(controls[1:]))


def luck(station: Station, gap_s: np.ndarray, work_s: np.ndarray) -> list[float]:
    """By how much the first moments of the gaps, and two moments of the work, are off."""
    gap = float(gap_s.mean()) - station.gap_s
    if station.scv == 0.0:
        return [gap]
    square = float(np.square(work_s).mean()) - (1.0 + station.scv)
    return [gap, float(work_s.mean()) - 1.0, square]


def regress(values: np.ndarray, controls: np.ndarray) -> Estimate:
    """The mean of `values` (B,) where the `controls` (B, C) are at their mean, which is 0."""
    scaled = controls / np.abs(controls).max(axis=0)
    design = np.column_stack((np.ones(len(values)), scaled))
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ design.T @ values
    rest = values - design @ weights
    freedom = len(values) - design.shape[1]
    error = math.sqrt(rest @ rest / freedom * inverse[0, 0])
    return Estimate(mean=float(weights[0]), error=error, freedom=freedom)


def simulate(
    station: Station, gap_s: np.ndarray, work_s: np.ndarray, held: np.ndarray
) -> tuple[float, np.ndarray]:
    """The mean wait of these requests, and the work left when the last one arrived.

    Args:
        station: the queue.
        gap_s: (n,) time before each arrival.
        work_s: (n,) service times.
        held: (h,) work that is in the queue at time 0, in the order in which it started.
    """
    arrival_s = np.concatenate((np.zeros(len(held)), np.cumsum(gap_s)))
    arrivals = make_requests(arrival_s, np.concatenate((held, work_s)))
    state = make_state(arrivals, (station.pool,))
    kernel.advance(state, math.inf)
    start_s, end_s = state.outcomes["start_s"], state.outcomes["end_s"]
    wait_s = float((start_s[len(held) :] - arrival_s[len(held) :]).mean())
    left = np.flatnonzero(end_s > arrival_s[-1])
    left = left[np.argsort(start_s[left], kind="stable")]
    return wait_s, end_s[left] - np.maximum(start_s[left], arrival_s[-1])


class _Drift:
    """Controls of a single server: squares of the drift, work minus gap, smoothed over time.

    With Y' = decay Y + drift, the mean of Y² is the variance of the drift / (1 - decay²).
    """

    def __init__(self, station: Station) -> None:
        self.mean = 1.0 - station.gap_s
        self.variance = station.scv + station.gap_s**2
        self.decays = [math.exp(-k * (1.0 - station.rho) ** 2) for k in MEMORIES]
        self.last = [np.zeros(1) for _ in MEMORIES]

    def __call__(self, gap_s: np.ndarray, work_s: np.ndarray) -> list[float]:
        drift, controls = work_s - gap_s - self.mean, []
        for i, decay in enumerate(self.decays):
            smoothed, self.last[i] = lfilter([1.0], [1.0, -decay], drift, zi=self.last[i])
            mean = self.variance / (1.0 - decay**2)
            controls.append(float(np.square(smoothed).mean() - mean))
        return controls


class _SingleServer:
    """Control of several servers: the wait at one that is as fast as all of them together."""

    def __init__(self, station: Station) -> None:
        self.servers = station.servers
        self.mean = mean_wait_mg1(station.rho, station.scv) / station.servers
        self.held = 0.0

    def __call__(self, gap_s: np.ndarray, work_s: np.ndarray) -> list[float]:
        gaps = np.concatenate(([0.0], gap_s))
        works = np.concatenate(([self.held], work_s / self.servers))
        waits = lindley(gaps, works)[1:]
        self.held = float(waits[-1] + works[-1])
        return [float(waits.mean() - self.mean)]
