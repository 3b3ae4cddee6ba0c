"""Assumptions: changed from a file or a table, refused with what, where and how to fix it."""

import pytest

from engine.economics.assumptions import Assumptions, CostMode, defaults, groups, read
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
        assert entry.most is None or entry.high <= entry.most


def test_dear_workers_are_taken_for_gpus_and_cheap_ones_for_cores():
    assert defaults(4.0)["watts_full"] > 10 * defaults(0.2)["watts_full"]
    assert defaults(0.2)["embodied_kg"] == 0.0


def test_a_value_outside_its_range_stretches_the_range(given):
    changed = given.changed({"growth": 0.9}).find("growth")
    assert (changed.low, changed.value, changed.high) == (0.0, 0.9, 0.9)


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


def test_groups_keep_the_order_and_lose_nothing(given):
    grouped = groups(given.numbers)
    assert next(iter(grouped)) == "Money"
    flat = [entry for entries in grouped.values() for entry in entries]
    assert flat == sorted(given.numbers, key=lambda entry: list(grouped).index(entry.group))
