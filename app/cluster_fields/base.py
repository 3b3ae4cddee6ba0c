"""What a field of the page *Cluster* is: where it lies in a scenario, its name, unit and type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Plain = Mapping[str, Any]
"""One entry of a scenario as plain values."""


class Type(StrEnum):
    """What may be typed or chosen."""

    NUMBER = "number"
    WHOLE = "whole number"
    TEXT = "text"
    CHOICE = "choice"
    NAME = "name"
    """Of another part of the scenario."""
    NAMES = "names"
    """Several of them."""
    WORDS = "words"
    """Separated by commas."""
    POINTS = "points"
    """Pairs of numbers, `0: 100, 1: 300`."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input."""

    path: str
    """Below its entry, such as `startup.mean_s`."""
    label: str
    unit: str = ""
    """Empty where there is none."""
    help: str
    type: Type = Type.NUMBER
    optional: bool = False
    """Empty means: none."""
    empty: str = "none"
    """What an empty optional field stands for."""
    choices: tuple[str, ...] = ()
    names_of: str = ""
    """Part whose names may be chosen; `*sizes` and `*places` depend on the entry."""
    group: str = ""
    """Heading above it, where it is the first of a group."""
    used: Callable[[Plain], bool] | None = None
    """Whether the entry as it is makes use of it; None: always."""

    @property
    def title(self) -> str:
        """Label with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A table: entries of one kind with the same fields."""

    key: str
    """Path from the scenario's top; `*` stands for each entry of a list."""
    title: str
    noun: str
    """One entry."""
    help: str
    fields: tuple[Field, ...]
    entries_down: bool = False
    """Entries are rows; else fields are rows and entries columns."""
    least: int = 0
    """So many entries must stay."""
    many: bool = True
    """A list of entries; else a single one."""
    switch: str = ""
    """Label of the switch that turns a single entry on and off; empty: it is always there."""
