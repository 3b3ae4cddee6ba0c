"""The file's rows become a temporary table with canonical column names; nothing is stored yet."""

import re

import duckdb

from engine.errors import TraceError
from engine.store.work import Work
from engine.trace.head import Head
from engine.trace.json_faults import first_json_fault
from engine.trace.plan import Cast, Field, Plan, TimeUnit

__all__ = ["stage_file"]

_NULLS = "['', 'NULL', 'null', 'NA', 'N/A', 'n/a', 'None']"
_REJECTS_KEPT = 1000


def stage_file(work: Work, head: Head, plan: Plan) -> None:
    """Creates the temporary table `stage` with a column per role of the plan, in file order.

    `arrival` is in the plan's time unit, text as microseconds since 1970 (BIGINT).

    Raises:
        TraceError: a cell or row that does not parse, with its row and column.
    """
    select, parameters = _select(head, plan, "")
    try:
        work.run(f"CREATE TEMP TABLE stage AS {select}", parameters)
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise _explained(error, head, plan) from error


def _select(head: Head, plan: Plan, extra: str) -> tuple[str, list[object]]:
    columns = ", ".join(f"{_expression(head, plan, f)} AS {f.role}" for f in plan.fields)
    path = str(head.source.path)
    if head.layout == "parquet":
        return f"SELECT {columns} FROM read_parquet(?)", [path]
    if head.layout in ("json", "jsonl"):
        layout = "array" if head.layout == "json" else "newline_delimited"
        types = ", ".join(
            f"{_literal(head.columns[f.index])}: '{_type(plan, f)}'" for f in _distinct(plan)
        )
        reading = f"read_json(?, format = '{layout}', compression = ?, columns = {{{types}}})"
        return f"SELECT {columns} FROM {reading}", [path, head.source.compression]
    types = ", ".join(f"'c{n}': '{kind}'" for n, kind in enumerate(_csv_types(head, plan)))
    reading = (
        f"read_csv(?, auto_detect = false, header = {head.has_header}, delim = ?, "
        f"quote = '\"', escape = '\"', compression = ?, nullstr = {_NULLS}, "
        f"columns = {{{types}}}{extra})"
    )
    return f"SELECT {columns} FROM {reading}", [path, head.delimiter, head.source.compression]


def _csv_types(head: Head, plan: Plan) -> list[str]:
    types = ["VARCHAR"] * len(head.columns)
    for field in plan.fields:
        types[field.index] = _type(plan, field)
    return types


def _distinct(plan: Plan) -> list[Field]:
    return list({field.index: field for field in plan.fields}.values())


def _type(plan: Plan, field: Field) -> str:
    if field.cast is Cast.TIME:
        return "TIMESTAMPTZ" if plan.time_unit is TimeUnit.TEXT else "DOUBLE"
    return {Cast.INTEGER: "INTEGER", Cast.NUMBER: "DOUBLE"}.get(field.cast, "VARCHAR")


def _expression(head: Head, plan: Plan, field: Field) -> str:
    column = _identifier(f"c{field.index}" if head.layout == "csv" else head.columns[field.index])
    if field.cast is Cast.TIME and plan.time_unit is TimeUnit.TEXT:
        stamps = head.types and head.types[field.index].startswith(("timestamp", "date"))
        return f"epoch_us({column})" if stamps else f"epoch_us({column}::TIMESTAMPTZ)"
    maybe = field.cast is Cast.MAYBE
    cast = f"try_cast({column} AS DOUBLE)" if maybe else f"{column}::{_type(plan, field)}"
    return cast if field.scale == 1.0 else f"{cast} * {field.scale!r}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _explained(error: duckdb.Error, head: Head, plan: Plan) -> TraceError:
    """The first fault of the file in the order of its rows."""
    found = _first_reject(head, plan) if head.layout == "csv" else first_json_fault(head, plan)
    if found is not None:
        return found
    what = str(error).splitlines()[0].partition("Error: ")[2] or str(error).splitlines()[0]
    what = re.sub(r'(in|reading) file "[^"]*",? ?', "", what).rstrip(". ")
    return TraceError(
        f"the rows do not parse: {what}", head.name, "Correct the file, or write it again"
    )


def _first_reject(head: Head, plan: Plan) -> TraceError | None:
    """Reads the file once more, by itself, and collects what does not parse."""
    extra = f", store_rejects = true, rejects_limit = {_REJECTS_KEPT}"
    select, parameters = _select(head, plan, extra)
    with duckdb.connect() as alone:
        try:
            alone.execute(f"SELECT count(COLUMNS(*)) FROM ({select})", parameters).fetchall()
        except duckdb.Error:
            return None
        row = alone.execute(
            "SELECT line, column_idx, error_type, csv_line, error_message FROM reject_errors "
            "ORDER BY line, column_idx LIMIT 1"
        ).fetchone()
    return None if row is None else _reject_error(head, plan, row)


def _reject_error(head: Head, plan: Plan, row: tuple[object, ...]) -> TraceError:
    line, column, kind, text, message = row
    number = int(str(line)) - head.has_header
    index = int(str(column)) - 1
    where = f"{head.name}, row {number}"
    if kind != "CAST" or not 0 <= index < len(head.columns):
        return TraceError(
            f"the row has the wrong shape: {str(message).rstrip('. ')}",
            f"{where}: {str(text)[:80]!r}",
            f"Give every row {len(head.columns)} columns, and quote cells that hold "
            f"{head.delimiter!r}",
        )
    given = re.search(r'string "(.*)" to', str(message), re.DOTALL)
    cell = given.group(1) if given else str(text)[:80]
    return TraceError(
        f"the cell {cell[:60]!r} is no {_wanted(plan, index)}",
        f"{where}, column {head.columns[index]!r}",
        _cell_fix(plan, index),
    )


def _field_at(plan: Plan, index: int) -> Field | None:
    return next((field for field in plan.fields if field.index == index), None)


def _wanted(plan: Plan, index: int) -> str:
    field = _field_at(plan, index)
    if field is None or field.cast in (Cast.TEXT, Cast.MAYBE):
        return "text"
    if field.cast is Cast.TIME:
        return "time" if plan.time_unit is TimeUnit.TEXT else "number of a time"
    return "whole number" if field.cast is Cast.INTEGER else "number"


def _cell_fix(plan: Plan, index: int) -> str:
    if _wanted(plan, index) == "time":
        return "Write times like 2024-05-01 18:15:46.68 or with an offset like +02:00"
    return "Correct the cell, leave it empty, or take another column (--map on the command line)"
