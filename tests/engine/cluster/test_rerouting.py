"""Policies change the rule by which requests of a pool are routed."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine.errors import PolicyError
from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scenario import AgentType, Pool, Router, RouterKind, Scenario
from engine.sim.service import prepare
from tests.engine.replays import demand

WINDOW_S = 900.0
SCENARIO = Scenario(
    agent_types=(AgentType(name="small", slots=2),),
    pools=(Pool(agent_type="small", workers_initial=4, workers_max=9),),
    router=Router(kind=RouterKind.ROUND_ROBIN),
    keep_requests=True,
)


class Reroutes:
    """Keeps all workers, and routes as it is told from ticks on."""

    def __init__(self, context, *, steps):
        self.interval_s, self._steps = context.tick_s, steps
        self._pools = len(context.pools)

    def propose(self, observation):
        wanted = self._steps.get(round(observation.t_s / observation.tick_s))
        return Action(
            target=np.full(self._pools, -1.0),
            reason=(Reason.FIXED,) * self._pools,
            router=() if wanted is None else (wanted,) * self._pools,
        )


def ran(steps, scenario=SCENARIO):
    spec = ReplaySpec(
        workload=prepare(demand(number=1500, duration_s=WINDOW_S), scenario),
        scenario=scenario,
        policy=partial(Reroutes, steps=steps),
        name="told",
        window_s=WINDOW_S,
    )
    (record,) = replay([spec])
    return record


def starts(record):
    return record.requests["arrival_s"], record.requests["start_s"]


def test_from_the_decision_on_requests_are_routed_by_the_other_rule():
    at, before = starts(ran({}))
    _, after = starts(ran({30: RouterKind.LEAST_CONNECTIONS}))
    changed_s = 30 * SCENARIO.tick_s
    early = at < changed_s
    assert np.array_equal(before[early], after[early], equal_nan=True)
    assert np.nanmean(after[~early] - at[~early]) < np.nanmean(before[~early] - at[~early])


def test_a_rule_from_the_start_is_the_same_as_one_in_the_scenario():
    least = replace(SCENARIO, router=Router(kind=RouterKind.LEAST_CONNECTIONS))
    told = ran({0: RouterKind.LEAST_CONNECTIONS})
    assert np.array_equal(starts(told), starts(ran({}, least)), equal_nan=True)
    assert told.events.kind == ["pool-rerouted"]
    assert ran({0: RouterKind.ROUND_ROBIN}).events.kind == []


@pytest.mark.parametrize(
    ("in_place", "wanted"),
    [
        (RouterKind.ROUND_ROBIN, RouterKind.HIERARCHICAL),
        (RouterKind.HIERARCHICAL, RouterKind.RANDOM),
    ],
)
def test_nobody_changes_to_or_from_the_hierarchical_router(in_place, wanted):
    scenario = replace(SCENARIO, router=Router(kind=in_place))
    with pytest.raises(PolicyError, match=f"'{wanted}' was proposed in place of '{in_place}'"):
        ran({2: wanted}, scenario)


def test_a_router_for_each_pool_is_needed():
    class Two(Reroutes):
        def propose(self, observation):
            return replace(super().propose(observation), router=(None, None))

    spec = ReplaySpec(
        workload=prepare(demand(number=50, duration_s=WINDOW_S), SCENARIO),
        scenario=SCENARIO,
        policy=partial(Two, steps={}),
        name="told",
        window_s=WINDOW_S,
    )
    with pytest.raises(PolicyError, match="2 routers were proposed"):
        replay([spec])
