"""Import as a whole: identity by content, all or nothing, names, repairs that can be seen."""

import gzip
import json

import duckdb
import numpy as np
import pytest

from engine.errors import ReplayCancelled, StoreError, TraceError
from engine.store import importing
from engine.store.duck import Store
from engine.store.traces import (
    Mapping,
    find_trace,
    import_path,
    list_traces,
    load_requests,
    load_series,
    store_requests,
    store_series,
)
from engine.trace.schema import Kind, SeriesTable, Severity, request_table
from engine.trace.writer import write
from tests.engine.store import samples
from tests.engine.store.test_import_malformed import content

pytestmark = pytest.mark.slow


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def put(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


def rules(imported):
    return {finding.rule: finding for finding in imported.findings}


def test_the_same_rows_have_the_same_identity_whatever_the_archive(store, tmp_path):
    first = import_path(store, put(tmp_path, "a.csv", samples.AZURE))
    assert not first.existed
    for name, data in (
        ("a.csv", samples.AZURE),
        ("b.csv.gz", samples.as_gzip(samples.AZURE)),
        ("c.csv.zst", samples.as_zstd(samples.AZURE)),
        ("archive_without_ending", samples.as_gzip(samples.AZURE)),
        ("windows.csv", samples.AZURE.replace(b"\n", b"\r\n")),
        ("marked.csv", b"\xef\xbb\xbf" + samples.AZURE),
        ("d.parquet", samples.as_parquet_of_azure()),
        ("e.jsonl", samples.as_json_lines_of_azure()),
    ):
        again = import_path(store, put(tmp_path, name, data))
        assert (again.trace_id, again.existed) == (first.trace_id, True), name
        assert again.name == first.name
    assert len(list_traces(store)) == 1


def test_different_rows_have_different_identities(store, tmp_path):
    made = {
        import_path(store, put(tmp_path, f"{n}.csv", data)).trace_id
        for n, data in enumerate(
            [
                samples.AZURE,
                samples.AZURE.replace(b",44\n", b",45\n"),
                samples.AZURE.replace(b"2023-11-16", b"2023-11-17"),
                samples.AZURE.replace(b"46.6805900", b"46.6805910"),
                samples.AZURE.replace(b"GeneratedTokens", b"OtherTokens"),
            ]
        )
    }
    assert len(made) == 5


def test_text_columns_cannot_be_shifted_into_each_other(store, tmp_path):
    """Equal text in other rows is other content."""
    ab = b"ts,model\n1,ab\n2,c\n"
    one = import_path(store, put(tmp_path, "one.csv", ab))
    other = import_path(store, put(tmp_path, "other.csv", ab.replace(b"ab\n2,c", b"a\n2,bc")))
    assert one.trace_id != other.trace_id


def test_names_come_from_the_file_and_are_numbered_when_taken(store, tmp_path):
    (tmp_path / "x").mkdir()
    first = import_path(store, put(tmp_path, "conv.csv.gz", samples.as_gzip(samples.AZURE)))
    second = import_path(store, put(tmp_path / "x", "conv.csv", samples.AZURE_2024))
    third = import_path(store, put(tmp_path, "b.csv", samples.BURSTGPT), name="conv")
    assert [first.name, second.name, third.name] == ["conv", "conv-2", "conv-3"]
    assert find_trace(store, first.trace_id).source == "conv.csv.gz"


def test_a_cancelled_import_leaves_no_trace_of_itself(store, tmp_path):
    import_path(store, put(tmp_path, "other.csv", samples.BURSTGPT))
    before = content(store)
    path = put(tmp_path, "a.csv", samples.AZURE)
    asked = 0

    def cancel():
        nonlocal asked
        asked += 1
        return asked >= stop

    for stop in range(1, 7):
        asked = 0
        with pytest.raises(ReplayCancelled, match="cancelled"):
            import_path(store, path, cancel=cancel)
        assert asked == stop
        assert content(store) == before
    assert not import_path(store, path).existed


@pytest.mark.parametrize("failing", ["content_digest", "_free_name", "ready_requests"])
def test_any_failure_in_the_middle_rolls_everything_back(store, tmp_path, monkeypatch, failing):
    import_path(store, put(tmp_path, "other.csv", samples.BURSTGPT))
    before = content(store)
    real = getattr(importing, failing)

    def broken(*arguments, **named):
        real(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, failing, broken)
    with pytest.raises(KeyboardInterrupt):
        import_path(store, put(tmp_path, "a.csv", samples.AZURE))
    assert content(store) == before
    monkeypatch.undo()
    assert not import_path(store, tmp_path / "a.csv").existed


def test_a_full_disk_is_explained(store, tmp_path, monkeypatch):
    def full(*_):
        raise duckdb.IOException("IO Error: No space left on device")

    monkeypatch.setattr(importing, "content_digest", full)
    with pytest.raises(StoreError, match="No space left"):
        import_path(store, put(tmp_path, "a.csv", samples.AZURE))
    assert list_traces(store).empty


def test_progress_rises_to_the_end_and_says_what_is_done(store, tmp_path):
    seen = []
    path = put(tmp_path, "a.csv", samples.AZURE)
    import_path(store, path, progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert {"Reading the file", "Parsing rows", "Storing"} <= {text for _, text in seen}


def test_unsorted_rows_are_sorted_and_the_report_says_so(store, tmp_path):
    head, *rows = samples.AZURE.splitlines(keepends=True)
    shuffled = head + rows[1] + rows[0] + rows[3] + rows[2]
    sorted_one = import_path(store, put(tmp_path, "sorted.csv", samples.AZURE))
    imported = import_path(store, put(tmp_path, "shuffled.csv", shuffled))
    assert imported.trace_id == sorted_one.trace_id
    found = rules(imported)["unsorted_times"]
    assert found.severity is Severity.REPAIRED
    assert (found.row, found.count) == (2, 2)
    assert "4.315 s" in found.what


def test_a_clock_set_back_is_told_from_shuffled_rows(store, tmp_path):
    rows = [b"%d,1,%d" % (t, t) for t in [*range(0, 600, 5), *range(300, 900, 5)]]
    data = b"ts,input_tokens,output_tokens\n" + b"\n".join(rows) + b"\n"
    found = rules(import_path(store, put(tmp_path, "a.csv", data)))
    assert found["clock_jump"].row == 121
    assert "unsorted_times" not in found


def test_mixed_line_endings_are_mended_visibly(store, tmp_path):
    plain = import_path(store, put(tmp_path, "plain.csv", samples.AZURE))
    lines = samples.AZURE.splitlines()
    mixed = lines[0] + b"\r\n" + lines[1] + b"\n" + lines[2] + b"\r" + b"\n".join(lines[3:])
    imported = import_path(store, put(tmp_path, "mixed.csv", mixed))
    assert imported.trace_id == plain.trace_id
    assert rules(imported)["mixed_line_endings"].severity is Severity.REPAIRED
    packed = import_path(store, put(tmp_path, "mixed.csv.gz", gzip.compress(mixed)))
    assert packed.trace_id == plain.trace_id


def test_quantised_stamps_are_spread_until_the_next_one(store, tmp_path):
    rows = [b"%d,1,2,3" % (t // 4 * 3) for t in range(40)]
    data = b"ts,input_tokens,output_tokens,x\n" + b"\n".join(rows) + b"\n"
    imported = import_path(store, put(tmp_path, "a.csv", data))
    found = rules(imported)["quantised_stamps"]
    assert found.severity is Severity.REPAIRED
    arrivals = load_requests(store, find_trace(store, imported.trace_id)).arrival_s
    assert np.allclose(arrivals, np.arange(40) * 0.75)


def test_a_pause_longer_than_the_step_does_not_stretch_the_spread(store, tmp_path):
    rows = [b"%d,1" % t for t in [0] * 10 + [1] * 10 + [500] * 10 + [501] * 10]
    imported = import_path(store, put(tmp_path, "a.csv", b"ts,input_tokens\n" + b"\n".join(rows)))
    arrivals = load_requests(store, find_trace(store, imported.trace_id)).arrival_s
    assert arrivals[19] == pytest.approx(1.9)


def test_equal_times_of_some_requests_are_only_noted(store, tmp_path):
    data = b"ts,input_tokens\n0,5\n1,6\n1,6\n1,7\n2,8\n"
    found = rules(import_path(store, put(tmp_path, "a.csv", data)))
    assert found["duplicate_times"].count == 2
    assert found["duplicate_rows"].count == 1
    assert {found[name].severity for name in ("duplicate_times", "duplicate_rows")} == {
        Severity.NOTE
    }


def test_a_long_pause_is_noted(store, tmp_path):
    times = [*range(500), *range(20_000, 20_500)]
    data = b"ts,input_tokens\n" + b"".join(b"%d,1\n" % t for t in times)
    assert "19,501 s" in rules(import_path(store, put(tmp_path, "a.csv", data)))["gap"].what


def test_absent_values_are_noted_and_stay_absent(store, tmp_path):
    data = b"ts,input_tokens,model\n0,5,a\n1,,b\n2,7,\n"
    imported = import_path(store, put(tmp_path, "a.csv", data))
    assert rules(imported)["missing_values"].count == 1
    table = load_requests(store, find_trace(store, imported.trace_id))
    assert table.input_tokens.tolist() == [5, -1, 7]
    assert table.output_tokens.tolist() == [-1, -1, -1]
    assert table.agent_type.tolist() == [0, 1, -1]


def test_unknown_columns_are_named(store, tmp_path):
    data = b"TIMESTAMP,ContextTokens,GeneratedTokens,colour\n2023-11-16 18:15:46,1,2,red\n"
    found = rules(import_path(store, put(tmp_path, "a.csv", data)))
    assert "colour" in found["unknown_columns"].what


def test_a_mapping_reads_any_table_and_its_unit(store, tmp_path):
    path = put(tmp_path, "mine.csv", samples.GENERIC)
    mapping = Mapping.parse("arrival=when_ms,input_tokens=prompt_tokens,tenant=user,unit=ms")
    imported = import_path(store, path, mapping=mapping)
    info = find_trace(store, imported.trace_id)
    table = load_requests(store, info)
    assert (info.kind, info.format) == (Kind.REQUESTS, "generic")
    assert table.arrival_s.tolist() == [0.0, 1.5, 2.5]
    assert table.input_tokens.tolist() == [10, 12, 11]
    assert table.output_tokens.tolist() == [-1, -1, -1]
    assert [table.tenants[code] for code in table.tenant] == ["acme", "umbrella", "acme"]


def test_a_partial_mapping_corrects_what_would_be_guessed(store, tmp_path):
    path = put(tmp_path, "mine.csv", samples.GENERIC)
    imported = import_path(store, path, mapping=Mapping.parse("input_tokens=completion_tokens"))
    table = load_requests(store, find_trace(store, imported.trace_id))
    assert table.input_tokens.tolist() == [20, 22, 21]
    assert table.arrival_s.tolist() == [0.0, 1.5, 2.5]


def test_column_names_are_never_read_as_sql(store, tmp_path):
    data = b'ts,"a"", (SELECT 1)); DROP TABLE traces; --"\n1,5\n2,6\n'
    imported = import_path(store, put(tmp_path, "x'; DROP TABLE traces; --.csv", data))
    assert find_trace(store, imported.trace_id).kind is Kind.SERIES
    rows = [{"ts": n, 'it\'s "odd"': n} for n in range(3)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    odd = import_path(store, put(tmp_path, "a.jsonl", lines))
    assert load_series(store, find_trace(store, odd.trace_id)).value.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["all[0-9]*.csv", "what?.csv", "{a,b}.csv", "**.csv"])
def test_a_file_name_is_never_read_as_a_pattern(store, tmp_path, name):
    put(tmp_path, "all1.csv", samples.BURSTGPT)
    put(tmp_path, "whatx.csv", samples.BURSTGPT)
    imported = import_path(store, put(tmp_path, name, samples.AZURE))
    assert imported.rows == 4


def test_requests_made_here_keep_their_times_and_round_trip_through_a_file(store, tmp_path):
    table = request_table(
        np.array([0.25, 1.0, 1.0, 7.5]),
        input_tokens=np.array([5, -1, 7, 8]),
        service_s=np.array([1.5, np.nan, 2.0, 3.0]),
        agent_type=np.array([0, 1, -1, 1]),
        agent_types=("large", "small"),
        session=np.array([0, 1, 0, 1]),
        after=np.array([-1, -1, 0, 1]),
        think_s=np.array([0.0, 0.0, 0.5, 2.0]),
    )
    stored = store_requests(
        store, table, name="made", format="synth", source="bursty", recipe={"seed": 3}
    )
    info = find_trace(store, "made")
    back = load_requests(store, info)
    for name in ("arrival_s", "input_tokens", "service_s", "session", "after", "think_s"):
        assert np.array_equal(getattr(back, name), getattr(table, name), equal_nan=True), name
    assert back.agent_types == table.agent_types
    assert (info.kind, info.recipe, info.format) == (Kind.SESSIONS, {"seed": 3}, "synth")
    write(table, tmp_path / "made.csv.gz")
    assert import_path(store, tmp_path / "made.csv.gz").trace_id == stored.trace_id


def test_equal_times_made_here_are_meant(store):
    table = request_table(np.repeat(np.arange(10.0), 5))
    store_requests(store, table, name="steps", format="synth", source="x", recipe={})
    assert np.array_equal(load_requests(store, find_trace(store, "steps")).arrival_s,
                          table.arrival_s)  # fmt: skip


def test_no_requests_are_no_trace(store):
    with pytest.raises(TraceError, match="no rows"):
        store_requests(
            store, request_table(np.empty(0)), name="none", format="synth", source="x", recipe={}
        )


def test_a_series_made_here_round_trips(store):
    table = SeriesTable(
        t_s=np.arange(4) * 60.0, value=np.array([1.0, 4, 2, 3]), interval_s=60.0, unit="requests"
    )
    store_series(store, table, name="made", format="synth", source="x", recipe={}, epoch_s=1e9)
    info = find_trace(store, "made")
    back = load_series(store, info)
    assert np.array_equal(back.t_s, table.t_s)
    assert np.array_equal(back.value, table.value)
    assert (back.unit, back.interval_s, info.epoch_s) == ("requests", 60.0, 1e9)


@pytest.mark.parametrize(
    ("t_s", "value"),
    [([], []), ([0, 60, 180], [1, 2, 3]), ([0, 55], [1, 2]), ([0, 60], [1, float("nan")])],
)
def test_a_series_off_its_grid_is_refused(store, t_s, value):
    table = SeriesTable(
        t_s=np.array(t_s, float), value=np.array(value, float), interval_s=60.0, unit="requests"
    )
    with pytest.raises(TraceError):
        store_series(store, table, name="odd", format="synth", source="x", recipe={})
    assert list_traces(store).empty
