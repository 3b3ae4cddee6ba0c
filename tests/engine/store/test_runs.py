"""Runs in the store: begun, filled at once or marked; finished ones are never half replaced."""

import numpy as np
import pytest

from engine.errors import StoreError
from engine.store import runs
from engine.store.duck import Store

ROW = {
    "run_id": "a1b2c3",
    "trace_id": "t1",
    "trace_name": "demand",
    "epoch_s": None,
    "tick_s": 15.0,
    "from_s": 0.0,
    "to_s": 30.0,
    "scenario_name": "small",
    "scenario_hash": "5c",
    "scenario": {"seed": 1},
    "policy": "static",
    "policy_spec": {"name": "static", "parameters": {}},
    "code_version": "v1",
    "closed_loop": False,
    "pools": ["own"],
}


def latency(*buckets):
    number = len(buckets)
    return {
        "latency": {
            "tick": np.zeros(number, np.int32),
            "pool": np.zeros(number, np.int16),
            "bucket": np.array(buckets, np.int16),
            "requests": np.ones(number, np.int32),
        }
    }


def buckets_of(store):
    with store.cursor() as cursor:
        rows = cursor.execute("SELECT run_no, bucket FROM latency ORDER BY bucket").fetchall()
    return [tuple(row) for row in rows]


@pytest.fixture
def store():
    with Store() as opened:
        yield opened


@pytest.fixture
def done(store):
    """The number of a finished run."""
    number = runs.begin_run(store, ROW)
    runs.finish_run(store, number, latency(3, 4), {"p50_s": 1.5, "reaction_s": None}, 0.25)
    return number


def test_a_finished_run_is_read_back_as_it_was_stored(store, done):
    row = runs.find_run(store, "a1b2c3")
    assert {name: getattr(row, name) for name in ROW if name != "pools"} == {
        name: value for name, value in ROW.items() if name != "pools"
    }
    assert row.pools == ("own",)
    assert (row.status, row.note, row.wall_s) == ("done", None, 0.25)
    assert row.scorecard == {"p50_s": 1.5, "reaction_s": None}
    assert row.created_at <= row.finished_at
    assert buckets_of(store) == [(done, 3), (done, 4)]


def test_a_run_under_way_holds_nothing_yet(store):
    runs.begin_run(store, ROW)
    row = runs.find_run(store, "a1b2c3")
    assert (row.status, row.scorecard, row.finished_at) == ("running", {}, None)
    assert buckets_of(store) == []


def test_a_failing_write_leaves_nothing_of_the_run(store):
    number = runs.begin_run(store, ROW)
    bad = latency(1) | {"decisions": {"tick": np.array([1])}}  # columns that may not be absent
    with pytest.raises(Exception, match="NOT NULL"):
        runs.finish_run(store, number, bad, {}, 1.0)
    assert buckets_of(store) == []
    assert runs.find_run(store, "a1b2c3").status == "running"


def test_a_finished_run_stays_until_its_replacement_is_complete(store, done):
    again = runs.begin_run(store, ROW)
    assert runs.find_run(store, "a1b2c3").status == "done"
    assert buckets_of(store) == [(done, 3), (done, 4)]
    before = runs.find_run(store, "a1b2c3").created_at
    runs.finish_run(store, again, latency(9), {"p50_s": 2.0}, 0.5)
    row = runs.find_run(store, "a1b2c3")
    assert (row.status, row.scorecard) == ("done", {"p50_s": 2.0})
    assert row.created_at > before
    assert [bucket for _, bucket in buckets_of(store)] == [9]
    assert len(runs.list_runs(store)) == 1


@pytest.mark.parametrize("status", ["cancelled", "failed", "interrupted"])
def test_a_run_that_does_not_finish_says_why(store, status):
    number = runs.begin_run(store, ROW)
    runs.end_run(store, number, status, "somebody stopped it")
    row = runs.find_run(store, "a1b2c3")
    assert (row.status, row.note) == (status, "somebody stopped it")


def test_a_finished_run_cannot_be_marked_as_failed(store, done):
    runs.end_run(store, done, "failed", "another run of the same replay failed")
    assert runs.find_run(store, "a1b2c3").status == "done"


def test_an_unfinished_run_gives_way_to_the_next_attempt(store):
    runs.end_run(store, runs.begin_run(store, ROW), "cancelled", "")
    runs.begin_run(store, ROW)
    assert [row.status for row in runs.list_runs(store)] == ["running"]


def test_a_run_deleted_while_it_was_under_way_leaves_no_rows_behind(store):
    number = runs.begin_run(store, ROW)
    runs.delete_run(store, "a1b2c3")
    with pytest.raises(StoreError, match="deleted or started again"):
        runs.finish_run(store, number, latency(1), {}, 1.0)
    assert buckets_of(store) == []


def test_deleting_a_run_deletes_everything_it_recorded_and_nothing_else(store, done):
    other = runs.begin_run(store, {**ROW, "run_id": "b7"})
    runs.finish_run(store, other, latency(5), {}, 1.0)
    runs.delete_run(store, "a1b2c3")
    assert [row.run_id for row in runs.list_runs(store)] == ["b7"]
    assert buckets_of(store) == [(other, 5)]


def test_runs_are_found_by_the_beginning_of_their_id(store, done):
    runs.begin_run(store, {**ROW, "run_id": "a1ffff"})
    assert runs.find_run(store, "a1b").run_no == done
    with pytest.raises(StoreError, match="2 runs begin with 'a1'"):
        runs.find_run(store, "a1")
    for unknown in ("zz", ""):
        with pytest.raises(StoreError):
            runs.find_run(store, unknown)


def test_an_unknown_run_names_the_nearest_known_one(store, done):
    with pytest.raises(StoreError, match="Did you mean 'a1b2c3'"):
        runs.find_run(store, "a1b2c4")


def test_without_runs_the_advice_is_to_replay(store):
    with pytest.raises(StoreError, match="Replay a trace first"):
        runs.find_run(store, "a")


def test_runs_of_a_trace_are_known(store, done):
    assert runs.runs_of_trace(store, "t1") == ["a1b2c3"]
    assert runs.runs_of_trace(store, "t2") == []


def test_a_run_that_was_under_way_when_its_process_ended_is_interrupted(store_path):
    with Store() as store:
        runs.begin_run(store, ROW)
    with Store() as store:
        row = runs.find_run(store, "a1b2c3")
        assert (row.status, row.note) == ("interrupted", "the process that ran it was stopped")


def test_the_newest_run_is_listed_first(store, done):
    runs.begin_run(store, {**ROW, "run_id": "b7"})
    assert [row.run_id for row in runs.list_runs(store)] == ["b7", "a1b2c3"]
    frame = runs.runs_frame(runs.list_runs(store))
    assert frame["status"].tolist() == ["running", "done"]
