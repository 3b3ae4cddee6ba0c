"""Readings on a regular grid without gaps: second half of a series import.

Every entity keeps its own phase: its first reading begins a slot, and the slots of all entities
are counted on one grid, so that they can be summed.
"""

from engine.errors import TraceError
from engine.store.ready import counted, first_row, repaired
from engine.store.work import Work
from engine.trace.plan import Plan, Shape
from engine.trace.schema import Finding

__all__ = ["expand_runs", "fill_gaps", "find_interval_s", "make_cells"]

MOST_INVENTED = 1.0
"""Filled slots for each reading before the file is refused."""
FEW_SLOTS = 20
"""So few filled slots are never refused."""
ON_TIME = 0.05
"""A reading this close to its slot, in intervals, is on time."""
USUAL_SHARE = 0.3
"""Share of steps that the most frequent one needs to be the interval; else it is the median."""


def find_interval_s(work: Work, name: str) -> float:
    """The step between successive readings of an entity that is met most often.

    Raises:
        TraceError: there are no two readings at different times.
    """
    steps = work.run(
        "SELECT round(t_s - before, 3) AS step, count(*) AS n FROM (SELECT t_s, "
        "lag(t_s) OVER (PARTITION BY entity ORDER BY t_s) AS before FROM readings) "
        "WHERE step > 0 GROUP BY step ORDER BY n DESC, step"
    )
    if not steps:
        raise TraceError(
            "a series needs readings at two different times at least",
            name,
            "Export a longer span, or check which column is mapped as the time",
        )
    usual, often = steps[0]
    total = sum(n for _, n in steps)
    if often >= USUAL_SHARE * total:
        return float(usual)
    below = 0
    for step, n in sorted(steps):
        below += n
        if 2 * below >= total:
            return float(round(step) if step >= 10 else step)
    return float(usual)


def expand_runs(work: Work, interval_s: float, name: str) -> list[Finding]:
    """A reading that ends at `t_s` and covers `duration_ms` becomes one for each interval."""
    bad = f"duration_ms IS NULL OR duration_ms < {interval_s * 500!r}"
    (faulty,) = work.one(f"SELECT count(*) FROM readings WHERE {bad}")
    if faulty:
        raise TraceError(
            f"{counted(faulty, 'row')} with a duration below half an interval",
            f"{name}, row {first_row(work, 'readings', bad)}",
            f"Give durations in milliseconds, multiples of {interval_s * 1000:g}",
        )
    merged, made = work.one(
        "SELECT count(*) FILTER (n > 1), sum(n) - count(*) FROM "
        f"(SELECT round(duration_ms / {interval_s * 1000!r}) AS n FROM readings)"
    )
    work.run(
        "CREATE TEMP TABLE expanded AS SELECT * EXCLUDE (duration_ms, k) REPLACE ("
        f"t_s - duration_ms / 1000 + k * {interval_s!r} AS t_s) FROM (SELECT *, "
        f"unnest(range(round(duration_ms / {interval_s * 1000!r})::BIGINT)) AS k FROM readings)"
    )
    work.run("DROP TABLE readings")
    work.run("ALTER TABLE expanded RENAME TO readings")
    if not merged:
        return []
    what = (
        f"{counted(merged, 'row')} that merge equal readings were expanded backwards "
        f"into {int(made):,} more"
    )
    return [repaired("run_length", what, name, "Nothing to do", count=merged)]


