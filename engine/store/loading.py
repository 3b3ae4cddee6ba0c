"""Rows of stored traces as arrays: what a replay reads."""

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from engine.errors import StoreError
from engine.store.duck import Store
from engine.store.trace_info import TraceInfo
from engine.trace.schema import Kind, RequestTable, SeriesTable, request_table
from engine.units import AnyArray, FloatArray

__all__ = ["load_carbon", "load_prices", "load_requests", "load_series"]


def load_requests(
    store: Store, trace: TraceInfo, from_s: float = 0.0, to_s: float = math.inf
) -> RequestTable:
    """The requests with `from_s <= arrival_s < to_s`, times shifted so that `from_s` is 0.

    A request whose predecessor lies outside the window starts a chain of its own.

    Raises:
        StoreError: the trace holds no requests.
    """
    _check_kind(trace, store, Kind.REQUESTS, Kind.SESSIONS)
    window = [trace.trace_no, from_s, to_s]
    with store.cursor() as cursor:
        columns = _arrays(
            cursor,
            "SELECT seq, arrival_s - $2 AS arrival_s, coalesce(input_tokens, -1) AS input_tokens, "
            "coalesce(output_tokens, -1) AS output_tokens, "
            "coalesce(service_s, 'nan'::DOUBLE) AS service_s, "
            "coalesce(session, -1) AS session, coalesce(after_seq, -1) AS after_seq, "
            "coalesce(think_s, 0) AS think_s, coalesce(prefix_tokens, -1) AS prefix_tokens "
            "FROM requests WHERE trace_no = $1 AND arrival_s >= $2 AND arrival_s < $3 "
            "ORDER BY seq",
            window,
        )
        agent_type, agent_types = _codes(cursor, trace, "agent_type", window)
        tenant, tenants = _codes(cursor, trace, "tenant", window)
    seq, after = columns.pop("seq"), columns.pop("after_seq")
    after = after - (seq[0] if len(seq) else 0)
    cut = after < 0
    think_s = np.where(cut, 0.0, columns.pop("think_s"))
    return request_table(
        **columns,
        after=np.where(cut, -1, after),
        think_s=think_s,
        agent_type=agent_type if agent_types else np.full(len(seq), -1),
        tenant=tenant if tenants else np.full(len(seq), -1),
        agent_types=agent_types,
        tenants=tenants,
    )


def _arrays(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]
) -> dict[str, AnyArray]:
    """Columns without NULLs as arrays."""
    columns = cursor.execute(sql, parameters).fetchnumpy()
    return {name: np.asarray(column) for name, column in columns.items()}


def _codes(
    cursor: duckdb.DuckDBPyConnection, trace: TraceInfo, column: str, window: list[float]
) -> tuple[AnyArray, tuple[str, ...]]:
    """Index of each row's name among the sorted names of the whole trace; empty where absent."""
    if trace.profile.get(column) is None:
        return np.empty(0), ()
    names = [
        row[0]
        for row in cursor.execute(
            f"SELECT DISTINCT {column} FROM requests WHERE trace_no = ? AND {column} IS NOT NULL "
            "ORDER BY 1",
            [trace.trace_no],
        ).fetchall()
    ]
    coded = _arrays(
        cursor,
        f"SELECT coalesce(list_position($4, {column}), 0) - 1 AS code FROM requests "
        "WHERE trace_no = $1 AND arrival_s >= $2 AND arrival_s < $3 ORDER BY seq",
        [*window, names],
    )
    return coded["code"], tuple(names)


def load_series(
    store: Store, trace: TraceInfo, from_s: float = 0.0, to_s: float = math.inf
) -> SeriesTable:
    """The intervals that start in `from_s <= t_s < to_s`, summed over entities.

    Times are shifted so that `from_s` is 0; an interval in which no entity was there holds 0.

    Raises:
        StoreError: the trace holds no series.
    """
    _check_kind(trace, store, Kind.SERIES)
    with store.cursor() as cursor:
        columns = _arrays(
            cursor,
            "SELECT t_s, sum(value) AS value FROM series "
            "WHERE trace_no = ? AND t_s >= ? AND t_s < ? GROUP BY t_s ORDER BY t_s",
            [trace.trace_no, from_s, to_s],
        )
    return _on_grid(columns["t_s"], columns["value"], trace, from_s, trace.unit or "value")


def load_carbon(
    store: Store, trace: TraceInfo, from_s: float = 0.0, to_s: float = math.inf
) -> dict[str, SeriesTable]:
    """Carbon intensity by region, g CO2e per kWh, of the intervals that start in the window.

    Raises:
        StoreError: the trace holds no carbon intensity.
    """
    _check_kind(trace, store, Kind.CARBON)
    with store.cursor() as cursor:
        columns = _arrays(
            cursor,
            "SELECT region, t_s, g_per_kwh FROM carbon "
            "WHERE trace_no = ? AND t_s >= ? AND t_s < ? ORDER BY region, t_s",
            [trace.trace_no, from_s, to_s],
        )
    region = columns["region"]
    return {
        str(name): _on_grid(
            columns["t_s"][region == name],
            columns["g_per_kwh"][region == name],
            trace,
            from_s,
            "g_per_kwh",
        )
        for name in dict.fromkeys(region)
    }


def load_prices(store: Store, trace: TraceInfo) -> pd.DataFrame:
    """All prices, by machine type, region and time.

    Raises:
        StoreError: the trace holds no prices.
    """
    _check_kind(trace, store, Kind.PRICES)
    with store.cursor() as cursor:
        return cursor.execute(
            "SELECT * EXCLUDE (trace_no) FROM prices WHERE trace_no = ? "
            "ORDER BY machine_type, region, t_s",
            [trace.trace_no],
        ).df()


def _on_grid(
    t_s: FloatArray, value: FloatArray, trace: TraceInfo, from_s: float, unit: str
) -> SeriesTable:
    """Every slot from the first to the last one, 0 where there is nothing."""
    interval_s = float(trace.interval_s or 1.0)
    slot = np.round(t_s / interval_s).astype(np.int64)
    first = slot[0] if len(slot) else 0
    full = np.zeros(slot[-1] - first + 1 if len(slot) else 0)
    full[slot - first] = value
    starts_s = np.asarray((first + np.arange(len(full))) * interval_s - from_s, np.float64)
    return SeriesTable(t_s=starts_s, value=full, interval_s=interval_s, unit=unit)


def _check_kind(trace: TraceInfo, store: Store, *kinds: Kind) -> None:
    if trace.kind not in kinds:
        wanted = " or ".join(kind.value for kind in kinds)
        raise StoreError(
            f"trace {trace.name!r} holds {trace.kind.value}, not {wanted}",
            str(store.path),
            f"Choose a trace of kind {wanted}",
        )
