"""Whole actions (number, size, nodes, routing) are guarded: what is provisioned shows it."""

import json

import numpy as np
import pytest

from engine.cluster.grid import GridSeries
from engine.explain.decision import Decision, Kind, active_in, ledger
from engine.explain.found import missing_numbers
from engine.explain.lifting import BindingProbe
from engine.explain.sentences import sentence
from engine.policies.base import KEEP, Action, GroupAction, Reason, RoutingWeights
from engine.replay import ReplaySpec, set_up
from engine.scenario import (
    AgentType,
    Guard,
    Hold,
    Pool,
    Priorities,
    Router,
    RouterKind,
    Startup,
    WorkerSize,
)
from engine.sim import kernel
from engine.sim.service import prepare
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand

TICKS, TICK_S, THRESHOLD = 60, 15.0, 400.0
WAYS = (RouterKind.LEAST_AGENT_LOAD, RouterKind.WEIGHTED_ROUND_ROBIN, RouterKind.SEVEN_FACTOR)
DEMAND = demand(number=200)
SLOTS = (2, 8, 1)


def kind(name, **changes):
    sizes = (
        WorkerSize(name="big", slots=8, price_usd_per_hour=9.0, watts_idle=200.0,
                   watts_full=500.0, cpu_cores=4.0, memory_gib=8.0),
        WorkerSize(name="tiny", slots=1, price_usd_per_hour=2.0, watts_idle=60.0,
                   watts_full=90.0, cpu_cores=1.0, memory_gib=2.0),
    )  # fmt: skip
    return AgentType(
        name=name, slots=2, price_usd_per_hour=3.0, startup=Startup(mean_s=40.0, spread_s=5.0),
        sizes=sizes, watts_idle=80.0, watts_full=150.0, cpu_cores=2.0, memory_gib=4.0, gpus=0,
        queue_limit=None, **changes,
    )  # fmt: skip


def cluster(guard, threshold=None, router=RouterKind.LEAST_AGENT_LOAD):
    """Three pools: new sizes by restart, in place, and by restart on nodes."""
    own = {"workers_min": 1, "workers_max": 20, "workers_initial": 4}
    return on_nodes(
        {"nodes_max": 6, "nodes_min": 2},
        {"usd_per_hour": 12.0},
        (
            Pool(name="a", agent_type="restart", **own),
            Pool(name="b", agent_type="in-place", **own),
            Pool(name="c", agent_type="restart", node_group="boxes", **own),
        ),
        agent_types=(kind("restart"), kind("in-place", resize="in-place", resize_s=20.0)),
        router=Router(kind=router),
        priorities=Priorities(carbon_threshold_g_per_kwh=threshold),
        guard=guard,
        tick_s=TICK_S,
    )


class Wild:
    """Proposes anything that is well formed."""

    def __init__(self, context, *, rng):
        self.interval_s, self._rng = context.tick_s, rng
        self._weighs = context.weighs_pools

    def propose(self, observation):
        rng, pools = self._rng, len(observation.target)
        near = np.maximum(observation.target + rng.integers(-4, 5, pools), 0.0)
        any_size = rng.gamma(0.6, 10.0, pools)
        pick = rng.integers(0, 4, pools)
        return Action(
            target=np.select(
                [pick == 0, pick == 1], [np.full(pools, float(KEEP)), any_size], near
            ),
            reason=(Reason.FIXED,) * pools,
            size=self._some(("standard", "big", "tiny"), pools, 0.5),
            groups=self._some((GroupAction(empty_frac=0.5, suspend_below_frac=0.4),), 1, 0.3),
            router=() if self._weighs else self._some(WAYS, pools, 0.3),
            weights=self._some(
                [
                    RoutingWeights(pool=weight, sizes={"big": 3.0})
                    for weight in ((0.2, 1.0, 7.0) if self._weighs else (1.0,))
                ],
                pools,
                0.3,
            ),
        )

    def _some(self, what, number, often):
        drawn = [what[k] for k in self._rng.integers(0, len(what), number)]
        return tuple(x if self._rng.random() < often else None for x in drawn)


def made(chosen, policy, **more):
    workload = prepare(DEMAND, chosen)
    (run,) = set_up([
        ReplaySpec(workload=workload, scenario=chosen, policy=policy, name="wild",
                   window_s=TICKS * TICK_S, **more)
    ])  # fmt: skip
    return run


def provisioned(run):
    """By pool, (number, size) of what is asked for: a worker and its replacement count once."""
    state, found = run.fleet.state, []
    for p, pool in enumerate(state.pools):
        workers = state.workers[pool["first_worker"] :][: pool["capacity"]]
        there = (workers["phase"] == kernel.STARTING) | (workers["phase"] == kernel.READY)
        there &= workers["replaced"] == 0
        sizes = workers["size"][there]
        if pool["resize_in_place"]:  # what is pending counts as done
            sizes = np.full(len(sizes), run.fleet.size(p))
        found.append(np.bincount(sizes, minlength=3))
    return np.array(found)  # (P, sizes)


