"""Checks on what people type after a policy's name, such as `hpa:target=0.6`.

Each check returns the value or raises a PolicyError that names the allowed range.
"""

import math

from engine.errors import PolicyError


def number(
    policy: str, name: str, value: object, lowest: float, highest: float = math.inf
) -> float:
    """`value` as a float within [lowest, highest]."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(policy, name, value, f"Use a number {_span(lowest, highest)}")
    if not lowest <= value <= highest:
        raise _refusal(policy, name, value, f"Use a number {_span(lowest, highest)}")
    return float(value)


def share(policy: str, name: str, value: object) -> float:
    """`value` as a share above 0 and up to 1."""
    fix = "Use a share above 0 and up to 1, such as 0.8"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise _refusal(policy, name, value, fix)
    return float(value)


def whole(policy: str, name: str, value: object, lowest: int, highest: float = math.inf) -> int:
    """`value` as a whole number within [lowest, highest]."""
    checked = number(policy, name, value, lowest, highest)
    if not checked.is_integer():
        raise _refusal(policy, name, value, f"Use a whole number {_span(lowest, highest)}")
    return int(checked)


def choice(policy: str, name: str, value: object, allowed: tuple[str, ...]) -> str:
    """`value` as one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise _refusal(policy, name, value, f"Use one of: {', '.join(allowed)}")
    return value


def flag(policy: str, name: str, value: object) -> bool:
    """`value` as true or false."""
    if not isinstance(value, bool):
        raise _refusal(policy, name, value, "Use true or false")
    return value


def interval(policy: str, name: str, value: object, tick_s: float) -> float:
    """`value` as a positive multiple of the tick, seconds."""
    checked = number(policy, name, value, 0.0)
    ticks = checked / tick_s
    if round(ticks) < 1 or abs(ticks - round(ticks)) > 1e-9:
        nearest = tick_s * max(1, round(ticks))
        raise PolicyError(
            f"{name} is {value!r} s, which is no multiple of the tick of {tick_s:g} s",
            f"policy {policy!r}",
            f"Use {policy}:{name}={nearest:g}, or a tick that divides {checked:g} s",
        )
    return checked


def refuse(policy: str, what: str, fix: str) -> PolicyError:
    """The error for parameters that do not go together."""
    return PolicyError(what, f"policy {policy!r}", fix)


def _refusal(policy: str, name: str, value: object, fix: str) -> PolicyError:
    return PolicyError(f"{name} is {value!r}", f"policy {policy!r}", fix)


def _span(lowest: float, highest: float) -> str:
    return f"from {lowest:g} to {highest:g}" if highest < math.inf else f"of {lowest:g} or more"
