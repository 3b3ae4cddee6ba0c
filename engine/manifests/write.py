"""Manifests of a scenario: a Deployment and an autoscaler a pool, and what they cannot say."""

import math
from dataclasses import dataclass
from typing import Any

import yaml

from engine.errors import PolicyError
from engine.manifests import autoscaler, names
from engine.manifests.autoscaler import Worker
from engine.policies.registry import PolicySpec, find, parse_spec
from engine.scenario import Placement, Pool, Scenario
from engine.scenario_file import to_toml

DEFAULT_POLICY = (
    "hpa:downscale_window_s=300:scale_down_percent=50:scale_down_period_s=60:scale_up_percent=100"
    ":scale_up_period_s=30:scale_up_window_s=60:target=0.7"
)
"""Of the deployment that the preset `kubernetes` is made after."""
MEMORY_TARGET = 0.8
"""Of the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestOptions:
    """What a scenario does not say of its containers."""

    image: str = "agent:latest"
    limits_factor: float = 2.0
    """Limits over requests of CPU and memory, as in that deployment; GPUs have none."""


def default_policy(scenario: Scenario) -> str:
    """Of that deployment, with its memory metric where it says how busy workers are."""
    workers = [
        Worker(kind=scenario.agent_type_of(pool), size=scenario.size_of(pool))
        for pool in scenario.pools
    ]
    idle = [w.kind.memory_base_gib / w.size.memory_gib for w in workers if w.says_memory]
    if idle and max(idle) < MEMORY_TARGET:
        return f"{DEFAULT_POLICY}:{autoscaler.MEMORY_TARGET}={MEMORY_TARGET}"
    return DEFAULT_POLICY


def to_yaml(scenario: Scenario, policy: str | None = None, **options: Any) -> str:
    """All documents as one YAML stream; see `documents` for what is raised."""
    made = documents(scenario, policy, ManifestOptions(**options))
    text: str = yaml.dump_all(
        made, Dumper=_Dumper, sort_keys=False, explicit_start=True, allow_unicode=True
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and everything where it stands."""

    def ignore_aliases(self, _data: Any) -> bool:
        """No anchors: some tools that read manifests do not know them."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def documents(
    scenario: Scenario, policy: str | None = None, options: ManifestOptions | None = None
) -> list[dict[str, Any]]:
    """One ConfigMap, then a Deployment and an autoscaler for each pool.

    Args:
        scenario: whose pools to deploy.
        policy: `hpa` with its parameters, or `static:workers=N` for fixed Deployments; None: that
            of `default_policy`.
        options: of the containers.

    Raises:
        PolicyError: Kubernetes has no such autoscaler, or the policy makes no sense.
    """
    options, policy = options or ManifestOptions(), policy or default_policy(scenario)
    spec = parse_spec(policy)
    find(spec)
    fixed = _fixed_workers(spec)
    apps = names.slugs([pool.name for pool in scenario.pools])
    made = [_kept(scenario, policy)]
    for app, pool in zip(apps, scenario.pools, strict=True):
        made.append(_deployment(scenario, pool, app, options, fixed))
        if fixed is None:
            made.append(_autoscaler(scenario, pool, app, spec))
    return made


def _fixed_workers(spec: PolicySpec) -> int | None:
    workers = dict(spec.parameters).get("workers")
    if spec.name == "static" and isinstance(workers, int):
        return workers
    if spec.name == "hpa":
        return None
    raise PolicyError(
        f"Kubernetes has no autoscaler that does what {str(spec)!r} does",
        "policy",
        "Use hpa with its parameters, or static:workers=N",
    )


def _kept(scenario: Scenario, policy: str) -> dict[str, Any]:
    (name,) = names.slugs([scenario.name])
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-scenario", "labels": {names.SCENARIO: "kept"}},
        "data": {"policy": policy, "scenario.toml": to_toml(scenario)},
    }


def _deployment(
    scenario: Scenario, pool: Pool, app: str, options: ManifestOptions, fixed: int | None
) -> dict[str, Any]:
    kind = scenario.agent_type_of(pool)
    labels = {"app": app, "agent-type": names.label(kind.name)}
    pods: dict[str, Any] = {}
    if kind.drain_grace_s is not None:
        pods["terminationGracePeriodSeconds"] = math.ceil(kind.drain_grace_s)
    if len(scenario.zones) > 1:
        pods["nodeSelector"] = {names.ZONE_LABEL: names.label(pool.zone)}
    affinity = _affinity(scenario, pool, app)
    if affinity:
        pods["affinity"] = affinity
    pods["containers"] = [_container(scenario, pool, options)]
    spec = {
        "replicas": fixed,  # an autoscaler and a number of our own would undo one another
        "selector": {"matchLabels": {"app": app}},
        "template": {"metadata": {"labels": labels}, "spec": pods},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "labels": labels, "annotations": {names.POOL: pool.name}},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def _affinity(scenario: Scenario, pool: Pool, app: str) -> dict[str, Any]:
    """Spread or pack pods as the pool's node group places its workers; empty: as they come."""
    placements = {group.name: group.placement for group in scenario.node_groups}
    placement = placements.get(pool.node_group or "", Placement.SPREAD)
    sort = {Placement.SPREAD: "podAntiAffinity", Placement.PACK: "podAffinity"}.get(placement)
    if sort is None:
        return {}
    term = {
        "labelSelector": {"matchLabels": {"app": app}},
        "topologyKey": names.HOST_LABEL,
    }
    weighted = [{"weight": 100, "podAffinityTerm": term}]
    return {sort: {"preferredDuringSchedulingIgnoredDuringExecution": weighted}}


def _container(scenario: Scenario, pool: Pool, options: ManifestOptions) -> dict[str, Any]:
    kind, size = scenario.agent_type_of(pool), scenario.size_of(pool)
    factor = options.limits_factor
    requests = {"cpu": names.cores(size.cpu_cores), "memory": names.gib(size.memory_gib)}
    limits = {
        "cpu": names.cores(size.cpu_cores * factor),
        "memory": names.gib(size.memory_gib * factor),
    }
    if size.gpus:
        requests[names.GPU] = limits[names.GPU] = str(size.gpus)
    return {
        "name": "agent",
        "image": options.image,
        "env": [
            {"name": "AGENT_TYPE", "value": kind.name},
            {"name": "MAX_CONCURRENT_TASKS", "value": str(size.slots)},
        ],
        "resources": {"requests": requests, "limits": limits},
    }


def _autoscaler(scenario: Scenario, pool: Pool, app: str, policy: PolicySpec) -> dict[str, Any]:
    worker = Worker(kind=scenario.agent_type_of(pool), size=scenario.size_of(pool))
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
        "minReplicas": max(1, pool.workers_min),  # 0 needs a feature that clusters rarely have
        "maxReplicas": pool.workers_max,
        "metrics": autoscaler.metrics(policy, worker),
    }
    behavior = autoscaler.behavior(policy)
    if behavior:
        spec["behavior"] = behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": app, "labels": {"app": app}},
        "spec": spec,
    }
