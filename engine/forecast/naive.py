"""The two forecasts that everything must beat: as it was just now, as it was a season ago."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from engine.forecast.base import UnfitError, ordered
from engine.forecast.gaps import filled
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.series import DemandSeries
from engine.units import SECONDS_PER_DAY, FloatArray, IntArray

ERRORS_MAX = 4000
"""Past errors that quantiles are taken from."""


class _FromErrors(ABC):
    """A point forecast with the quantiles of its own errors in the training part."""

    name = ""

    def __init__(self) -> None:
        self._errors: dict[int, FloatArray] = {}

    @abstractmethod
    def _point(self, demand: FloatArray, ahead: IntArray) -> FloatArray:
        """(B, H) demand in the steps that are forecast."""

    def _learn(
        self, values: FloatArray, ahead: IntArray, past: Callable[[IntArray, int], IntArray]
    ) -> None:
        """Errors by horizon, from places `past(targets, ahead)` of the same series."""
        for steps in map(int, ahead):
            targets = np.arange(len(values))
            source = past(targets, steps)
            inside = source >= 0
            errors = values[targets[inside]] - values[source[inside]]
            self._errors[steps] = errors[np.isfinite(errors)][-ERRORS_MAX:]

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q)."""
        ahead = steps_ahead(horizons_s, histories.step_s)
        point = self._point(filled(histories.demand), ahead)
        spread = np.stack([np.quantile(self._known(int(steps)), levels) for steps in ahead])
        return ordered(point[..., None] + spread)

    def _known(self, steps: int) -> FloatArray:
        """Errors at a horizon; of the nearest one learnt where it is another."""
        errors = self._errors.get(steps)
        if errors is None or not len(errors):
            known = [other for other, found in self._errors.items() if len(found)]
            if not known:
                return np.zeros(1)
            errors = self._errors[min(known, key=lambda other: abs(other - steps))]
        return errors


class Persistence(_FromErrors):
    """Demand stays as it was in the last step."""

    name = "persistence"

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Takes the errors over each horizon."""
        ahead = steps_ahead(horizons_s, train.step_s)
        self._learn(train.values, ahead, lambda targets, steps: targets - steps)
        self._horizons = tuple(horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Takes the errors again."""
        self.fit(known, self._horizons)

    def _point(self, demand: FloatArray, ahead: IntArray) -> FloatArray:
        return np.repeat(demand[:, -1:], len(ahead), 1)


class SeasonalNaive(_FromErrors):
    """Demand is as it was a day before, or a week before where that was nearer in training."""

    name = "seasonal-naive"

    def __init__(self) -> None:
        super().__init__()
        self._season = 0

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Chooses day or week, and takes its errors."""
        ahead = steps_ahead(horizons_s, train.step_s)
        self._season = season(train)
        self._learn(
            train.values, ahead,
            lambda targets, steps: targets - self._season * -(-steps // self._season),
        )  # fmt: skip
        self._horizons = tuple(horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Chooses again."""
        self.fit(known, self._horizons)

    def _point(self, demand: FloatArray, ahead: IntArray) -> FloatArray:
        back = ahead - self._season * -(-ahead // self._season)  # ≤ 0: steps after the cut-off
        at = demand.shape[1] - 1 + back
        return demand[:, np.maximum(at, 0)]


def season(train: DemandSeries) -> int:
    """Steps of the season that repeats best: a day or a week.

    Raises:
        UnfitError: the training part holds less than a day and a half.
    """
    day = round(SECONDS_PER_DAY / train.step_s)
    values, errors = train.values, {}
    for steps in (day, 7 * day):
        if 1 < steps <= len(values) * 2 / 3:
            gap = np.abs(values[steps:] - values[:-steps])
            if np.isfinite(gap).any():
                errors[steps] = float(np.nanmean(gap))
    if not errors:
        raise UnfitError(
            "the training part holds less than a day and a half", train.name,
            "Use a longer trace, or another model",
        )  # fmt: skip
    return min(errors, key=errors.__getitem__)
