"""Characters that the fonts of the printed report lack are told by their number."""

import functools
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

FALLBACKS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""They come with Matplotlib: the same letters on every machine."""
_WHITE = "\t\n\r\u200b"


def fallback_fonts() -> tuple[Path, ...]:
    """Font files for what the text font of the printed report lacks."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return tuple(folder / name for name in FALLBACKS)


@functools.cache
def _known() -> frozenset[int]:
    """Characters that regular and bold both have."""
    maps = [frozenset(FT2Font(path).get_charmap()) for path in fallback_fonts()]
    return frozenset.intersection(*maps) | {ord(mark) for mark in _WHITE}


@functools.cache
def _missing() -> re.Pattern[str]:
    known = sorted(_known())
    ranges, start = [], known[0]
    for this, following in zip(known, [*known[1:], None], strict=True):
        if following != this + 1:
            ranges.append(f"{re.escape(chr(start))}-{re.escape(chr(this))}")
            start = following or 0
    return re.compile(f"[^{''.join(ranges)}]+")


def printable(text: str) -> str:
    """The same text; what cannot be drawn as [U+65E5 U+672C]."""
    if text.isascii() and text.isprintable():
        return text
    return _missing().sub(
        lambda found: f"[{' '.join(f'U+{ord(mark):04X}' for mark in found.group())}]", text
    )


def printable_all(value: Any) -> Any:
    """The same in all texts of nested lists, tuples and dictionaries."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: printable_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(printable_all(item) for item in value)
    return value
