"""Numbers as a report prints them; every export uses the same ones."""

import math

from engine.economics.wording import money

NOT_MEASURED = "not measured"
NOTHING = 1e-9
"""Below it a figure is noise of the arithmetic."""
MINUS = "−"

__all__ = ["MINUS", "NOT_MEASURED", "amount", "exact", "money", "percent", "plain", "points"]


def plain(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that matter: 0.00412, 0.412, 12.3, 1,234."""
    if value is None:
        return NOT_MEASURED
    size = abs(value)
    if size < NOTHING:
        return "0"
    sign = MINUS if value < 0 else ""
    if size >= 10 ** (digits - 1) or size == int(size):
        return f"{sign}{size:,.0f}"
    return f"{sign}{size:.{digits - 1 - math.floor(math.log10(size))}f}"


def exact(value: float) -> str:
    """An input as it was given, up to six digits: 0.05, 1,311.25, 60,000."""
    return f"{MINUS if value < 0 else ''}{abs(value):,.10g}" if value else "0"


def percent(share: float | None) -> str:
    """A share as a percentage; close to all or nothing it never says all."""
    if share is None:
        return NOT_MEASURED
    value = 100 * share
    digits = 0 if value == int(value) else 2 if abs(value) > 99 or abs(value) < 1 else 1
    text = f"{abs(value):.{digits}f}"
    if 0 < share < 1 and text.startswith("100"):
        text = "above 99.99"
    elif float(text) == 0:
        return f"{plain(value, 1)} %"
    return f"{MINUS if value < 0 else ''}{text} %"


def points(value: float | None) -> str:
    """A difference in percentage points, signed."""
    if value is None:
        return NOT_MEASURED
    return f"{MINUS if value < 0 else '+'}{abs(value):.2f} points"


def amount(value: float | None, currency: str) -> str:
    """Money, or that it is not known."""
    return NOT_MEASURED if value is None else money(value, currency)
