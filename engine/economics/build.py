"""Puts a report together from what runs measured and what is assumed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from engine.economics import cashflow, costs, uncertainty, wording
from engine.economics.assumptions import Assumptions
from engine.economics.costs import COMPONENTS, MONTHS, Usage
from engine.economics.model import (
    SCHEMA_VERSION,
    BigDecision,
    Charge,
    Chart,
    CostLine,
    Identity,
    Report,
    RunFigures,
    Switch,
    Year,
)
from engine.economics.uncertainty import Interval
from engine.scorecard import Scorecard
from engine.units import SECONDS_PER_HOUR, FloatArray

SEEDS_MIN = 3
_TOTALS = (*costs.usage_fields(), "peak_workers", "promise_frac")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a report is made of."""

    identity: Identity
    runs: tuple[Measured, ...]
    """The baseline first, the candidate second."""
    charts: tuple[Chart, ...]
    by_seed: Mapping[str, tuple[tuple[Usage, Usage], ...]]
    """By run id: (baseline, candidate) of further seeds, the report's own pair included."""
    decisions: tuple[BigDecision, ...]
    """The candidate's largest, in order of time."""
    seed: int
    epoch_s: float | None


def build(inputs: Inputs, given: Assumptions) -> Report:
    """The report of a candidate, and of further runs, against a baseline."""
    baseline, others = inputs.runs[0], inputs.runs[2:]
    hours = float(baseline.usage.hours)
    figures = tuple(
        _figures(run, role, given)
        for run, role in zip(
            inputs.runs, ("baseline", "candidate", *["other"] * len(others)), strict=True
        )
    )
    switches = [_switch(inputs, run, given) for run in inputs.runs[1:]]
    block_h = uncertainty.block_length_h(hours)
    return Report(
        schema_version=SCHEMA_VERSION,
        identity=inputs.identity,
        verdict=wording.verdict(figures[0], switches[0], inputs.identity.currency),
        warnings=wording.warnings(hours, figures, given, baseline.usage.promise_frac),
        mode=given.mode.value,
        runs=figures,
        switch=switches[0],
        others=tuple(switches[1:]),
        assumptions=given.numbers,
        charts=inputs.charts,
        charges=tuple(charge for run in inputs.runs for charge in _charges(inputs, run, given)),
        decisions=inputs.decisions,
        epoch_s=inputs.epoch_s,
        method=wording.method(hours, block_h, uncertainty.DRAWS),
        glossary=wording.GLOSSARY,
    )


def _figures(run: Measured, role: str, given: Assumptions) -> RunFigures:
    usage, a, rate = run.usage, given.values, given["currency_per_usd"]
    first = {k: float(v) * rate for k, v in costs.first_year(usage, a, given.mode).items()}
    total = sum(first.values())
    yearly = _yearly(usage, given)
    capex = float(costs.capex_usd(usage, a, given.mode)) * rate
    year = float(costs.per_year(usage, a))
    operational, embodied = (
        float(part(usage, a)) / 1000.0 for part in (costs.operational_g, costs.embodied_g)
    )
    kwh = float(costs.energy_kwh(usage, a))
    card = run.card
    return RunFigures(
        run_id=run.run_id,
        policy=run.policy,
        role=role,
        slo_attainment_frac=card.get("slo_attainment_frac"),
        p95_s=card.get("p95_s"),
        failure_frac=card.get("failure_frac"),
        utilisation_frac=card.get("utilisation_frac"),
        totals={name: float(getattr(usage, name)) for name in _TOTALS},
        requests_arrived=float(usage.arrived),
        requests_met=float(usage.met),
        window_cost=float(usage.cost_usd) * rate,
        window_energy_kwh=kwh,
        window_carbon_kg=operational + embodied,
        components=tuple(
            CostLine(
                key=key, label=label, per_year=first[key],
                share=first[key] / total if total else None,
            )
            for key, label in COMPONENTS.items()
        ),
        per_year=total,
        per_month=total / MONTHS,
        capex=capex,
        tco=cashflow.tco(given["discount_rate"], capex, yearly),
        per_request=_ratio(total, float(usage.arrived) * year),
        per_1000_met=_ratio(1000.0 * total, float(usage.met) * year),
        per_session=_ratio(total, run.sessions * year) if run.sessions else None,
        energy_kwh_per_year=kwh * year,
        carbon_kg_per_year=(operational + embodied) * year,
        operational_kg_per_year=operational * year,
        embodied_kg_per_year=embodied * year,
        sci_g_per_request=_ratio(1000.0 * (operational + embodied), float(usage.arrived)),
    )  # fmt: skip


