"""Results for people: tables without colour or width limit where nobody watches."""

import math
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNLIMITED = 10_000
"""Columns of text for output that goes to a file or another program."""
_WHOLE = 14
"""Cells up to this long, such as ids and figures, stay whole in narrow windows."""


def console() -> Console:
    """Prints to stdout. Names are printed as they are, so no markup."""
    width = None if sys.stdout.isatty() else _UNLIMITED
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Iterable[int] = (),
) -> Table:
    """A plain table.

    Args:
        headers: one a column.
        rows: cells.
        right: numbers of the columns with figures, aligned to the right.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    lines = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    figures = set(right)
    for number, header in enumerate(headers):
        longest = max((len(line[number]) for line in lines), default=0)
        made.add_column(
            Text(header),
            justify="right" if number in figures else "left",
            overflow="fold",
            min_width=longest if longest <= _WHOLE else None,
        )
    for line in lines:
        made.add_row(*line)
    return made


def facts(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and values below each other."""
    made = Table(box=None, show_header=False, pad_edge=False)
    for name, value in pairs:
        made.add_row(Text(name, style="bold"), Text(value))
    return made


def duration(seconds: float) -> str:
    """2 d 03:04:05, 0:45:10 or 12.5 s."""
    if seconds < 60:
        return f"{seconds:.4g} s"
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def moment(epoch_s: float | None) -> str:
    """A time of day in UTC; empty where only relative time is known."""
    if epoch_s is None or math.isnan(epoch_s):
        return ""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%d %H:%M:%S}"
