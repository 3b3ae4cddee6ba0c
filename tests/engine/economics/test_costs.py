"""A year's cost from a window's totals, each component against its sentence."""

import dataclasses

import numpy as np
import pytest

from engine.economics.assumptions import CostMode
from engine.economics.catalogue import defaults
from engine.economics.costs import (
    COMPONENTS,
    HOURS_PER_YEAR,
    PRICED,
    VOLUME,
    Usage,
    by_year,
    capex_usd,
    embodied_g,
    energy_kwh,
    first_year,
    operational_g,
    present_value,
    switching_flows,
    usage_fields,
)

WEEK = Usage(
    hours=168.0, cost_usd=1000.0, worker_h=250.0, busy_worker_h=100.0, arrived=50_000.0,
    met=49_000.0, finished=49_500.0, violations=3.0, peak_workers=6.0, promise_frac=0.95,
    candidate=False,
)  # fmt: skip
YEAR = HOURS_PER_YEAR / 168.0
CANDIDATE = dataclasses.replace(WEEK, cost_usd=600.0, candidate=True)


def values(**changed):
    return {**defaults(4.0).values, **changed}


def test_every_component_is_summed_over_the_years_once():
    assert {*PRICED, *VOLUME, "credits_usd", "care_usd"} == set(COMPONENTS)
    a = values(
        reserved_frac=0.3, spot_frac=0.2, penalty_usd_per_violation=10, carbon_usd_per_t=80,
        fee_usd_per_month=100, transfer_gib_per_1000=1,
    )  # fmt: skip
    for mode in CostMode:
        assert by_year(CANDIDATE, a, mode, 1)[0] == pytest.approx(
            sum(first_year(CANDIDATE, a, mode).values())
        )


def test_compute_is_split_by_how_it_is_bought():
    parts = first_year(WEEK, values(reserved_frac=0.5, spot_frac=0.25), CostMode.RENTED)
    assert parts["on_demand_usd"] == pytest.approx(1000 * YEAR * 0.25)
    assert parts["reserved_usd"] == pytest.approx(1000 * YEAR * 0.5 * (1 - 0.37))
    assert parts["spot_usd"] == pytest.approx(1000 * YEAR * 0.25 * (1 - 0.67))


def test_energy_is_paid_for_once():
    rented = first_year(WEEK, values(), CostMode.RENTED)
    owned = first_year(WEEK, values(), CostMode.OWNED)
    assert rented["energy_usd"] == 0.0
    assert rented["on_demand_usd"] > 0
    kwh = (250 * 186.2 + 100 * (1311.25 - 186.2)) * 1.2 / 1000
    assert owned["energy_usd"] == pytest.approx(kwh * YEAR * 0.12)
    assert owned["on_demand_usd"] == 0.0


def test_carbon_is_energy_times_the_grid_and_machines_over_their_lifetime():
    a = values()
    assert operational_g(WEEK, a) == pytest.approx(energy_kwh(WEEK, a) * 400)
    assert embodied_g(WEEK, a) == pytest.approx(250 / (4 * 8760) * 1169.2 * 1000)
    priced = first_year(WEEK, values(carbon_usd_per_t=100), CostMode.RENTED)
    tonnes = (operational_g(WEEK, a) + embodied_g(WEEK, a)) * YEAR / 1e6
    assert priced["carbon_usd"] == pytest.approx(100 * tonnes)


@pytest.mark.parametrize(
    ("attainment", "share"), [(0.99, 0.0), (0.95, 0.0), (0.949, 0.25), (0.5, 0.25)]
)
def test_service_credits_follow_the_attainment(attainment, share):
    usage = dataclasses.replace(WEEK, met=attainment * WEEK.arrived)
    assert first_year(usage, values(fee_usd_per_month=1000), CostMode.RENTED)[
        "credits_usd"
    ] == pytest.approx(12_000 * share)


def test_below_the_promise_and_above_the_deep_limit_the_small_credit_is_owed():
    usage = dataclasses.replace(WEEK, promise_frac=0.99, met=0.97 * WEEK.arrived)
    owed = first_year(usage, values(fee_usd_per_month=1000), CostMode.RENTED)["credits_usd"]
    assert owed == pytest.approx(1200)


def test_penalties_count_violations_and_missed_requests():
    a = values(penalty_usd_per_violation=5000, penalty_usd_per_1000_missed=2)
    assert first_year(WEEK, a, CostMode.RENTED)["penalties_usd"] == pytest.approx(
        (3 * 5000 + 1000 / 1000 * 2) * YEAR
    )


def test_only_the_candidate_is_switched_to_and_cared_for():
    a = values()
    assert first_year(WEEK, a, CostMode.RENTED)["care_usd"] == 0.0
    assert first_year(CANDIDATE, a, CostMode.RENTED)["care_usd"] == 6 * 800
    assert capex_usd(WEEK, a, CostMode.RENTED) == 0.0
    assert capex_usd(CANDIDATE, a, CostMode.RENTED) == 15 * 800
    assert capex_usd(CANDIDATE, a, CostMode.OWNED) == 15 * 800 + 6 * 60_000


def test_growth_multiplies_volume_and_price_changes_only_what_is_bought():
    a = values(growth=0.5, price_change=-0.1, penalty_usd_per_1000_missed=7)
    first = first_year(WEEK, a, CostMode.RENTED)
    second = by_year(WEEK, a, CostMode.RENTED, 2)[1]
    assert second == pytest.approx(
        first["on_demand_usd"] * 1.5 * 0.9 + first["penalties_usd"] * 1.5
    )


def test_flows_of_switching_start_with_the_effort_and_go_on_with_savings():
    a = values(growth=0.0)
    today, *years = switching_flows(WEEK, CANDIDATE, a, CostMode.RENTED, 3)
    assert today == -15 * 800
    assert years == pytest.approx([400 * YEAR - 6 * 800] * 3)


def test_draws_give_element_by_element_what_numbers_give():
    rates, growth = np.array([0.0, 0.05, 0.2]), np.array([0.0, 0.1, -0.3])
    together = present_value(
        switching_flows(WEEK, CANDIDATE, values(growth=growth), CostMode.RENTED, 4), rates
    )
    alone = [
        present_value(switching_flows(WEEK, CANDIDATE, values(growth=g), CostMode.RENTED, 4), rate)
        for rate, g in zip(rates, growth, strict=True)
    ]
    assert together == pytest.approx(alone)


def test_sums_over_blocks_are_all_totals_and_nothing_else():
    others = {"peak_workers", "promise_frac", "candidate"}
    assert set(usage_fields()) | others == {f.name for f in dataclasses.fields(Usage)}
