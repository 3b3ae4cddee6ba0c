"""`smartscale import` and `smartscale traces`: which demand is there?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.document import rows
from engine.cli.session import Session, explain, progress_bar, stoppable, with_session
from engine.cli.settings import pairs
from engine.errors import EngineError, ReplayCancelled, UsageError, did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from engine.planner import Imported, TraceInfo
    from engine.trace.mapping import Mapping
    from engine.trace.options import ImportOptions
    from engine.trace.schema import Finding

INPUT_AT_FAULT = 3


@click.command("import")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", default="auto", show_default=True, help="How the files are to be read."
)
@click.option("--name", help="Name of the trace. Default: the file's.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="ROLE=COLUMN,…",
    help="Which column means what, such as arrival=ts,input_tokens=prompt,unit=ms.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="What a file leaves open: seed, sessions_per_hour, from_s, to_s, scale, region, unit.",
)
@with_session
def import_(
    paths: tuple[Path, ...],
    form: str,
    name: str | None,
    maps: tuple[str, ...],
    options: tuple[str, ...],
    session: Session,
) -> int:
    """Check files and store them as traces, each all or nothing.

    What can be mended is mended and reported. The same content twice is the same trace.
    """
    if name is not None and len(paths) > 1:
        raise UsageError("one name for several files", "--name", "Import them one by one")
    mapping, chosen = _mapping(maps), _options(options)
    done: list[tuple[Path, Imported]] = []
    failed: list[tuple[Path, EngineError]] = []
    with session.planner(new=True) as planner, progress_bar() as report, stoppable() as stop:
        for path in paths:
            try:
                made = planner.import_path(
                    path, name=name, format=form, mapping=mapping, options=chosen,
                    progress=report, cancel=stop,
                )  # fmt: skip
            except (ReplayCancelled, UsageError):
                raise
            except EngineError as error:
                failed.append((path, error))
            else:
                done.append((path, made))
    for _, fault in failed:
        explain(fault)
    _show_imported(session, done, failed)
    return INPUT_AT_FAULT if failed else 0


def _mapping(maps: tuple[str, ...]) -> "Mapping | None":
    from engine.trace.mapping import Mapping  # noqa: PLC0415 - heavy

    return Mapping.parse(",".join(maps)) if maps else None


def _options(options: tuple[str, ...]) -> "ImportOptions | None":
    import msgspec  # noqa: PLC0415 - heavy

    from engine.trace.options import ImportOptions  # noqa: PLC0415 - heavy

    given = pairs(options, "--option")
    known = list(ImportOptions.__dataclass_fields__)
    for key in given:
        if key not in known:
            raise UsageError(f"there is no option {key!r}", "--option", did_you_mean(key, known))
    try:
        return msgspec.convert(given, ImportOptions, strict=False) if given else None
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        name = path.strip("`").removeprefix("$.")
        raise UsageError(what, f"--option {name}", "Correct the value") from None


def _show_imported(
    session: Session,
    done: list[tuple[Path, "Imported"]],
    failed: list[tuple[Path, EngineError]],
) -> None:
    document = {
        "imported": [
            {
                "path": path,
                "trace_id": made.trace_id,
                "name": made.name,
                "existed": made.existed,
                "kind": made.kind,
                "rows": made.rows,
                "findings": made.findings,
            }
            for path, made in done
        ],
        "failed": [
            {"path": path, "what": error.what, "where": error.where, "fix": error.fix}
            for path, error in failed
        ],
    }
    findings = [finding for _, made in done for finding in made.findings]
    parts = ([lambda: _imported_table([made for _, made in done])] if done else []) + (
        [lambda: _findings_table(findings)] if findings else []
    )
    session.show(document, *parts)


def _imported_table(made: list["Imported"]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("trace", "id", "kind", "rows", ""),
        [
            (one.name, one.trace_id, one.kind.value, f"{one.rows:,}",
             "was there already" if one.existed else "stored")
            for one in made
        ],
        right=(3,),
    )  # fmt: skip


def _findings_table(findings: "list[Finding]") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("found", "rows", "what", "where", "how to fix it"),
        [(one.severity.value, f"{one.count:,}", one.what, one.where, one.fix) for one in findings],
        right=(1,),
    )


@click.group(invoke_without_command=True)
@with_session
def traces(context: click.Context, session: Session) -> None:
    """List the stored traces; show, rename or delete one."""
    if context.invoked_subcommand is not None:
        return
    with session.planner() as planner:
        frame = planner.traces()
    if frame.empty:
        session.note("There are no traces yet: smartscale import FILE")
    found = rows(frame)
    session.show({"traces": found}, *([lambda: _traces_table(found)] if found else []))


def _traces_table(found: list[dict[str, Any]]) -> "Table":
    from engine.cli.tables import duration, moment, table  # noqa: PLC0415 - not for JSON

    return table(
        ("trace", "id", "kind", "format", "rows", "duration", "starts (UTC)"),
        [
            (row["name"], row["trace_id"], row["kind"], row["format"], f"{row['row_count']:,}",
             duration(row["duration_s"]), moment(row["epoch_s"]))
            for row in found
        ],
        right=(4, 5),
    )  # fmt: skip


@traces.command("show")
@click.argument("trace")
@with_session
def show_trace(trace: str, session: Session) -> None:
    """Show what is known of TRACE (id, beginning of an id, or name): profile and check report."""
    with session.planner() as planner:
        info = planner.trace(trace)
    parts = [lambda: _facts(info)]
    if info.report:
        parts.append(lambda: _findings_table(list(info.report)))
    session.show(info, *parts)


def _facts(info: "TraceInfo") -> "Table":
    from engine.cli.tables import duration, facts, moment  # noqa: PLC0415 - not for JSON

    known = [
        ("trace", info.name),
        ("id", info.trace_id),
        ("kind", info.kind.value),
        ("format", info.format),
        ("source", info.source),
        ("rows", f"{info.row_count:,}"),
        ("duration", duration(info.duration_s)),
        ("starts (UTC)", moment(info.epoch_s) or "only relative times"),
        ("unit", info.unit or ""),
        *((name.replace("_", " "), text) for name, text in _flat(info.profile)),
    ]
    return facts((name, text) for name, text in known if text)


def _flat(values: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Figures of a profile that are not shown otherwise, with their path."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if not above and name in ("rows", "duration_s", "curve"):
            continue
        if isinstance(value, dict):
            found += _flat(value, f"{above}{name} ")
        elif isinstance(value, int | float):
            found.append((above + name, f"{value:,.6g}"))
        elif isinstance(value, str):
            found.append((above + name, value))
    return found


@traces.command("delete")
@click.argument("trace")
@click.option("--force", is_flag=True, help="Also where runs were made with it; they stay.")
@with_session
def delete_trace(trace: str, force: bool, session: Session) -> None:
    """Remove TRACE and its rows."""
    with session.planner() as planner:
        info = planner.trace(trace)
        planner.delete_trace(info.trace_id, force=force)
    session.show(
        {"deleted": {"trace_id": info.trace_id, "name": info.name}},
        lambda: f"Deleted trace {info.name} ({info.trace_id}).",
    )


@traces.command("rename")
@click.argument("trace")
@click.argument("name")
@with_session
def rename_trace(trace: str, name: str, session: Session) -> None:
    """Give TRACE another NAME."""
    with session.planner() as planner:
        info = planner.trace(trace)
        planner.rename_trace(info.trace_id, name)
    session.show(
        {"renamed": {"trace_id": info.trace_id, "from": info.name, "name": name}},
        lambda: f"Renamed trace {info.name} to {name}.",
    )
