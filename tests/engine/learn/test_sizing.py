"""The learned allocator chooses sizes: by capacity and price, by priorities, and within limits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PolicyError
from engine.explain.found import missing_numbers
from engine.explain.sentences import sentence
from engine.learn import size_study
from engine.learn.express import is_plain
from engine.learn.policy import SmartScale
from engine.learn.rewards import SCORES
from engine.learn.sizer import (
    DOUBT,
    doubts,
)
from engine.learn.sizing import COOLDOWN_S, SMOOTH_S
from engine.oracle.measures import measures
from engine.planner import Planner
from engine.policies.base import Reason
from engine.replay import play, replay, set_up
from engine.scenario import Guard, Pool, Resize, WorkerSize
from engine.scorecard import cost_usd
from engine.sim import kernel
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, keep, scenario, spec

LEARNED = "smartscale:vertical=true:cost=0.3:latency=0.4"
LARGE = WorkerSize(name="large", slots=4, price_usd_per_hour=3.3, speed=1.2)
SMALL = WorkerSize(name="small", slots=1, price_usd_per_hour=1.9, speed=0.9)


def sized(*sizes, **changes):
    """As `scenario`, with more sizes of worker."""
    plain = scenario(**changes)
    kind = replace(plain.agent_types[0], sizes=sizes, contention=0.1, queue_limit=None)
    return replace(plain, agent_types=(kind,))


def test_where_pools_have_one_size_nothing_is_different():
    one, other = (
        replay([spec(policy, demand(), scenario())])[0].decisions
        for policy in ("smartscale", "smartscale:vertical=true")
    )
    for name in ("current", "proposed", "applied", "reason", "size", "rationale", "seen"):
        assert getattr(one, name) == getattr(other, name)


def test_it_changes_sizes_tells_why_and_no_worker_goes_meanwhile():
    (record,) = replay([spec(LEARNED, demand(), sized(LARGE, SMALL))])
    log = record.decisions
    changed = [n for n, reason in enumerate(log.reason) if "_size" in reason]
    assert changed
    for n in changed:
        said = json.loads(log.rationale[n])
        size, gain = said["size"], said["points_by_size"][said["size"]]
        assert size != said["size_before"]
        scores, least = said["scores_by_size"], said["least_gain"]
        paying = {
            name: points
            for name, points in said["points_by_size"].items()
            if name == said["size_before"]
            or points > least + said["change_costs"][name]
            or scores[name]["cost"] > least + said["change_money"][name]
        }
        best = max(paying.values())
        assert said["best_points"] == best
        assert said["doubt_of_others"] == pytest.approx(0.6 * said["doubt"])
        assert paying[size] == gain >= best - said["doubt_of_others"]
        near = {name for name in paying if paying[name] >= best - said["doubt_of_others"]}
        assert scores[size]["cost"] == max(scores[name]["cost"] for name in near)
        assert log.applied[n] >= log.current[n]
        power = {"standard": 2.0, "large": 4.8, "small": 0.9}
        larger = power[said["size"]] > power[said["size_before"]]
        assert log.reason[n] == (Reason.LARGER_SIZE if larger else Reason.SMALLER_SIZE)


def test_what_is_told_of_scores_comes_to_the_points_by_the_priorities():
    (record,) = replay([spec(LEARNED, demand(), sized(LARGE, SMALL))])
    told = [json.loads(text) for text in record.decisions.rationale if text]
    assert told
    for said in told:
        for size, points in said["points_by_size"].items():
            scores = said["scores_by_size"][size]
            weighed = sum(said[f"w_{name}"] * scores[name] for name in SCORES)
            assert points == pytest.approx(weighed, abs=1e-6)


def test_doubt_grows_with_what_is_known_as_gains_do_that_begin_at_nothing():
    """So a size is not taken early because its means are still near nothing."""
    (record,) = replay([spec(LEARNED, demand(), sized(LARGE, SMALL))])
    ticks, told = record.decisions.tick, record.decisions.rationale
    doubts = {
        tick: json.loads(text)["doubt"] for tick, text in zip(ticks, told, strict=True) if text
    }
    assert len(doubts) > 50
    for number, tick in enumerate(sorted(doubts), 1):
        assert doubts[tick] == pytest.approx(DOUBT * (1.0 - np.exp(-15.0 * number / SMOOTH_S)))


def test_where_cost_counts_for_nothing_there_is_no_doubt_in_its_favour():
    weights = np.array([[0.5, 0.0, 0.0, 0.5, 0.0], [0.5, 0.0, 0.01, 0.49, 0.0]])
    assert doubts(weights).tolist() == [0.0, DOUBT]
    policy = "smartscale:vertical=true:cost=0:latency=0.6:reliability=0.4"
    (record,) = replay([spec(policy, demand(), sized(LARGE, SMALL))])
    said = [json.loads(text) for text in record.decisions.rationale if text]
    assert {one["doubt"] for one in said} == {0.0}
    changed = [one for one in said if one["size"] != one["size_before"]]
    assert changed
    for one in changed:
        costs = one["change_costs"][one["size"]]
        assert one["points_by_size"][one["size"]] > one["least_gain"] + costs


def test_the_compiled_loop_leaves_choosing_sizes_to_the_replay():
    runs = [set_up([spec(p, demand(), sized(LARGE))])[0] for p in ("smartscale", LEARNED)]
    assert [is_plain(run) for run in runs] == [True, False]
    (one,) = set_up([spec(LEARNED, demand(), scenario())])
    assert isinstance(one.policy, SmartScale)
    assert is_plain(one)


@pytest.mark.parametrize("policy", [LEARNED, "smartscale"])
def test_measures_count_each_size_at_its_price_for_as_long_as_it_was_there(policy):
    chosen = sized(LARGE, SMALL)
    large = replace(chosen, pools=tuple(replace(pool, size="large") for pool in chosen.pools))
    (run,) = set_up([spec(policy, demand(), large)])
    (record,) = play([run])
    assert measures(run, 3600.0).usd == pytest.approx(cost_usd(record).sum(), rel=1e-9)


@pytest.mark.parametrize("prices", [(0.0, 0.0, 0.0), (3.0, 0.0, 1.0)])
def test_free_sizes_are_weighed_too(prices):
    free = sized(
        replace(LARGE, price_usd_per_hour=prices[1]), replace(SMALL, price_usd_per_hour=prices[2])
    )
    kind = replace(free.agent_types[0], price_usd_per_hour=prices[0])
    (record,) = replay([spec(LEARNED, demand(), replace(free, agent_types=(kind,)))])
    said = [json.loads(text) for text in record.decisions.rationale if text]
    worths = [x for one in said for x in one.get("points_by_size", {}).values()]
    assert len(worths) > 100
    assert np.isfinite(worths).all()


def test_the_parameter_is_true_or_false():
    with pytest.raises(PolicyError, match="vertical"):
        set_up([spec("smartscale:vertical=3", demand(), scenario())])


def on_full_nodes(nodes_max):
    """Eight workers of 2 cores on nodes of 8, and a larger size of 4 cores."""
    large = replace(LARGE, cpu_cores=4.0, memory_gib=8.0)
    pool = Pool(agent_type="small", workers_initial=8, workers_max=20, node_group="boxes")
    return on_nodes({"nodes_max": nodes_max}, agent={"sizes": (large,)}, pools=(pool,))


def in_place(resize_s):
    made = sized(LARGE, SMALL)
    kind = replace(made.agent_types[0], resize=Resize.IN_PLACE, resize_s=resize_s)
    return replace(made, agent_types=(kind,))


def changes(chosen):
    """Each tick of half an hour of heavy demand, by pool: workers before and after its decision,
    those that lack the size after it, and those that are starting; from the simulator."""
    table = demand(number=9000, duration_s=1800.0)
    (run,) = set_up([spec(LEARNED, table, chosen, window_s=3600.0)])
    for tick in range(run.ticks):
        before = run.target.tolist()
        run.decide(tick)
        state = run.fleet.state
        for p, first in enumerate(state.pools["first_worker"].tolist()):
            workers = state.workers[first : first + int(state.pools["capacity"][p])]
            starting = workers["phase"] == kernel.STARTING
            lacks = workers["size"] != state.pools["size"][p]
            lacks &= starting | (workers["phase"] == kernel.READY)
            yield tick, before[p], int(run.target[p]), int(lacks.sum()), int(starting.sum())
        run.advance(tick)


@pytest.mark.parametrize(
    "chosen",
    [in_place(5.0), in_place(100.0), in_place(700.0), sized(LARGE, SMALL), on_full_nodes(5)],
    ids=["in place", "slowly in place", "very slowly in place", "by restart", "on nodes"],
)
def test_no_worker_is_taken_away_during_a_change(chosen):
    """Before all have the new size, over a whole replay."""
    seen = list(changes(chosen))
    assert any(lacking for *_, lacking, _ in seen)
    assert any(after < before for _, before, after, *_ in seen)
    assert all(after >= before for _, before, after, lacking, _ in seen if lacking)


def test_workers_that_wait_for_room_on_full_nodes_hold_the_pool_for_a_cooldown_only():
    """They could wait for ever where none of the pool goes; then it is as free as before."""
    seen = list(changes(on_full_nodes(3)))
    started_s, fewer = 0.0, []
    for tick, before, after, lacking, starting in seen:
        started_s = 15.0 * tick if starting else started_s
        if lacking and after < before:
            fewer.append(15.0 * tick - started_s)
    assert fewer
    assert fewer[0] >= COOLDOWN_S


def proposed(log):
    """Decisions that proposed another size: number, what they said, whether it was refused."""
    for n, text in enumerate(log.rationale):
        said = json.loads(text) if text else {}
        if said.get("size") != said.get("size_before"):
            yield n, said, log.size[n] != said["size"]


def test_sizes_that_are_refused_again_and_again_do_not_let_the_pool_grow():
    """It never has more workers than before or than the dial wants, and asks ever less often."""
    table = demand(number=14_400, duration_s=3600.0)
    chosen = sized(LARGE, guard=Guard(out_workers=2))
    (record,) = replay([spec(LEARNED, table, chosen, window_s=3600.0)])
    log, refused = record.decisions, {0: [], 1: []}
    for n, said, no in proposed(log):
        if no:
            assert log.reason[n] == Reason.RATE_LIMIT
            assert log.applied[n] <= max(log.current[n], said["workers_by_size"]["standard"])
            assert said["size_refusals"] == len(refused[log.pool[n]])
            refused[log.pool[n]].append(log.tick[n])
        else:
            refused[log.pool[n]].clear()
    ticks = max(refused.values(), key=len)
    assert len(ticks) >= 2
    rests_s = 15.0 * np.diff(ticks)
    assert (rests_s >= COOLDOWN_S * 2.0 ** np.arange(1, len(ticks))).all()


@pytest.mark.parametrize("budget", [18.0, 24.0])
def test_a_budget_holds_whatever_sizes_are_proposed(budget):
    """The guard sees sizes; where it refuses one, the dial goes on in the size that stays."""
    dear = replace(LARGE, price_usd_per_hour=5.0)
    chosen = sized(dear, SMALL, guard=Guard(budget_usd_per_hour=budget, out_workers=3))
    (run,) = set_up([spec(LEARNED, demand(number=3600), chosen)])
    price = {"standard": 3.0, "large": 5.0, "small": 1.9}
    start = 3.0 * run.target.sum()
    for tick in range(run.ticks):
        run.decide(tick)
        names = [list(price)[run.fleet.size(p)] for p in range(2)]
        asked = sum(price[name] * n for name, n in zip(names, run.target.tolist(), strict=True))
        assert asked <= max(budget, start) + 1e-9
        if tick:
            assert run.log.size[-2:] == names
        run.advance(tick)
    reasons = [run.log.reason[n] for n, _, refused in proposed(run.log) if refused]
    assert Reason.BUDGET in reasons


@pytest.mark.slow
def test_sentences_and_the_record_hold_where_it_chooses_sizes(tmp_path):
    with Planner(tmp_path / "store.duckdb") as planner:
        keep(planner, demand())
        chosen = sized(LARGE, SMALL, guard=Guard(budget_usd_per_hour=40.0), name="sized")
        (run_id,) = planner.replay("demand", [LEARNED], scenario=chosen)
        found = planner.faithfulness_of_run(run_id)
        assert found.holds, found.document()
        assert (found.re_executed_frac, found.sentences_frac) == (1.0, 1.0)
        hits = planner.find(run_id, reasons=("larger_size", "smaller_size"), most=20).hits
        assert hits
        for one, text in hits:
            assert "is worth" in text
            assert "points a tick" in text
            assert missing_numbers(text, one) == []


@pytest.mark.slow
def test_sentences_tell_where_money_decided(tmp_path):
    policy = "smartscale:vertical=true:cost=0.02:latency=0.6:reliability=0.38"
    with Planner(tmp_path / "store.duckdb") as planner:
        keep(planner, demand(number=9000, duration_s=5400.0))
        cheap = replace(SMALL, speed=1.0, price_usd_per_hour=1.0)
        chosen = sized(LARGE, cheap, name="sized")
        (run_id,) = planner.replay("demand", [policy], scenario=chosen)
        hits = planner.find(run_id, reasons=("larger_size", "smaller_size"), most=20).hits
    one, text = next((one, text) for one, text in hits if "its money alone is worth" in text)
    assert missing_numbers(text, one) == []
    said = one.rationale
    assert ("it costs least" in text) == (
        said["best_points"] > said["points_by_size"][said["size"]]
    )
    dearer = replace(one, rationale={**said, "best_points": said["best_points"] + 0.01})
    assert "it costs least" in sentence(dearer)
    assert missing_numbers(sentence(dearer), dearer) == []
    old = {name: value for name, value in said.items() if name != "best_points"}
    assert "it costs least" not in sentence(replace(one, rationale=old))


@pytest.mark.slow
def test_the_study_pays_for_sizes_as_the_scorecard_does_and_tells_all_rivals(tmp_path):
    made = size_study.size_study(
        tmp_path, seeds=1, kinds=("bursty",), duration_s=3600.0, costs=(0.05, 0.5),
        targets=(0.5, 0.9),
    )  # fmt: skip
    (row,) = made["rows"]
    assert set(row["points"]) == {"chosen", "rule", "standard", "small", "large"}
    assert set(row["saving_frac"]) == set(size_study.RIVALS)
    assert "| bursty |" in made["markdown"]
