"""The bound holds with nodes, sites, sizes, retries and faults, too, and is refused where it may
not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.cli.scorecards import NOT_MEASURED, bounds_table
from engine.oracle.bound import is_bounded
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.policies.vertical import Vertical
from engine.replay import ReplaySpec, set_up
from engine.scenario import Retry, WorkerSize
from engine.sim.service import prepare
from tests.engine.cluster.clusters import machine
from tests.engine.cluster.test_everything import WINDOW_S, everything, plan
from tests.engine.oracle.test_bound import judged, played
from tests.engine.replays import demand, scenario, sessions, spec

POLICIES = ("hpa:target=0.9", "static:target=1", "smartscale:cost=0.9", "oracle:target=1.2")
QUICK = WorkerSize(name="quick", slots=4, speed=2.0, price_usd_per_hour=5.0)


def steady(seed):
    """All parts of a cluster, but for those with which no bound is claimed."""
    chosen = everything(seed)
    kinds = (machine(usd_per_hour_spot=1.2, usd_per_hour_reserved=2.4, watts_suspended=8.0),)
    return replace(chosen, cache=None, degradation=(), node_types=kinds)


def rented(seed):
    """No nodes, but two sizes, one of them quicker, faults and retries."""
    base = scenario(seed=seed, retry=Retry(attempts=3), random_faults_per_day=200.0)
    (kind,) = base.agent_types
    rng = np.random.default_rng(seed)
    return replace(base, agent_types=(replace(kind, sizes=(QUICK,)),), faults=plan(rng))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("make", [steady, rented])
def test_no_policy_is_below_the_bound_whatever_happens_to_the_cluster(make, seed):
    chosen = make(seed)
    table = sessions(seed, 60) if seed % 2 else demand(seed, 500)
    assert is_bounded(chosen)
    if seed % 4 == 3:  # one that changes the size of workers
        made = ReplaySpec(
            workload=prepare(table, chosen), scenario=chosen, policy=Vertical, name="vertical",
            window_s=WINDOW_S,
        )  # fmt: skip
    else:
        text = POLICIES[seed % len(POLICIES)]
        made = policy_spec(spec("hpa", table, chosen), parse_spec(text))
    met, usd, slot_hours, bound = judged(played(*set_up([made])))
    assert met > 0
    assert slot_hours >= bound.slot_hours * (1 - 1e-9)
    assert bound.slot_hours > 0.0 or made.workload.closed_loop
    assert (bound.usd is None) == bool(chosen.node_groups)
    assert bound.usd is None or usd >= bound.usd * (1 - 1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_caches_smaller_models_and_quick_nodes_have_no_bound(seed):
    chosen, sure = everything(seed), steady(seed)
    assert not is_bounded(replace(sure, degradation=chosen.degradation))
    assert not is_bounded(replace(sure, node_types=chosen.node_types))
    assert chosen.cache is None or not is_bounded(replace(sure, cache=chosen.cache))


def test_where_there_is_no_bound_none_is_shown():
    row = {"policy": "hpa", "cost_usd": 3.0, "plans": 0, "plan_serves_more": None}
    names = ("bound_usd", "above_bound_frac", "plan_usd", "above_plan_frac")
    shown = bounds_table(pd.DataFrame([row | dict.fromkeys(names, np.nan)]))
    told = [str(cell) for number in (2, 3) for cell in shown.columns[number].cells]
    assert told == [NOT_MEASURED, NOT_MEASURED]
