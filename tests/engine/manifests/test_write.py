"""Manifests of a scenario are valid for Kubernetes, and say what the published deployment says."""

import dataclasses

import kubernetes_validate
import pytest
import yaml

from engine.errors import PolicyError
from engine.manifests import ManifestOptions, documents, to_yaml
from engine.presets import PRESETS
from engine.scenario import AgentType, NodeGroup, NodeType, Placement, Pool, Scenario, Zone

KUBERNETES = "1.37"
FIXED = "static:workers=3"


def by_kind(scenario, policy=None, **options):
    made = documents(scenario, policy, ManifestOptions(**options))
    return {
        kind: [doc for doc in made if doc["kind"] == kind]
        for kind in ("ConfigMap", "Deployment", "HorizontalPodAutoscaler")
    }


def pods(deployment):
    return deployment["spec"]["template"]["spec"]


@pytest.mark.parametrize("policy", ["hpa", "hpa:metric=in_flight:target=0.6", FIXED])
@pytest.mark.parametrize("name", PRESETS)
def test_the_manifests_of_every_preset_pass_the_schema_of_kubernetes(name, policy):
    stream = list(yaml.safe_load_all(to_yaml(PRESETS[name], policy)))
    assert len(stream) >= 2
    for document in stream:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_behaviour_with_every_parameter_passes_the_schema():
    policy = (
        "hpa:target=0.5:scale_up_pods=4:scale_up_percent=50:scale_up_select=Min"
        ":scale_up_tolerance=0.05:scale_down_pods=1:scale_down_select=Disabled"
        ":scale_down_tolerance=0.2:downscale_window_s=120"
    )
    (scaler,) = by_kind(Scenario(), policy)["HorizontalPodAutoscaler"]
    kubernetes_validate.validate(scaler, KUBERNETES, strict=True)
    up = scaler["spec"]["behavior"]["scaleUp"]
    assert up["selectPolicy"] == "Min"
    assert up["policies"] == [
        {"type": "Percent", "value": 50, "periodSeconds": 15},
        {"type": "Pods", "value": 4, "periodSeconds": 15},
    ]


def test_the_kubernetes_preset_gives_the_published_deployment():
    """S2-R37 to R40: resources, environment, anti-affinity; no number of its own."""
    (deployment,) = by_kind(PRESETS["kubernetes"])["Deployment"]
    assert deployment["metadata"]["name"] == "agent-service"
    assert "replicas" not in deployment["spec"]
    (container,) = pods(deployment)["containers"]
    assert container["image"] == "agent:latest"
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }
    assert container["env"] == [
        {"name": "AGENT_TYPE", "value": "processing-agent"},
        {"name": "MAX_CONCURRENT_TASKS", "value": "50"},
    ]
    (rule,) = pods(deployment)["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    assert rule["weight"] == 100
    assert rule["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert rule["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"app": "agent-service"}}


def test_the_kubernetes_preset_gives_the_published_autoscaler():
    """S2-R41 to R43: 5 to 50, CPU 70 %, memory 80 %, and how fast it may go."""
    (scaler,) = by_kind(PRESETS["kubernetes"])["HorizontalPodAutoscaler"]
    spec = scaler["spec"]
    assert scaler["apiVersion"] == "autoscaling/v2"
    assert (spec["minReplicas"], spec["maxReplicas"]) == (5, 50)
    targets = {m["resource"]["name"]: m["resource"]["target"] for m in spec["metrics"]}
    assert {name: target["averageUtilization"] for name, target in targets.items()} == {
        "cpu": 70,
        "memory": 80,
    }
    assert spec["behavior"] == {
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
        },
        "scaleUp": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
        },
    }


def test_a_fixed_policy_gives_a_number_and_no_autoscaler():
    made = by_kind(Scenario(), FIXED)
    assert made["HorizontalPodAutoscaler"] == []
    assert made["Deployment"][0]["spec"]["replicas"] == 3


@pytest.mark.parametrize("policy", ["threshold", "static", "hpa:nonsense=1", "no-such"])
def test_a_policy_that_kubernetes_does_not_have_is_refused(policy):
    with pytest.raises(PolicyError) as refused:
        documents(Scenario(), policy)
    assert refused.value.fix


