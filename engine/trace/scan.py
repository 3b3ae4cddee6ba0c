"""One look at every byte of a text: encoding, zero bytes, line endings."""

import codecs

import numpy as np

from engine.errors import TraceError
from engine.trace.schema import Finding, Severity

__all__ = ["HEAD_BYTES", "Scan"]

HEAD_BYTES = 1 << 17
"""What detection and preview look at."""


def _count(chunk: bytes, byte: bytes) -> int:
    """`chunk.count`, many times faster."""
    return int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == byte[0]))


class Scan:
    """Fed chunk by chunk; keeps the head and counts."""

    def __init__(self, name: str) -> None:
        """Starts a scan; `name` is the file's, for messages."""
        self.head = b""
        self.complete = True
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = self._returns = self._pairs = self._bytes = 0
        self._after_return = self._blank = True
        self._mark = False
        self._whole = True  # no character is cut in two at the end of the last chunk

    @property
    def mixed_endings(self) -> bool:
        """Whether lines end in different ways, or in a lone carriage return."""
        lone = self._returns - self._pairs
        return lone > 0 or 0 < self._pairs < self._lines

    def feed(self, chunk: bytes) -> None:
        """Looks at the next bytes.

        Raises:
            TraceError: a zero byte, or no UTF-8.
        """
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
            if not (chunk.isascii() and self._whole):
                self._decoder.decode(chunk)
                self._whole = not self._decoder.getstate()[0]
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error
        if self._bytes < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - self._bytes]
        self._bytes += len(chunk)
        self._lines += _count(chunk, b"\n")
        if self._after_return or b"\r" in chunk:
            self._returns += _count(chunk, b"\r")
            self._pairs += chunk.count(b"\r\n") + (self._after_return and chunk.startswith(b"\n"))
        self._after_return = chunk.endswith(b"\r")
        self._blank = self._blank and not chunk.removeprefix(codecs.BOM_UTF8).strip()

    def finish(self) -> tuple[Finding, ...]:
        """What was found, after the last chunk.

        Raises:
            TraceError: nothing but blanks, or a character cut in two.
        """
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