def make_cells(work: Work, plan: Plan, interval_s: float, name: str) -> list[Finding]:
    """`cells`: one value an entity and slot."""
    if plan.shape is Shape.USAGE:
        _charge_usage(work, interval_s)
        return []
    work.run(
        "CREATE TEMP TABLE placed AS SELECT readings.*, "
        f"(t_s - first_s) / {interval_s!r} AS offset_slots, "
        f"(round(offset_slots) + round(first_s / {interval_s!r}))::BIGINT AS slot "
        "FROM readings JOIN (SELECT entity, min(t_s) AS first_s FROM readings GROUP BY entity) "
        "USING (entity)"
    )
    late = f"abs(offset_slots - round(offset_slots)) > {ON_TIME!r}"
    off, off_row = work.one(f"SELECT count(*), min(row) FROM placed WHERE {late}")
    twice, twice_row = work.one(
        "SELECT coalesce(sum(n - 1), 0), min(row) FROM (SELECT count(*) AS n, min(row) AS row "
        "FROM placed GROUP BY entity, slot HAVING count(*) > 1)"
    )
    # Rounded, because the sum of three values depends on their order.
    work.run(
        "CREATE TEMP TABLE cells AS SELECT entity, slot, "
        "CASE count(value) WHEN 1 THEN min(value) ELSE round(avg(value), 9) END AS value "
        "FROM placed WHERE value IS NOT NULL GROUP BY entity, slot"
    )
    findings = []
    if off:
        findings.append(
            repaired("irregular_times", f"{counted(off, 'reading')} beside the grid of "
                     f"{interval_s:g} s moved to the nearest interval", f"{name}, row {off_row}",
                     "Nothing to do", row=off_row, count=off)
        )  # fmt: skip
    if twice:
        findings.append(
            repaired("duplicate_times", f"{counted(int(twice), 'reading')} of an interval that "
                     "had one already: their mean was taken", f"{name}, from row {twice_row}",
                     "Check whether the file was joined from overlapping parts",
                     row=twice_row, count=int(twice))
        )  # fmt: skip
    return findings


def _charge_usage(work: Work, interval_s: float) -> None:
    """Usage from `t_s` to `end_s` counts in its interval by its share; entities' tasks add up."""
    work.run(
        f"CREATE TEMP TABLE cells AS SELECT entity, floor(t_s / {interval_s!r})::BIGINT AS slot, "
        f"round(sum(value * least(greatest(end_s - t_s, 0), {interval_s!r}) / {interval_s!r}), 9) "
        "AS value FROM readings WHERE value IS NOT NULL GROUP BY ALL"
    )


def fill_gaps(work: Work, interval_s: float, name: str) -> list[Finding]:
    """`filled`: the cells, and between them what linear interpolation puts there.

    Raises:
        TraceError: more would be invented than was read.
    """
    work.run(
        "CREATE TEMP TABLE spans AS SELECT *, lead(slot) OVER later AS next_slot, "
        "lead(value) OVER later AS next_value FROM cells "
        "WINDOW later AS (PARTITION BY entity ORDER BY slot)"
    )
    read, gaps, invented, longest, at = work.one(
        "SELECT count(*), count(*) FILTER (next_slot > slot + 1), "
        "coalesce(sum(next_slot - slot - 1), 0), coalesce(max(next_slot - slot - 1), 0), "
        "arg_max(slot, next_slot - slot) FROM spans"
    )
    if invented > max(MOST_INVENTED * read, FEW_SLOTS):
        raise TraceError(
            f"the clock jumps: {int(invented):,} intervals of {interval_s:g} s would have to be "
            f"filled between {counted(read, 'reading')}, {longest:,} of them at once",
            f"{name}, {at * interval_s:,.0f} s after its start",
            "Correct the times, or import the parts before and after as traces of their own",
        )
    work.run(
        "CREATE TEMP TABLE filled AS SELECT entity, slot, value, false AS imputed FROM cells "
        "UNION ALL SELECT entity, slot + k, value + (next_value - value) * k / "
        "(next_slot - slot), true FROM (SELECT *, unnest(range(1, next_slot - slot)) AS k "
        "FROM spans WHERE next_slot > slot + 1)"
    )
    if not gaps:
        return []
    what = (
        f"{counted(gaps, 'gap')} of {counted(int(invented), 'interval')} in all, up to "
        f"{longest * interval_s:,.0f} s long, filled by linear interpolation"
    )
    where = f"{name}, the longest {at * interval_s:,.0f} s after its start"
    fix = "Nothing to do; filled values are marked as imputed"
    return [repaired("gaps", what, where, fix, count=int(invented))]
