"""From what a replay measured to a year's cost, energy and carbon, component by component.

Everything works on plain numbers and, element by element, on arrays of draws, so that one
formula serves the result and its uncertainty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from engine.economics.assumptions import CostMode
from engine.units import FloatArray

HOURS_PER_YEAR = 8760.0
MONTHS = 12.0

Number = float | FloatArray
"""One number, or one a draw."""

COMPONENTS: Mapping[str, str] = {
    "on_demand_usd": "Compute, on demand",
    "reserved_usd": "Compute, reserved",
    "spot_usd": "Compute, spot",
    "transfer_usd": "Data transfer",
    "energy_usd": "Energy",
    "penalties_usd": "SLA penalties",
    "credits_usd": "Service credits",
    "carbon_usd": "Price of carbon",
    "care_usd": "Effort to run it",
}
"""Parts of a year's cost, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Totals of a run over its window, or of resampled windows (arrays)."""

    hours: Number
    cost_usd: Number
    """Provisioned workers at the scenario's prices."""
    worker_h: Number
    """Provisioned: starting, ready and draining."""
    busy_worker_h: Number
    """Busy slot-hours over the slots of a worker."""
    arrived: Number
    met: Number
    """Of those, finished within the SLO."""
    finished: Number
    violations: Number
    peak_workers: float
    promise_frac: float
    """Share of requests that should meet the SLO."""
    candidate: bool
    """Whether it has to be switched to, and run with care; the baseline has not."""


def energy_kwh(usage: Usage, a: Mapping[str, Number]) -> Number:
    """Energy of the window: (provisioned h * idle + busy h * (full - idle)) * PUE / 1000."""
    dynamic = usage.busy_worker_h * (a["watts_full"] - a["watts_idle"])
    return (usage.worker_h * a["watts_idle"] + dynamic) * a["pue"] / 1000.0


def operational_g(usage: Usage, a: Mapping[str, Number]) -> Number:
    """Grams of CO2e from the window's energy: kWh * grid intensity (location-based)."""
    return energy_kwh(usage, a) * a["grid_g_per_kwh"]


def embodied_g(usage: Usage, a: Mapping[str, Number]) -> Number:
    """Grams of CO2e of making the machines: worker hours over their lifetime, times kg."""
    lifetime_h = a["lifetime_years"] * HOURS_PER_YEAR
    return usage.worker_h / lifetime_h * a["embodied_kg"] * 1000.0


def per_year(usage: Usage, a: Mapping[str, Number]) -> Number:
    """What multiplies the window's totals into the first year's."""
    return a["hours_per_year"] * a["seasonality"] / usage.hours


def first_year(usage: Usage, a: Mapping[str, Number], mode: CostMode) -> dict[str, Number]:
    """US dollars of the first year by component, keys of COMPONENTS.

    Rented: compute = window cost * (1 - frac * discount) per year; energy is in the price.
    Owned: machines are capital (`capex_usd`), energy is paid for. Service credits are owed every
    month, as attainment is that of the window.
    """
    year = per_year(usage, a)
    rented = 1.0 if mode is CostMode.RENTED else 0.0
    compute = usage.cost_usd * year * rented
    kwh = energy_kwh(usage, a) * year
    tonnes = (operational_g(usage, a) + embodied_g(usage, a)) * year / 1e6
    missed = (usage.arrived - usage.met) * year
    care = a["care_days_per_year"] * a["day_rate_usd"] if usage.candidate else 0.0
    return {
        "on_demand_usd": compute * (1.0 - a["reserved_frac"] - a["spot_frac"]),
        "reserved_usd": compute * a["reserved_frac"] * (1.0 - a["reserved_discount"]),
        "spot_usd": compute * a["spot_frac"] * (1.0 - a["spot_discount"]),
        "transfer_usd": usage.finished * year / 1000.0
        * a["transfer_gib_per_1000"] * a["transfer_usd_per_gib"],
        "energy_usd": kwh * a["energy_usd_per_kwh"] * (1.0 - rented),
        "penalties_usd": usage.violations * year * a["penalty_usd_per_violation"]
        + missed / 1000.0 * a["penalty_usd_per_1000_missed"],
        "credits_usd": _credits(usage, a),
        "carbon_usd": tonnes * a["carbon_usd_per_t"],
        "care_usd": care,
    }  # fmt: skip


def _credits(usage: Usage, a: Mapping[str, Number]) -> Number:
    attainment = usage.met / np.maximum(usage.arrived, 1.0)
    share = np.where(
        attainment < a["credit_deep_below"],
        a["credit_deep_frac"],
        np.where(attainment < usage.promise_frac, a["credit_frac"], 0.0),
    )
    owed: Number = a["fee_usd_per_month"] * MONTHS * share
    return float(owed) if np.ndim(owed) == 0 else owed


def capex_usd(usage: Usage, a: Mapping[str, Number], mode: CostMode) -> Number:
    """Capital: workers bought for the peak (owned), and, for a candidate, the switch itself."""
    bought = usage.peak_workers * a["worker_capex_usd"] if mode is CostMode.OWNED else 0.0
    switch = a["migration_days"] * a["day_rate_usd"] + a["migration_usd"]
    return bought + (switch if usage.candidate else 0.0)


def growth_factors(a: Mapping[str, Number], years: int) -> list[tuple[Number, Number]]:
    """By year: what multiplies volume (penalties), and volume times price (the rest)."""
    made = []
    for year in range(years):
        volume = (1.0 + a["growth"]) ** year
        made.append((volume, volume * (1.0 + a["price_change"]) ** year))
    return made


PRICED = ("on_demand_usd", "reserved_usd", "spot_usd", "transfer_usd", "energy_usd")
VOLUME = ("penalties_usd", "carbon_usd")
"""Grow with demand only; credits and care grow with neither."""


def by_year(usage: Usage, a: Mapping[str, Number], mode: CostMode, years: int) -> list[Number]:
    """US dollars of each year, the first with index 0."""
    first = first_year(usage, a, mode)
    priced = sum(first[key] for key in PRICED)
    volume = sum(first[key] for key in VOLUME)
    fixed = first["credits_usd"] + first["care_usd"]
    return [priced * both + volume * more + fixed for more, both in growth_factors(a, years)]


def switching_flows(
    baseline: Usage, candidate: Usage, a: Mapping[str, Number], mode: CostMode, years: int
) -> list[Number]:
    """Cash flows in US dollars of switching to the candidate: index 0 today, then by year."""
    today = capex_usd(baseline, a, mode) - capex_usd(candidate, a, mode)
    ours, theirs = (by_year(usage, a, mode, years) for usage in (candidate, baseline))
    return [today, *(before - after for before, after in zip(theirs, ours, strict=True))]


def present_value(flows: Sequence[Number], rate: Number) -> Number:
    """Net present value, element by element."""
    value: Number = 0.0
    for year, flow in enumerate(flows):
        value = value + flow / (1.0 + rate) ** year
    return value


def usage_fields() -> tuple[str, ...]:
    """Names of the totals that are sums over blocks."""
    skip = {"peak_workers", "promise_frac", "candidate"}
    return tuple(field.name for field in fields(Usage) if field.name not in skip)
