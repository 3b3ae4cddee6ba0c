"""Staged prices become canonical ones: one row a machine type, region and time."""

from typing import Any

from engine.errors import TraceError
from engine.store.ready import Ready, counted, first_row, noted, repaired
from engine.store.times import check_times
from engine.store.work import Work
from engine.trace.plan import Plan
from engine.trace.schema import Finding, Kind

__all__ = ["ready_prices"]

MOST_USD_PER_HOUR = 100_000.0
"""More for an hour of one machine is taken for a fault."""
_PRICES = ("usd_per_hour", "usd_per_hour_spot", "usd_per_month_1y", "usd_per_month_3y")
_TYPES = {
    "machine_type": "VARCHAR", "region": "VARCHAR", "vcpu": "DOUBLE", "ram_gb": "DOUBLE",
    "gpu_type": "VARCHAR", "gpu_count": "INTEGER", "usd_per_hour": "DOUBLE",
    "usd_per_hour_spot": "DOUBLE", "usd_per_month_1y": "DOUBLE", "usd_per_month_3y": "DOUBLE",
}  # fmt: skip


def ready_prices(work: Work, plan: Plan, name: str) -> Ready:
    """Makes the relation `ready` from `stage`.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        name: of the file, for messages.

    Raises:
        TraceError: a row without machine type, or a price that cannot be.
    """
    findings = _check_rows(work, plan, name)
    time, epoch_s = "NULL::DOUBLE", None
    if plan.has("arrival"):
        times = check_times(work, plan, name)
        time = f"(arrival - {times.first!r}) / {times.per_second!r}"
        epoch_s = times.first / times.per_second if times.is_calendar else None
    columns = [f"{_given(plan, column)}::{kind} AS {column}" for column, kind in _TYPES.items()]
    work.run(
        f"CREATE TEMP TABLE priced AS SELECT {', '.join(columns)}, {time} AS t_s, "
        "row_number() OVER () AS row FROM stage"
    )
    findings += _drop_repeated(work, name)
    rows, duration_s = work.one("SELECT count(*), coalesce(max(t_s), 0) FROM ready")
    digested = {
        column: f"coalesce({column}, '')" if kind == "VARCHAR" else f"coalesce({column}, -1)"
        for column, kind in {**_TYPES, "t_s": "DOUBLE"}.items()
    }
    return Ready(
        kind=Kind.PRICES,
        table="prices",
        columns=digested,
        rows=rows,
        duration_s=duration_s,
        epoch_s=epoch_s,
        findings=tuple(findings),
        profile=_profile(work),
    )


def _given(plan: Plan, column: str) -> str:
    if plan.has(column):
        return column
    return "''" if column == "region" else "NULL"


def _check_rows(work: Work, plan: Plan, name: str) -> list[Finding]:
    if work.one("SELECT count(*) FROM stage") == (0,):
        raise TraceError("the file holds no rows", name, "Export or download it again")
    nameless = "machine_type IS NULL"
    if plan.has("region"):
        nameless += " OR region IS NULL"
    (faulty,) = work.one(f"SELECT count(*) FROM stage WHERE {nameless}")
    if faulty:
        raise TraceError(
            f"{counted(faulty, 'row')} without a machine type or region",
            f"{name}, row {first_row(work, 'stage', nameless)}",
            "Fill them in or remove these rows",
        )
    findings = []
    for column in _PRICES:
        if plan.has(column):
            findings += _check_price(work, column, name)
    return findings


def _check_price(work: Work, column: str, name: str) -> list[Finding]:
    most = MOST_USD_PER_HOUR * (730 if "month" in column else 1)
    bad = f"{column} < 0 OR {column} > {most!r} OR isnan({column})"
    faulty, absent = work.one(
        f"SELECT count(*) FILTER ({bad}), count(*) - count({column}) FROM stage"
    )
    if faulty:
        raise TraceError(
            f"{counted(faulty, 'value')} of {column} outside 0 to {most:,.0f}",
            f"{name}, row {first_row(work, 'stage', bad)}",
            "Correct them, or leave them empty where the price is unknown",
        )
    if not absent:
        return []
    row = first_row(work, "stage", f"{column} IS NULL")
    return [
        noted("missing_values", f"{counted(absent, 'row')} without {column}",
              f"{name}, row {row}", "Nothing to do: the machine is not offered that way there",
              row=row, count=absent)
    ]  # fmt: skip


def _drop_repeated(work: Work, name: str) -> list[Finding]:
    """`ready`: where a machine type, region and time comes twice, the later row holds."""
    key = "machine_type, region, t_s"
    repeated, row = work.one(
        f"SELECT coalesce(sum(n - 1), 0), min(row) FROM (SELECT count(*) AS n, max(row) AS row "
        f"FROM priced GROUP BY {key} HAVING count(*) > 1)"
    )
    work.run(
        "CREATE TEMP TABLE ready AS SELECT * EXCLUDE (row) FROM priced "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY row DESC) = 1 "
        "ORDER BY machine_type, region, t_s"
    )
    if not repeated:
        return []
    what = (
        f"{counted(int(repeated), 'row')} repeat a machine type, region and time; the last holds"
    )
    fix = "Check which of the prices is meant"
    where = f"{name}, row {row}"
    return [repaired("duplicate_rows", what, where, fix, row=row, count=int(repeated))]


def _profile(work: Work) -> dict[str, Any]:
    rows, machines, regions, versions, least, median, most, discount = work.one(
        "SELECT count(*), count(DISTINCT machine_type), count(DISTINCT region), "
        "count(DISTINCT t_s), min(usd_per_hour), median(usd_per_hour), max(usd_per_hour), "
        "median(1 - usd_per_hour_spot / usd_per_hour) FILTER (usd_per_hour > 0) FROM ready"
    )
    return {
        "rows": rows,
        "machine_types": machines,
        "regions": regions,
        "versions": versions,
        "usd_per_hour": {"min": least, "median": median, "max": most},
        "spot_discount_median": discount,
    }