def _charges(inputs: Inputs, run: Measured, given: Assumptions) -> list[Charge]:
    a, rate = given.values, given["currency_per_usd"]
    discount = a["reserved_frac"] * a["reserved_discount"] + a["spot_frac"] * a["spot_discount"]
    made, from_s = [], inputs.identity.window_from_s
    for hours, worker_h, cost in zip(
        *(run.blocks[key].tolist() for key in ("hours", "worker_h", "cost_usd")), strict=True
    ):
        to_s = from_s + hours * SECONDS_PER_HOUR
        made.append(
            Charge(
                run_id=run.run_id, policy=run.policy, from_s=from_s, to_s=to_s,
                worker_hours=worker_h, list_cost=cost * rate,
                effective_cost=cost * rate * (1.0 - discount),
            )
        )  # fmt: skip
        from_s = to_s
    return made


def _yearly(usage: Usage, given: Assumptions) -> list[float]:
    years = round(given["years"])
    rate = given["currency_per_usd"]
    made = costs.by_year(usage, given.values, given.mode, years)
    return [float(value) * rate for value in made]


def _switch(inputs: Inputs, run: Measured, given: Assumptions) -> Switch:
    baseline, rate = inputs.runs[0], given["currency_per_usd"]
    years = _years(baseline.usage, run.usage, given)
    flows = [year.flow for year in years]
    before, after = (_first_total(r.usage, given) * rate for r in (baseline, run))
    savings = (before - after) / MONTHS
    internal = cashflow.irr(flows)
    payback = cashflow.payback_years(flows)
    months = None if payback is None else payback * MONTHS
    points = _points(baseline.card, run.card)
    per_point = _per_point(before, after, points)
    return Switch(
        run_id=run.run_id,
        policy=run.policy,
        savings_per_month=savings,
        savings_frac=_ratio(before - after, before),
        investment=max(0.0, -flows[0]),
        npv=cashflow.npv(given["discount_rate"], flows),
        irr=internal,
        irr_note=wording.irr_note(internal, flows),
        payback_months=months,
        payback_note=wording.payback(months, -flows[0], savings),
        roi=cashflow.roi(flows),
        tco_baseline=_tco(baseline.usage, given),
        tco_candidate=_tco(run.usage, given),
        tco_difference=_tco(run.usage, given) - _tco(baseline.usage, given),
        slo_points=points,
        cost_per_slo_point=per_point,
        slo_point_note=wording.slo_point(per_point, points, before > after),
        years=years,
        tornado=tuple(_bar(bar, rate) for bar in _tornado(baseline, run, given)),
        break_even=uncertainty.break_even(baseline.usage, run.usage, given),
        savings_per_month_seeds=_seeds(inputs.by_seed.get(run.run_id, ()), given, rate),
        avoided_kg_per_year=_avoided_kg(baseline.usage, run.usage, given.values),
        **_intervals(inputs, run, given, rate),
    )


def _tornado(baseline: Measured, run: Measured, given: Assumptions) -> Sequence[uncertainty.Bar]:
    return uncertainty.tornado(baseline.usage, run.usage, given)[:10]


def _bar(bar: uncertainty.Bar, rate: float) -> uncertainty.Bar:
    return uncertainty.Bar(
        key=bar.key, label=bar.label, unit=bar.unit, low=bar.low, high=bar.high,
        at_low=bar.at_low * rate, at_high=bar.at_high * rate,
    )  # fmt: skip


