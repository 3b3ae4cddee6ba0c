"""Utilisation and count series: VM and machine monitoring, CloudWatch-like values, counts."""

import re
from dataclasses import replace

from engine.trace.head import Head, is_number, normal
from engine.trace.options import ImportOptions
from engine.trace.plan import FEATURE, Cast, Plan, Shape, TimeUnit
from engine.trace.readers.base import Column, Reader, note
from engine.trace.schema import Kind

__all__ = [
    "ALIBABA", "AZURE_VM_CPU", "BITBRAINS", "BITBRAINS_PARQUET", "COUNTS", "GOOGLE_2011", "NAB",
]  # fmt: skip


_KB_PER_GIB, _KB_PER_MIB = 1 << 20, 1 << 10


def _feature(name: str, column: str, *, scale: float = 1.0, position: int = 0) -> Column:
    """A column that forecasters may look at; a file without it has the feature absent."""
    return Column(role=FEATURE + name, names=(normal(column),), cast=Cast.MAYBE, required=False,
                  scale=scale, position=position)  # fmt: skip


def _is_azure_vm(head: Head) -> bool:
    if head.has_header or len(head.columns) != 5:
        return False
    rows = [row for row in head.rows if len(row) == 5]
    return bool(rows) and all(
        is_number(row[0])
        and not is_number(row[1])
        and all(map(is_number, row[2:]))
        and float(row[2]) <= float(row[4]) <= float(row[3])
        for row in rows[:20]
    )


AZURE_VM_CPU = Reader(
    format="azure_vm_cpu",
    title="Azure public data set, VM CPU readings",
    kind=Kind.SERIES,
    time_unit=TimeUnit.S,
    value_unit="cpu_percent",
    absurd_above=100.0,
    columns=(
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME, position=0),
        Column(role="entity", names=("vm_id",), cast=Cast.TEXT, position=1),
        Column(role="value", names=("avg_cpu",), cast=Cast.NUMBER, position=4),
        _feature("cpu_max", "max_cpu", scale=0.01, position=3),
    ),
    fits=_is_azure_vm,
)


def _is_alibaba(head: Head) -> bool:
    return (
        not head.has_header
        and 4 <= len(head.columns) <= 9
        and all(
            re.fullmatch(r"m_\d+", row[0]) and is_number(row[1])
            for row in head.rows
            if len(row) > 1
        )
    )


ALIBABA = Reader(
    format="alibaba",
    title="Alibaba cluster trace 2018, machine usage",
    kind=Kind.SERIES,
    time_unit=TimeUnit.S,
    value_unit="cpu_percent",
    absurd_above=100.0,  # the publisher marks faulty readings with -1 and 101
    columns=(
        Column(role="entity", names=("machine_id",), cast=Cast.TEXT, position=0),
        Column(role="arrival", names=("time_stamp",), cast=Cast.TIME, position=1),
        Column(role="value", names=("cpu_util_percent",), cast=Cast.NUMBER, position=2),
        _feature("disk_io_time", "disk_io_percent", scale=0.01, position=8),
    ),
    also=frozenset({"mem_util_percent", "mem_gps", "mkpi", "net_in", "net_out"}),
    fits=lambda head: (
        _is_alibaba(head)
        or {"machine_id", "time_stamp", "cpu_util_percent"} <= set(map(normal, head.columns))
    ),
)


def _is_google(head: Head) -> bool:
    rows = head.rows[:20]
    return (
        not head.has_header
        and len(head.columns) in (19, 20)
        and all(len(row) == len(head.columns) for row in rows)
        and all(not cell or is_number(cell) for row in rows for cell in row)
        and all(
            row[0].isdigit() and row[1].isdigit() and int(row[0]) <= int(row[1]) for row in rows
        )
    )


