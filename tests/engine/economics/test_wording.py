"""Sentences of a report never hold `inf` or `nan`, and say what the figures say."""

import math

import pytest

from engine.economics import wording
from engine.economics.cashflow import irr


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
    ("months", "investment", "savings", "text"),
    [
        (None, 100, -5, "never pays back because it saves nothing"),
        (None, 100, 5, "does not pay back within the horizon"),
        (0.0, 0, 5, "pays from the first day because nothing has to be invested"),
        (0.4, 100, 500, "pays back within the first month"),
        (8.25, 100, 12, "pays back in 8.2 months"),
    ],
)
def test_every_kind_of_payback_is_worded(months, investment, savings, text):
    assert wording.payback(months, investment, savings) == text


@pytest.mark.parametrize(
    ("flows", "text"),
    [
        ([-100.0, 110.0], "10.0 % a year"),
        ([-1.0, 100.0], "100 times the money, a year"),
        ([0.0, 5.0, 5.0], "none: nothing is invested"),
        ([0.0, 0.0], "none: nothing is invested"),
        ([-5.0, -5.0], "none: it never brings anything"),
        ([-100.0, 250.0, -160.0], "none: the flows change sign more than once"),
    ],
)
def test_every_kind_of_rate_of_return_is_worded(flows, text):
    rate = irr(flows)
    assert rate is None or math.isfinite(rate)
    assert wording.irr_note(rate, flows) == text


@pytest.mark.parametrize(
    ("hours", "part"),
    [(3, "less than one daily cycle"), (72, "no whole week"), (400, "seasons of a year")],
)
def test_a_short_window_is_told_before_any_figure(hours, part):
    assert part in wording._short(hours)


def test_a_year_needs_no_warning():
    assert wording._short(8760) == ""


@pytest.mark.parametrize(
    ("value", "points", "saves", "text"),
    [
        (None, None, False, "not measured"),
        (None, 0.0, False, "both serve equally well"),
        (None, 2.0, True, "nothing: the one that serves better is not dearer"),
        (50.0, 2.0, False, "yearly cost of one more point"),
        (50.0, -2.0, True, "yearly savings a point given up"),
    ],
)
def test_the_price_of_a_point_of_attainment_is_worded(value, points, saves, text):
    assert wording.slo_point(value, points, saves) == text
