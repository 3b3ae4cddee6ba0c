"""Readings on one clock, without what is no reading: first half of the import of a series."""

from engine.errors import TraceError
from engine.store.ready import counted, first_row, repaired
from engine.store.times import check_times, is_clock_jump
from engine.store.work import Work
from engine.trace.plan import Plan, Shape
from engine.trace.schema import Finding, Kind

__all__ = ["make_readings", "order_findings", "take_out_faults"]

MOST_FAULTY = 0.2
"""Share of readings that may be faulty before the file is refused."""
EMPTY_MIX = 0.1
"""A generation mix below this share of its median is a collection fault, not a grid."""
MOST_G_PER_KWH = 3000.0
"""Above any grid: the worst coal plants emit about half of it."""


def make_readings(work: Work, plan: Plan, entity: str, value: str, name: str) -> float | None:
    """`readings`: entity, `t_s` from the start of the first one, value, in the file's order.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        entity: role of the entity column.
        value: role of the value column.
        name: of the file, for messages.

    Returns:
        Unix time of t = 0, None if unknown.

    Raises:
        TraceError: rows without a plausible time.
    """
    times = check_times(work, plan, name)
    per_second = times.per_second
    zero = _zero(work, plan, times.first, per_second)
    extras = ""
    if plan.has("duration_ms"):
        extras += "duration_ms, "
    if plan.has("end"):
        extras += f'("end" - {zero!r}) / {per_second!r} AS end_s, '
    extras += "".join(f"{role}, " for role in plan.features)
    mix = [field.role for field in plan.fields if field.role.startswith("mix_")]
    if mix:
        extras += " + ".join(f"coalesce({role}, 0)" for role in mix) + " AS mix, "
    given = f"coalesce({entity}, '')" if plan.has(entity) else "$entity::VARCHAR"
    work.run(
        f"CREATE TEMP TABLE readings AS SELECT {given} AS entity, "
        f"(arrival - {zero!r}) / {per_second!r} AS t_s, {value}::DOUBLE AS value, {extras}"
        "row_number() OVER () AS row FROM stage",
        {} if plan.has(entity) else {"entity": plan.entity},
    )
    return zero / per_second if times.is_calendar else None


def _zero(work: Work, plan: Plan, first: float, per_second: float) -> float:
    """Where the grid begins, in staged units."""
    if plan.shape is Shape.RUN_LENGTH:
        (start,) = work.one(
            f"SELECT min(arrival - duration_ms * {per_second / 1000!r}) FROM stage"
        )
        return float(start)
    if plan.shape is Shape.USAGE and plan.interval_s:
        # Usage is measured in windows of the source's own clock, from its time 0.
        width = plan.interval_s * per_second
        return first // width * width
    return first


def take_out_faults(work: Work, plan: Plan, name: str) -> list[Finding]:
    """Values that are no readings become absent; what is absent is filled later.

    Raises:
        TraceError: more than `MOST_FAULTY` of them.
    """
    (rows,) = work.one("SELECT count(*) FROM readings")
    findings = []
    for rule, condition, what in _faults(work, plan):
        (faulty,) = work.one(f"SELECT count(*) FROM readings WHERE {condition}")
        if not faulty:
            continue
        row = first_row(work, "readings", condition)
        where = f"{name}, row {row}"
        if faulty > MOST_FAULTY * rows:
            raise TraceError(
                f"{faulty:,} of {counted(rows, 'value')} are {what}",
                where,
                "Check that the right column is mapped as the value, or export it again",
            )
        findings.append(
            repaired(rule, f"{counted(faulty, 'value')} {what}: replaced by interpolation", where,
                     "Nothing to do; check the source if there are many", row=row, count=faulty)
        )  # fmt: skip
        work.run(f"UPDATE readings SET value = NULL WHERE {condition}")
    return findings


def _faults(work: Work, plan: Plan) -> list[tuple[str, str, str]]:
    """Rule, SQL condition and description of each kind of fault, in the order of checking."""
    faults = [
        ("missing_values", "value IS NULL", "missing"),
        ("not_finite", "value IS NOT NULL AND NOT isfinite(value)", "not finite"),
    ]
    if plan.kind is Kind.CARBON or plan.value_unit not in (None, "value"):
        faults.append(("negative_values", "value < 0", "negative"))
    most = MOST_G_PER_KWH if plan.kind is Kind.CARBON else plan.absurd_above
    if most < float("inf"):
        faults.append(("absurd_values", f"value > {most!r}", f"above {most:g}"))
    if any(field.role.startswith("mix_") for field in plan.fields):
        (median,) = work.one("SELECT median(mix) FROM readings")
        faults.append((
            "empty_mix", f"value IS NOT NULL AND mix < {EMPTY_MIX * median!r}",
            f"from hours with less than {EMPTY_MIX:.0%} of the usual generation",
        ))  # fmt: skip
    return faults


def order_findings(work: Work, interval_s: float, name: str) -> list[Finding]:
    """What the order of rows says about the clock; readings are placed by time, not by row."""
    backward, row, depth_s = work.one(
        "SELECT count(*), min(row), max(before - t_s) FROM (SELECT row, t_s, "
        "lag(t_s) OVER (PARTITION BY entity ORDER BY row) AS before FROM readings) "
        "WHERE t_s < before"
    )
    if not backward:
        return []
    clock = is_clock_jump(backward, depth_s, interval_s)
    return [
        repaired(
            "clock_jump" if clock else "unsorted_times",
            f"times go back at {counted(backward, 'row')}, by up to {depth_s:,.0f} s; "
            "readings were placed by time",
            f"{name}, row {row}",
            "Check the clock of the source around this row" if clock else "Nothing to do",
            row=row,
            count=backward,
        )
    ]