def priced(run, tick):
    """(P, sizes) US dollars per worker and hour."""
    conditions, pools = run.steering.wishes._conditions, len(run.facts)
    return np.column_stack([conditions.usd_per_hour(tick, np.full(pools, k)) for k in range(3)])


def emitted(run):
    conditions, pools = run.steering.wishes._conditions, len(run.facts)
    kw = np.column_stack([conditions.kw(np.full(pools, k)) for k in range(3)])
    return (provisioned(run) * kw).sum(axis=1)


def steered(run, pool):
    """What a person who holds a pool expects to stay."""
    state = run.fleet.state
    return (
        int(run.target[pool]), run.fleet.size(pool), int(state.pools["router"][pool]),
        float(state.pools["preference"][pool]), *state.sizes["weight"][pool].tolist(),
    )  # fmt: skip


GUARDS = {
    "budget": Guard(budget_usd_per_hour=70.0),
    "carbon": Guard(),
    "hold": Guard(holds=(Hold(pool="a", at_s=100.0, for_s=500.0),
                         Hold(pool="c", at_s=300.0, for_s=400.0))),
    "pace": Guard(out_workers=3, in_workers=2, period_s=60.0, cooldown_out_s=30.0,
                  cooldown_in_s=90.0),
    "all": Guard(budget_usd_per_hour=70.0, out_workers=4, cooldown_in_s=60.0,
                 holds=(Hold(pool="b", at_s=200.0, for_s=200.0),)),
}  # fmt: skip


SCORED, SITED = RouterKind.LEAST_AGENT_LOAD, RouterKind.HIERARCHICAL


@pytest.mark.parametrize(
    ("name", "router"),
    [
        *((name, SCORED) for name in GUARDS),
        *((name, SITED) for name in ("budget", "hold", "pace")),
    ],
)
@pytest.mark.parametrize("seed", range(12))
def test_random_whole_actions_breach_nothing_in_what_is_provisioned(name, seed, router):
    rng = np.random.default_rng([seed, len(name)])
    grid = GridSeries(g_per_kwh=rng.uniform(300.0, 500.0, 30), interval_s=30.0, start_s=0.0)
    threshold = THRESHOLD if name in ("carbon", "all") else None
    run = made(
        cluster(GUARDS[name], threshold, router), lambda context: Wild(context, rng=rng),
        grids={"region-a": grid},
    )  # fmt: skip
    watch = Watch(run)
    for tick in range(TICKS):
        watch.step(tick)
    if name != "pace" or seed < 3:  # such a pace leaves some runs without a new size
        assert watch.resized > 0  # the guard lets through what may be
    assert watch.weighed == (router is SITED)
    sizes = [line for text in run.log.guard if text for line in json.loads(text) if "part" in line]
    if name != "carbon" or watch.dirty:
        assert sizes
    assert all(line["reason"] for line in sizes)


class Watch:
    """Keeps its own books of what is provisioned."""

    def __init__(self, run):
        self.run, self.guard = run, run.spec.scenario.guard
        self.resized, self.dirty, self.last = 0, False, [-np.inf] * len(run.facts)
        self.weighed = False
        self.last_out = list(self.last)

    def step(self, tick):
        run = self.run
        run.fleet.tend(run.target, tick * TICK_S)  # what is lost or waits is ordered again first
        before = provisioned(run), emitted(run), [steered(run, p) for p in range(3)]
        base = run.target.copy()
        run.decide(tick)
        after = provisioned(run)
        self.check_budget(tick, before[0], after)
        self.check_carbon(tick, before[1], base)
        self.check_holds_and_pace(tick, before[2])
        run.advance(tick)
        self.weighed |= bool((run.fleet.state.pools["preference"] != 1.0).any())

    def check_budget(self, tick, before, after):
        most = self.guard.budget_usd_per_hour
        if most is not None:
            price = priced(self.run, tick)
            assert (after * price).sum() <= max(most, (before * price).sum()) + 1e-6

    def check_carbon(self, tick, before, base):
        run = self.run
        grid = run.steering.wishes._conditions.g_per_kwh(tick)
        if run.guard._threshold is None or (grid <= THRESHOLD).any():
            return
        self.dirty = True
        assert (emitted(run) <= before + 1e-9).all()

    def check_holds_and_pace(self, tick, before):
        t_s = tick * TICK_S
        for p, was in enumerate(before):
            now = steered(self.run, p)
            if self.run.guard.held_s(t_s, p) is not None:
                assert now == was
            if now[:2] != was[:2]:
                grown = now[0] * SLOTS[now[1]] - was[0] * SLOTS[was[1]]
                self.check_resize(t_s, p, grown, now[1] != was[1])
                self.last[p], self.last_out[p] = t_s, t_s if grown > 0 else self.last_out[p]

    def check_resize(self, t_s, pool, grown, resized):
        self.resized += resized
        since = t_s - (self.last_out if grown > 0 else self.last)[pool]
        wait_s = self.guard.cooldown_out_s if grown > 0 else self.guard.cooldown_in_s
        assert since >= wait_s or not resized


