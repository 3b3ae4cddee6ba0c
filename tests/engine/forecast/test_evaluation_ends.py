"""Several ends of a short trace: honest parts, nothing later known, all outcomes scored alike."""

from dataclasses import replace

import numpy as np
import pytest

from engine.forecast import evaluation_ends
from engine.forecast.evaluation import CHOICE, evaluate
from engine.forecast.evaluation_ends import earlier, pooled, tells_little
from engine.forecast.evaluation_models import End, Found, ask
from engine.forecast.evaluation_plan import plan
from engine.forecast.neural_encode import WINDOW
from engine.forecast.registry import find
from engine.forecast.scores import LEVELS, Score, inside, margin, paired, pinball
from tests.engine.forecast.series import daily, made

STEPS = (430, 506, 595, 700)
AHEAD_S = (30.0, 120.0, 300.0)
QUICK = ("persistence", "ets")


def hour(seed=0):
    """700 steps of 5 s; 300 s ahead only the whole is long enough for."""
    return made(np.random.default_rng(seed).gamma(3.0, 2.0, STEPS[-1]), step_s=5.0)


@pytest.fixture(scope="module")
def found():
    return evaluate(hour(), models=QUICK, horizons_s=AHEAD_S, seeds=(0,))


def plans(series):
    whole = plan(series, AHEAD_S, 400)
    return [whole, *earlier(whole, 400)]


def test_each_end_is_a_whole_evaluation_of_what_was_there_and_no_test_parts_overlap():
    found, came_until = plans(hour())[::-1], 0
    assert tuple(len(end.series.values) for end in found) == STEPS
    for end in found:
        size, test = len(end.series.values), end.cuts[~end.valid]
        assert end.parts.train == round(0.7 * size)
        assert test.min() == round(0.85 * size) + WINDOW >= came_until + WINDOW
        assert (~np.isfinite(end.came[end.cuts[:, None] + end.ahead > size])).all()
        came_until = size


def test_what_an_end_is_too_short_for_is_told(found):
    told = [what for what in found.left_out if what.startswith("300 s at the end of")]
    assert told == [f"300 s at the end of {steps} steps" for steps in STEPS[-2::-1]]


@pytest.mark.parametrize(("days", "origins", "little"), [(5, 400, True), (7, 400, False),
                                                         (7, 5, False)])  # fmt: skip
def test_the_trace_decides_whether_its_end_tells_too_little(days, origins, little):
    """Not how many cut-offs of it are asked at."""
    tasks = plan(daily(days=days), (300.0, 3600.0), origins)
    assert tells_little(tasks) is little
    assert bool(earlier(tasks, origins)) is little


def test_the_evaluation_tells_its_ends_and_counts_all_their_cut_offs(found):
    assert found.ends == STEPS
    assert found.origins == sum(int((~end.valid).sum()) for end in plans(hour()))
    times = found.choice_coverage.read().times_s
    assert len(times) == found.origins
    assert (np.diff(times) > 0).all()


def test_scores_of_the_ends_are_weighted_by_their_outcomes(found, monkeypatch):
    monkeypatch.setattr(evaluation_ends, "MOST", 1)
    alone = [
        evaluate(hour().before(size), models=QUICK, horizons_s=AHEAD_S, seeds=(0,))
        for size in STEPS
    ]
    for row in found.rows:
        at = [(e, r) for e in alone for r in e.rows
              if (r.model, r.horizon_s) == (row.model, row.horizon_s)]  # fmt: skip
        assert len(at) == (1 if row.horizon_s == 300 else len(STEPS))
        steps = row.horizon_s / 5
        outcomes = [e.steps - round(0.85 * e.steps) - WINDOW - steps + 1 for e, _ in at]
        for of in ("used", "raw"):
            for figure in ("pinball", "coverage", "mase"):
                each = [getattr(getattr(r, of), figure) for _, r in at]
                whole = getattr(getattr(row, of), figure)
                assert whole == pytest.approx(np.average(each, weights=outcomes))


def test_a_figure_that_an_end_lacks_is_of_the_others():
    one = Score(pinball=1.0, mase=None, wape=None, coverage=0.5, width=0.2)
    other = replace(one, pinball=4.0, mase=3.0, coverage=0.8)
    assert pooled([one, other], [20, 10]) == Score(
        pinball=2.0, mase=3.0, wape=None, coverage=pytest.approx(0.6), width=pytest.approx(0.2)
    )


