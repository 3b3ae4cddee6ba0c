"""Shapes of synthetic demand: each kind gives a rate over time, relative to its own mean.

`engine.trace.synth` scales the shape to the mean rate that was asked for and draws arrivals.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.errors import ScenarioError
from engine.units import SECONDS_PER_DAY, FloatArray


def within(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuses an option outside `low <= value <= high`.

    Raises:
        ScenarioError: names the option, the value and the range.
    """
    if not low <= value <= high:
        span = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
        raise ScenarioError(
            f"{name} is {value:g}", f"option {name}", f"Use {span} {unit}".rstrip()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diurnal:
    """A sine wave over the day, on every day alike."""

    peak_to_trough: float = 5.0
    """Highest ÷ lowest rate."""
    day_s: float = SECONDS_PER_DAY
    """Length of the day; shorter days make short demonstrations."""
    peak_at_s: float = 15 * 3600.0
    """When the first peak comes, seconds since the trace's start."""

    def __post_init__(self) -> None:
        within("peak_to_trough", self.peak_to_trough, 1, 1000)
        within("day_s", self.day_s, 60, 366 * SECONDS_PER_DAY, "seconds")
        within("peak_at_s", self.peak_at_s, 0, 366 * SECONDS_PER_DAY, "seconds")

    def rate(self, t_s: FloatArray, _duration_s: float, _rng: np.random.Generator) -> FloatArray:
        """1 + a·cos(2π(t − peak) ÷ day), a = (peak_to_trough − 1) ÷ (peak_to_trough + 1)."""
        swing = (self.peak_to_trough - 1) / (self.peak_to_trough + 1)
        return 1 + swing * np.cos(2 * math.pi * (t_s - self.peak_at_s) / self.day_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashCrowd:
    """A steady rate, and crowds that arrive within seconds and stay for minutes."""

    flash_factor: float = 10.0
    """Rate at the height of a crowd ÷ rate outside of crowds."""
    ramp_s: float = 30.0
    """Seconds from the steady rate to the height, linear."""
    hold_s: float = 300.0
    """Seconds at the height."""
    decay_s: float = 120.0
    """Seconds back to the steady rate, linear."""
    flashes: int = 1
    first_at_s: float | None = None
    """When the first crowd begins. None: crowds begin at 40 % of equal parts of the trace."""

    def __post_init__(self) -> None:
        within("flash_factor", self.flash_factor, 1, 1000)
        within("ramp_s", self.ramp_s, 10, 120, "seconds")
        within("hold_s", self.hold_s, 0, 3600, "seconds")
        within("decay_s", self.decay_s, 1, 3600, "seconds")
        within("flashes", self.flashes, 1, 100)
        if self.first_at_s is not None:
            within("first_at_s", self.first_at_s, 0, math.inf, "seconds")

    def rate(self, t_s: FloatArray, duration_s: float, _rng: np.random.Generator) -> FloatArray:
        """1 outside of crowds, a trapezium up to `flash_factor` during each."""
        part_s = duration_s / self.flashes
        first_s = 0.4 * part_s if self.first_at_s is None else self.first_at_s
        length_s = self.ramp_s + self.hold_s + self.decay_s
        if first_s + (self.flashes - 1) * part_s + length_s > duration_s or length_s > part_s:
            raise ScenarioError(
                f"{self.flashes} crowds of {length_s:g} s, the first at {first_s:g} s, do not fit "
                f"into {duration_s:g} s",
                "options flashes, first_at_s, ramp_s, hold_s, decay_s",
                "Make the trace longer, or the crowds fewer, shorter or earlier",
            )
        since_s = np.where(t_s < first_s, -1.0, np.mod(t_s - first_s, part_s))
        corners_s = np.cumsum([0.0, self.ramp_s, self.hold_s, self.decay_s])
        height = np.interp(since_s, corners_s, [0.0, 1.0, 1.0, 0.0])
        return 1 + (self.flash_factor - 1) * height


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The same growth in every minute."""

    growth_factor: float = 4.0
    """Rate at the end ÷ rate at the start; below 1 demand shrinks."""

    def __post_init__(self) -> None:
        within("growth_factor", self.growth_factor, 0.001, 1000)

    def rate(self, t_s: FloatArray, duration_s: float, _rng: np.random.Generator) -> FloatArray:
        """growth_factor ^ (t ÷ duration)."""
        return np.power(self.growth_factor, t_s / duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursty:
    """A Markov-modulated Poisson process of four states, from calm to hot.

    Rates and mean sojourns of the states are geometric series; each sojourn is exponential and
    is followed by any of the other three states with the same chance.
    """

    hot_to_calm: float = 15.0
    """Rate of the hottest state ÷ rate of the calmest."""
    calm_s: float = 480.0
    """Mean sojourn in the calmest state."""
    hot_s: float = 60.0
    """Mean sojourn in the hottest state."""

    def __post_init__(self) -> None:
        within("hot_to_calm", self.hot_to_calm, 1, 1000)
        within("calm_s", self.calm_s, 60, 480, "seconds")
        within("hot_s", self.hot_s, 60, 480, "seconds")

    def rate(self, t_s: FloatArray, duration_s: float, rng: np.random.Generator) -> FloatArray:
        """A random path of the four states."""
        rates: FloatArray = np.geomspace(1.0, self.hot_to_calm, 4)
        sojourns_s = np.geomspace(self.calm_s, self.hot_s, 4)
        # Enough sojourns to fill the trace in all but absurdly rare cases; the last one is
        # stretched in those.
        most = int(2 * duration_s / sojourns_s.min()) + 50
        steps = np.concatenate([rng.integers(0, 4, 1), rng.integers(1, 4, most - 1)])
        states = np.cumsum(steps) % 4
        ends_s = np.cumsum(rng.exponential(sojourns_s[states]))
        at = np.minimum(np.searchsorted(ends_s, t_s, side="right"), most - 1)
        path: FloatArray = rates[states[at]]
        return path


Shape = Diurnal | FlashCrowd | Growth | Bursty
