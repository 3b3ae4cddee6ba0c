"""Reports as plain data: JSON, one long CSV table, and costs in the FOCUS layout."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.economics.model import Charge, Report
from engine.report.cells import safe

FOCUS_VERSION = "1.2"


def json_bytes(report: Report) -> bytes:
    """The report as one JSON document; `schema` describes it."""
    text = json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def schema() -> dict[str, Any]:
    """JSON schema of the report."""
    made: dict[str, Any] = msgspec.json.schema(Report)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SmartScale cost and return report",
        **made,
    }


def csv_bytes(report: Report) -> bytes:
    """Everything in the report, one value a row, under its path in the JSON document."""
    return _table([("path", "value"), *_leaves(report, "")])


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        for field in fields(value):
            name = f"{path}.{field.name}" if path else field.name
            yield from _leaves(getattr(value, field.name), name)
    elif isinstance(value, tuple):
        names = [_name(item, number) for number, item in enumerate(value)]
        if len(set(names)) < len(names):
            names = [str(number) for number in range(len(value))]
        for name, item in zip(names, value, strict=True):
            yield from _leaves(item, f"{path}[{name}]")
    else:
        yield (
            path,
            "" if value is None else repr(value) if isinstance(value, float) else str(value),
        )


def _name(item: Any, number: int) -> str:
    return str(getattr(item, "key", getattr(item, "year", getattr(item, "run_id", number))))


FOCUS_COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName", "ResourceId", "ResourceName", "x_Policy", "x_ProductVersion", "x_Role",
    "x_RunId", "x_ScenarioHash", "x_TraceName",
)  # fmt: skip
"""The mandatory columns of FOCUS 1.2 in order, two conditional ones, and our own (x_)."""


def focus_bytes(report: Report) -> bytes:
    """Cost of the replayed window, a row per run and block of it, in the FOCUS 1.2 layout.

    Charges are simulated, which their description, provider and account say. Where the trace has
    no calendar, its time zero is midnight UTC of the report's date.
    """
    roles = {run.run_id: run.role for run in report.runs}
    rows: list[tuple[str, ...]] = [FOCUS_COLUMNS]
    for charge in report.charges:
        row = _focus(report, charge, roles[charge.run_id])
        rows.append(tuple(row[name] for name in FOCUS_COLUMNS))
    return _table(rows)


def _focus(report: Report, charge: Charge, role: str) -> Mapping[str, str]:
    identity = report.identity
    zero = (
        datetime.fromisoformat(f"{identity.dated}T00:00:00+00:00")
        if report.epoch_s is None
        else datetime.fromtimestamp(report.epoch_s, UTC)
    )
    start, end = (zero + timedelta(seconds=at) for at in (charge.from_s, charge.to_s))
    first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    if end > following:
        following = (following + timedelta(days=32)).replace(day=1)
    return {
        "BilledCost": _decimal(charge.effective_cost),
        "BillingAccountId": f"simulated-{identity.scenario_hash}",
        "BillingAccountName": f"Simulated: {identity.scenario_name}",
        "BillingCurrency": identity.currency,
        "BillingPeriodEnd": _stamp(following),
        "BillingPeriodStart": _stamp(first),
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": f"Simulated: provisioned workers under policy {charge.policy}",
        "ChargePeriodEnd": _stamp(end),
        "ChargePeriodStart": _stamp(start),
        "ContractedCost": _decimal(charge.list_cost),
        "EffectiveCost": _decimal(charge.effective_cost),
        "InvoiceIssuerName": f"{identity.product} (simulated)",
        "ListCost": _decimal(charge.list_cost),
        "PricingQuantity": _decimal(charge.worker_hours),
        "PricingUnit": "Hours",
        "ProviderName": f"{identity.product} (simulated)",
        "PublisherName": f"{identity.product} (simulated)",
        "ServiceCategory": "Compute",
        "ServiceName": "Agent workers",
        "ResourceId": charge.run_id,
        "ResourceName": charge.policy,
        "x_Policy": charge.policy,
        "x_ProductVersion": identity.version,
        "x_Role": role,
        "x_RunId": charge.run_id,
        "x_ScenarioHash": identity.scenario_hash,
        "x_TraceName": identity.trace_name,
    }


def _decimal(value: float) -> str:
    return f"{value:.10f}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _table(rows: Iterable[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell if _is_number(cell) else safe(cell) for cell in row])
    return out.getvalue().encode()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
