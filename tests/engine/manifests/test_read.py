"""Manifests are read back: unchanged as they were, changed as they say, and wrong ones told."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from engine.errors import ScenarioError
from engine.manifests import DEFAULT_POLICY, read, to_yaml
from engine.presets import PRESETS
from engine.scenario import AgentType, Placement, Pool, Scenario, WorkerSize

pytestmark = pytest.mark.slow

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: agents}
spec:
  replicas: 10
  template:
    spec:
      containers:
        - name: c
          resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {nvidia.com/gpu: 1}}
          env:
            - {name: MAX_CONCURRENT_TASKS, value: "50"}
"""
SCALER = """
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: any}
spec:
  scaleTargetRef: {kind: Deployment, name: agents}
  minReplicas: 2
  maxReplicas: 7
"""


@pytest.mark.parametrize(
    "policy", [DEFAULT_POLICY, "hpa:sync_s=30:target=0.6", "static:workers=4"]
)
@pytest.mark.parametrize("name", PRESETS)
def test_what_was_exported_comes_back_as_it_was(name, policy):
    found = read(to_yaml(PRESETS[name], policy))
    assert found.scenario == PRESETS[name]
    assert found.policy == policy
    assert found.notes == ()


@given(
    low=some.integers(0, 20),
    more=some.integers(1, 500),
    slots=some.integers(1, 400),
    cores=some.floats(0.001, 300.0),
    memory=some.floats(0.01, 2000.0),
    gpus=some.integers(0, 16),
    grace=some.none() | some.floats(0.0, 4000.0),
    name=some.text(min_size=1, max_size=80).filter(str.strip),
)
def test_any_pool_comes_back_as_it_was(low, more, slots, cores, memory, gpus, grace, name):
    kind = AgentType(
        slots=slots, cpu_cores=cores, memory_gib=memory, gpus=gpus, drain_grace_s=grace
    )
    pool = Pool(name=name, workers_min=low, workers_max=low + more)
    scenario = Scenario(agent_types=(kind,), pools=(pool, Pool(name=f"{name}2")))
    assert read(to_yaml(scenario)).scenario == scenario


def test_memory_changed_by_hand_changes_the_policy():
    kept = "hpa:memory_target=0.8:target=0.7"
    scenario = PRESETS["kubernetes"]
    assert read(to_yaml(scenario, kept)).policy == kept

    def change(_, scaler):
        scaler["metrics"][1]["resource"]["target"]["averageUtilization"] = 65

    assert edited(scenario, change, kept).policy == "hpa:memory_target=0.65:target=0.7"

    def alone(_, scaler):
        del scaler["metrics"][0]

    assert edited(scenario, alone, kept).policy == "hpa:metric=memory:target=0.8"


def edited(scenario, change, policy=DEFAULT_POLICY):
    """The export with its Deployment and autoscaler changed by hand."""
    stream = list(yaml.safe_load_all(to_yaml(scenario, policy)))
    deployment = next(doc for doc in stream if doc["kind"] == "Deployment")
    scaler = next((doc for doc in stream if doc["kind"] == "HorizontalPodAutoscaler"), None)
    change(deployment["spec"], None if scaler is None else scaler["spec"])
    return read(yaml.safe_dump_all(stream))


