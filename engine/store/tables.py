"""Tables of the program's own making, staged as if they came from a file."""

import numpy as np
import pyarrow as pa

from engine.store.work import Work
from engine.trace.plan import Cast, Field, Plan, TimeUnit
from engine.trace.schema import Kind, RequestTable
from engine.units import AnyArray

__all__ = ["stage_table"]


def stage_table(work: Work, table: RequestTable, format: str) -> Plan:  # noqa: A002
    """Creates the temporary table `stage` from arrays and says what is in it."""
    columns = {"arrival": pa.array(table.arrival_s)}
    for role, values, absent in (
        ("input_tokens", table.input_tokens, table.input_tokens < 0),
        ("output_tokens", table.output_tokens, table.output_tokens < 0),
        ("service", table.service_s, np.isnan(table.service_s)),
        ("session", table.session, table.session < 0),
        ("after_seq", table.after, table.after < 0),
        ("think", table.think_s, table.after < 0),
        ("prefix_tokens", table.prefix_tokens, table.prefix_tokens < 0),
    ):
        if not absent.all():
            columns[role] = pa.array(values, mask=absent)
    for role, codes, names in (
        ("agent_type", table.agent_type, table.agent_types),
        ("tenant", table.tenant, table.tenants),
    ):
        if (codes >= 0).any():
            columns[role] = _named(codes, names)
    work.cursor.register("given", pa.table(columns))
    work.run("CREATE TEMP TABLE stage AS SELECT * FROM given")
    work.cursor.unregister("given")
    return Plan(
        format=format,
        kind=Kind.SESSIONS if table.closed_loop else Kind.REQUESTS,
        fields=tuple(
            Field(role=role, index=index, cast=Cast.NUMBER) for index, role in enumerate(columns)
        ),
        time_unit=TimeUnit.S,
    )


def _named(codes: AnyArray, names: tuple[str, ...]) -> pa.Array:
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, list(names)).cast(pa.string())
