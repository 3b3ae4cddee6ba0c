"""Numbers as people read them: the unit beside every number, and a word where there is none."""

import math
from datetime import UTC, datetime
from itertools import pairwise

NOT_MEASURED = "not measured"
MINUS = "−"

_MANY = 4.0
"""Relative differences above this read better as a factor."""
_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def amount(value: float) -> str:
    """Three digits that matter, thousands separated: 0.412, 12.3, 1,234."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return _signed(f"{value:,.0f}")
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    return _signed(f"{value:.{digits}f}")


def whole(value: float) -> str:
    """A count."""
    return _signed(f"{value:,.0f}")


def percent(share: float) -> str:
    """A share of 1 as a percentage: 97.3 %; close to all or nothing it never says all."""
    value = 100 * share
    digits = 0 if value == int(value) else 2 if value > 99 or abs(value) < 1 else 1
    text = f"{value:.{digits}f}"
    if share < 1 and text.startswith("100"):
        text = "above 99.99"
    return _signed(f"{text} %")


def usd(value: float) -> str:
    """US dollars; parts of a cent only where there is nothing else."""
    digits = 2 if abs(value) >= 0.1 or value == 0 else 4
    return f"{MINUS if value < 0 else ''}${abs(value):,.{digits}f}"


def figure(value: float | None, unit: str) -> str:
    """A figure of the scorecard with its unit."""
    if value is None or math.isnan(value):
        return NOT_MEASURED
    if unit == "%":
        return percent(value)
    if unit == "USD":
        return usd(value)
    if unit in ("requests", "workers", "nodes", "times"):
        return whole(value)
    if unit == "1/h":
        return f"{amount(value)} per h"
    return f"{amount(value)} {unit}"


def difference(value: float, share: float | None, unit: str) -> str:
    """A signed difference with its unit, and relative to the baseline where that makes sense."""
    sign = MINUS if value < 0 else "+"
    size = abs(value)
    if unit == "%":
        return f"{sign}{_points(size)}"
    text = f"{sign}{figure(size, unit)}"
    if share is None or not math.isfinite(share):
        return text
    return f"{text} ({relative(share)})"


def relative(share: float) -> str:
    """A signed relative difference: −31 %, or 4.2 × where it is many times as much."""
    if share >= _MANY:
        return f"{amount(1 + share)} ×"
    return f"{MINUS if share < 0 else '+'}{coarse_percent(share)}"


def _points(share: float) -> str:
    value = 100 * share
    return f"{value:.{2 if value < 1 else 1}f} points"


def coarse_percent(share: float) -> str:
    """The size of a relative difference, without sign: 31 %, 4.2 %."""
    value = 100 * abs(share)
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.1f} %"


def points(share: float) -> str:
    """A difference of two shares, without sign: 2.1 points."""
    return _points(abs(share))


def duration(seconds: float) -> str:
    """The two largest units, rounded to the second one: 57 min, 1 h 30 min, 2 d 4 h."""
    if seconds < 1:
        return f"{amount(seconds)} s"
    for (size, name), (part, part_name) in pairwise(_SPANS):
        parts = round(seconds / part)
        if parts * part >= size:
            units, rest = divmod(parts, round(size / part))
            return f"{units} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{round(seconds)} s"


def moment(epoch_s: float | None, t_s: float) -> str:
    """A point of a trace: wall clock in UTC where it is known, else time since its start."""
    if epoch_s is None:
        return "start" if t_s == 0 else f"start + {duration(t_s)}"
    return datetime.fromtimestamp(epoch_s + t_s, UTC).strftime("%d %b %Y %H:%M")


def instant(epoch_s: float | None, t_s: float) -> str:
    """A point of a trace to the second: 16 Nov 2023 18:17:05, or 0:57:05 since its start."""
    if epoch_s is None:
        minutes, seconds = divmod(round(t_s), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return datetime.fromtimestamp(epoch_s + t_s, UTC).strftime("%d %b %Y %H:%M:%S")


def span(epoch_s: float | None, from_s: float, to_s: float) -> str:
    """A window: 16 Nov 2023 18:17–19:14 UTC, 2 h from the start."""
    if epoch_s is None:
        if from_s == 0:
            return f"{duration(to_s)} from the start"
        return f"{duration(from_s)} to {duration(to_s)} after the start"
    start, end = moment(epoch_s, from_s), moment(epoch_s, to_s)
    same_day = start[:11] == end[:11]
    return f"{start}–{end[12:]} UTC" if same_day else f"{start} – {end} UTC"


def extent(epoch_s: float | None, duration_s: float) -> str:
    """A whole trace: when it was if that is known, and how long."""
    if epoch_s is None:
        return duration(duration_s)
    return f"{span(epoch_s, 0.0, duration_s)} ({duration(duration_s)})"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """1 run, 2 runs."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def listed(names: list[str]) -> str:
    """a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
