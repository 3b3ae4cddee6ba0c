"""What people said of decisions: kept with the run, counted, and taken away with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = ["VERDICTS", "SavedReview", "forget", "of_runs", "save"]

VERDICTS = ("agree", "disagree", "unsure")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReview:
    """One person's word on one decision; a later one of the same person replaces it."""

    number: int
    """Of the decision in its run."""
    by: str
    verdict: str
    """One of `VERDICTS`."""
    tag: str = ""
    note: str = ""


def save(store: Store, run: RunRow, review: SavedReview) -> None:
    """Keeps a review, in place of an earlier one by the same person."""
    assert review.verdict in VERDICTS
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as cursor:
        _delete(cursor, run, review.number, review.by)
        cursor.execute(
            "INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run.run_no, review.number, review.by, review.verdict, review.tag, review.note, now],
        )


def forget(store: Store, run: RunRow, number: int, by: str) -> None:
    """Takes a person's review of a decision away."""
    with store.transaction() as cursor:
        _delete(cursor, run, number, by)


def _delete(cursor: Any, run: RunRow, number: int, by: str) -> None:
    cursor.execute(
        "DELETE FROM reviews WHERE run_no = ? AND number = ? AND reviewer = ?",
        [run.run_no, number, by],
    )


def of_runs(store: Store, runs: Sequence[RunRow]) -> pd.DataFrame:
    """All reviews of some runs with the decisions they are about, in order of time.

    Columns: run_id, policy, number, t_s, pool, current, applied, reason, reviewer, verdict, tag,
    note, said_at.
    """
    with store.transaction() as cursor:
        frame = cursor.execute(
            "SELECT run_id, policy, r.number, t_s, d.pool, current, applied, reason, reviewer, "
            "verdict, tag, r.note, said_at FROM reviews AS r JOIN runs USING (run_no) "
            "JOIN decisions AS d ON d.run_no = r.run_no AND d.number = r.number "
            "WHERE list_contains(?, run_no) ORDER BY run_no, r.number, said_at",
            [[run.run_no for run in runs]],
        ).df()
    names = {run.run_id: run.pools for run in runs}
    frame["pool"] = [
        names[run_id][pool] for run_id, pool in zip(frame["run_id"], frame["pool"], strict=True)
    ]
    return frame
