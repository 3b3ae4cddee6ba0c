"""Leaderboards of forecasters in the store: written once they are whole, found again by content.

Results are JSON text here; what they mean is `engine.forecast_runs`' business.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.store.duck import Store

__all__ = ["EvaluationRow", "evaluations_of_trace", "find_evaluation", "save_evaluation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """A row of the table `evaluations`."""

    evaluation_id: str
    trace_id: str
    spec: dict[str, Any]
    """What was evaluated, and how."""
    code_version: str
    created_at: datetime
    """UTC, without a zone."""
    wall_s: float
    result: str
    """JSON."""


_COLUMNS = ", ".join(EvaluationRow.__dataclass_fields__)


def save_evaluation(
    store: Store,
    evaluation_id: str,
    *,
    trace_id: str,
    spec: Mapping[str, Any],
    code_version: str,
    wall_s: float,
    result: str,
) -> EvaluationRow:
    """Stores an evaluation in place of an earlier one of the same id.

    Args:
        store: the open store.
        evaluation_id: hash of trace, spec and code version.
        trace_id: whose demand it is about.
        spec: what was evaluated, and how; JSON-able.
        code_version: of everything that decides the result.
        wall_s: seconds that it took.
        result: JSON.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    row = EvaluationRow(
        evaluation_id=evaluation_id, trace_id=trace_id, spec=dict(spec),
        code_version=code_version, created_at=now, wall_s=wall_s, result=result,
    )  # fmt: skip
    with store.transaction() as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO evaluations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [evaluation_id, trace_id, json.dumps(spec), code_version, now, wall_s, result],
        )
    return row


def find_evaluation(store: Store, evaluation_id: str) -> EvaluationRow | None:
    """The evaluation with this id, if it is there."""
    with store.transaction() as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS} FROM evaluations WHERE evaluation_id = ?", [evaluation_id]
        ).fetchone()
    return None if row is None else _row(row)


def evaluations_of_trace(store: Store, trace_id: str) -> list[EvaluationRow]:
    """All evaluations on a trace's demand, newest first."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM evaluations WHERE trace_id = ? "
            "ORDER BY created_at DESC, evaluation_id",
            [trace_id],
        ).fetchall()
    return [_row(row) for row in rows]


def _row(values: tuple[Any, ...]) -> EvaluationRow:
    row = dict(zip(EvaluationRow.__dataclass_fields__, values, strict=True))
    return EvaluationRow(**{**row, "spec": json.loads(row["spec"])})
