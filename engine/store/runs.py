"""Runs in the store: begun before the replay, filled in one transaction after it, or marked.

Tables come in as frames or mappings of columns; what they mean is `engine.records`' business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from engine.errors import StoreError, did_you_mean
from engine.store.duck import Store
from engine.units import AnyArray

TABLES = (
    "ticks", "latency", "decisions", "run_requests", "accounts", "service", "tenants", "events",
)  # fmt: skip
"""What a finished run fills, by run_no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A row of the table `runs`, its JSON parsed."""

    run_no: int
    run_id: str
    trace_id: str
    trace_name: str
    epoch_s: float | None
    tick_s: float
    from_s: float
    to_s: float
    scenario_name: str
    scenario_hash: str
    scenario: dict[str, Any]
    policy: str
    policy_spec: dict[str, Any]
    code_version: str
    closed_loop: bool
    status: str
    """running, done, interrupted, cancelled or failed."""
    note: str | None
    """Why it is not done."""
    created_at: datetime
    finished_at: datetime | None
    wall_s: float | None
    pools: tuple[str, ...]
    scorecard: dict[str, float | None]
    """Empty unless the run is done."""


_COLUMNS = ", ".join(RunRow.__dataclass_fields__)
_JSON = ("scenario", "policy_spec", "pools", "scorecard")


def begin_run(store: Store, values: Mapping[str, Any]) -> int:
    """Notes that a run is under way, in place of an unfinished one of the same id.

    A finished one of the same id stays as it is until `finish_run` replaces it.

    Args:
        store: the open store.
        values: columns of `runs`, JSON columns as plain values.

    Returns:
        The run's number.
    """
    row = {
        **values,
        "status": "running",
        "created_at": _now(),
        **{name: json.dumps(values[name]) for name in _JSON if name in values},
    }
    names = ", ".join(row)
    marks = ", ".join("?" for _ in row)
    with store.transaction() as cursor:
        done = cursor.execute(
            "SELECT run_no FROM runs WHERE run_id = ? AND status = 'done'", [row["run_id"]]
        ).fetchone()
        if done is not None:
            return int(done[0])
        _delete(cursor, str(row["run_id"]))
        made = cursor.execute(
            f"INSERT INTO runs ({names}) VALUES ({marks}) RETURNING run_no",
            list(row.values()),
        ).fetchone()
        assert made is not None
    return int(made[0])


def finish_run(
    store: Store,
    run_no: int,
    tables: Mapping[str, Mapping[str, AnyArray | list[Any]]],
    scorecard: Mapping[str, float | None],
    wall_s: float,
) -> None:
    """Stores everything of a run at once: after this it is done, before it holds nothing.

    What a finished run of the same number held is replaced in the same moment.

    Args:
        store: the open store.
        run_no: from `begin_run`.
        tables: by table name, columns by name (all of the table's but run_no).
        scorecard: the run's figures.
        wall_s: seconds that the replay took.

    Raises:
        StoreError: the run is not there any more.
    """
    with store.transaction() as cursor:
        marked = cursor.execute(
            "UPDATE runs SET created_at = CASE status WHEN 'done' THEN $now ELSE created_at END, "
            "status = 'done', note = NULL, finished_at = $now, wall_s = $wall_s, "
            "scorecard = $scorecard WHERE run_no = $run_no RETURNING run_no",
            {
                "now": _now(),
                "wall_s": wall_s,
                "scorecard": json.dumps(dict(scorecard)),
                "run_no": run_no,
            },
        ).fetchone()
        if marked is None:
            raise StoreError(
                "the run was deleted or started again while it was under way",
                f"run number {run_no}",
                "Replay it again",
            )
        for name, columns in tables.items():
            _replace_rows(cursor, name, run_no, columns)


def _replace_rows(
    cursor: Any, name: str, run_no: int, columns: Mapping[str, AnyArray | list[Any]]
) -> None:
    assert name in TABLES, name
    cursor.execute(f"DELETE FROM {name} WHERE run_no = ?", [run_no])
    frame = {key: pa.array(column, from_pandas=True) for key, column in columns.items()}
    cursor.register("incoming", pa.table(frame))  # NaN, such as a start that never was, is NULL
    names = ", ".join(columns)
    cursor.execute(
        f"INSERT INTO {name} (run_no, {names}) SELECT ?, {names} FROM incoming", [run_no]
    )
    cursor.unregister("incoming")


def end_run(store: Store, run_no: int, status: str, note: str) -> None:
    """Marks a run that did not finish as cancelled or failed; a finished one stays done."""
    with store.transaction() as cursor:
        cursor.execute(
            "UPDATE runs SET status = ?, note = ?, finished_at = ? "
            "WHERE run_no = ? AND status = 'running'",
            [status, note, _now(), run_no],
        )


def list_runs(store: Store) -> list[RunRow]:
    """All runs, newest first."""
    with store.transaction() as cursor:
        rows = cursor.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY run_no DESC").fetchall()
    return [_row(row) for row in rows]


def find_run(store: Store, key: str) -> RunRow:
    """The run with this id, or the only one whose id begins with it.

    Raises:
        StoreError: there is none, or several.
    """
    with store.transaction() as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE starts_with(run_id, ?)",
            [key],
        ).fetchall()
        known = [str(row[0]) for row in cursor.execute("SELECT run_id FROM runs").fetchall()]
    if len(rows) == 1 and key:
        return _row(rows[0])
    if len(rows) > 1 and key:
        raise StoreError(
            f"{len(rows)} runs begin with {key!r}", "runs", "Give more digits of the run id"
        )
    fix = did_you_mean(key, known) if known else "Replay a trace first; there are no runs yet"
    raise StoreError(f"there is no run {key!r}", "runs", fix)


def delete_run(store: Store, run_id: str) -> None:
    """Removes a run and everything it recorded."""
    with store.transaction() as cursor:
        _delete(cursor, run_id)


def runs_of_trace(store: Store, trace_id: str) -> Sequence[str]:
    """Ids of the runs that replayed a trace."""
    with store.transaction() as cursor:
        rows = cursor.execute("SELECT run_id FROM runs WHERE trace_id = ?", [trace_id]).fetchall()
    return [str(row[0]) for row in rows]


def _delete(cursor: Any, run_id: str) -> None:
    found = cursor.execute("SELECT run_no FROM runs WHERE run_id = ?", [run_id]).fetchall()
    for (run_no,) in found:
        for table in (*TABLES, "reviews", "runs"):
            cursor.execute(f"DELETE FROM {table} WHERE run_no = ?", [run_no])


def _row(values: tuple[Any, ...]) -> RunRow:
    row = dict(zip(RunRow.__dataclass_fields__, values, strict=True))
    for name in _JSON:
        row[name] = json.loads(row[name]) if row[name] is not None else {}
    row["pools"] = tuple(row["pools"])
    return RunRow(**row)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def runs_frame(rows: Sequence[RunRow]) -> pd.DataFrame:
    """Runs as a frame, one row each, without their JSON."""
    keys = [name for name in RunRow.__dataclass_fields__ if name not in _JSON]
    frame = pd.DataFrame([{key: getattr(row, key) for key in keys} for row in rows], columns=keys)
    frame["note"] = frame["note"].astype("str")  # absent is NaN, be all absent or none
    return frame
