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
