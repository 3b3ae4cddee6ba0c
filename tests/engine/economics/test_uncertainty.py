"""Intervals, the tornado and break-even values, each against a plain reading of its meaning."""

import dataclasses

import numpy as np
import pytest

from engine.economics.assumptions import CostMode
from engine.economics.catalogue import defaults
from engine.economics.costs import Usage, switching_flows, usage_fields
from engine.economics.uncertainty import (
    BLOCKS_MIN,
    DRAWS,
    block_length_h,
    break_even,
    draw,
    interval,
    net_value,
    resample,
    tornado,
    total_cost,
)

BASELINE = Usage(
    hours=168.0, cost_usd=1000.0, worker_h=250.0, busy_worker_h=100.0, arrived=50_000.0,
    met=49_000.0, finished=49_500.0, violations=3.0, peak_workers=6.0, promise_frac=0.95,
    candidate=False,
)  # fmt: skip
CANDIDATE = dataclasses.replace(BASELINE, cost_usd=600.0, candidate=True)


def blocks(rng, number=7):
    return {key: rng.uniform(1, 9, number) for key in usage_fields()}


@pytest.mark.parametrize(
    ("hours", "length"), [(2, None), (4.9, None), (5, 1.0), (119, 1.0), (120, 24.0), (8760, 24.0)]
)
def test_days_are_resampled_where_there_are_enough_and_hours_where_not(hours, length):
    assert block_length_h(hours) == length
    assert BLOCKS_MIN == 5


def test_resampled_totals_are_sums_of_the_runs_own_blocks_the_same_ones_for_all_runs():
    rng = np.random.default_rng(1)
    one = blocks(rng)
    twice = {key: 2 * column for key, column in one.items()}
    made = resample([(BASELINE, one), (CANDIDATE, twice)], seed=5)
    for key in usage_fields():
        drawn = getattr(made[0], key)
        assert drawn.shape == (DRAWS,)
        assert getattr(made[1], key) == pytest.approx(2 * drawn)
        assert 7 * one[key].min() <= drawn.min() < drawn.max() <= 7 * one[key].max()
        # The mean of the bootstrap is the total; its spread is that of a mean of 7 blocks
        error = np.sqrt(7) * one[key].std() / np.sqrt(DRAWS)
        assert drawn.mean() == pytest.approx(one[key].sum(), abs=5 * error)
        assert drawn.std() == pytest.approx(np.sqrt(7) * one[key].std(), rel=0.1)


def test_equal_blocks_leave_nothing_uncertain():
    equal = {key: np.full(6, 3.0) for key in usage_fields()}
    (made,) = resample([(BASELINE, equal)], seed=0)
    found = interval(made.cost_usd, "window", "")
    assert (found.low, found.high) == (18.0, 18.0)


def test_draws_stay_in_their_range_and_certain_ones_stay_numbers():
    given = defaults(4.0)
    made = draw(given.numbers, seed=2)
    for entry in given.numbers:
        values = made[entry.key]
        if entry.low == entry.high:
            assert values == entry.value
        else:
            assert entry.low <= values.min() < values.max() <= entry.high
            expected = (entry.low + entry.value + entry.high) / 3
            assert values.mean() == pytest.approx(expected, abs=0.05 * (entry.high - entry.low))


def overlapping():
    """Assumptions whose ranges, one by one fine, meet at impossible corners."""
    given = defaults(0.2).changed({"watts_idle": 30.0, "reserved_frac": 0.5, "spot_frac": 0.4})
    ends = {"reserved_frac": (0.2, 0.9), "spot_frac": (0.1, 0.8)}
    numbers = tuple(
        dataclasses.replace(entry, low=ends[entry.key][0], high=ends[entry.key][1])
        if entry.key in ends
        else entry
        for entry in given.numbers
    )
    return dataclasses.replace(given, numbers=numbers)


def test_draws_never_buy_more_than_all_nor_save_power_by_work():
    given = overlapping()
    made = draw(given.numbers, seed=2)
    assert given.find("watts_idle").high > given.find("watts_full").low
    assert (made["watts_full"] >= made["watts_idle"]).all()
    assert (made["reserved_frac"] + made["spot_frac"] <= 1 + 1e-12).all()
    assert (made["spot_frac"] >= 0).all()


def test_ends_of_the_tornado_are_possible_too():
    given = overlapping()
    bar = next(b for b in tornado(BASELINE, CANDIDATE, given) if b.key == "reserved_frac")
    saved = 400 * 8760 / 168 * (1 - 0.9 * 0.37 - 0.1 * 0.67) - 6 * 800
    flows = [-15 * 800] + [
        (saved + 4800) * 1.1**year - 4800 for year in range(3)
    ]  # at 0.9 reserved only 0.1 is left for spot
    assert bar.at_high == pytest.approx(sum(f / 1.05**year for year, f in enumerate(flows)))


def test_total_cost_is_capital_and_discounted_years_draw_by_draw():
    given = defaults(4.0)
    rates = np.array([0.0, 0.1])
    found = total_cost(CANDIDATE, given, {**given.values, "discount_rate": rates, "growth": 0.0})
    year = 600 * 8760 / 168 + 4800
    assert found == pytest.approx([12_000 + 3 * year, 12_000 + year * (1 - 1.1**-3) / 0.1])


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    given = defaults(4.0)
    ends = [
        interval(net_value(BASELINE, CANDIDATE, given, draw(given.numbers, seed)), "both", "")
        for seed in (1, 1, 2)
    ]
    assert ends[0] == ends[1] != ends[2]
    assert interval(3.0, "both", "") is None


def test_the_tornado_starts_with_what_matters_most_and_leaves_out_what_does_not():
    given = defaults(4.0)
    bars = tornado(BASELINE, CANDIDATE, given)
    swings = [bar.swing for bar in bars]
    assert swings == sorted(swings, reverse=True)
    keys = {bar.key for bar in bars}
    assert {"migration_days", "discount_rate", "growth"} <= keys
    assert not {"spot_discount", "energy_usd_per_kwh", "years"} & keys
    effort = next(bar for bar in bars if bar.key == "migration_days")
    assert effort.at_low - effort.at_high == pytest.approx((40 - 5) * 800)


def test_at_the_break_even_value_switching_neither_pays_nor_costs():
    given = defaults(4.0)
    found = {entry.key: entry for entry in break_even(BASELINE, CANDIDATE, given)}
    effort = found["migration_days"]
    assert effort.value is not None
    assert "turns at this value" in effort.note
    flows = switching_flows(
        BASELINE, CANDIDATE, {**given.values, "migration_days": effort.value}, CostMode.RENTED, 3
    )
    left = sum(flow / 1.05**year for year, flow in enumerate(flows))
    assert left == pytest.approx(0, abs=1e-6)


def test_where_nothing_turns_the_verdict_the_note_says_so():
    given = defaults(4.0)
    dearer = dataclasses.replace(CANDIDATE, cost_usd=1001.0)
    for entry in break_even(BASELINE, dearer, given):
        if entry.value is None:
            assert entry.note.startswith("switching does not pay at any value from ")
    assert any(e.value is None for e in break_even(BASELINE, dearer, given))