GOOGLE_2011 = Reader(
    format="google2011",
    title="Google cluster trace 2011, task usage",
    kind=Kind.SERIES,
    time_unit=TimeUnit.US,
    shape=Shape.USAGE,
    interval_s=300.0,
    value_unit="cores",
    columns=(
        Column(role="arrival", names=("start_time",), cast=Cast.TIME, position=0),
        Column(role="end", names=("end_time",), cast=Cast.TIME, position=1),
        Column(role="entity", names=("machine_id",), cast=Cast.TEXT, position=4),
        Column(role="value", names=("cpu_rate",), cast=Cast.NUMBER, position=5),
    ),
    fits=_is_google,
)

BITBRAINS = Reader(
    format="bitbrains",
    title="GWA-T-12 Bitbrains, one VM",
    kind=Kind.SERIES,
    value_unit="mhz",
    columns=(
        Column(role="arrival", names=("timestamp_ms",), cast=Cast.TIME),
        Column(role="value", names=("cpu_usage_mhz",), cast=Cast.NUMBER),
        _feature("cpu_mean", "CPU usage [%]", scale=0.01),
        _feature("cpu_provisioned", "CPU cores"),
        _feature("mem_used", "Memory usage [KB]", scale=1 / _KB_PER_GIB),
        _feature("mem_provisioned", "Memory capacity provisioned [KB]", scale=1 / _KB_PER_GIB),
        _feature("disk_read", "Disk read throughput [KB/s]", scale=1 / _KB_PER_MIB),
        _feature("disk_write", "Disk write throughput [KB/s]", scale=1 / _KB_PER_MIB),
        _feature("net_rx", "Network received throughput [KB/s]", scale=1 / _KB_PER_MIB),
        _feature("net_tx", "Network transmitted throughput [KB/s]", scale=1 / _KB_PER_MIB),
    ),
    also=frozenset({normal("CPU capacity provisioned [MHZ]")}),
)

BITBRAINS_PARQUET = Reader(
    format="bitbrains_parquet",
    title="Bitbrains as run-length Parquet (OpenDC)",
    kind=Kind.SERIES,
    shape=Shape.RUN_LENGTH,
    interval_s=300.0,
    value_unit="mhz",
    columns=(
        Column(role="entity", names=("id",), cast=Cast.TEXT),
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME),
        Column(role="duration_ms", names=("duration",), cast=Cast.NUMBER),
        Column(role="value", names=("cpu_usage",), cast=Cast.NUMBER),
        _feature("cpu_provisioned", "cpu_count"),
    ),
)

_UNIT_WORDS = (("cpu_util", "cpu_percent"), ("cpu_usage", "cpu_percent"),
               ("request_count", "requests"), ("requests", "requests"))  # fmt: skip


def _unit_by_name(head: Head, plan: Plan, options: ImportOptions) -> Plan:
    """The columns do not say what the values are; the file's name may."""
    name = normal(head.name)
    unit = next((unit for word, unit in _UNIT_WORDS if word in name), "value")
    if options.unit or unit == "value":
        return plan
    told = note(
        "unit_guessed",
        f"the values were read as {unit}, judging by the file's name",
        head.name,
        "If that is wrong, state another unit in the import options",
    )
    return replace(plan, value_unit=unit, findings=(*plan.findings, told))


NAB = Reader(
    format="nab",
    title="Time stamp and value (NAB, CloudWatch exports)",
    kind=Kind.SERIES,
    value_unit="value",
    columns=(
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME),
        Column(role="value", names=("value",), cast=Cast.NUMBER),
    ),
    fits=lambda head: (
        head.has_header and sorted(map(normal, head.columns)) == ["timestamp", "value"]
    ),
    adapt=_unit_by_name,
)

COUNTS = Reader(
    format="counts",
    title="Counts by period (World Cup 1998)",
    kind=Kind.SERIES,
    value_unit="requests",
    columns=(
        Column(role="arrival", names=("period",), cast=Cast.TIME),
        Column(role="value", names=("count",), cast=Cast.NUMBER),
    ),
)
