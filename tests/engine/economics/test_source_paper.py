"""The arithmetic of the source paper (Sci Rep 15:30567), with its own prices.

Where its published figures follow from its prices, they agree here; where they do not, the test
says by how much.
"""

import pytest

from engine.economics.cashflow import npv, tco

PRICE_USD_PER_HOUR = 0.384
HOURS_PER_MONTH = 730
VMS = 10_000
OPEX_PER_MONTH = {"ours": 59_000.0, "mappo": 61_000.0, "tas": 85_000.0}
PENALTIES_PER_YEAR = {"ours": 98_000.0, "mappo": 142_000.0, "tas": 408_000.0}
DISCOUNT = 0.05


def test_the_published_cost_of_ten_thousand_machines_is_a_fiftieth_of_their_price():
    rented = VMS * PRICE_USD_PER_HOUR * HOURS_PER_MONTH
    assert rented == pytest.approx(2.80e6, rel=0.002)
    assert rented / OPEX_PER_MONTH["ours"] == pytest.approx(47.5, abs=0.1)
    assert 0.8 * rented / OPEX_PER_MONTH["ours"] == pytest.approx(38.0, abs=0.1)


def test_the_published_penalties_are_for_twenty_violations_not_for_half_an_hourly_one():
    paid_for = PENALTIES_PER_YEAR["ours"] / 5000
    stated = 0.5 * 8760
    assert paid_for == pytest.approx(19.6)
    assert stated * 5000 == pytest.approx(21.9e6)
    assert stated / paid_for == pytest.approx(223, abs=1)


def test_the_published_savings_of_energy_do_not_follow_from_its_shares():
    ours = 0.24 * OPEX_PER_MONTH["ours"] * 12
    tas = 0.348 * OPEX_PER_MONTH["tas"] * 12
    assert ours == pytest.approx(170e3, rel=0.001)
    assert tas - ours == pytest.approx(185e3, rel=0.001)
    assert tas - ours != pytest.approx(126e3, rel=0.3)


def test_the_published_paybacks_agree_with_one_another():
    months = {"ours": 2.7, "mappo": 2.7 / 0.78, "tas": 2.7 / 0.33}
    assert months["mappo"] == pytest.approx(3.46, abs=0.005)
    assert months["tas"] == pytest.approx(8.18, abs=0.005)
    saved = OPEX_PER_MONTH["tas"] - OPEX_PER_MONTH["ours"]
    assert 2.7 * saved == pytest.approx(70_200)
    with_penalties = saved + (PENALTIES_PER_YEAR["tas"] - PENALTIES_PER_YEAR["ours"]) / 12
    assert 2.7 * with_penalties == pytest.approx(140e3, rel=0.01)


@pytest.mark.parametrize(("name", "millions"), [("ours", 2.20), ("mappo", 2.38), ("tas", 3.89)])
def test_three_years_at_five_percent(name, millions):
    assert npv(DISCOUNT, [0, 1, 1, 1]) == pytest.approx(2.7232, abs=5e-5)
    year = 12 * OPEX_PER_MONTH[name] + PENALTIES_PER_YEAR[name]
    assert tco(DISCOUNT, 0.0, [year] * 3) == pytest.approx(millions * 1e6, rel=0.003)


def test_the_machines_alone_would_cost_thirty_times_the_published_total():
    year = 12 * 0.8 * VMS * PRICE_USD_PER_HOUR * HOURS_PER_MONTH
    assert tco(DISCOUNT, 0.0, [year] * 3) == pytest.approx(73.3e6, rel=0.002)


def test_a_move_to_the_dearer_cleaner_region_saves_what_is_claimed_only_as_a_mix():
    moved = 0.31
    energy = 1 - 0.22
    mixed = energy * ((1 - moved) * 0.12 + moved * 0.14) / 0.12
    assert 1 - mixed == pytest.approx(0.18, abs=0.001)
