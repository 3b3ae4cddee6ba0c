"""The assumptions of a report: every number that the replay did not measure, with its source.

An operator edits them on the report page or in a TOML file; each has a default, a unit, a source
and a range that the uncertainty analysis draws from.
"""

import dataclasses
import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import ScenarioError, did_you_mean

OURS = "our assumption"
SOURCE_PAPER = "Sci Rep 15:30567 (2025), economics section"
GOOGLE = "Google Cloud list prices of 30 July 2026, median over machines and regions"
CCF = "Cloud Carbon Footprint coefficients, AWS p4d.24xlarge, a quarter of it (2 of 8 GPUs)"
CCF_CPU = "Cloud Carbon Footprint coefficients, AWS m5.xlarge"

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "INR", "CNY", "SEK", "NOK", "PLN")


class CostMode(StrEnum):
    """Who owns the machines; energy is paid for once."""

    RENTED = "rented"
    """Prices per hour include the energy."""
    OWNED = "owned"
    """Machines are bought, energy is paid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One number that was not measured."""

    key: str
    label: str
    group: str
    value: float
    unit: str
    low: float
    """Plausible range, for the uncertainty analysis; equal to `high`: taken as certain."""
    high: float
    source: str
    meaning: str
    least: float = 0.0
    """What it may be at all."""
    most: float | None = None

    def changed(self, value: float, where: str = "assumptions") -> "Assumption":
        """The same with another value; its range is stretched to hold it. Raises ScenarioError."""
        highest = math.inf if self.most is None else self.most
        if not (math.isfinite(value) and self.least <= value <= highest):
            most = "" if self.most is None else f" to {self.most:g}"
            limits = f"{self.least:g}{most}" if most else f"{self.least:g} or more"
            raise ScenarioError(
                f"{self.key} is {value:g}", f"{where}: {self.key}", f"Use {limits} ({self.unit})"
            )
        if self.key == "years" and value != round(value):
            raise ScenarioError(
                f"{self.key} is {value:g}", f"{where}: {self.key}", "Use whole years"
            )
        return dataclasses.replace(
            self, value=value, low=min(self.low, value), high=max(self.high, value)
        )


def _a(
    group: str, key: str, label: str, value: float, unit: str, span: tuple[float, float],
    source: str, meaning: str, least: float = 0.0, most: float | None = None,
) -> Assumption:  # fmt: skip
    return Assumption(
        key=key, label=label, group=group, value=float(value), unit=unit, low=float(span[0]),
        high=float(span[1]), source=source, meaning=meaning, least=float(least),
        most=None if most is None else float(most),
    )  # fmt: skip


def _money() -> tuple[Assumption, ...]:
    return (
        _a("Money", "years", "Horizon", 3, "years", (3, 3), SOURCE_PAPER,
           "Years over which costs and savings are counted.", 1, 20),
        _a("Money", "discount_rate", "Discount rate", 0.05, "per year", (0.03, 0.10),
           SOURCE_PAPER, "What later money is worth less, a year.", -0.5, 1.0),
        _a("Money", "currency_per_usd", "Exchange rate", 1.0, "currency per USD", (1.0, 1.0), OURS,
           "Turns US dollars into the report's currency.", 1e-6),
        _a("Demand", "hours_per_year", "Hours in service", 8760, "h per year", (8760, 8760), OURS,
           "Hours a year in which the cluster meets demand as in the window.", 1, 8784),
        _a("Demand", "seasonality", "Season", 1.0, "times", (0.8, 1.25), OURS,
           "Mean demand of the year over that of the window.", 0.01, 100),
        _a("Demand", "growth", "Growth of demand", 0.10, "per year", (0.0, 0.30), OURS,
           "How much more demand, and cost with it, each further year.", -0.9, 10),
        _a("Demand", "price_change", "Change of prices", 0.0, "per year", (-0.10, 0.05), OURS,
           "How much dearer compute and energy get each further year.", -0.9, 10),
    )  # fmt: skip


def _compute() -> tuple[Assumption, ...]:
    return (
        _a("Compute", "reserved_frac", "Bought reserved", 0.0, "share", (0.0, 0.0), OURS,
           "Share of compute bought with a commitment of one year.", 0, 1),
        _a("Compute", "reserved_discount", "Reserved discount", 0.37, "share", (0.34, 0.40),
           GOOGLE, "Off the on-demand price with a commitment of one year.", 0, 1),
        _a("Compute", "spot_frac", "Bought as spot", 0.0, "share", (0.0, 0.0), OURS,
           "Share of compute bought as spot; its revocations are not in the replay.", 0, 1),
        _a("Compute", "spot_discount", "Spot discount", 0.67, "share", (0.45, 0.91), GOOGLE,
           "Off the on-demand price for spot.", 0, 1),
        _a("Compute", "transfer_gib_per_1000", "Data sent to callers", 0.0,
           "GiB per 1,000 requests", (0.0, 0.0), OURS,
           "Not measured by the replay; fill it in where transfer is billed."),
        _a("Compute", "transfer_usd_per_gib", "Transfer price", 0.12, "USD per GiB",
           (0.08, 0.19), OURS, "Price of data that leaves the cloud."),
        _a("Compute", "worker_capex_usd", "Price to buy a worker", 60_000, "USD per worker",
           (45_000, 80_000), OURS, "Owned mode: machine share that carries one worker."),
    )  # fmt: skip


