"""Token lengths of synthetic chat traffic, and the kind of fit that all synthetic lengths use."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from engine.units import FloatArray, IntArray

_EDGE = 4.0  # standard deviations at which a fit ends: 1 draw in 30,000 lies beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileFit:
    """A piecewise lognormal distribution through published quantiles.

    ln x is a piecewise linear function of a standard normal z: with two quantiles that is a
    lognormal distribution, with more each published quantile is met exactly.
    """

    shares: tuple[float, ...]
    values: tuple[float, ...]
    """Quantile at each share, increasing."""
    lowest: float
    highest: float
    """Ends of the distribution."""

    def at(self, z: FloatArray) -> IntArray:
        """The whole values that belong to standard normal `z`, in [lowest, highest]."""
        knots = np.concatenate([[-_EDGE], ndtri(self.shares), [_EDGE]])
        log_values = np.log([self.lowest, *self.values, self.highest])
        return np.round(np.exp(np.interp(z, knots, log_values))).astype(np.int64)

    def draw(self, size: int, rng: np.random.Generator) -> IntArray:
        """(size,) independent whole values."""
        return self.at(rng.standard_normal(size))


CHAT_INPUT = QuantileFit(
    shares=(0.1, 0.5, 0.9, 0.99), values=(207, 1020, 2735, 4142), lowest=2, highest=14050
)
"""Prompt tokens of the Azure LLM inference trace 2023, conversation service (Patel et al.,
"Splitwise", ISCA 2024): p50, p90, p99 and maximum as published with the trace, p10 and minimum
measured on its rows. Prompt and output are nearly uncorrelated there (-0.11), so we draw them
independently."""
CHAT_OUTPUT = QuantileFit(
    shares=(0.1, 0.5, 0.9, 0.99), values=(54, 129, 424, 601), lowest=7, highest=1000
)
"""Output tokens of the same trace."""
