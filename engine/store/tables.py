"""Tables of the program's own making, staged as if they came from a file."""

import numpy as np
import pyarrow as pa

from engine.errors import TraceError
from engine.store.work import Work
from engine.trace.plan import Cast, Field, Plan, TimeUnit
from engine.trace.schema import Kind, RequestTable, SeriesTable
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
        keeps_zero=True,
        keeps_times=True,
    )


def stage_series(work: Work, table: SeriesTable, name: str) -> None:
    """Creates the temporary table `filled` from a regular grid.

    Raises:
        TraceError: no intervals, an irregular grid, or values that are not finite.
    """
    slot = np.round(table.t_s / table.interval_s).astype(np.int64)
    if not len(slot):
        raise TraceError("the series holds no intervals", name, "Make it longer")
    regular = np.allclose(slot * table.interval_s, table.t_s, atol=1e-6)
    if not regular or np.any(np.diff(slot) != 1) or slot[0] < 0:
        raise TraceError(
            f"the series is not on a grid of {table.interval_s:g} s", name,
            "Give every interval from the first to the last, at multiples of the interval",
        )  # fmt: skip
    if not np.isfinite(table.value).all():
        where = f"{name}, interval {int(np.flatnonzero(~np.isfinite(table.value))[0]) + 1}"
        raise TraceError("a value is not finite", where, "Give numbers only")
    given = pa.table({"slot": slot, "value": np.ascontiguousarray(table.value, np.float64)})
    work.cursor.register("given", given)
    work.run(
        "CREATE TEMP TABLE filled AS SELECT '' AS entity, slot, value, false AS imputed FROM given"
    )
    work.cursor.unregister("given")


def _named(codes: AnyArray, names: tuple[str, ...]) -> pa.Array:
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, list(names)).cast(pa.string())
