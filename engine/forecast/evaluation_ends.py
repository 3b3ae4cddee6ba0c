"""Where one end of a series tells too little, the series as it was at earlier ends is judged too.

Rolling origins over the last 15 % of an hour hold one or two outcomes that do not overlap. There
the evaluation is done again on the series cut off where that test part begins, and so on, up to
`MOST` ends: 100, 85, 72 and 61 % of its steps. Every end is a 70/15/15 of what was there by then,
so that nothing later is known to it, and no two test parts overlap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.forecast.evaluation_models import End
from engine.forecast.evaluation_plan import Plan, plan
from engine.forecast.mixing import FEW
from engine.forecast.neural_encode import WINDOW
from engine.forecast.scores import Score, inside, margin, score
from engine.forecast.series import overlap
from engine.units import BoolArray, FloatArray, IntArray

MOST = 4
"""Ends at most, the whole series among them."""


def earlier(tasks: Plan, origins: int) -> list[Plan]:
    """Plans of the series at its earlier ends, the latest first; none where the whole is enough.

    Horizons that an end cannot test are told in what the whole leaves out.

    Args:
        tasks: of the whole series.
        origins: cut-offs at most in each of validation and test.
    """
    made: list[Plan] = []
    last = tasks
    while tells_little(tasks) and len(made) < MOST - 1:
        try:
            last = plan(last.series.before(last.parts.borders[0]), tasks.horizons_s, origins)
        except UsageError:
            break
        for what, why in last.left_out.items():
            tasks.left_out[f"{what} at the end of {len(last.series.values)} steps"] = why
        made.append(last)
    return made


def tells_little(tasks: Plan) -> bool:
    """Whether the test part has fewer than `FEW` outcomes that do not overlap.

    Counted at the longest horizon, over all steps whatever cut-offs are asked at.
    """
    longest = int(tasks.ahead[-1])
    outcomes = tasks.series.values[tasks.parts.borders[0] + WINDOW + longest - 1 :]
    return bool(np.isfinite(outcomes).sum() < FEW * longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The test parts of all ends one after the other, the earliest first; B cut-offs in all."""

    horizons_s: tuple[float, ...]
    """(H,) of the whole series; an earlier end may lack the longest."""
    times_s: FloatArray
    """(B,) cut-offs, seconds since the series' start."""
    end: IntArray
    """(B,) number of the end that each belongs to."""
    came: FloatArray
    """(B, H); NaN where unknown, or not asked at that end."""
    lags: tuple[int, ...]
    """(H,) cut-offs over which forecasts overlap, at the end where these are most."""
    step_errors: tuple[float, ...]
    """Of each end, mean |change| from one step to the next in the training part."""
    quantiles: Mapping[str, Mapping[int, FloatArray]]
    """By model and seed: (B, H, 3) as it gave them; NaN where it was not asked."""
    used: Mapping[str, Mapping[int, FloatArray]]
    """The same as used."""

    def known(self, h: int) -> BoolArray:
        """(B,) cut-offs of which is known what came at a horizon."""
        known: BoolArray = np.isfinite(self.came[:, h])
        return known

    def score(self, quantiles: FloatArray, h: int) -> Score:
        """Of (B, H, 3) at a horizon of which something is known, all outcomes weighing alike."""
        scores, outcomes = [], []
        for number in np.unique(self.end[self.known(h)]):
            at = self.known(h) & (self.end == number)
            scores.append(score(self.came[at, h], quantiles[at, h], self.step_errors[number]))
            outcomes.append(int(at.sum()))
        return pooled(scores, outcomes)

    def margins(self, model: str) -> tuple[float | None, ...]:
        """(H,) half of the 95 % interval of the coverage, as used, at each horizon."""
        held = self._held(model)
        return tuple(margin(held[:, h], lag, self.end) for h, lag in enumerate(self.lags))

    def margin(self, model: str) -> float | None:
        """Half of the 95 % interval of the coverage, mean over horizons; None: nobody knows.

        Of several ends, which do not all test the same horizons, at most: the mean of the
        horizons' own, as a mean never varies more than what it is of does on average.
        """
        if len(np.unique(self.end)) < 2:
            return margin(self._held(model).mean(1), self.lags[-1])
        own = [each for each in self.margins(model) if each is not None]
        return float(np.mean(own)) if len(own) == len(self.lags) else None

    def _held(self, model: str) -> FloatArray:
        """(B, H) share of the seeds whose interval held what came; NaN where that is unknown."""
        held = np.mean([inside(self.came, made) for made in self.used[model].values()], 0)
        made: FloatArray = np.where(np.isfinite(self.came), held, np.nan)
        return made


def tested(ends: Sequence[End]) -> Tested:
    """The test parts of the ends, the whole series first, as one."""
    parts = ends[::-1]
    plans, whole = [end.tasks for end in parts], ends[0].tasks
    count = len(whole.ahead)

    def joined(each: Iterable[FloatArray]) -> FloatArray:
        """(B, H, …) of what each end has at all its cut-offs; NaN at horizons that it lacks."""
        rows = zip(each, plans, strict=True)
        return np.concatenate([_widened(of[~tasks.valid], count) for of, tasks in rows])

    sizes = [int((~tasks.valid).sum()) for tasks in plans]
    return Tested(
        horizons_s=whole.horizons_s,
        times_s=np.concatenate([_times_s(tasks)[~tasks.valid] for tasks in plans]),
        end=np.repeat(np.arange(len(plans)), sizes),
        came=joined(tasks.came for tasks in plans),
        lags=tuple(
            max(overlap(of.cuts, int(of.ahead[h])) for of in plans if h < len(of.ahead))
            for h in range(count)
        ),
        step_errors=tuple(tasks.step_error for tasks in plans),
        quantiles={
            name: {seed: joined(end.found[name].quantiles[seed] for end in parts)
                   for seed in found.quantiles}
            for name, found in ends[0].found.items()
        },
        used={
            name: {seed: joined(end.found[name].used[seed] for end in parts)
                   for seed in found.used}
            for name, found in ends[0].found.items()
        },
    )  # fmt: skip


def _times_s(tasks: Plan) -> FloatArray:
    return tasks.cuts.astype(np.float64) * tasks.series.step_s


def _widened(values: FloatArray, count: int) -> FloatArray:
    """So many horizons, the second axis; those that are added are unknown."""
    lacks = [(0, 0)] * values.ndim
    lacks[1] = (0, count - values.shape[1])
    return np.pad(values, lacks, constant_values=np.nan)


def pooled(scores: Sequence[Score], outcomes: Sequence[int]) -> Score:
    """Means of the figures that are known, weighted by outcomes.

    Args:
        scores: of the ends, one at least.
        outcomes: of each.
    """
    if len(scores) == 1:
        return scores[0]
    made: dict[str, Any] = {}
    for name in Score.__dataclass_fields__:
        known = [
            (value, weight) for one, weight in zip(scores, outcomes, strict=True)
            if (value := getattr(one, name)) is not None
        ]  # fmt: skip
        values, weights = zip(*known, strict=True) if known else ((), ())
        made[name] = float(np.average(values, weights=weights)) if known else None
    return Score(**made)
