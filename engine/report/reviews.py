"""Reviews of decisions, as files that can be taken away and as lines of a report."""

import csv
import io
import json
from typing import Any

import pandas as pd

from engine.economics.model import Review
from engine.explain.words import at
from engine.report.cells import safe

__all__ = ["as_csv", "as_json", "as_lines"]


def as_csv(reviews: pd.DataFrame) -> bytes:
    """UTF-8 with a heading; no cell can become a formula of a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(reviews.columns)
    for row in reviews.itertuples(index=False):
        writer.writerow([safe(str(value)) for value in map(_plain, row)])
    return text.getvalue().encode()


def as_json(reviews: pd.DataFrame) -> bytes:
    """A list of objects."""
    found = [{k: _plain(v) for k, v in row.items()} for row in reviews.to_dict("records")]
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def as_lines(reviews: pd.DataFrame, epoch_s: float | None) -> tuple[Review, ...]:
    """For the section of a report that says what readers think."""
    return tuple(
        Review(by=row["reviewer"], text=_line(row, epoch_s)) for row in reviews.to_dict("records")
    )


def _line(row: dict[Any, Any], epoch_s: float | None) -> str:
    """A review as a sentence, with what is needed to look the decision up."""
    before, after = int(row["current"]), int(row["applied"])
    done = f"kept at {after}" if before == after else f"from {before} to {after}"
    decided = (
        f"{_VERDICTS[row['verdict']]} with decision {row['number']} of {row['policy']}: "
        f"{row['pool']} {done} workers at {at(row['t_s'], epoch_s)} "
        f"({row['reason'].replace('_', ' ')})"
    )
    said = [decided, row["tag"] and f"Tag: {row['tag']}", row["note"]]
    return " ".join(
        text if text.endswith((".", "!", "?")) else f"{text}." for text in said if text
    )


_VERDICTS = {"agree": "Agrees", "disagree": "Disagrees", "unsure": "Not sure whether to agree"}
