"""Puts a report together from what runs measured and what is assumed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.economics import cashflow, costs, uncertainty, wording
from engine.economics.assumptions import Assumptions, CostMode
from engine.economics.cautions import cautions
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
)
from engine.economics.switching import Measured, ratio, switch, yearly
from engine.units import SECONDS_PER_HOUR, FloatArray

_TOTALS = (*costs.usage_fields(), "peak_workers", "promise_frac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a report is made of."""

    identity: Identity
    runs: tuple[Measured, ...]
    """The baseline first, the candidate second."""
    charts: tuple[Chart, ...]
    by_seed: Mapping[str, tuple[tuple[Usage, Usage], ...]]
    """By run id: (baseline, candidate) of further seeds, the report's own pair included."""
    differing: tuple[str, ...]
    """What the runs' scenarios differ in, as text."""
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
    currency = inputs.identity.currency
    switches = [
        switch(baseline, run, given, currency, inputs.by_seed.get(run.run_id, ()), inputs.seed)
        for run in inputs.runs[1:]
    ]
    block_h = uncertainty.block_length_h(hours)
    return Report(
        schema_version=SCHEMA_VERSION,
        identity=inputs.identity,
        verdict=wording.verdict(figures[0], figures[1], switches[0], currency),
        warnings=cautions(figures, given, inputs.differing, inputs.identity.closed_loop),
        mode=given.mode.value,
        runs=figures,
        switch=switches[0],
        others=tuple(switches[1:]),
        assumptions=given.numbers,
        charts=inputs.charts,
        charges=tuple(charge for run in inputs.runs for charge in _charges(inputs, run, given)),
        decisions=inputs.decisions,
        epoch_s=inputs.epoch_s,
        method=wording.method(
            hours, block_h, uncertainty.DRAWS, given.mode, inputs.identity.closed_loop
        ),
        glossary=wording.GLOSSARY,
    )


def _figures(run: Measured, role: str, given: Assumptions) -> RunFigures:
    usage, a, rate = run.usage, given.values, given["currency_per_usd"]
    first = {k: float(v) * rate for k, v in costs.first_year(usage, a, given.mode).items()}
    total = sum(first.values())
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
        tco=cashflow.tco(given["discount_rate"], capex, yearly(usage, given)),
        per_request=ratio(total, float(usage.arrived) * year),
        per_1000_met=ratio(1000.0 * total, float(usage.met) * year),
        per_session=ratio(total, run.sessions * year) if run.sessions else None,
        energy_kwh_per_year=kwh * year,
        carbon_kg_per_year=(operational + embodied) * year,
        operational_kg_per_year=operational * year,
        embodied_kg_per_year=embodied * year,
        sci_g_per_request=ratio(1000.0 * (operational + embodied), float(usage.arrived)),
    )  # fmt: skip


def _charges(inputs: Inputs, run: Measured, given: Assumptions) -> list[Charge]:
    """Cost of each block of the window: at the scenario's prices or, owned, by depreciation."""
    rate = given["currency_per_usd"]
    owned = given.mode is CostMode.OWNED
    before, after = (_owned if owned else _rented)(run, given.values)
    made, from_s = [], inputs.identity.window_from_s
    for hours, worker_h, full, paid in zip(
        run.blocks["hours"], run.blocks["worker_h"], before, after, strict=True
    ):
        to_s = from_s + float(hours) * SECONDS_PER_HOUR
        made.append(
            Charge(
                run_id=run.run_id, policy=run.policy, from_s=from_s, to_s=to_s,
                worker_hours=float(worker_h), list_cost=float(full) * rate,
                effective_cost=float(paid) * rate, basis=given.mode.value,
            )
        )  # fmt: skip
        from_s = to_s
    return made


def _rented(run: Measured, a: Mapping[str, float]) -> tuple[FloatArray, FloatArray]:
    cost = run.blocks["cost_usd"]
    discount = a["reserved_frac"] * a["reserved_discount"] + a["spot_frac"] * a["spot_discount"]
    return cost, cost * (1.0 - discount)


def _owned(run: Measured, a: Mapping[str, float]) -> tuple[FloatArray, FloatArray]:
    """Price of the machines over their lifetime, and energy."""
    blocks = Usage(
        **{name: run.blocks[name] for name in costs.usage_fields()},
        peak_workers=run.usage.peak_workers, promise_frac=run.usage.promise_frac,
        candidate=run.usage.candidate,
    )  # fmt: skip
    lifetime_h = a["lifetime_years"] * costs.HOURS_PER_YEAR
    machines = run.usage.peak_workers * a["worker_capex_usd"] * blocks.hours / lifetime_h
    energy = costs.energy_kwh(blocks, a) * a["energy_usd_per_kwh"]
    together = np.asarray(machines + energy, np.float64)
    return together, together
