"""The page *Explain* as a script: it opens, filters, explains and keeps reviews."""

import pytest

from app import explain_words, load, load_decisions
from engine.errors import StoreError
from tests.app.conftest import text_of


@pytest.fixture
def run_id(store):
    runs = load.planner().runs()
    found = runs.loc[runs["policy"].str.startswith("hpa"), "run_id"]
    return str(found.iloc[0])


def test_nothing_replayed_yet_says_where_to_start(no_samples, open_page):
    assert explain_words.NONE in text_of(open_page("explain"))


def test_a_decision_opens_from_its_address(run_id, open_page):
    page = open_page("explain", run=run_id, decision="100")
    assert "asks for" in page.info[0].value
    stages = page.table[1].value
    assert list(stages.iloc[:, 0])[:3] == ["Round up", "Carbon mask", "SLO floor"]


def test_a_plan_is_shown_with_each_steps_time_and_price(store, open_page):
    planner = load.planner()
    run = planner.run(str(planner.runs()["run_id"].iloc[0]))
    (run_id,) = planner.replay(run.trace_id, ["predictive:plan=true"], scenario=run.scenario)
    numbers = range(20, 400)
    number = next(n for n in numbers if planner.decision(run_id, number=n).plan)
    page = open_page("explain", run=run_id, decision=str(number))
    steps = planner.decision(run_id, number=number).plan
    (shown,) = [each.value for each in page.table if "Due" in each.value.columns]
    assert shown["To"].tolist() == [f"{step['to']:g}" for step in steps]
    assert explain_words.PLAN_CAPTION in text_of(page)


def test_a_learned_decision_says_what_moved_it_without_being_asked(store, open_page):
    runs = load.planner().runs()
    learned = str(runs.loc[runs["policy"].str.startswith("smartscale"), "run_id"].iloc[0])
    page = open_page("explain", run=learned, decision="100")
    job, _ = load_decisions.asked(learned)
    job.wait(60.0)
    page.run()
    assert not page.exception
    assert explain_words.ATTENTION_NONE in text_of(page)
    tables = [list(table.value.columns) for table in page.table]
    assert any(explain_words.VALUES_ALL in columns for columns in tables)
    assert any("Weight" in columns for columns in tables)


def test_a_run_that_failed_to_play_again_waits_until_somebody_tries_again(
    store, run_id, open_page, monkeypatch
):
    runs = load.planner().runs()
    learned = str(runs.loc[runs["policy"].str.startswith("smartscale"), "run_id"].iloc[0])
    job, ready = load_decisions.asked(run_id)
    job.wait(60.0)
    load_decisions.asked.clear(learned)
    calls = []

    def fails(self, run, **given):
        calls.append(run)
        raise StoreError("it cannot be played again", "run", "Replay it again")

    with monkeypatch.context() as patch:
        patch.setattr(type(load.planner()), "asked", fails)
        page = open_page("explain", run=learned, decision="100")
        load_decisions.asked(learned)[0].wait(60.0)
        page.run()
        page.run()
        assert calls == [learned]
        page.button(key="explain_moved_again").click().run()
        load_decisions.asked(learned)[0].wait(60.0)
        assert calls == [learned, learned]
    assert load_decisions.asked(run_id)[1] is ready
    load_decisions.asked.clear(learned)


def test_a_search_leaves_the_sentences_that_hold_it(run_id, open_page):
    page = open_page("explain", run=run_id, q="stabilisation")
    rows = [b.label for b in page.button if str(b.key).startswith("explain_row_")]
    assert rows
    assert all("stabilisation" in row for row in rows)


def test_a_search_for_what_no_sentence_says_says_so(run_id, open_page):
    page = open_page("explain", run=run_id, q="zebra")
    assert explain_words.SEARCH_NONE in text_of(page)
    assert explain_words.LIST_NONE not in text_of(page)


def test_a_review_is_kept(run_id, open_page):
    page = open_page("explain", run=run_id, decision="100")
    page.text_input(key="explain_reviewer").input("Ada")
    page.button_group(key="explain_verdict_100").set_value("disagree")
    next(b for b in page.button if b.label == explain_words.SAVE).click().run()
    assert explain_words.SAVED in text_of(page)
    found = load.planner().reviews([run_id])
    assert list(found[["number", "reviewer", "verdict"]].iloc[0]) == [100, "Ada", "disagree"]
