"""Staged requests become canonical ones: checked, sorted, spread, counted from 0.

Every check is one SQL pass over the staging table, so memory does not grow with the file.
"""

from dataclasses import dataclass

from engine.errors import TraceError
from engine.store.numbers import check_numbers
from engine.store.profile_requests import profile_requests
from engine.store.ready import Ready, counted, first_row, noted, repaired
from engine.store.times import Times, check_times, is_clock_jump
from engine.store.work import Work
from engine.trace.plan import Plan, Shape
from engine.trace.schema import Finding, Kind

__all__ = ["Clock", "ready_requests"]

JUMP_S = 366 * 86400.0
"""A longer pause between two requests is taken for a wrong clock."""
LONG_PAUSE_S = 3600.0
UNUSUAL_PAUSES = 100
"""A pause of an hour is worth a note where it is this many times the mean gap."""
QUANTISED_ROWS = 20
"""Fewer requests are never taken for quantised."""

_DIGESTED = {
    "arrival_s": "arrival_s",
    "input_tokens": "coalesce(input_tokens, -1)",
    "output_tokens": "coalesce(output_tokens, -1)",
    "service_s": "coalesce(service_s, 'nan'::DOUBLE)",
    "agent_type": "coalesce(agent_type, '')",
    "tenant": "coalesce(tenant, '')",
    "session": "coalesce(session, -1)",
    "after_seq": "coalesce(after_seq, -1)",
    "think_s": "coalesce(think_s, 0)",
    "prefix_tokens": "coalesce(prefix_tokens, -1)",
}
_ROLES = {"service_s": "service", "think_s": "think"}
_TYPES = {
    "input_tokens": "INTEGER", "output_tokens": "INTEGER", "service_s": "DOUBLE",
    "agent_type": "VARCHAR", "tenant": "VARCHAR", "session": "INTEGER",
    "after_seq": "INTEGER", "think_s": "DOUBLE", "prefix_tokens": "INTEGER",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """How successive times of the staging table differ."""

    backward: int
    first_backward: int | None
    largest_backward: float
    equal: int
    largest_step: float
    largest_at: float
    """Time before the largest step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where t = 0 lies when the file does not say."""

    zero: float
    """In staged units."""
    epoch_s: float | None
    """Unix time of it, None if unknown."""


def ready_requests(work: Work, plan: Plan, name: str, clock: Clock | None = None) -> Ready:
    """Makes the relation `ready` from `stage`.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        name: of the file, for messages.
        clock: where t = 0 lies; None: at the first request.

    Raises:
        TraceError: times or values that cannot be, with the first row concerned.
    """
    times = check_times(work, plan, name)
    rows, per_second = times.rows, times.per_second
    # Chains were checked before they were sorted, when rows still had the file's numbers.
    findings = [] if plan.shape is Shape.CHAINS else check_numbers(work, plan, name)
    order = _order(work)
    if order.backward:
        if plan.has("after_seq"):
            raise TraceError(
                "times go back in a trace whose requests wait for others by their row",
                f"{name}, row {order.first_backward}",
                "Sort the rows by arrival and number after_seq accordingly",
            )
        findings.append(_sort(work, order, times, name))
        order = _order(work)
    findings += _pauses(order, times, name)
    if order.equal and not plan.keeps_times:
        findings += _equal_times(work, plan, order, rows, per_second, name)
    if plan.has("after_seq"):
        _check_links(work, name)
    _number_sessions(work, plan)
    if clock is None:
        epoch_s = times.first / per_second if times.is_calendar else None
        clock = Clock(zero=times.first, epoch_s=epoch_s)
    columns = _make_view(work, plan, clock.zero, per_second)
    (duration_s,) = work.one("SELECT max(arrival_s) FROM ready")
    kind = Kind.SESSIONS if plan.has("after_seq") else Kind.REQUESTS
    return Ready(
        kind=kind,
        table="requests",
        columns=columns,
        rows=rows,
        duration_s=float(duration_s),
        epoch_s=clock.epoch_s,
        findings=tuple(findings),
        profile=profile_requests(work, columns, float(duration_s), clock.epoch_s),
    )


def _order(work: Work) -> _Order:
    backward, first, depth, equal, step, at = work.one(
        "SELECT count(*) FILTER (arrival < before), min(row) FILTER (arrival < before), "
        "max(before - arrival), count(*) FILTER (arrival = before), max(arrival - before), "
        "arg_max(before, arrival - before) "
        "FROM (SELECT arrival, lag(arrival) OVER () AS before, row_number() OVER () AS row "
        "FROM stage)"
    )
    return _Order(
        backward=backward,
        first_backward=first,
        largest_backward=float(depth or 0),
        equal=equal,
        largest_step=float(step or 0),
        largest_at=float(at or 0),
    )


def _sort(work: Work, order: _Order, times: Times, name: str) -> Finding:
    work.run(
        "CREATE TEMP TABLE sorted AS SELECT * EXCLUDE (row) FROM "
        "(SELECT *, row_number() OVER () AS row FROM stage) ORDER BY arrival, row"
    )
    work.run("DROP TABLE stage")
    work.run("ALTER TABLE sorted RENAME TO stage")
    back_s = order.largest_backward / times.per_second
    clock = is_clock_jump(order.backward, back_s, times.mean_step_s)
    return repaired(
        "clock_jump" if clock else "unsorted_times",
        f"times go back at {order.backward:,} rows, by up to {back_s:,.3f} s; "
        "the rows were sorted by time",
        f"{name}, row {order.first_backward}",
        "Check the clock of the source around this row" if clock else "Nothing to do",
        row=order.first_backward,
        count=order.backward,
    )


def _pauses(order: _Order, times: Times, name: str) -> list[Finding]:
    pause_s = order.largest_step / times.per_second
    where = f"{name}, {(order.largest_at - times.first) / times.per_second:,.0f} s after its start"
    if pause_s > JUMP_S:
        raise TraceError(
            f"the clock jumps by {pause_s / 86400:,.0f} days between two requests",
            where,
            "Correct the times, or import the parts before and after as traces of their own",
        )
    if pause_s < max(LONG_PAUSE_S, UNUSUAL_PAUSES * times.mean_step_s):
        return []
    what = f"no request for {pause_s:,.0f} s"
    fix = "If the source was not recording, import the parts as traces of their own"
    return [noted("gap", what, where, fix)]


def _equal_times(
    work: Work, plan: Plan, order: _Order, rows: int, per_second: float, name: str
) -> list[Finding]:
    distinct = rows - order.equal
    if rows >= QUANTISED_ROWS and 2 <= distinct <= rows / 2:
        return [_spread(work, rows, distinct, per_second, name)]
    found = [
        noted("duplicate_times", f"{order.equal:,} requests arrive at the same time as another",
              name, "Nothing to do: they keep their order", count=order.equal)
    ]  # fmt: skip
    compared = [f"{f.role} IS NOT DISTINCT FROM before_{f.role}" for f in plan.fields]
    befores = [f"lag({f.role}) OVER () AS before_{f.role}" for f in plan.fields]
    (twins,) = work.one(
        f"SELECT count(*) FROM (SELECT *, {', '.join(befores)} FROM stage) "
        f"WHERE {' AND '.join(compared)}"
    )
    if twins:
        found.append(
            noted("duplicate_rows", f"{twins:,} rows equal the row before them in every column",
                  name, "If they are copies, remove them from the file and import it again",
                  count=twins)
        )  # fmt: skip
    return found


def _check_links(work: Work, name: str) -> None:
    """A request can only wait for an earlier one."""
    later = "after_seq < 0 OR after_seq >= row - 1"
    (faulty,) = work.one(
        "SELECT count(*) FROM (SELECT after_seq, row_number() OVER () AS row FROM stage) "
        f"WHERE {later}"
    )
    if faulty:
        raise TraceError(
            f"{counted(faulty, 'request')} would wait for itself or a later one",
            f"{name}, row {first_row(work, 'stage', later)}",
            "Let after_seq name an earlier row, counted from 0",
        )


def _spread(work: Work, rows: int, distinct: int, per_second: float, name: str) -> Finding:
    """Requests of one stamp are laid out evenly until the next, at most one typical step."""
    (typical,) = work.one(
        "SELECT median(step) FROM (SELECT lead(arrival) OVER (ORDER BY arrival) - arrival AS step "
        "FROM (SELECT DISTINCT arrival FROM stage))"
    )
    work.run(
        "CREATE TEMP TABLE spread AS "
        "WITH steps AS (SELECT arrival, count(*) AS n, "
        "least(coalesce(lead(arrival) OVER (ORDER BY arrival) - arrival, $typical), $typical) "
        "AS step FROM stage GROUP BY arrival), "
        "numbered AS (SELECT *, row_number() OVER () AS row FROM stage), "
        "placed AS (SELECT *, row_number() OVER (PARTITION BY arrival ORDER BY row) - 1 AS k "
        "FROM numbered) "
        "SELECT placed.* EXCLUDE (row, k) REPLACE (arrival + step * k / n AS arrival) "
        "FROM placed JOIN steps USING (arrival) ORDER BY row",
        {"typical": typical},
    )
    work.run("DROP TABLE stage")
    work.run("ALTER TABLE spread RENAME TO stage")
    return repaired(
        "quantised_stamps",
        f"{rows:,} requests share {distinct:,} time stamps, {typical / per_second:g} s apart; "
        "they were spread evenly until the next stamp",
        name,
        "Do not read burstiness below that step as real",
        count=rows - distinct,
    )


def _number_sessions(work: Work, plan: Plan) -> None:
    """Session names become numbers in order of first arrival."""
    if not plan.has("session"):
        return
    work.run(
        "CREATE TEMP TABLE numbered AS WITH rows AS "
        "(SELECT *, row_number() OVER () AS row FROM stage), "
        "names AS (SELECT session, row_number() OVER (ORDER BY min(row)) - 1 AS number FROM rows "
        "WHERE session IS NOT NULL GROUP BY session) "
        "SELECT rows.* EXCLUDE (row) REPLACE (number::INTEGER AS session) "
        "FROM rows LEFT JOIN names USING (session) ORDER BY row"
    )
    work.run("DROP TABLE stage")
    work.run("ALTER TABLE numbered RENAME TO stage")


def _make_view(work: Work, plan: Plan, zero: float, per_second: float) -> dict[str, str]:
    """The view `ready`, and the columns of it that hold anything."""
    arrival = f"(arrival - {zero!r}) / {per_second!r}" if zero or per_second != 1 else "arrival"
    # A difference of fractions is rounded to what a text file holds; whole units need none.
    rounded = f"round({arrival}, 6)" if zero and isinstance(zero, float) else arrival
    select = [f"{rounded} AS arrival_s"]
    present = {"arrival_s": _DIGESTED["arrival_s"]}
    for column, kind in _TYPES.items():
        role = _ROLES.get(column, column)
        if plan.has(role) and work.one(f"SELECT count({role}) FROM stage")[0]:
            select.append(f"{role}::{kind} AS {column}")
            present[column] = _DIGESTED[column]
        else:
            select.append(f"NULL::{kind} AS {column}")
    work.run(
        f"CREATE TEMP VIEW ready AS SELECT (row_number() OVER () - 1)::INTEGER AS seq, "
        f"{', '.join(select)} FROM stage"
    )
    return present
