"""Stored traces: found by what people type, read in windows, renamed, deleted with care."""

import numpy as np
import pytest

from engine.errors import StoreError
from engine.store.duck import Store
from engine.store.traces import (
    delete_trace,
    find_trace,
    import_path,
    list_traces,
    load_carbon,
    load_requests,
    load_series,
    rename_trace,
    store_requests,
)
from engine.trace.schema import request_table, window
from tests.engine.store import samples

pytestmark = pytest.mark.slow


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def made(store, name, table=None):
    if table is None:
        table = request_table(np.arange(1.0, 4.0) * len(name))
    return store_requests(store, table, name=name, format="synth", source="x", recipe={})


def chained(count=2000, seed=4):
    rng = np.random.default_rng(seed)
    after = np.array([rng.integers(-1, n) if n else -1 for n in range(count)])
    return request_table(
        np.round(np.cumsum(rng.exponential(1.0, count)), 6),
        input_tokens=rng.integers(0, 5000, count),
        agent_type=rng.integers(-1, 3, count),
        agent_types=("a", "b", "c"),
        tenant=rng.integers(0, 2, count),
        tenants=("x", "y"),
        session=rng.integers(0, 9, count),
        after=after,
        think_s=np.where(after >= 0, 1.5, 0.0),
    )


def record_run(store, trace_id):
    """A run that refers to the trace; the other columns hold anything that fits."""
    anything = {"INTEGER": "0", "DOUBLE": "0", "BOOLEAN": "false", "JSON": "'{}'",
                "TIMESTAMP": "now()::TIMESTAMP", "VARCHAR": "'x'"}  # fmt: skip
    with store.cursor() as cursor:
        needed = cursor.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'runs' "
            "AND NOT is_nullable AND column_default IS NULL AND column_name <> 'trace_id'"
        ).fetchall()
        values = ", ".join(f"{anything[kind]} AS {name}" for name, kind in needed)
        cursor.execute(
            f"INSERT INTO runs BY NAME SELECT {values}, ? AS trace_id",
            [trace_id],
        )


def same(left, right):
    for name in ("arrival_s", "input_tokens", "agent_type", "tenant", "after", "think_s"):
        assert np.allclose(getattr(left, name), getattr(right, name)), name


@pytest.mark.parametrize(
    ("from_s", "to_s"),
    [(0.0, np.inf), (100.0, 900.0), (0.0, 0.5), (5000.0, 6000.0), (250.25, 251)],
)
def test_a_window_read_from_the_store_is_the_window_of_the_table(store, from_s, to_s):
    made(store, "long", chained())
    info = find_trace(store, "long")
    same(
        load_requests(store, info, from_s, to_s), window(load_requests(store, info), from_s, to_s)
    )
    same(load_requests(store, info), chained())


def test_a_million_requests_come_back_as_they_went_in(store):
    count = 1_000_000
    table = request_table(np.arange(count) / 10.0, input_tokens=np.arange(count) % 4000)
    made(store, "million", table)
    same(load_requests(store, find_trace(store, "million")), table)


def test_traces_of_one_store_do_not_mix(store):
    made(store, "one")
    made(store, "three")
    assert len(load_requests(store, find_trace(store, "one"))) == 3
    delete_trace(store, "one")
    assert load_requests(store, find_trace(store, "three")).arrival_s.tolist() == [5, 10, 15]


def test_a_trace_is_found_by_id_name_or_a_beginning_of_either(store):
    made(store, "alpha")
    trace_id = made(store, "beta-long").trace_id
    for given in (trace_id, trace_id[:6], "beta-long", "bet"):
        assert find_trace(store, given).name == "beta-long"


def test_an_exact_name_wins_over_longer_ones(store):
    made(store, "day")
    made(store, "day-two")
    assert find_trace(store, "day").name == "day"
    with pytest.raises(StoreError, match="fits 2 traces: day, day-two"):
        find_trace(store, "da")


def test_an_unknown_trace_names_the_nearest_one(store):
    with pytest.raises(StoreError, match="Import one first"):
        find_trace(store, "weekly")
    made(store, "weekday")
    with pytest.raises(StoreError, match="Did you mean 'weekday'"):
        find_trace(store, "weekly")
    with pytest.raises(StoreError, match="no trace ''"):
        find_trace(store, "")


def test_wildcards_of_sql_mean_nothing_in_names(store):
    made(store, "plain")
    with pytest.raises(StoreError):
        find_trace(store, "%")
    with pytest.raises(StoreError):
        find_trace(store, "pl_in")


def test_the_list_shows_the_newest_first(store):
    made(store, "older")
    made(store, "newer-one")
    assert list_traces(store).name.tolist() == ["newer-one", "older"]


def test_renaming_keeps_everything_else(store):
    before = find_trace(store, made(store, "old").trace_id)
    rename_trace(store, "old", "new name")
    after = find_trace(store, "new name")
    assert (after.trace_id, after.report) == (before.trace_id, before.report)
    assert len(load_requests(store, after)) == 3


def test_renaming_refuses_what_is_taken_or_empty(store):
    made(store, "one")
    made(store, "three")
    with pytest.raises(StoreError, match="taken"):
        rename_trace(store, "one", "three")
    with pytest.raises(StoreError, match="empty"):
        rename_trace(store, "one", "  ")
    rename_trace(store, "one", "one")
    assert sorted(list_traces(store).name) == ["one", "three"]


def test_deleting_removes_the_rows(store):
    made(store, "one")
    delete_trace(store, "one")
    with store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM requests").fetchone() == (0,)
    assert list_traces(store).empty


def test_a_trace_with_runs_is_deleted_by_force_only(store):
    trace_id = made(store, "used").trace_id
    record_run(store, trace_id)
    with pytest.raises(StoreError, match="1 run "):
        delete_trace(store, "used")
    assert len(list_traces(store)) == 1
    delete_trace(store, "used", force=True)
    assert list_traces(store).empty


def test_reading_the_wrong_kind_says_what_the_trace_is(store, tmp_path):
    path = tmp_path / "minutes.csv"
    path.write_bytes(samples.COUNTS)
    info = find_trace(store, import_path(store, path).trace_id)
    with pytest.raises(StoreError, match="holds series, not requests or sessions"):
        load_requests(store, info)
    with pytest.raises(StoreError, match="not carbon"):
        load_carbon(store, info)


def test_a_window_of_a_series_starts_at_zero(store, tmp_path):
    path = tmp_path / "minutes.csv"
    path.write_bytes(samples.COUNTS)
    info = find_trace(store, import_path(store, path).trace_id)
    part = load_series(store, info, 60.0, 180.0)
    assert part.t_s.tolist() == [0.0, 60.0]
    assert part.value.tolist() == [11.0, 14.0]
    assert len(load_series(store, info, 1e6, 2e6).t_s) == 0


def test_everything_survives_closing_the_store(store_path, tmp_path):
    path = tmp_path / "conv.csv"
    path.write_bytes(samples.AZURE)
    with Store(store_path) as store:
        before = find_trace(store, import_path(store, path).trace_id)
    with Store(store_path) as store:
        after = find_trace(store, "conv")
        assert after == before
        assert len(load_requests(store, after)) == 4
