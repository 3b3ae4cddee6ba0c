"""A file that cannot become a trace says what, where and how to fix it, and changes nothing."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TraceError
from engine.store.duck import Store
from engine.store.traces import Imported, Mapping, delete_trace, import_path
from tests.engine.store.malformed import AZURE, CONTENT, GZ, SPECIAL, azure_rows


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that already holds a trace, shared because no test may change it."""
    folder = tmp_path_factory.mktemp("malformed")
    good = folder / "good.csv"
    good.write_bytes(AZURE + azure_rows(50))
    with Store(folder / "store.duckdb") as opened:
        import_path(opened, good)
        yield opened


def content(store: Store) -> str:
    """Digest of every row of every table."""
    digest = hashlib.sha256()
    with store.cursor() as cursor:
        tables = sorted(str(row[0]) for row in cursor.execute("SHOW TABLES").fetchall())
        for table in tables:
            digest.update(table.encode())
            rows = cursor.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608
            digest.update(repr(sorted(rows, key=repr)).encode())
    return digest.hexdigest()


def refused(store: Store, path: Path, **options: object) -> TraceError:
    before = content(store)
    with pytest.raises(TraceError) as caught:
        import_path(store, path, **options)
    assert content(store) == before
    error = caught.value
    assert all(part.strip() for part in (error.what, error.where, error.fix)), error
    assert not error.fix.endswith("."), error
    return error


def test_there_are_at_least_sixty_malformed_files():
    assert len(CONTENT) + len(SPECIAL) >= 60
    assert len(set(CONTENT.values())) == len(CONTENT)


@pytest.mark.parametrize("fault", CONTENT)
def test_a_malformed_file_is_refused_and_the_store_stays_as_it_was(store, tmp_path, fault):
    name, data = CONTENT[fault]
    path = tmp_path / name
    path.write_bytes(data)
    error = refused(store, path)
    assert name in error.where


@pytest.mark.parametrize("fault", SPECIAL)
def test_what_is_no_readable_file_is_refused(store, tmp_path, fault):
    path = tmp_path / "trace.csv"
    SPECIAL[fault](path)
    assert "trace.csv" in refused(store, path).where


@pytest.mark.parametrize(
    ("fault", "row", "column"),
    [
        ("text_for_tokens", 4, "ContextTokens"),
        ("text_for_tokens_late", 301, "ContextTokens"),
        ("text_for_a_time", 4, "TIMESTAMP"),
        ("row_too_long", 4, None),
        ("row_too_short", 4, None),
        ("no_time_late", 301, None),
        ("negative_tokens", 4, None),
        ("time_of_1970", 1, None),
        ("unix_time_of_0_among_others", 2, None),
        ("infinite_time", 2, None),
        ("session_without_a_name", 2, None),
        ("negative_price", 2, None),
        ("json_text_for_tokens", 2, None),
        ("json_line_broken_late", 301, None),
        ("vm_with_text_late", 251, "column 5"),
    ],
)
def test_the_first_faulty_row_is_named(store, tmp_path, fault, row, column):
    name, data = CONTENT[fault]
    path = tmp_path / name
    path.write_bytes(data)
    where = refused(store, path).where
    assert f"row {row}" in where.replace(",", " ,").replace(":", " :") + " "
    if column:
        assert repr(column) in where


def test_a_mapped_column_that_is_not_there_is_refused_with_the_nearest_name(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"stamp,prompt\n1,5\n2,6\n")
    error = refused(store, path, mapping=Mapping.parse("arrival=stamps,input_tokens=prompt"))
    assert "'stamp'" in error.fix


def test_a_format_that_was_asked_for_names_the_column_it_lacks(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"TIMESTAMP,ContextTokens,Generated\n2023-11-16 18:15:46,1,2\n")
    error = refused(store, path, format="azure_llm")
    assert "generatedtokens" in error.what
    assert "'Generated'" in error.fix


def _import_or_refuse(store: Store, path: Path) -> Imported | None:
    before = content(store)
    try:
        return import_path(store, path)
    except TraceError as error:
        assert error.what
        assert error.where
        assert error.fix
        assert content(store) == before
        return None


@pytest.mark.slow
@settings(max_examples=25)
@given(keep=st.integers(0, len(GZ) - 1))
def test_any_cut_of_an_archive_is_refused(store, tmp_path_factory, keep):
    path = tmp_path_factory.mktemp("cut") / "a.csv.gz"
    path.write_bytes(GZ[:keep])
    assert _import_or_refuse(store, path) is None


@pytest.mark.slow
@settings(max_examples=40)
@given(at=st.integers(0, 1500), noise=st.binary(min_size=1, max_size=12), archive=st.booleans())
def test_noise_anywhere_gives_a_trace_or_a_refusal_and_nothing_else(
    store, tmp_path_factory, at, noise, archive
):
    text = AZURE + azure_rows(40)
    text = text[: at % len(text)] + noise + text[at % len(text) + len(noise) :]
    path = tmp_path_factory.mktemp("noise") / "a.csv"
    path.write_bytes(gzip.compress(text) if archive else text)
    imported = _import_or_refuse(store, path)
    if imported is not None and not imported.existed:
        delete_trace(store, imported.trace_id)
