"""Plain sentences about forecasts say what the scores say, also where they are bad."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from app import forecast_waits, trust
from app.trust import Level
from engine.forecast.evaluation import evaluate
from engine.forecast.fan import fan
from engine.forecast.naive import Persistence
from engine.forecast.relearning import Relearned
from tests.app.evaluations import LABELS, comparison, evaluation, row
from tests.engine.forecast.series import daily


def said(coverages, **more):
    rows = [row("bilstm", 60.0 * 5**n, share) for n, share in enumerate(coverages)]
    return trust.trust(evaluation(rows, **more), "bilstm", LABELS)


def test_a_band_that_holds_everywhere_can_be_relied_on():
    found = said([0.79, 0.81])
    assert found.level is Level.ALL
    assert found.headline == "With BiLSTM: rely on the 80 % band 1 min and 5 min ahead."


def test_a_band_that_fails_at_one_horizon_is_named_there():
    found = said([0.79, 0.70])
    assert found.level is Level.SOME
    assert "rely on the 80 % band 1 min ahead; do not rely on it 5 min ahead" in found.headline
    assert any("70.0 % at 5 min (too narrow)" in text for text in found.details)


def test_a_band_that_fails_everywhere_is_not_to_be_relied_on():
    found = said([0.5, 0.6])
    assert found.level is Level.NONE
    assert found.headline.startswith("Do not rely on the 80 % band here")


def test_a_band_that_is_too_wide_is_told_apart_from_one_that_fails():
    found = said([0.80, 0.92])
    assert found.level is Level.ALL
    assert "wider than it claims 5 min ahead" in found.headline
    alone = said([0.92]).headline
    assert alone == "With BiLSTM: the 80 % band is wider than it claims 1 min ahead."


@pytest.mark.parametrize("level", [0.0, 40.0])
def test_of_a_series_that_never_changes_everything_is_said_that_can_be(level):
    flat = replace(daily(days=4), values=np.full(4 * 288, level))
    found = evaluate(flat, models=("persistence", "bilstm"), horizons_s=(300.0,), seeds=(0,))
    assert "comparison at 300 s" in found.left_out
    text = trust.trust(found, "persistence", LABELS)
    assert text.headline
    assert not any("Not tested" in note for note in (*text.details, *text.notes))


def test_outcomes_at_several_ends_are_told_by_horizon():
    made = replace(
        evaluation([row("choice", 30.0, 0.81), row("choice", 300.0, 0.86)], ends=(600, 700)),
        outcomes={"30": 266, "300": 34}, coverage_margins={"30": 0.06, "300": None},
    )  # fmt: skip
    text = " ".join(trust.trust(made, "choice", LABELS).details)
    assert "81.0 % of 266 at 30 s" in text
    assert "86.0 % of 34 at 5 min" in text
    assert "at 1 earlier end" in text
    assert "chance alone moves this by 6 points at 30 s" in text


def test_where_it_wins_loses_or_nobody_can_say():
    tests = [comparison(60.0, -0.1, 0.001), comparison(300.0, 0.05, 0.001),
             comparison(900.0, -0.3, 0.4)]  # fmt: skip
    text = " ".join(said([0.8, 0.8, 0.8], comparisons=tests).details)
    assert "beats the best simple forecaster at 1 min (−10 %)" in text
    assert "loses to a simple forecaster at 5 min (+5.0 %, Exponential smoothing)" in text
    assert "At 15 min no difference" in text


def test_few_outcomes_are_told_with_what_chance_does():
    assert "chance alone moves this by 8 points" in " ".join(said([0.8], origins=96).details)


def test_ends_of_a_short_trace_are_told_and_that_their_outcomes_say_little():
    made = evaluation([row("ets", 60.0)], origins=266, ends=(430, 506, 595, 700))
    found = " ".join(trust.trust(made, "ets", LABELS).details)
    assert "held 80.0 % of 266 at 1 min, where the trace ends and at 3 earlier ends" in found
    assert "chance may move this by several points" in found
    told = trust.tested(made, datetime(2026, 11, 22))
    assert "266 cut-offs in the last 15 % of the trace, and of what there was of it at 3" in told
    one = trust.tested(evaluation([row("ets", 60.0)]), datetime(2026, 11, 22))
    assert "400 cut-offs in the last 15 % of the trace, each forecaster as used, step" in one


def test_what_was_not_tested_and_drift_are_notes():
    found = said([0.8], left_out={"30 s": "shorter than a step of 60 s", "ets": "too short"},
                 drift_steps=(5, 9))  # fmt: skip
    assert found.notes[0] == "On average the median of BiLSTM was off by 10 % of demand at 1 min."
    assert found.notes[1] == "Not tested: 30 s (shorter than a step of 60 s)."
    assert "2 times" in found.notes[2]


def test_the_heaviest_forecaster_stands_in_for_a_mixture():
    weights = {"60": {"ets": 0.7, "prophet": 0.3}, "300": {"prophet": 0.9, "ets": 0.1}}
    made = evaluation([row("ets", 60.0), row("prophet", 60.0)], use="choice", weights=weights)
    assert trust.recommended(made, ["ets", "prophet"]) == "prophet"
    assert trust.recommended(made, ["ets"]) == "ets"
    text = trust.trust(made, "prophet", LABELS).details[0]
    assert text.startswith("Choice lost least") and "use Prophet" in text


def test_the_choice_is_what_to_use_wherever_it_can_be_asked():
    labels = LABELS | {"choice": "The choice for this trace"}
    rows = [row("ets", 60.0), row("choice", 60.0)]
    made = evaluation(rows, use="ets", weights={"60": {"ets": 1.0}})
    assert trust.recommended(made, ["choice", "ets"]) == "choice"
    found = trust.trust(made, "choice", labels)
    assert found.headline.startswith("With the choice for this trace: rely on")
    assert found.details[0].startswith("Use the choice for this trace: the mean of")
    assert "Exponential smoothing alone lost less" in found.details[0]


def test_how_far_chance_moves_the_choices_coverage_is_told_with_it():
    found = trust.trust(evaluation([row("choice", 60.0, 0.9)], use="choice"), "choice", LABELS)
    assert any("chance alone moves the mean by 2 points" in text for text in found.details)


def test_a_fit_says_what_it_waits_for_and_for_how_long():
    made = evaluation([row("ets", 60.0)], weights={"60": {"ets": 0.6, "arima": 0.38, "x": 0.02}})
    made.fit_s.update(ets=2.0, arima=61.0, x=500.0)
    labels = LABELS | {"choice": "The choice for this trace"}
    told = forecast_waits.waiting("choice", made, labels)
    assert told == "Fitting the choice for this trace to what was known by then, about 1 min 3 s"
    assert (
        forecast_waits.waiting("ets", None, labels)
        == "Fitting Exponential smoothing to what was known by then"
    )


def test_what_was_learned_after_a_drift_is_told_only_where_it_was_used():
    once = Relearned(step=5, before=2.0, after=1.5, taken_frac=0.25)
    made = replace(evaluation([row("bilstm", 60.0)]), relearned=(once,))
    assert "25 % of what followed" in " ".join(trust.trust(made, "bilstm", LABELS).notes)
    made = replace(made, relearned=(replace(once, taken_frac=0.0),))
    assert "never lost less" in " ".join(trust.trust(made, "bilstm", LABELS).notes)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.01, 0.05, "points at what matters"), (-0.05, -0.01, "does not point"),
     (-0.01, 0.04, "may be chance")],
)  # fmt: skip
def test_faithfulness_is_told_with_its_interval(low, high, told):
    text = trust.faithful("steps", 0.03, low, high)
    assert told in text
    assert "3 %" in text
    assert "only one feature" in trust.faithful("features", float("nan"), np.nan, np.nan)


@pytest.mark.parametrize(
    ("after", "told"), [(0.8, "helps here"), (1.0, "makes no difference"), (1.2, "does not help")]
)
def test_what_fitting_was_worth(after, told):
    assert told in trust.fitted(1.0, after, "requests/s", 7)
    assert "too short" in trust.fitted(None, None, "requests/s", 7)


def test_the_numbers_of_a_fan_are_those_of_the_forecast():
    series = daily()
    found = fan(series, 0.9 * len(series.values) * series.step_s, Persistence())
    table = trust.fan_table(found, (30.0, 300.0, 3600.0))
    assert list(table["Ahead"]) == ["5 min", "1 h"]
    inside = (found.came >= found.quantiles[:, 0]) & (found.came <= found.quantiles[:, -1])
    assert (table["Inside the band?"].iloc[0] == "yes") == inside[0]
    text = trust.fan_sentence(found, "Persistence", None)
    assert f"Of 12 steps that came, {inside.sum()} lay in it" in text
