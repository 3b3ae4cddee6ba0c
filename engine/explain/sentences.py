"""The plain sentence of a decision, made from its record alone and never stored.

What was done, why the policy asked for it, then each stage of the guard that changed it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from engine.explain import guard_words, hpa_words, policy_words
from engine.explain.decision import Decision
from engine.explain.words import at, number, workers
from engine.policies.base import Reason

__all__ = ["sentence"]

_BECAUSE: Mapping[str, Callable[[Decision], str]] = MappingProxyType(
    {
        "hpa": hpa_words.because,
        "threshold": policy_words.threshold,
        "static": policy_words.static,
        "reactive": policy_words.demand,
        "predictive": policy_words.demand,
        "smartscale": policy_words.demand,
        "champion": policy_words.champion,
        "oracle": policy_words.oracle,
        "oracle-instant": policy_words.oracle,
        "vertical": policy_words.vertical,
        "power-saver": policy_words.power_saver,
    }
)


def sentence(decision: Decision) -> str:
    """What happened and why, with numbers and units; every number is in the record."""
    silent = decision.reason == Reason.NOT_DUE or decision.proposed == -1
    if silent and decision.reason in (Reason.NOT_DUE, Reason.METRICS_MISSING):
        why = _silence(decision)
    elif decision.rationale:
        why = _BECAUSE.get(decision.family, policy_words.other)(decision)
    else:
        why = policy_words.other(decision)
    parts = [f"{_done(decision)}: {why}", *guard_words.clauses(decision)]
    text = "; ".join(part for part in parts if part)
    return f"{text}."


def _done(decision: Decision) -> str:
    before, after = decision.current, decision.applied
    when = at(decision.t_s, decision.epoch_s)
    if before == after:
        text = f"Kept {decision.pool} at {workers(before)} at {when}"
    else:
        way = "out" if after > before else "in"
        text = f"Scaled {decision.pool} {way} from {number(before)} to {workers(after)} at {when}"
    if decision.reason in (Reason.LARGER_SIZE, Reason.SMALLER_SIZE) and decision.size:
        text += f" and gave its workers the size {decision.size}"
    return text + _routed(decision)


def _routed(decision: Decision) -> str:
    """Router and weights, where the policy proposed some."""
    said, weights = decision.routing, decision.routing.get("weights") or {}
    parts = [f"{name} {number(value)}" for name, value in (weights.get("sizes") or {}).items()]
    if weights.get("pool", 1.0) != 1.0:
        parts.insert(0, f"the pool {number(weights['pool'])}")
    text = f", routed by {said['router']}" if "router" in said else ""
    return f"{text}, with routing weights {', '.join(parts)}" if parts else text


def _silence(decision: Decision) -> str:
    if decision.reason == Reason.METRICS_MISSING:
        return "nothing is known of the demand yet, so the policy made no proposal"
    return "the policy does not decide at every tick, and was not due yet"
