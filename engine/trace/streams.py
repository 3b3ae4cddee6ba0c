"""Seeded random streams and time rounding that every generator of traces shares."""

import numpy as np

from engine.errors import ScenarioError
from engine.units import FloatArray

MICROSECOND_S = 1e-6


def stream(seed: int, *purpose: int) -> np.random.Generator:
    """A stream of its own for one purpose, independent of what other purposes draw.

    Raises:
        ScenarioError: a seed below 0.
    """
    if seed < 0:
        raise ScenarioError(f"the seed is {seed}", "seed", "Use a whole number of 0 or more")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=purpose)))


def whole_microseconds(time_s: FloatArray) -> FloatArray:
    """Times rounded to microseconds: what a text file holds in full."""
    return np.round(time_s, 6)
