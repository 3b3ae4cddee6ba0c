"""Prophet: a trend and seasons by the calendar (Taylor and Letham 2018)."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from engine.forecast.base import UnfitError, ordered
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.series import DemandSeries
from engine.units import SECONDS_PER_DAY, FloatArray

FIT_STEPS = 6000
LEAST_VALUES = 10
"""Steps with a value at least; the library itself takes no fewer than two."""
_MONDAY = pd.Timestamp("2024-01-01")
"""A Monday; only the time within the week matters."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the deprecation warnings of a library that is older than its pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _prophet() -> Any:
    """The class, without what its libraries tell of each fit."""
    from cmdstanpy.utils import get_logger
    from prophet import Prophet

    # Only now: both set the level themselves, at the import and when the log is first asked for.
    for log in (logging.getLogger("prophet"), get_logger()):
        log.setLevel(logging.ERROR)
    return Prophet


def _curve(model: Any, times: pd.DataFrame) -> FloatArray:
    with _quiet():
        curve: FloatArray = model.predict(times)["yhat"].to_numpy(np.float64)
    return curve


class Calendar:
    """Prophet, fitted to the training part; it does not see what came after."""

    name = "prophet"

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Fits trend and seasons.

        Raises:
            UnfitError: the training part holds less than two days, or too few values.
        """
        days = len(train.values) * train.step_s / SECONDS_PER_DAY
        if days < 2:
            raise UnfitError(
                "the training part holds less than two days", train.name,
                "Use a longer trace, or another model",
            )  # fmt: skip
        values = train.values[-FIT_STEPS:]
        known = int(np.isfinite(values).sum())
        if known < LEAST_VALUES:
            raise UnfitError(
                f"the latest {len(values)} steps of the training part hold {known} values",
                train.name, "Use a trace with fewer gaps, or another model",
            )  # fmt: skip
        start_s = 0.0 if np.isnan(train.start_s) else train.start_s
        self._zero = _MONDAY + pd.Timedelta(seconds=start_s)
        first = len(train.values) - len(values)
        frame = pd.DataFrame(
            {"ds": self._times(np.arange(first, len(train.values)), train.step_s)}
        )
        frame["y"] = values
        model = _prophet()(
            daily_seasonality=True, weekly_seasonality=bool(days >= 14), yearly_seasonality=False,
            interval_width=0.8, uncertainty_samples=300,
        )  # fmt: skip
        with _quiet():
            model.fit(frame, seed=0)
        model.uncertainty_samples = 0
        fitted = _curve(model, frame[["ds"]])
        self._errors = values - fitted
        self._errors = self._errors[np.isfinite(self._errors)]
        self._model, self._horizons = model, tuple(horizons_s)

    def _times(self, steps: np.typing.NDArray[np.int64], step_s: float) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self._zero + pd.to_timedelta(steps * step_s, unit="s"))

    def update(self, known: DemandSeries) -> None:
        """Fits again."""
        self.fit(known, self._horizons)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q): the fitted curve with the quantiles of its errors in training."""
        assert histories.cut is not None, "a calendar counts from the series' start"
        ahead = steps_ahead(horizons_s, histories.step_s)
        at = histories.cut[:, None] + ahead - 1
        steps, place = np.unique(at, return_inverse=True)
        frame = pd.DataFrame({"ds": self._times(steps, histories.step_s)})
        curve = _curve(self._model, frame)
        spread = np.quantile(self._errors, levels)
        return ordered(curve[place].reshape(at.shape)[..., None] + spread)
