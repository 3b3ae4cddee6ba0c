"""Figures of a sentence that are not in a rationale but follow from it by one step each."""

from collections.abc import Mapping
from typing import Any

__all__ = ["derived"]

MILLI = 1000


def derived(
    current: int, proposed: float, applied: int, rationale: Mapping[str, Any], slots: float
) -> dict[str, float]:
    """What follows from a record; names say what it is.

    change_workers = |applied - current|
    serves_per_s = current · slots · target / service time, for policies that follow demand
    excess_frac = |expected / serves - 1|
    planned_busy_frac = expected · service time / (wanted · slots), for learned policies;
        slots as they say
    value_per_worker, target_per_worker: milli-units of Kubernetes in units

    Args:
        current: workers before.
        proposed: by the policy.
        applied: workers after.
        rationale: the policy's own numbers.
        slots: per worker.
    """
    found = {"change_workers": float(abs(applied - current))}
    if proposed >= 0 and proposed != current:
        found["proposed_change_workers"] = abs(proposed - current)
    found |= _of_demand(current, rationale, slots) | _of_caution(rationale, slots)
    metric = rationale.get("metric")
    if isinstance(metric, Mapping) and "value" in metric and rationale.get("kind") != UTILISATION:
        found["value_per_worker"] = float(metric["value"]) / MILLI
        found["target_per_worker"] = float(rationale["target"]) / MILLI
    return found


UTILISATION = "Utilization"


def _of_demand(current: int, rationale: Mapping[str, Any], slots: float) -> dict[str, float]:
    expected = rationale.get("expected_per_s", rationale.get("rate_per_s"))
    service_s, target = rationale.get("service_s"), rationale.get("target")
    if not (expected and service_s and isinstance(target, float) and current):
        return {}
    serves = current * slots * target / service_s
    found = {"serves_per_s": serves, "excess_frac": abs(expected / serves - 1.0)}
    if "quantile" in rationale:
        found["quantile_frac"] = float(rationale["quantile"])
    return found


def _of_caution(rationale: Mapping[str, Any], slots: float) -> dict[str, float]:
    """What a learned policy's caution comes to: the use of the slots that it plans for."""
    expected, service_s = rationale.get("expected_per_s"), rationale.get("service_s")
    wanted, slots = rationale.get("wanted"), rationale.get("slots", slots)
    if "caution" not in rationale or not (expected and service_s and wanted and slots):
        return {}
    return {"planned_busy_frac": expected * service_s / (wanted * slots)}
