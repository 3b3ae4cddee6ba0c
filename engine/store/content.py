"""The identity of a trace: a digest of its canonical rows, whatever file they came in."""

import hashlib
from contextlib import closing

import numpy as np
import pyarrow as pa

from engine.store.work import Work
from engine.units import AnyArray

__all__ = ["content_digest"]

_BATCH_ROWS = 1 << 20


def content_digest(work: Work, identity: str, columns: dict[str, str], relation: str) -> str:
    """Hex digest of rows in their order.

    Args:
        work: whose cursor sees the relation.
        identity: what is not in the rows: kind, unit, interval, time of t = 0.
        columns: SQL expression by column name, without NULLs.
        relation: what to read them from.
    """
    select = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    digests = {name: hashlib.blake2b(name.encode()) for name in columns}
    lengths = {name: hashlib.blake2b() for name in columns}
    rows = 0
    reader = work.cursor.sql(f"SELECT {select} FROM {relation}").to_arrow_reader(_BATCH_ROWS)
    with closing(reader):  # else an exception could not roll back
        for batch in reader:
            work.tick(0.0)
            rows += batch.num_rows
            for name, column in zip(columns, batch.columns, strict=True):
                data, length = _bytes_of(column)
                digests[name].update(data)
                lengths[name].update(length)
    whole = hashlib.blake2b(f"{identity}|{rows}".encode())
    for name in sorted(columns):
        whole.update(digests[name].digest() + lengths[name].digest())
    return whole.hexdigest()


def _contiguous(column: pa.Array) -> AnyArray:
    return np.ascontiguousarray(column.to_numpy(zero_copy_only=False))


def _bytes_of(column: pa.Array) -> tuple[memoryview, memoryview]:
    """The values, and for text the lengths that tell where one ends."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return _contiguous(column).data, memoryview(b"")
    text = column.cast(pa.large_string())
    offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset :][: len(text) + 1]
    data = memoryview(text.buffers()[2] or b"")[offsets[0] : offsets[-1]]
    return data, np.diff(offsets).data
