"""From a file or a table to a stored trace: all or nothing, and the same content only once."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import StoreError
from engine.store.content import content_digest
from engine.store.duck import Store
from engine.store.import_prices import ready_prices
from engine.store.import_requests import Clock, ready_requests
from engine.store.import_series import finish_series, ready_series
from engine.store.import_sessions import chain_sessions
from engine.store.ready import Ready
from engine.store.staging import stage_file
from engine.store.tables import stage_series, stage_table
from engine.store.work import Work
from engine.trace import servegen
from engine.trace.files import opened
from engine.trace.head import Head, read_head
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan, Shape
from engine.trace.readers import plan_import
from engine.trace.schema import Finding, Kind, RequestTable, SeriesTable

__all__ = ["Imported", "default_name", "import_path", "store_requests", "store_series"]

_SUFFIXES = re.compile(r"(\.(gz|gzip|zst|zstd|csv|tsv|txt|jsonl|ndjson|json|parquet|pq))+$", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of an import."""

    trace_id: str
    name: str
    """Of the stored trace: as asked for, or with a number where that was taken."""
    existed: bool
    """The same content was in the store already; nothing was added."""
    kind: Kind
    rows: int
    findings: tuple[Finding, ...]
    """The check report of this file."""


def import_path(
    store: Store,
    path: Path,
    *,
    name: str | None = None,
    format: str = "auto",  # noqa: A002
    mapping: Mapping | None = None,
    options: ImportOptions | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Imported:
    """Checks a file, mends what can be mended, and stores it as a trace.

    Args:
        store: where to.
        path: of the file; `.gz` and `.zst` are recognised by content.
        name: of the trace; None: from the file's name. A number is added where it is taken.
        format: of the file; `auto` looks at its columns.
        mapping: columns by role, for files of no known format or to correct single columns.
        options: choices the file leaves open.
        progress: called in this thread with a share (0 to 1) and what is being done.
        cancel: asked again and again; True stops the import and leaves the store unchanged.

    Raises:
        TraceError: the file cannot become a trace; the store is unchanged.
        ReplayCancelled: `cancel` said so; the store is unchanged.
        UsageError: an unknown format.
    """
    path = Path(path).expanduser()
    options = options or ImportOptions()
    with _transaction(store) as cursor:
        work = Work(cursor, progress, cancel)
        work.phase(0.1, "Reading the file")
        with opened(path, work.tick) as source:
            head = read_head(source)
            plan = plan_import(head, format, mapping, options)
            work.phase(0.45, "Parsing rows")
            plan = _staged(work, head, plan, path)
        work.phase(0.15, "Checking rows")
        ready = _prepared(work, plan, source.name)
        ready = ready.with_findings(source.findings)
        origin = _Origin(
            name=name or default_name(path.name),
            format=plan.format,
            source=path.name,
            recipe=plan.recipe,
        )
        return _keep(work, ready, origin)


def store_requests(
    store: Store,
    table: RequestTable,
    *,
    name: str,
    format: str,  # noqa: A002
    source: str,
    recipe: dict[str, Any],
    epoch_s: float | None = None,
) -> Imported:
    """Stores requests that were made here; same checks, profile and identity as a file's.

    Args:
        store: where to.
        table: the requests; its times are kept as they are.
        name: of the trace; a number is added where it is taken.
        format: who made it, such as `synth`.
        source: from what.
        recipe: how to make it again.
        epoch_s: Unix time of t = 0, None if there is none.

    Raises:
        TraceError: no rows, or values out of range.
    """
    with _transaction(store) as cursor:
        work = Work(cursor)
        plan = stage_table(work, table, format)
        ready = ready_requests(work, plan, name, Clock(zero=0.0, epoch_s=epoch_s))
        origin = _Origin(name=name, format=format, source=source, recipe=recipe)
        return _keep(work, ready, origin)


def store_series(
    store: Store,
    table: SeriesTable,
    *,
    name: str,
    format: str,  # noqa: A002
    source: str,
    recipe: dict[str, Any],
    epoch_s: float | None = None,
) -> Imported:
    """Stores a series that was made here; its grid must be regular.

    Args:
        store: where to.
        table: the series.
        name: of the trace; a number is added where it is taken.
        format: who made it, such as `synth`.
        source: from what.
        recipe: how to make it again.
        epoch_s: Unix time of t = 0, None if there is none.

    Raises:
        TraceError: no intervals, or times or values that are no regular, finite series.
    """
    with _transaction(store) as cursor:
        work = Work(cursor)
        stage_series(work, table, name)
        ready = finish_series(work, Kind.SERIES, table.unit, table.interval_s, epoch_s)
        origin = _Origin(name=name, format=format, source=source, recipe=recipe)
        return _keep(work, ready, origin)


@contextmanager
def _transaction(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """All or nothing, with what the machine can do wrong explained."""
    try:
        with store.transaction() as cursor:
            yield cursor
    except duckdb.ConstraintException as error:
        raise StoreError(
            "another import stored the same content or name at the same moment",
            str(store.path),
            "Import it again",
        ) from error
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise StoreError(
            f"memory or disk space is used up: {str(error).splitlines()[0]}",
            str(store.path),
            "Free disk space where the store lies, or move it with --store PATH",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where a trace comes from."""

    name: str
    format: str
    source: str
    recipe: dict[str, Any] | None


def default_name(file_name: str) -> str:
    """The file's name without its endings."""
    return _SUFFIXES.sub("", file_name) or file_name


def _staged(work: Work, head: Head, plan: Plan, path: Path) -> Plan:
    """Creates `stage`; client windows are drawn into requests on the way."""
    if plan.shape is not Shape.WINDOWS or plan.recipe is None:
        stage_file(work, head, plan)
        return plan
    recipe = plan.recipe
    beside = servegen.token_pdfs_beside(path)
    table = servegen.expand(
        servegen.read_windows(path),
        None if beside is None else servegen.read_token_pdfs(beside),
        seed=recipe["seed"],
        from_s=recipe["from_s"],
        to_s=recipe["to_s"],
        scale=recipe["scale"],
    )
    made = stage_table(work, table, plan.format)
    return replace(
        made, findings=plan.findings, recipe={**recipe, "tokens": beside and beside.name}
    )


def _prepared(work: Work, plan: Plan, name: str) -> Ready:
    """Creates `ready` from `stage`."""
    if plan.kind in (Kind.SERIES, Kind.CARBON):
        return ready_series(work, plan, name).with_findings(plan.findings)
    if plan.kind is Kind.PRICES:
        return ready_prices(work, plan, name).with_findings(plan.findings)
    made = plan.keeps_zero
    if plan.shape is Shape.CHAINS:
        made = plan.recipe is not None
        plan = chain_sessions(work, plan, name)
    clock = Clock(zero=0.0, epoch_s=None) if made else None
    return ready_requests(work, plan, name, clock).with_findings(plan.findings)


def _keep(work: Work, ready: Ready, origin: _Origin) -> Imported:
    """Stores the relation `ready`, unless the same content is there already."""
    work.phase(0.1, "Comparing with what is stored")
    digest = content_digest(work, ready.identity, ready.columns, "ready")
    result = Imported(
        trace_id=digest[:12],
        name=origin.name,
        existed=False,
        kind=ready.kind,
        rows=ready.rows,
        findings=ready.findings,
    )
    stored = work.run("SELECT name FROM traces WHERE content_hash = ?", [digest])
    if stored:
        return replace(result, name=stored[0][0], existed=True)
    work.phase(0.2, "Storing")
    name = _free_name(work, origin.name)
    (trace_no,) = work.one(
        "INSERT INTO traces (trace_id, content_hash, name, kind, format, source, unit, "
        "interval_s, epoch_s, duration_s, row_count, imported_at, recipe, report, profile) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING trace_no",
        [
            digest[:12], digest, name, ready.kind.value, origin.format, origin.source, ready.unit,
            ready.interval_s, ready.epoch_s, ready.duration_s, ready.rows,
            datetime.now(UTC).replace(tzinfo=None),
            None if origin.recipe is None else json.dumps(origin.recipe),
            json.dumps([asdict(finding) for finding in ready.findings]),
            json.dumps(ready.profile),
        ],
    )  # fmt: skip
    work.run(f"INSERT INTO {ready.table} BY NAME SELECT ? AS trace_no, * FROM ready", [trace_no])
    for table, relation in ready.beside.items():
        work.run(
            f"INSERT INTO {table} BY NAME SELECT ? AS trace_no, * FROM {relation}", [trace_no]
        )
    work.phase(0.0, "Stored")
    return replace(result, name=name)


def _free_name(work: Work, wanted: str) -> str:
    taken = {row[0] for row in work.run("SELECT name FROM traces")}
    number = 1
    name = wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
