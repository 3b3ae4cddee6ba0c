from dataclasses import fields

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.errors import UsageError
from engine.trace.schema import request_table
from engine.trace.writer import write

ENDINGS = [".csv", ".csv.gz", ".csv.zst", ".parquet"]


def read_back(path):
    frame = (
        duckdb.read_parquet(str(path))
        if path.suffix == ".parquet"
        else duckdb.read_csv(str(path), header=True, delimiter=",")
    ).df()
    arrival_s = frame.pop("arrival_s").to_numpy(np.float64)
    columns = {}
    names = {}
    for name in frame:
        if name in ("tenant", "agent_type"):
            names[f"{name}s"] = tuple(sorted(frame[name].dropna().unique()))
            found = {text: index for index, text in enumerate(names[f"{name}s"])}
            columns[name] = frame[name].map(found).fillna(-1).to_numpy()
        else:
            absent = {"service_s": np.nan, "think_s": 0.0}.get(name, -1)
            columns[name.replace("after_seq", "after")] = frame[name].fillna(absent).to_numpy()
    return request_table(arrival_s, **names, **columns)


def full_table():
    return request_table(
        np.array([0.0, 0.000001, 86399.123457, 31_000_000.654321]),
        input_tokens=np.array([5, -1, 7, 2_147_483_647]),
        output_tokens=np.array([0, 1, -1, 3]),
        service_s=np.array([0.1, np.nan, 1e-6, 12345.678901]),
        agent_type=np.array([0, -1, 1, 0]),
        tenant=np.array([1, 0, 1, -1]),
        session=np.array([0, 1, 0, 0]),
        after=np.array([-1, -1, 0, 2]),
        think_s=np.array([0.0, 0.0, 0.0, 2.5]),
        prefix_tokens=np.array([0, 0, 64, -1]),
        agent_types=('big, "quoted"', "small"),
        tenants=("Ärzte", "b"),
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_column_comes_back_as_it_was(tmp_path, ending):
    table, path = full_table(), tmp_path / f"t{ending}"
    write(table, path)
    back = read_back(path)
    for field in fields(table):
        wanted, got = getattr(table, field.name), getattr(back, field.name)
        if field.name == "tenants":
            assert set(got) == set(wanted)
        elif field.name == "agent_types":
            assert got == wanted
        elif field.name == "tenant":
            assert [back.tenants[i] if i >= 0 else "" for i in got] == ["b", "Ärzte", "b", ""]
        else:
            assert np.array_equal(got, wanted, equal_nan=True), field.name


@pytest.mark.slow
@given(
    arrival_s=hnp.arrays(np.int64, st.integers(1, 50), elements=st.integers(0, 10**14)).map(
        lambda whole: np.sort(whole) / 1e6
    ),
    ending=st.sampled_from([".csv", ".parquet"]),
)
def test_any_whole_microsecond_comes_back_exactly(tmp_path_factory, arrival_s, ending):
    path = tmp_path_factory.mktemp("t") / f"t{ending}"
    write(request_table(arrival_s), path)
    assert np.array_equal(read_back(path).arrival_s, arrival_s)


def test_columns_that_hold_nothing_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    write(request_table(np.array([1.5]), output_tokens=np.array([3])), path)
    assert path.read_text(encoding="utf-8") == "arrival_s,output_tokens\n1.5,3\n"


def test_an_empty_table_is_a_header(tmp_path):
    write(request_table(np.empty(0)), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "arrival_s\n"


@pytest.mark.parametrize("name", ["t.txt", "t", "t.csv.bz2"])
def test_other_endings_are_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(UsageError, match=r"\.csv\.zst, \.parquet"):
        write(full_table(), tmp_path / name)


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        write(full_table(), tmp_path / "absent" / "t.csv")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.parquet"
    path.mkdir()
    with pytest.raises(UsageError):
        write(full_table(), path)
    assert list(tmp_path.iterdir()) == [path]
