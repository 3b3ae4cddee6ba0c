"""A report as the bytes of a file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.economics.model import Report
from engine.errors import UsageError, did_you_mean
from engine.report import flat, html, pdf, xlsx

KINDS: Mapping[str, Callable[[Report], bytes]] = {
    "pdf": pdf.pdf,
    "html": html.html,
    "xlsx": xlsx.xlsx,
    "csv": flat.csv_bytes,
    "json": flat.json_bytes,
    "focus.csv": flat.focus_bytes,
}
"""By the ending of the file's name."""


def kind_of(path: Path) -> str:
    """Which export a file's name asks for. Raises UsageError."""
    name = path.name.lower()
    for kind in sorted(KINDS, key=len, reverse=True):
        if name.endswith(f".{kind}"):
            return kind
    raise UsageError(
        f"{path.name!r} ends in no known format", "report", did_you_mean(path.suffix[1:], KINDS)
    )


def export(report: Report, kind: str) -> bytes:
    """The bytes of one export; equal reports give equal bytes. Raises UsageError."""
    if kind not in KINDS:
        raise UsageError(f"unknown format {kind!r}", "report", did_you_mean(kind, KINDS))
    return KINDS[kind](report)
