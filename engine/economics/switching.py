"""What switching from the baseline to another run brings, with how sure that is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from engine.economics import cashflow, costs, uncertainty, wording
from engine.economics.assumptions import Assumptions
from engine.economics.costs import MONTHS, Usage
from engine.economics.model import Switch, Year
from engine.economics.uncertainty import Bar, Interval
from engine.scorecard import Scorecard
from engine.units import FloatArray

SEEDS_MIN = 3
BARS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run as the economics see it."""

    run_id: str
    policy: str
    usage: Usage
    blocks: Mapping[str, FloatArray]
    """Totals by block of `uncertainty.block_length_h`, columns of `Usage`."""
    card: Scorecard
    sessions: int | None


Pairs = Sequence[tuple[Usage, Usage]]
"""(baseline, candidate) of further seeds, the report's own pair included."""


def switch(
    baseline: Measured, run: Measured, given: Assumptions, currency: str, pairs: Pairs, seed: int
) -> Switch:
    """All figures of switching.

    Args:
        baseline: what is switched from.
        run: what is switched to.
        given: assumptions.
        currency: in which sentences are worded.
        pairs: runs of further seeds.
        seed: of the draws.
    """
    rate = given["currency_per_usd"]
    years = _years(baseline.usage, run.usage, given)
    flows = [year.flow for year in years]
    before, after = (_first_total(r.usage, given) * rate for r in (baseline, run))
    internal = cashflow.irr(flows)
    payback = cashflow.payback_years(flows)
    months = None if payback is None else payback * MONTHS
    points = _points(baseline.card, run.card)
    least = wording.least_points(max(r.usage.promise_frac for r in (baseline, run)))
    per_point = _per_point(before, after, points, least)
    bars = tuple(
        _bar(bar, rate) for bar in uncertainty.tornado(baseline.usage, run.usage, given)[:BARS_MAX]
    )
    intervals = _intervals(baseline, run, given, pairs, seed)
    largest, largest_note = wording.largest(
        bars[0] if bars else None, intervals["npv_interval_window"],
        intervals["npv_interval_seeds"], currency,
    )  # fmt: skip
    costs_of = [_tco(r.usage, given) for r in (baseline, run)]
    return Switch(
        run_id=run.run_id,
        policy=run.policy,
        savings_per_month=(before - after) / MONTHS,
        savings_frac=ratio(before - after, before),
        investment=max(0.0, -flows[0]),
        npv=cashflow.npv(given["discount_rate"], flows),
        irr=internal,
        irr_note=wording.irr_note(internal, flows),
        payback_months=months,
        payback_text=wording.payback_text(months, flows),
        payback_note=wording.payback(months, flows),
        roi=cashflow.roi(flows),
        tco_baseline=costs_of[0],
        tco_candidate=costs_of[1],
        tco_difference=costs_of[1] - costs_of[0],
        slo_points=points,
        cost_per_slo_point=per_point,
        slo_point_note=wording.slo_point(per_point, points, before > after, least),
        years=years,
        tornado=bars,
        break_even=uncertainty.break_even(baseline.usage, run.usage, given),
        avoided_kg_per_year=_avoided_kg(baseline.usage, run.usage, given.values),
        largest=largest,
        largest_note=largest_note,
        **intervals,
    )


def yearly(usage: Usage, given: Assumptions) -> list[float]:
    """Cost of each year in the report's currency."""
    made = costs.by_year(usage, given.values, given.mode, round(given["years"]))
    return [float(value) * given["currency_per_usd"] for value in made]


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole > 0 else None


def _bar(bar: Bar, rate: float) -> Bar:
    return Bar(
        key=bar.key, label=bar.label, unit=bar.unit, low=bar.low, high=bar.high,
        at_low=bar.at_low * rate, at_high=bar.at_high * rate,
    )  # fmt: skip


def _first_total(usage: Usage, given: Assumptions) -> float:
    return float(sum(costs.first_year(usage, given.values, given.mode).values()))


def _tco(usage: Usage, given: Assumptions) -> float:
    capex = float(costs.capex_usd(usage, given.values, given.mode)) * given["currency_per_usd"]
    return cashflow.tco(given["discount_rate"], capex, yearly(usage, given))


