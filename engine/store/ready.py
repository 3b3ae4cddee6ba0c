"""What every kind of trace is before it is stored: a checked relation and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.store.work import Work
from engine.trace.schema import Finding, Kind, Severity

__all__ = ["Ready", "counted", "first_row", "noted", "repaired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A temporary relation called `ready` in canonical order, not stored yet."""

    kind: Kind
    table: str
    """Table of the store that takes it."""
    columns: dict[str, str]
    """Columns that hold anything, with the SQL expression to digest them (never NULL)."""
    rows: int
    duration_s: float
    epoch_s: float | None
    findings: tuple[Finding, ...]
    profile: dict[str, Any]
    unit: str | None = None
    interval_s: float | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    """Further tables of the store, and the temporary relations that fill them; they are no part
    of the trace's identity."""

    @property
    def identity(self) -> str:
        """What belongs to the content besides the rows."""
        return f"{self.kind}|{self.unit}|{self.interval_s!r}|{self.epoch_s!r}"

    def with_findings(self, before: tuple[Finding, ...]) -> "Ready":
        """The same, with what was found on the way here in front."""
        return replace(self, findings=(*before, *self.findings))


def repaired(
    rule: str, what: str, where: str, fix: str, *, row: int | None = None, count: int = 1
) -> Finding:
    """Something that was wrong and was mended."""
    return Finding(
        rule=rule, severity=Severity.REPAIRED, what=what, where=where, fix=fix, row=row,
        count=count,
    )  # fmt: skip


def noted(
    rule: str, what: str, where: str, fix: str, *, row: int | None = None, count: int = 1
) -> Finding:
    """Something worth knowing that changed nothing."""
    return Finding(
        rule=rule, severity=Severity.NOTE, what=what, where=where, fix=fix, row=row, count=count
    )


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_row(work: Work, relation: str, condition: str) -> int:
    """Number of the first row that meets an SQL condition of ours, counted from 1."""
    (row,) = work.one(
        f"SELECT min(row) FROM (SELECT *, row_number() OVER () AS row FROM {relation}) "
        f"WHERE {condition}"
    )
    return int(row)
