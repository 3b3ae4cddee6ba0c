"""What a report is made of on paper and screen: cards, tables, sections. All of it is text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One headline figure."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first column is text, the others as `numeric` says."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True
    strong: tuple[int, ...] = ()
    """Rows that are totals."""
    widths: tuple[float, ...] | None = None
    """Relative widths of the columns; None: as the text needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands below it."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    charts: tuple[str, ...] = ()
    """Keys of charts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    verdict: str
    warnings: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]
    footer: str
    dated: str
