"""Evaluations in the store: found again, replaced by the same id, gone with their trace."""

import numpy as np
import pytest

from engine.store import forecasts, traces
from engine.store.duck import Store
from engine.trace.schema import request_table


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def save(store, evaluation_id="e1", trace_id="t1", result="{}"):
    return forecasts.save_evaluation(
        store, evaluation_id, trace_id=trace_id, spec={"models": ["ets"]}, code_version="v1",
        wall_s=2.5, result=result,
    )  # fmt: skip


def test_an_evaluation_is_found_as_it_was_saved(store):
    saved = save(store, result='{"a": [1.5, null]}')
    assert forecasts.find_evaluation(store, "e1") == saved
    assert saved.spec == {"models": ["ets"]}
    assert forecasts.find_evaluation(store, "e2") is None


def test_the_same_id_replaces_what_was_there(store):
    save(store, result="1")
    save(store, result="2")
    assert [row.result for row in forecasts.evaluations_of_trace(store, "t1")] == ["2"]


def test_evaluations_of_a_trace_come_newest_first(store):
    for number in range(3):
        save(store, f"e{number}")
    save(store, "other", trace_id="t2")
    rows = forecasts.evaluations_of_trace(store, "t1")
    assert [row.evaluation_id for row in rows] == ["e2", "e1", "e0"]


def test_evaluations_go_with_their_trace(store):
    table = request_table(np.arange(10.0))
    kept, gone = (
        traces.store_requests(store, part, name=name, format="test", source="test", recipe={})
        for name, part in (("kept", table), ("gone", request_table(np.arange(12.0))))
    )
    save(store, "a", trace_id=kept.trace_id)
    save(store, "b", trace_id=gone.trace_id)
    traces.delete_trace(store, "gone")
    assert forecasts.find_evaluation(store, "a") is not None
    assert forecasts.find_evaluation(store, "b") is None


def test_a_store_of_before_gets_the_table(store_path):
    with Store(store_path) as opened, opened.transaction() as cursor:
        cursor.execute("DROP TABLE evaluations")
    with Store(store_path) as opened:
        save(opened)
        assert forecasts.find_evaluation(opened, "e1") is not None
