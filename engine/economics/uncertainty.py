"""How sure the figures are: resampled days, drawn assumptions, and which of them matter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from engine.economics.assumptions import Assumption, Assumptions
from engine.economics.costs import (
    Number,
    Usage,
    by_year,
    capex_usd,
    present_value,
    switching_flows,
    usage_fields,
)
from engine.units import FloatArray

DRAWS = 2000
LEVEL = 0.90
"""Intervals hold this share of the draws, as much outside on either side."""
DAY_H = 24.0
BLOCKS_MIN = 5
"""With fewer days, hours are resampled instead; with fewer hours, nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The middle LEVEL of the draws."""

    low: float
    high: float
    source: str
    """`window` (resampled blocks), `assumptions`, `both` or `seeds`."""
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of the tornado: the result at either end of one assumption's range."""

    key: str
    label: str
    unit: str
    low: float
    high: float
    """Ends of the assumption's range."""
    at_low: float
    at_high: float
    """Net present value there, everything else as assumed."""

    @property
    def swing(self) -> float:
        """How much it matters."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """The value of one assumption at which switching neither pays nor costs."""

    key: str
    label: str
    unit: str
    assumed: float
    value: float | None
    note: str
    """In words, also where there is no such value."""


Blocks = Mapping[str, FloatArray]
"""Totals by block of time, columns as `usage_fields`; (blocks,) each."""


def block_length_h(hours: float) -> float | None:
    """What is resampled: days, hours in short windows, None where even those are too few."""
    if hours >= BLOCKS_MIN * DAY_H:
        return DAY_H
    return 1.0 if hours >= BLOCKS_MIN else None


def resample(runs: Sequence[tuple[Usage, Blocks]], seed: int) -> list[Usage]:
    """The runs' totals over windows put together from their own blocks, DRAWS of them.

    The same blocks for all runs, because they met the same demand: differences are paired.
    """
    number = len(runs[0][1]["hours"])
    chosen = np.random.default_rng(seed).integers(0, number, (DRAWS, number))
    places = (chosen + number * np.arange(DRAWS)[:, None]).ravel()
    counts = np.bincount(places, minlength=DRAWS * number).reshape(DRAWS, number).astype(float)
    return [replace(usage, **_totals(counts, blocks)) for usage, blocks in runs]


def _totals(counts: FloatArray, blocks: Blocks) -> dict[str, Any]:
    return {key: counts @ blocks[key] for key in usage_fields()}


def draw(numbers: Sequence[Assumption], seed: int) -> dict[str, Number]:
    """DRAWS of every assumption with a range: triangular from low over value to high.

    Draws that cannot be together are made `possible`.
    """
    rng = np.random.default_rng(seed)
    made: dict[str, Number] = {}
    for entry in numbers:
        if entry.low == entry.high:
            made[entry.key] = entry.value
        else:
            made[entry.key] = rng.triangular(entry.low, entry.value, entry.high, DRAWS)
    return possible(made)


def possible(values: Mapping[str, Number]) -> dict[str, Number]:
    """The same where shares sum to 1 at most and a busy worker needs no less than an idle one."""
    spot, full = values["spot_frac"], values["watts_full"]
    return {
        **values,
        "spot_frac": np.minimum(spot, 1.0 - values["reserved_frac"]),
        "watts_full": np.maximum(full, values["watts_idle"]),
    }


def interval(values: Number, source: str, note: str) -> Interval | None:
    """The middle LEVEL of draws; None where there is one value only."""
    if np.ndim(values) == 0:
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(low=float(low), high=float(high), source=source, note=note)


def net_value(
    baseline: Usage, candidate: Usage, given: Assumptions, values: Mapping[str, Number]
) -> Number:
    """Net present value of switching, US dollars, element by element."""
    years = round(given["years"])
    flows = switching_flows(baseline, candidate, values, given.mode, years)
    return present_value(flows, values["discount_rate"])


def total_cost(usage: Usage, given: Assumptions, values: Mapping[str, Number]) -> Number:
    """Total cost of ownership of one run, US dollars, element by element."""
    yearly = by_year(usage, values, given.mode, round(given["years"]))
    capital = capex_usd(usage, values, given.mode)
    return present_value([capital, *yearly], values["discount_rate"])


def tornado(baseline: Usage, candidate: Usage, given: Assumptions) -> tuple[Bar, ...]:
    """One bar an assumption with a range, what matters most first; without effect: left out."""
    values = given.values
    bars = []
    for entry in given.numbers:
        if entry.low == entry.high:
            continue
        ends = [
            float(net_value(baseline, candidate, given, possible({**values, entry.key: end})))
            for end in (entry.low, entry.high)
        ]
        bars.append(
            Bar(
                key=entry.key, label=entry.label, unit=entry.unit, low=entry.low,
                high=entry.high, at_low=ends[0], at_high=ends[1],
            )
        )  # fmt: skip
    return tuple(sorted((bar for bar in bars if bar.swing > 0), key=lambda bar: -bar.swing))


_ASKED = (
    "migration_days", "day_rate_usd", "care_days_per_year", "growth", "seasonality",
    "price_change", "discount_rate", "penalty_usd_per_1000_missed", "carbon_usd_per_t",
)  # fmt: skip
_FAR = 1000.0
"""Break-even values are looked for up to this many times what is assumed or plausible."""


def break_even(baseline: Usage, candidate: Usage, given: Assumptions) -> tuple[BreakEven, ...]:
    """For each assumption an operator can argue about, where the net present value is 0."""
    return tuple(
        _break_even(given.find(key), lambda value, key=key: float(  # type: ignore[misc]
            net_value(baseline, candidate, given, {**given.values, key: value})
        ))
        for key in _ASKED
    )  # fmt: skip


def _break_even(entry: Assumption, value_at: Callable[[float], float]) -> BreakEven:
    far = _FAR * max(1.0, abs(entry.value), abs(entry.high))
    most = min(entry.most, far)
    ends = (entry.least, most)
    now = value_at(entry.value)
    found: float | None = None
    for end in ends:
        there = value_at(end)
        if np.isfinite(there) and there * now < 0:
            root = float(
                scipy.optimize.brentq(
                    value_at, entry.value, end, xtol=1e-12, rtol=1e-14, maxiter=10_000
                )
            )
            if found is None or abs(root - entry.value) < abs(found - entry.value):
                found = root
    paying = "pays" if now > 0 else "does not pay"
    if found is None:
        note = f"switching {paying} at any value from {ends[0]:,.10g} to {ends[1]:,.10g}"
    else:
        note = f"switching {paying} as assumed, and turns at this value"
    return BreakEven(
        key=entry.key, label=entry.label, unit=entry.unit, assumed=entry.value, value=found,
        note=note,
    )  # fmt: skip