class Once:
    """Wants another size, and says something of routing, all the time."""

    def __init__(self, context, *, size="big", workers=4.0, router=None):
        self.interval_s, self._said = context.tick_s, (size, workers, router)

    def propose(self, observation):
        pools = len(observation.target)
        size, workers, router = self._said
        return Action(
            target=np.full(pools, workers), reason=(Reason.FIXED,) * pools, size=(size,) * pools,
            router=(router,) * pools if router else (),
        )  # fmt: skip


def first(guard, threshold=None, g_per_kwh=450.0, **said):
    """What is left of one proposal: the run, its entry for the first pool, and what bound it."""
    grid = GridSeries(g_per_kwh=np.array([g_per_kwh]), interval_s=60.0, start_s=0.0)
    run = made(
        cluster(guard, threshold), lambda context: Once(context, **said), grids={"region-a": grid}
    )
    run.probe = probe = BindingProbe()
    run.decide(0)
    probe.close(run)
    assert not probe.wrong
    return run, probe.found[0]


def told(run, place=0):
    """The decision of a pool as it is explained."""
    log, chosen = run.log, run.spec.scenario
    changes = json.loads(log.guard[place]) if log.guard[place] else []
    return Decision(
        run_id="r", number=place, t_s=0.0, epoch_s=None, policy="wild", pool="chat",
        kind=Kind.KEPT,
        current=log.current[place], proposed=log.proposed[place], applied=log.applied[place],
        reason=log.reason[place], size=log.size[place], rationale={}, limits={}, saw={},
        guard=ledger(active_in(chosen), log.proposed[place], log.current[place], changes),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "guard", "threshold"),
    [
        (Reason.BUDGET, Guard(budget_usd_per_hour=40.0), None),
        (Reason.CARBON, Guard(), THRESHOLD),
        (Reason.RATE_LIMIT, Guard(out_workers=2), None),
        (Reason.HELD, Guard(holds=(Hold(pool="a", for_s=60.0),)), None),
    ],
)
def test_a_size_that_may_not_be_is_told_in_ledger_and_sentence_and_lifting_changes_it(
    reason, guard, threshold
):
    run, binding = first(guard, threshold)
    assert (run.fleet.size(0), run.log.size[0]) == (0, "standard")
    one = told(run)
    assert one.applied == run.target[0]
    assert one.reason == reason
    (line,) = [line for line in one.guard if line.stage == "size"]
    assert (line.before, line.after, line.reason, line.wanted, line.kept) == (
        4.0, 16.0, reason, "big", "standard",
    )  # fmt: skip
    value = 4.0
    for line in one.guard:
        assert line.before == value
        value = line.after
    assert value == one.applied
    assert "so the size stays standard" in sentence(one)
    assert missing_numbers(sentence(one), one) == []
    assert binding.differs
    assert reason in binding.named
    assert "16" in binding.told[1] or binding.without_size == "big"


def test_a_size_that_nothing_forbids_is_applied_and_a_smaller_one_passes_a_dirty_grid():
    run, binding = first(Guard(budget_usd_per_hour=500.0))
    assert [run.fleet.size(p) for p in range(3)] == [1, 1, 1]
    assert (run.log.guard[0], binding.size, binding.constrained) == (None, "big", False)
    run, _ = first(Guard(), THRESHOLD, size="tiny")
    assert (run.fleet.size(0), run.target[0]) == (2, 4)


def test_a_new_size_is_a_step_for_the_cooldown():
    run = made(cluster(Guard(cooldown_in_s=120.0)), lambda context: Once(context, size="tiny"))
    run.decide(0)
    run.advance(0)
    run.policy = Once(run.context, size="standard", workers=1.0)
    for tick in range(1, 10):
        run.decide(tick)
        run.advance(tick)
        small = run.fleet.size(0) == 2
        assert small == (run.target[0] == 4) == (tick * TICK_S < 120.0)


def test_a_hold_freezes_router_weights_and_nodes_and_says_so():
    class Steers(Once):
        def propose(self, observation):
            return Action(
                target=np.full(3, 4.0), reason=(Reason.FIXED,) * 3,
                router=(RouterKind.SEVEN_FACTOR,) * 3,
                weights=(RoutingWeights(sizes={"big": 2.0}),) * 3,
                groups=(GroupAction(suspend_below_frac=1.0),),
            )  # fmt: skip

    holds = (Hold(pool="a", for_s=60.0), Hold(pool="c", for_s=60.0))
    run = made(cluster(Guard(holds=holds)), Steers)
    before = [steered(run, p) for p in range(3)]
    run.probe = probe = BindingProbe()
    run.decide(0)
    probe.close(run)
    assert steered(run, 0) == before[0]
    assert steered(run, 1) != before[1]
    assert run.log.routing[0] is None
    one = told(run)
    assert [line.part for line in one.guard if line.part] == ["router", "weights"]
    assert "its router does not become seven-factor" in sentence(one)
    assert missing_numbers(sentence(one), one) == []
    assert [line.part for line in told(run, 2).guard if line.part][-1] == "boxes"
    assert [each.named for each in probe.found] == [(Reason.HELD,), (), (Reason.HELD,)]
    assert all(each.differs == bool(each.named) for each in probe.found)
