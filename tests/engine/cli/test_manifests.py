"""`smartscale manifests` prints YAML and TOML as they are, and says what a replay leaves out."""

import yaml

from engine.manifests import default_policy, to_yaml
from engine.presets import PRESETS
from engine.scenario_file import from_toml


def test_a_preset_is_printed_as_manifests(smartscale):
    ended = smartscale("manifests", "export", "kubernetes")
    assert ended.code == 0
    assert ended.out.rstrip() == to_yaml(PRESETS["kubernetes"]).rstrip()
    document = smartscale("manifests", "export", "kubernetes", "--json").document
    assert document["policy"] == default_policy(PRESETS["kubernetes"])
    assert yaml.safe_load_all(document["manifests"])


def test_alone_it_lists_what_presets_become(smartscale):
    found = smartscale("manifests", "--json").document["manifests"]
    mine = [each["kind"] for each in found if each["preset"] == "kubernetes"]
    assert mine == ["ConfigMap", "Deployment", "HorizontalPodAutoscaler"]
    assert "agent-service" in smartscale("manifests").out


def test_options_reach_the_manifests(smartscale, tmp_path):
    path = tmp_path / "deployed.yaml"
    given = ["--image", "registry/agents:7", "--limits-factor", 1, "--memory-target", 60,
             "--set", "pools.agent-service.workers_max=60", "--out", path]  # fmt: skip
    ended = smartscale("manifests", "export", "kubernetes", *given)
    assert (ended.code, ended.out) == (0, "")
    deployment, scaler = list(yaml.safe_load_all(path.read_text()))[1:]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry/agents:7"
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert scaler["spec"]["maxReplicas"] == 60
    assert scaler["spec"]["metrics"][1]["resource"]["target"]["averageUtilization"] == 60


def test_manifests_are_printed_as_a_scenario_with_their_policy_beside(smartscale, tmp_path):
    path = tmp_path / "deployed.yaml"
    path.write_text(to_yaml(PRESETS["two-regions"], "hpa:target=0.5"), encoding="utf-8")
    ended = smartscale("manifests", "import", path)
    assert from_toml(ended.out) == PRESETS["two-regions"]
    assert "Policy: hpa:target=0.5" in ended.err
    mine = tmp_path / "mine.toml"
    assert smartscale("manifests", "import", path, "--out", mine).code == 0
    assert smartscale("scenario", "check", mine).code == 0


def test_what_a_replay_leaves_out_is_said(smartscale, tmp_path):
    stream = list(yaml.safe_load_all(to_yaml(PRESETS["kubernetes"])))[1:]
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump_all(stream), encoding="utf-8")
    ended = smartscale("manifests", "import", path)
    assert "leaves out the metric Resource memory" in ended.err
    assert smartscale("manifests", "import", path, "--json").document["notes"]


def test_files_that_cannot_be_are_the_inputs_fault(smartscale, tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nowhere.yaml", tmp_path / "binary.yaml", tmp_path):
        ended = smartscale("manifests", "import", path)
        assert ended.code == 3
        assert "where:" in ended.err
    assert smartscale("manifests", "export", "--policy", "threshold").code == 3
