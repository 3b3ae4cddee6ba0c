"""Values of a report in words: money with its range, multiples."""

from engine.economics.uncertainty import Interval
from engine.report.numbers import amount, percent, plain


def times(share: float | None) -> str:
    """A return as a percentage, or as a multiple where it is many times the money."""
    if share is None:
        return "none"
    return percent(share) if abs(share) < 10 else f"{plain(share)} times the money"


def sentence(text: str) -> str:
    """With a capital in front."""
    return text[:1].upper() + text[1:]


def money_range(found: Interval | None, currency: str) -> str:
    """An interval of money."""
    if found is None:
        return "no interval: one value only"
    return f"90 %: {amount(found.low, currency)} to {amount(found.high, currency)}"


def plain_range(found: Interval | None, unit: str) -> str:
    """An interval of something else; empty where there is none."""
    return "" if found is None else f"90 %: {plain(found.low)} to {plain(found.high)} {unit}"
