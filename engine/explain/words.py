"""Numbers of sentences, with their units: few digits, and always findable in the record again."""

import math
from datetime import UTC, datetime

__all__ = ["at", "due", "lasting", "number", "per_s", "percent", "requests", "workers"]


def number(value: float) -> str:
    """Three digits that matter: 12, 41.2, 0.385, 1,240."""
    size = abs(value)
    if value == round(value) or size >= 100:
        return f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share of 1: 38 %, 7.5 %."""
    value = 100.0 * share
    digits = 0 if abs(value - round(value)) < 1e-9 or abs(value) >= 10 else 1
    return f"{value:,.{digits}f} %"


def lasting(seconds: float) -> str:
    """A time span: 45 s, 5 min, 2.5 h."""
    if seconds < 120:
        return f"{number(seconds)} s"
    if seconds < 7200:
        return f"{number(seconds / 60)} min"
    return f"{number(seconds / 3600)} h"


def due(in_s: float) -> str:
    """When a step is due: now, in 5 min."""
    return f"in {lasting(in_s)}" if in_s > 0.0 else "now"


def workers(value: float) -> str:
    """1 worker, 12 workers."""
    return f"{number(value)} worker{'' if value == 1 else 's'}"


def requests(value: float) -> str:
    """1 request, 12 requests."""
    return f"{number(value)} request{'' if value == 1 else 's'}"


def per_s(value: float) -> str:
    """A rate of requests."""
    shown = number(value)
    return f"{shown} request{'' if shown == '1' else 's'}/s"


def at(t_s: float, epoch_s: float | None) -> str:
    """The time of a decision: 14:05:00 UTC on 16 Nov 2023, or 1:05:00 from the trace's start."""
    if epoch_s is not None and math.isfinite(epoch_s):
        moment = datetime.fromtimestamp(epoch_s + t_s, UTC)
        return f"{moment:%H:%M:%S} UTC on {moment.day} {moment:%b %Y}"
    minutes, seconds = divmod(round(t_s), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d} from the start"
