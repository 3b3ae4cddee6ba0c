"""What an import would make of a file, without a store."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from engine.errors import TraceError
from engine.trace.files import opened
from engine.trace.head import Head, read_head
from engine.trace.mapping import Mapping, column_types
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan
from engine.trace.readers import AUTO, GENERIC, detect, plan_import
from engine.trace.roles import ROLES
from engine.trace.schema import Finding, Kind, Severity

__all__ = ["Preview", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The beginning of a file and how it would be read."""

    format: str
    kind: Kind | None
    """None where no columns could be made out: a mapping is needed."""
    columns: tuple[tuple[str, str], ...]
    """(name, type) of each source column; types are time, integer, number and text."""
    guessed: Mapping | None
    """The columns that would be used, None where they could not be made out."""
    head: pd.DataFrame
    """First rows as text."""
    findings: tuple[Finding, ...]
    """What is known before all rows are read; one is refused where a mapping is needed."""


def preview(
    path: Path,
    *,
    format: str = AUTO,  # noqa: A002
    mapping: Mapping | None = None,
    rows: int = 20,
    options: ImportOptions | None = None,
) -> Preview:
    """Reads the file once for damage, and its first rows for their meaning.

    Args:
        path: of the file.
        format: of the file; `auto` looks at its columns.
        mapping: columns by role, instead of what would be guessed.
        rows: to show, at most 200.
        options: choices the file leaves open.

    Raises:
        TraceError: the file is missing, damaged, empty or no table.
        UsageError: an unknown format.
    """
    with opened(Path(path).expanduser()) as source:
        head = read_head(source)
    types = column_types(head)
    plan, findings = _attempt(head, format, mapping, options or ImportOptions())
    return Preview(
        format=plan.format if plan else detect(head) if format == AUTO else format,
        kind=plan.kind if plan else None,
        columns=tuple((name, cast.value) for name, cast in zip(head.columns, types, strict=True)),
        guessed=_used(head, plan, mapping) if plan else None,
        head=pd.DataFrame(
            [_padded(row, len(head.columns)) for row in head.rows[:rows]], columns=head.columns
        ),
        findings=(*head.findings, *findings),
    )


def _attempt(
    head: Head,
    format: str,  # noqa: A002
    mapping: Mapping | None,
    options: ImportOptions,
) -> tuple[Plan | None, tuple[Finding, ...]]:
    try:
        plan = plan_import(head, format, mapping, options)
    except TraceError as error:
        refused = Finding(
            rule="no_mapping" if format in (AUTO, GENERIC) else "missing_column",
            severity=Severity.REFUSED,
            what=error.what,
            where=error.where,
            fix=error.fix,
        )
        return None, (refused,)
    return plan, plan.findings


def _used(head: Head, plan: Plan, mapping: Mapping | None) -> Mapping:
    return Mapping(
        columns=tuple(
            (field.role, head.columns[field.index]) for field in plan.fields if field.role in ROLES
        ),
        kind=plan.kind,
        unit=plan.time_unit,
        value_unit=plan.value_unit or (mapping.value_unit if mapping else None),
    )


def _padded(row: tuple[str, ...], width: int) -> tuple[str, ...]:
    return (*row, *[""] * (width - len(row)))[:width]
