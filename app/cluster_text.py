"""Values of a scenario as they are typed on the page *Cluster*, and back."""

import math
from decimal import Decimal
from typing import Any

from app.cluster_fields import Field, Type
from engine.errors import ScenarioError


def shown(field: Field, value: Any) -> Any:
    """What the input holds: text, a list of names, or a flag; an empty text for none."""
    if field.type is Type.FLAG:
        return value
    if field.type is Type.NAMES:
        return list(value)
    if value is None:
        return ""
    if field.type is Type.WORDS:
        return ", ".join(value)
    if field.type is Type.POINTS:
        return ", ".join(f"{number(share)}: {number(watts)}" for share, watts in value)
    return number(value) if field.type in (Type.NUMBER, Type.WHOLE) else value


def number(value: float) -> str:
    """All its digits, without an exponent and without `.0`."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def parsed(field: Field, given: Any, where: str) -> Any:
    """The value that was typed or chosen.

    Args:
        field: what it is for.
        given: what the input holds.
        where: what to name in an error.

    Raises:
        ScenarioError: it is nothing of the field's type.
    """
    if field.type in (Type.FLAG, Type.NAMES):
        return given
    if field.type in (Type.CHOICE, Type.NAME):
        return given or None
    text = str(given or "").strip()
    if field.type is Type.WORDS:
        return [word.strip() for word in text.split(",") if word.strip()]
    if field.type is Type.POINTS:
        return [_point(part, where) for part in text.split(",") if part.strip()]
    if not text:
        if field.optional:
            return None
        raise ScenarioError("it is empty", where, f"Type a {field.type.value}")
    return text if field.type is Type.TEXT else _number(text, field.type, where)


def _number(text: str, kind: Type, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        fix = "Type a number such as 0.5 or 1200, with a point and no other signs"
        raise ScenarioError(f"{text!r} is not a number", where, fix)
    if kind is Type.NUMBER:
        return value
    if value != int(value) or abs(value) >= 2**53:
        fix = "Type a number without a fraction, of at most 15 digits"
        raise ScenarioError(f"{text} is not a whole number", where, fix)
    return int(value)


def _point(text: str, where: str) -> list[float]:
    share, colon, watts = text.partition(":")
    if not colon:
        fix = "Type pairs such as 0: 110, 0.5: 210, 1: 300"
        raise ScenarioError(f"{text.strip()!r} is no pair of share and watts", where, fix)
    return [_number(part.strip(), Type.NUMBER, where) for part in (share, watts)]
