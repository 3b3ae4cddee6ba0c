"""Nodes come, hold workers, sleep, are emptied, revoked and lost; nothing is held by none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cluster.nodes import OFF
from engine.cluster.noise import node_speeds
from engine.errors import ScenarioError
from engine.replay import replay
from engine.scenario import AgentType, Fault, FaultKind, NodeGroup, Placement, Pool, Purchase
from engine.sim import kernel
from tests.engine.cluster.clusters import on_nodes
from tests.engine.cluster.steps import TICK_S, Steps
from tests.engine.replays import demand, spec


def test_initial_workers_are_on_nodes_that_are_ready():
    steps = Steps(
        on_nodes(pools=(Pool(agent_type="small", workers_initial=5, node_group="boxes"),))
    )
    assert steps.workers_on() == {0: 4, 1: 1}
    assert steps.nodes.wait_s(np.array([0, 1]), 0.0).tolist() == [0.0, 0.0]


def test_initial_workers_that_fit_nowhere_are_refused_before_the_replay():
    pool = Pool(name="much", agent_type="small", workers_initial=5, node_group="boxes")
    with pytest.raises(ScenarioError, match="1 nodes hold 4 of the 5 workers") as refused:
        Steps(on_nodes({"nodes_max": 1}, pools=(pool,)))
    assert "nodes_max" in refused.value.where


def test_a_worker_on_a_new_node_waits_for_the_node_and_then_starts():
    """1 worker on node 0, which holds 4: the fifth comes with a node, after 60 s and 20 s."""
    steps = Steps(on_nodes())
    steps.step(5)
    assert steps.workers_on() == {0: 4, 1: 1}
    steps.step(5)
    assert steps.ready() == 4  # at 30 s: three that started on the held node
    steps.step(5, ticks=3)
    assert steps.ready() == 4  # at 75 s
    steps.step(5)
    assert steps.ready() == 5  # at 90 s


def test_an_empty_node_is_given_back_after_its_time_but_not_below_the_smallest_number():
    steps = Steps(on_nodes({"nodes_min": 1, "remove_empty_after_s": 45.0}))
    steps.step(8)
    steps.step(8, ticks=7)
    assert steps.held == [0, 1]
    steps.step(0)  # nothing is held: all drain at once; the nodes are seen empty at the next tick
    steps.step(0, ticks=3)
    assert steps.held == [0, 1]
    steps.step(0)
    assert steps.held == [0]
    steps.step(0, ticks=50)
    assert steps.held == [0]


def test_a_suspended_node_draws_its_own_power_and_wakes_up_when_needed():
    group = {"suspend_empty_after_s": 15.0, "remove_empty_after_s": 9999.0}
    steps = Steps(on_nodes(group, {"watts_suspended": 7.0, "resume_s": 10.0}))
    steps.step(0)
    assert steps.meter("energy_kwh") * 3.6e6 / TICK_S == pytest.approx(100.0)
    steps.step(0, ticks=2)
    assert steps.meter("suspended") == 1
    assert steps.meter("energy_kwh") * 3.6e6 / TICK_S == pytest.approx(7.0)
    steps.step(1)  # at 45 s: 10 s to wake up, 20 s to start
    steps.step(1)
    assert steps.ready() == 0  # 75 s is the end of this tick
    steps.step(1)
    assert steps.ready() == 1
    assert steps.held == [0]


@pytest.mark.slow
def test_workers_of_a_nearly_empty_node_move_where_they_fit():
    """3 + 1 workers become 4: the one moves in 30 s, and its node goes when it is empty."""
    group = {"consolidate_below_frac": 0.3, "migrate_s": 30.0, "nodes_max": 2}
    steps = Steps(
        on_nodes(group, pools=(Pool(agent_type="small", workers_initial=5, node_group="boxes"),)),
        [1.0],
        1e4,
    )
    workers = steps.fleet.state.workers
    workers["node"][:5] = [1, 0, 0, 0, 0]  # the first worker, which gets the request, is alone
    steps.step(5)
    assert steps.workers_on() == {0: 4, 1: 1}  # node 0 is full
    steps.step(4)
    assert steps.workers_on() == {0: 3, 1: 1}
    steps.step(4)
    assert steps.workers_on() == {0: 4, 1: 1}  # the old one finishes its request
    assert steps.ready() == 3
    steps.step(4)
    assert steps.ready() == 3  # 30 s after the order is the tick's very end
    steps.step(4)
    assert steps.ready() == 4
    steps.step(4, ticks=700)
    assert steps.workers_on() == {0: 4}
    assert steps.held == [0]


def test_a_revoked_node_drains_from_the_notice_on_is_lost_and_its_workers_come_back():
    group = {"purchase": Purchase.SPOT, "revocations_per_hour": 6.0, "notice_s": 30.0}
    steps = Steps(on_nodes(group, {"usd_per_hour_spot": 1.0}), [1.0], 1e5)
    lost_s = float(steps.nodes.table["lost_s"][0])
    steps.step(1, ticks=int((lost_s - 30.0) // TICK_S) + 1)
    assert steps.workers_on() == {0: 1}
    steps.step(1)  # the notice: the node drains, another is started for the same worker
    assert steps.workers_on() == {0: 1, 1: 1}
    assert steps.fleet.state.outcomes["status"][0] == kernel.IN_SERVICE
    steps.step(1, ticks=2)
    assert steps.fleet.state.outcomes["status"][0] == kernel.LOST
    assert steps.workers_on() == {1: 1}
    steps.step(1, ticks=5)
    assert steps.ready() == 1


def test_revocations_come_as_often_as_the_scenario_says():
    group = {"purchase": Purchase.SPOT, "revocations_per_hour": 2.0}
    steps = Steps(on_nodes(group, {"usd_per_hour_spot": 1.0}))
    lifetime_s = steps.nodes._draws[0].lifetime_s
    assert lifetime_s.mean() == pytest.approx(1800.0, rel=4 / np.sqrt(len(lifetime_s)))
    assert np.isinf(Steps(on_nodes()).nodes.table["lost_s"][0])


def test_a_busy_node_draws_power_by_the_share_of_its_cores_that_work():
    """4 of 8 cores work for half of the tick: 100 W + 0.25 * 200 W."""
    pool = Pool(agent_type="small", workers_initial=2, node_group="boxes")
    steps = Steps(on_nodes(pools=(pool,)), [0.0, 0.0, 0.0, 0.0], TICK_S / 2)
    steps.step(2)
    assert steps.meter("busy_frac") == pytest.approx(0.25, rel=1e-12)
    assert steps.meter("requested_frac") == pytest.approx(0.5, rel=1e-12)
    assert steps.meter("energy_kwh") == pytest.approx(150.0 * TICK_S / 3.6e6, rel=1e-12)


def test_work_of_a_worker_that_is_gone_by_the_end_of_the_tick_counts():
    steps = Steps(on_nodes(), [0.0], TICK_S / 2)
    steps.step(1)
    busy = steps.meter("busy_frac")
    again = Steps(on_nodes(), [TICK_S], TICK_S / 2)
    again.step(1)
    again.fleet.state.workers["node"][0] = 0
    again.fleet.scale(0, 0, again.now)
    again.step(1)
    assert again.meter("busy_frac") == pytest.approx(busy) == pytest.approx(1 / 16)


def test_graphics_processors_make_a_node_busy_before_its_cores_do():
    agent = {"gpus": 2, "cpu_cores": 1.0}
    steps = Steps(on_nodes(agent=agent, kind={"gpus": 4}), [0.0], TICK_S)
    steps.step(1)
    assert steps.meter("busy_frac") == pytest.approx(0.25)  # 1 of 2 slots on 2 of 4


def test_two_pools_share_the_nodes_of_a_group():
    agents = (
        on_nodes().agent_types[0],
        AgentType(name="wide", slots=1, cpu_cores=5.0, memory_gib=8.0, gpus=0),
    )
    pools = (
        Pool(name="a", agent_type="small", workers_initial=1, node_group="boxes"),
        Pool(name="b", agent_type="wide", workers_initial=1, node_group="boxes", zone="zone-a"),
    )
    steps = Steps(on_nodes(pools=pools, agent_types=agents))
    assert steps.workers_on() == {0: 2}
    steps.step(2, 1)
    assert steps.workers_on() == {0: 2, 1: 1}


@pytest.mark.parametrize("rule", Placement)
def test_a_full_group_limits_what_is_applied_and_says_so(rule):
    """3 nodes of 4 workers for a crowd that wants more."""
    pool = Pool(
        name="held", agent_type="small", workers_initial=1, workers_max=40, node_group="boxes"
    )
    chosen = on_nodes({"nodes_max": 3, "placement": rule}, pools=(pool,))
    (record,) = replay([spec("hpa", demand(number=2400), chosen)])
    assert record.target.max() == 12
    assert "no_room" in record.decisions.reason
    stages = [stage for stage in record.decisions.guard if stage and "placement" in stage]
    assert stages and '"after":12' in stages[-1]
    assert record.accounts.nodes.max() <= 3


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from(Placement))
@settings(max_examples=12, deadline=None)
def test_whatever_happens_no_node_holds_more_than_it_has_and_every_worker_is_on_one(seed, rule):
    """Random targets, revocations, suspension and consolidation at once."""
    rng = np.random.default_rng(seed)
    group = {
        "placement": rule, "purchase": Purchase.SPOT, "revocations_per_hour": 20.0,
        "suspend_empty_after_s": 15.0, "consolidate_below_frac": 0.6, "nodes_max": 6,
        "nodes_min": 1,
    }  # fmt: skip
    arrivals = np.sort(rng.uniform(0, 900, 300))
    chosen = on_nodes(group, {"usd_per_hour_spot": 1.0, "speed_noise": "burstable"})
    steps = Steps(chosen, arrivals, 20.0)
    for _ in range(60):
        steps.step(int(rng.integers(0, 20)) if rng.random() < 0.3 else int(steps.target[0]))
        workers = steps.fleet.state.workers
        here = workers[workers["phase"] != kernel.OFF]
        assert (here["node"] >= 0).all()
        on = steps.nodes.table["phase"][here["node"]]
        assert (on != OFF).all()
        assert (steps.nodes.free(0, workers) >= -1e-9).all()
        assert len(steps.held) <= 6
    kernel.advance(steps.fleet.state, np.inf)
    status = steps.fleet.state.outcomes["status"][:-1]
    assert np.isin(status, (kernel.FINISHED, kernel.LOST)).all() or steps.ready() == 0


def test_fresh_machines_differ_as_measured():
    rng = np.random.default_rng(1)
    for kind, cv in (("fixed", 0.024), ("burstable", 0.218)):
        speeds = node_speeds(kind, 200_000, rng)
        assert speeds.mean() == pytest.approx(1.0, abs=0.005)
        assert speeds.std() / speeds.mean() == pytest.approx(cv, rel=0.1)
    assert (node_speeds("none", 5, rng) == 1).all()


def test_a_slow_machine_takes_longer_for_the_same_work():
    steps = Steps(on_nodes(kind={"speed_noise": "burstable"}), [0.0], 5.0)
    speed = float(steps.nodes.table["speed"][0])
    assert speed != 1.0
    steps.step(1)
    outcome = steps.fleet.state.outcomes[0]
    assert outcome["end_s"] - outcome["start_s"] == pytest.approx(5.0 / speed)


def test_a_lost_node_takes_its_workers_and_requests_and_they_are_ordered_again():
    fault = Fault(kind=FaultKind.NODE_LOSS, at_s=20.0, where="boxes")
    steps = Steps(on_nodes(faults=(fault,)), [1.0], 1e4)
    steps.step(1, ticks=2)
    assert steps.fleet.state.outcomes["status"][0] == kernel.IN_SERVICE
    steps.step(1)  # at 30 s, the first tick after it
    assert steps.fleet.state.outcomes["status"][0] == kernel.LOST
    assert steps.ready() == 0
    assert len(steps.held) == 1
    steps.step(1, ticks=6)
    assert steps.ready() == 1


def test_a_planned_revocation_takes_spot_nodes_only_and_with_notice():
    groups = (
        NodeGroup(name="boxes", node_type="box", purchase=Purchase.SPOT, nodes_min=3),
        NodeGroup(name="kept", node_type="box", nodes_min=3),
    )
    fault = Fault(kind=FaultKind.SPOT_REVOCATION, at_s=0.0, count=2)
    chosen = on_nodes(kind={"usd_per_hour_spot": 1.0}, node_groups=groups, faults=(fault,))
    steps = Steps(chosen)
    steps.step(1, ticks=4)
    ready_s = steps.nodes.table["ready_s"][steps.held]
    assert np.sum(ready_s[:3] > 0) == 2  # they came for two that are gone
    assert (ready_s[3:] < 0).all()
    with pytest.raises(ScenarioError, match="no spot nodes"):
        on_nodes(faults=(Fault(kind=FaultKind.SPOT_REVOCATION, at_s=0.0, where="boxes"),))


def test_a_node_is_hot_when_its_workers_are_and_the_others_are_not():
    """Eight nodes of which one works all the time, from the second tick on."""
    pool = Pool(agent_type="small", workers_initial=8, workers_max=40, node_group="boxes")
    chosen = on_nodes({"placement": Placement.SPREAD, "nodes_min": 8}, pools=(pool,))
    steps = Steps(chosen, [0.0, 15.0], 1e4)
    steps.fleet.state.workers["node"][:8] = range(8)
    steps.step(8)
    assert steps.meter("hot_nodes") == 1  # mean + 2 deviations
    assert 0.5 < steps.meter("fragmentation") < 1.0
