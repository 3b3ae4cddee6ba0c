"""Any CSV, JSON lines or Parquet file, through a column mapping that is guessed or given."""

from dataclasses import replace

from engine.trace.head import Head
from engine.trace.mapping import Mapping, guess
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan
from engine.trace.readers.base import Reader, make_plan, note
from engine.trace.schema import Kind

__all__ = ["FORMAT", "plan_generic"]

FORMAT = "generic"


def plan_generic(head: Head, mapping: Mapping | None, options: ImportOptions) -> Plan:
    """The plan of a file of no known format.

    Raises:
        TraceError: no mapping was given and none can be guessed, or it names a missing column.
    """
    used = mapping or guess(head)
    reader = Reader(
        format=FORMAT,
        title="any table",
        kind=used.kind,
        columns=(),
        value_unit="value" if used.kind is Kind.SERIES else None,
        timed=used.kind is not Kind.PRICES,
    )
    plan = make_plan(reader, head, used, options)
    if mapping is None:
        guessed = note(
            "mapping_guessed",
            f"the columns were read as {used.text}",
            head.name,
            "If that is wrong, say what they are with --map",
        )
        return replace(plan, findings=(guessed, *plan.findings))
    return plan
