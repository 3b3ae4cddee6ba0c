"""Scores and cards: figures come from the model and the trace, rare windows are rare."""

import numpy as np
import pytest

from engine.forecast.neural import NeuralForecaster
from engine.forecast.training_card import FamilyScore, score_series, write_card
from engine.forecast.training_rare import (
    PAST,
    RareResult,
    as_examples,
    generated_windows,
    rare_windows,
)
from models.checkpoint import save
from models.forecaster import NetworkConfig, build

pytestmark = pytest.mark.slow


def test_a_series_that_repeats_each_day_is_easy_for_the_seasonal_baseline():
    day = 5 + 3 * np.sin(np.arange(288) * 2 * np.pi / 288)
    model = NeuralForecaster(build(NetworkConfig(hidden=8, width=16), 0), {})
    score = score_series(model, "waves", np.tile(day, 12), 300.0, 0.0)
    assert score.seasonal < 0.1 * score.persistence
    assert 0 <= score.coverage <= 1


def test_a_trace_shorter_than_a_day_has_no_seasonal_score():
    model = NeuralForecaster(build(NetworkConfig(hidden=8, width=16), 0), {})
    noise = np.random.default_rng(0).gamma(2.0, 1.0, 900)
    assert score_series(model, "hours", noise, 60.0, 0.0).seasonal is None


def test_the_card_reports_the_scores(tmp_path):
    training = {"hidden": 8, "width": 16, "series": 20, "seed": 4}
    result = {"before": 0.5, "after": 0.25, "best_epoch": 2, "epochs": 3, "seconds": 1.0}
    about = {"training": training, "result": result}
    save(build(NetworkConfig(hidden=8, width=16), 0), tmp_path, about)
    score = FamilyScore(name="waves", ours=1.5, persistence=2.5, seasonal=None, coverage=0.75)
    write_card(tmp_path, [score])
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "| waves | 1.5000 | 2.5000 | no day before | 75% |" in card


def test_the_card_says_whether_generated_windows_help_the_tail(tmp_path):
    training = {"hidden": 8, "width": 16, "series": 20, "seed": 4}
    result = {"before": 0.5, "after": 0.25, "best_epoch": 2, "epochs": 3, "seconds": 1.0}
    about = {"training": training, "result": result}
    save(build(NetworkConfig(hidden=8, width=16), 0), tmp_path, about)
    for after, said in (
        (0.15, "not used: lower with 1 of 2 seeds"),
        (0.05, "They help: lower with 2"),
    ):
        found = RareResult(
            without=(0.1, 0.2), with_rare=(after, 0.19), distance=0.3, distance_half=0.1
        )
        write_card(tmp_path, [], rare=found)
        card = (tmp_path / "README.md").read_text("utf-8")
        assert said in card
        assert f"| 0 | 0.1000 | {after:.4f} |" in card


def test_rare_windows_have_peaks_to_come_and_generated_ones_are_like_them():
    real = rare_windows(0, series=12)
    assert real[:, :PAST].mean(1) == pytest.approx(np.ones(len(real)), abs=0.5)
    assert real[:, PAST:].max(1).min() > 1.2
    made = generated_windows(real, 64, 0)
    assert np.array_equal(made, generated_windows(real, 64, 0))
    assert np.isfinite(made).all()
    assert made.min() >= 0
    examples = as_examples(made, 0)
    assert np.isfinite(examples.value).all()
    assert all(np.isfinite(part).all() for part in examples.encoded.arrays())
