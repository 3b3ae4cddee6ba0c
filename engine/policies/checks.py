"""What a replay refuses of a policy, in words that its author can act on."""

import math
import traceback

from engine.errors import PolicyError, PolicyFailed
from engine.policies.base import Policy

__all__ = ["failure_of", "ticks_between"]


def failure_of(policy: str, t_s: float, error: Exception) -> PolicyFailed:
    """What an operator, or the policy's author, has to know of an error that a policy raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PolicyFailed(
        f"policy {policy!r} failed {t_s:g} s into the replay: {type(error).__name__}: {error}",
        f"{frame.filename}, line {frame.lineno}, in {frame.name}",
        "Repair the policy, or replay without it",
    )


def ticks_between(policy: Policy, tick_s: float, name: str) -> int:
    """Ticks from one evaluation of a policy to the next. Raises PolicyError."""
    ticks = policy.interval_s / tick_s
    if not (math.isfinite(ticks) and ticks >= 1 and abs(ticks - round(ticks)) < 1e-9):
        raise PolicyError(
            f"its interval of {policy.interval_s:g} s is no multiple of the tick of {tick_s:g} s",
            f"policy {name!r}",
            "Change the policy's interval, or the scenario's tick_s",
        )
    return round(ticks)
