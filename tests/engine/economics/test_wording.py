"""Sentences of a report never hold `inf` or `nan`, and say what the figures say."""

import math

import pytest

from engine.economics import wording
from engine.economics.assumptions import CostMode
from engine.economics.cashflow import irr, payback_years
from engine.economics.uncertainty import Bar, Interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12_345_678, "$12.3 M"),
        (1_240_000, "$1.24 M"),
        (-56_400.4, "−$56,400"),
        (12.3, "$12.30"),
        (0, "$0.00"),
        (0.00421, "$0.0042"),
    ],
)
def test_amounts_read_at_a_glance(value, text):
    assert wording.money(value, "USD") == text


def test_other_currencies_keep_their_name():
    assert wording.money(1500, "EUR") == "€1,500"
    assert wording.money(1500, "CHF") == "CHF 1,500"


@pytest.mark.parametrize(
    ("flows", "value", "text"),
    [
        ([-100, -5, -5], "never", "never pays back because it saves nothing"),
        ([-100, 5, 5], "never", "does not pay back within the horizon"),
        ([0, 5], "at once", "pays from the first day because nothing has to be invested"),
        ([-100, 3000], "under a month", "pays back within the first month"),
        ([-100, 145.5], "8.2 months", "pays back in 8.2 months"),
        ([100, -60, -60], "no investment", "brings money today and costs more than that later"),
        ([100, -40, -40], "no investment", "brings money today and costs less than that later"),
        ([0.0, 0.0], "at once", "changes no cash flow"),
    ],
)
def test_every_kind_of_payback_is_worded(flows, value, text):
    years = payback_years(flows)
    months = None if years is None else 12 * years
    assert wording.payback(months, flows) == text
    assert wording.payback_text(months, flows) == value


@pytest.mark.parametrize(
    ("flows", "text"),
    [
        ([-100.0, 110.0], "10.0 % a year"),
        ([-1.0, 100.0], "100 times the money, a year"),
        ([0.0, 5.0, 5.0], "none: nothing is invested"),
        ([0.0, 0.0], "none: nothing is invested"),
        ([-5.0, -5.0], "none: it never brings anything"),
        ([-100.0, 250.0, -160.0], "none: the flows change sign more than once"),
        ([100.0, -121.0], "none: it brings money first and costs later"),
        ([0.0, 5.0, -6.0], "none: it brings money first and costs later"),
        ([-1e-9, 0.0, 1e12], "none: beyond any rate that could be meant"),
    ],
)
def test_every_kind_of_rate_of_return_is_worded(flows, text):
    rate = irr(flows)
    assert rate is None or math.isfinite(rate)
    assert wording.irr_note(rate, flows) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (5 / 3600, "5 s"),
        (90 / 3600, "90 s"),
        (3510 / 3600, "58.5 min"),
        (1.5, "90 min"),
        (3.25, "3.25 hours"),
        (36, "36 hours"),
        (168, "7 days"),
        (8760, "365 days"),
    ],
)
def test_lengths_of_time_are_told_in_their_own_unit(hours, text):
    assert wording.duration(hours) == text


def test_electricity_of_rented_machines_is_their_tenants_scope_3():
    told = {
        mode: next(t.text for t in method(mode=mode) if t.term == "Energy and carbon")
        for mode in CostMode
    }
    assert "intensity (scope 2, location-based)" in told[CostMode.OWNED]
    assert "intensity (scope 3 of who rents, scope 2 of the provider" in told[CostMode.RENTED]
    assert (wording.scope("rented"), wording.scope(CostMode.OWNED)) == ("scope 3", "scope 2")


def method(mode=CostMode.RENTED, closed_loop=False):
    return wording.method(5 / 3600, None, 2000, mode, closed_loop)


def test_the_method_says_whether_runs_met_the_same_arrivals():
    assert "same arrivals and the same work" in method()[0].text
    assert "arrivals differ between runs" in method(closed_loop=True)[0].text
    assert "window (5 s)" in method()[1].text


@pytest.mark.parametrize(
    ("value", "points", "saves", "text"),
    [
        (None, None, False, "not measured"),
        (None, 0.0, False, "both serve equally well"),
        (None, -0.03, True, "0.03 points of difference are too few to put a price on"),
        (None, 2.0, True, "nothing: the one that serves better is not dearer"),
        (50.0, 2.0, False, "yearly cost of one more point"),
        (50.0, -2.0, True, "yearly savings a point given up"),
    ],
)
def test_the_price_of_a_point_of_attainment_is_worded(value, points, saves, text):
    assert wording.slo_point(value, points, saves, least=0.1) == text


BAR = Bar(key="growth", label="Growth", unit="per year", low=0, high=0.3, at_low=10, at_high=90)


def span(low, high, note="days of it"):
    return Interval(low=low, high=high, source="window", note=note)


@pytest.mark.parametrize(
    ("bar", "window", "seeds", "key", "text"),
    [
        (BAR, None, None, "growth", "growth (0 to 0.3 per year)"),
        (BAR, span(0, 79), span(0, 40), "growth", "growth (0 to 0.3 per year)"),
        (BAR, span(-10, 80), None, "window",
         "the choice of the window (days of it: net present value −$10.00 to $80.00)"),
        (BAR, span(0, 90), span(0, 91, "mean of 5 seeds"), "seeds",
         "chance (mean of 5 seeds: net present value $0.00 to $91.00)"),
        (None, None, span(5, 5), "",
         "not among the assumptions, all of which are taken as certain"),
    ],
)  # fmt: skip
def test_window_and_seeds_compete_for_the_largest_uncertainty(bar, window, seeds, key, text):
    assert wording.largest(bar, window, seeds, "USD") == (key, text)
