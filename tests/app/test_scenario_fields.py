"""The form and the scenario say the same, in both directions."""

import dataclasses

import pytest

from app.scenario_fields import FIELDS, summary, value_of, with_values
from engine.errors import ScenarioError
from engine.presets import PRESETS
from engine.scenario import AgentType, Pool, Scenario


def values_of(scenario: Scenario) -> dict[tuple[str, str], object]:
    return {
        ("" if field.shared else pool.name, field.path): value_of(scenario, pool, field)
        for pool in scenario.pools
        for field in FIELDS
    }


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_form_shows_makes_the_same_scenario_again(name):
    assert with_values(PRESETS[name], values_of(PRESETS[name])) == PRESETS[name]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_every_field_reaches_the_scenario(field):
    scenario = PRESETS["llm-agents"]
    pool = scenario.pools[0]
    key = ("" if field.shared else pool.name, field.path)
    new = "constant" if field.choices else 3 if field.whole else 2.5
    changed = with_values(scenario, {("chat", "type.startup.spread_s"): 0.0, key: new})
    assert value_of(changed, changed.pools[0], field) == new


def test_an_empty_field_means_none():
    scenario = PRESETS["llm-agents"]
    changed = with_values(scenario, {("chat", "type.queue_timeout_s"): None})
    assert changed.agent_types[0].queue_timeout_s is None


def test_a_value_that_does_not_fit_is_refused_with_its_place():
    with pytest.raises(ScenarioError, match="workers_min is 9 and workers_max 3"):
        with_values(
            PRESETS["llm-agents"],
            {("chat", "pool.workers_min"): 9, ("chat", "pool.workers_max"): 3},
        )


def test_pools_have_fields_of_their_own():
    scenario = Scenario(
        agent_types=(AgentType(name="big"), AgentType(name="small")),
        pools=(Pool(name="a", agent_type="big"), Pool(name="b", agent_type="small")),
    )
    changed = with_values(scenario, {("b", "type.slots"): 2, ("a", "pool.workers_max"): 7})
    assert [kind.slots for kind in changed.agent_types] == [8, 2]
    assert [pool.workers_max for pool in changed.pools] == [7, 50]
    assert "and 1 more pool" in summary(changed)


def test_the_summary_names_size_price_and_promise():
    text = summary(dataclasses.replace(PRESETS["llm-agents"]))
    assert text == (
        "1 to 50 workers with 8 slots · $22.12/h each · 1 min 15 s to start · SLO 99 % within 30 s"
    )
