"""Traces in the store: list, find, read, rename, delete; importing is re-exported from here.

The rest of the program reaches stored traces through this module only.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from engine.errors import StoreError, did_you_mean
from engine.store.duck import Store
from engine.store.importing import Imported, import_path, store_requests
from engine.trace.schema import Finding, Kind, RequestTable, Severity, request_table
from engine.units import AnyArray

__all__ = [
    "Imported",
    "TraceInfo",
    "delete_trace",
    "find_trace",
    "import_path",
    "list_traces",
    "load_requests",
    "rename_trace",
    "store_requests",
]

_COLUMNS = (
    "trace_no, trace_id, content_hash, name, kind, format, source, unit, interval_s, epoch_s, "
    "duration_s, row_count, imported_at, recipe, report, profile"
)
_TABLES = {
    Kind.REQUESTS: "requests", Kind.SESSIONS: "requests", Kind.SERIES: "series",
    Kind.CARBON: "carbon", Kind.PRICES: "prices",
}  # fmt: skip


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


def list_traces(store: Store) -> pd.DataFrame:
    """All traces, the newest first, without reports and profiles."""
    with store.cursor() as cursor:
        return cursor.execute(
            "SELECT trace_id, name, kind, format, source, unit, interval_s, epoch_s, duration_s, "
            "row_count, imported_at FROM traces ORDER BY imported_at DESC, trace_no DESC"
        ).df()


def find_trace(store: Store, id_or_name_or_prefix: str) -> TraceInfo:
    """The trace with this id or name, or the only one whose id or name begins with it.

    Raises:
        StoreError: none, or more than one.
    """
    given = id_or_name_or_prefix
    with store.cursor() as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM traces WHERE trace_id = $1 OR name = $1 "
            "OR starts_with(trace_id, $1) OR starts_with(name, $1) ORDER BY trace_no",
            [given],
        ).fetchall()
        names = [str(row[0]) for row in cursor.execute("SELECT name FROM traces").fetchall()]
    exact = [row for row in rows if given in (row[1], row[3])]
    found = exact or (rows if given else [])
    if len(found) == 1 or exact:
        return _info(found[0])
    if not found:
        fix = did_you_mean(given, names) if names else "Import one first: smartscale import FILE"
        raise StoreError(f"there is no trace {given!r}", str(store.path), fix)
    raise StoreError(
        f"{given!r} fits {len(found)} traces: {', '.join(str(row[3]) for row in found[:5])}",
        str(store.path),
        "Give more of the name or of the id",
    )


def _info(row: tuple[Any, ...]) -> TraceInfo:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
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


def load_requests(
    store: Store, trace: TraceInfo, from_s: float = 0.0, to_s: float = math.inf
) -> RequestTable:
    """The requests with `from_s <= arrival_s < to_s`, times shifted so that `from_s` is 0.

    A request whose predecessor lies outside the window starts a chain of its own.

    Raises:
        StoreError: the trace holds no requests.
    """
    _check_kind(trace, store, Kind.REQUESTS, Kind.SESSIONS)
    window = [trace.trace_no, from_s, to_s]
    with store.cursor() as cursor:
        columns = _arrays(
            cursor,
            "SELECT seq, arrival_s - $2 AS arrival_s, coalesce(input_tokens, -1) AS input_tokens, "
            "coalesce(output_tokens, -1) AS output_tokens, "
            "coalesce(service_s, 'nan'::DOUBLE) AS service_s, "
            "coalesce(session, -1) AS session, coalesce(after_seq, -1) AS after_seq, "
            "coalesce(think_s, 0) AS think_s, coalesce(prefix_tokens, -1) AS prefix_tokens "
            "FROM requests WHERE trace_no = $1 AND arrival_s >= $2 AND arrival_s < $3 "
            "ORDER BY seq",
            window,
        )
        agent_type, agent_types = _codes(cursor, trace, "agent_type", window)
        tenant, tenants = _codes(cursor, trace, "tenant", window)
    seq, after = columns.pop("seq"), columns.pop("after_seq")
    after = after - (seq[0] if len(seq) else 0)
    cut = after < 0
    think_s = np.where(cut, 0.0, columns.pop("think_s"))
    return request_table(
        **columns,
        after=np.where(cut, -1, after),
        think_s=think_s,
        agent_type=agent_type if agent_types else np.full(len(seq), -1),
        tenant=tenant if tenants else np.full(len(seq), -1),
        agent_types=agent_types,
        tenants=tenants,
    )


def _arrays(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]
) -> dict[str, AnyArray]:
    """Columns without NULLs as arrays."""
    columns = cursor.execute(sql, parameters).fetchnumpy()
    return {name: np.asarray(column) for name, column in columns.items()}


def _codes(
    cursor: duckdb.DuckDBPyConnection, trace: TraceInfo, column: str, window: list[float]
) -> tuple[AnyArray, tuple[str, ...]]:
    """Index of each row's name among the sorted names of the whole trace; empty where absent."""
    if trace.profile.get(column) is None:
        return np.empty(0), ()
    names = [
        row[0]
        for row in cursor.execute(
            f"SELECT DISTINCT {column} FROM requests WHERE trace_no = ? AND {column} IS NOT NULL "
            "ORDER BY 1",
            [trace.trace_no],
        ).fetchall()
    ]
    coded = _arrays(
        cursor,
        f"SELECT coalesce(list_position($4, {column}), 0) - 1 AS code FROM requests "
        "WHERE trace_no = $1 AND arrival_s >= $2 AND arrival_s < $3 ORDER BY seq",
        [*window, names],
    )
    return coded["code"], tuple(names)


