"""What a reader asks the store to do: which source column becomes which canonical one, and how."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.trace.head import Head, is_number, normal
from engine.trace.schema import Finding, Kind, Severity

__all__ = ["FEATURE", "Cast", "Field", "Plan", "Shape", "TimeUnit", "guess_time_unit"]


class Cast(StrEnum):
    """How the cells of a column are read."""

    TIME = "time"
    INTEGER = "integer"
    NUMBER = "number"
    MAYBE = "maybe"
    """A number, or nothing where the cell holds none."""
    TEXT = "text"


class TimeUnit(StrEnum):
    """How times are written."""

    TEXT = "text"
    """ISO 8601; without an offset it is taken as UTC."""
    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"

    @property
    def per_second(self) -> float:
        """Units a second, as staged: text is staged as microseconds."""
        return {"text": 1e6, "s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[self.value]


FEATURE = "feature_"
"""Begins the role of a column that is no value but a feature of its interval, by its name in the
registry of the forecasters, in the unit that stands there."""


class Shape(StrEnum):
    """What has to happen to the staged rows before they are canonical."""

    PLAIN = "plain"
    RUN_LENGTH = "run_length"
    """A reading covers `duration_ms` before its time: expand it over the grid."""
    USAGE = "usage"
    """A reading covers `t` to `end`: its value counts by the share of the grid interval."""
    CHAINS = "chains"
    """Sessions of a main loop and sub-agents: chain the requests."""
    WINDOWS = "windows"
    """Client windows: draw the requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One canonical column and where it comes from."""

    role: str
    """Name in the staging table."""
    index: int
    """Position of the source column."""
    cast: Cast
    scale: float = 1.0
    """Numbers are multiplied by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to stage one file."""

    format: str
    kind: Kind
    fields: tuple[Field, ...]
    time_unit: TimeUnit | None
    """None where there are no times (a price table)."""
    shape: Shape = Shape.PLAIN
    value_unit: str | None = None
    """Of series values."""
    interval_s: float | None = None
    """Where the format fixes it; None: found in the data."""
    entity: str = ""
    """Entity or region where no column gives one."""
    absurd_above: float = math.inf
    """Series values above this are no readings."""
    keeps_zero: bool = False
    """Time 0 of the file is t = 0; else the first row is."""
    keeps_times: bool = False
    """Equal times are meant: never spread them."""
    findings: tuple[Finding, ...] = ()
    recipe: dict[str, Any] | None = field(default=None)

    @property
    def features(self) -> tuple[str, ...]:
        """Roles of the columns that are features."""
        return tuple(field.role for field in self.fields if field.role.startswith(FEATURE))

    def has(self, role: str) -> bool:
        """Whether the file gives this column."""
        return any(field.role == role for field in self.fields)


_UNIT_WORDS = {"ms": TimeUnit.MS, "millis": TimeUnit.MS, "milliseconds": TimeUnit.MS,
               "us": TimeUnit.US, "micros": TimeUnit.US, "microseconds": TimeUnit.US,
               "ns": TimeUnit.NS, "nanos": TimeUnit.NS}  # fmt: skip
_EPOCH_LEAST = ((1e17, TimeUnit.NS), (1e14, TimeUnit.US), (1e11, TimeUnit.MS))
"""From 1973 on, Unix times in these units are at least this large."""


def guess_time_unit(head: Head, index: int) -> tuple[TimeUnit, tuple[Finding, ...]]:
    """Unit of a column of times, and a note where it was guessed from the size of the numbers."""
    cells = head.samples(index)
    if _is_stamp_type(head, index) or not cells or not all(map(is_number, cells)):
        return TimeUnit.TEXT, ()
    largest = max((abs(float(cell)) for cell in cells), default=0.0)
    name = head.columns[index]
    for least, unit in _EPOCH_LEAST:
        if largest >= least:
            return unit, (_guessed(head, name, unit),)
    if largest >= 1e8:  # 1973 as Unix seconds, 1.2 days as milliseconds
        return TimeUnit.S, (_guessed(head, name, TimeUnit.S),)
    word = next((w for w in reversed(normal(name).split("_")) if w in _UNIT_WORDS), None)
    unit = _UNIT_WORDS[word] if word else TimeUnit.S
    return unit, (_guessed(head, name, unit),)


def _is_stamp_type(head: Head, index: int) -> bool:
    return bool(head.types) and head.types[index].startswith(("timestamp", "date"))


def _guessed(head: Head, column: str, unit: TimeUnit) -> Finding:
    return Finding(
        rule="time_unit_guessed",
        severity=Severity.NOTE,
        what=f"times were read as {unit.value}, judging by their size and the column's name",
        where=f"{head.name}, column {column!r}",
        fix="If that is wrong, import it with the mapping option unit=s, ms, us or ns",
    )
