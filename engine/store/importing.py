"""From a file or a table to a stored trace: all or nothing, and the same content only once."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.store.content import content_digest
from engine.store.duck import Store
from engine.store.import_requests import Clock, ready_requests
from engine.store.ready import Ready
from engine.store.staging import stage_file
from engine.store.tables import stage_table
from engine.store.work import Work
from engine.trace.files import opened
from engine.trace.head import read_head
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan
from engine.trace.readers import plan_import
from engine.trace.schema import Finding, Kind, RequestTable

__all__ = ["Imported", "default_name", "import_path", "store_requests"]

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
    with store.transaction() as cursor:
        work = Work(cursor, progress, cancel)
        work.phase(0.1, "Reading the file")
        with opened(path, work.tick) as source:
            head = read_head(source)
            plan = plan_import(head, format, mapping, options)
            work.phase(0.45, "Parsing rows")
            stage_file(work, head, plan)
        work.phase(0.15, "Checking rows")
        ready = _prepared(work, plan, source.name)
        ready = ready.with_findings((*source.findings, *plan.findings))
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
    with store.transaction() as cursor:
        work = Work(cursor)
        plan = stage_table(work, table, format)
        ready = ready_requests(work, plan, name, Clock(zero=0.0, epoch_s=epoch_s))
        origin = _Origin(name=name, format=format, source=source, recipe=recipe)
        return _keep(work, ready, origin)


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


def _prepared(work: Work, plan: Plan, name: str) -> Ready:
    return ready_requests(work, plan, name)


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
