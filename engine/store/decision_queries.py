"""Decisions of finished runs: filtered, counted and sampled in SQL, one by one in full.

The columns with JSON are read for single pages of rows only, so a million decisions stay quick.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pandas as pd
import pyarrow as pa

from engine.store.duck import Store
from engine.store.run_queries import Span, ticks_of
from engine.store.runs import RunRow
from engine.units import IntArray

__all__ = [
    "Filter", "counts", "firsts", "latest", "marks", "nearest", "observed", "page", "parsed",
    "total", "usual",
]  # fmt: skip

MARKS = 2000
SAW = (
    "arrived", "queued", "in_service", "finished", "starting", "ready", "draining", "target",
)  # fmt: skip
"""Columns of `ticks` that a policy sees of the tick before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which decisions are asked for."""

    span: Span
    classes: Mapping[Any, tuple[str, ...]]
    """Reasons by kind; the other kinds are `out`, `in` and `kept`, by the change of size."""
    kinds: tuple[str, ...] = ()
    """Empty: all."""
    reasons: tuple[str, ...] = ()
    """Empty: all."""
    numbers: IntArray | None = None
    """(N,) Only these; None: all."""
    after: int = -1
    """Only decisions with a higher number."""
    before: int | None = None
    """Only decisions with a lower number; None: all."""


_SIZES = {"out": 1, "in": -1, "kept": 0}
"""Sign of the change of size by the kinds that follow from it."""


def _where(run: RunRow, chosen: Filter) -> tuple[str, dict[str, Any]]:
    """The conditions and their values."""
    first, last = ticks_of(run, chosen.span)
    texts = ["run_no = $run_no AND tick >= $first AND tick < $last",
             "($pool IS NULL OR pool = $pool)"]  # fmt: skip
    values: dict[str, Any] = {
        "run_no": run.run_no, "first": first, "last": last, "pool": chosen.span.pool,
    }  # fmt: skip
    if chosen.kinds:
        texts += _of_kinds(chosen, values)
    if chosen.reasons:
        texts.append("list_contains($reasons, reason)")
        values["reasons"] = list(chosen.reasons)
    if chosen.numbers is not None:
        texts.append("number IN (SELECT number FROM wanted)")
    if chosen.after >= 0:
        texts.append("number > $after")
        values["after"] = chosen.after
    if chosen.before is not None:
        texts.append("number < $before")
        values["before"] = chosen.before
    return " AND ".join(texts), values


def _of_kinds(chosen: Filter, values: dict[str, Any]) -> list[str]:
    """Conditions for the kinds; quicker than to work out the kind of every decision."""
    classed = {str(kind): reasons for kind, reasons in chosen.classes.items()}
    barred = [each for kind in classed.keys() - set(chosen.kinds) for each in classed[kind]]
    values["barred"] = barred
    texts = ["NOT list_contains($barred, reason)"]
    sizes = [sign for way, sign in _SIZES.items() if way in chosen.kinds]
    if len(sizes) < len(_SIZES):
        values["classed"] = [each for reasons in classed.values() for each in reasons]
        values["sizes"] = sizes
        texts.append(
            "(list_contains($classed, reason) OR list_contains($sizes, sign(applied - current)))"
        )
    return texts


@contextmanager
def _asking(store: Store, chosen: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor that knows the numbers of a filter."""
    with store.transaction() as cursor:
        if chosen.numbers is not None:
            cursor.register("wanted", pa.table({"number": chosen.numbers}))
        yield cursor


def _kind(chosen: Filter, values: dict[str, Any]) -> str:
    """The kind by `reason` and `way`, the sign of the change; its reasons go into `values`."""
    cases = []
    for number, (kind, reasons) in enumerate(chosen.classes.items()):
        values |= {f"kind_{number}": str(kind), f"reasons_{number}": list(reasons)}
        cases.append(f"WHEN list_contains($reasons_{number}, reason) THEN $kind_{number}")
    return f"CASE {' '.join(cases)} WHEN way > 0 THEN 'out' WHEN way < 0 THEN 'in' ELSE 'kept' END"


def total(store: Store, run: RunRow, chosen: Filter) -> int:
    """How many decisions pass a filter."""
    where, values = _where(run, chosen)
    with _asking(store, chosen) as cursor:
        row = cursor.execute(f"SELECT count(*) FROM decisions WHERE {where}", values).fetchone()
    assert row is not None
    return int(row[0])


def latest(store: Store, run: RunRow, chosen: Filter) -> int | None:
    """The number of the last decision that passes a filter; None: none does."""
    where, values = _where(run, chosen)
    with _asking(store, chosen) as cursor:
        row = cursor.execute(f"SELECT max(number) FROM decisions WHERE {where}", values).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def nearest(store: Store, run: RunRow, chosen: Filter) -> int | None:
    """The number of the first decision that passes a filter; None: none does."""
    where, values = _where(run, chosen)
    with _asking(store, chosen) as cursor:
        row = cursor.execute(f"SELECT min(number) FROM decisions WHERE {where}", values).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def counts(store: Store, run: RunRow, chosen: Filter) -> pd.DataFrame:
    """Decisions by kind and reason, the most frequent first: kind, reason, decisions."""
    where, values = _where(run, chosen)
    kind = _kind(chosen, values)
    with _asking(store, chosen) as cursor:
        return cursor.execute(
            "WITH alike AS (SELECT reason, sign(applied - current) AS way, count(*) AS decisions "
            f"FROM decisions WHERE {where} GROUP BY ALL) "
            f"SELECT {kind} AS kind, reason, sum(decisions)::BIGINT AS decisions FROM alike "
            "GROUP BY ALL ORDER BY decisions DESC, kind, reason",
            values,
        ).df()


