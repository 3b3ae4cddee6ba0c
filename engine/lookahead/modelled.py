"""A forecaster of `engine.forecast` inside a replay: asked at evaluations, calibrated meanwhile.

It counts arrivals in steps of half a minute that end now, whatever the time between evaluations,
so nothing at or after the evaluation is read. Torch is imported when the network is first asked.
"""

import hashlib
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from engine.forecast.base import Model, UnfitError
from engine.forecast.histories import Histories
from engine.forecast.neural import SHIPPED, NeuralForecaster
from engine.forecast.neural_encode import WINDOW
from engine.forecast.online import OnlineCalibration
from engine.forecast.registry import find
from engine.forecast.series import LEAST_STEPS, DemandSeries
from engine.lookahead.features import PEAK_S
from engine.units import FloatArray

NETWORK = "bilstm"
MODELS = (NETWORK, "persistence", "ets")
"""Those that are quick enough to be asked at each evaluation."""
GROWTH = 1.1
"""A model without a network is fitted anew when so much more is known."""
NO_CALENDAR = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a forecaster says of P pools."""

    horizons_s: FloatArray
    """(H,)"""
    levels: tuple[float, ...]
    """(Q,) increasing; the last is what capacity is planned for."""
    quantiles: FloatArray
    """(P, H, Q) requests/s, the mean over the half minute that ends with the horizon."""
    calibrated_on: int
    """Outcomes at the first horizon that the ends were moved by."""

    def until(self, horizon_s: FloatArray) -> FloatArray:
        """(P, Q) highest of the quantiles at horizons until (P,) seconds from now."""
        size = len(self.horizons_s)
        last = np.minimum(np.searchsorted(self.horizons_s, horizon_s - 1e-9), size - 1)
        reached = np.arange(size) <= last[:, None]
        highest: FloatArray = np.where(reached[..., None], self.quantiles, 0.0).max(1)
        return highest


class Modelled:
    """Remembers arrivals of P pools since the start of the replay, and forecasts them."""

    def __init__(
        self, name: str, pools: int, bin_s: float, until_s: Sequence[float], quantile: float
    ) -> None:
        """Nothing is remembered yet.

        Args:
            name: one of `MODELS`.
            pools: P.
            bin_s: seconds between evaluations.
            until_s: horizons that are needed; shorter ones come beside them.
            quantile: that is planned for, 0.5 to 0.99.
        """
        self.name, self._bins = name, _Steps(pools, bin_s)
        step_s = self._bins.step_s
        usual = [at for at in (30.0, 60.0, 120.0, 300.0, 900.0) if at <= max(until_s)]
        ahead = np.unique([max(1, math.ceil(at / step_s - 1e-9)) for at in (*usual, *until_s)])
        self._horizons_s = ahead * step_s
        self._levels = tuple(sorted({round(1.0 - quantile, 6), 0.5, quantile}))
        self._calibration = OnlineCalibration(
            pools, ahead * self._bins.per_step, low=self._levels[0], high=self._levels[-1]
        )
        self._says: _Network | _Fitted = _Network() if name == NETWORK else _Fitted(name, pools)

    def close(self, counts: FloatArray) -> None:
        """A bin ends: (P,) arrivals in it."""
        came = self._bins.close(counts)
        if came is not None:
            self._calibration.learn(self._bins.closed, came)

    def ask(self) -> Foreseen | None:
        """What is expected now; None while too little is known."""
        history = self._bins.history()
        said = None
        if history.shape[1] >= self._says.least:
            said = self._says.ask(history, self._bins.step_s, self._horizons_s, self._levels)
        if said is None:
            return None
        made = said
        if len(self._levels) > 1:
            made = self._calibration.say(self._bins.closed, said)
        return Foreseen(
            horizons_s=self._horizons_s, levels=self._levels, quantiles=made,
            calibrated_on=self._calibration.learnt,
        )  # fmt: skip


class _Steps:
    """Arrivals by step, for steps that end with any bin: one row of them for each offset."""

    def __init__(self, pools: int, bin_s: float) -> None:
        self.per_step, self.closed = max(1, round(PEAK_S / bin_s)), 0
        self.step_s = self.per_step * bin_s
        self._latest: deque[FloatArray] = deque(maxlen=self.per_step)
        self._rows = [np.zeros((pools, 64)) for _ in range(self.per_step)]
        self._sizes = [0] * self.per_step

    def close(self, counts: FloatArray) -> FloatArray | None:
        """(P,) mean rate over the step that ends now; None: it began before the replay."""
        self.closed += 1
        self._latest.append(counts)
        if len(self._latest) < self.per_step:
            return None
        came: FloatArray = np.sum(self._latest, 0) / self.step_s
        row = self.closed % self.per_step
        if self._sizes[row] == self._rows[row].shape[1]:
            self._rows[row] = np.concatenate([self._rows[row], np.zeros_like(self._rows[row])], 1)
        self._rows[row][:, self._sizes[row]] = came
        self._sizes[row] += 1
        return came

    def history(self) -> FloatArray:
        """(P, T) requests/s in whole steps until now, oldest first."""
        row = self.closed % self.per_step
        return self._rows[row][:, : self._sizes[row]]


class _Network:
    """The shipped network: all pools in one batch."""

    least = WINDOW

    def ask(
        self, history: FloatArray, step_s: float, horizons_s: FloatArray, levels: Sequence[float]
    ) -> FloatArray:
        """(P, H, Q)."""
        known = Histories(demand=history, step_s=step_s, end_s=NO_CALENDAR, checked=True)
        return network().predict_quantiles(known, horizons_s.tolist(), levels)


class _Fitted:
    """A model for each pool, fitted to all that is known whenever that is a tenth more."""

    least = LEAST_STEPS

    def __init__(self, name: str, pools: int) -> None:
        self._name, self._models = name, list[Model]()
        self._pools, self._fitted = pools, 0

    def ask(
        self, history: FloatArray, step_s: float, horizons_s: FloatArray, levels: Sequence[float]
    ) -> FloatArray | None:
        """(P, H, Q); None where a pool's demand cannot be fitted yet."""
        if history.shape[1] >= GROWTH * self._fitted:
            self._fit(history, step_s, horizons_s)
        if not self._models:
            return None
        made = [
            model.predict_quantiles(
                Histories(demand=rows[None], step_s=step_s, end_s=NO_CALENDAR, checked=True),
                horizons_s.tolist(), levels,
            )[0]
            for model, rows in zip(self._models, history, strict=True)
        ]  # fmt: skip
        return np.stack(made)

    def _fit(self, history: FloatArray, step_s: float, horizons_s: FloatArray) -> None:
        models = [find(self._name).make(0) for _ in range(self._pools)]
        self._fitted = history.shape[1]
        try:
            for model, rows in zip(models, history, strict=True):
                model.fit(
                    DemandSeries(
                        name="a pool", unit="requests/s", step_s=step_s, start_s=NO_CALENDAR,
                        values=rows.copy(),
                    ),
                    horizons_s.tolist(),
                )  # fmt: skip
        except UnfitError:
            return  # the former ones go on
        self._models = models


@cache
def network() -> NeuralForecaster:
    """The shipped network, read once. Raises CheckpointError."""
    return NeuralForecaster.load()


def version(name: str) -> str:
    """Of everything that decides what a model says: the code, and the network's weights."""
    folder = Path(__file__).resolve().parents[1] / "forecast"
    digest = hashlib.sha256(name.encode())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    if name == NETWORK:
        networks = folder.parents[1] / "models"
        for path in sorted((*networks.glob("*.py"), *SHIPPED.glob("*.safetensors"))):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
