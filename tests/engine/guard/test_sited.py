"""With siting the guard binds an agent type's total, and the pools' shares follow from it."""

import dataclasses
import json

import numpy as np
import pytest

from engine.cluster.grid import GridSeries
from engine.errors import ScenarioError
from engine.guard.floor import Floor
from engine.oracle.prepare import policy_spec
from engine.policies.base import Observation, PoolFacts, SizeFacts
from engine.policies.registry import parse_spec
from engine.replay import replay
from engine.scenario import Guard, Hold, Priorities, Siting
from tests.engine.cluster.test_sites import DEMAND, HOUR, ran, ready, regions
from tests.engine.replays import spec

pytestmark = pytest.mark.slow

RULE = Siting(usd_per_kg=10.0)


def stages_of(record):
    """Names of all stages that changed something."""
    return {line["stage"] for text in record.decisions.guard if text for line in json.loads(text)}


def totals(record):
    """(T,) workers asked for in both pools."""
    return record.target.sum(axis=1)


def test_a_guard_that_bounds_nothing_changes_nothing():
    bare, guarded = (ran(regions(RULE, guard=guard)) for guard in (None, Guard()))
    assert np.array_equal(bare.target, guarded.target)
    assert bare.decisions.guard == guarded.decisions.guard


def test_a_rate_bounds_the_workers_of_the_type_and_not_those_of_each_pool():
    """Eight at first, 0 are asked for: one a minute may go."""
    record = ran(
        regions(RULE, guard=Guard(in_workers=1, period_s=60.0)), policy="static:workers=0"
    )
    settled = totals(record)
    assert "rate" in stages_of(record)
    ticks = round(60.0 / record.tick_s)
    assert settled[ticks * 3] >= 4
    assert settled[-1] == 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_budget_is_kept_wherever_the_workers_go(order):
    """Eight at first, half at 3 $/h and half at 2; siting moves them to the dear, clean region."""
    chosen = regions(RULE, guard=Guard(budget_usd_per_hour=30.0))
    chosen = dataclasses.replace(chosen, pools=chosen.pools[::order])
    record = ran(chosen, policy="static:workers=12")
    assert sorted(ready(record)[-1].tolist()) == [0, 10]
    assert "budget" in stages_of(record)


def test_a_dirty_grid_keeps_a_type_from_growing_until_it_is_clean():
    turn = {
        name: GridSeries(g_per_kwh=np.array([900.0, 50.0]), interval_s=HOUR / 2, start_s=0.0)
        for name in ("clean", "dirty")
    }
    chosen = regions(RULE, priorities=Priorities(carbon_threshold_g_per_kwh=400.0))
    chosen = dataclasses.replace(
        chosen,
        pools=tuple(dataclasses.replace(pool, workers_initial=1) for pool in chosen.pools),
    )
    record = ran(chosen, grids=turn)
    half = len(record.target) // 2
    assert totals(record)[4 : half - 1].max() <= 2  # until then one is moved
    assert totals(record)[-1] > 2
    assert "carbon" in stages_of(record)


def test_the_floor_asks_for_the_forecast_in_all_pools_together():
    guard = Guard(slo_quantile=0.5)
    record = ran(regions(RULE, guard=guard), policy="static:workers=1")
    assert "slo" in stages_of(record)
    asked = totals(record)[-40:]
    assert asked.min() >= 2
    assert asked.max() <= 8  # 5.6 busy slots, two a worker


def test_a_pool_among_which_workers_are_sited_cannot_be_held():
    holds = (Hold(pool=regions(None).pools[0].name),)
    with pytest.raises(ScenarioError, match="is held, but its workers are sited among 2"):
        regions(RULE, guard=Guard(holds=holds))
    assert regions(None, guard=Guard(holds=holds)).guard.holds == holds


@pytest.mark.parametrize("policy", ["oracle", "oracle:rounds=1", "oracle-instant"])
def test_oracles_plan_for_types_where_workers_are_sited(policy):
    wanted = policy_spec(spec("hpa", DEMAND, regions(RULE), HOUR), parse_spec(policy))
    assert set(wanted.future.pool.tolist()) == {0}
    (record,) = replay([wanted])
    assert record.outcome["finished"] > 0.99 * record.outcome["arrived"]


def sized(size, busy, t_s):
    """What is seen of one pool with workers of this size."""
    one, none = np.ones(1, np.int64), np.zeros(1)
    return Observation(
        t_s=t_s, tick_s=15.0, target=one, starting=one, ready=one, draining=one, queued=one,
        in_service=one, arrived=one * 30, finished=one * 30, failed=one, offered_slots=none,
        busy_slots=none + busy, p95_s=none, workers=(), size=(size,),
    )  # fmt: skip


def test_the_floor_counts_in_workers_of_the_present_size():
    sizes = tuple(
        SizeFacts(name=name, slots=slots, speed=1.0, price_usd_per_hour=1.0)
        for name, slots in (("standard", 2), ("wide", 8))
    )
    facts = PoolFacts(
        name="a", agent_type="chat", slots=2, workers_min=0, workers_max=99, workers_initial=1,
        startup_mean_s=60.0, price_usd_per_hour=1.0, peak_busy_slots=9.0, sizes=sizes,
    )  # fmt: skip

    def floor(size):
        watch = Floor(Guard(slo_quantile=0.9), (facts,), 15.0)
        for tick in range(1, 60):
            watch.see(sized(size, 40.0, 15.0 * tick))
        return watch.workers()[0]

    narrow, wide = floor("standard"), floor("wide")
    assert narrow > 20
    assert np.ceil(narrow / 4) - 1 <= wide <= np.ceil(narrow / 4)
