"""The physical file: is it there, whole, readable text or Parquet, and in which encoding?

First station of an import. Nothing here knows what the columns mean.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import TraceError
from engine.trace.archives import unpacked
from engine.trace.scan import HEAD_BYTES, Scan
from engine.trace.schema import Finding

__all__ = ["HEAD_BYTES", "Source", "opened"]

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
    scan = Scan(path.name)
    for chunk, share in unpacked(path, compression):
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


def _write_mended(
    path: Path, compression: str, mended: Path, tick: Callable[[float], None]
) -> None:
    """A copy in which every line ends in a line feed."""
    held = b""
    with mended.open("wb") as out:
        for chunk, share in unpacked(path, compression):
            text = held + chunk
            held = text[-1:] if text.endswith(b"\r") else b""
            text = text.removesuffix(held) if held else text
            out.write(text.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            tick(share)
        out.write(held.replace(b"\r", b"\n"))
