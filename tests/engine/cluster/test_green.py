"""What policies see of renewable energy is what the accounts come to in the end."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scenario import AgentType, GreenBudget, Pool, Region, Scenario, WorkerSize
from engine.sim.service import prepare
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand

WINDOW_S = 900.0
GREEN = Region(pue=1.5, green=GreenBudget(kwh_per_day=60.0, profile="flat"))
KIND = {"slots": 2, "watts_idle": 500.0, "watts_full": 2000.0}
OWN = Scenario(
    agent_types=(AgentType(name="small", **KIND),),
    pools=(Pool(agent_type="small", workers_initial=3, workers_max=9),),
    regions=(GREEN,),
)
SIZES = replace(
    OWN,
    agent_types=(
        AgentType(
            name="small", **KIND, sizes=(WorkerSize(name="large", slots=4, watts_full=9e3),)
        ),
    ),
)


class Watches:
    """Keeps what it sees; changes the size in the middle where there is another one."""

    def __init__(self, context, *, seen):
        self.interval_s, self._seen = context.tick_s, seen
        self._pools = context.pools

    def propose(self, observation):
        self._seen.append((observation.green_kw.copy(), observation.green_left_kwh.copy()))
        half = observation.t_s == 450.0
        sizes = tuple(pool.sizes[-1].name for pool in self._pools)
        return Action(
            target=np.full(len(self._pools), -1.0),
            reason=(Reason.FIXED,) * len(self._pools),
            size=sizes if half else (),
        )


def watched(scenario, clock_s=0.0):
    seen = []
    spec = ReplaySpec(
        workload=prepare(demand(number=600, duration_s=WINDOW_S), scenario),
        scenario=scenario,
        policy=partial(Watches, seen=seen),
        name="watches",
        window_s=WINDOW_S,
        clock_s=clock_s,
    )
    (record,) = replay([spec])
    kw, left = (np.array(part) for part in zip(*seen, strict=True))
    return record, kw, left


@pytest.mark.parametrize(
    "scenario", [OWN, SIZES, on_nodes(regions=(GREEN,))], ids=["own", "sizes", "nodes"]
)
def test_what_is_left_is_what_came_less_what_the_accounts_say_was_used(scenario):
    record, kw, left = watched(scenario)
    assert kw == pytest.approx(np.full_like(kw, 60.0 / 24))
    hours = 15.0 / 3600
    came = 2.5 * hours * np.arange(len(left))
    used = np.concatenate([[0.0], np.cumsum(record.accounts.green_kwh.sum(axis=1))[:-1]])
    assert left[:, 0] == pytest.approx(came - used, abs=1e-9)
    assert left.max() > 0.0


def test_what_is_left_lapses_at_local_midnight():
    rich = replace(GREEN, green=GreenBudget(kwh_per_day=500.0, profile="flat"))
    _, _, left = watched(replace(OWN, regions=(rich,)), clock_s=86400.0 - 300.0)
    assert left[19, 0] > left[20, 0] == 0.0


def test_pools_of_regions_without_a_budget_have_none():
    _, kw, left = watched(replace(OWN, regions=(Region(pue=1.5),)))
    assert not kw.any()
    assert not left.any()
