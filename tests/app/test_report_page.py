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


ADDRESS = {
    "mode": "owned", "currency": "EUR", "rate": "0.9", "years": "7",
    "assume": "growth:0.2,growth.low:0.0,growth.high:0.4",
}  # fmt: skip


def test_an_address_holds_the_whole_report(store, demo, open_page):
    with Planner(store) as planner:
        base = planner.assumptions(demo)
        given = base.changed(
            {
                "mode": "owned", "currency": "EUR", "currency_per_usd": 0.9, "years": 7,
                "growth": {"value": 0.2, "low": 0.0, "high": 0.4},
            }
        )  # fmt: skip
        wanted = planner.report([demo[0], demo[2], demo[1]], demo[0], given)
    page = open_page("report", runs=",".join(demo), baseline=demo[0], candidate=demo[2], **ADDRESS)
    assert not page.exception
    said = text_of(page).replace("\\", "")
    assert wanted.verdict in said
    assert "€" in page.metric[0].value
    default = base["growth"]
    assert f"growth of demand 0.2 per year (default {default:g})" in said


def test_what_is_chosen_goes_into_the_address(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    page.button_group(key="report_candidate").set_value(demo[2]).run()
    page.button_group(key="report_mode").set_value("owned").run()
    page.number_input(key="report_years").set_value(5).run()
    said = page.query_params
    assert (said["candidate"], said["mode"], said["years"]) == (demo[2], "owned", "5")
    assert said["baseline"] == demo[0]


def test_another_currency_asks_for_its_rate_and_then_uses_it(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    page.selectbox(key="report_currency").set_value("JPY").run()
    assert not page.exception
    assert any("How many JPY is one US dollar?" in info.value for info in page.info)
    assert "$" in page.metric[0].value
    page.number_input(key="report_rate").set_value(150.0).run()
    assert not any("How many" in info.value for info in page.info)
    assert "¥" in page.metric[0].value
    assert page.query_params["rate"] == "150.0"
    page.selectbox(key="report_currency").set_value("EUR").run()
    assert any("How many EUR" in info.value for info in page.info)
    assert "rate" not in page.query_params


def test_an_edit_that_cannot_be_is_told_and_the_others_count(demo, open_page):
    page = open_page(
        "report", runs=",".join(demo), baseline=demo[0], assume="growth:-7,pue:1.5", years="x"
    )
    assert not page.exception
    said = text_of(page)
    assert "growth" in said
    assert "power usage effectiveness 1.5 times (default 1.2)" in said


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


def test_a_review_needs_a_name_and_a_text(demo, open_page):
    page = open_page("report", runs=",".join(demo), baseline=demo[0])
    page.text_area(key="report_review").set_value("Watch the season.").run()
    assert not page.exception
    page.text_input(key="report_reviewer").set_value("Ada").run()
    assert not page.exception
    assert page.text_area(key="report_review").value == "Watch the season."
