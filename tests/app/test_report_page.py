"""Report: chosen, read from the top, assumptions changed, files taken away."""

import pandas as pd
import pytest

from app import words
from app.charts import money
from engine.planner import Planner
from tests.app.conftest import text_of


@pytest.fixture
def demo(store) -> list[str]:
    """Run ids of the prepared comparison, the baseline first."""
    with Planner(store) as planner:
        ids, _ = planner.demo()
    return ids


@pytest.fixture
def report(store, demo):
    """The prepared comparison's report."""
    with Planner(store) as planner:
        return planner.report(demo, demo[0])


def test_the_verdict_and_its_warnings_come_first(demo, report, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    said = text_of(page).replace("\\", "")
    assert report.verdict in said
    for warning in report.warnings:
        assert warning in said
    assert [metric.label for metric in page.metric][:2] == ["Savings per month", "Payback"]


def test_savings_that_break_the_promise_are_no_success(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    assert not page.success
    assert any("Switching from" in warning.value for warning in page.warning)


def test_without_runs_there_is_something_to_choose(demo, open_page):
    page = open_page("report")
    assert words.REPORT_INTRO in text_of(page)
    page.button(key="suggested_0").click().run()
    assert not page.exception
    assert set(page.query_params["runs"].split(",")) == set(demo)
    assert page.metric


def test_another_candidate_is_another_report(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    before = page.metric[0].value
    page.button_group(key="report_candidate").set_value(demo[2]).run()
    assert not page.exception
    assert page.metric[0].value != before


def test_a_longer_horizon_is_in_the_report(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    page.number_input(key="report_years").set_value(7).run()
    assert "Net present value, 7 years" in [metric.label for metric in page.metric]


def test_runs_of_different_demand_say_why_there_is_no_report(store, demo, open_page):
    with Planner(store) as planner:
        scenario = planner.presets()["llm-agents"]
        (other,) = planner.replay("bursty", ["static"], scenario=scenario, to_s=600.0)
    page = open_page("report", runs=f"{demo[0]},{other}", baseline=demo[0])
    assert "different traces" in text_of(page).lower()


def data_of(chart) -> pd.DataFrame:
    """Of the first layer; Altair lifts what all layers share."""
    own = chart.layer[0].data
    return own if isinstance(own, pd.DataFrame) else chart.data


def test_charts_show_what_the_report_says(report):
    drawn = data_of(money.flows(report))
    assert list(drawn["flow"]) == [year.flow for year in report.switch.years]
    bars = data_of(money.tornado(report))
    assert set(bars["to"]) == {
        end for bar in report.switch.tornado[: money.BARS_MAX] for end in (bar.at_low, bar.at_high)
    }
    costs = data_of(money.components(report)).groupby("run")["cost"].sum()
    assert costs[f"{report.runs[0].policy} (baseline)"] == pytest.approx(report.runs[0].per_year)
