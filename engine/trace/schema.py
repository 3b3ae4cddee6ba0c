"""The canonical forms of a trace: what every reader and generator makes, and all others read."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from engine.units import AnyArray, FloatArray, Int32Array


class Kind(StrEnum):
    """What a trace holds."""

    REQUESTS = "requests"
    """A row per request, open loop: arrivals do not react to the cluster."""
    SESSIONS = "sessions"
    """A row per request, closed loop: a request waits for the one before it and for a tool."""
    SERIES = "series"
    """A row per interval: counts or utilisation."""
    CARBON = "carbon"
    """Grid carbon intensity over time, g CO2e per kWh."""
    PRICES = "prices"
    """Machine prices, US dollars per hour."""


class Severity(StrEnum):
    """How bad a finding is."""

    NOTE = "note"
    """Worth knowing; nothing was changed."""
    REPAIRED = "repaired"
    """Something was wrong and was mended; the finding says how."""
    REFUSED = "refused"
    """The file cannot be imported until this is fixed; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the check report."""

    rule: str
    """Stable code, such as `unsorted_times`."""
    severity: Severity
    what: str
    where: str
    """File, and row and column where they are known (rows count from 1, header excluded)."""
    fix: str
    row: int | None = None
    """First row concerned, counted from 1 without the header; None: the file as a whole."""
    count: int = 1
    """Rows concerned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTable:
    """Requests as arrays, in order of `arrival_s`. (n,) each; n may be zero."""

    arrival_s: FloatArray
    """Seconds since the trace's start, non-decreasing. With `after` >= 0: as recorded."""
    input_tokens: Int32Array
    """-1 where absent."""
    output_tokens: Int32Array
    """-1 where absent."""
    service_s: FloatArray
    """Given service time in seconds, NaN where it follows from tokens or is drawn."""
    agent_type: Int32Array
    """Index into `agent_types`, -1 where absent."""
    tenant: Int32Array
    """Index into `tenants`, -1 where absent."""
    session: Int32Array
    """Session number, -1 outside sessions."""
    after: Int32Array
    """Index in this table of the request that must end first, always smaller than the own
    index; -1: arrives at `arrival_s`."""
    think_s: FloatArray
    """Wait between the end of `after` and this arrival: tool or human. 0 where `after` is -1."""
    prefix_tokens: Int32Array
    """Leading input tokens shared with the request before it in the session, -1 where absent."""
    agent_types: tuple[str, ...] = field(default=())
    tenants: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def closed_loop(self) -> bool:
        """Whether any request waits for another one."""
        return bool(np.any(self.after >= 0))


_ABSENT: dict[str, tuple[Any, Any]] = {
    "input_tokens": (np.int32, -1),
    "output_tokens": (np.int32, -1),
    "service_s": (np.float64, np.nan),
    "agent_type": (np.int32, -1),
    "tenant": (np.int32, -1),
    "session": (np.int32, -1),
    "after": (np.int32, -1),
    "think_s": (np.float64, 0.0),
    "prefix_tokens": (np.int32, -1),
}


def request_table(
    arrival_s: AnyArray,
    *,
    agent_types: tuple[str, ...] = (),
    tenants: tuple[str, ...] = (),
    **columns: AnyArray,
) -> RequestTable:
    """A `RequestTable` from arrivals and whichever other columns there are; the rest is absent.

    Args:
        arrival_s: (n,) seconds, non-decreasing.
        agent_types: names that `agent_type` indexes.
        tenants: names that `tenant` indexes.
        columns: (n,) arrays by field name.
    """
    full: dict[str, AnyArray] = {}
    for name, (dtype, absent) in _ABSENT.items():
        given = columns.pop(name, None)
        full[name] = (
            np.full(len(arrival_s), absent, dtype)
            if given is None
            else np.ascontiguousarray(given, dtype)
        )
    assert not columns, f"unknown columns {sorted(columns)}"
    return RequestTable(
        arrival_s=np.ascontiguousarray(arrival_s, np.float64),
        agent_types=agent_types,
        tenants=tenants,
        **full,
    )


def window(table: RequestTable, from_s: float, to_s: float) -> RequestTable:
    """The requests with `from_s <= arrival_s < to_s`, times shifted so that `from_s` is 0.

    A request whose `after` lies outside the window starts a chain of its own.
    """
    lo, hi = np.searchsorted(table.arrival_s, [from_s, to_s], side="left")
    after = table.after[lo:hi] - np.int32(lo)
    cut = after < 0
    return replace(
        table,
        arrival_s=table.arrival_s[lo:hi] - from_s,
        after=np.where(cut, -1, after).astype(np.int32),
        think_s=np.where(cut, 0.0, table.think_s[lo:hi]),
        **{
            name: getattr(table, name)[lo:hi]
            for name in (
                "input_tokens",
                "output_tokens",
                "service_s",
                "agent_type",
                "tenant",
                "session",
                "prefix_tokens",
            )
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTable:
    """One demand series on a regular grid, summed over entities. (n,) each."""

    t_s: FloatArray
    """Start of each interval, seconds since the trace's start, strictly increasing."""
    value: FloatArray
    """Per interval, in `unit`."""
    interval_s: float
    unit: str
    """`requests` (count in the interval), `requests_per_s`, `cpu_percent`, `mhz`, `cores`, or
    `value` where the source does not say."""
