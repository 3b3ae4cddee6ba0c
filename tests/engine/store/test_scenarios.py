"""Scenarios are saved by name, come back as they were, and survive a restart."""

import dataclasses

import pytest

from engine.errors import ScenarioError, StoreError
from engine.planner import Planner
from engine.presets import PRESETS

MINE = dataclasses.replace(PRESETS["two-regions"], name="mine")


def test_a_saved_scenario_comes_back_after_a_restart(store_path):
    with Planner(store_path) as planner:
        planner.save_scenario(MINE)
        planner.save_scenario(dataclasses.replace(MINE, name="same content"))
    with Planner(store_path) as planner:
        found = planner.saved_scenarios()
    assert found["mine"] == MINE
    assert set(found) == {"mine", "same content"}


def test_the_same_name_is_written_over(store_path):
    with Planner(store_path) as planner:
        planner.save_scenario(MINE)
        planner.save_scenario(dataclasses.replace(MINE, seed=7))
        assert planner.saved_scenarios() == {"mine": dataclasses.replace(MINE, seed=7)}


def test_the_name_of_a_preset_is_refused(store_path):
    with Planner(store_path) as planner:
        with pytest.raises(ScenarioError, match="name of a preset"):
            planner.save_scenario(PRESETS["kubernetes"])
        assert planner.saved_scenarios() == {}


def test_a_saved_scenario_is_deleted_once(store_path):
    with Planner(store_path) as planner:
        planner.save_scenario(MINE)
        planner.delete_scenario("mine")
        with pytest.raises(StoreError, match="no saved scenario"):
            planner.delete_scenario("mine")
