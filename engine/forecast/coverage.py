"""What a forecaster's quantiles were worth on the test part of a series: calibration over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.forecast.base import HORIZONS_S, Model
from engine.forecast.evaluation_plan import plan
from engine.forecast.mixing import mixture
from engine.forecast.mixture import said_by, shares_of
from engine.forecast.scores import LEVELS, inside
from engine.forecast.series import DemandSeries
from engine.units import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Forecasts of one model against what came, at the cut-offs of the test part."""

    model: str
    levels: tuple[float, ...]
    """(L,) nominal shares."""
    horizons_s: tuple[float, ...]
    below_raw: FloatArray
    """(H, L) share of outcomes at or below each quantile, as the model gave it."""
    below: FloatArray
    """(H, L) the same with online calibration."""
    times_s: FloatArray
    """(B,) cut-offs, seconds since the series' start."""
    covered_raw: FloatArray
    """(B, H) 1 where what came lay in the outermost interval, 0 where not, NaN where unknown; the
    mean over seeds, if there are several."""
    covered: FloatArray
    """(B, H) the same with online calibration."""

    def kept(self) -> "CoverageRecord":
        """As plain numbers, for a store."""
        return CoverageRecord(
            model=self.model, levels=self.levels, horizons_s=self.horizons_s,
            below_raw=_plain(self.below_raw), below=_plain(self.below),
            times_s=tuple(self.times_s.tolist()),
            covered_raw=_plain(self.covered_raw), covered=_plain(self.covered),
        )  # fmt: skip


Table = tuple[tuple[float | None, ...], ...]
"""Rows of numbers; None where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRecord:
    """A `Coverage` as plain numbers."""

    model: str
    levels: tuple[float, ...]
    horizons_s: tuple[float, ...]
    below_raw: Table
    below: Table
    times_s: tuple[float, ...]
    covered_raw: Table
    covered: Table

    def read(self) -> Coverage:
        """With arrays again."""
        return Coverage(
            model=self.model, levels=self.levels, horizons_s=self.horizons_s,
            below_raw=_array(self.below_raw), below=_array(self.below),
            times_s=np.array(self.times_s),
            covered_raw=_array(self.covered_raw), covered=_array(self.covered),
        )  # fmt: skip


def _plain(table: FloatArray) -> Table:
    return tuple(
        tuple(value if np.isfinite(value) else None for value in row) for row in table.tolist()
    )


def _array(table: Table) -> FloatArray:
    return np.array(table, np.float64)  # None becomes NaN


def coverage(
    series: DemandSeries,
    model: Model,
    *,
    horizons_s: Sequence[float] = HORIZONS_S,
    origins: int = 400,
) -> Coverage:
    """Fits to the training part, forecasts validation and test parts, and counts the latter.

    Args:
        series: demand.
        model: not fitted yet.
        horizons_s: seconds ahead; those that the series cannot test are left out.
        origins: cut-offs in each part, at most.

    Raises:
        UsageError: the series is too short, or the model cannot be fitted to it.
        CheckpointError: the network cannot be loaded.
    """
    tasks = plan(series, horizons_s, origins)
    model.fit(series.before(tasks.parts.train), tasks.horizons_s)
    said = said_by(model, tasks.histories, tasks.horizons_s, LEVELS)  # (M, B, H, Q)
    shares = shares_of(model, tasks.horizons_s)
    raw = np.einsum("mh,mbhq->bhq", shares, said)
    made = np.stack([
        mixture(said[:, :, h], shares[:, h], tasks.came[:, h], tasks.cuts, tasks.cuts + steps)
        for h, steps in enumerate(tasks.ahead)
    ], axis=1)  # fmt: skip
    test = ~tasks.valid
    came = tasks.came[test]
    if not np.isfinite(came).any():
        raise UsageError("nothing came in the test part", series.name, "Use a longer trace")
    times_s = tasks.cuts[test].astype(np.float64) * series.step_s
    return counted(model.name, tasks.horizons_s, times_s, came, [raw[test]], [made[test]])


def counted(
    model: str, horizons_s: tuple[float, ...], times_s: FloatArray, came: FloatArray,
    raw: Sequence[FloatArray], made: Sequence[FloatArray],
) -> Coverage:  # fmt: skip
    """Counts forecasts that were made, over the test part.

    Args:
        model: name.
        horizons_s: (H,) seconds ahead.
        times_s: (B,) cut-offs, seconds since the series' start.
        came: (B, H) what came; NaN where unknown.
        raw: (B, H, L) by seed, as the model gave them.
        made: the same with online calibration.
    """
    below_raw, below = (np.mean([_below(came, q) for q in of], 0) for of in (raw, made))
    covered_raw, covered = (np.mean([_inside(came, q) for q in of], 0) for of in (raw, made))
    return Coverage(
        model=model, levels=LEVELS, horizons_s=horizons_s, below_raw=below_raw, below=below,
        times_s=times_s, covered_raw=covered_raw, covered=covered,
    )  # fmt: skip


def _below(came: FloatArray, quantiles: FloatArray) -> FloatArray:
    """(H, L) from (B, H) and (B, H, L); NaN for a horizon of which nothing is known."""
    known = np.isfinite(came)
    number = known.sum(0)[:, None]
    hits = ((came[..., None] <= quantiles) & known[..., None]).sum(0)
    share: FloatArray = np.where(number > 0, hits / np.maximum(number, 1), np.nan)
    return share


def _inside(came: FloatArray, quantiles: FloatArray) -> FloatArray:
    """(B, H)."""
    found: FloatArray = np.where(np.isfinite(came), inside(came, quantiles), np.nan)
    return found
