"""The shipped forecaster fitted to one series: scored before and after, and kept."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.forecast.base import HORIZONS_S
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.neural import NeuralForecaster
from engine.forecast.neural_attention import Faithfulness, faithfulness
from engine.forecast.neural_inputs import lookback
from engine.forecast.scores import LEVELS, pinball
from engine.forecast.series import DemandSeries, overlap, split
from engine.units import FloatArray, IntArray

CUTS = 400
"""Cut-offs of the test part at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """What fitting the shipped forecaster to a trace gave."""

    before: float
    after: float
    """Weighted pinball on the part that stopped the fitting, over persistence's error."""
    test_before: float | None
    test_after: float | None
    """Mean pinball over horizons on the part it never saw, in the unit of demand, uncalibrated;
    None: nothing can be tested."""
    unit: str
    epochs: int
    stopped: str
    """"done" or "early"."""
    fitted_until_s: float
    """Seconds since the trace's start; demand after this was not used."""
    folder: Path | None = None
    """Where it is kept."""


def fit_series(
    series: DemandSeries,
    *,
    epochs: int = 20,
    seed: int = 0,
    on_progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[FitReport, NeuralForecaster]:
    """Fine-tunes a copy on the first 85 % of the steps; the rest says what that was worth.

    Raises:
        UsageError: too few steps, or odd settings.
        ReplayCancelled: `cancelled` said so.
        CheckpointError: the shipped forecaster cannot be loaded.
    """
    if epochs < 1 or seed < 0:
        raise UsageError(
            f"{epochs} epochs with the seed {seed}",
            "fit",
            "Use 1 epoch or more, 0 or more as seed",
        )
    shipped = NeuralForecaster.load()
    from engine.forecast.training_fit import fit_to_trace

    test = _test_part(series)
    fitted = fit_to_trace(
        shipped, series.values[: test.begins], series.step_s, series.start_s,
        epochs=epochs, seed=seed, on_progress=on_progress, cancelled=cancelled,
    )  # fmt: skip
    if fitted.stopped == "cancelled":
        raise ReplayCancelled(
            "the fitting was cancelled", series.name, "Start it again when you like"
        )
    report = FitReport(
        before=fitted.before, after=fitted.after, test_before=_loss(shipped, series, test),
        test_after=_loss(fitted.forecaster, series, test), unit=series.unit,
        epochs=fitted.epochs, stopped=fitted.stopped, fitted_until_s=test.begins * series.step_s,
    )  # fmt: skip
    return report, fitted.forecaster


def keep(
    forecaster: NeuralForecaster, report: FitReport, folder: Path, about: Mapping[str, Any]
) -> None:
    """Writes the checkpoint beside its place and swaps it in when it is whole.

    Raises:
        StoreError: the folder cannot be written; what was there before is untouched.
    """
    from models.checkpoint import save

    names = [name for name in FitReport.__dataclass_fields__ if name != "folder"]
    facts = {name: getattr(report, name) for name in names}
    part, old = (folder.with_name(f"{folder.name}.{mark}") for mark in ("part", "old"))
    try:
        for rest in (part, old):
            shutil.rmtree(rest, ignore_errors=True)
        save(forecaster.model, part, {**forecaster.about, **about, **facts})
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"the fitted forecaster cannot be written: {error.strerror}", str(folder),
            "Make room there, or use a store in a writable folder: --store PATH",
        ) from error  # fmt: skip


def attention_check(series: DemandSeries) -> dict[str, Faithfulness]:
    """Faithfulness of the shipped forecaster on the test part: over "steps" and "features".

    Raises:
        UsageError: the test part has no window without a gap.
        CheckpointError: the shipped forecaster cannot be loaded.
    """
    test = _test_part(series)
    came = series.came(test.cuts, test.ahead)
    whole = np.isfinite(came).all(1)
    if not whole.any():
        raise UsageError(
            "the test part has no window without a gap", series.name, "Use a longer trace"
        )
    known = replace(test, cuts=test.cuts[whole])
    forecaster = NeuralForecaster.load()
    lag = overlap(known.cuts, int(test.ahead.max()))
    return {
        of: faithfulness(
            forecaster, known.histories(series), came[whole], test.ahead, of=of, overlap=lag
        )
        for of in ("steps", "features")
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestPart:
    begins: int
    cuts: IntArray
    ahead: IntArray

    def histories(self, series: DemandSeries) -> Histories:
        return series.histories(self.cuts, lookback(series.step_s, int(self.ahead.max())))


def _test_part(series: DemandSeries) -> _TestPart:
    """The last 15 %, with the horizons that fit into them."""
    size = len(series.values)
    ahead = np.unique(steps_ahead(HORIZONS_S, series.step_s))
    ahead = ahead[ahead <= max(1, 0.1 * size)]
    parts = split(size, ahead, CUTS)
    return _TestPart(begins=parts.borders[0], cuts=parts.test[parts.test < size], ahead=ahead)


def _loss(forecaster: NeuralForecaster, series: DemandSeries, test: _TestPart) -> float | None:
    """Mean pinball, all horizons alike."""
    came: FloatArray = series.came(test.cuts, test.ahead)
    if not np.isfinite(came).any():
        return None
    horizons_s = (test.ahead * series.step_s).tolist()
    made = forecaster.predict_quantiles(test.histories(series), horizons_s, LEVELS)
    return float(np.nanmean(pinball(came, made, LEVELS)))