def rename_trace(store: Store, trace_id: str, name: str) -> None:
    """Gives a trace another name.

    Raises:
        StoreError: no such trace, an empty name, or a name that is taken.
    """
    trace = find_trace(store, trace_id)
    if not name.strip():
        raise StoreError("the new name is empty", trace.name, "Give it at least one character")
    with store.transaction() as cursor:
        taken = cursor.execute(
            "SELECT trace_id FROM traces WHERE name = ? AND trace_id <> ?", [name, trace.trace_id]
        ).fetchone()
        if taken:
            raise StoreError(
                f"the name {name!r} is taken", f"trace {taken[0]}", "Choose another name"
            )
        cursor.execute("UPDATE traces SET name = ? WHERE trace_id = ?", [name, trace.trace_id])


def delete_trace(store: Store, trace_id: str, *, force: bool = False) -> None:
    """Removes a trace and its rows.

    Args:
        store: where it is.
        trace_id: id, name or prefix.
        force: also where runs refer to it; they keep their records.

    Raises:
        StoreError: no such trace, or runs refer to it.
    """
    trace = find_trace(store, trace_id)
    with store.transaction() as cursor:
        counted = cursor.execute(
            "SELECT count(*) FROM runs WHERE trace_id = ?", [trace.trace_id]
        ).fetchone()
        runs = int(counted[0]) if counted else 0
        if runs and not force:
            raise StoreError(
                f"{runs} runs were made with this trace",
                f"trace {trace.name}",
                "Delete these runs first, or delete it with force",
            )
        cursor.execute(f"DELETE FROM {_TABLES[trace.kind]} WHERE trace_no = ?", [trace.trace_no])
        cursor.execute("DELETE FROM traces WHERE trace_no = ?", [trace.trace_no])


def _check_kind(trace: TraceInfo, store: Store, *kinds: Kind) -> None:
    if trace.kind not in kinds:
        wanted = " or ".join(kind.value for kind in kinds)
        raise StoreError(
            f"trace {trace.name!r} holds {trace.kind.value}, not {wanted}",
            str(store.path),
            f"Choose a trace of kind {wanted}",
        )