def test_what_was_changed_in_the_manifests_changes_the_scenario():
    def change(deployment, scaler):
        container = deployment["template"]["spec"]["containers"][0]
        container["resources"]["requests"] = {"cpu": "2500m", "memory": "6Gi"}
        container["env"][1]["value"] = "40"
        deployment["template"]["spec"]["terminationGracePeriodSeconds"] = 30
        deployment["template"]["spec"]["affinity"] = {"podAffinity": {}}
        scaler["maxReplicas"] = 80
        scaler["metrics"] = scaler["metrics"][:1]
        scaler["metrics"][0]["resource"]["target"]["averageUtilization"] = 55
        scaler["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = 0

    before = PRESETS["kubernetes"]
    found = edited(before, change, f"{DEFAULT_POLICY}:sync_s=30")
    (kind,), (pool,) = found.scenario.agent_types, found.scenario.pools
    assert (kind.cpu_cores, kind.memory_gib, kind.slots) == (2.5, 6.0, 40)
    assert kind.drain_grace_s == 30.0
    assert kind.service_mean_s == before.agent_types[0].service_mean_s
    assert (pool.workers_min, pool.workers_max, pool.workers_initial) == (5, 80, 10)
    assert found.scenario.node_groups[0].placement is Placement.PACK
    assert "target=0.55" in found.policy
    assert "scale_up_window_s=0" in found.policy
    assert "sync_s=30" in found.policy


def test_a_pool_of_no_workers_keeps_its_zero_though_kubernetes_has_one():
    scenario = Scenario(pools=(Pool(workers_min=0),))
    assert edited(scenario, lambda _, scaler: scaler.update(maxReplicas=9)).scenario.pools == (
        Pool(workers_min=0, workers_max=9),
    )


def test_resources_of_another_size_change_that_size():
    large = WorkerSize(name="large", slots=16, cpu_cores=8.0)
    scenario = Scenario(agent_types=(AgentType(sizes=(large,)),), pools=(Pool(size="large"),))

    def change(deployment, _):
        deployment["template"]["spec"]["containers"][0]["env"][1]["value"] = "20"

    (kind,) = edited(scenario, change).scenario.agent_types
    assert (kind.slots, kind.sizes[0].slots) == (8, 20)


def test_a_pool_whose_deployment_is_gone_is_gone():
    scenario = Scenario(pools=(Pool(), Pool(name="other")))
    stream = list(yaml.safe_load_all(to_yaml(scenario)))
    kept = [doc for doc in stream if doc["metadata"]["name"] != "other"]
    assert [pool.name for pool in read(yaml.safe_dump_all(kept)).scenario.pools] == ["chat"]


def test_a_deployment_of_somebody_else_becomes_a_scenario_of_its_own():
    found = read(DEPLOYMENT + SCALER)
    (kind,), (pool,) = found.scenario.agent_types, found.scenario.pools
    assert (kind.name, kind.slots, kind.cpu_cores, kind.gpus) == ("agents", 50, 0.5, 1)
    assert kind.memory_gib == 0.5
    assert (pool.workers_min, pool.workers_max, pool.workers_initial) == (2, 10, 10)
    assert found.policy == "hpa:target=0.8"
    assert any("defaults" in note for note in found.notes)


def test_without_an_autoscaler_the_number_is_fixed():
    assert read(DEPLOYMENT).policy == "static:workers=10"


def test_a_list_of_objects_is_read_like_a_stream():
    items = list(yaml.safe_load_all(DEPLOYMENT + SCALER))
    as_list = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    assert read(as_list) == read(DEPLOYMENT + SCALER)


@pytest.mark.parametrize(
    ("spec", "policy", "left_out"),
    [
        ({"metrics": [{"type": "Resource", "resource": {"name": "memory", "target": {}}}]},
         "hpa", "Resource memory"),
        ({"metrics": [{"type": "External", "external": {"metric": {"name": "lag"}}}]},
         "hpa", "External lag"),
        ({"metrics": [{"type": "Pods", "pods": {"metric": {"name": "busy"},
                                                "target": {"averageValue": "25"}}}]},
         "hpa:metric=in_flight:target=0.5", None),
        ({"behavior": {"scaleUp": {"policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 60},
            {"type": "Percent", "value": 10, "periodSeconds": 90}]}}},
         "hpa:scale_up_period_s=60:scale_up_pods=4:target=0.8", "scaleUp (Percent)"),
        ({"behavior": {"scaleDown": {"selectPolicy": "Disabled", "tolerance": "50m"}}},
         "hpa:scale_down_select=Disabled:scale_down_tolerance=0.05:target=0.8", None),
    ],
)  # fmt: skip
def test_what_a_replay_cannot_do_is_said(spec, policy, left_out):
    scaler = yaml.safe_load(SCALER.strip("-\n"))
    scaler["spec"].update(spec)
    found = read(f"{DEPLOYMENT}---\n{yaml.safe_dump(scaler)}")
    assert found.policy == policy
    said = [note for note in found.notes if "leaves out" in note]
    assert [left_out in note for note in said] == ([True] if left_out else [])


def test_pools_with_other_policies_are_told():
    two = DEPLOYMENT + SCALER + "---" + DEPLOYMENT.replace("name: agents", "name: others")
    found = read(two)
    assert any("others" in note and "one policy" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("a: [", "not valid YAML", "line"),
        ("just text", "not Kubernetes objects", "mine.yaml"),
        ("", "there is no Deployment", "mine.yaml"),
        ("kind: Deployment\nmetadata: {name: x}\nspec: {}", "no container", "'x'"),
        (DEPLOYMENT.replace("500m", "lots"), "'lots' is no quantity", "requests.cpu"),
        (DEPLOYMENT.replace('"50"', "many"), "MAX_CONCURRENT_TASKS is 'many'", "'agents'"),
        (DEPLOYMENT.replace('"50"', '"0"'), "slots is 0", "agent type 'agents'"),
        (DEPLOYMENT + SCALER.replace("minReplicas: 2", "minReplicas: 90"), "workers_min", "pool"),
        ("!!python/object:os.system {}", "not valid YAML", "line"),
    ],
)
def test_wrong_manifests_are_refused_where_they_are_wrong(text, what, where):
    with pytest.raises(ScenarioError) as refused:
        read(text, "mine.yaml")
    assert what in refused.value.what
    assert where in refused.value.where
    assert refused.value.fix
