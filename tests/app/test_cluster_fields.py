"""The page Cluster leaves no field of a scenario out, and its texts mean what they say."""

import dataclasses
import typing

import pytest

from app.cluster_draft import added, applied, entries, options, spec, value_at
from app.cluster_fields import FIELDS, SECTIONS, Type
from app.cluster_text import shown
from engine import scenario as scenarios
from engine.presets import PRESETS
from engine.scenario import Cache, Degradation, DegradeKind, PriorityClass, Router, Tenant
from engine.scenario_file import to_dict


def leaves(kind, path=""):
    """Paths of all values of a class, `*` for each entry of a list."""
    for name, hint in typing.get_type_hints(kind).items():
        options_of = [hint, *typing.get_args(hint)]
        inner = next((each for each in options_of if dataclasses.is_dataclass(each)), None)
        star = ".*" if typing.get_origin(hint) is tuple and inner else ""
        if inner is None:
            yield f"{path}{name}"
        else:
            yield from leaves(inner, f"{path}{name}{star}.")


def test_every_value_of_a_scenario_can_be_edited_and_nothing_else():
    assert set(FIELDS) == set(leaves(scenarios.Scenario))


def test_every_field_has_a_label_a_meaning_and_where_it_is_a_quantity_a_unit():
    for path, (_, field) in FIELDS.items():
        assert field.label, path
        assert field.help.endswith("."), path
        if field.type is Type.NUMBER:
            assert field.unit, path


def test_labels_are_used_once_in_each_part():
    for parts in SECTIONS.values():
        for part in parts:
            labels = [field.label for field in part.fields]
            assert len(set(labels)) == len(labels), part.title


FULL = dataclasses.replace(
    PRESETS["two-regions"],
    router=Router(breaker=scenarios.Breaker()),
    cache=Cache(),
    partitions=scenarios.Partitions(),
    priority_classes=(PriorityClass(name="first", rank=1),),
    tenants=(Tenant(name="a", priority="first", regions=("us-west1",)), Tenant(name="b")),
    degradation=(Degradation(kind=DegradeKind.SHED),),
    faults=(
        scenarios.Fault(kind=scenarios.FaultKind.NODE_LOSS, at_s=60.0, where="gpu-eu"),
        scenarios.Fault(kind=scenarios.FaultKind.SLOW_WORKER, at_s=9.0, for_s=5.0),
    ),
    guard=scenarios.Guard(
        slo_quantile=0.9, out_workers=4, holds=(scenarios.Hold(pool="chat-eu", at_s=60.0),)
    ),
)
"""Has an entry of every part but sizes and siting."""


def paths_of(scenario):
    plain = to_dict(scenario)
    for parts in SECTIONS.values():
        for part in parts:
            for entry in entries(plain, part):
                for field in part.fields:
                    yield f"{entry}.{field.path}".lstrip(".")


@pytest.mark.parametrize("name", [*PRESETS, "full"])
def test_what_inputs_show_is_what_the_scenario_says(name):
    scenario = PRESETS.get(name, FULL)
    plain = to_dict(scenario)
    texts = {path: shown(spec(path)[1], value_at(plain, path)) for path in paths_of(scenario)}
    assert len(texts) > 80
    assert applied(scenario, texts) == (scenario, {})


def test_names_can_be_chosen_that_are_there():
    plain = to_dict(FULL)
    assert options(plain, "pools.0.zone") == ["us-west1-a", "europe-west4-a"]
    assert options(plain, "pools.0.node_group") == ["", "gpu-us", "gpu-eu"]
    assert options(plain, "pools.0.size") == ["standard"]
    assert options(plain, "faults.0.where") == ["", "gpu-us", "gpu-eu"]
    assert options(plain, "faults.1.where") == ["", "chat-us", "chat-eu"]
    assert options(plain, "tenants.0.regions") == ["us-west1", "europe-west4"]


def test_the_first_hold_switches_the_guard_on():
    part = next(part for part in SECTIONS["Guard"] if part.key == "guard.holds")
    scenario = PRESETS["two-regions"]
    assert scenario.guard is None
    assert entries(to_dict(scenario), part) == []
    held = added(scenario, part)
    assert held.guard == scenarios.Guard(holds=(scenarios.Hold(pool=scenario.pools[0].name),))
    renamed, wrong = applied(held, {"pools.0.name": "other"})
    assert wrong == {}
    assert renamed.guard.holds[0].pool == "other"
