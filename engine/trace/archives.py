"""The bytes of a plain, gzip or zstandard file from first to last, or why there are none."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard

from engine.errors import TraceError

__all__ = ["text_lines", "unpacked"]

CHUNK_BYTES = 1 << 20
_ZSTD_STEP_BYTES = 1 << 12
"""Compressed bytes a step: bounds what a highly compressed frame unpacks to at once."""


def unpacked(path: Path, compression: str) -> Iterator[tuple[bytes, float]]:
    """Unpacked bytes and the share of the file read, to the very end.

    Args:
        path: of the file.
        compression: `none`, `gzip` or `zstd`.

    Raises:
        TraceError: the archive is cut off or damaged.
    """
    size = max(path.stat().st_size, 1)
    try:
        with path.open("rb") as file:
            if compression == "gzip":
                yield from _gunzipped(file, size)
            elif compression == "zstd":
                yield from _unzstd(file, size, path.name)
            else:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk, file.tell() / size
    except EOFError as error:
        raise _truncated(path.name, size) from error
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise TraceError(
            f"the archive is damaged: {error}", path.name, "Download or pack it again"
        ) from error


def _gunzipped(file: IO[bytes], size: int) -> Iterator[tuple[bytes, float]]:
    with gzip.GzipFile(fileobj=file) as unpacked:
        while chunk := unpacked.read(CHUNK_BYTES):
            yield chunk, file.tell() / size


def _unzstd(file: IO[bytes], size: int, name: str) -> Iterator[tuple[bytes, float]]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    while rest or (rest := file.read(_ZSTD_STEP_BYTES)):
        if frame.eof:
            frame = zstandard.ZstdDecompressor().decompressobj()
        chunk = frame.decompress(rest)
        rest = frame.unused_data if frame.eof else b""
        if chunk:
            yield chunk, file.tell() / size
    if not frame.eof:
        raise _truncated(name, size)


def text_lines(path: Path, compression: str) -> Iterator[str]:
    """The lines of a UTF-8 text that are not blank, without their ends."""
    held = b""
    for chunk, _ in unpacked(path, compression):
        *lines, held = (held + chunk).split(b"\n")
        yield from (line.decode("utf-8-sig") for line in lines if line.strip())
    if held.strip():
        yield held.decode("utf-8-sig")


def _truncated(name: str, size: int) -> TraceError:
    return TraceError(
        "the archive is cut off: it ends in the middle",
        f"{name}, byte {size:,}",
        "Download or pack it again",
    )
