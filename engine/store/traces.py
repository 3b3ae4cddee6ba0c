"""Traces in the store: list, find, read, rename, delete; importing is re-exported from here.

The rest of the program reaches stored traces through this module only.
"""

import pandas as pd

from engine.errors import StoreError, did_you_mean
from engine.store.duck import Store
from engine.store.importing import Imported, import_path, store_requests, store_series
from engine.store.loading import load_carbon, load_prices, load_requests, load_series
from engine.store.ready import counted
from engine.store.trace_info import INFO_COLUMNS, TraceInfo, info_of
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.preview import Preview, preview
from engine.trace.schema import Kind

__all__ = [
    "ImportOptions",
    "Imported",
    "Mapping",
    "Preview",
    "TraceInfo",
    "delete_trace",
    "find_trace",
    "import_path",
    "list_traces",
    "load_carbon",
    "load_prices",
    "load_requests",
    "load_series",
    "preview",
    "rename_trace",
    "store_requests",
    "store_series",
]

_TABLES = {
    Kind.REQUESTS: "requests", Kind.SESSIONS: "requests", Kind.SERIES: "series",
    Kind.CARBON: "carbon", Kind.PRICES: "prices",
}  # fmt: skip


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
            f"SELECT {INFO_COLUMNS} FROM traces WHERE trace_id = $1 OR name = $1 "
            "OR starts_with(trace_id, $1) OR starts_with(name, $1) ORDER BY trace_no",
            [given],
        ).fetchall()
        names = [str(row[0]) for row in cursor.execute("SELECT name FROM traces").fetchall()]
    exact = [row for row in rows if given in (row[1], row[3])]
    found = exact or (rows if given else [])
    if len(found) == 1 or exact:
        return info_of(found[0])
    if not found:
        fix = did_you_mean(given, names) if names else "Import one first: smartscale import FILE"
        raise StoreError(f"there is no trace {given!r}", str(store.path), fix)
    raise StoreError(
        f"{given!r} fits {len(found)} traces: {', '.join(str(row[3]) for row in found[:5])}",
        str(store.path),
        "Give more of the name or of the id",
    )


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
        referring = cursor.execute(
            "SELECT count(*) FROM runs WHERE trace_id = ?", [trace.trace_id]
        ).fetchone()
        runs = int(referring[0]) if referring else 0
        if runs and not force:
            raise StoreError(
                f"{counted(runs, 'run')} made with this trace",
                f"trace {trace.name}",
                "Delete these runs first, or delete it with force",
            )
        cursor.execute(f"DELETE FROM {_TABLES[trace.kind]} WHERE trace_no = ?", [trace.trace_no])
        cursor.execute("DELETE FROM series_features WHERE trace_no = ?", [trace.trace_no])
        cursor.execute("DELETE FROM evaluations WHERE trace_id = ?", [trace.trace_id])
        cursor.execute("DELETE FROM traces WHERE trace_no = ?", [trace.trace_no])
