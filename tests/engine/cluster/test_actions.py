"""Policies change the size of workers, empty nodes and put them to sleep, and it costs what it
costs."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cluster.nodes import LEAVING, OFF, ON, SUSPENDED
from engine.errors import PolicyError
from engine.policies.base import Action, GroupAction, Reason
from engine.policies.power_saver import PowerSaver, group_action
from engine.policies.vertical import Vertical
from engine.replay import ReplaySpec, replay
from engine.scenario import Placement, Pool, Resize, WorkerSize
from engine.scorecard import cost_usd, scorecard
from engine.sim import kernel
from engine.sim.service import prepare
from engine.trace.schema import request_table
from tests.engine.cluster.clusters import after, on_nodes
from tests.engine.cluster.steps import Steps
from tests.engine.replays import demand

HOUR = 3600.0
LARGE = WorkerSize(
    name="large", slots=4, speed=1.0, price_usd_per_hour=5.0, cpu_cores=4.0, memory_gib=8.0,
    watts_idle=100.0, watts_full=300.0,
)  # fmt: skip
SIZED = {
    "sizes": (LARGE,), "price_usd_per_hour": 3.0, "watts_idle": 60.0, "watts_full": 160.0,
    "startup": after(30.0),
}  # fmt: skip


class Script:
    """Says at each tick what it was told."""

    def __init__(self, context, *, steps):
        self.interval_s = context.tick_s
        self._steps, self._pools = steps, len(context.pools)
        self.seen = []

    def propose(self, observation):
        self.seen.append(observation)
        tick = round(observation.t_s / observation.tick_s)
        target, size, groups = self._steps.get(tick, (None, None, None))
        return Action(
            target=np.full(self._pools, -1.0 if target is None else float(target)),
            reason=(Reason.FIXED,) * self._pools,
            size=(size,) * self._pools if isinstance(size, str) else size or (),
            groups=groups or (),
        )


def ran(policy, table, chosen, window_s=900.0):
    spec = ReplaySpec(
        workload=prepare(table, chosen), scenario=chosen, policy=policy, name="told",
        window_s=window_s,
    )  # fmt: skip
    (record,) = replay([spec])
    return record


def alone(**changes):
    """Two workers on machines of their own, of two sizes."""
    pool = Pool(agent_type="small", workers_initial=2, workers_min=1, workers_max=9)
    return on_nodes(
        agent={**SIZED, **changes}, pools=(pool,), node_types=(), node_groups=(),
    )  # fmt: skip


NOBODY = request_table(np.array([1.0]), service_s=np.array([1e-3]))


def test_money_and_energy_after_a_change_of_size_are_those_of_each_size_for_its_time():
    """Restart at 300 s: 2 standard ones for 330 s, 2 large ones from their order at 300 s on."""
    told = partial(Script, steps={20: (None, "large", None)})
    record = ran(told, NOBODY, alone())
    card = scorecard(record)
    usd = (2 * 330 * 3.0 + 2 * 600 * 5.0) / HOUR
    assert card["cost_usd"] == pytest.approx(usd, rel=1e-9)
    kwh = 1.2 * (2 * 330 * 60.0 + 2 * 600 * 100.0) / 3.6e6
    assert card["energy_kwh"] == pytest.approx(kwh, rel=1e-6)  # but for a millisecond of work
    assert cost_usd(record).sum() == pytest.approx(usd, rel=1e-9)
    assert card["resizes_per_h"] == pytest.approx(4.0)
    assert card["worker_hours"] == pytest.approx(2 * 930 / HOUR, rel=1e-9)
    slots = record.slots[:, 0]
    assert (slots[0], slots[20], slots[-1]) == (2.0, 3.0, 4.0)
    assert record.decisions.size[20] == "large"
    assert set(record.decisions.size[:20]) == {None}


def test_in_place_the_new_size_holds_after_its_time_and_nothing_is_started():
    """At 305 s, in the middle of a tick: each size has its own seconds, money and energy."""
    told = partial(Script, steps={20: (None, "large", None)})
    record = ran(told, NOBODY, alone(resize=Resize.IN_PLACE, resize_s=5.0))
    assert record.counters[:, 0, kernel.C_STARTING].max() == 0
    assert record.slots[19, 0] == 2.0
    assert record.slots[20, 0] == pytest.approx((5 * 2 + 10 * 4) / 15)
    assert record.slots[21, 0] == 4.0
    card = scorecard(record)
    usd = (2 * 305 * 3.0 + 2 * 595 * 5.0) / HOUR
    assert card["cost_usd"] == pytest.approx(usd, rel=1e-9)
    assert cost_usd(record)[20].sum() == pytest.approx((2 * 5 * 3.0 + 2 * 10 * 5.0) / HOUR)
    kwh = 1.2 * (2 * (305 * 60.0 + 595 * 100.0) + 1e-3 * 50.0) / 3.6e6
    assert card["energy_kwh"] == pytest.approx(kwh, rel=1e-9)


def test_work_across_a_change_of_size_draws_what_it_does_in_each():
    """One request from 1 s to 601 s on a worker that is larger from 305 s on: half of a standard
    one's 100 W above idle, then a quarter of a large one's 200 W."""
    told = partial(Script, steps={20: (None, "large", None)})
    long = request_table(np.array([1.0]), service_s=np.array([600.0]))
    card = scorecard(ran(told, long, alone(resize=Resize.IN_PLACE, resize_s=5.0)))
    idle = 2 * (305 * 60.0 + 595 * 100.0)
    kwh = 1.2 * (idle + 304 * 100.0 / 2 + 296 * 200.0 / 4) / 3.6e6
    assert card["energy_kwh"] == pytest.approx(kwh, rel=1e-9)


WIDE = WorkerSize(name="wide", slots=2, cpu_cores=6.0, memory_gib=8.0)


@pytest.mark.parametrize(
    ("resize", "in_tick", "later", "core_s"),
    [
        # 5 s as it was; then 3 of 16 cores work where 1 did
        (Resize.IN_PLACE, (5 * 2 + 10 * 6) / 15, 6.0, 304 * 1 + 296 * 3),
        # both are there until the request ends at 601 s where it began
        (Resize.RESTART, 2.0 + 6.0, (1 * 2 + 15 * 6) / 15, 600 * 1),
    ],
)
def test_a_change_of_size_on_nodes_is_paid_and_powered_by_each_size_for_its_time(
    resize, in_tick, later, core_s
):
    """One node of 16 cores, 4 $/h, 100 to 300 W. Its pools share its price by the cores of their
    workers: in the tick of the change, and in that from 600 s on."""
    pools = (
        Pool(name="a", agent_type="small", workers_initial=1, workers_max=1, node_group="boxes"),
        Pool(name="b", agent_type="small", workers_initial=1, workers_max=1, node_group="boxes",
             share=1e-9),
    )  # fmt: skip
    agent = {"sizes": (WIDE,), "startup": after(30.0), "resize": resize, "resize_s": 5.0}
    chosen = on_nodes(kind={"cpu_cores": 16.0}, agent=agent, pools=pools)
    told = partial(Script, steps={20: (None, ("wide", None), None)})
    long = request_table(np.array([1.0]), service_s=np.array([600.0]))
    record = ran(told, long, chosen)
    card = scorecard(record)
    assert card["cost_usd"] == pytest.approx(1.0, rel=1e-9)
    assert card["energy_kwh"] == pytest.approx(1.2 * (9e4 + 200 * core_s / 16) / 3.6e6, rel=1e-9)
    tick_usd = 4.0 * 15 / HOUR
    for tick, cores in ((19, 2.0), (20, in_tick), (40, later), (41, 6.0)):
        mine = record.accounts.pool_usd[tick]
        assert mine == pytest.approx(tick_usd * np.array([cores, 2.0]) / (cores + 2.0), rel=1e-9)


def test_policies_see_sizes_prices_and_grids():
    policies = []

    def make(context):
        policies.append(Script(context, steps={20: (None, "large", None)}))
        assert [size.name for size in context.pools[0].sizes] == ["standard", "large"]
        assert context.pools[0].region == "region-a"
        return policies[0]

    ran(make, NOBODY, alone())
    seen = policies[0].seen
    assert (seen[20].size, seen[21].size) == (("standard",), ("large",))
    assert (seen[20].price_usd_per_hour[0], seen[21].price_usd_per_hour[0]) == (3.0, 5.0)
    assert seen[5].grid_g_per_kwh.tolist() == [400.0]


def held(group=None, **changes):
    """Six workers on two nodes of 8 cores."""
    pool = Pool(agent_type="small", workers_initial=6, workers_max=40, node_group="boxes")
    return on_nodes(group, agent={**SIZED, **changes}, pools=(pool,))


def test_larger_workers_on_nodes_replace_the_others_as_far_as_nodes_have_room():
    """26 cores of 32 are free beside 6 x 2, 8 of them on each of two nodes: 5 x 4 fit at once."""
    steps = Steps(held({"nodes_max": 4}))
    steps.step(6)
    assert steps.fleet.resize(0, 1, steps.now)
    workers = steps.fleet.state.workers

    def sizes():
        ready = workers[workers["phase"] == kernel.READY]
        return np.bincount(ready["size"], minlength=2).tolist()

    steps.step(6)
    assert int(np.sum(workers["phase"] == kernel.STARTING)) == 5
    for _ in range(30):
        steps.step(6)
        assert (steps.nodes.free(0, workers) >= -1e-9).all()
        assert sum(sizes()) >= 6  # nobody goes before another one is ready
    assert sizes() == [0, 6]


def test_a_size_that_fits_nowhere_is_refused_and_the_decision_says_so():
    told = partial(Script, steps={2: (None, "large", None)})
    record = ran(told, NOBODY, held({"nodes_max": 2}, resize=Resize.IN_PLACE))
    assert record.decisions.reason[2] == "no_room"
    assert record.decisions.size[2] == "standard"
    assert record.slots.max() == 2.0
    assert record.events.kind == []


def test_what_is_proposed_of_sizes_and_nodes_is_checked():
    for steps, what in (
        ({1: (None, "huge", None)}, "worker size 'huge'"),
        ({1: (None, None, (GroupAction(), GroupAction()))}, "2 node groups"),
        ({1: (None, None, (GroupAction(empty_frac=1.5),))}, "empty_frac of 1.5"),
    ):
        with pytest.raises(PolicyError, match=what):
            ran(partial(Script, steps=steps), NOBODY, held())


def test_the_vertical_policy_takes_the_size_that_is_cheaper_for_the_demand():
    """Slots of large workers cost 1.25 $/h, of standard ones 1.5; one small one serves a little
    demand for less than a large one."""
    busy = request_table(np.sort(np.random.default_rng(1).uniform(0, 900, 3000)),
                         service_s=np.full(3000, 6.0))  # fmt: skip
    record = ran(Vertical, busy, alone(), 1800.0)
    assert record.decisions.size[-1] == "standard"  # nothing comes any more
    assert "large" in record.decisions.size
    assert record.events.kind == ["pool-resized", "pool-resized"]
    assert {"larger_size", "smaller_size"} <= set(record.decisions.reason)
    assert record.outcome["arrived"] == 3000


# Nodes


def test_a_policy_empties_the_least_taken_nodes_and_what_moves_is_logged_with_its_gibibytes():
    chosen = held({"nodes_max": 4, "migrate_s": 30.0}, memory_base_gib=1.5)
    steps = Steps(chosen)
    workers = steps.fleet.state.workers
    workers["node"][:6] = [0, 0, 0, 1, 2, 3]
    steps.nodes.table["phase"][:4] = ON
    steps.nodes.table["lost_s"] = np.inf
    steps.step(6)
    steps.fleet.steer(0, GroupAction(empty_frac=0.5), steps.now)
    phase = steps.nodes.table["phase"].tolist()
    assert phase == [ON, LEAVING, LEAVING, ON]
    log = steps.fleet.events
    assert [k for k in log.kind if k == "workers-moved"] == ["workers-moved"] * 2
    assert log.gib[-2:] == [1.5, 1.5]
    steps.step(6, ticks=4)
    assert steps.nodes.table["phase"].tolist() == [ON, OFF, OFF, ON]
    assert sum(steps.workers_on().values()) == 6


def test_idle_nodes_sleep_when_their_workers_have_moved_and_keep_what_runs():
    """The request on the node that is emptied is finished there; then the node sleeps."""
    chosen = held({"nodes_max": 2, "remove_empty_after_s": 9999.0})
    steps = Steps(chosen, [1.0], 100.0)
    steps.fleet.state.workers["node"][:6] = [1, 0, 0, 0, 1, 1]
    steps.step(4)
    steps.step(4, ticks=2)
    # the worker with the request and one other are on node 1 now
    node = int(steps.fleet.state.workers["node"][0])
    assert steps.workers_on()[node] <= 3
    steps.fleet.steer(0, GroupAction(suspend_below_frac=0.2), steps.now)
    sleeping = np.flatnonzero(steps.nodes.table["sleeps"]).tolist()
    assert len(sleeping) == 1  # the other one takes its workers
    steps.step(4, ticks=12)
    assert steps.fleet.state.outcomes["status"][0] == kernel.FINISHED
    assert steps.nodes.table["phase"][sleeping[0]] == SUSPENDED
    assert "node-suspended" in steps.fleet.events.kind
    steps.step(8)  # it is woken up when it is needed again
    assert steps.nodes.table["phase"][sleeping[0]] == ON
    assert "node-resumed" in steps.fleet.events.kind


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_three_part_action_is_monotone_in_each_part(migrate, suspend, more, most):
    low = group_action(migrate, suspend)
    high = group_action(migrate + more * (1 - migrate), suspend + most * (1 - suspend))
    assert low.empty_frac <= high.empty_frac <= 1
    assert low.suspend_below_frac <= high.suspend_below_frac <= 1
    assert group_action(-1.0, -1.0) == GroupAction()


def test_sleeping_nodes_save_energy_at_a_price_in_latency():
    group = {
        "nodes_max": 10, "nodes_min": 6, "remove_empty_after_s": 1e6,
        "placement": Placement.SPREAD,
    }  # fmt: skip
    pool = Pool(agent_type="small", workers_initial=8, workers_max=40, node_group="boxes")

    def card(suspend):
        chosen = on_nodes(group, {"watts_suspended": 5.0}, (pool,), {"startup": after(20.0)})
        policy = partial(PowerSaver, suspend=suspend, migrate=suspend)
        return scorecard(ran(policy, demand(number=600), chosen))

    awake, asleep = card(-1.0), card(0.2)
    assert asleep["energy_kwh"] < 0.8 * awake["energy_kwh"]
    assert asleep["p99_s"] >= awake["p99_s"]
    assert asleep["workers_moved"] > 0
    assert awake["workers_moved"] == 0


@pytest.mark.slow
@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_whatever_policies_ask_of_nodes_no_request_is_lost_and_no_node_overfull(seed):
    rng = np.random.default_rng(seed)
    arrivals = np.sort(rng.uniform(0, 900, 200))
    steps = Steps(held({"nodes_max": 6, "nodes_min": 1}), arrivals, 20.0)
    for _ in range(60):
        if rng.random() < 0.3:
            action = GroupAction(empty_frac=rng.random(), suspend_below_frac=rng.random())
            steps.fleet.tend(steps.target, steps.now)
            steps.fleet.steer(0, action, steps.now)
        if rng.random() < 0.2:
            steps.fleet.resize(0, int(rng.integers(0, 2)), steps.now)
        steps.step(int(rng.integers(1, 16)) if rng.random() < 0.3 else int(steps.target[0]))
        workers = steps.fleet.state.workers
        here = workers[workers["phase"] != kernel.OFF]
        assert (steps.nodes.table["phase"][here["node"]] != OFF).all()
        assert (steps.nodes.free(0, workers) >= -1e-9).all()
    kernel.advance(steps.fleet.state, np.inf)
    status = steps.fleet.state.outcomes["status"][:-1]
    assert (status == kernel.FINISHED).all() or steps.ready() == 0
