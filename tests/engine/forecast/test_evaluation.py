"""The leaderboard: honest parts, figures that add up, reasons for what is left out."""

import dataclasses

import numpy as np
import pytest

from engine.errors import ReplayCancelled, UsageError
from engine.forecast import evaluation_models, mixing
from engine.forecast.evaluation import CHOICE, MIXED, evaluate
from engine.forecast.evaluation_models import End, Found, as_used, ask
from engine.forecast.evaluation_plan import plan
from engine.forecast.registry import find
from engine.forecast.scores import LEVELS, pinball
from tests.engine.forecast.series import daily, made

QUICK = ("persistence", "seasonal-naive", "ets", "bilstm")


@pytest.fixture(scope="module")
def series():
    """Long enough to be judged at its end alone."""
    return daily(days=7)


@pytest.fixture(scope="module")
def found(series):
    return evaluate(series, models=QUICK, seeds=(0,), origins=80)


def test_every_model_and_the_two_mixtures_have_a_row_at_every_horizon(series, found):
    assert found.horizons_s == (300.0, 900.0, 3600.0)
    assert {row.model for row in found.rows} == {*QUICK, CHOICE}
    assert len(found.rows) == 3 * 5
    assert found.left_out["30 s"] == "shorter than a step of 300 s"
    assert found.origins == 80
    assert found.ends == (len(series.values),)
    assert MIXED not in found.forecast_ms


def test_persistence_is_scored_as_by_hand(series, found):
    size = len(series.values)
    train, cuts = series.values[: round(0.7 * size)], None
    row = next(r for r in found.rows if r.model == "persistence" and r.horizon_s == 900.0)
    start, stop = round(0.85 * size) + 12, size - 1
    cuts = np.unique(np.linspace(start, stop, 80).astype(int))
    cuts = cuts[cuts + 3 <= size]
    errors = np.quantile(train[3:] - train[:-3], LEVELS)
    quantiles = np.maximum(series.values[cuts - 1][:, None] + errors, 0)
    came = series.values[cuts + 2]
    assert row.raw.pinball == pytest.approx(pinball(came, quantiles, LEVELS).mean())
    assert row.raw.mase == pytest.approx(
        np.abs(came - quantiles[:, 1]).mean() / np.abs(np.diff(train)).mean()
    )


def test_what_comes_after_validation_does_not_change_the_model_to_use(series, found):
    size = len(series.values)
    values = series.values.copy()
    values[round(0.85 * size) :] = 0.0
    other = evaluate(made(values, start_s=0.0), models=QUICK, seeds=(0,), origins=80)
    assert other.use == found.use
    assert other.rows != found.rows


def mixtures(series):
    """Forecasts of the two mixtures over validation and test part, as they would have been."""
    end = End(tasks=plan(series, (300.0, 3600.0), 60), found={})
    for name in ("persistence", "arima", "lstm", "bilstm"):
        ask(end.found.setdefault(name, Found()), find(name).make(0), 0, end.tasks)
    end.mix((0,))
    return end.tasks, {name: end.found[name].used[0] for name in (CHOICE, MIXED)}


@pytest.mark.slow
def test_nothing_after_a_cut_off_changes_a_mixture_its_weights_or_its_calibration(series):
    tasks, before = mixtures(series)
    border = int(tasks.cuts[-20])
    values = series.values.copy()
    values[border:] = np.random.default_rng(1).uniform(0, 1e5, len(values) - border)
    _, after = mixtures(dataclasses.replace(series, values=values))
    early = tasks.cuts <= border
    assert (~early).sum() == 19
    for name, made_before in before.items():
        assert np.array_equal(after[name][early], made_before[early]), name
        assert not np.array_equal(after[name], made_before), name


def test_the_choice_is_compared_with_the_best_baseline(found):
    for compared in found.comparisons:
        at = [r for r in found.rows if r.horizon_s == compared.horizon_s]
        best = min(
            (r for r in at if r.model in ("persistence", "seasonal-naive", "ets")),
            key=lambda r: r.used.pinball,
        )
        ours = next(r for r in at if r.model == CHOICE)
        assert compared.best_baseline == best.model
        assert compared.ours == ours.model
        assert compared.test.difference_frac == pytest.approx(
            ours.used.pinball / best.used.pinball - 1
        )
        assert 0 <= compared.test.p_value <= 1


