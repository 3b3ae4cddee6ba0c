"""Reports as plain data: JSON, one long CSV table, and costs in the FOCUS layout."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.economics.model import Charge, Report
from engine.report.cells import safe

FOCUS_VERSION = "1.2"
PAID = {
    "rented": "provisioned workers",
    "owned": "depreciation and energy of owned workers",
}
"""What a charge is for, by its basis."""


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
    "ServiceName", "ResourceId", "ResourceName", "x_Calendar", "x_Policy",
    "x_ProductVersion", "x_Role", "x_RunId", "x_ScenarioHash", "x_TraceName",
)  # fmt: skip
"""The mandatory columns of FOCUS 1.2 in order, two conditional ones, and our own (x_)."""


def focus_bytes(report: Report) -> bytes:
    """Cost of the replayed window, a row per run and block of it, in the FOCUS 1.2 layout.

    Charges are simulated, which their description, provider and account say. A charge across the
    end of a month is split there. Where the trace has no calendar, its time zero is midnight UTC
    of the report's date, which each row says.
    """
    identity = report.identity
    roles = {run.run_id: run.role for run in report.runs}
    scenarios = dict(zip(identity.run_ids, identity.scenario_hashes, strict=True))
    rows: list[tuple[str, ...]] = [FOCUS_COLUMNS]
    for charge in report.charges:
        for part in _by_month(report, charge):
            row = _focus(report, charge, part)
            row |= {
                "x_Role": roles[charge.run_id],
                "x_ScenarioHash": scenarios[charge.run_id],
                "BillingAccountId": f"simulated-{scenarios[charge.run_id]}",
            }
            rows.append(tuple(row[name] for name in FOCUS_COLUMNS))
    return _table(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What of a charge lies in one month."""

    start: datetime
    end: datetime
    month: datetime
    following: datetime
    share: float


def _by_month(report: Report, charge: Charge) -> Iterator[_Part]:
    zero = (
        datetime.fromisoformat(f"{report.identity.dated}T00:00:00+00:00")
        if report.epoch_s is None
        else datetime.fromtimestamp(report.epoch_s, UTC)
    )
    start, end = (_second(zero + timedelta(seconds=at)) for at in (charge.from_s, charge.to_s))
    end = max(end, start + timedelta(seconds=1))
    whole, at = end - start, start
    while at < end:
        month = at.replace(day=1, hour=0, minute=0, second=0)
        following = (month + timedelta(days=32)).replace(day=1)
        to = min(end, following)
        yield _Part(start=at, end=to, month=month, following=following, share=(to - at) / whole)
        at = to


def _second(moment: datetime) -> datetime:
    """The nearest whole second."""
    return (moment + timedelta(seconds=0.5)).replace(microsecond=0)


def _focus(report: Report, charge: Charge, part: _Part) -> dict[str, str]:
    identity = report.identity
    calendar = (
        f"; the trace has no calendar, its start is taken for midnight UTC of {identity.dated}"
        if report.epoch_s is None
        else ""
    )
    return {
        "BilledCost": _decimal(charge.effective_cost * part.share),
        "BillingAccountName": f"Simulated: {identity.scenario_name}",
        "BillingCurrency": identity.currency,
        "BillingPeriodEnd": _stamp(part.following),
        "BillingPeriodStart": _stamp(part.month),
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": f"Simulated: {PAID[charge.basis]} under policy {charge.policy}"
        f"{calendar}",
        "ChargePeriodEnd": _stamp(part.end),
        "ChargePeriodStart": _stamp(part.start),
        "ContractedCost": _decimal(charge.list_cost * part.share),
        "EffectiveCost": _decimal(charge.effective_cost * part.share),
        "InvoiceIssuerName": f"{identity.product} (simulated)",
        "ListCost": _decimal(charge.list_cost * part.share),
        "PricingQuantity": _decimal(charge.worker_hours * part.share),
        "PricingUnit": "Hours",
        "ProviderName": f"{identity.product} (simulated)",
        "PublisherName": f"{identity.product} (simulated)",
        "ServiceCategory": "Compute",
        "ServiceName": "Agent workers",
        "ResourceId": charge.run_id,
        "ResourceName": charge.policy,
        "x_Calendar": "assumed" if report.epoch_s is None else "of the trace",
        "x_Policy": charge.policy,
        "x_ProductVersion": identity.version,
        "x_RunId": charge.run_id,
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
