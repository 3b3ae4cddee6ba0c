"""Why a HorizontalPodAutoscaler asked for a size: metric, ratio, tolerance, memory, pace, limits.

These are the steps that Kubernetes' own conditions fail to tell apart.
"""

from collections.abc import Mapping
from typing import Any

from engine.explain.decision import Decision
from engine.explain.derived import UTILISATION
from engine.explain.words import lasting, number, percent, workers
from engine.policies.base import Reason
from engine.policies.hpa_view import MEMORY

__all__ = ["because"]

_DECIDES = ", and that decides"
MIN, MAX = "TooFewReplicas", "TooManyReplicas"


def because(decision: Decision) -> str:
    """The HPA's part of a sentence."""
    said = decision.rationale
    metric = said.get("metric")
    if said.get("proposed") is None:
        return _unmeasured(decision)
    assert metric is not None
    return _told(decision, measured(decision), _own_reason(decision))


def _own_reason(decision: Decision) -> str:
    """What bound the HPA itself, be it that the guard changed more."""
    said = decision.rationale
    if said["limit"] == MIN:
        return Reason.MIN_WORKERS
    if said["limit"] == MAX:
        return Reason.MAX_WORKERS
    if said["limit"] != "DesiredWithinRange":
        return Reason.RATE_LIMIT
    if said["stabilised"] != said["proposed"]:
        return Reason.STABILIZED
    if said["desired"] != said["current"]:
        return Reason.DEMAND_UP
    verdict = said["metric"]["verdict"]
    if verdict == "within_tolerance":
        return Reason.WITHIN_TOLERANCE
    if verdict in ("flipped", "contradicted"):
        return Reason.UNCERTAIN_METRICS
    return Reason.ROUNDING


def measured(decision: Decision) -> str:
    """Raw metric against its target."""
    said, metric = decision.rationale, decision.rationale["metric"]
    if said.get("measures") == MEMORY:
        return (
            f"workers' memory is {metric['value']} % in use against a target of {said['target']} %"
        )
    if said.get("kind", UTILISATION) == UTILISATION:
        whose = "workers'" if metric.get("filled_ratio") is None else "measured workers'"
        text = f"{whose} slots are {metric['value']} % in use against a target of "
        return f"{text}{said['target']} %"
    value = number(decision.derived["value_per_worker"])
    target = number(decision.derived["target_per_worker"])
    return f"{value} requests in flight per worker against a target of {target}"


def _told(decision: Decision, seen: str, reason: str) -> str:
    said = decision.rationale
    asked = workers(said["proposed"])
    used, ratio = _ratios(said["metric"], decides=reason != Reason.UNCERTAIN_METRICS)
    side = said["tolerance"][1 if used is None or used >= 1 else 0]
    steady = workers(said["stabilised"])
    asks = ": it asks for" if ratio.endswith(_DECIDES) else ", which asks for"
    if reason == Reason.WITHIN_TOLERANCE:
        return f"{seen}{ratio}, which is within the tolerance of {percent(side)}"
    if reason == Reason.ROUNDING:
        size = workers(decision.current)
        times = f"{used:.2f} times {size}" if used else "which"
        return f"{seen}{ratio}, and {times}, rounded up, is the present size"
    if reason == Reason.UNCERTAIN_METRICS:
        return f"{seen}{ratio}, so it is open whether more or fewer are needed and the size stays"
    if reason == Reason.STABILIZED:
        return f"{seen}{ratio}{asks} {asked}, but {_remembered(decision)}"
    way = "out" if said["stabilised"] > decision.current else "in"
    rest = {
        Reason.RATE_LIMIT: f", but the HPA's rules for scaling {way} allow no "
        f"{'more' if way == 'out' else 'fewer'} than {workers(said['pace'])} yet",
        Reason.MAX_WORKERS: f", but {said['max']} is the most the pool may have",
        Reason.MIN_WORKERS: f", but {said['min']} is the least the pool may have",
    }
    if reason in rest:
        return f"{seen}{ratio}{asks} {steady}{rest[Reason(reason)]}"
    return f"{seen}{ratio}{asks} {asked}"


def _remembered(decision: Decision) -> str:
    said = decision.rationale
    down = said["stabilised"] > said["proposed"]
    extreme = "highest" if down else "lowest"
    window = lasting(said["window_s"][0 if down else 1]) if "window_s" in said else "window"
    kept = "keeps it at" if said["stabilised"] == decision.current else "limits it to"
    return (
        f"stabilisation {kept} {workers(said['stabilised'])}, the {extreme} recommendation of "
        f"the last {window}"
    )


def _ratios(metric: Mapping[str, Any], *, decides: bool) -> tuple[float | None, str]:
    """The ratio that decides, and how it came about; or the two that contradict each other."""
    ratio, filled = metric["ratio"], metric.get("filled_ratio")
    if ratio is None:
        return None, ""
    if ratio == 0.0:
        return ratio if filled is None else filled, ""
    if filled is None or filled == ratio:
        return ratio, f" ({ratio:.2f} times that)"
    assumed = "busy" if ratio < 1.0 else "idle"
    text = (
        f" ({ratio:.2f} times that); counting the unmeasured ones as {assumed}, it is "
        f"{filled:.2f} times"
    )
    return filled, text + _DECIDES if decides else text


def _unmeasured(decision: Decision) -> str:
    said, limit = decision.rationale, decision.rationale.get("limit")
    if limit == MAX:
        most = f"more than the {said['max']} the pool may have"
        return f"{workers(decision.current)} are {most}, whatever the metrics say"
    if limit == MIN:
        least = f"fewer than the {said['min']} it must have"
        return f"the pool had {least}, whatever the metrics say"
    if decision.reason == Reason.DISABLED or said.get("metric") is None:
        least = said["min"]
        return (
            f"a size of 0 switches off an HPA whose minimum is {least}; the pool stays there "
            "until somebody gives it another size"
        )
    return "no worker could be measured yet, so the HPA leaves the size as it is"
