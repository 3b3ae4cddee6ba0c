"""Checks that the parts of a scenario share. Each raises ScenarioError."""

from engine.errors import ScenarioError


def refuse(what: str, where: str, fix: str) -> None:
    """Raises ScenarioError."""
    raise ScenarioError(what, where, fix)


def refuse_constant(region: str) -> None:
    """Refuses a percentile of an intensity that never changes."""
    refuse(
        "carbon_threshold_percentile is of a grid whose intensity never changes",
        f"region {region!r}",
        "Name its carbon_trace or another grid_profile, or give carbon_threshold_g_per_kwh",
    )


MOST = 1e12
"""No quantity of a scenario is larger: sums and products of a replay then stay numbers."""


def at_least(owner: object, where: str, minimum: float, *names: str) -> None:
    """Refuses fields of `owner` that are below `minimum` or above `MOST`; None passes."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not minimum <= value <= MOST:
            limits = f"Use a finite number of {minimum:g} or more, at most {MOST:g}"
            refuse(f"{name} is {value}", where, limits)


def above_zero(owner: object, where: str, *names: str) -> None:
    """Refuses fields of `owner` that are 0, below, or above `MOST`; None passes."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not 0 < value <= MOST:
            refuse(f"{name} is {value}", where, f"Use a finite number above 0, at most {MOST:g}")


def at_most(owner: object, where: str, maximum: float, *names: str) -> None:
    """Refuses fields of `owner` that are above `maximum`; None passes."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and value > maximum:
            refuse(f"{name} is {value}", where, f"Use at most {maximum:g}")


def unique(names: list[str], where: str) -> None:
    """Refuses names that occur twice."""
    for name in names:
        if names.count(name) > 1:
            refuse(f"the name {name!r} is used twice", where, "Give each one its own name")
