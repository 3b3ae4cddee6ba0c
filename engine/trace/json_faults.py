"""Where JSON lines go wrong: the database that reads them does not say it reliably."""

import json

from engine.errors import TraceError
from engine.trace.archives import text_lines
from engine.trace.head import Head, is_number
from engine.trace.plan import Cast, Field, Plan, TimeUnit

__all__ = ["first_json_fault"]


def first_json_fault(head: Head, plan: Plan) -> TraceError | None:
    """The first row that is no object or whose cells cannot be what the plan says.

    Reads line by line until then. None where every row looks right, and for arrays.
    """
    if head.layout != "jsonl":
        return None
    for number, line in enumerate(text_lines(head.source.path, head.source.compression), 1):
        where = f"{head.name}, row {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            return TraceError(
                f"the line is not one JSON object: {error.msg}",
                where,
                "Write one complete object a line",
            )
        if not isinstance(row, dict):
            return TraceError("the line is not a JSON object", where, "Write one object a line")
        fault = _cell_fault(head, plan, row, where)
        if fault is not None:
            return fault
    return None


def _cell_fault(head: Head, plan: Plan, row: dict[str, object], where: str) -> TraceError | None:
    for field in plan.fields:
        name = head.columns[field.index]
        cell = row.get(name)
        if cell is not None and not _fits(plan, field, cell):
            return TraceError(
                f"{json.dumps(cell)[:60]} is no {_wanted(plan, field)}",
                f"{where}, key {name!r}",
                "Correct it, leave it out, or take another key (--map on the command line)",
            )
    return None


def _fits(plan: Plan, field: Field, cell: object) -> bool:
    if isinstance(cell, (list, dict)):
        return False
    is_stamp = field.cast is Cast.TIME and plan.time_unit is TimeUnit.TEXT
    return field.cast is Cast.TEXT or is_stamp or is_number(str(cell))


def _wanted(plan: Plan, field: Field) -> str:
    if field.cast is Cast.TEXT:
        return "text"
    if field.cast is Cast.TIME:
        return "time" if plan.time_unit is TimeUnit.TEXT else "number of a time"
    return "whole number" if field.cast is Cast.INTEGER else "number"
