"""The FOCUS 1.2 cost table: its columns, their types, and what its rows add up to."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.report.export import export
from tests.engine.report.made import pdf_text, rows_of

DECIMALS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingQuantity")
STAMPS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
NOT_NULL = (
    "BillingAccountId", "BillingCurrency", "ChargeCategory", "InvoiceIssuerName", "ProviderName",
    "PublisherName", "ServiceCategory", "ServiceName", *DECIMALS, *STAMPS,
)  # fmt: skip
MANDATORY = {*NOT_NULL, "BillingAccountName", "ChargeClass", "ChargeDescription", "PricingUnit"}
CATEGORIES = {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
SERVICES = {"AI and Machine Learning", "Analytics", "Compute", "Databases", "Networking", "Other"}


def focus_rows(report):
    head, *rows = rows_of(export(report, "focus.csv"))
    return head, [dict(zip(head, row, strict=True)) for row in rows]


def test_focus_has_the_mandatory_columns_and_only_known_or_own_ones(plain):
    head, _ = focus_rows(plain)
    assert set(head) >= MANDATORY
    assert len(head) == len(set(head))
    assert {name for name in head if name.startswith("x_")} == set(head) - MANDATORY - {
        "ResourceId", "ResourceName",
    }  # fmt: skip


def test_focus_values_have_the_types_that_the_columns_ask_for(plain):
    _, rows = focus_rows(plain)
    assert len(rows) == len(plain.charges)
    for row in rows:
        assert all(row[name] for name in NOT_NULL)
        for name in DECIMALS:
            assert re.fullmatch(r"-?\d+(\.\d+)?", row[name])
        start, end, first, last = (
            datetime.fromisoformat(row[name])
            for name in (
                "ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"
            )
        )  # fmt: skip
        assert first <= start < end <= last
        assert (first.day, first.hour, last.day, last.hour) == (1, 0, 1, 0)
        assert re.fullmatch(r"[A-Z]{3}", row["BillingCurrency"])
        assert row["ChargeCategory"] in CATEGORIES
        assert row["ServiceCategory"] in SERVICES
        assert row["ChargeClass"] in ("", "Correction")
        assert all(name.endswith("Z") for name in (row[stamp] for stamp in STAMPS))


def test_focus_costs_add_up_to_the_windows_cost(plain):
    _, rows = focus_rows(plain)
    for run in plain.runs:
        listed = sum(float(row["ListCost"]) for row in rows if row["x_RunId"] == run.run_id)
        assert listed == pytest.approx(run.window_cost, rel=1e-9)


@pytest.mark.slow
def test_every_run_keeps_the_hash_of_its_own_scenario(plain):
    hashes = tuple(f"{number:012d}" for number in range(len(plain.runs)))
    odd = replace(plain, identity=replace(plain.identity, scenario_hashes=hashes))
    _, rows = focus_rows(odd)
    assert {row["x_RunId"]: row["x_ScenarioHash"] for row in rows} == dict(
        zip(plain.identity.run_ids, hashes, strict=True)
    )
    printed = pdf_text(export(odd, "pdf")).replace("\n", "")
    assert all(name in printed for name in hashes)


def test_owned_machines_are_charged_by_what_they_wear_and_burn(plain):
    charges = tuple(replace(charge, basis="owned") for charge in plain.charges)
    _, rows = focus_rows(replace(plain, charges=charges))
    assert all("depreciation and energy" in row["ChargeDescription"] for row in rows)


@pytest.fixture
def december(plain):
    """One charge from 30 November to 1 January, 0.4 s off whole seconds."""
    epoch_s = datetime(2026, 11, 30, tzinfo=UTC).timestamp() + 0.4
    whole = replace(plain.charges[0], from_s=0.0, to_s=32 * 86400.0, list_cost=320.0)
    return replace(plain, epoch_s=epoch_s, charges=(whole,))


def test_a_charge_across_months_is_split_where_they_end(december):
    _, rows = focus_rows(december)
    assert [(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in rows] == [
        ("2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ]
    assert [float(row["ListCost"]) for row in rows] == [10.0, 310.0]
    assert [row["BillingPeriodEnd"][:7] for row in rows] == ["2026-12", "2027-01"]


def test_print_and_cost_table_start_in_the_same_second(plain):
    epoch_s = datetime(2024, 5, 10, 18, 15, 46, 600_000, tzinfo=UTC).timestamp()
    charge = replace(plain.charges[0], from_s=0.0, to_s=3600.0)
    _, (row,) = focus_rows(replace(plain, epoch_s=epoch_s, charges=(charge,)))
    assert row["ChargePeriodStart"] == "2024-05-10T18:15:47Z"
    assert row["ChargePeriodEnd"] == "2024-05-10T19:15:47Z"


def test_a_charge_shorter_than_a_second_still_lasts(plain):
    short = replace(plain.charges[0], from_s=0.0, to_s=0.2)
    _, (row,) = focus_rows(replace(plain, epoch_s=86400.0, charges=(short,)))
    assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]


def test_an_assumed_calendar_is_told_in_every_row(plain, december):
    _, rows = focus_rows(replace(plain, epoch_s=None))
    assert {row["x_Calendar"] for row in rows} == {"assumed"}
    assert all(f"midnight UTC of {plain.identity.dated}" in r["ChargeDescription"] for r in rows)
    _, known = focus_rows(december)
    assert {row["x_Calendar"] for row in known} == {"of the trace"}
    assert "midnight" not in known[0]["ChargeDescription"]


# Choosing
