"""A forecaster that learns again when its losses tell of a drift, as it would have online.

What it learned is on trial: both forecast side by side, and the new one counts at a horizon only
while it has lost less than the former one on the outcomes known since, by more than one standard
error (the rule of Breiman et al. 1984 for what is in force). A drift may be over, or too young to
learn from, when it is noticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.forecast.base import Model
from engine.forecast.drift import WARM_UP, drifts
from engine.forecast.histories import Histories
from engine.forecast.mixing import faded, losses
from engine.forecast.scores import LEVELS, pinball
from engine.forecast.series import DemandSeries, stride
from engine.units import BoolArray, FloatArray, IntArray

MOST = 2
"""Times at most: each costs as much as the first fit."""
TRIAL = WARM_UP
"""Outcomes side by side before the new one may take over, as many as tell a usual loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearned:
    """One time that it learned again."""

    step: int
    """Cut-off, up to which it learned."""
    before: float
    """Mean pinball over horizons and later cut-offs, uncalibrated, had it not."""
    after: float
    """The same as it did, where that took over."""
    taken_frac: float
    """Share of these forecasts for which it took over."""


class Asked(Protocol):
    """Cut-offs at which a model was asked, and what came; see `evaluation_plan.Plan`."""

    @property
    def series(self) -> DemandSeries: ...  # noqa: D102
    @property
    def horizons_s(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def ahead(self) -> IntArray: ...  # noqa: D102
    @property
    def cuts(self) -> IntArray: ...  # noqa: D102
    @property
    def histories(self) -> Histories: ...  # noqa: D102
    @property
    def came(self) -> FloatArray: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One time that a model learned again."""

    noticed: int
    """Step at which the loss that told of the drift was known."""
    start: int
    """Place of the first cut-off since, up to which it learned."""
    former: FloatArray
    """(B', H, 3) what would have been used from there on."""
    used: FloatArray
    """(B', H, 3) what is used as it learned."""
    takes: BoolArray
    """(B', H) where what it learned counts."""


def attempts(model: Model, made: FloatArray, tasks: Asked) -> Iterator[Attempt]:
    """Lets a fitted model learn again after each drift; tells what became of that.

    A drift is noticed by the loss at the shortest horizon; nothing after the cut-off at which the
    last of these losses is known is learned. Whether that takes over is settled at each cut-off
    and horizon by the outcomes known there.

    Args:
        model: as it made the forecasts; it is changed.
        made: (B, H, 3) its forecasts.
        tasks: cut-offs, and what came.
    """
    made, watched = made.copy(), 0
    for _ in range(MOST):
        loss = pinball(tasks.came[watched:, 0], made[watched:, 0], LEVELS).mean(-1)
        noticed = drifts(loss)
        if not noticed:
            return
        known = int(tasks.cuts[watched + noticed[0]] + tasks.ahead[0])
        start = int(np.searchsorted(tasks.cuts, known))
        if start >= len(tasks.cuts):
            return
        model.update(tasks.series.before(int(tasks.cuts[start])))
        again = model.predict_quantiles(
            tasks.histories.rows(slice(start, None)), tasks.horizons_s, LEVELS
        )
        former = made[start:].copy()
        takes = _takes_over(former, again, tasks, start)
        made[start:] = np.where(takes[..., None], again, former)
        used = made[start:].copy()
        yield Attempt(noticed=known, start=start, former=former, used=used, takes=takes)
        watched = start + TRIAL  # losses on trial are no usual level


def relearned(
    model: Model, made: FloatArray, tasks: Asked
) -> tuple[FloatArray, tuple[Relearned, ...]]:
    """Forecasts of a fitted model that learns again, and when it did; see `attempts`."""
    made, found = made.copy(), list[Relearned]()
    for one in attempts(model, made, tasks):
        lost = [_loss(tasks.came[one.start :], quantiles) for quantiles in (one.former, one.used)]
        if np.isfinite(lost).all():
            found.append(Relearned(
                step=int(tasks.cuts[one.start]), before=lost[0], after=lost[1],
                taken_frac=float(one.takes.mean()),
            ))  # fmt: skip
        made[one.start :] = one.used
    return made, tuple(found)


def _takes_over(former: FloatArray, again: FloatArray, tasks: Asked, start: int) -> BoolArray:
    """(B, H) where the new forecasts have surely lost less, after `TRIAL` outcomes at least."""
    cuts, made = tasks.cuts[start:], np.empty(former.shape[:2], np.bool_)
    apart = stride(cuts)
    for h, steps in enumerate(tasks.ahead):
        came, ends = tasks.came[start:, h], cuts + steps
        lost = losses(came, np.stack([again[:, h], former[:, h]]))
        less = lost[1] - lost[0]
        gain, squares = faded(np.stack([less, less**2]), cuts, ends).T
        error = np.sqrt(max(1.0, steps / apart) * squares)  # outcomes that overlap are one
        seen = np.searchsorted(ends[np.isfinite(came)], cuts, side="right")
        made[:, h] = (gain > error) & (seen >= TRIAL)
    return made


def _loss(came: FloatArray, quantiles: FloatArray) -> float:
    loss = pinball(came, quantiles, LEVELS)
    return float(np.nanmean(loss)) if np.isfinite(loss).any() else float("nan")
