"""What every forecaster is: fitted to a training part, asked at cut-offs, kept up to date."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.special import ndtri

from engine.errors import UsageError
from engine.forecast.histories import Histories
from engine.forecast.series import DemandSeries
from engine.units import FloatArray, IntArray

HORIZONS_S = (30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""How far ahead the product forecasts, seconds."""


class UnfitError(UsageError):
    """A model that cannot forecast this series; the message says why."""


class Says(Protocol):
    """What can be asked for quantiles."""

    name: str
    """As in `registry.MODELS`."""

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q) quantiles of demand in the steps that hold each horizon, sorted, ≥ 0."""


class Model(Says, Protocol):
    """A quantile forecaster of one series."""

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Learns from the training part.

        Raises:
            UnfitError: the series is too short, or has no season, for this model.
        """

    def update(self, known: DemandSeries) -> None:
        """Learns again, with everything that has come until now."""


def ordered(quantiles: FloatArray) -> FloatArray:
    """The same, sorted along the last axis and ≥ 0; finite, whatever a library gave."""
    made: FloatArray = np.maximum(np.sort(quantiles, axis=-1), 0.0)
    return made


def normal_quantiles(
    mean: FloatArray, deviation: FloatArray, levels: Sequence[float]
) -> FloatArray:
    """(..., Q) quantiles of normal distributions, cut off at 0."""
    score = ndtri(np.asarray(levels, np.float64))
    made: FloatArray = np.maximum(mean[..., None] + deviation[..., None] * score, 0.0)
    return made


def training_cuts(size: int, least: int, longest: int, most: int) -> IntArray:
    """Cut-offs within a training part whose targets lie in it, evenly spaced."""
    last = size - longest
    if last < least:
        return np.empty(0, np.int64)
    cuts: IntArray = np.unique(np.linspace(least, last, most).astype(np.int64))
    return cuts
