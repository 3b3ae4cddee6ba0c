"""Any CSV, JSON lines or Parquet file, through a column mapping that is guessed or given."""

from dataclasses import replace

from engine.trace.head import Head
from engine.trace.mapping import Mapping, corrected, guess
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan, Shape
from engine.trace.readers.base import Reader, make_plan, note
from engine.trace.readers.grid import region_of
from engine.trace.schema import Kind

__all__ = ["FORMAT", "plan_generic"]

FORMAT = "generic"


def plan_generic(head: Head, mapping: Mapping | None, options: ImportOptions) -> Plan:
    """The plan of a file of no known format.

    Raises:
        TraceError: no mapping was given and none can be guessed, or it names a missing column.
    """
    if mapping is None:
        used = guess(head)
    else:
        used = mapping if mapping.is_complete else corrected(guess(head), mapping)
    reader = Reader(
        format=FORMAT,
        title="any table",
        kind=used.kind,
        columns=(),
        value_unit="value" if used.kind is Kind.SERIES else None,
        timed=used.kind is not Kind.PRICES,
    )
    plan = make_plan(reader, head, used, options)
    if used.kind is Kind.SESSIONS:
        plan = replace(plan, shape=Shape.CHAINS)
    if used.kind is Kind.CARBON and not plan.has("region"):
        plan = replace(plan, entity=region_of(head, options))
    if used is not mapping:
        guessed = note(
            "mapping_guessed",
            f"the columns were read as {used.text}",
            head.name,
            "If that is wrong, say what they are (--map on the command line)",
        )
        return replace(plan, findings=(guessed, *plan.findings))
    return plan
