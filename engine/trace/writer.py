"""Requests to a file that our importer reads back as they were: CSV or Parquet.

Column names are the canonical ones; columns that hold nothing are left out. Equal tables give
equal bytes: archives carry no time stamp.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import zstandard

from engine.errors import UsageError
from engine.trace.schema import RequestTable
from engine.units import Int32Array


def write(table: RequestTable, path: Path) -> None:
    """Writes all requests; an existing file is replaced at the very end.

    Args:
        table: as generated or read.
        path: its ending chooses the form: .csv, .csv.gz, .csv.zst or .parquet.

    Raises:
        UsageError: another ending, or the file cannot be written there.
    """
    form = next((save for ending, save in _FORMS.items() if path.name.endswith(ending)), None)
    if form is None:
        raise UsageError(
            f"the ending of {path.name!r} names no form that can be written",
            "output file",
            f"Use one of {', '.join(_FORMS)}",
        )
    try:
        with _replaced(path) as part:
            form(arrow_table(table), part)
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror}",
            str(path),
            "Choose a folder that exists and may be written to",
        ) from error


def arrow_table(table: RequestTable) -> pa.Table:
    """The canonical columns that hold anything; single absent values are null."""
    columns: dict[str, pa.Array] = {
        "arrival_s": pa.array(table.arrival_s),
        "input_tokens": _whole(table.input_tokens),
        "output_tokens": _whole(table.output_tokens),
        "service_s": pa.array(table.service_s, mask=np.isnan(table.service_s)),
        "agent_type": _names(table.agent_type, table.agent_types),
        "tenant": _names(table.tenant, table.tenants),
        "session": _whole(table.session),
        "after_seq": _whole(table.after),
        "think_s": pa.array(table.think_s, mask=table.after < 0),
        "prefix_tokens": _whole(table.prefix_tokens),
    }
    held = {
        name: column
        for name, column in columns.items()
        if name == "arrival_s" or column.null_count < len(column)
    }
    return pa.table(held)


def _whole(values: Int32Array) -> pa.Array:
    return pa.array(values, mask=values < 0)


def _names(indices: Int32Array, names: tuple[str, ...]) -> pa.Array:
    dictionary = pa.array(names, pa.string())
    return pa.DictionaryArray.from_arrays(_whole(indices), dictionary).dictionary_decode()


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A path beside `path` that takes its place once everything is written."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _csv(table: pa.Table, sink: IO[bytes] | gzip.GzipFile) -> None:
    pa_csv.write_csv(table, sink, pa_csv.WriteOptions(quoting_header="none"))


def _save_csv(table: pa.Table, path: Path) -> None:
    with path.open("wb") as sink:
        _csv(table, sink)


def _save_gzip(table: pa.Table, path: Path) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as sink,
    ):
        _csv(table, sink)


def _save_zstd(table: pa.Table, path: Path) -> None:
    with (
        path.open("wb") as raw,
        zstandard.ZstdCompressor(level=10).stream_writer(raw) as sink,
    ):
        _csv(table, sink)


def _save_parquet(table: pa.Table, path: Path) -> None:
    pa_parquet.write_table(table, path, compression="zstd")


_FORMS: MappingProxyType[str, Callable[[pa.Table, Path], Any]] = MappingProxyType(
    {
        ".csv": _save_csv,
        ".csv.gz": _save_gzip,
        ".csv.zst": _save_zstd,
        ".parquet": _save_parquet,
    }
)
