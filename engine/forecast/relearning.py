"""A forecaster that learns again when its losses tell of a drift, as it would have online."""

from dataclasses import dataclass

import numpy as np

from engine.forecast.base import Model
from engine.forecast.drift import drifts
from engine.forecast.evaluation_plan import Plan
from engine.forecast.scores import LEVELS, pinball
from engine.units import FloatArray

MOST = 2
"""Times at most: each costs as much as the first fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearned:
    """One time that it learned again."""

    step: int
    """Cut-off, up to which it learned."""
    before: float
    """Mean pinball over horizons and later cut-offs, uncalibrated, had it not."""
    after: float
    """The same as it did."""


def relearned(
    model: Model, made: FloatArray, tasks: Plan
) -> tuple[FloatArray, tuple[Relearned, ...]]:
    """Forecasts of a fitted model that learns again from what was known after each drift.

    A drift is noticed by the loss at the shortest horizon; nothing after the cut-off at which the
    last of these losses is known is used.

    Args:
        model: as it made the forecasts; it is changed.
        made: (B, H, 3) its forecasts.
        tasks: cut-offs, and what came.

    Returns:
        (B, H, 3), and when it learned again.
    """
    made, found, start = made.copy(), list[Relearned](), 0
    while len(found) < MOST:
        loss = pinball(tasks.came[start:, 0], made[start:, 0], LEVELS).mean(-1)
        noticed = drifts(loss)
        if not noticed:
            break
        known = tasks.cuts[start + noticed[0]] + tasks.ahead[0]
        start = int(np.searchsorted(tasks.cuts, known))
        if start >= len(tasks.cuts):
            break
        model.update(tasks.series.before(int(tasks.cuts[start])))
        again = model.predict_quantiles(
            tasks.histories.rows(slice(start, None)), tasks.horizons_s, LEVELS
        )
        losses = [_loss(tasks.came[start:], quantiles) for quantiles in (made[start:], again)]
        if np.isfinite(losses).all():
            step = int(tasks.cuts[start])
            found.append(Relearned(step=step, before=losses[0], after=losses[1]))
        made[start:] = again
    return made, tuple(found)


def _loss(came: FloatArray, quantiles: FloatArray) -> float:
    loss = pinball(came, quantiles, LEVELS)
    return float(np.nanmean(loss)) if np.isfinite(loss).any() else float("nan")