def test_every_model_is_scored_as_it_is_or_calibrated_whichever_lost_less_by_then(series):
    tasks = plan(series, (300.0, 900.0), 400)
    rng = np.random.default_rng(0)
    shape = (len(tasks.cuts), 2, 3)
    half = np.array([-1.0, 0.0, 1.0])
    right = tasks.came[..., None] + half + rng.normal(0, 0.3, shape[:2])[..., None]
    raw = np.sort(np.where(np.isfinite(right), right, 1.0), -1)
    worse = raw + np.array([-9.0, 0.0, 9.0])
    for kept, other in ((raw, worse), (worse, raw)):
        used = as_used(kept, other, tasks)
        first, last = used[0], used[-1]
        assert (first == other[0]).all()  # nothing is known yet
        assert (last == raw[-1]).all()


def test_a_baseline_that_loses_nothing_is_not_compared_with(series):
    flat = dataclasses.replace(series, values=np.full(len(series.values), 7.0))
    found = evaluate(flat, models=("persistence",), seeds=(0,), horizons_s=(300.0,))
    assert found.comparisons == ()
    assert "lose next to nothing" in found.left_out["comparison at 300 s"]


def test_the_hits_of_the_choice_are_kept_and_add_up_to_its_coverage(found):
    kept = found.choice_coverage.read()
    assert kept.covered.shape == (found.origins, len(found.horizons_s))
    for h, horizon_s in enumerate(found.horizons_s):
        row = next(r for r in found.rows if (r.model, r.horizon_s) == (CHOICE, horizon_s))
        assert np.nanmean(kept.covered[:, h]) == pytest.approx(row.used.coverage)
        assert np.nanmean(kept.covered_raw[:, h]) == pytest.approx(row.raw.coverage)


def test_the_same_evaluation_again_gives_the_same_scores(series, found):
    again = evaluate(series, models=QUICK, seeds=(0,), origins=80)
    assert again.rows == found.rows
    assert again.weights == found.weights


def test_models_that_cannot_say_why_and_the_others_go_on():
    short = made(np.random.default_rng(0).poisson(9, 120), step_s=60.0)
    found = evaluate(short, models=("persistence", "seasonal-naive"), seeds=(0,), origins=20)
    assert "day and a half" in found.left_out["seasonal-naive"]
    assert {row.model for row in found.rows} == {"persistence", CHOICE}
    assert "too short" in found.left_out["3600 s"]


def test_nothing_that_can_be_tested_is_an_error_with_a_remedy():
    tiny = made(np.ones(40), step_s=60.0)
    with pytest.raises(UsageError, match="none of the horizons"):
        evaluate(tiny, models=("persistence",), horizons_s=(3600.0,))
    with pytest.raises(UsageError, match="no model") as refused:
        evaluate(made(np.ones(400), step_s=60.0), models=("ets",), seeds=(0,), origins=20)
    assert "never changes" in refused.value.fix


def test_it_tells_how_far_it_is_and_stops_when_asked(series):
    told = []
    with pytest.raises(ReplayCancelled):
        evaluate(
            series, models=("persistence", "seasonal-naive"), seeds=(0,), origins=20,
            on_progress=lambda share, what: told.append((share, what)),
            cancelled=lambda: len(told) == 1,
        )  # fmt: skip
    assert told == [(0.0, "Persistence, seed 0")]


def test_gaps_in_the_test_part_are_not_scored(series):
    values = series.values.copy()
    values[-100:-50] = np.nan
    found = evaluate(
        dataclasses.replace(series, values=values), models=("persistence",), seeds=(0,), origins=80
    )
    assert all(np.isfinite(row.used.pinball) for row in found.rows)


@pytest.mark.parametrize(("size", "ruled"), [(1440, False), (300, True)])
def test_only_with_little_history_models_are_held_against_the_shipped_one(
    monkeypatch, size, ruled
):
    """With enough outcomes the choice is to the bit what it is without that rule."""
    series, made = daily(days=5).before(size), []
    for few in (mixing.FEW, 0.0):
        monkeypatch.setattr(mixing, "FEW", few)
        tasks, found = plan(series, (300.0, 900.0), 60), {}
        for name in ("persistence", "bilstm", "lstm"):
            ask(found.setdefault(name, Found()), find(name).make(0), 0, tasks)
        choice, _ = evaluation_models._choice(found, tasks, (0,))
        made.append(choice.used[0])
    assert np.array_equal(*made) is not ruled
