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
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import ScenarioError, did_you_mean

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
    most: float = 1e12
    default: float | None = None
    """What it was before it was edited; None where it still is that."""

    def changed(self, value: float, where: str = "assumptions") -> "Assumption":
        """The same with another value and a range of the same width around it.

        Rates and shares are shifted, amounts are scaled; what was certain stays certain. Raises
        ScenarioError for a value that cannot be.
        """
        self.check(value, where)
        if value == self.value:
            return self
        low, high = self._around(value)
        default = self.value if self.default is None else self.default
        return dataclasses.replace(
            self, value=value, default=None if value == default else default,
            low=min(value, max(low, self.least)), high=max(value, min(high, self.most)),
        )  # fmt: skip

    def check(self, value: float, where: str) -> None:
        """Refuses what it cannot be. Raises ScenarioError."""
        if not (math.isfinite(value) and self.least <= value <= self.most):
            raise ScenarioError(
                f"{self.key} is {value:g}", f"{where}: {self.key}",
                f"Use {self.least:g} to {self.most:g} ({self.unit})",
            )  # fmt: skip
        if self.key == "years" and value != round(value):
            raise ScenarioError(
                f"{self.key} is {value:g}", f"{where}: {self.key}", "Use whole years"
            )

    def _around(self, value: float) -> tuple[float, float]:
        if self.low == self.high:
            return value, value
        rate = self.unit == "per year" or self.unit.startswith("share")
        if rate or self.value <= 0:
            return self.low + (value - self.value), self.high + (value - self.value)
        low, high = (float(f"{value * (end / self.value):.4g}") for end in (self.low, self.high))
        return low, high


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


def read(path: Path, base: Assumptions) -> Assumptions:
    """Assumptions from a TOML file: `key = value`, or `key = {value, low, high, source}`.

    Raises:
        ScenarioError: no such file, no TOML, an unknown key, a value out of range.
    """
    where = path.name or str(path)
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ScenarioError(
            f"cannot be read: {error.strerror}", where, "Name a readable TOML file"
        ) from error
    except RecursionError as error:
        raise ScenarioError(
            "no TOML: nested too deep", where, "Write lines of key = value"
        ) from error
    except ValueError as error:  # no UTF-8, no TOML, or a number of thousands of digits
        raise ScenarioError(f"no TOML: {error}", where, "Write lines of key = value") from error
    return base.changed(values, where)


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
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


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
        entry.check(bound, where)
    if not low <= made.value <= high:
        _refuse(
            f"the range {low:g} to {high:g} does not hold the value {made.value:g}", spot,
            "Widen the range, or change the value",
        )  # fmt: skip
    source = str(given.get("source", made.source))
    return dataclasses.replace(made, low=low, high=high, source=source)


def _number(given: Any, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        _refuse(f"{_short(given)} is no number", where, "Write a number")
    try:
        return float(given)
    except OverflowError:
        return math.inf  # a whole number of hundreds of digits


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_together(made: Assumptions, where: str) -> None:
    reserved, spot = made.find("reserved_frac"), made.find("spot_frac")
    for share, other in ((reserved.value, spot.value), (reserved.high, spot.high)):
        if share + other > 1 + 1e-12:
            ends = "" if share == reserved.value else " at the ends of their ranges"
            _refuse(
                f"reserved_frac and spot_frac make {share + other:g}{ends}",
                f"{where}: reserved_frac", "Together they may be 1 at most",
            )  # fmt: skip
    if made["watts_full"] < made["watts_idle"]:
        _refuse(
            f"watts_full is {made['watts_full']:g}, below watts_idle {made['watts_idle']:g}",
            f"{where}: watts_full", "A busy worker needs at least as much power as an idle one",
        )  # fmt: skip
    rate, spot_of_rate = made["currency_per_usd"], f"{where}: currency_per_usd"
    if made.currency != "USD" and rate == 1:
        _refuse(
            f"the currency is {made.currency}, but its exchange rate is 1", spot_of_rate,
            f"Give currency_per_usd, how many {made.currency} a US dollar is worth",
        )  # fmt: skip
    if made.currency == "USD" and rate != 1:
        _refuse(
            f"the currency is USD, but its exchange rate is {rate:g}", spot_of_rate,
            "Set currency_per_usd to 1, or choose another currency",
        )  # fmt: skip


def _refuse(what: str, where: str, fix: str) -> None:
    raise ScenarioError(what, where, fix)


def groups(numbers: Sequence[Assumption]) -> dict[str, list[Assumption]]:
    """Assumptions by group, in order."""
    found: dict[str, list[Assumption]] = {}
    for entry in numbers:
        found.setdefault(entry.group, []).append(entry)
    return found
