"""The physical file: is it there, whole, readable text or Parquet, and in which encoding?

First station of an import. Nothing here knows what the columns mean.
"""

import codecs
import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

from engine.errors import TraceError
from engine.trace.schema import Finding, Severity

__all__ = ["Source", "opened"]

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 1 << 17
"""What detection and preview look at."""
_ZSTD_STEP_BYTES = 1 << 12
"""Compressed bytes a step: bounds what a highly compressed frame unpacks to at once."""
_GLOB_CHARACTERS = frozenset("*?[]{}")
_MAGIC = {
    b"PK\x03\x04": ("a ZIP archive or a spreadsheet", "Unpack it, or export the sheet as CSV"),
    b"BZh": ("a bzip2 archive", "Unpack it, or pack it as .gz or .zst"),
    b"\xfd7zXZ\x00": ("an xz archive", "Unpack it, or pack it as .gz or .zst"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "Unpack it, or pack it as .gz or .zst"),
    b"\x89PNG": ("a picture", "Choose the file that holds the trace"),
    b"%PDF": ("a PDF document", "Choose the file that holds the trace"),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV or Parquet"),
    b"ARROW1": ("an Arrow file", "Write the table as Parquet or CSV"),
    b"\xff\xfe": ("text in UTF-16", "Save it as UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "Save it as UTF-8"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that is whole and readable."""

    path: Path
    """What DuckDB reads: the file itself, or a mended copy that lives as long as `opened`."""
    name: str
    """File name as given, without its folder."""
    container: str
    """`text` or `parquet`."""
    compression: str
    """`none`, `gzip` or `zstd`, by content, not by name."""
    head: bytes
    """The first `HEAD_BYTES` of the text, unpacked, without a byte order mark."""
    complete: bool
    """Whether `head` is the whole text."""
    findings: tuple[Finding, ...]


@contextmanager
def opened(path: Path, tick: Callable[[float], None] = lambda _: None) -> Iterator[Source]:
    """Reads the file once from end to end and yields it as a `Source`, mended where needed.

    Args:
        path: of the file; `.gz` and `.zst` are recognised by content.
        tick: called with the share read so far; may raise to stop.

    Raises:
        TraceError: missing, a directory, unreadable, empty, truncated, binary or not UTF-8.
    """
    compression, first = _first_bytes(path)
    if compression == "none" and first.startswith(b"PAR1"):
        _check_parquet_end(path)
        with tempfile.TemporaryDirectory(prefix="smartscale-") as folder:
            yield _source(path, _without_glob(path, Path(folder)), "parquet", "none", b"", ())
        return
    scan = _Scan(path.name)
    for chunk, share in _chunks(path, compression):
        scan.feed(chunk)
        tick(share)
    findings = scan.finish()
    with tempfile.TemporaryDirectory(prefix="smartscale-") as folder:
        if scan.mixed_endings:
            mended = Path(folder) / "trace"
            _write_mended(path, compression, mended, tick)
            yield _source(path, mended, "text", "none", scan.head, findings, scan.complete)
        else:
            plain = _without_glob(path, Path(folder))
            yield _source(path, plain, "text", compression, scan.head, findings, scan.complete)


def _source(
    given: Path,
    path: Path,
    container: str,
    compression: str,
    head: bytes,
    findings: tuple[Finding, ...],
    complete: bool = True,
) -> Source:
    return Source(
        path=path,
        name=given.name,
        container=container,
        compression=compression,
        head=head.replace(b"\r\n", b"\n").replace(b"\r", b"\n"),
        complete=complete,
        findings=findings,
    )


def _first_bytes(path: Path) -> tuple[str, bytes]:
    if not path.exists():
        raise TraceError("there is no such file", str(path), "Check the path for typing errors")
    if path.is_dir():
        raise TraceError(
            "this is a directory", str(path), "Name the files in it, one by one or with *"
        )
    if not path.is_file():
        raise TraceError("this is not a regular file", str(path), "Copy its contents to a file")
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError as error:
        raise TraceError(
            f"the file cannot be read: {error.strerror}",
            str(path),
            "Check that you may read it, then try again",
        ) from error
    if not first:
        raise TraceError("the file is empty", path.name, "Export or download it again")
    for magic, (what, fix) in _MAGIC.items():
        if first.startswith(magic):
            raise TraceError(f"the file is {what}", path.name, fix)
    if first.startswith(b"\x1f\x8b"):
        return "gzip", first
    return ("zstd" if first.startswith(b"\x28\xb5\x2f\xfd") else "none"), first


def _check_parquet_end(path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 4, 0))
        if size < 12 or file.read(4) != b"PAR1":
            raise TraceError(
                "the Parquet file is cut off: its footer is missing",
                f"{path.name}, byte {size:,}",
                "Download or write it again",
            )


def _without_glob(path: Path, folder: Path) -> Path:
    """The same file under a name that DuckDB cannot mistake for a pattern."""
    resolved = path.resolve()
    if not _GLOB_CHARACTERS & set(str(resolved)):
        return resolved
    link = folder / "trace"
    link.symlink_to(resolved)
    return link


def _chunks(path: Path, compression: str) -> Iterator[tuple[bytes, float]]:
    """Unpacked bytes and the share of the file read, to the very end."""
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


def _truncated(name: str, size: int) -> TraceError:
    return TraceError(
        "the archive is cut off: it ends in the middle",
        f"{name}, byte {size:,}",
        "Download or pack it again",
    )


def _write_mended(
    path: Path, compression: str, mended: Path, tick: Callable[[float], None]
) -> None:
    """A copy in which every line ends in a line feed."""
    held = b""
    with mended.open("wb") as out:
        for chunk, share in _chunks(path, compression):
            text = held + chunk
            held = text[-1:] if text.endswith(b"\r") else b""
            text = text.removesuffix(held) if held else text
            out.write(text.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            tick(share)
        out.write(held.replace(b"\r", b"\n"))


class _Scan:
    """Looks at every byte once: encoding, zero bytes, line endings."""

    def __init__(self, name: str) -> None:
        self.head = b""
        self.complete = True
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = self._returns = self._pairs = self._bytes = 0
        self._after_return = self._blank = True
        self._mark = False

    @property
    def mixed_endings(self) -> bool:
        lone = self._returns - self._pairs
        return lone > 0 or 0 < self._pairs < self._lines

    def feed(self, chunk: bytes) -> None:
        if self._bytes == 0:
            self._mark = chunk.startswith(codecs.BOM_UTF8)
            self._after_return = False
        if (zero := chunk.find(0)) >= 0:
            raise TraceError(
                "the file is binary: it holds zero bytes",
                f"{self._name}, line {self._lines + chunk.count(10, 0, zero) + 1}",
                "Choose a CSV, JSON lines or Parquet file in UTF-8",
            )
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error
        if self._bytes < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - self._bytes]
        self._bytes += len(chunk)
        self._lines += chunk.count(b"\n")
        self._returns += chunk.count(b"\r")
        self._pairs += chunk.count(b"\r\n") + (self._after_return and chunk.startswith(b"\n"))
        self._after_return = chunk.endswith(b"\r")
        self._blank = self._blank and not chunk.removeprefix(codecs.BOM_UTF8).strip()

    def finish(self) -> tuple[Finding, ...]:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error
        if self._blank:
            raise TraceError(
                "the file is empty: it holds no text", self._name, "Export or download it again"
            )
        self.complete = self._bytes <= HEAD_BYTES
        if self._mark:
            self.head = self.head.removeprefix(codecs.BOM_UTF8)
        return self._mended_endings() + self._skipped_mark()

    def _not_utf8(self, error: UnicodeDecodeError) -> TraceError:
        line = self._lines + error.object.count(b"\n", 0, error.start) + 1
        return TraceError(
            f"the text is not UTF-8: byte 0x{error.object[error.start]:02x} fits no character",
            f"{self._name}, line {line}",
            "Save it as UTF-8 (for Latin-1: iconv -f latin1 -t utf-8)",
        )

    def _mended_endings(self) -> tuple[Finding, ...]:
        if not self.mixed_endings:
            return ()
        odd = min(self._pairs, self._lines - self._pairs) + self._returns - self._pairs
        return (
            Finding(
                rule="mixed_line_endings",
                severity=Severity.REPAIRED,
                what=f"lines end in different ways; {odd:,} were made like the rest",
                where=self._name,
                fix="Nothing to do; write the file with one kind of line ending",
                count=odd,
            ),
        )

    def _skipped_mark(self) -> tuple[Finding, ...]:
        if not self._mark:
            return ()
        return (
            Finding(
                rule="byte_order_mark",
                severity=Severity.NOTE,
                what="the text begins with a byte order mark, which was skipped",
                where=self._name,
                fix="Nothing to do",
            ),
        )
