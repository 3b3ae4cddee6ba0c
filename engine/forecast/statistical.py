"""Exponential smoothing and ARIMA: parameters by statsmodels, forecasts for many histories.

Orders are chosen once on the training part. A season is left out: it would have 288 steps of five
minutes, and both models are made for a dozen.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.forecast.base import UnfitError, normal_quantiles
from engine.forecast.gaps import filled
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.series import DemandSeries
from engine.units import FloatArray

FIT_STEPS = 1500
"""Latest steps that parameters are estimated from."""
LEAST_VALUES = 10
"""Of these, as many have a value at least; the others are filled in between them."""
MOST = 4
"""Highest order of either part."""
RUN_IN = 300
"""Latest steps of a history that the recursions run over."""


def _latest(train: DemandSeries) -> FloatArray:
    known = int(np.isfinite(train.values[-FIT_STEPS:]).sum())
    if known < LEAST_VALUES:
        raise UnfitError(
            f"the latest {FIT_STEPS} steps of the training part hold {known} values", train.name,
            "Use a trace with fewer gaps, or another model",
        )  # fmt: skip
    values: FloatArray = filled(train.values[None, -FIT_STEPS:])[0]
    if values.std() <= 1e-9 * max(1.0, abs(float(values.mean()))):
        raise UnfitError(
            "demand never changes in the training part", train.name,
            "Use persistence: it is exact here",
        )  # fmt: skip
    return values


@dataclass(frozen=True, slots=True)
class _Smoothing:
    alpha: float
    beta: float
    phi: float
    sigma: float


class ExponentialSmoothing:
    """Best of simple, trend and damped-trend smoothing with additive errors, by AICc."""

    name = "ets"

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Estimates the three and keeps the best."""
        from statsmodels.tools.sm_exceptions import ModelWarning
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        values = _latest(train)
        found: list[tuple[float, int, _Smoothing]] = []
        for trend, damped in ((None, False), ("add", False), ("add", True)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ModelWarning)
                warnings.simplefilter("ignore", RuntimeWarning)
                made = ETSModel(
                    values, error="add", trend=trend, damped_trend=damped
                ).fit(disp=False)  # fmt: skip
            known = dict(zip(made.model.param_names, made.params, strict=True))
            parameters = _Smoothing(
                alpha=float(known["smoothing_level"]),
                beta=float(known.get("smoothing_trend", 0.0)),
                phi=float(known.get("damping_trend", 1.0)) if trend else 0.0,
                sigma=float(np.sqrt(made.sse / len(values))),
            )
            found.append((float(made.aicc), len(found), parameters))
        self._chosen = min(found)[2]
        self._horizons = tuple(horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Estimates again."""
        self.fit(known, self._horizons)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q); variance of class 1 of Hyndman et al. (2008), table 6.1."""
        p = self._chosen
        demand = filled(histories.demand)[:, -RUN_IN:]
        level, slope = _smoothed(demand, p)
        ahead = steps_ahead(horizons_s, histories.step_s)
        powers = np.cumsum(p.phi ** np.arange(1, int(ahead.max()) + 1))
        mean = level[:, None] + slope[:, None] * powers[ahead - 1]
        # psi weights: c_j = alpha + beta·(phi + phi² + … + phi^j)
        weights = p.alpha + p.beta * powers
        variance = np.concatenate([[1.0], 1.0 + np.cumsum(weights**2)])[ahead - 1]
        deviation = p.sigma * np.sqrt(variance)
        return normal_quantiles(mean, np.broadcast_to(deviation, mean.shape), levels)


def _smoothed(rows: FloatArray, p: _Smoothing) -> tuple[FloatArray, FloatArray]:
    """(B,) level and slope after each row, from the start that leaves the least squared errors.

    Errors are linear in the start, whose weight matters where little is learned from each value.
    """
    level, slope = np.zeros(len(rows)), np.zeros(len(rows))
    effect = np.eye(2)  # of the start on level and slope by now
    onward = np.array(
        [[1 - p.alpha, p.phi * (1 - p.alpha)], [-p.beta, p.phi * (1 - p.beta)]]
    )  # fmt: skip
    errors, design = np.empty(rows.shape), np.empty((rows.shape[1], 2))
    for step in range(rows.shape[1]):
        design[step] = effect[0] + p.phi * effect[1]
        errors[:, step] = rows[:, step] - level - p.phi * slope
        level = level + p.phi * slope + p.alpha * errors[:, step]
        slope = p.phi * slope + p.beta * errors[:, step]
        effect = onward @ effect
    start = np.linalg.lstsq(design, errors.T, rcond=1e-8)[0]  # (2, B)
    added = effect @ start
    return level + added[0], slope + added[1]


@dataclass(frozen=True, slots=True)
class _Arma:
    """An ARMA model of demand differenced `d` times, in deviations from `mean`."""

    d: int
    ar: FloatArray
    ma: FloatArray
    mean: float
    sigma: float


class AutoArima:
    """ARIMA whose orders are searched stepwise by AICc (Hyndman and Khandakar 2008)."""

    name = "arima"

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Chooses orders and estimates parameters."""
        values = _latest(train)
        scale = float(values.std())
        d = _differences(values)
        best = _searched(values / scale, d)
        self._chosen = _Arma(
            d=d, ar=best.ar, ma=best.ma, mean=best.mean * scale, sigma=best.sigma * scale
        )
        self._horizons = tuple(horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Searches again."""
        self.fit(known, self._horizons)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q), normal, with the variance of the psi weights."""
        arma, ahead = self._chosen, steps_ahead(horizons_s, histories.step_s)
        demand = filled(histories.demand)[:, -RUN_IN:]
        mean = _forecast(demand, arma, int(ahead.max()))
        variance = np.cumsum(_psi(arma, int(ahead.max())) ** 2)
        deviation = arma.sigma * np.sqrt(variance[ahead - 1])
        picked = mean[:, ahead - 1]
        return normal_quantiles(picked, np.broadcast_to(deviation, picked.shape), levels)


def _differences(values: FloatArray) -> int:
    """1 where the test of Kwiatkowski et al. (1992) rejects a level that stays, else 0."""
    from statsmodels.tsa.stattools import kpss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # p values beyond the table are cut to its ends
        return int(kpss(values, regression="c", nlags="auto")[1] < 0.05)


def _searched(values: FloatArray, d: int) -> _Arma:
    """The best orders by AICc of least-squares estimates, then their maximum likelihood."""
    level = np.diff(values, d)
    level = level - (level.mean() if d == 0 else 0.0)  # differences have no drift
    tried: dict[tuple[int, int], float] = {}

    def aicc(order: tuple[int, int]) -> float:
        if order not in tried:
            tried[order] = _aicc(level, order)
        return tried[order]

    best = min(((2, 2), (0, 0), (1, 0), (0, 1), (1, 1)), key=aicc)
    while True:
        around = [
            (best[0] + i, best[1] + j)
            for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1))
            if 0 <= best[0] + i <= MOST and 0 <= best[1] + j <= MOST
        ]
        near = min(around, key=aicc)
        if aicc(near) >= aicc(best):
            return _estimated(level, best, d, float(values.mean()) if d == 0 else 0.0)
        best = near


def _aicc(level: FloatArray, order: tuple[int, int]) -> float:
    """From the regression of Hannan and Rissanen (1982); inf where it is not stable."""
    from statsmodels.tools.sm_exceptions import ModelWarning
    from statsmodels.tsa.arima.estimators.hannan_rissanen import hannan_rissanen

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ModelWarning)  # long gaps are straight lines here
            found, _ = hannan_rissanen(level, ar_order=order[0], ma_order=order[1], demean=False)
    except (ValueError, np.linalg.LinAlgError):
        return np.inf
    if not (found.is_stationary and found.is_invertible):
        return np.inf
    size, count = len(level), sum(order) + 2
    penalty = 2 * count * size / max(size - count - 1, 1)
    return float(size * np.log(max(found.sigma2, 1e-300)) + penalty)


def _estimated(level: FloatArray, order: tuple[int, int], d: int, mean: float) -> _Arma:
    from statsmodels.tsa.arima.estimators.hannan_rissanen import hannan_rissanen
    from statsmodels.tsa.arima.estimators.innovations import innovations_mle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimizer's word on convergence: the start is kept
        start, _ = hannan_rissanen(level, ar_order=order[0], ma_order=order[1], demean=False)
        try:
            found, _ = innovations_mle(
                level, order=(order[0], 0, order[1]), demean=False, start_params=start.params,
                minimize_kwargs={"options": {"maxiter": 50}},
            )  # fmt: skip
        except (ValueError, np.linalg.LinAlgError):
            found = start
    if not np.isfinite(found.params).all():
        found = start
    return _Arma(
        d=d, ar=np.asarray(found.ar_params, np.float64),
        ma=np.asarray(found.ma_params, np.float64), mean=mean,
        sigma=float(np.sqrt(found.sigma2)),
    )  # fmt: skip


def _forecast(demand: FloatArray, arma: _Arma, longest: int) -> FloatArray:
    """(B, longest) conditional means."""
    series = [demand]
    for _ in range(arma.d):
        series.append(np.diff(series[-1], axis=1))
    level = series[-1] - arma.mean
    p, q, size = len(arma.ar), len(arma.ma), level.shape[1]
    values = np.concatenate([level, np.zeros((len(level), longest))], 1)
    errors = np.zeros_like(values)
    for step in range(size + longest):
        expected = np.zeros(len(level))
        for lag in range(1, min(p, step) + 1):
            expected += arma.ar[lag - 1] * values[:, step - lag]
        for lag in range(1, min(q, step) + 1):
            expected += arma.ma[lag - 1] * errors[:, step - lag]
        if step < size:
            errors[:, step] = values[:, step] - expected if step >= p else 0.0
        else:
            values[:, step] = expected
    made = values[:, size:] + arma.mean
    for before in reversed(series[:-1]):
        made = before[:, -1:] + np.cumsum(made, 1)
    return made


def _psi(arma: _Arma, longest: int) -> FloatArray:
    """(longest,) weights of past errors in the undifferenced forecast, the first is 1."""
    ar = np.concatenate([[1.0], -arma.ar])
    for _ in range(arma.d):
        ar = np.convolve(ar, [1.0, -1.0])
    psi = np.zeros(longest)
    psi[0] = 1.0
    for step in range(1, longest):
        known = arma.ma[step - 1] if step <= len(arma.ma) else 0.0
        reach = min(step, len(ar) - 1)
        psi[step] = known - ar[1 : reach + 1] @ psi[step - reach : step][::-1]
    return psi
