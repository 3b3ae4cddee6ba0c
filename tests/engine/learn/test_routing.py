"""The routing action: weights of pools from priorities and what tells sites apart."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import CheckpointError, PolicyError
from engine.explain.decision import Decision, Kind
from engine.explain.found import missing_numbers
from engine.explain.sentences import sentence
from engine.learn import checkpoint, express, route_file, route_ground
from engine.learn.cells import HISTORY_S, cell
from engine.learn.route_file import load, routing_of, save, shipped
from engine.learn.route_ground import cluster
from engine.learn.route_study import ARMS, EQUAL, LEARNED, judged, study, weights_of
from engine.learn.route_training import Plan, known, train
from engine.learn.routing import (
    FEATURES,
    LEAST_APART,
    MOST,
    REPEAT,
    STATE,
    STEPS,
    Head,
    Routing,
    Sites,
    steps_of,
    told,
)
from engine.planner import Planner
from engine.policies.base import Action, Observation, Reason
from engine.replay import set_up
from engine.scenario import Guard, Hold, Router, Siting, SitingRule
from engine.weights import WEIGHTS
from tests.engine.learn.sites import CLEAN, DIRTY, ran, two_sites
from tests.engine.replays import demand, keep, spec

ROUTED = "smartscale:routing=true"


def seen_of(price, grid):
    pools = len(price)
    numbers = {
        name: np.zeros(pools, np.int64)
        for name in (
            "target", "starting", "ready", "draining", "queued", "in_service", "arrived",
            "finished", "failed",
        )
    }  # fmt: skip
    rates = {name: np.zeros(pools) for name in ("offered_slots", "busy_slots", "p95_s")}
    return Observation(
        t_s=15.0, tick_s=15.0, workers=(), price_usd_per_hour=np.array(price),
        grid_g_per_kwh=np.array(grid), **numbers, **rates,
    )  # fmt: skip


def test_training_tells_nothing_of_the_demand_to_come(monkeypatch):
    """A cluster whose demand turns into another after the hour before looks the same."""

    def turned(rng):
        drawn = cell(rng)
        rate = drawn.rate.copy()
        rate[HISTORY_S:] *= np.linspace(0.2, 2.0, len(rate) - HISTORY_S)
        return drawn._replace(rate=rate)

    for number in range(6):
        plain = cluster(3, number)
        with monkeypatch.context() as patch:
            patch.setattr(route_ground, "cell", turned)
            other = cluster(3, number)
        assert plain.workload.peak_busy_slots != pytest.approx(other.workload.peak_busy_slots)
        grid = np.arange(len(plain.scenario.pools)) * 50.0 + 100.0
        (own, state), (same, too) = (known(made, grid) for made in (plain, other))
        assert np.array_equal(own, same)
        assert np.array_equal(state, too)
        assert plain.scenario == other.scenario


def sent(make_context, facts, price, grid, priorities, head=None, service_s=3.0):
    """What a fresh head says of some pools: the action."""
    context = make_context(*facts)
    bare = Action(
        target=np.zeros(len(facts)), reason=(Reason.FIXED,) * len(facts),
        rationale=({},) * len(facts),
    )  # fmt: skip
    routing = Routing(context, priorities, head or shipped())
    pools = len(facts)
    return routing.added(
        bare, seen_of(price, grid), np.full(pools, 4.0), np.full(pools, service_s)
    )


def weight_of(action):
    return [said["route_weight"] for said in action.rationale]


PRICE, GRID, DELAY = [3.0, 2.0, 4.0, 1.5], [500.0, 60.0, 120.0, 800.0], [0.1, 0.02, 0.3, 0.2]


def test_pools_in_another_order_get_the_same_weights_in_that_order(make_context):
    facts, order = [{"delay_s": delay} for delay in DELAY], [2, 0, 3, 1]
    one = sent(make_context, facts, PRICE, GRID, weights_of("green"))
    other = sent(
        make_context, [facts[p] for p in order], np.array(PRICE)[order], np.array(GRID)[order],
        weights_of("green"),
    )  # fmt: skip
    assert weight_of(other) == pytest.approx([weight_of(one)[p] for p in order])
    assert len(set(weight_of(one))) > 2


def test_each_site_is_as_dirty_as_its_own_threshold_makes_it():
    """The same grid, at the threshold of the first site and far below that of the second."""
    same = dict.fromkeys(("usd", "delay_s", "most", "least", "slots", "startup_s"), np.ones(2))
    grid = np.full(2, 400.0)
    features, _ = told(Sites(g_per_kwh=grid, threshold=np.array([400.0, 900.0]), **same), 9.0, 3.0)
    dirty = features[:, FEATURES.index("grid")]
    assert dirty[0] - dirty[1] == pytest.approx(np.log(1.5))
    one, _ = told(Sites(g_per_kwh=grid, threshold=400.0, **same), 9.0, 3.0)
    assert one[:, FEATURES.index("grid")] == pytest.approx([0.0, 0.0])


def test_agent_types_are_weighed_apart_and_a_pool_alone_gets_one(make_context):
    facts = [{"agent_type": kind, "delay_s": 0.1} for kind in ("a", "b", "a")]
    made = sent(make_context, facts, PRICE[:3], GRID[:3], weights_of("green"))
    assert weight_of(made)[1] == 1.0
    assert made.weights[1] is None
    pair = [facts[0], facts[2]]
    two = sent(make_context, pair, [3.0, 4.0], [500.0, 120.0], weights_of("green"))
    assert weight_of(two) == [weight_of(made)[0], weight_of(made)[2]]


def test_sites_that_differ_in_what_no_training_saw_get_no_weights_for_it(make_context):
    facts = [{"workers_min": least, "delay_s": 0.1} for least in (1, 6)]
    made = sent(make_context, facts, [2.0, 2.0], [300.0, 300.0], weights_of("green"))
    floor = FEATURES.index("floor")
    learned = shipped().apart > LEAST_APART
    assert not learned[floor]
    assert weight_of(made) == pytest.approx([1.0, 1.0], abs=0.3)  # their room differs a little
    assert [said["route_floor"] for said in made.rationale] == [0.0, 0.0]


def test_the_way_back_to_one_is_sent_again_as_a_hold_may_have_kept_it_back(make_context):
    context = make_context({"delay_s": 0.1}, {"delay_s": 0.1})
    bare = Action(target=np.zeros(2), reason=(Reason.FIXED,) * 2, rationale=({}, {}))
    routing = Routing(context, weights_of("green"), shipped())
    told = []
    for grid in [[500.0, 60.0]] + [[300.0, 300.0]] * (2 * REPEAT):
        made = routing.added(bare, seen_of([2.0, 2.0], grid), np.full(2, 4.0), np.full(2, 3.0))
        told.append(made.weights)
    assert told[0] != (None, None)
    ones = [number for number, weights in enumerate(told) if weights[0] and weights[0].pool == 1.0]
    assert ones == [1, REPEAT, 2 * REPEAT]


def test_the_parts_of_a_weight_add_up_to_it(make_context):
    facts = [{"delay_s": delay} for delay in DELAY]
    made = sent(make_context, facts, PRICE, GRID, weights_of("green"))
    parts = np.array([[said[f"route_{name}"] for name in FEATURES] for said in made.rationale])
    assert np.exp(steps_of(parts.sum(1)) / STEPS) == pytest.approx(weight_of(made))
    assert max(weight_of(made)) <= np.exp(MOST)


@pytest.mark.parametrize(
    ("name", "facts", "price", "grid"),
    [
        ("green", [{}, {}], [2.0, 2.0], [DIRTY, CLEAN]),
        ("cost first", [{}, {}], [3.0, 2.0], [300.0, 300.0]),
        ("latency first", [{"delay_s": 0.3}, {"delay_s": 0.02}], [2.0, 2.0], [300.0, 300.0]),
    ],
)
def test_a_priority_gives_more_to_the_site_that_serves_it(make_context, name, facts, price, grid):
    """Sites that differ in nothing else; requests are so short that a delay counts."""
    made = sent(make_context, facts, price, grid, weights_of(name), service_s=1.0)
    worse, better = weight_of(made)
    assert worse < better


def test_what_was_sent_is_sent_again_only_when_it_changes_or_after_a_while(make_context):
    context = make_context({}, {})
    routing = Routing(context, weights_of("green"), shipped())
    bare = Action(target=np.zeros(2), reason=(Reason.FIXED,) * 2, rationale=({}, {}))
    level = np.full(2, 4.0)
    told = [
        routing.added(bare, seen_of([2.0, 2.0], grid), level, level).weights[0] is not None
        for grid in [[DIRTY, CLEAN]] * REPEAT + [[DIRTY, CLEAN], [CLEAN, DIRTY], [CLEAN, DIRTY]]
    ]
    assert told == [True] + [False] * (REPEAT - 1) + [True, True, False]


def test_nothing_is_known_of_the_demand_so_weights_stay(make_context):
    routing = Routing(make_context({}, {}), weights_of("green"), shipped())
    bare = Action(target=np.zeros(2), reason=(Reason.FIXED,) * 2, rationale=({}, {}))
    made = routing.added(bare, seen_of([2.0, 2.0], [DIRTY, CLEAN]), np.full(2, np.nan), np.ones(2))
    assert made.weights == (None, None)


def test_off_it_is_the_allocator_without_it():
    plain, off = ran("smartscale"), ran("smartscale:routing=false")
    assert plain.log.rationale == off.log.rationale
    assert set(plain.log.routing) == {None}
    assert "route" not in "".join(text for text in plain.log.rationale if text)
    assert np.array_equal(plain.counters, off.counters)


def test_a_replay_routes_by_the_weights_and_its_record_says_so():
    green = f"{ROUTED}:carbon=0.8"
    run = ran(green)
    said = [json.loads(text)["weights"]["pool"] for text in run.log.routing if text]
    assert said
    assert run.fleet.state.pools["preference"].tolist() == said[-2:]
    clean, dirty = run.counters[:, :, 0].sum(0)
    before = ran("smartscale:carbon=0.8").counters[:, :, 0].sum(0)
    assert clean / (clean + dirty) > before[0] / before.sum()
    assert ran(green).log.rationale == run.log.rationale


def test_the_compiled_loop_does_not_play_it():
    (run,) = set_up([spec(ROUTED, demand(), two_sites())])
    assert not express.is_plain(run)
    assert not run.policy.played(run, None)
    with pytest.raises(PolicyError, match="it needs the whole replay"):
        express.run_out(run)


@pytest.mark.parametrize(
    "changes",
    [{"router": Router()}, {"siting": Siting(rule=SitingRule.SPREAD)}],
    ids=["another router", "siting"],
)
def test_it_is_refused_where_weights_of_pools_mean_nothing(changes):
    with pytest.raises(PolicyError, match="not routed by weights of pools"):
        ran(ROUTED, two_sites(**changes))


def test_a_hold_keeps_weights_back_says_so_and_they_come_afterwards():
    held_s = 300.0
    hold = Hold(pool="own", for_s=held_s)
    run = ran(f"{ROUTED}:carbon=0.8", two_sites(guard=Guard(holds=(hold,))))
    log = run.log
    mine = [place for place, pool in enumerate(log.pool) if pool == 0]
    frozen = [
        log.tick[place] * run.tick_s
        for place in mine
        if log.guard[place]
        and any(s.get("part") == "weights" for s in json.loads(log.guard[place]))
    ]
    told_s = [log.tick[place] * run.tick_s for place in mine if log.routing[place]]
    assert frozen
    assert max(frozen) < held_s
    assert held_s <= min(told_s) <= held_s + REPEAT * run.tick_s


def test_the_sentence_says_what_moved_the_weight_most():
    run = ran(f"{ROUTED}:carbon=0.8")
    place = next(n for n, text in enumerate(run.log.routing) if text)
    log = run.log
    one = Decision(
        run_id="r", number=place, t_s=0.0, epoch_s=None, policy=ROUTED, pool="own",
        kind=Kind.KEPT, current=log.current[place], proposed=log.proposed[place],
        applied=log.applied[place], reason=log.reason[place], size=None,
        rationale=json.loads(log.rationale[place]), routing=json.loads(log.routing[place]),
        guard=(), limits={}, saw={},
    )  # fmt: skip
    assert "asks for a routing weight of" in sentence(one)
    assert "most of all for its grid" in sentence(one)
    assert missing_numbers(sentence(one), one) == []


@pytest.mark.slow
def test_every_decision_with_weights_is_made_again_alike(tmp_path):
    guard = Guard(
        slo_quantile=0.8, out_workers=1, cooldown_in_s=120.0,
        holds=(Hold(pool="own", at_s=300.0, for_s=120.0),),
    )  # fmt: skip
    with Planner(tmp_path / "store.duckdb") as planner:
        keep(planner, demand())
        (run_id,) = planner.replay(
            "demand", [f"{ROUTED}:carbon=0.8"], scenario=two_sites(guard=guard)
        )
        found = planner.faithfulness_of_run(run_id)
        assert found.holds, found.document()
        assert (found.re_executed_frac, found.sentences_frac) == (1.0, 1.0)
        decisions = [planner.decision(run_id, number=number) for number in range(found.records)]
        assert any(one.routing for one in decisions)


def changed(tmp_path, *, facts=None, **tensors):
    head = shipped()
    own = {
        "format": route_file.FORMAT,
        "table": route_file._TABLE,
        "dial": checkpoint.dial_print(),
    }
    header = {"facts": json.dumps(own | facts) if isinstance(facts, dict) else facts or "{}"}
    save_file({**head._asdict(), **tensors}, tmp_path / "model.safetensors", header)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"facts": {}, "b3": np.zeros(3, np.float32)}, "do not fit together"),
        ({"facts": {}, "b3": np.full(len(FEATURES), np.nan, np.float32)}, "do not fit together"),
        ({"facts": {}, "scale": np.zeros(len(STATE), np.float32)}, "do not fit together"),
        ({"facts": {}, "more": np.zeros(3, np.float32)}, "do not fit together"),
        ({}, "another version"),
        ({"facts": "{"}, "cannot be read"),
        ({"facts": {"format": "other"}}, "another version"),
        ({"facts": {"table": []}}, "another version"),
        ({"facts": {"dial": "0" * 16}}, "another dial"),
    ],
)
def test_a_head_that_does_not_belong_here_is_refused(tmp_path, given, what):
    with pytest.raises(CheckpointError, match=what):
        load(changed(tmp_path, **given))


def test_a_missing_head_is_said_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read") as error:
        load(tmp_path / "nowhere")
    assert "smartscale train router" in str(error.value)


def test_what_is_saved_is_loaded_and_saved_again_to_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        save(shipped(), tmp_path / name, {"plan": {"seed": 0, "rounds": 3}})
    again = load(tmp_path / "one")
    assert all(np.array_equal(a, b) for a, b in zip(again, shipped(), strict=True))
    one, other = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "other")
    )
    assert one == other


UNSEEN = 12
COUNTS = 0.01
"""Points by which a cluster has to differ to count."""


@pytest.mark.slow
def test_a_short_training_beats_equal_weights_on_clusters_it_never_saw(monkeypatch):
    """By the priorities' own points, where there is much to win: on unlike grids, when green."""
    head = train(Plan(rounds=2, clusters=80, steps=500))
    monkeypatch.setattr(route_file, "shipped", lambda: head)
    gains = [
        judged(made, weights_of("green"), LEARNED).worth
        - judged(made, weights_of("green"), EQUAL).worth
        for made in (cluster(424_251, number) for number in range(UNSEEN))
    ]
    assert np.mean(gains) > 0.0
    more, less = (sum(sign * gain > COUNTS for gain in gains) for sign in (1, -1))
    assert more > less


@pytest.mark.slow
def test_the_study_tells_every_rule_under_every_priority_beside_equal_weights():
    made = study(2)
    assert len(made["rows"]) == 2 * len(WEIGHTS) * len(ARMS)
    lines = made["markdown"].splitlines()[2:]
    told = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines]
    assert told == [(name, arm) for name in WEIGHTS for arm in ARMS]
    by_arm = {
        row["arm"]: row["cost_usd"]
        for row in made["rows"]
        if (row["cluster"], row["priorities"]) == (0, "green")
    }
    assert len(set(by_arm.values())) > 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_head():
    plan = Plan(rounds=1, clusters=3, steps=20)
    one, other = train(plan), train(plan)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    third = train(replace(plan, seed=1))
    assert not np.array_equal(one.w1, third.w1)
    assert isinstance(one, Head)


def test_without_the_flag_no_head_is_read(make_context, monkeypatch):
    monkeypatch.setattr(route_file, "shipped", lambda: pytest.fail("it was read"))
    ran("smartscale")
    with pytest.raises(PolicyError):
        routing_of("smartscale", make_context({}), weights_of("green"))
