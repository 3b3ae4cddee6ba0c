"""Checks of the numbers in staged requests: tokens, service and think times."""

from engine.errors import TraceError
from engine.store.ready import counted, first_row, noted
from engine.store.work import Work
from engine.trace.plan import Plan
from engine.trace.schema import Finding

__all__ = ["check_numbers"]

MOST_TOKENS = 10_000_000
"""More in one request is taken for a fault; the longest contexts offered are 10 million."""
LONGEST_S = 30 * 86400.0
"""A longer service or think time is taken for a fault."""


def check_numbers(work: Work, plan: Plan, name: str) -> list[Finding]:
    """Notes on absent values.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        name: of the file, for messages.

    Raises:
        TraceError: a negative, absurd or undefined value, with its row.
    """
    findings = []
    tokens = ("input_tokens", "output_tokens", "prefix_tokens")
    limits = {
        **dict.fromkeys(tokens, float(MOST_TOKENS)),
        "service": LONGEST_S,
        "think": LONGEST_S,
    }
    for role, most in limits.items():
        if plan.has(role):
            findings += _check_number(work, role, most, name)
    return findings


def _check_number(work: Work, role: str, most: float, name: str) -> list[Finding]:
    bad = f"{role} < 0 OR {role} > {most} OR isnan({role}::DOUBLE)"
    faulty, absent = work.one(
        f"SELECT count(*) FILTER (WHERE {bad}), count(*) - count({role}) FROM stage"
    )
    if faulty:
        row = first_row(work, "stage", bad)
        (value,) = work.one(
            f"SELECT {role} FROM (SELECT {role}, row_number() OVER () AS row FROM stage) "
            "WHERE row = ?",
            [row],
        )
        raise TraceError(
            f"{role} is {value}, outside 0 to {most:,.0f}, in {counted(faulty, 'row')}",
            f"{name}, row {row}",
            "Correct these cells, or leave them empty where the value is unknown",
        )
    if absent and role != "think":  # the first of a chain has none
        where = f"{name}, row {first_row(work, 'stage', f'{role} IS NULL')}"
        return [
            noted("missing_values", f"{counted(absent, 'row')} without {role}", where,
                  "Nothing to do: a replay draws what is absent", count=absent)
        ]  # fmt: skip
    return []
