"""What a report's address says beside its runs: candidate, terms and changed assumptions."""

import math
from collections.abc import Mapping

from engine.economics.assumptions import Assumptions
from engine.errors import EngineError

CELLS = ("value", "low", "high")

Edits = dict[str, dict[str, float]]
"""Changed cells by assumption."""


def parsed(text: str) -> Edits:
    """Edits from an address, `growth:0.2,growth.high:0.4`; what makes no sense is left out."""
    edits: Edits = {}
    for part in text.split(","):
        name, _, number = part.partition(":")
        key, _, cell = name.strip().partition(".")
        try:
            value = float(number)
        except ValueError:
            continue
        if key and (cell or "value") in CELLS and math.isfinite(value):
            edits.setdefault(key, {})[cell or "value"] = value
    return edits


def spelled(edits: Mapping[str, Mapping[str, float]]) -> str:
    """Edits for an address."""
    return ",".join(
        f"{key}{'' if cell == 'value' else f'.{cell}'}:{cells[cell]!r}"
        for key, cells in edits.items()
        for cell in CELLS
        if cell in cells
    )


def without_defaults(edits: Edits, base: Assumptions) -> Edits:
    """Edits that change something."""
    known = {entry.key: entry for entry in base.numbers}
    kept = {
        key: {
            cell: value
            for cell, value in cells.items()
            if key not in known or value != getattr(known[key], cell)
        }
        for key, cells in edits.items()
    }
    return {key: cells for key, cells in kept.items() if cells}


def applied(base: Assumptions, edits: Edits) -> tuple[Assumptions, list[EngineError]]:
    """One edit after the other, so that a wrong one spoils no other; what was wrong."""
    wrong: list[EngineError] = []
    for key, cells in edits.items():
        try:
            base = base.changed({key: cells}, "assumptions")
        except EngineError as error:
            wrong.append(error)
    return base, wrong
