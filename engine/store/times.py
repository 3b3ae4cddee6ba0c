"""Checks of the times in the staging table that every kind of trace shares."""

from dataclasses import dataclass

from engine.errors import TraceError
from engine.store.ready import counted, first_row
from engine.store.work import Work
from engine.trace.plan import Plan, TimeUnit

__all__ = ["Times", "check_times", "is_clock_jump"]

EARLIEST_S, LATEST_S = 631_152_000.0, 4_102_444_800.0
"""Calendar times outside 1990 to 2100 are taken for faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of the staging table, in its own unit."""

    rows: int
    first: float
    last: float
    is_calendar: bool
    """Unix times rather than seconds since something unknown."""
    per_second: float
    """Units a second."""

    @property
    def mean_step_s(self) -> float:
        """Mean step between rows."""
        return (self.last - self.first) / self.per_second / self.rows


def check_times(work: Work, plan: Plan, name: str) -> Times:
    """Every row has a time that can be.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        name: of the file, for messages.

    Raises:
        TraceError: no rows, a row without time, or a time outside what is plausible.
    """
    bad = "arrival IS NULL OR NOT isfinite(arrival::DOUBLE)"
    rows, faulty, first, last = work.one(
        f"SELECT count(*), count(*) FILTER (WHERE {bad}), min(arrival), max(arrival) FROM stage"
    )
    if rows == 0:
        raise TraceError("the file holds no rows", name, "Export or download it again")
    if faulty:
        raise TraceError(
            f"{counted(faulty, 'row')} without a usable time",
            f"{name}, row {first_row(work, 'stage', bad)}",
            "Remove these rows or give them their time",
        )
    per_second = plan.time_unit.per_second if plan.time_unit else 1.0
    is_calendar = plan.time_unit is TimeUnit.TEXT or last / per_second >= EARLIEST_S
    earliest_s = EARLIEST_S if is_calendar else 0.0
    if first / per_second < earliest_s or last / per_second > LATEST_S:
        beyond = f"arrival < {earliest_s * per_second!r} OR arrival > {LATEST_S * per_second!r}"
        span = "the years 1990 to 2100" if is_calendar else "0 s and later"
        raise TraceError(
            f"a time is absurd: outside {span}",
            f"{name}, row {first_row(work, 'stage', beyond)}",
            "Correct the time or remove the row; if the unit was misread, map it with unit=",
        )
    return Times(rows=rows, first=first, last=last, is_calendar=is_calendar, per_second=per_second)


def is_clock_jump(backward: int, back_s: float, step_s: float) -> bool:
    """Whether times that go back look like a clock that was set back, not like shuffled rows.

    Args:
        backward: rows that are earlier than the row before them.
        back_s: by how much at most.
        step_s: usual step between rows.
    """
    return backward <= 3 and back_s >= max(60.0, 10 * step_s)
