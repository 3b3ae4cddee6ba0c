"""Runs: listed with their state, compared, started again, deleted only when asked twice."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import load, words
from engine.planner import Planner
from tests.app.conftest import text_of


def test_every_run_is_listed_with_status_and_figures(store, open_page):
    page = open_page("runs")
    shown = page.dataframe[0].value
    assert set(shown["status"]) == {"Done"}
    assert {"static", "hpa", "smartscale"} <= set(shown["policy"])
    assert all(cost.startswith("$") for cost in shown["cost"])
    assert page.button(key="runs_compare").disabled


def test_nothing_replayed_yet_says_where_to_start(no_samples, open_page):
    assert words.RUNS_EMPTY in text_of(open_page("runs"))


def toolbar_of(store, *positions: int) -> AppTest:
    """The buttons with some rows selected, which a test cannot do with the mouse."""
    with Planner(store) as planner:
        ids = list(planner.runs()["run_id"].iloc[list(positions)])

    def script(ids):
        from app import load  # noqa: PLC0415 - it runs as a script of its own
        from app.parts import run_actions  # noqa: PLC0415

        saved = load.planner().runs()
        run_actions.toolbar(saved[saved["run_id"].isin(ids)])

    return AppTest.from_function(script, args=(ids,), default_timeout=60).run()


@pytest.mark.parametrize(("positions", "again"), [((), False), ((0,), True), ((0, 1), False)])
def test_one_run_can_be_started_again_and_any_deleted(store, positions, again):
    page = toolbar_of(store, *positions)
    assert page.button(key="runs_again").disabled is not again
    assert page.button(key="runs_planner").disabled is not again
    assert page.button(key="runs_delete").disabled is (not positions)
    assert page.button(key="runs_compare").disabled is (not positions)


def test_an_interrupted_run_is_explained_and_finishes_when_started_again(store):
    with Planner(store) as planner, planner._store.transaction() as cursor:
        cursor.execute("UPDATE runs SET status = 'interrupted'")
        cursor.execute("UPDATE runs SET note = 'the process ended' WHERE policy = 'smartscale'")
    both = text_of(toolbar_of(store, 0, 1))
    assert both.count("Note:") == both.count("the process ended") == 1
    page = toolbar_of(store, 0)
    assert page.button(key="runs_compare").disabled
    policy = load.planner().runs()["policy"].iloc[0]
    page.button(key="runs_again").click().run()
    assert not page.exception
    (job,) = load.board()._jobs.values()
    assert job.wait(60)
    run = load.planner().run(job.result[0])
    assert (run.policy, run.status) == (policy, "done")


def test_a_running_run_can_be_neither_deleted_nor_started_again(store):
    with Planner(store) as planner:
        first = planner.runs()["run_id"].iloc[0]

    def script(run_id):
        from app import load  # noqa: PLC0415 - it runs as a script of its own
        from app.parts import run_actions  # noqa: PLC0415

        saved = load.planner().runs()
        picked = saved[saved["run_id"] == run_id].assign(status="running")
        run_actions.toolbar(picked)

    page = AppTest.from_function(script, args=(first,), default_timeout=60).run()
    assert page.button(key="runs_delete").disabled
    assert page.button(key="runs_again").disabled


def test_deleting_asks_before_it_deletes(store):
    page = toolbar_of(store, 0, 1)
    page.button(key="runs_delete").click().run()
    assert "Delete 2 runs for good?" in text_of(page)
    assert isinstance(load.planner().runs(), pd.DataFrame)
    assert len(load.planner().runs()) == 4
