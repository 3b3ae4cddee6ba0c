"""A scenario that makes no sense is refused with what, where and the range that is allowed."""

import dataclasses
import math

import pytest

from engine.errors import ScenarioError
from engine.presets import DEFAULT, PRESETS
from engine.scenario import (
    AgentType,
    Pool,
    Priorities,
    Sampling,
    Scenario,
    Slo,
    Startup,
    StartupKind,
)


@pytest.mark.parametrize(
    ("make", "what", "where"),
    [
        (lambda: Startup(mean_s=-1.0), "mean_s is -1.0", "startup"),
        (lambda: Startup(mean_s=10.0, spread_s=11.0), "spread_s is 11.0", "startup"),
        (lambda: Startup(mean_s=math.inf), "mean_s is inf", "startup"),
        (lambda: AgentType(slots=0), "slots is 0", "agent type 'chat'"),
        (lambda: AgentType(slots=4097), "slots is 4097", "agent type 'chat'"),
        (lambda: AgentType(contention=-0.1), "contention is -0.1", "agent type 'chat'"),
        (lambda: AgentType(queue_limit=-1), "queue_limit is -1", "agent type 'chat'"),
        (lambda: AgentType(queue_timeout_s=0.0), "queue_timeout_s is 0.0", "agent type 'chat'"),
        (lambda: AgentType(decode_tokens_per_s=0.0), "decode_tokens_per_s is 0.0", "'chat'"),
        (lambda: AgentType(service_mean_s=math.nan), "service_mean_s is nan", "'chat'"),
        (lambda: Pool(workers_min=5, workers_max=4), "workers_min is 5", "pool 'chat'"),
        (lambda: Pool(workers_min=0, workers_max=0), "workers_max is 0", "pool 'chat'"),
        (lambda: Pool(workers_initial=51), "workers_initial is 51", "pool 'chat'"),
        (lambda: Pool(share=-1.0), "share is -1.0", "pool 'chat'"),
        (lambda: Slo(latency_s=0.0), "latency_s is 0.0", "slo"),
        (lambda: Slo(attainment_frac=1.01), "attainment_frac is 1.01", "slo"),
        (lambda: Priorities(w_cost=-1.0), "w_cost is -1.0", "priorities"),
        (lambda: Sampling(scale=0.0), "scale is 0.0", "sampling"),
        (lambda: Sampling(dispersion=0.5), "dispersion is 0.5", "sampling"),
        (lambda: Scenario(tick_s=0.0), "tick_s is 0.0", "scenario"),
        (lambda: Scenario(tick_s=1e-320), "tick_s is 1e-320", "scenario"),
        (lambda: Scenario(tick_s=1e9), "tick_s is 1000000000.0", "scenario"),
        (lambda: Scenario(seed=-1), "seed is -1", "scenario"),
        (lambda: Scenario(pools=()), "no pool", "scenario"),
        (lambda: Scenario(pools=(Pool(), Pool())), "'chat' is used twice", "pools"),
        (lambda: Scenario(pools=(Pool(share=0.0),)), "every pool's share is 0", "pools"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(make, what, where):
    with pytest.raises(ScenarioError) as refused:
        make()
    assert what in refused.value.what
    assert where in refused.value.where
    assert refused.value.fix
    assert not refused.value.fix.endswith(".")


def test_a_pool_of_an_unknown_agent_type_names_the_nearest_known_one():
    with pytest.raises(ScenarioError, match="Did you mean 'chat'"):
        Scenario(pools=(Pool(agent_type="chatt"),))


def test_weights_of_nothing_are_refused_and_others_sum_to_one():
    weights = [f.name for f in dataclasses.fields(Priorities) if f.name.startswith("w_")]
    with pytest.raises(ScenarioError, match="all weights are 0"):
        Priorities(**dict.fromkeys(weights, 0.0))
    normalised = Priorities(w_latency=3.0, w_cost=1.0).normalised()
    assert sum(getattr(normalised, name) for name in weights) == pytest.approx(1)
    assert normalised.w_latency == pytest.approx(3 * normalised.w_cost)


def test_a_start_up_time_that_does_not_vary_needs_no_spread():
    assert Startup(kind=StartupKind.CONSTANT, mean_s=5.0, spread_s=15.0).mean_s == 5.0


def test_presets_carry_their_own_names_and_the_default_comes_first():
    assert next(iter(PRESETS)) == DEFAULT
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)
