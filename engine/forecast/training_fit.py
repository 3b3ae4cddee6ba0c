"""Fit to this trace: fine-tunes a forecaster on one trace, and keeps it only if it got better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.forecast.gaps import filled
from engine.forecast.histories import steps_ahead
from engine.forecast.neural import NeuralForecaster
from engine.forecast.training import OnProgress, reporter, to_batch
from engine.forecast.training_data import HORIZONS_S, Examples, Workload, cut
from engine.units import BoolArray, FloatArray, IntArray

LEAST_STEPS = 120
VALID_SHARE = 0.15 / 0.85
"""Of the part before the test part: 70/15/15 as a whole."""
_LENGTHS = (40, 160)
_WINDOWS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class FitToTrace:
    """What fine-tuning gave."""

    forecaster: NeuralForecaster
    """Never worse on the validation part than what it started from."""
    before: float
    """Weighted pinball on the validation part, relative to persistence's error."""
    after: float
    epochs: int
    stopped: str
    """"done", "early" or "cancelled"."""


def fit_to_trace(
    forecaster: NeuralForecaster,
    demand: FloatArray,
    step_s: float,
    start_s: float,
    *,
    epochs: int = 20,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FitToTrace:
    """Fine-tunes a copy on the earlier part of `demand`, stops early on the later part.

    Horizons over an eighth of the steps are left out.

    Args:
        forecaster: stays as it is.
        demand: (T,) per step, without the part kept for tests; NaN is a gap, which is read as a
            straight line and never learned to forecast.
        step_s: seconds of a step.
        start_s: seconds after a Monday's midnight at which the first step begins.
        epochs: at most.
        seed: of the order of examples.
        on_progress: told after each epoch.
        cancelled: asked after each epoch.

    Raises:
        UsageError: fewer steps than windows and horizons need, or no demand in them.
    """
    from models.fit import FitOptions, fit

    known = np.isfinite(demand)
    series = Workload(demand=filled(demand[None])[0], step_s=step_s, start_s=start_s)
    ahead = np.unique(steps_ahead(HORIZONS_S, step_s))
    ahead = ahead[ahead <= max(1, len(demand) // 8)]  # others keep what the network knew of them
    early, late = _split(series, ahead, known)
    tuned = forecaster.copy()
    options = FitOptions(
        epochs=epochs, rate=4e-4, batch=256, patience=4, seed=seed, device=forecaster.device
    )
    fitted = fit(
        tuned.model, to_batch(early), to_batch(late), options, reporter(on_progress, cancelled)
    )
    return FitToTrace(
        forecaster=tuned, before=fitted.before, after=fitted.after,
        epochs=len(fitted.curve), stopped=fitted.stopped,
    )  # fmt: skip


def _split(
    series: Workload, ahead: IntArray, known: BoolArray
) -> tuple[list[Examples], list[Examples]]:
    """Windows whose targets end before a gap, and windows whose targets begin after it."""
    size, longest = len(series.demand), int(ahead.max())
    border = round(size * (1 - VALID_SHARE))
    if size < LEAST_STEPS:
        raise UsageError(
            f"the trace has {size} steps before its test part", "fit to this trace",
            f"Use a trace of at least {LEAST_STEPS} steps, or shorter steps",
        )  # fmt: skip
    day = round(86400 / series.step_s)
    wanted = [*_LENGTHS, day + 300, 7 * day + 300]
    lengths = [n for n in wanted if n < border - 2 * longest] or [_LENGTHS[0]]
    return (
        [_windows(series, n, n, border - longest, ahead, known) for n in lengths],
        [_windows(series, lengths[-1], border, size - longest, ahead, known)],
    )


def _windows(
    series: Workload, length: int, start: int, stop: int, ahead: IntArray, known: BoolArray
) -> Examples:
    cuts = np.arange(start, stop + 1, max(1, (stop - start) // _WINDOWS))
    return cut(series, cuts, length, ahead, known=known)