def judged(series):
    """The ends of a series with what the models say there, by its steps; and all joined."""
    ends = []
    for tasks in plans(series):
        end = End(tasks=tasks, found={})
        for name in (*QUICK, "bilstm"):
            ask(end.found.setdefault(name, Found()), find(name).make(0), 0, tasks)
        end.mix((0,))
        ends.append(end)
    return {len(end.tasks.series.values): end for end in ends}, evaluation_ends.tested(ends)


def test_an_end_knows_nothing_of_what_came_after_it():
    series = hour()
    values = series.values.copy()
    values[506:] = np.random.default_rng(1).uniform(0, 1e4, len(values) - 506)
    (before, joined), (after, other) = judged(series), judged(replace(series, values=values))
    for size in (430, 506):
        assert before[size].weights == after[size].weights
        for name, said in before[size].found.items():
            assert np.array_equal(said.quantiles[0], after[size].found[name].quantiles[0]), name
            assert np.array_equal(said.used[0], after[size].found[name].used[0]), name
    known = joined.times_s < 506 * 5
    assert known.sum() == sum((~before[size].tasks.valid).sum() for size in (430, 506))
    for name in (*QUICK, "bilstm", CHOICE):
        one, two = joined.used[name][0], other.used[name][0]
        assert np.array_equal(one[known], two[known], equal_nan=True), name
        assert not np.array_equal(one[~known], two[~known], equal_nan=True), name


def test_an_end_at_which_a_model_of_the_whole_cannot_forecast_does_not_count():
    """A day and a half of training for a season: 50 of 60 hours are too few."""
    found = evaluate(
        daily(days=2.5), models=("persistence", "seasonal-naive"), horizons_s=(300.0, 3600.0),
        seeds=(0,), origins=40,
    )  # fmt: skip
    assert found.ends == (720,)
    assert "day and a half" in found.left_out["the end of 612 steps"]
    assert {row.model for row in found.rows} == {"persistence", "seasonal-naive", CHOICE}


def test_the_paired_test_is_of_the_joined_losses(found):
    _, joined = judged(hour())
    for compared in found.comparisons:
        rows = {r.model: r for r in found.rows if r.horizon_s == compared.horizon_s}
        best = min(QUICK, key=lambda name: rows[name].used.pinball)
        assert compared.best_baseline == best
        assert compared.test.difference_frac == pytest.approx(
            rows[CHOICE].used.pinball / rows[best].used.pinball - 1
        )
    assert joined.lags == (6, 24, 60)
    assert np.array_equal(np.unique(joined.end), np.arange(len(STEPS)))


def test_its_p_value_and_the_margins_of_coverage_know_where_an_end_ends():
    found = evaluate(hour(), models=(*QUICK, "bilstm"), horizons_s=AHEAD_S, seeds=(0,))
    _, joined = judged(hour())
    for h, compared in enumerate(found.comparisons):
        known = joined.known(h)
        choice, best = (
            pinball(joined.came[known, h], joined.used[name][0][known, h], LEVELS).mean(-1)
            for name in (CHOICE, compared.best_baseline)
        )
        end, lag = joined.end[known], joined.lags[h]
        assert compared.test == paired(choice, best, lag, end)
        assert h == len(AHEAD_S) - 1 or compared.test != paired(choice, best, lag)
        held = inside(joined.came[known, h], joined.used[CHOICE][0][known, h]).astype(float)
        assert found.coverage_margins[f"{AHEAD_S[h]:g}"] == margin(held, lag, end)
        assert found.outcomes[f"{AHEAD_S[h]:g}"] == known.sum()
    shortest = found.coverage_margins["30"]
    assert shortest > 0
    assert found.coverage_margins["300"] is None  # of 34 outcomes that all overlap
    assert found.coverage_margin is None


def test_the_margin_of_a_mean_over_ends_is_at_most_the_mean_of_the_margins(found):
    two = evaluate(hour(), models=QUICK, horizons_s=AHEAD_S[:1], seeds=(0,))
    assert two.coverage_margin == two.coverage_margins["30"]


def test_a_single_forecaster_is_chosen_before_all_that_is_scored(monkeypatch):
    """By what the earliest end knew, as the validation part of the whole is scored there."""
    series = hour()
    values = series.values.copy()
    values[506:] *= np.where(np.arange(len(values) - 506) % 2, 30.0, 0.03)
    changed = evaluate(
        replace(series, values=values), models=QUICK, horizons_s=AHEAD_S, seeds=(0,)
    )
    assert changed.use == evaluate(series, models=QUICK, horizons_s=AHEAD_S, seeds=(0,)).use
