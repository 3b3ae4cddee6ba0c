"""Evaluations as a table: wins, the worst loss, coverage, and whether each part pays."""

from dataclasses import replace

import pytest

from engine.forecast import leaderboard
from engine.forecast.evaluation import Comparison, Evaluation, Row
from engine.forecast.scores import Paired, Score


def score(pinball, coverage=0.8):
    return Score(pinball=pinball, mase=None, wape=0.5, coverage=coverage, width=1.0)


def row(model, pinball, *, horizon_s=60.0, seed=0, coverage=0.8):
    return Row(
        model=model, seed=seed, horizon_s=horizon_s, raw=score(2 * pinball),
        used=score(pinball, coverage),
    )  # fmt: skip


def compared(difference, horizon_s=60.0, ours="bilstm"):
    return Comparison(
        horizon_s=horizon_s, ours=ours, best_baseline="ets",
        test=Paired(difference_frac=difference, p_value=0.01),
    )  # fmt: skip


def evaluation(rows, comparisons=(), name="demand", horizons_s=(60.0,)):
    return Evaluation(
        name=name, unit="requests/s", step_s=60.0, steps=500, origins=100, horizons_s=horizons_s,
        left_out={}, seeds=(0, 1), rows=tuple(rows), fit_s={}, forecast_ms={},
        comparisons=tuple(comparisons), weights={}, drift_steps=(),
        relearned=(), coverage_margin=0.02, use="bilstm",
    )  # fmt: skip


@pytest.fixture
def one():
    rows = [row("ets", 2.0), row("bilstm", 1.0, coverage=0.78), row("bilstm", 2.0, seed=1),
            row("choice", 1.8)]  # fmt: skip
    return evaluation(rows, [compared(-0.25)])


def test_figures_are_means_over_seeds(one):
    assert leaderboard.mean_of(one, "bilstm", 60.0, "pinball") == 1.5
    assert leaderboard.mean_of(one, "bilstm", 60.0, "pinball", used=False) == 3.0
    assert leaderboard.mean_of(one, "bilstm", 60.0, "mase") is None
    assert leaderboard.mean_of(one, "bilstm", 30.0, "pinball") is None


def test_a_cell_holds_ours_and_the_best_baseline(one):
    (cell,) = leaderboard.cells(one)
    assert (cell.best_baseline, cell.baseline_pinball) == ("ets", 2.0)
    assert (cell.shipped_pinball, cell.choice_pinball) == (1.5, 1.8)
    assert (cell.difference_frac, cell.p_value) == (-0.25, 0.01)
    assert cell.coverage == pytest.approx(0.79)


def cells(*differences, coverage=0.8):
    (cell,) = leaderboard.cells(evaluation([row("ets", 2.0), row("bilstm", 1.0)], [compared(0)]))
    return [replace(cell, difference_frac=d, coverage=coverage) for d in differences]


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (cells(-0.1, -0.2, 0.02), True),
        (cells(-0.1, 0.01, 0.02), False),  # too few wins
        (cells(-0.1, -0.2, 0.04), False),  # too bad a loss
        (cells(-0.1, -0.2, coverage=0.76), False),
        (cells(-0.1, -0.2, coverage=0.84), False),
    ],
)
def test_the_bar_asks_for_wins_small_losses_and_coverage(found, passed):
    judged = leaderboard.verdict(found)
    assert judged.passed is passed
    assert judged.cells == len(found)
    assert judged.better == sum(cell.difference_frac < 0 for cell in found)
    assert judged.worst_frac == max(cell.difference_frac for cell in found)


def test_coverage_is_judged_trace_by_trace():
    low, high = cells(-0.1, coverage=0.7)[0], cells(-0.1, coverage=0.9)[0]
    assert leaderboard.verdict([low, high]).passed
    apart = leaderboard.verdict([low, replace(high, trace="other")])
    assert apart.coverage == {"demand": 0.7, "other": 0.9}
    assert not apart.passed


def test_coverage_of_a_family_is_the_mean_over_its_traces():
    low, high = (
        replace(cells(-0.1, coverage=share)[0], trace=name, coverage_margin=margin)
        for name, share, margin in (("small", 0.7, 0.03), ("large", 0.9, 0.04))
    )
    judged = leaderboard.verdict([low, high], {"both": ["small", "large"], "none": ["absent"]})
    assert judged.families == {"both": ["small", "large"]}
    assert judged.coverage == {"both": pytest.approx(0.8)}
    assert judged.coverage_margin == {"both": pytest.approx(0.025)}
    assert judged.passed
    unknown = leaderboard.verdict(
        [low, replace(high, coverage_margin=None)], {"both": ["small", "large"]}
    )
    assert unknown.coverage_margin == {"both": None}
    assert judged.trace_margin == {"small": 0.03, "large": 0.04}
    assert judged.surely_off == ("small", "large")
    alone = leaderboard.verdict([low, high], {"first": ["small"]})
    assert alone.coverage == {"first": 0.7, "large": 0.9}


@pytest.mark.parametrize(
    ("coverage", "margin", "off"),
    [(0.72, 0.05, True), (0.72, 0.09, False), (0.72, None, False), (0.78, 0.01, False)],
)
def test_a_trace_is_named_that_is_off_by_more_than_its_own_interval(coverage, margin, off):
    """Though the mean of its family is right."""
    small, large = (
        replace(cells(-0.1, coverage=share)[0], trace=name, coverage_margin=by)
        for name, share, by in (("small", coverage, margin), ("large", 0.83, 0.01))
    )
    judged = leaderboard.verdict([small, large], {"both": ["small", "large"]})
    assert judged.passed
    assert judged.surely_off == (("small",) if off else ())
    far = abs(coverage - 0.8) > 0.03
    assert judged.worst_trace == {"both": "small" if far else "large"}


def test_nothing_compared_is_no_verdict():
    assert leaderboard.verdict([]) is None
    assert leaderboard.cells(evaluation([row("ets", 1.0)])) == []


def test_relative_loss_is_against_the_best_baseline_of_each_horizon():
    rows = [row("ets", 2.0), row("persistence", 4.0), row("bilstm", 1.0),
            row("ets", 8.0, horizon_s=300.0), row("persistence", 2.0, horizon_s=300.0),
            row("bilstm", 4.0, horizon_s=300.0)]  # fmt: skip
    found = leaderboard.relative(evaluation(rows, horizons_s=(60.0, 300.0)))
    assert found == pytest.approx({"ets": 2.0, "persistence": 2**0.5, "bilstm": 1.0})


def test_a_horizon_that_the_best_baseline_foresees_exactly_is_left_out():
    rows = [row("ets", 0.0), row("bilstm", 1.0)]
    assert leaderboard.relative(evaluation(rows)) == {}


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ((1.2, 1.2, 1.21), "Attention pays: pinball is 16.9% lower with it, lower on 3 of 3"),
        ((0.8, 0.8, 0.81), "Attention costs: pinball is 24.5% higher with it, lower on 0 of 3"),
        ((1.2, 1.3, 0.9), "Attention: no difference was found: pinball is 10.7% lower"),
        ((1.0, 1.0, 1.0), "Attention: no difference was found: pinball is 0.0% higher"),
    ],
)
def test_a_part_pays_where_the_network_is_surely_better_with_it(without, said):
    found = [
        evaluation([row("ets", 1.0), row("bilstm-small", 1.0), row("bilstm-no-attention", loss)])
        for loss in without
    ]
    (sentence,) = leaderboard.ablations(found)
    assert sentence.startswith(said)