def _penalties() -> tuple[Assumption, ...]:
    return (
        _a("Promises", "penalty_usd_per_violation", "Penalty per violation", 0.0,
           "USD per violation", (0.0, 0.0), "contract; the source paper used 5,000 USD",
           "For each unbroken run of minutes that broke the SLO."),
        _a("Promises", "penalty_usd_per_1000_missed", "Penalty per missed requests", 0.0,
           "USD per 1,000 missed", (0.0, 0.0), "contract",
           "For each thousand requests that failed or were late."),
        _a("Promises", "fee_usd_per_month", "Fee under contract", 0.0, "USD per month",
           (0.0, 0.0), "contract", "What customers pay; service credits are a share of it."),
        _a("Promises", "credit_frac", "Service credit", 0.10, "share of the fee", (0.10, 0.10),
           "contract; common in public cloud SLAs", "Owed while attainment is below the promise.",
           0, 1),
        _a("Promises", "credit_deep_frac", "Service credit, deep", 0.25, "share of the fee",
           (0.25, 0.25), "contract; common in public cloud SLAs",
           "Owed instead while attainment is below the deep limit.", 0, 1),
        _a("Promises", "credit_deep_below", "Deep limit", 0.95, "share of requests", (0.95, 0.95),
           "contract", "Attainment below which the deep credit is owed.", 0, 1),
        _a("Switching", "migration_days", "Effort to switch", 15, "person-days", (5, 40), OURS,
           "Once, before the first saving."),
        _a("Switching", "care_days_per_year", "Effort to run it", 6, "person-days per year",
           (2, 15), OURS, "More than the baseline needs, each year."),
        _a("Switching", "day_rate_usd", "Price of a day", 800, "USD per person-day", (500, 1300),
           OURS, "Of the engineers who do it, all included."),
        _a("Switching", "migration_usd", "Other cost to switch", 0.0, "USD", (0.0, 0.0), OURS,
           "Licences, machines or consultants, once."),
    )  # fmt: skip


