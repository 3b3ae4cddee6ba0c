"""Money over time against a well-kept library, on good flows and on hopeless ones."""

import math
from itertools import pairwise

import numpy as np
import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from engine.economics.cashflow import irr, lends, npv, payback_years, roi, tco


def random_flows(number=1000):
    """A thousand flows: investments, incomes, zeros, several changes of sign, one flow only."""
    rng = np.random.default_rng(7)
    for case in range(number):
        years = int(rng.integers(1, 12))
        flows = rng.normal(0, 10.0 ** rng.integers(0, 8), years + 1).round(2)
        if case % 3 == 0:
            flows[0] = -abs(flows[0])
            flows[1:] = abs(flows[1:])
        if case % 10 == 0:
            flows[rng.integers(0, len(flows))] = 0.0
        if case % 97 == 0:
            flows[:] = 0.0
        yield flows.tolist()


FLOWS = list(random_flows())


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, -0.2])
def test_present_values_are_those_of_the_library(rate):
    for flows in FLOWS:
        scale = max(1.0, *map(abs, flows))
        assert npv(rate, flows) == pytest.approx(pyxirr.npv(rate, flows), abs=1e-9 * scale)


def test_rates_of_return_are_those_of_the_library_where_there_is_one():
    compared = 0
    for flows in FLOWS:
        rate = irr(flows)
        signs = [flow > 0 for flow in flows if flow != 0]
        changes = sum(a != b for a, b in pairwise(signs))
        if rate is None:
            assert changes != 1 or signs[0]
            continue
        assert changes == 1
        assert not signs[0]
        scale = max(map(abs, flows))
        residual = sum(flow * (1 + rate) ** -year for year, flow in enumerate(flows))
        weight = sum(abs(flow) * (1 + rate) ** -year for year, flow in enumerate(flows))
        assert abs(residual) <= 1e-9 * max(weight, 1e-300)
        theirs = pyxirr.irr(flows)
        if theirs is not None and -0.95 < rate < 100 and scale > 1:
            assert rate == pytest.approx(theirs, rel=1e-6, abs=1e-9)
            compared += 1
    assert compared > 200


def test_nothing_is_ever_infinite_or_not_a_number():
    for flows in FLOWS:
        for value in (irr(flows), payback_years(flows), payback_years(flows, 0.1), roi(flows)):
            assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("flows", "years"),
    [
        ([-100, 50, 50, 50], 2.0),
        ([-100, 40, 40, 40], 2.5),
        ([-100, 10, 10, 10], None),
        ([0, 10, 10], 0.0),
        ([50, 10], 0.0),
        ([0, -10, 20], 1.5),  # owed again in between
        ([-100, 300, -250, 100], 2.5),
        ([-100], None),
        ([0], 0.0),
        ([10, -30, 10], None),
        ([100, -10, -10], None),  # nothing was invested that could come back
        ([100, -50, 40], None),
        ([100, -150, 60], None),
        ([100, -150, 160], 1.0 + 50 / 160),
        ([100, -50, 60], 0.0),
    ],
)
def test_payback_is_when_nothing_is_owed_any_more(flows, years):
    found = payback_years(flows)
    assert found is None if years is None else found == pytest.approx(years)


def test_discounted_payback_takes_longer():
    flows = [-100, 50, 50, 50]
    assert payback_years(flows, 0.1) > payback_years(flows)


@pytest.mark.parametrize(
    ("flows", "share"),
    [([-100, 60, 60], 0.2), ([-100, 0, 0], -1.0), ([0, 5], None), ([5, 5], None)],
)
def test_return_on_investment(flows, share):
    found = roi(flows)
    assert found is None if share is None else found == pytest.approx(share)


@pytest.mark.parametrize(
    "flows",
    [[0, 0, 0], [1, 2, 3], [-1, -2], [-100, 230, -132], [0.0], [100, -121], [0, 5, -6]],
    ids=["nothing", "gain only", "loss only", "two rates", "one flow", "a loan", "a later loan"],
)  # fmt: skip
def test_there_is_no_rate_where_none_is_meaningful(flows):
    assert irr(flows) is None


def test_a_year_that_doubles_the_money_returns_a_hundred_percent():
    assert irr([-50.0, 100.0]) == pytest.approx(1.0)
    assert irr([-100.0, 0.0, 0.0, 133.1]) == pytest.approx(0.1)
    assert irr([-100.0, 1.0]) == pytest.approx(-0.99)


@given(
    st.floats(0, 0.5), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=10), st.floats(0, 1e6)
)
def test_total_cost_is_capital_and_the_present_value_of_the_years(rate, yearly, capex):
    whole = capex + sum(cost / (1 + rate) ** (k + 1) for k, cost in enumerate(yearly))
    assert tco(rate, capex, yearly) == pytest.approx(whole, rel=1e-9, abs=1e-6)


def test_whatever_pays_back_is_worth_something_and_a_loan_is_never_paid_back():
    for flows in FLOWS:
        if payback_years(flows, 0.1) is not None:
            assert npv(0.1, flows) >= -1e-9 * max(map(abs, flows))
        if lends(flows):
            assert payback_years(flows) is None
            assert roi(flows) is None
            assert irr(flows) is None or flows[0] <= 0
