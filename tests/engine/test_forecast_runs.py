"""Forecasts through the planner: kept once whole, found again, fitted, gone with their trace."""

import json
import subprocess
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from engine import forecast_runs
from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.forecast.evaluation import Evaluation
from engine.forecast.network import Network, shipped
from engine.forecast.neural import NeuralForecaster
from engine.planner import Planner
from tests.engine.replays import demand, keep, scenario

pytestmark = pytest.mark.slow

QUICK = {"models": ["persistence", "ets"], "seeds": (0,), "origins": 20}


@pytest.fixture
def planner():
    with Planner() as opened:
        keep(opened, demand())
        yield opened


@pytest.fixture
def asked(monkeypatch):
    """How often an evaluation was really made."""
    calls = []
    real = forecast_runs.evaluate

    def counted(series, **settings):
        calls.append(settings)
        return real(series, **settings)

    monkeypatch.setattr(forecast_runs, "evaluate", counted)
    return calls


def week(planner, name="week"):
    """A week of few requests: enough hours to fit to."""
    planner.synthesize("diurnal", duration_s=7 * 86400, mean_rate_per_s=0.02, seed=1, name=name)
    return {"trace_key": name, "step_s": 3600.0}


def test_an_evaluation_of_an_earlier_program_still_opens(planner):
    """It called the scores as used calibrated, and knew one end."""
    made = planner.evaluate_forecasts("demand", models=["persistence"], seeds=[0], origins=20)
    earlier = msgspec.json.decode(msgspec.json.encode(made))
    del earlier["ends"]
    for row in earlier["rows"]:
        row["calibrated"] = row.pop("used")
    with planner._store.transaction() as cursor:
        cursor.execute("UPDATE evaluations SET result = ?", [json.dumps(earlier)])
    (stored,) = planner.evaluations("demand")
    assert stored.evaluation == replace(made, ends=())


def test_an_evaluation_is_stored_and_taken_from_the_store(planner, asked):
    first = planner.evaluate_forecasts("demand", **QUICK)
    again = planner.evaluate_forecasts("demand", **QUICK)
    assert isinstance(again, Evaluation)
    assert again == first
    assert len(asked) == 1
    (stored,) = planner.evaluations("demand")
    assert stored.evaluation == first
    assert stored.models == ("persistence", "ets")
    assert stored.wall_s > 0
    assert stored.created_at.tzinfo is not None


def test_the_order_of_models_and_horizons_does_not_matter(planner, asked):
    one = {**QUICK, "horizons_s": (30.0, 60)}
    other = {**QUICK, "models": ["ets", "persistence", "ets"], "horizons_s": (60, 30.0)}
    assert planner.evaluate_forecasts("demand", **one) == planner.evaluate_forecasts(
        "demand", **other
    )
    assert len(asked) == 1


def test_fresh_evaluates_again_and_replaces(planner, asked):
    planner.evaluate_forecasts("demand", **QUICK)
    planner.evaluate_forecasts("demand", **QUICK, fresh=True)
    assert len(asked) == 2
    assert len(planner.evaluations("demand")) == 1


