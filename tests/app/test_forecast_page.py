"""Forecast: whether to trust it comes first; any moment can be looked at; all of it is a link."""

from dataclasses import replace

import pytest

from app import forecast_words as words
from app import load
from engine.errors import UsageError
from engine.forecast.fitted import FitReport
from engine.planner import Planner
from tests.app.conftest import text_of

QUICK = ["persistence", "ets"]
SETTINGS = {"models": QUICK, "horizons_s": (30.0, 60.0), "seeds": (0,), "origins": 20}


@pytest.fixture
def trace_id(store) -> str:
    """Half an hour of requests."""
    with Planner(store) as planner:
        made = planner.synthesize(
            "bursty", duration_s=1800.0, mean_rate_per_s=3.0, seed=5, name="short"
        )
    return made.trace_id


@pytest.fixture
def page(trace_id, open_page):
    return open_page("forecast", trace=trace_id, model="persistence")


@pytest.fixture
def evaluated(store, trace_id, open_page):
    with Planner(store) as planner:
        planner.evaluate_forecasts(trace_id, **SETTINGS)
    return open_page("forecast", trace=trace_id, model="persistence")


def wait(page):
    """Until the job has ended and the page has seen it."""
    for job in load.board()._jobs.values():
        assert job.wait(60)
    page.run()
    assert not page.exception


def fan_of(page):
    return next(table.value for table in page.table if words.AHEAD in table.value)


def test_without_an_evaluation_nobody_knows_whether_to_trust_it(page):
    said = text_of(page)
    assert words.UNSCORED in said
    assert "Persistence says" in said
    assert fan_of(page)[words.AHEAD].iloc[0] == "30 s"


def test_an_evaluation_says_whom_to_trust_and_how_all_did(evaluated):
    said = text_of(evaluated)
    assert "80 % band" in [*evaluated.success, *evaluated.warning][0].proto.title
    assert "lost least" in said
    board = next(t.value for t in evaluated.table if "Forecaster" in t.value)
    assert len(board) >= len(QUICK)
    assert board["Forecaster"].str.contains("use this").sum() == 1


def test_the_choice_is_recommended_and_its_fan_can_be_looked_at(
    evaluated, trace_id, open_page, monkeypatch
):
    said = text_of(evaluated)
    assert "Use the choice for this trace" in said
    offered = evaluated.selectbox(key="forecast_model").options
    assert offered[0] == words.CHOICE_LABEL
    page = open_page("forecast", trace=trace_id, model="choice")
    said = text_of(page)
    assert "the choice for this trace says" in said
    assert words.CHOICE_WEIGHTS in said
    assert words.SEES_LATER not in said
    assert words.CHOICE_COVERAGE not in said
    assert words.OVER_TIME_CAPTION.partition("{")[0] in said
    before = fan_of(page)
    page.slider(key="forecast_at").set_value(20.0).run()
    assert not page.exception
    assert not fan_of(page).equals(before)
    monkeypatch.setattr(load, "evaluation", without_hits(load.evaluation))
    page.run()
    assert not page.exception
    assert words.CHOICE_COVERAGE in text_of(page)


def without_hits(evaluation):
    """As it was stored before hits of the choice were kept."""

    def found(of):
        stored = evaluation(of)
        return replace(stored, evaluation=replace(stored.evaluation, choice_coverage=None))

    return found


def test_another_moment_is_another_forecast_and_another_address(page):
    before = fan_of(page)
    slider = page.slider(key="forecast_at")
    slider.set_value(10.0).run()
    assert not page.exception
    assert page.query_params["at"] == "600"
    assert not fan_of(page).equals(before)
    page.button(key="forecast_later").click().run()
    assert page.query_params["at"] == "605"


def test_a_moment_outside_the_trace_is_brought_inside(trace_id, open_page):
    page = open_page("forecast", trace=trace_id, model="persistence", at="99999999")
    assert "Persistence says" in text_of(page)
    assert words.UNKNOWN in set(fan_of(page)[words.CAME])


def test_another_horizon_is_another_leaderboard(evaluated):
    evaluated.button_group(key="forecast_scored").set_value("60").run()
    assert not evaluated.exception


def test_busy_slots_of_a_pool_are_forecast_too(trace_id, open_page):
    page = open_page(
        "forecast", trace=trace_id, model="persistence", unit="slots", preset="llm-agents"
    )
    assert "busy slots" in text_of(page)


def test_evaluating_is_a_job_that_ends_in_a_verdict(page, monkeypatch):
    evaluate = Planner.evaluate_forecasts
    monkeypatch.setattr(
        Planner, "evaluate_forecasts",
        lambda self, key, **given: evaluate(self, key, **(given | SETTINGS)),
    )  # fmt: skip
    page.button(key="forecast_evaluate").click().run()
    wait(page)
    assert words.UNSCORED not in text_of(page)
    assert any("Forecaster" in table.value for table in page.table)


def test_a_job_that_fails_says_why_beside_its_button(page, monkeypatch):
    def refuse(*_, **__):
        raise UsageError("the trace is too short to fit to", "fit", "Use a longer trace")

    monkeypatch.setattr(Planner, "fit_forecaster", refuse)
    page.button(key="forecast_fit").click().run()
    wait(page)
    assert "too short to fit" in text_of(page)


def test_fitting_says_what_it_was_worth(page, monkeypatch):
    report = FitReport(
        before=1.0, after=0.9, test_before=2.0, test_after=1.5, unit="requests/s", epochs=4,
        stopped="early", fitted_until_s=1500.0,
    )  # fmt: skip
    monkeypatch.setattr(Planner, "fit_forecaster", lambda *_, **__: report)
    page.button(key="forecast_fit").click().run()
    wait(page)
    assert "Fitting helps here" in text_of(page)
    assert page.button(key="forecast_fit_look")


def test_a_forecaster_that_is_not_fitted_yet_says_how_to_fit_it(trace_id, open_page):
    page = open_page("forecast", trace=trace_id, model="bilstm-fitted")
    assert "no forecaster is fitted" in text_of(page).lower()


def test_without_demand_there_is_a_way_to_get_some(no_samples, open_page):
    assert words.NONE in text_of(open_page("forecast"))
