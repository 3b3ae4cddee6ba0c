"""The first rows of a file: delimiter, column names and sample cells, whatever the container.

Second station of an import; detection, mapping and preview read nothing but this.
"""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import TraceError
from engine.trace.files import Source
from engine.trace.schema import Finding

__all__ = ["Head", "is_number", "is_time", "normal", "read_head"]

SAMPLE_ROWS = 200
_DELIMITERS = (";\t", ",", ";", "\t", "|")
"""Tried in this order; the widest consistent split wins, the first of equals."""
_TIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}(:\d{2}){1,2}|$)")
_DATE_OR_CLOCK = re.compile(r"\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?([T ,].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the beginning of a file shows."""

    source: Source
    layout: str
    """`csv`, `jsonl`, `json` (one array) or `parquet`."""
    delimiter: str
    """Of `csv`, else empty."""
    has_header: bool
    columns: tuple[str, ...]
    """Names as written; `column 1` and so on where the file has none."""
    rows: tuple[tuple[str, ...], ...]
    """Up to `SAMPLE_ROWS` rows as text; absent cells are empty."""
    types: tuple[str, ...]
    """Column types of `parquet` as Arrow writes them, else empty."""

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.source.name

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the physical check found."""
        return self.source.findings

    def samples(self, index: int) -> tuple[str, ...]:
        """Non-empty sample cells of a column."""
        return tuple(row[index] for row in self.rows if index < len(row) and row[index])


def normal(name: str) -> str:
    """A column name without case and punctuation: `CPU usage [MHZ]` becomes `cpu_usage_mhz`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_number(cell: str) -> bool:
    """Whether a cell is a number, `nan` and `inf` included."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_time(cell: str) -> bool:
    """Whether a cell is a calendar time in ISO 8601 or nearly so."""
    return bool(_TIME.match(cell))


def read_head(source: Source) -> Head:
    """Column names and sample rows.

    Raises:
        TraceError: no rows, no consistent columns, or damaged Parquet or JSON.
    """
    if source.container == "parquet":
        return _parquet_head(source)
    lines = _whole_lines(source)
    first = lines[0].lstrip()
    if first.startswith("{"):
        return _json_head(source, "jsonl", [_json_row(source, n, x) for n, x in _counted(lines)])
    if first.startswith("["):
        return _json_head(source, "json", _json_array(source))
    return _csv_head(source, lines)


def _whole_lines(source: Source) -> list[str]:
    text = source.head.decode("utf-8", errors="ignore")
    lines = text.split("\n")
    if not source.complete and len(lines) > 1:
        lines.pop()  # cut in the middle
    return [line for line in lines if line.strip()][: SAMPLE_ROWS + 1]


def _counted(lines: list[str]) -> Iterable[tuple[int, str]]:
    return enumerate(lines[:SAMPLE_ROWS], 1)


def _csv_head(source: Source, lines: list[str]) -> Head:
    delimiter, rows = max(
        ((mark, _split(lines, mark)) for mark in _DELIMITERS), key=lambda split: _width(split[1])
    )
    if _width(rows) < 2:
        raise TraceError(
            "the lines do not split into columns",
            f"{source.name}, line 1: {lines[0][:60]!r}",
            "Separate columns with a comma, semicolon, tab or |",
        )
    width = len(rows[0])
    has_header = not any(map(_is_value, rows[0]))
    if has_header and len(rows) == 1:
        raise TraceError(
            "the file has a header but no rows", source.name, "Export or download it again"
        )
    columns = rows[0] if has_header else [f"column {n + 1}" for n in range(width)]
    body = rows[1:] if has_header else rows[:SAMPLE_ROWS]
    return Head(
        source=source,
        layout="csv",
        delimiter=delimiter,
        has_header=has_header,
        columns=tuple(name.strip() for name in columns),
        rows=tuple(tuple(cell.strip() for cell in row) for row in body),
        types=(),
    )


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    single = delimiter[0]
    plain = [line.replace(delimiter, single) for line in lines] if delimiter[1:] else lines
    if delimiter[1:] and plain == lines:
        return [[line] for line in lines]
    try:
        return list(csv.reader(plain, delimiter=single))
    except csv.Error:
        return [[line] for line in lines]


def _width(rows: list[list[str]]) -> int:
    """Columns of the first row, 1 where hardly any other row agrees."""
    width = len(rows[0])
    agreeing = sum(len(row) == width for row in rows)
    return width if 2 * agreeing > len(rows) else 1


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return is_number(cell) or is_time(cell) or bool(_DATE_OR_CLOCK.fullmatch(cell))


def _json_row(source: Source, number: int, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise TraceError(
            f"the line is not one JSON object: {error.msg}",
            f"{source.name}, row {number}",
            "Write one complete object a line",
        ) from error
    if not isinstance(row, dict):
        raise TraceError(
            "the line is not a JSON object",
            f"{source.name}, row {number}: {line[:60]!r}",
            "Write one object a line, with the same keys in each",
        )
    return row


def _json_array(source: Source) -> list[dict[str, object]]:
    text = source.head.decode("utf-8", errors="ignore").strip()[1:]
    decoder = json.JSONDecoder()
    rows: list[dict[str, object]] = []
    while (text := text.lstrip(", \t\n")) and not text.startswith("]"):
        try:
            row, end = decoder.raw_decode(text)
        except json.JSONDecodeError as error:
            if source.complete or not rows:
                raise TraceError(
                    f"the JSON array is damaged: {error.msg}",
                    f"{source.name}, element {len(rows) + 1}",
                    "Write it again, or write one object a line",
                ) from error
            break
        if not isinstance(row, dict):
            raise TraceError(
                "the JSON array does not hold objects",
                f"{source.name}, element {len(rows) + 1}",
                "Write a list of objects, with the same keys in each",
            )
        rows.append(row)
        text = text[end:]
    return rows[:SAMPLE_ROWS]


def _json_head(source: Source, layout: str, rows: list[dict[str, object]]) -> Head:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    if not columns:
        raise TraceError("the file holds no rows", source.name, "Export or download it again")
    return Head(
        source=source,
        layout=layout,
        delimiter="",
        has_header=True,
        columns=columns,
        rows=tuple(tuple(_text(row.get(name)) for name in columns) for row in rows),
        types=(),
    )


def _parquet_head(source: Source) -> Head:
    try:
        with pq.ParquetFile(source.path) as file:
            schema = file.schema_arrow
            rows = next(file.iter_batches(SAMPLE_ROWS), None)
            names = tuple(schema.names)
            columns = (
                [] if rows is None else [rows.column(n).to_pylist() for n in range(len(names))]
            )
            types = tuple(str(field.type) for field in schema)
    except (pa.ArrowException, OSError) as error:
        raise TraceError(
            f"the Parquet file is damaged: {str(error).splitlines()[0]}",
            source.name,
            "Download or write it again",
        ) from error
    if not columns or not columns[0]:
        raise TraceError("the file holds no rows", source.name, "Export or download it again")
    return Head(
        source=source,
        layout="parquet",
        delimiter="",
        has_header=True,
        columns=names,
        rows=tuple(tuple(map(_text, row)) for row in zip(*columns, strict=True)),
        types=types,
    )


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell if isinstance(cell, str) else json.dumps(cell, default=str)