@pytest.mark.parametrize(
    "change",
    [{"origins": 21}, {"seeds": (1,)}, {"horizons_s": (15.0,)}, {"models": ["ets"]},
     {"step_s": 3.0}, {"unit": "busy slots", "scenario": scenario()},
     {"pool": "own", "scenario": scenario()}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_question_has_another_answer(planner, asked, change):
    planner.evaluate_forecasts("demand", **QUICK)
    planner.evaluate_forecasts("demand", **{**QUICK, **change})
    assert len(asked) == 2
    assert len(planner.evaluations("demand")) == 2


def test_a_scenario_that_demand_does_not_depend_on_changes_nothing(planner, asked):
    planner.evaluate_forecasts("demand", **QUICK)
    planner.evaluate_forecasts("demand", **QUICK, scenario=scenario())
    assert len(asked) == 1


def test_new_code_or_another_library_means_a_new_evaluation(planner, asked, monkeypatch):
    before = forecast_runs.code_version()
    planner.evaluate_forecasts("demand", **QUICK)
    monkeypatch.setattr(forecast_runs, "version", lambda name: f"99 of {name}")
    assert forecast_runs.code_version() != before
    planner.evaluate_forecasts("demand", **QUICK)
    assert len(asked) == 2


def test_an_evaluation_that_is_cancelled_leaves_nothing(planner):
    with pytest.raises(ReplayCancelled):
        planner.evaluate_forecasts("demand", **QUICK, cancel=lambda: True)
    assert planner.evaluations("demand") == []


def test_an_evaluation_tells_how_far_it_is(planner):
    told = []
    planner.evaluate_forecasts("demand", **QUICK, progress=lambda *at: told.append(at))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert any("Exponential smoothing" in text for _, text in told)


def test_an_evaluation_of_a_form_that_is_not_read_any_more_is_left_out(planner, asked):
    planner.evaluate_forecasts("demand", **QUICK)
    with planner._store.transaction() as cursor:
        cursor.execute('UPDATE evaluations SET result = \'{"name": "demand"}\'')
    assert planner.evaluations("demand") == []
    planner.evaluate_forecasts("demand", **QUICK)
    assert len(asked) == 2
    assert len(planner.evaluations("demand")) == 1


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"models": []}, "at least one forecaster"),
        ({"models": ["bilstn"]}, "Did you mean 'bilstm'"),
        ({"horizons_s": ()}, "at least one horizon"),
        ({"horizons_s": (60.0, -1.0)}, "more than 0 seconds"),
        ({"horizons_s": (float("nan"),)}, "more than 0 seconds"),
        ({"seeds": ()}, "at least one seed"),
        ({"origins": 2}, "3 origins"),
        ({"pool": "own"}, "Name a scenario too"),
        ({"pool": "owm", "scenario": scenario()}, "Did you mean 'own'"),
        ({"unit": "slots"}, "busy slots"),
        ({"horizons_s": (3600.0,)}, "longer trace, shorter horizons"),
    ],
)
def test_odd_settings_are_refused_with_what_to_do(planner, change, hint):
    with pytest.raises(UsageError, match=hint):
        planner.evaluate_forecasts("demand", **{**QUICK, **change})
    assert planner.evaluations("demand") == []


def test_an_unknown_trace_is_refused(planner):
    with pytest.raises(StoreError, match="Did you mean 'demand'"):
        planner.evaluate_forecasts("demnad", **QUICK)


def test_a_forecast_is_made_from_demand_before_the_moment(planner):
    found = planner.forecast("demand", 600.0, model="persistence")
    series = planner.demand("demand")
    assert (found.cut_s, found.step_s) == (600.0, 5.0)
    assert found.history[-1] == series.values[119]
    assert found.came[0] == series.values[120]
    assert np.isfinite(found.quantiles).all()


def test_demand_of_a_pool_may_be_forecast_in_busy_slots(planner):
    where = {"unit": "busy slots", "scenario": scenario(), "pool": "own"}
    found = planner.forecast("demand", 600.0, model="persistence", **where)
    assert found.unit == "busy slots"
    assert "pool own" in found.name


def test_a_fitted_forecaster_has_to_be_fitted_first(planner):
    with pytest.raises(UsageError, match="smartscale forecast fit --trace demand"):
        planner.forecast("demand", 600.0, model="bilstm-fitted")


def test_what_to_do_first_names_the_demand_that_was_asked_for(planner):
    where = {"unit": "busy slots", "scenario": planner.presets()["llm-agents"], "pool": "chat"}
    said = "--trace demand --step 6 --unit 'busy slots' --scenario llm-agents --pool chat"
    for model, command in (("bilstm-fitted", "fit"), ("choice", "evaluate")):
        with pytest.raises(UsageError) as refused:
            planner.forecast("demand", 600.0, model=model, step_s=6.0, **where)
        assert refused.value.fix.endswith(f"smartscale forecast {command} {said}")


def test_the_usual_step_in_words_is_the_same_demand(planner):
    planner.fit_forecaster("demand", epochs=1)
    found = planner.forecast("demand", 600.0, model="bilstm-fitted", step_s=5.0)
    assert found.step_s == 5.0


