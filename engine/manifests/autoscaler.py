"""The policy `hpa` as the spec of a HorizontalPodAutoscaler, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import PolicyError
from engine.manifests.names import quantity
from engine.policies.registry import PolicySpec
from engine.scenario import AgentType, WorkerSize

Parameters = dict[str, int | float | str]
IN_FLIGHT_METRIC = "requests_in_flight"
"""What a worker reports: requests waiting and in service."""
DEFAULT_TARGET, DEFAULT_PERIOD_S = 0.8, 15
TOLERANCE, MEMORY_TARGET = "tolerance", "memory_target"
UNSAID = ("sync_s", TOLERANCE)
"""Parameters that belong to the control plane, not to an autoscaler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What of a pool's workers decides how busy they look."""

    kind: AgentType
    size: WorkerSize

    @property
    def cpu_when_full(self) -> float:
        """Share of the CPU it asks for that a worker uses with all slots busy."""
        per_request = self.kind.cpu_per_request
        return per_request * self.size.slots / self.size.cpu_cores if per_request else 1.0

    @property
    def says_memory(self) -> bool:
        """Whether the scenario says what memory requests take."""
        kind = self.kind
        return kind.memory_per_request_gib > 0 or kind.memory_per_1k_tokens_gib > 0


def metrics(spec: PolicySpec, worker: Worker) -> list[dict[str, Any]]:
    """The metrics of a spec. Raises PolicyError where CPU never reaches the target."""
    given = dict(spec.parameters)
    target = float(given.get("target", DEFAULT_TARGET))
    found = [_resource("memory", round(100 * target))]
    if given.get("metric") != "memory":
        found = [_first(given, target, worker)]
        if MEMORY_TARGET in given and worker.says_memory:
            found.append(_resource("memory", round(100 * float(given[MEMORY_TARGET]))))
    return found


def _first(given: Parameters, target: float, worker: Worker) -> dict[str, Any]:
    """The metric of slots or of requests."""
    if given.get("metric") == "in_flight":
        average = {"type": "AverageValue", "averageValue": f"{round(target * worker.size.slots)}"}
        named = {"metric": {"name": IN_FLIGHT_METRIC}, "target": average}
        return {"type": "Pods", "pods": named}
    percent = round(100 * target * worker.cpu_when_full)
    if percent < 1:
        raise PolicyError(
            f"workers of {worker.kind.name!r} use so little CPU that {target:g} of their slots is "
            "less than 1 % of it",
            "policy hpa: target",
            "Lower cpu_cores of the agent type, or use metric=in_flight",
        )
    return _resource("cpu", percent)


def _resource(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def behavior(spec: PolicySpec) -> dict[str, Any]:
    """The `behavior` of a spec; empty where no parameter asks for one."""
    given = dict(spec.parameters)
    if not any(name.startswith("scale_") for name in given):
        return {}
    made = {}
    for direction, window in (("up", "scale_up_window_s"), ("down", "downscale_window_s")):
        rules: dict[str, Any] = {}
        if window in given:
            rules["stabilizationWindowSeconds"] = int(given[window])
        if f"scale_{direction}_select" in given:
            rules["selectPolicy"] = given[f"scale_{direction}_select"]
        if f"scale_{direction}_{TOLERANCE}" in given:
            rules[TOLERANCE] = f"{given[f'scale_{direction}_{TOLERANCE}']}"
        period = int(given.get(f"scale_{direction}_period_s", DEFAULT_PERIOD_S))
        steps = [
            {"type": kind, "value": int(given[key]), "periodSeconds": period}
            for kind in ("Percent", "Pods")
            if (key := f"scale_{direction}_{kind.lower()}") in given
        ]
        if steps:
            rules["policies"] = steps
        if rules:
            made[f"scale{direction.capitalize()}"] = rules
    return made


def parameters(spec: Mapping[str, Any], worker: Worker) -> tuple[Parameters, list[str]]:
    """The policy's parameters that an autoscaler's spec stands for, and what they leave out."""
    found: Parameters = {}
    left_out: list[str] = []
    for metric in spec.get("metrics") or []:
        said = _metric(metric, worker)
        if said is None or not said.keys().isdisjoint(found):
            left_out.append(f"the metric {_name_of(metric)}")
        else:
            found.update(said)
    if MEMORY_TARGET in found and "target" not in found:  # memory alone
        found = {"metric": "memory", "target": found.pop(MEMORY_TARGET)}
    if not spec.get("metrics"):
        found["target"] = DEFAULT_TARGET
    for direction in ("up", "down"):
        rules = (spec.get("behavior") or {}).get(f"scale{direction.capitalize()}") or {}
        found.update(_rules(rules, direction, left_out))
    return found, left_out


def _metric(metric: Mapping[str, Any], worker: Worker) -> Parameters | None:
    """None for one that the policy does not look at."""
    resource, pods = metric.get("resource") or {}, metric.get("pods") or {}
    if resource.get("name") == "cpu":
        percent = (resource.get("target") or {}).get("averageUtilization")
        if percent is None:
            return None
        return {"target": round(percent / worker.cpu_when_full) / 100}
    if resource.get("name") == "memory":
        percent = (resource.get("target") or {}).get("averageUtilization")
        if percent is None or not worker.says_memory:
            return None
        return {MEMORY_TARGET: round(percent) / 100}
    average = quantity((pods.get("target") or {}).get("averageValue", ""))
    if average is None:
        return None
    return {"metric": "in_flight", "target": round(100 * average / worker.size.slots) / 100}


def _name_of(metric: Mapping[str, Any]) -> str:
    kind = str(metric.get("type", ""))
    inner = metric.get(kind[:1].lower() + kind[1:]) or {}
    name = inner.get("name") or (inner.get("metric") or {}).get("name") or ""
    return f"{kind} {name}".strip()


def _rules(rules: Mapping[str, Any], direction: str, left_out: list[str]) -> Parameters:
    found: Parameters = {}
    window = rules.get("stabilizationWindowSeconds")
    if window is not None:
        name = "scale_up_window_s" if direction == "up" else "downscale_window_s"
        found[name] = int(window)
    if rules.get("selectPolicy"):
        found[f"scale_{direction}_select"] = str(rules["selectPolicy"])
    tolerance = quantity(rules.get(TOLERANCE, ""))
    if tolerance is not None:
        found[f"scale_{direction}_{TOLERANCE}"] = tolerance
    for step in rules.get("policies") or []:
        key = f"scale_{direction}_{str(step.get('type', '')).lower()}"
        period = int(step.get("periodSeconds", DEFAULT_PERIOD_S))
        known = found.setdefault(f"scale_{direction}_period_s", period)
        if key in found or known != period:
            left_out.append(f"a rule of scale{direction.capitalize()} ({step.get('type')})")
        else:
            found[key] = int(step.get("value", 0))
    return found


def spelled(found: Parameters) -> str:
    """The policy as it is typed."""
    return ":".join(["hpa", *(f"{name}={value}" for name, value in sorted(found.items()))])
