"""Checks that the parts of a scenario share. Each raises ScenarioError."""

import math

from engine.errors import ScenarioError


def refuse(what: str, where: str, fix: str) -> None:
    """Raises ScenarioError."""
    raise ScenarioError(what, where, fix)


def at_least(owner: object, where: str, minimum: float, *names: str) -> None:
    """Refuses fields of `owner` that are below `minimum` or not finite; None passes."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (value >= minimum and math.isfinite(value)):
            refuse(f"{name} is {value}", where, f"Use a finite number of {minimum:g} or more")


def above_zero(owner: object, where: str, *names: str) -> None:
    """Refuses fields of `owner` that are not finite and above 0; None passes."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (value > 0 and math.isfinite(value)):
            refuse(f"{name} is {value}", where, "Use a finite number above 0")


def unique(names: list[str], where: str) -> None:
    """Refuses names that occur twice."""
    for name in names:
        if names.count(name) > 1:
            refuse(f"the name {name!r} is used twice", where, "Give each one its own name")
