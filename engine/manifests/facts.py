"""What a Deployment and its autoscaler say of a pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ScenarioError
from engine.manifests import names
from engine.manifests.names import quantity
from engine.scenario import Placement

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """None where the manifest does not say."""

    pool: str
    agent_type: str
    slots: int | None
    cpu_cores: float | None
    memory_gib: float | None
    gpus: int
    drain_grace_s: float | None
    zone: str | None
    placement: Placement
    replicas: int | None
    workers_min: int | None
    workers_max: int | None
    autoscaler: Mapping[str, Any] | None
    """Spec of its autoscaler."""


def facts_of(documents: Sequence[Document], where: str) -> list[Facts]:
    """One entry a Deployment, in order. Raises ScenarioError."""
    scalers = {_target(doc): doc for doc in documents if _is(doc, "HorizontalPodAutoscaler")}
    found = [
        _facts(doc, scalers.get(_name(doc)), where) for doc in documents if _is(doc, "Deployment")
    ]
    if not found:
        raise ScenarioError(
            "there is no Deployment", where, "Add the Deployment of the workers to the file"
        )
    return found


def _is(document: Document, kind: str) -> bool:
    return document.get("kind") == kind


def _name(document: Document) -> str:
    return str((document.get("metadata") or {}).get("name", ""))


def _target(scaler: Document) -> str:
    return str(at(scaler, "spec.scaleTargetRef.name") or "")


def at(document: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def _facts(deployment: Document, scaler: Document | None, where: str) -> Facts:
    spot = f"{where}: Deployment {_name(deployment)!r}"
    containers = at(deployment, "spec.template.spec.containers")
    if not isinstance(containers, list) or not isinstance(containers[0], Mapping):
        raise ScenarioError("it has no container", spot, "Add spec.template.spec.containers")
    container = containers[0]
    variables = {entry.get("name"): entry.get("value") for entry in container.get("env") or []}
    pods = at(deployment, "spec.template.spec")
    memory = _amount(container, "memory", spot)
    spec = None if scaler is None else scaler.get("spec")
    return Facts(
        pool=str(
            (at(deployment, "metadata.annotations") or {}).get(names.POOL, _name(deployment))
        ),
        agent_type=str(variables.get("AGENT_TYPE") or _name(deployment)),
        slots=_whole(variables.get("MAX_CONCURRENT_TASKS"), "MAX_CONCURRENT_TASKS", spot),
        cpu_cores=_amount(container, "cpu", spot),
        memory_gib=None if memory is None else memory / names.GIB,
        gpus=round(_amount(container, names.GPU, spot) or 0),
        drain_grace_s=pods.get("terminationGracePeriodSeconds"),
        zone=(pods.get("nodeSelector") or {}).get(names.ZONE_LABEL),
        placement=_placement(pods),
        replicas=_whole(at(deployment, "spec.replicas"), "spec.replicas", spot),
        workers_min=_whole(at(spec, "minReplicas"), "minReplicas", spot),
        workers_max=_whole(at(spec, "maxReplicas"), "maxReplicas", spot),
        autoscaler=spec,
    )


def _amount(container: Mapping[str, Any], resource: str, spot: str) -> float | None:
    """What a container asks for; its limit where it asks for nothing, as Kubernetes takes it."""
    for side in ("requests", "limits"):
        given = (at(container, f"resources.{side}") or {}).get(resource)
        if given is not None:
            value = quantity(given)
            if value is None or value < 0:
                raise ScenarioError(
                    f"{given!r} is no quantity",
                    f"{spot}: resources.{side}.{resource}",
                    "Write it as Kubernetes does, such as 500m, 2 or 4Gi",
                )
            return value
    return None


def _whole(value: Any, name: str, spot: str) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ScenarioError(f"{name} is {value!r}", spot, "Use a whole number") from None


def _placement(pods: Mapping[str, Any]) -> Placement:
    for sort, placement in (
        ("podAntiAffinity", Placement.SPREAD),
        ("podAffinity", Placement.PACK),
    ):
        if at(pods, f"affinity.{sort}") is not None:
            return placement
    return Placement.FIRST
