"""What a replay refuses of a policy, in words that its author can act on."""

import math
import operator
import traceback
import zlib

from engine.errors import PolicyError, PolicyFailed
from engine.policies.base import Observation, Policy

__all__ = ["digest", "failure_of", "ticks_between", "uncopied"]


def digest(observation: Observation) -> int:
    """CRC-32 of all that a policy sees: the same in a re-execution, or something else decided."""
    parts = [repr((observation.t_s, observation.size)).encode()]
    parts += [values.tobytes() for values in _counted(observation)]
    for view in observation.workers:
        parts += [values.tobytes() for values in _seen_of(view)]
    return zlib.crc32(b"".join(parts))


_counted = operator.attrgetter(
    "target", "starting", "ready", "draining", "queued", "in_service", "arrived", "finished",
    "failed", "offered_slots", "busy_slots", "p95_s", "grid_g_per_kwh", "price_usd_per_hour",
    "green_kw", "green_left_kwh", "resizing", "carbon_threshold_g_per_kwh",
)  # fmt: skip
_seen_of = operator.attrgetter("started_s", "ready_s", "draining", "utilisation", "memory_frac")


def failure_of(policy: str, t_s: float, error: Exception) -> PolicyFailed:
    """What an operator, or the policy's author, has to know of an error that a policy raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PolicyFailed(
        f"policy {policy!r} failed {t_s:g} s into the replay: {type(error).__name__}: {error}",
        f"{frame.filename}, line {frame.lineno}, in {frame.name}",
        "Repair the policy, or replay without it",
    )


def uncopied(policy: str, error: Exception) -> PolicyError:
    """What is wrong with a policy whose replay cannot be branched."""
    return PolicyError(
        f"the state of policy {policy!r} cannot be copied: {error}",
        "branching a replay",
        "Let the policy keep plain values and arrays only",
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
