"""Sessions become chains: which request waits for which, how long, and when a session starts.

The main loop of a session is one chain. A sub-agent is a chain of its own, which starts when the
request of the main loop before it ends. The wait is the recorded gap less the service time of
the request waited for, so that a replay with the recorded service times meets the recorded times.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from engine.errors import TraceError
from engine.store.numbers import check_numbers
from engine.store.ready import counted, first_row, noted
from engine.store.times import check_times
from engine.store.work import Work
from engine.trace.plan import Cast, Field, Plan, TimeUnit
from engine.trace.streams import stream, whole_microseconds

__all__ = ["chain_sessions"]

_ARRIVALS = 0  # purpose of the random stream


def chain_sessions(work: Work, plan: Plan, name: str) -> Plan:
    """Replaces `stage` by one with `arrival` in seconds, `after_seq` and `think`, in order.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged; with a recipe of session arrivals, times are within sessions.
        name: of the file, for messages.

    Raises:
        TraceError: rows without session or time.
    """
    check_times(work, plan, name)
    _check_sessions(work, name)
    findings = (*plan.findings, *check_numbers(work, plan, name))
    per_second = plan.time_unit.per_second if plan.time_unit else 1.0
    _number_rows(work, plan, per_second)
    if plan.recipe:
        _draw_starts(work, float(plan.recipe["sessions_per_hour"]), int(plan.recipe["seed"]))
    _link(work)
    overlaps = _think(work, plan)
    _order(work, plan)
    kept = [field for field in plan.fields if field.role not in _CONSUMED]
    made = [Field(role=role, index=-1, cast=Cast.NUMBER) for role in ("after_seq", "think")]
    if overlaps:
        what = f"{counted(overlaps, 'request')} began before the one it waits for had ended"
        findings = (*findings, noted("overlap", what, name,
                                     "Nothing to do: the wait between them is 0", count=overlaps),
                    )  # fmt: skip
    return replace(plan, fields=(*kept, *made), time_unit=TimeUnit.S, findings=findings)


_CONSUMED = {"depth", "subagent", "position", "think"}


def _check_sessions(work: Work, name: str) -> None:
    (absent,) = work.one("SELECT count(*) - count(session) FROM stage")
    if absent:
        row = first_row(work, "stage", "session IS NULL")
        raise TraceError(
            f"{counted(absent, 'row')} of a closed-loop trace without a session",
            f"{name}, row {row}",
            "Give every row its session, or remove these rows",
        )


def _number_rows(work: Work, plan: Plan, per_second: float) -> None:
    """`numbered`: seconds, and what a plain table of sessions leaves out."""
    depth = "depth" if plan.has("depth") else "0"
    subagent = "coalesce(subagent, '')" if plan.has("subagent") else "''"
    position = "position" if plan.has("position") else "row"
    service = "service" if plan.has("service") else "NULL::DOUBLE"
    think = "think" if plan.has("think") else "NULL::DOUBLE"
    extra = [f.role for f in plan.fields if f.role not in {*_CONSUMED, "arrival", "service"}]
    work.run(
        f"CREATE TEMP TABLE numbered AS SELECT {', '.join(extra)}, "
        f"arrival / {per_second!r} AS arrival, {depth} AS depth, {subagent} AS subagent, "
        f"{position} AS position, {service} AS service, {think} AS given_think, row "
        "FROM (SELECT *, row_number() OVER () AS row FROM stage)"
    )
    work.run("DROP TABLE stage")


def _draw_starts(work: Work, sessions_per_hour: float, seed: int) -> None:
    """Sessions start as a Poisson process, in the order of the file, the first one at 0."""
    sessions = [row[0] for row in work.run(
        "SELECT session FROM numbered GROUP BY session ORDER BY min(row)"
    )]  # fmt: skip
    gaps_s = stream(seed, _ARRIVALS).exponential(3600.0 / sessions_per_hour, len(sessions))
    gaps_s[0] = 0.0
    starts = pa.table({
        "session": pa.array(sessions, pa.string()),
        "start_s": whole_microseconds(np.cumsum(gaps_s)),
    })  # fmt: skip
    work.cursor.register("starts", starts)
    work.run(
        "CREATE TEMP TABLE started AS SELECT numbered.* REPLACE "
        "(start_s + arrival - first_s AS arrival) FROM numbered JOIN starts USING (session) "
        "JOIN (SELECT session, min(arrival) AS first_s FROM numbered GROUP BY session) "
        "USING (session)"
    )
    work.cursor.unregister("starts")
    work.run("DROP TABLE numbered")
    work.run("ALTER TABLE started RENAME TO numbered")


def _link(work: Work) -> None:
    """`links`: the row that each row waits for."""
    work.run(
        "CREATE TEMP TABLE links AS SELECT row, session, arrival, depth, "
        "lag(row) OVER (PARTITION BY session, depth, subagent ORDER BY arrival, position, row) "
        "AS after_row FROM numbered"
    )
    work.run(
        "UPDATE links SET after_row = main.row FROM ("
        "SELECT sub.row AS sub_row, arg_max(loop.row, (loop.arrival, loop.position)) AS row "
        "FROM links AS sub JOIN numbered AS loop ON loop.session = sub.session "
        "AND loop.depth = 0 AND loop.arrival <= sub.arrival "
        "WHERE sub.depth > 0 AND sub.after_row IS NULL GROUP BY sub.row) AS main "
        "WHERE links.row = main.sub_row"
    )


def _think(work: Work, plan: Plan) -> int:
    """`waits`: what each row waits beyond the end of its predecessor; returns the overlaps."""
    gap = "now.arrival - before.arrival - coalesce(before.service, 0)"
    think = f"coalesce(now.given_think, greatest({gap}, 0))" if plan.has("think") else (
        f"greatest({gap}, 0)"
    )  # fmt: skip
    work.run(
        f"CREATE TEMP TABLE waits AS SELECT links.row, after_row, {think} AS think, {gap} AS gap "
        "FROM links JOIN numbered AS now USING (row) "
        "JOIN numbered AS before ON before.row = links.after_row"
    )
    # Source times are often whole seconds, so a second of overlap is rounding.
    return int(work.one("SELECT count(*) FROM waits WHERE gap < -1")[0])


def _order(work: Work, plan: Plan) -> None:
    """`stage` again: in order of arrival, predecessors by their new position."""
    extra = [f.role for f in plan.fields if f.role not in {*_CONSUMED, "arrival"}]
    work.run(
        "CREATE TEMP TABLE ordered AS SELECT row, "
        "(row_number() OVER (ORDER BY arrival, depth, position, row) - 1)::INTEGER AS seq "
        "FROM numbered"
    )
    work.run(
        f"CREATE TEMP TABLE stage AS SELECT numbered.arrival, {', '.join(extra)}, "
        "before.seq AS after_seq, round(waits.think, 6) AS think "
        "FROM numbered JOIN ordered USING (row) LEFT JOIN waits USING (row) "
        "LEFT JOIN ordered AS before ON before.row = waits.after_row ORDER BY ordered.seq"
    )
    for table in ("numbered", "links", "waits", "ordered"):
        work.run(f"DROP TABLE {table}")
