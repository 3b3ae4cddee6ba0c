"""What the store knows of a trace besides its rows."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.trace.schema import Finding, Kind, Severity

__all__ = ["INFO_COLUMNS", "TraceInfo", "info_of"]

INFO_COLUMNS = (
    "trace_no, trace_id, content_hash, name, kind, format, source, unit, interval_s, epoch_s, "
    "duration_s, row_count, imported_at, recipe, report, profile"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceInfo:
    """A row of the table `traces`, its JSON parsed."""

    trace_no: int
    trace_id: str
    content_hash: str
    name: str
    kind: Kind
    format: str
    source: str
    unit: str | None
    interval_s: float | None
    epoch_s: float | None
    """Unix time of t = 0; None where only relative time is known."""
    duration_s: float
    row_count: int
    imported_at: datetime
    """UTC, without a zone."""
    recipe: dict[str, Any] | None
    report: tuple[Finding, ...]
    profile: dict[str, Any]


def info_of(row: tuple[Any, ...]) -> TraceInfo:
    """From a row with the columns `INFO_COLUMNS`."""
    values = dict(zip(INFO_COLUMNS.split(", "), row, strict=True))
    findings = [
        Finding(**{**finding, "severity": Severity(finding["severity"])})
        for finding in json.loads(values["report"])
    ]
    return TraceInfo(
        **{
            **values,
            "kind": Kind(values["kind"]),
            "recipe": None if values["recipe"] is None else json.loads(values["recipe"]),
            "report": tuple(findings),
            "profile": json.loads(values["profile"]),
        }
    )
