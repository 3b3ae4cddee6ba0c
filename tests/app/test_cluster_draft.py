"""Edits by hand: what can be is taken over, what cannot is told and waits."""

import dataclasses

import pytest

from app import cluster_draft
from app.cluster_draft import added, applied, removed, switched
from app.cluster_fields import SECTIONS
from app.cluster_text import number
from engine.errors import ScenarioError
from engine.presets import PRESETS
from engine.scenario import Fault, FaultKind, Placement, Scenario, Tenant, WorkerSize

TWO = PRESETS["two-regions"]
PARTS = {part.title: part for parts in SECTIONS.values() for part in parts}


def edit(scenario, **texts):
    """Edits by path, with `__` for a point."""
    return applied(scenario, {path.replace("__", "."): text for path, text in texts.items()})


def test_a_good_edit_changes_what_it_names_and_nothing_else():
    made, wrong = edit(TWO, regions__1__pue="1.5")
    assert wrong == {}
    second = dataclasses.replace(TWO.regions[1], pue=1.5)
    assert made == dataclasses.replace(TWO, regions=(TWO.regions[0], second))


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("regions.1.pue", "0.5", "pue is 0.5"),
        ("regions.1.pue", "high", "'high' is not a number"),
        ("regions.1.pue", "1,2", "'1,2' is not a number"),
        ("regions.1.pue", "nan", "'nan' is not a number"),
        ("regions.1.pue", "1e999", "'1e999' is not a number"),
        ("regions.1.pue", " ", "it is empty"),
        ("regions.1.name", "", "it is empty"),
        ("regions.1.name", "us-west1", "used twice"),
        ("pools.0.workers_max", "1.5", "1.5 is not a whole number"),
        ("pools.0.workers_max", "1e17", "1e17 is not a whole number"),
        ("node_types.0.power_points", "0: 10, 1", "no pair of share and watts"),
        ("node_types.0.power_points", "0: 10, 1: x", "'x' is not a number"),
        ("node_types.0.power_points", "0: 10, 0.5: 20", "power_points"),
    ],
)
def test_a_wrong_edit_leaves_the_scenario_and_says_what_where_and_how_to_fix_it(path, text, what):
    made, wrong = applied(TWO, {path: text})
    assert made == TWO
    (error,) = wrong.values()
    assert what in error.what
    assert error.where
    assert error.fix


def test_one_wrong_edit_spoils_no_other():
    made, wrong = edit(TWO, regions__0__pue="0", regions__1__pue="1.3")
    assert made.regions[1].pue == 1.3
    assert list(wrong) == ["regions.0.pue"]


def test_edits_that_are_only_right_together_are_taken_together():
    alone, wrong = edit(TWO, pools__0__zone="europe-west4-a")
    assert alone == TWO
    assert "node group" in wrong["pools.0.zone"].what
    both, wrong = edit(TWO, pools__0__zone="europe-west4-a", pools__0__node_group="gpu-eu")
    assert wrong == {}
    assert (both.pools[0].zone, both.pools[0].node_group) == ("europe-west4-a", "gpu-eu")


def test_an_edit_that_waited_for_another_is_tried_again():
    made, wrong = edit(TWO, pools__0__workers_min="40", pools__0__workers_max="80")
    assert wrong == {}
    assert (made.pools[0].workers_min, made.pools[0].workers_max) == (40, 80)


def test_what_refers_to_a_name_follows_it():
    plan = (Fault(kind=FaultKind.GRID_OUTAGE, at_s=1.0, for_s=1.0, where="europe-west4"),)
    there = (Tenant(name="t", regions=("europe-west4",)),)
    made, wrong = edit(dataclasses.replace(TWO, faults=plan, tenants=there), regions__1__name="eu")
    assert wrong == {}
    assert made.zones[1].region == "eu"
    assert made.faults[0].where == "eu"
    assert made.tenants[0].regions == ("eu",)


def test_a_size_is_renamed_where_its_agent_type_is_used():
    (kind,) = PRESETS["llm-agents"].agent_types
    sized = dataclasses.replace(kind, sizes=(WorkerSize(name="big", slots=2),))
    pool = dataclasses.replace(PRESETS["llm-agents"].pools[0], size="big")
    made, wrong = edit(
        Scenario(agent_types=(sized,), pools=(pool,)), agent_types__0__sizes__0__name="huge"
    )
    assert wrong == {}
    assert made.pools[0].size == "huge"


def test_a_fault_of_another_kind_forgets_a_place_it_cannot_have():
    plan = (Fault(kind=FaultKind.NODE_LOSS, at_s=1.0, for_s=9.0, where="gpu-eu"),)
    made, wrong = edit(dataclasses.replace(TWO, faults=plan), faults__0__kind="slow-worker")
    assert wrong == {}
    assert made.faults[0].where is None


@pytest.mark.parametrize("title", [title for title, part in PARTS.items() if part.many])
def test_an_entry_is_added_with_a_name_of_its_own_and_removed_again(title):
    part = PARTS[title]
    first = added(TWO, part)
    second = added(first, part)
    last = cluster_draft.entries(cluster_draft.to_dict(second), part)[-1]
    assert removed(second, last) == first
    assert first != TWO


def test_a_node_group_needs_a_node_type_first():
    with pytest.raises(ScenarioError, match="there is no node type yet"):
        added(Scenario(), PARTS["Node groups"])


def test_what_is_referred_to_cannot_be_removed_and_says_by_whom():
    with pytest.raises(ScenarioError) as refused:
        removed(TWO, "regions.1")
    assert "still used" in refused.value.what
    assert "europe-west4-a" in refused.value.where


@pytest.mark.parametrize(
    ("title", "attribute"),
    [("Cache of prefixes", "cache"), ("Partitions", "partitions")],
)
def test_an_optional_part_is_switched_on_at_its_defaults_and_off_again(title, attribute):
    on = switched(TWO, PARTS[title], True)
    assert getattr(on, attribute) is not None
    assert switched(on, PARTS[title], False) == TWO


def test_the_breaker_is_switched_within_the_router():
    assert switched(TWO, PARTS["Circuit breaker"], True).router.breaker is not None


@pytest.mark.parametrize(
    ("value", "text"), [(1e-5, "0.00001"), (22.1225, "22.1225"), (1e6, "1000000"), (3, "3")]
)
def test_numbers_have_all_their_digits_and_no_exponent(value, text):
    assert number(value) == text


def test_choices_and_lists_are_taken_as_they_are():
    made, wrong = applied(
        TWO,
        {"node_groups.0.placement": "spread", "agent_types.0.specialities": " code, law ,",
         "pools.0.node_group": "", "node_types.0.power_points": "0: 9, 1: 20"},
    )  # fmt: skip
    assert wrong == {}
    assert made.node_groups[0].placement is Placement.SPREAD
    assert made.agent_types[0].specialities == ("code", "law")
    assert made.pools[0].node_group is None
    assert made.node_types[0].power_points == ((0.0, 9.0), (1.0, 20.0))