def test_a_forecaster_that_was_fitted_is_kept_beside_the_store_and_used(planner):
    where = week(planner)
    told = []
    report = planner.fit_forecaster(**where, epochs=2, progress=lambda *at: told.append(at))
    trace_id = planner.trace("week").trace_id
    assert report.folder.parent == planner.path.with_name("store.models")
    assert report.folder.name.startswith(f"forecaster-{trace_id}")
    assert told
    early = planner.forecast(at_s=120 * 3600.0, model="bilstm-fitted", **where)
    late = planner.forecast(at_s=150 * 3600.0, model="bilstm-fitted", **where)
    assert early.sees_later_demand
    assert not late.sees_later_demand
    assert late.fitted_until_s == report.fitted_until_s
    with pytest.raises(UsageError, match="fitted"):  # that was at another step
        planner.forecast("week", 120 * 3600.0, model="bilstm-fitted")


def test_in_the_drawn_choice_the_shipped_network_stands_in_for_one_that_knew_later(planner):
    report = planner.fit_forecaster("demand", epochs=1)
    series = planner.demand("demand")
    kept = Network("bilstm-fitted", report.folder, stands_in=shipped(0))
    assert not kept.fixed
    until = round(report.fitted_until_s / series.step_s)
    for steps, folder in ((until - 1, shipped(0)), (until, report.folder)):
        kept.fit(series.before(steps), (300.0,))
        expected = NeuralForecaster.load(folder).model.state_dict()
        found = kept.forecaster.model.state_dict()
        assert all((found[name] == value).all() for name, value in expected.items())


def test_a_fit_that_is_cancelled_leaves_what_was_kept_before(planner):
    where = week(planner)
    kept = planner.fit_forecaster(**where, epochs=1)
    before = {path.name: path.read_bytes() for path in kept.folder.iterdir()}
    with pytest.raises(ReplayCancelled):
        planner.fit_forecaster(**where, epochs=3, cancel=lambda: True)
    assert {path.name: path.read_bytes() for path in kept.folder.iterdir()} == before


def test_a_trace_takes_its_evaluations_and_forecasters_along_when_it_goes(planner):
    where = week(planner)
    report = planner.fit_forecaster(**where, epochs=1)
    planner.evaluate_forecasts(where["trace_key"], **QUICK, step_s=3600.0, horizons_s=(3600.0,))
    planner.evaluate_forecasts("demand", **QUICK)
    planner.delete_trace("week")
    assert not report.folder.exists()
    week(planner)
    assert planner.evaluations("week") == []
    assert len(planner.evaluations("demand")) == 1


def test_attention_of_the_shipped_forecaster_is_checked_on_the_test_part(planner):
    found = planner.faithfulness("demand")
    assert set(found) == {"steps", "features"}


def test_the_choice_takes_its_weights_from_the_newest_evaluation_of_this_demand(planner):
    with pytest.raises(UsageError, match="smartscale forecast evaluate --trace demand"):
        planner.forecast("demand", 600.0, model="choice")
    planner.evaluate_forecasts("demand", **QUICK, step_s=3.0)
    with pytest.raises(UsageError, match="none of this demand"):
        planner.forecast("demand", 600.0, model="choice")
    planner.evaluate_forecasts("demand", **QUICK)
    found = planner.forecast("demand", 600.0, model="choice")
    assert found.model == "choice"
    assert np.isfinite(found.quantiles).all()
    assert found.sees_later_demand  # the weights do
    kept = planner.evaluations("demand")[0].evaluation.choice_coverage
    counted = planner.coverage("demand", model="choice")
    assert np.array_equal(counted.covered, kept.read().covered, equal_nan=True)
    with pytest.raises(UsageError, match="none of this demand"):
        planner.coverage("demand", model="choice", step_s=6.0)


def test_every_forecaster_is_listed(planner):
    names = [info.name for info in planner.forecasters()]
    assert names[0] == "persistence"
    assert "bilstm" in names


def test_heavy_libraries_are_loaded_only_when_they_are_needed():
    code = (
        "import sys, engine.planner; "
        "print([m for m in ('torch', 'xgboost', 'prophet', 'statsmodels') if m in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout.strip() == "[]"
