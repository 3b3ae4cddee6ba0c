"""A scenario is named as a preset, as what was saved on the page Cluster, or as a file."""

from dataclasses import replace

import pytest

from engine.planner import Planner
from engine.presets import PRESETS
from engine.scenario import Slo


@pytest.mark.slow
def test_a_saved_scenario_is_found_by_its_name_also_one_with_a_point_in_it(stocked):
    mine = replace(PRESETS["llm-agents"], name="mine v1.2", slo=Slo(latency_s=77.0))
    with Planner() as planner:
        planner.save_scenario(mine)
    shown = stocked("scenario", "show", "mine v1.2", "--json").document
    assert shown["scenario"]["slo"]["latency_s"] == 77.0
    made = stocked("replay", "--trace", "demand", "--policy", "static", "--scenario", "mine v1.2",
                   "--json")  # fmt: skip
    assert made.document["runs"][0]["scenario_name"] == "mine v1.2"


def test_an_unknown_name_is_explained_with_the_nearest_known_one(smartscale):
    with Planner() as planner:
        planner.save_scenario(replace(PRESETS["llm-agents"], name="evening"))
    ended = smartscale("scenario", "show", "evenin")
    assert ended.code == 3
    assert "no preset, no saved scenario and no file 'evenin'" in ended.err
    assert "evening" in ended.err
    assert smartscale("scenario", "show", "nowhere.toml").code == 3


@pytest.mark.parametrize(
    ("policy", "preset", "told"),
    [
        ("smartscale:vertical=true", "llm-agents", True),
        ("smartscale:vertical=true", "worker-sizes", False),
        ("smartscale:vertical=false", "llm-agents", False),
    ],
)
@pytest.mark.parametrize("command", [("replay",), ("sweep", "--vary", "policy.cost=0.2,0.5")])
def test_sizes_that_are_to_be_chosen_where_there_are_none_are_noted(
    smartscale, policy, preset, told, command
):
    ended = smartscale(*command, "--trace", "absent", "--policy", policy, "--scenario", preset)
    assert (f"vertical=true has no effect in {policy}" in ended.err) is told