def _energy(large: bool) -> tuple[Assumption, ...]:
    idle, full, source = (186.2, 1311.25, CCF) if large else (8.8, 39.9, CCF_CPU)
    embodied = 1169.2 if large else 0.0

    def around(value: float, share: float) -> tuple[float, float]:
        return round((1 - share) * value, 1), round((1 + share) * value, 1)

    return (
        _a("Energy and carbon", "watts_idle", "Power of an idle worker", idle, "W",
           around(idle, 0.3), source, "Provisioned with nothing in service."),
        _a("Energy and carbon", "watts_full", "Power of a busy worker", full, "W",
           around(full, 0.3), source, "All slots busy; in between it is linear."),
        _a("Energy and carbon", "pue", "Power usage effectiveness", 1.2, "times", (1.1, 1.6), OURS,
           "All energy of the site over that of its machines.", 1, 5),
        _a("Energy and carbon", "energy_usd_per_kwh", "Price of energy", 0.12, "USD per kWh",
           (0.08, 0.20), SOURCE_PAPER, "Paid in owned mode; rented prices include it."),
        _a("Energy and carbon", "grid_g_per_kwh", "Grid intensity", 400, "g CO2e per kWh",
           (100, 600), OURS, "Yearly mean where the machines stand, location-based."),
        _a("Energy and carbon", "embodied_kg", "Carbon of making a worker", embodied,
           "kg CO2e per worker", around(embodied, 0.5), source,
           "Machine share that carries one worker."),
        _a("Energy and carbon", "lifetime_years", "Lifetime of a machine", 4, "years", (3, 6),
           OURS, "Over which the carbon of making it is spread.", 0.5, 30),
        _a("Energy and carbon", "carbon_usd_per_t", "Price of carbon", 0.0, "USD per t CO2e",
           (0.0, 0.0), OURS, "Internal price of emissions; 0: not part of the money."),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """All of a report's assumptions."""

    mode: CostMode = CostMode.RENTED
    currency: str = "USD"
    price_date: str = "2026-07-30"
    """Day that the prices are of."""
    numbers: tuple[Assumption, ...]

    def __getitem__(self, key: str) -> float:
        """Value of an assumption."""
        return self.find(key).value

    def find(self, key: str, where: str = "assumptions") -> Assumption:
        """The assumption with this key. Raises ScenarioError."""
        for entry in self.numbers:
            if entry.key == key:
                return entry
        raise ScenarioError(
            f"unknown assumption {key!r}", where,
            did_you_mean(key, [entry.key for entry in self.numbers]),
        )  # fmt: skip

    @property
    def values(self) -> dict[str, float]:
        """Values by key."""
        return {entry.key: entry.value for entry in self.numbers}

    def changed(self, values: Mapping[str, Any], where: str = "assumptions") -> "Assumptions":
        """The same with other values; keys as in a TOML file. Raises ScenarioError."""
        texts = {key: values[key] for key in ("mode", "currency", "price_date") if key in values}
        made = dataclasses.replace(self, **_texts(texts, where))
        numbers = {entry.key: entry for entry in made.numbers}
        for key, given in values.items():
            if key not in texts:
                numbers[key] = _one(made.find(key, where), given, where)
        made = dataclasses.replace(made, numbers=tuple(numbers.values()))
        _check_together(made, where)
        return made


def defaults(price_usd_per_hour: float) -> Assumptions:
    """Where a report starts.

    Args:
        price_usd_per_hour: mean price of the runs' workers. From 1 USD on they are taken for
            workers with two GPUs, below for workers of four cores, in power and carbon.
    """
    large = price_usd_per_hour >= 1.0
    return Assumptions(numbers=(*_money(), *_compute(), *_penalties(), *_energy(large)))


def read(path: Path, base: Assumptions) -> Assumptions:
    """Assumptions from a TOML file: `key = value`, or `key = {value, low, high, source}`.

    Raises:
        ScenarioError: no such file, no TOML, an unknown key, a value out of range.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ScenarioError(
            f"cannot be read: {error.strerror}", path.name, "Name a readable TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"no TOML: {error}", path.name, "Write lines of key = value"
        ) from error
    return base.changed(values, path.name)


def _texts(texts: Mapping[str, Any], where: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in texts.items():
        if key == "mode" and value not in list(CostMode):
            _refuse(f"mode is {value!r}", f"{where}: mode", "Use rented or owned")
        if key == "currency" and value not in CURRENCIES:
            near = difflib.get_close_matches(str(value).upper(), CURRENCIES, 1)
            hint = f"Did you mean {near[0]}? " if near else ""
            known = f"{hint}Known: {', '.join(CURRENCIES)}"
            _refuse(f"unknown currency {value!r}", f"{where}: currency", known)
        if key == "price_date" and not _is_date(str(value)):
            _refuse(f"price_date is {value!r}", f"{where}: price_date", "Write it as 2026-07-30")
        made[key] = CostMode(value) if key == "mode" else str(value)
    return made


def _is_date(text: str) -> bool:
    parts = text.split("-")
    return [len(part) for part in parts] == [4, 2, 2] and all(part.isdigit() for part in parts)


def _one(entry: Assumption, given: Any, where: str) -> Assumption:
    if not isinstance(given, Mapping):
        return entry.changed(_number(given, f"{where}: {entry.key}"), where)
    known = ("value", "low", "high", "source")
    for name in given:
        if name not in known:
            _refuse(f"unknown key {name!r}", f"{where}: {entry.key}", did_you_mean(name, known))
    spot = f"{where}: {entry.key}"
    made = entry
    if "value" in given:
        made = made.changed(_number(given["value"], spot), where)
    low = _number(given.get("low", made.low), spot)
    high = _number(given.get("high", made.high), spot)
    for bound in (low, high):
        entry.changed(bound, where)
    if not low <= made.value <= high:
        _refuse(
            f"the range {low:g} to {high:g} does not hold the value {made.value:g}", spot,
            "Widen the range, or change the value",
        )  # fmt: skip
    source = str(given.get("source", made.source))
    return dataclasses.replace(made, low=low, high=high, source=source)


def _number(given: Any, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        _refuse(f"{given!r} is no number", where, "Write a number")
    return float(given)


def _check_together(made: Assumptions, where: str) -> None:
    if made["reserved_frac"] + made["spot_frac"] > 1:
        _refuse(
            f"reserved_frac and spot_frac make {made['reserved_frac'] + made['spot_frac']:g}",
            f"{where}: reserved_frac", "Together they may be 1 at most",
        )  # fmt: skip
    if made["watts_full"] < made["watts_idle"]:
        _refuse(
            f"watts_full is {made['watts_full']:g}, below watts_idle {made['watts_idle']:g}",
            f"{where}: watts_full", "A busy worker needs at least as much power as an idle one",
        )  # fmt: skip


def _refuse(what: str, where: str, fix: str) -> None:
    raise ScenarioError(what, where, fix)


def groups(numbers: Sequence[Assumption]) -> dict[str, list[Assumption]]:
    """Assumptions by group, in order."""
    found: dict[str, list[Assumption]] = {}
    for entry in numbers:
        found.setdefault(entry.group, []).append(entry)
    return found