def _years(baseline: Usage, candidate: Usage, given: Assumptions) -> tuple[Year, ...]:
    rate = given["currency_per_usd"]
    columns = [
        [float(costs.capex_usd(usage, given.values, given.mode)) * rate, *yearly(usage, given)]
        for usage in (baseline, candidate)
    ]
    made, cumulated = [], 0.0
    for year, (theirs, ours) in enumerate(zip(*columns, strict=True)):
        flow = theirs - ours
        discounted = flow / (1.0 + given["discount_rate"]) ** year
        cumulated += discounted
        made.append(
            Year(
                year=year, baseline=theirs, candidate=ours, flow=flow, discounted=discounted,
                cumulated=cumulated,
            )
        )  # fmt: skip
    return tuple(made)


def _intervals(
    baseline: Measured, run: Measured, given: Assumptions, pairs: Pairs, seed: int
) -> dict[str, Any]:
    """Intervals from resampled windows, drawn assumptions, both together, and seeds."""
    rate, fixed = given["currency_per_usd"], given.values
    drawn = uncertainty.draw(given.numbers, seed)
    block_h = uncertainty.block_length_h(float(baseline.usage.hours))
    before, after = baseline.usage, run.usage
    what, note = "assumptions", "assumptions drawn"
    window: list[Interval | None] = [None, None]
    if block_h is not None:
        what, note = "both", "window resampled and assumptions drawn"
        before, after = uncertainty.resample(
            [(r.usage, r.blocks) for r in (baseline, run)], seed + 1
        )
        days = f"{'days' if block_h > 1 else 'hours'} of the window resampled"
        window = [
            uncertainty.interval(value, "window", days)
            for value in (
                _savings(before, after, fixed, given),
                uncertainty.net_value(before, after, given, fixed) * rate,
            )
        ]

    def both(value: costs.Number) -> Interval | None:
        return uncertainty.interval(value, what, note)

    value = uncertainty.net_value(before, after, given, drawn) * rate
    honest = float(baseline.usage.hours) >= uncertainty.DAY_H and np.ndim(value) > 0
    savings_seeds = [_savings(one, other, fixed, given) for one, other in pairs]
    npv_seeds = [uncertainty.net_value(one, other, given, fixed) * rate for one, other in pairs]
    return {
        "savings_per_month_window": window[0],
        "savings_per_month_both": both(_savings(before, after, drawn, given)),
        "savings_per_month_seeds": _seeds(savings_seeds),
        "npv_interval_window": window[1],
        "npv_interval": both(value),
        "npv_interval_seeds": _seeds(npv_seeds),
        "tco_interval": both(uncertainty.total_cost(after, given, drawn) * rate),
        "tco_baseline_interval": both(uncertainty.total_cost(before, given, drawn) * rate),
        "avoided_kg_interval": both(_avoided_kg(before, after, drawn)),
        "probability_pays": float(np.mean(value > 0)) if honest else None,
    }


def _savings(baseline: Usage, candidate: Usage, a: Mapping[str, Any], given: Assumptions) -> Any:
    totals = [
        sum(costs.first_year(usage, a, given.mode).values()) for usage in (baseline, candidate)
    ]
    return (totals[0] - totals[1]) / MONTHS * given["currency_per_usd"]


def _avoided_kg(baseline: Usage, candidate: Usage, a: Mapping[str, Any]) -> Any:
    kilos = [
        (costs.operational_g(usage, a) + costs.embodied_g(usage, a))
        * costs.per_year(usage, a) / 1000.0
        for usage in (baseline, candidate)
    ]  # fmt: skip
    return kilos[0] - kilos[1]


def _seeds(values: Sequence[Any]) -> Interval | None:
    """90 % t interval of the mean over runs that differ in their seed only."""
    if len(values) < SEEDS_MIN:
        return None
    numbers: FloatArray = np.array(values, np.float64)
    spread = scipy.stats.sem(numbers) * scipy.stats.t.ppf(
        (1 + uncertainty.LEVEL) / 2, len(numbers) - 1
    )
    mean = float(numbers.mean())
    note = f"mean of {len(numbers)} seeds"
    return Interval(low=mean - float(spread), high=mean + float(spread), source="seeds", note=note)


def _points(baseline: Scorecard, candidate: Scorecard) -> float | None:
    before, after = baseline.get("slo_attainment_frac"), candidate.get("slo_attainment_frac")
    return None if before is None or after is None else 100.0 * (after - before)


def _per_point(before: float, after: float, points: float | None, least: float) -> float | None:
    if not points or abs(points) < least:
        return None
    price = (after - before) / points
    return price if price > 0 else None
