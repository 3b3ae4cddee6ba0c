"""Policies give pools and workers of a size more or less of the requests."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine.errors import PolicyError
from engine.policies.base import Action, Reason, RoutingWeights
from engine.replay import ReplaySpec, replay
from engine.rows import tables
from engine.scenario import AgentType, Pool, Router, RouterKind, Scenario, WorkerSize, Zone
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.parameters import Size
from engine.sim.service import prepare
from engine.sim.state import make_state
from engine.store import runs
from engine.store.duck import Store
from tests.engine.replays import demand
from tests.engine.store.test_runs import ROW
from tests.reference.play import pool_of

WINDOW_S, REQUESTS = 900.0, 2000
KIND = AgentType(
    name="small", slots=400, sizes=(WorkerSize(name="large", slots=400),), queue_limit=None
)
"""With so many slots that the share of free ones, which counts too, is always about 1."""
TWO_ZONES = Scenario(
    agent_types=(KIND,),
    zones=(Zone(name="a"), Zone(name="b")),
    pools=tuple(
        Pool(name=zone, agent_type="small", zone=zone, workers_initial=9, workers_max=9)
        for zone in "ab"
    ),
    router=Router(kind=RouterKind.HIERARCHICAL),
)


class Weighs:
    """Keeps all workers, and proposes weights at the first tick."""

    def __init__(self, context, *, weights, router=()):
        self.interval_s, self._pools = context.tick_s, len(context.pools)
        self._weights, self._router = weights, router

    def propose(self, observation):
        return Action(
            target=np.full(self._pools, -1.0),
            reason=(Reason.FIXED,) * self._pools,
            weights=self._weights if observation.t_s == 0 else (),
            router=self._router if observation.t_s == 0 else (),
        )


def ran(weights, scenario=TWO_ZONES, **more):
    spec = ReplaySpec(
        workload=prepare(demand(number=REQUESTS, duration_s=WINDOW_S), scenario),
        scenario=scenario,
        policy=partial(Weighs, weights=weights, **more),
        name="told",
        window_s=WINDOW_S,
    )
    (record,) = replay([spec])
    return record


def share_of_first(record):
    arrived = record.arrived.sum(axis=0)
    return arrived[0] / arrived.sum()


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_weights_of_pools_are_their_shares_of_the_traffic(weight):
    """S0-R16, within 2 standard errors of a share of as many draws."""
    record = ran((RoutingWeights(pool=weight), None))
    share = weight / (weight + 1.0)
    assert abs(share_of_first(record) - share) < 2 * math.sqrt(share * (1 - share) / REQUESTS)


def test_what_was_proposed_is_in_the_decision_record_and_among_the_events():
    record = ran((RoutingWeights(pool=2.0, sizes={"large": 3.0}), None))
    log = record.decisions
    told = {"weights": {"pool": 2.0, "sizes": {"large": 3.0}}}
    assert json.loads(log.routing[0]) == told
    assert set(log.routing[1:]) == {None}
    assert record.events.kind == ["pool-reweighed"]
    assert ran((RoutingWeights(), RoutingWeights())).events.kind == []


def test_the_stored_record_has_them_too():
    record = ran((RoutingWeights(pool=2.0), None))
    rows = tables(record, 0.0)
    with Store() as store:
        number = runs.begin_run(store, {**ROW, "pools": list(record.pools)})
        runs.finish_run(store, number, rows, {}, 0.1)
        with store.cursor() as cursor:
            kept = cursor.execute("SELECT routing FROM decisions ORDER BY number").fetchall()
    assert json.loads(kept[0][0]) == {"weights": {"pool": 2.0, "sizes": {}}}
    assert {routing for (routing,) in kept[1:]} == {None}


def two_sizes(router, service_s=0.5):
    """Five workers of each of two sizes that differ in nothing."""
    n = 4000
    pool = pool_of(slots=50, workers=10, router=router, other_sizes=(Size(50, 1.0),))
    state = make_state(make_requests(np.arange(n) * 1.0, np.full(n, service_s)), (pool,))
    state.workers["size"][:10] = np.repeat([0, 1], 5)
    return state


def test_turns_go_by_the_weights_of_sizes():
    state = two_sizes(kernel.WEIGHTED_ROUND_ROBIN)
    kernel.set_weights(state, 0, 1.0, np.array([1.0, 4.0]))
    kernel.advance(state, np.inf)
    size = state.workers["size"][state.outcomes["worker"]]
    share = size.mean()
    assert abs(share - 0.8) < 2 * math.sqrt(0.16 / len(size))


@pytest.mark.parametrize(
    "router",
    [kernel.LEAST_AGENT_LOAD, kernel.CONTEXT_AWARE, kernel.SEVEN_FACTOR,
     kernel.PREDICTED_COMPLETION],
)  # fmt: skip
def test_routers_that_score_prefer_the_size_with_more_weight(router):
    """Requests that stay keep all workers loaded; the weight divides what they hold."""

    def share_of_large(weights):
        state = two_sizes(router, service_s=300.0)
        if weights is not None:
            kernel.set_weights(state, 0, 1.0, np.array(weights))
        kernel.advance(state, 250.5)
        return state.workers["size"][state.outcomes["worker"][100:250]].mean()

    plain, small, large = map(share_of_large, (None, [4.0, 1.0], [1.0, 4.0]))
    assert small + 0.1 < plain < large - 0.1


@pytest.mark.parametrize(
    ("weights", "router", "what"),
    [
        ((RoutingWeights(),), None, "1 routing weights were proposed"),
        ((RoutingWeights(pool=0.0), None), None, "a routing weight of 0 was proposed"),
        ((RoutingWeights(sizes={"large": math.nan}), None), None, "a routing weight of nan"),
        ((RoutingWeights(sizes={"lage": 2.0}), None), None, "of the size 'lage'"),
        ((RoutingWeights(sizes={"large": 2.0}), None), RouterKind.RANDOM, "does not go by"),
        ((RoutingWeights(pool=2.0), None), RouterKind.CONTEXT_AWARE, "does not go by"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights, router, what):
    scenario = TWO_ZONES
    if router is not None:
        scenario = replace(scenario, router=Router(kind=router))
    with pytest.raises(PolicyError, match=what):
        ran(weights, scenario)


def test_weights_may_come_together_with_the_router_that_goes_by_them():
    scenario = replace(TWO_ZONES, router=Router(kind=RouterKind.RANDOM))
    given = (RoutingWeights(sizes={"large": 2.0}), None)
    record = ran(given, scenario, router=(RouterKind.SEVEN_FACTOR, None))
    assert record.events.kind == ["pool-rerouted", "pool-reweighed"]
    assert json.loads(record.decisions.routing[0])["router"] == "seven-factor"