def _first_total(usage: Usage, given: Assumptions) -> float:
    return float(sum(costs.first_year(usage, given.values, given.mode).values()))


def _tco(usage: Usage, given: Assumptions) -> float:
    capex = float(costs.capex_usd(usage, given.values, given.mode)) * given["currency_per_usd"]
    return cashflow.tco(given["discount_rate"], capex, _yearly(usage, given))


def _years(baseline: Usage, candidate: Usage, given: Assumptions) -> tuple[Year, ...]:
    rate = given["currency_per_usd"]
    columns = [
        [float(costs.capex_usd(usage, given.values, given.mode)) * rate, *_yearly(usage, given)]
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


def _intervals(inputs: Inputs, run: Measured, given: Assumptions, rate: float) -> dict[str, Any]:
    """Intervals from resampled windows, from drawn assumptions, and from both together."""
    baseline = inputs.runs[0]
    a = given.values
    drawn = uncertainty.draw(given.numbers, inputs.seed)
    hours = float(baseline.usage.hours)
    block_h = uncertainty.block_length_h(hours)
    before, after = baseline.usage, run.usage
    what = "assumptions"
    found: dict[str, Any] = {"savings_per_month_window": None}
    if block_h is not None:
        what = "both"
        before, after = uncertainty.resample(
            [(r.usage, r.blocks) for r in (baseline, run)], inputs.seed + 1
        )
        found["savings_per_month_window"] = uncertainty.interval(
            _savings(before, after, a, given, rate), "window",
            f"{'days' if block_h > 1 else 'hours'} of the window resampled",
        )  # fmt: skip
    note = "assumptions drawn" if block_h is None else "window resampled and assumptions drawn"
    value = uncertainty.net_value(before, after, given, drawn) * rate
    found |= {
        "savings_per_month_both": uncertainty.interval(
            _savings(before, after, drawn, given, rate), what, note
        ),
        "npv_interval": uncertainty.interval(value, what, note),
        "avoided_kg_interval": uncertainty.interval(_avoided_kg(before, after, drawn), what, note),
        "probability_pays": float(np.mean(value > 0)) if np.ndim(value) else None,
    }
    return found


def _savings(
    baseline: Usage, candidate: Usage, a: Mapping[str, Any], given: Assumptions, rate: float
) -> Any:
    totals = [
        sum(costs.first_year(usage, a, given.mode).values()) for usage in (baseline, candidate)
    ]
    return (totals[0] - totals[1]) / MONTHS * rate


def _avoided_kg(baseline: Usage, candidate: Usage, a: Mapping[str, Any]) -> Any:
    kilos = [
        (costs.operational_g(usage, a) + costs.embodied_g(usage, a))
        * costs.per_year(usage, a) / 1000.0
        for usage in (baseline, candidate)
    ]  # fmt: skip
    return kilos[0] - kilos[1]


def _seeds(
    pairs: Sequence[tuple[Usage, Usage]], given: Assumptions, rate: float
) -> Interval | None:
    """90 % t interval of the mean savings over runs that differ in their seed only."""
    if len(pairs) < SEEDS_MIN:
        return None
    values = np.array([_savings(one, other, given.values, given, rate) for one, other in pairs])
    spread = stats.sem(values) * stats.t.ppf((1 + uncertainty.LEVEL) / 2, len(values) - 1)
    mean = float(values.mean())
    note = f"mean of {len(values)} seeds"
    return Interval(low=mean - float(spread), high=mean + float(spread), source="seeds", note=note)


def _points(baseline: Scorecard, candidate: Scorecard) -> float | None:
    before, after = baseline.get("slo_attainment_frac"), candidate.get("slo_attainment_frac")
    return None if before is None or after is None else 100.0 * (after - before)


def _per_point(before: float, after: float, points: float | None) -> float | None:
    if points is None or abs(points) < 1e-9:
        return None
    price = (after - before) / points
    return price if price > 0 else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