def marks(store: Store, run: RunRow, chosen: Filter, most: int = MARKS) -> pd.DataFrame:
    """At most `most` marks in order of time, each for one decision or for alike neighbours.

    Columns: number (of the first), t_s, pool, kind, reason (of the first), current, applied,
    decisions.
    """
    where, values = _where(run, chosen)
    kind = _kind(chosen, values)
    first, last = ticks_of(run, chosen.span)
    number = total(store, run, chosen)
    alike = 1 if number <= most else len(chosen.classes) + 3
    pools = 1 if chosen.span.pool is not None else len(run.pools)
    bins = max(1, most // (alike * pools))
    width = 1 if number <= most else max(1, -(-(last - first) // bins))
    values |= {"width": width}
    with _asking(store, chosen) as cursor:
        frame = cursor.execute(
            "WITH alike AS (SELECT floor((tick - $first) / $width) AS bin, pool, reason, "
            "sign(applied - current) AS way, min(number) AS number, min(t_s) AS t_s, "
            "arg_min(current, number) AS current, arg_min(applied, number) AS applied, "
            f"count(*) AS decisions FROM decisions WHERE {where} GROUP BY bin, pool, reason, way) "
            f"SELECT min(number) AS number, min(t_s) AS t_s, pool, {kind} AS kind, "
            "arg_min(reason, number) AS reason, arg_min(current, number) AS current, "
            "arg_min(applied, number) AS applied, sum(decisions)::BIGINT AS decisions "
            "FROM alike GROUP BY bin, pool, kind ORDER BY number",
            values,
        ).df()
    frame["pool"] = [run.pools[pool] for pool in frame["pool"]]
    return frame


_FULL = (
    "number, tick, t_s, pool, current, proposed, applied, reason, rationale, guard, size, "
    "routing, seen"
)


def page(store: Store, run: RunRow, chosen: Filter, limit: int) -> list[dict[str, Any]]:
    """The first decisions that pass a filter, in full, in their order, for `parsed`."""
    where, values = _where(run, chosen)
    with _asking(store, chosen) as cursor:
        cursor.execute(
            f"SELECT {_FULL} FROM decisions WHERE {where} ORDER BY number LIMIT $limit",
            values | {"limit": limit},
        )
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def parsed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `page` with its JSON read."""
    texts = {name: row[name] for name in ("rationale", "guard", "routing")}
    return {
        **row,
        **{
            name: None if text is None else msgspec.json.decode(text)
            for name, text in texts.items()
        },
    }


def firsts(store: Store, run: RunRow, chosen: Filter, each: int) -> list[int]:
    """The numbers of the first few decisions of each reason that pass a filter."""
    where, values = _where(run, chosen)
    with _asking(store, chosen) as cursor:
        rows = cursor.execute(
            f"SELECT unnest(min(number, $each)) FROM decisions WHERE {where} GROUP BY reason",
            values | {"each": each},
        ).fetchall()
    return sorted(int(row[0]) for row in rows)


def observed(
    store: Store, run: RunRow, ticks: Sequence[int], pool: int
) -> dict[int, dict[str, float]]:
    """What was measured of a pool over each of some ticks; none before the first."""
    with store.transaction() as cursor:
        cursor.execute(
            f"SELECT tick, {_SAW_SQL} FROM ticks "
            "WHERE run_no = ? AND pool = ? AND list_contains(?, tick)",
            [run.tick_s, run.tick_s, run.run_no, pool, list(ticks)],
        )
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    found = {}
    for row in rows:
        values = dict(zip(names, row, strict=True))
        tick = int(values.pop("tick"))
        found[tick] = {name: float(value) for name, value in values.items() if value is not None}
    return found


_SAW_SQL = (
    ", ".join(SAW) + ", queue_timeouts + exec_timeouts + rejected + lost AS failed, "
    "busy_slot_s / ? AS busy_slots, offered_slot_s / ? AS offered_slots"
)


def usual(store: Store, run: RunRow, pool: int) -> dict[str, tuple[float, float, float]]:
    """5 %, 50 % and 95 % quantile over the run of what `observed` gives (t-digest)."""
    names = (*SAW, "failed", "busy_slots", "offered_slots")
    wanted = ", ".join(f"approx_quantile({name}, [0.05, 0.5, 0.95])" for name in names)
    with store.transaction() as cursor:
        row = cursor.execute(
            f"SELECT {wanted} FROM (SELECT {_SAW_SQL} FROM ticks WHERE run_no = ? AND pool = ?)",
            [run.tick_s, run.tick_s, run.run_no, pool],
        ).fetchone()
    assert row is not None
    found = {}
    for name, values in zip(names, row, strict=True):
        if values is not None:
            found[name] = (float(values[0]), float(values[1]), float(values[2]))
    return found
