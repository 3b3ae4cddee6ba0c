"""What an evaluation asks of every model: parts, cut-offs, horizons, histories, what came."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.errors import UsageError
from engine.forecast.features import Scaler
from engine.forecast.gaps import knows_recent
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import lookback
from engine.forecast.series import DemandSeries, Split, split
from engine.units import BoolArray, FloatArray, IntArray

ORIGINS_MIN = 5
"""Cut-offs of a part from which a horizon is scored."""


@dataclass(slots=True)
class Plan:
    """Parts, cut-offs, horizons and outcomes of one evaluation."""

    series: DemandSeries
    horizons_s: tuple[float, ...]
    ahead: IntArray
    parts: Split
    cuts: IntArray
    valid: BoolArray
    histories: Histories
    came: FloatArray
    step_error: float
    left_out: dict[str, str] = field(default_factory=dict)


def plan(series: DemandSeries, horizons_s: Sequence[float], origins: int) -> Plan:
    """Parts, cut-offs and what came. Raises UsageError where nothing can be tested."""
    size, step_s = len(series.long_enough().values), series.step_s
    left_out: dict[str, str] = {}
    kept: dict[int, float] = {}
    for horizon_s in sorted(horizons_s):
        steps = int(steps_ahead([horizon_s], step_s)[0])
        if horizon_s < step_s:
            left_out[f"{horizon_s:g} s"] = f"shorter than a step of {step_s:g} s"
        elif steps > 0.1 * size or 0.15 * size < WINDOW + steps + ORIGINS_MIN:
            left_out[f"{horizon_s:g} s"] = f"the test part of {0.15 * size:.0f} steps is too short"
        else:
            kept[steps] = horizon_s
    if not kept:
        raise UsageError(
            f"{size} steps of {step_s:g} s hold none of the horizons", series.name,
            "Use a longer trace, shorter horizons or another step",
        )  # fmt: skip
    ahead = np.array(sorted(kept))
    parts = split(size, ahead, origins)
    cuts = _seen(series, np.unique(np.concatenate([parts.valid, parts.test])))
    length = min(int(cuts.min()), lookback(step_s, int(ahead.max())))
    train = series.before(parts.train)
    scaler = None if train.features is None else Scaler.fitted(train.features)
    change = np.abs(np.diff(train.values))
    came = series.came(cuts, ahead)
    valid = cuts < parts.borders[0]
    came[valid] = np.where(
        cuts[valid, None] + ahead <= parts.borders[0], came[valid], np.nan
    )  # a target of the test part is nothing the validation part may learn from
    return Plan(
        series=series, horizons_s=tuple(kept[int(steps)] for steps in ahead), ahead=ahead,
        parts=parts, cuts=cuts, valid=valid, came=came, left_out=left_out,
        histories=series.histories(cuts, length, scaler),
        step_error=float(np.nanmean(change)) if np.isfinite(change).any() else 0.0,
    )  # fmt: skip


def _seen(series: DemandSeries, cuts: IntArray) -> IntArray:
    """Cut-offs with a value in the window before them: out of a long gap nothing is forecast.

    Raises UsageError where none is left.
    """
    kept = np.array([cut for cut in cuts if knows_recent(series.values[:cut])], np.int64)
    if not len(kept):
        raise UsageError(
            "the last 30 % of the steps hold no value", series.name, "Use another trace"
        )
    return kept
