from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.parts.planner_knobs import _meanings
from app.planning import (
    Knobs,
    completed,
    grids_vary,
    knobs_of,
    percents,
    policy_text,
    switched,
    turned,
)
from engine.briefing import has_sizes
from engine.policies.registry import available
from engine.presets import PRESETS
from engine.scenario import WEIGHT_FIELDS, Priorities, Startup
from engine.scenario_file import content_hash


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5))
def test_weights_always_sum_to_a_hundred_and_a_link_gives_them_back(weights):
    once = percents(dict(zip(WEIGHT_FIELDS, weights, strict=True)))
    assert sum(once.values()) == 100
    assert percents(once) == once


PLAIN = PRESETS["two-regions"]
CURVED = replace(
    PLAIN, regions=tuple(replace(each, grid_profile="texas") for each in PLAIN.regions)
)


@pytest.mark.parametrize("name", [*PRESETS, "curved"])
def test_knobs_that_stand_where_they_stood_make_the_same_comparison(name):
    base = PRESETS.get(name, CURVED)
    own = grids_vary(base)
    knobs = Knobs(
        policy="smartscale", weights=(30.0, 10.0, 30.0, 20.0, 10.0),
        carbon_g_per_kwh=None if own else 350.0, carbon_percentile=90.0 if own else None,
        slo_s=7.3, slo_frac=0.999, startup_s=20.0, budget_usd_per_hour=90.0, workers_max=17,
    )  # fmt: skip
    made, policy = turned(base, knobs), policy_text(knobs)
    again = knobs_of(made, policy)
    whole = percents(dict(zip(WEIGHT_FIELDS, again.weights, strict=True)))
    again = Knobs(
        **{n: getattr(again, n) for n in Knobs.__dataclass_fields__ if n != "weights"},
        weights=tuple(map(float, whole.values())),
    )
    assert content_hash(turned(base, again)) == content_hash(made)
    assert policy_text(again) == policy


def test_turning_changes_what_it_says_and_nothing_else():
    base = PRESETS["llm-agents"]
    knobs = knobs_of(base, "hpa")
    assert turned(base, knobs).pools == base.pools
    assert turned(base, knobs).agent_types == base.agent_types
    assert turned(base, knobs).guard is None
    assert policy_text(knobs) == "hpa"


def test_the_start_up_knob_turns_workers_that_start_at_once():
    preset = PRESETS["llm-agents"]
    kinds = tuple(
        replace(kind, startup=Startup(mean_s=0.0, spread_s=0.0)) for kind in preset.agent_types
    )
    base = replace(preset, agent_types=kinds)
    made = turned(base, replace(knobs_of(base, "hpa"), startup_s=30.0))
    assert {kind.startup.mean_s for kind in made.agent_types} == {30.0}
    assert turned(base, knobs_of(made, "hpa")) == made


def test_switches_are_read_from_a_policy_and_put_back():
    typed = "smartscale:hold_s=30:routing=true:vertical=false"
    assert switched(typed) == ("smartscale:hold_s=30", {"vertical": False, "routing": True})
    knobs = knobs_of(PRESETS["two-regions"], typed)
    assert (knobs.policy, knobs.vertical, knobs.routing) == ("smartscale:hold_s=30", False, True)
    made = policy_text(knobs)
    assert "routing=true" in made
    assert "vertical" not in made
    again = knobs_of(PRESETS["two-regions"], made)
    assert (again.policy, again.vertical, again.routing) == (knobs.policy, False, True)


@pytest.mark.parametrize(
    ("typed", "kept", "weights"),
    [
        ("hpa", "hpa", (30, 5, 50, 5, 10)),
        ("smartscale:hold_s=30", "smartscale:hold_s=30", (30, 5, 50, 5, 10)),
        ("smartscale:cost=0:hold_s=30", "smartscale:hold_s=30", (60, 10, 0, 10, 20)),
        ("smartscale:profile=smartscale", "smartscale", (40, 20, 25, 15, 0)),
        ("smartscale:cost=dear", "smartscale:cost=dear", (30, 5, 50, 5, 10)),
    ],
)
def test_knobs_of_weights_stand_at_what_a_run_weighs_by(typed, kept, weights):
    own = Priorities(w_latency=30, w_utilisation=5, w_cost=50, w_reliability=5, w_carbon=10)
    knobs = knobs_of(replace(PRESETS["llm-agents"], priorities=own), typed)
    assert knobs.policy == kept
    assert (
        tuple(percents(dict(zip(WEIGHT_FIELDS, knobs.weights, strict=True))).values()) == weights
    )


def test_what_is_no_switch_of_the_policy_stays_as_typed():
    assert switched("hpa:target=0.5") == ("hpa:target=0.5", {})
    assert switched("smartscale:hold_s=30") == ("smartscale:hold_s=30", {})
    assert switched("smartscale:routing=false") == ("smartscale", {"routing": False})
    odd = "smartscale:routing=3"  # the policy itself refuses it, in its own words
    assert switched(odd)[0] == odd
    turned_on = replace(knobs_of(PRESETS["two-regions"], odd), routing=True)
    assert "routing=3" in policy_text(turned_on)


def test_only_the_preset_of_sizes_has_sizes():
    assert [name for name, preset in PRESETS.items() if has_sizes(preset)] == ["worker-sizes"]


def test_percentiles_are_for_grids_that_change():
    assert grids_vary(CURVED)
    assert not grids_vary(replace(CURVED, regions=(CURVED.regions[0], *PLAIN.regions[1:])))


def test_parameters_typed_alone_are_those_of_the_policy_before():
    assert completed(":hold_s=30", "smartscale") == "smartscale:hold_s=30"
    assert completed(":target=0.5", "hpa:target=0.7") == "hpa:target=0.5"
    assert completed("hpa:target=0.5", "smartscale") == "hpa:target=0.5"
    assert completed("", "hpa") == ""


def test_the_tip_of_a_policy_tells_what_each_does_and_the_parameters_of_the_chosen_one():
    installed = available()
    tip = _meanings("Tip.", installed, "hpa:target=0.5")
    assert tip.startswith("Tip.\n")
    assert all(f"- `{name}`: {info.description}" in tip for name, info in installed.items())
    assert "- `target=0.8`: share of slots wanted in use" in tip
    assert "`lookback_s=" not in tip
    assert "Parameters of" not in _meanings("Tip.", installed, "not-installed")