def test_cpu_targets_follow_what_requests_use():
    thirsty = AgentType(slots=4, cpu_cores=8.0, cpu_per_request=1.0)
    scaler = by_kind(Scenario(agent_types=(thirsty,)), "hpa:target=0.8")
    (metric,) = scaler["HorizontalPodAutoscaler"][0]["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 40


def test_a_worker_that_never_uses_its_cpu_is_told_so():
    idle = AgentType(slots=1, cpu_cores=50.0, cpu_per_request=0.001)
    with pytest.raises(PolicyError, match="less than 1 %"):
        documents(Scenario(agent_types=(idle,)), "hpa")


def test_requests_in_flight_are_counted_per_worker():
    (scaler,) = by_kind(Scenario(), "hpa:metric=in_flight:target=0.5")["HorizontalPodAutoscaler"]
    (metric,) = scaler["spec"]["metrics"]
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "4"}


@pytest.mark.parametrize(
    ("memory", "metrics"),
    [
        ({}, ["cpu"]),
        ({"memory_per_request_gib": 1.0}, ["cpu", "memory"]),
        ({"memory_per_request_gib": 1.0, "memory_base_gib": 400.0}, ["cpu"]),  # 85 % when idle
    ],
)
def test_memory_is_a_metric_where_it_says_how_busy_a_worker_is(memory, metrics):
    made = by_kind(Scenario(agent_types=(AgentType(**memory),)))
    found = made["HorizontalPodAutoscaler"][0]["spec"]["metrics"]
    assert [metric["resource"]["name"] for metric in found] == metrics


@pytest.mark.parametrize(
    ("policy", "targets"),
    [
        ("hpa:target=0.5", {"cpu": 50}),
        ("hpa:memory_target=0.65:target=0.5", {"cpu": 50, "memory": 65}),
        ("hpa:metric=memory:target=0.6", {"memory": 60}),
    ],
)
def test_memory_is_looked_at_where_the_policy_does(policy, targets):
    known = Scenario(agent_types=(AgentType(memory_per_request_gib=1.0),))
    (scaler,) = by_kind(known, policy)["HorizontalPodAutoscaler"]
    found = {m["resource"]["name"]: m["resource"]["target"] for m in scaler["spec"]["metrics"]}
    assert {name: target["averageUtilization"] for name, target in found.items()} == targets


def test_gpus_are_asked_for_and_limited_alike():
    (deployment,) = by_kind(Scenario(), limits_factor=1.5)["Deployment"]
    resources = pods(deployment)["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == "2"
    assert resources["limits"]["nvidia.com/gpu"] == "2"
    assert resources["limits"]["cpu"] == "78"


@pytest.mark.parametrize(
    ("placement", "sort"),
    [(Placement.SPREAD, "podAntiAffinity"), (Placement.PACK, "podAffinity")],
)
def test_placement_becomes_affinity(placement, sort):
    cluster = Scenario(
        agent_types=(AgentType(drain_grace_s=12.5),),
        pools=(Pool(node_group="g"),),
        node_types=(NodeType(name="t", cpu_cores=208.0, memory_gib=1872.0, gpus=8),),
        node_groups=(NodeGroup(name="g", node_type="t", placement=placement),),
    )
    (deployment,) = by_kind(cluster)["Deployment"]
    assert list(pods(deployment)["affinity"]) == [sort]
    assert pods(deployment)["terminationGracePeriodSeconds"] == 13
    first = dataclasses.replace(cluster.node_groups[0], placement=Placement.FIRST)
    (bare,) = by_kind(dataclasses.replace(cluster, node_groups=(first,)))["Deployment"]
    assert "affinity" not in pods(bare)


def test_zones_are_named_where_there_are_several():
    several = Scenario(zones=(Zone(), Zone(name="zone-b")), pools=(Pool(zone="zone-b"),))
    (deployment,) = by_kind(several)["Deployment"]
    assert pods(deployment)["nodeSelector"] == {"topology.kubernetes.io/zone": "zone-b"}
    (alone,) = by_kind(Scenario())["Deployment"]
    assert "nodeSelector" not in pods(alone)


def test_names_that_kubernetes_does_not_allow_become_ones_that_it_does():
    pools = (Pool(name="Chat: Großes Modell!"), Pool(name="chat-gro-es-modell"), Pool(name="λ"))
    made = by_kind(Scenario(pools=pools))["Deployment"]
    found = [deployment["metadata"]["name"] for deployment in made]
    assert found == ["chat-gro-es-modell", "chat-gro-es-modell-2", "pool"]
    kept = [deployment["metadata"]["annotations"]["smartscale/pool"] for deployment in made]
    assert kept == [pool.name for pool in pools]
