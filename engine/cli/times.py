"""Times as people type them, as seconds since the start of a trace."""

import math
import re
from datetime import UTC, datetime

from engine.errors import UsageError

_CLOCK = re.compile(r"(\d+):([0-5]?\d)(?::([0-5]?\d(?:\.\d+)?))?")


def parse_time(text: str, option: str, epoch_s: float | None) -> float:
    """Seconds since the trace's start from seconds, H:MM[:SS] since its start, or ISO 8601.

    Args:
        text: such as `5400`, `1:30:00` or `2023-11-16T18:30:00`.
        option: named in errors.
        epoch_s: Unix time of the trace's start; None: only relative times can be meant.

    Raises:
        UsageError: none of these, or a date for a trace without dates.
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        hours, minutes, seconds = clock.groups(default="0")
        return int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)
    seconds_s = _number(text)
    if seconds_s is not None:
        return seconds_s
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no time",
            option,
            "Write seconds or H:MM:SS since the trace's start, or a date and time such as "
            "2023-11-16T18:30:00",
        ) from None
    if epoch_s is None:
        raise UsageError(
            "the trace has no dates, only times since its start",
            f"{option} {text}",
            "Write seconds or H:MM:SS since its start",
        )
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return utc.timestamp() - epoch_s


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
