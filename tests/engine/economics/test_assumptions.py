"""Assumptions: changed from a file or a table, refused with what, where and how to fix it."""

from pathlib import Path

import pytest

from engine.economics.assumptions import Assumptions, CostMode, groups, read
from engine.economics.catalogue import defaults
from engine.errors import ScenarioError


@pytest.fixture
def given() -> Assumptions:
    return defaults(4.0)


def test_every_assumption_has_a_unit_a_source_a_meaning_and_a_range_that_holds_it(given):
    keys = [entry.key for entry in given.numbers]
    assert len(set(keys)) == len(keys)
    for entry in given.numbers:
        assert entry.unit
        assert entry.source
        assert entry.meaning.endswith(".")
        assert entry.least <= entry.low <= entry.value <= entry.high
        assert entry.high <= entry.most


def test_dear_workers_are_taken_for_gpus_and_cheap_ones_for_cores():
    assert defaults(4.0)["watts_full"] > 10 * defaults(0.2)["watts_full"]


def test_making_four_cores_is_their_share_of_a_platform_and_not_certain():
    made = defaults(0.2).find("embodied_kg")
    assert made.value == pytest.approx(1610.79 * 4 / 96, abs=0.05)
    assert made.low < made.value < made.high
    assert "1,610.79 kg" in made.source


def test_power_says_that_it_is_of_other_machines_and_reaches_ours():
    busy = defaults(22.0).find("watts_full")
    assert "A100" in busy.source
    assert "H100" in busy.meaning
    assert busy.high > busy.value * 700 / 400


@pytest.mark.parametrize("key", ["hours_per_year", "years", "reserved_frac", "carbon_usd_per_t"])
def test_what_is_certain_stays_certain_at_another_value(given, key):
    changed = given.changed({key: 1.0}).find(key)
    assert (changed.low, changed.value, changed.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("key", "value", "low", "high"),
    [
        ("growth", 0.9, 0.8, 1.1),  # a rate is shifted: 0.0 to 0.3 around 0.1
        ("price_change", 0.1, 0.0, 0.15),
        ("spot_discount", 0.9, 0.68, 1.0),  # and cut at what may be
        ("migration_days", 30, 10, 80),  # an amount is scaled: 5 to 40 around 15
        ("migration_days", 0, 0, 0),
        ("pue", 1.0, 1.0, 1.333),
    ],
)
def test_a_range_keeps_its_width_around_another_value(given, key, value, low, high):
    changed = given.changed({key: value}).find(key)
    assert (changed.low, changed.value, changed.high) == pytest.approx((low, value, high))


def test_a_value_given_again_keeps_its_range(given):
    for entry in given.numbers:
        assert given.changed({entry.key: entry.value}).find(entry.key) == entry


def test_an_edited_value_keeps_its_default_until_it_is_that_again(given):
    once = given.changed({"growth": 0.2})
    twice = once.changed({"growth": {"value": 0.3, "source": "sales plan"}})
    assert [made.find("growth").default for made in (given, once, twice)] == [None, 0.1, 0.1]
    assert twice.changed({"growth": 0.1}).find("growth").default is None
    assert given.changed({"growth": {"low": 0.05}}).find("growth").default is None


def test_a_currency_needs_its_rate_and_a_rate_its_currency(given):
    for changes in ({"currency": "JPY"}, {"currency_per_usd": 150}):
        with pytest.raises(ScenarioError, match="exchange rate") as refused:
            given.changed(changes)
        assert refused.value.where == "assumptions: currency_per_usd"
        assert "currency_per_usd" in refused.value.fix
    yen = given.changed({"currency": "JPY", "currency_per_usd": 150})
    assert (yen.currency, yen["currency_per_usd"]) == ("JPY", 150)


def test_shares_that_cannot_be_together_are_refused_at_the_ends_of_their_ranges_too(given):
    with pytest.raises(ScenarioError, match="at the ends of their ranges"):
        given.changed({"reserved_frac": {"value": 0.5, "low": 0.2, "high": 0.8}, "spot_frac": 0.3})


def test_no_assumption_can_be_so_large_that_a_report_overflows(given):
    for entry in given.numbers:
        with pytest.raises(ScenarioError, match=entry.key):
            given.changed({entry.key: 1e308})
        with pytest.raises(ScenarioError, match=entry.key):
            given.changed({entry.key: 10**400})


def test_a_file_gives_values_ranges_and_sources(given, tmp_path):
    file = tmp_path / "ours.toml"
    file.write_text(
        'mode = "owned"\ncurrency = "EUR"\nprice_date = "2026-08-01"\ncurrency_per_usd = 0.9\n'
        'growth = {value = 0.2, low = 0.1, high = 0.4, source = "sales plan"}\n',
        "utf-8",
    )
    made = read(file, given)
    assert (made.mode, made.currency, made.price_date) == (CostMode.OWNED, "EUR", "2026-08-01")
    growth = made.find("growth")
    assert (growth.value, growth.low, growth.high) == (0.2, 0.1, 0.4)
    assert growth.source == "sales plan"
    assert made["discount_rate"] == given["discount_rate"]


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        ("grwoth = 0.2", "bad.toml", "growth"),
        ("growth = -2", "bad.toml: growth", "-0.9"),
        ("growth = nan", "bad.toml: growth", "-0.9"),
        ('growth = "much"', "bad.toml: growth", "number"),
        ("growth = true", "bad.toml: growth", "number"),
        ("growth = {value = 0.2, low = 0.3}", "bad.toml: growth", "range"),
        ("growth = {vlaue = 0.2}", "bad.toml: growth", "value"),
        ("years = 2.5", "bad.toml: years", "whole years"),
        ('mode = "leased"', "bad.toml: mode", "rented or owned"),
        ('currency = "eur"', "bad.toml: currency", "EUR"),
        ('price_date = "yesterday"', "bad.toml: price_date", "2026-07-30"),
        ("reserved_frac = 0.7\nspot_frac = 0.6", "bad.toml: reserved_frac", "Together"),
        ("watts_full = 1", "bad.toml: watts_full", "idle"),
        ("growth = = 3", "bad.toml", "key = value"),
        (f"growth = {'9' * 400}", "bad.toml: growth", "-0.9"),
        (f"growth = {'9' * 5000}", "bad.toml", "key = value"),
        (f"growth = {'[' * 3000}", "bad.toml", "key = value"),
        ("price_date = '2026-99-99'", "bad.toml: price_date", "2026-07-30"),
        ("price_date = '20260730'", "bad.toml: price_date", "2026-07-30"),
        ("currency = 'JPY'", "bad.toml: currency_per_usd", "JPY"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_a_remedy(
    given, tmp_path, text, where, fix
):
    file = tmp_path / "bad.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as refused:
        read(file, given)
    assert refused.value.where == where
    assert fix in refused.value.fix


def test_a_file_that_is_not_there_is_named(given, tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read") as refused:
        read(tmp_path / "none.toml", given)
    assert refused.value.where == "none.toml"


def test_a_folder_is_named_too(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match="cannot be read") as refused:
        read(Path(), given)
    assert refused.value.where == "."


def test_groups_keep_the_order_and_lose_nothing(given):
    grouped = groups(given.numbers)
    assert next(iter(grouped)) == "Money"
    flat = [entry for entries in grouped.values() for entry in entries]
    assert flat == sorted(given.numbers, key=lambda entry: list(grouped).index(entry.group))
