import json
from dataclasses import fields

import numpy as np
import pytest

from engine.errors import ScenarioError, UsageError
from engine.trace.synth import KINDS, generate, regenerate

OPEN_LOOP = ["diurnal", "flash-crowd", "growth", "bursty"]
SEEDS = [1, 2, 3]


def arrivals(kind, *, duration_s, mean_rate_per_s, seed=1, **options):
    made = generate(
        kind, duration_s=duration_s, mean_rate_per_s=mean_rate_per_s, seed=seed, **options
    )
    return made.table.arrival_s


def same(first, second):
    return all(
        np.array_equal(getattr(first, f.name), getattr(second, f.name), equal_nan=True)
        for f in fields(first)
        if f.name not in ("agent_types", "tenants")
    )


def margin(expected, burst_cv=0.23, in_a_burst=1.0):
    """Four standard deviations of a count: variance = mean × (1 + requests in a burst × cv²)."""
    return 4 * np.sqrt(expected * (1 + in_a_burst * burst_cv**2))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", OPEN_LOOP)
def test_the_mean_rate_is_the_one_asked_for(kind, seed):
    got = len(arrivals(kind, duration_s=7200, mean_rate_per_s=6, seed=seed))
    # A burst of 10 s holds at most 60 × the shape's highest factor.
    assert abs(got - 43_200) < margin(43_200, in_a_burst=60 * 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_daily_peak_is_five_times_the_trough(seed):
    arrival_s = arrivals("diurnal", duration_s=86400, mean_rate_per_s=8, seed=seed)
    hours = np.histogram(arrival_s, 24, (0, 86400))[0] / 3600
    # The mean of a cosine over the hours around its top: 1 + 2/3 and 1 − 2/3 of the mean.
    assert hours[[14, 15]].mean() == pytest.approx(8 * 5 / 3, rel=0.05)
    assert hours[[2, 3]].mean() == pytest.approx(8 / 3, rel=0.08)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flash_crowd_is_ten_times_the_steady_rate_and_there_within_its_ramp(seed):
    arrival_s = arrivals(
        "flash-crowd", duration_s=7200, mean_rate_per_s=20, seed=seed, first_at_s=3000, ramp_s=60
    )
    steady = np.sum(arrival_s < 3000) / 3000
    height = np.sum((arrival_s >= 3060) & (arrival_s < 3360)) / 300
    assert height / steady == pytest.approx(10, rel=0.15)
    first_half = np.sum((arrival_s >= 3000) & (arrival_s < 3030)) / 30
    assert steady < first_half < 0.6 * height
    after = np.sum(arrival_s >= 3480) / (7200 - 3480)
    assert after == pytest.approx(steady, rel=0.1)


def test_several_flash_crowds_are_spread_over_the_trace():
    arrival_s = arrivals("flash-crowd", duration_s=7200, mean_rate_per_s=20, flashes=3)
    minutes = np.histogram(arrival_s, 120, (0, 7200))[0]
    starts = np.flatnonzero(np.diff((minutes > 3 * np.median(minutes)).astype(int)) == 1) * 60
    assert np.all(np.abs(starts - np.array([960, 3360, 5760])) <= 120)
    assert len(starts) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_growth_ends_at_four_times_its_start(seed):
    arrival_s = arrivals("growth", duration_s=20_000, mean_rate_per_s=10, seed=seed)
    parts = np.histogram(arrival_s, 20, (0, 20_000))[0]
    # First and last twentieth of 4^(t/T): their ratio is 4^(19/20).
    assert parts[-1] / parts[0] == pytest.approx(4 ** (19 / 20), rel=0.12)
    assert np.polyfit(np.arange(20), np.log(parts), 1)[0] == pytest.approx(np.log(4) / 20, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_bursty_demand_lives_in_four_states_that_last_minutes(seed):
    arrival_s = arrivals("bursty", duration_s=50_000, mean_rate_per_s=60, seed=seed, burst_cv=0)
    bins = np.histogram(arrival_s, 5000, (0, 50_000))[0] / 10
    calm = np.quantile(bins, 0.1)
    level = np.round(np.log(bins / calm) / np.log(15) * 3)
    rates = [bins[level == state].mean() for state in range(4)]
    assert rates[3] / rates[0] == pytest.approx(15, rel=0.1)
    assert rates[1] / rates[0] == pytest.approx(15 ** (1 / 3), rel=0.1)
    changes = np.flatnonzero(np.diff(level) != 0)
    # The mean of 480, 240, 120 and 60 s is 225 s; a change inside a bin may count twice.
    assert 110 < 50_000 / len(changes) < 340


@pytest.mark.parametrize(("burst_cv", "burst_s"), [(0.0, 10), (0.23, 10), (0.5, 10), (1.0, 5)])
def test_bursts_give_the_dispersion_that_their_spread_implies(burst_cv, burst_s):
    arrival_s = arrivals(
        "growth", duration_s=60_000, mean_rate_per_s=5.5, growth_factor=1,
        burst_cv=burst_cv, burst_s=burst_s,
    )  # fmt: skip
    counts = np.histogram(arrival_s, 6000, (0, 60_000))[0]
    implied = 1 + 5.5 * burst_s * burst_cv**2
    assert counts.var() / counts.mean() == pytest.approx(implied, rel=0.15)


def test_chat_tokens_have_the_published_quantiles():
    table = generate("growth", duration_s=10_000, mean_rate_per_s=20, seed=1).table
    shares = [0.5, 0.9, 0.99]
    assert np.quantile(table.input_tokens, shares) == pytest.approx([1020, 2735, 4142], rel=0.03)
    assert np.quantile(table.output_tokens, shares) == pytest.approx([129, 424, 601], rel=0.03)
    assert table.input_tokens.max() <= 14050
    assert table.output_tokens.min() >= 1
    assert abs(np.corrcoef(table.input_tokens, table.output_tokens)[0, 1]) < 0.02


def test_given_service_times_take_the_place_of_tokens():
    table = generate(
        "growth", duration_s=5000, mean_rate_per_s=20, seed=1, service_mean_s=0.5, service_cv=2
    ).table
    assert table.service_s.mean() == pytest.approx(0.5, rel=0.05)
    assert np.all(table.input_tokens == -1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_everything(kind):
    first, again, other = (
        generate(kind, duration_s=3600, mean_rate_per_s=1, seed=seed).table for seed in (7, 7, 8)
    )
    assert same(first, again)
    assert not np.array_equal(first.arrival_s, other.arrival_s)
    assert not np.array_equal(first.output_tokens[:100], other.output_tokens[:100])


def test_purposes_draw_from_streams_of_their_own():
    plain = generate("growth", duration_s=3600, mean_rate_per_s=5, seed=1, burst_cv=0).table
    bursts = generate("growth", duration_s=3600, mean_rate_per_s=5, seed=1, burst_cv=1).table
    served = generate(
        "growth", duration_s=3600, mean_rate_per_s=5, seed=1, burst_cv=0, service_mean_s=1
    ).table
    assert np.array_equal(plain.arrival_s, served.arrival_s)
    rows = min(len(plain), len(bursts))
    assert not np.array_equal(plain.arrival_s[:rows], bursts.arrival_s[:rows])
    tokens = min(rows, 1000)
    assert np.array_equal(plain.input_tokens[:tokens], bursts.input_tokens[:tokens])


@pytest.mark.parametrize("kind", KINDS)
def test_arrivals_are_sorted_whole_microseconds_inside_the_trace(kind):
    arrival_s = arrivals(kind, duration_s=1234.5, mean_rate_per_s=3)
    assert np.all(np.diff(arrival_s) >= 0)
    assert np.array_equal(arrival_s, np.round(arrival_s, 6))
    assert arrival_s[0] >= 0
    assert arrival_s[-1] < 1234.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_survives_json_and_makes_the_same_table(kind):
    made = generate(kind, duration_s=1800, mean_rate_per_s=2, seed=5)
    recipe = json.loads(json.dumps(made.recipe))
    assert same(regenerate(recipe), made.table)
    assert set(recipe["options"]) == set(KINDS[kind].defaults)


def test_options_may_come_as_text_and_with_hyphens():
    numbers = generate(
        "flash-crowd", duration_s=3600, mean_rate_per_s=2, seed=5, flashes=2, first_at_s=None
    )
    text = generate(
        "flash-crowd", duration_s=3600, mean_rate_per_s=2, seed=5,
        **{"flashes": "2", "first-at-s": "none"},
    )  # fmt: skip
    assert text.recipe == numbers.recipe
    assert same(text.table, numbers.table)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("flash-crwd", {}, "Did you mean 'flash-crowd'"),
        ("diurnal", {"peak_to_though": 3}, "Did you mean 'peak_to_trough'"),
        ("diurnal", {"flash_factor": 3}, "no option 'flash_factor'"),
        ("agent-sessions", {"burst_cv": 1}, "no option 'burst_cv'"),
        ("diurnal", {"peak_to_trough": "five"}, "'five'"),
        ("diurnal", {"peak_to_trough": None}, "None"),
        ("flash-crowd", {"flashes": 1.5}, "whole number"),
        ("flash-crowd", {"flashes": "inf"}, "whole number"),
    ],
)
def test_unknown_names_and_values_that_are_no_numbers_are_wrong_usage(kind, options, words):
    with pytest.raises(UsageError, match=words):
        generate(kind, duration_s=3600, mean_rate_per_s=1, seed=1, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("diurnal", {"peak_to_trough": 0.5}),
        ("diurnal", {"day_s": 1}),
        ("diurnal", {"burst_cv": -1}),
        ("diurnal", {"burst_s": 31}),
        ("diurnal", {"service_mean_s": 0}),
        ("diurnal", {"service_cv": -1}),
        ("flash-crowd", {"ramp_s": 5}),
        ("flash-crowd", {"ramp_s": 121}),
        ("flash-crowd", {"flashes": 0}),
        ("flash-crowd", {"flashes": 50}),
        ("flash-crowd", {"first_at_s": 3500}),
        ("growth", {"growth_factor": 0}),
        ("bursty", {"hot_s": 10}),
        ("bursty", {"calm_s": 500}),
        ("agent-sessions", {"human_share": 1.1}),
        ("agent-sessions", {"warmup_s": -1}),
        ("agent-sessions", {"context_limit_tokens": 100}),
    ],
)
def test_options_out_of_range_are_refused_by_name(kind, options):
    with pytest.raises(ScenarioError, match=next(iter(options))):
        generate(kind, duration_s=3600, mean_rate_per_s=1, seed=1, **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"duration_s": 0}, "duration"),
        ({"duration_s": 367 * 86400}, "366 days"),
        ({"mean_rate_per_s": 0}, "mean rate"),
        ({"mean_rate_per_s": float("nan")}, "mean rate"),
        ({"mean_rate_per_s": 1e6}, "at most 1.39e.04 requests/s"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_sizes_are_refused_with_advice(change, words):
    given = {"duration_s": 3600, "mean_rate_per_s": 1, "seed": 1} | change
    with pytest.raises(ScenarioError, match=words):
        generate("diurnal", **given)


def test_recipes_of_other_programs_and_versions_are_refused():
    recipe = generate("growth", duration_s=60, mean_rate_per_s=1, seed=1).recipe
    with pytest.raises(UsageError, match="version 99"):
        regenerate(recipe | {"version": 99})
    with pytest.raises(UsageError, match="lacks kind, options"):
        regenerate({k: v for k, v in recipe.items() if k not in ("kind", "options")})


def test_every_kind_describes_itself_in_a_sentence():
    for info in KINDS.values():
        assert info.description.endswith(".")
        assert info.defaults
