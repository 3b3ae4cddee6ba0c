"""The compiled loop sizes a cluster as the replay does, tick for tick."""

import gc
import json
import weakref
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PolicyError, ReplayCancelled
from engine.learn.cells import FUTURES
from engine.learn.checkpoint import save, sizes
from engine.learn.express import log_sizes, run_all, run_out
from engine.learn.tokens import WIDTH
from engine.oracle import play as quick
from engine.oracle.measures import measures
from engine.replay import play, set_up
from engine.scenario import Guard, WorkerSize
from engine.scorecard import scorecard
from models.sac import Learner
from models.sac_options import Options
from tests.engine.replays import demand, scenario, spec

LATENCY = "smartscale:cost=0.05:latency=0.9"
CAREFUL = f"{LATENCY}:offset=0.3"


@pytest.fixture(scope="module")
def attending(tmp_path_factory):
    """A transformer that was never trained."""
    folder = tmp_path_factory.mktemp("attending")
    zeros, ones = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    save(Learner(Options(actor="transformer"), sizes(FUTURES), 1, zeros, ones), folder, {})
    return f"smartscale:checkpoint={folder}"


def played(policy, play, **given):
    (run,) = set_up([spec(policy, demand(), scenario(**given))])
    play(run)
    return run


def replayed(run):
    play([run])


@pytest.mark.parametrize("policy", [LATENCY, CAREFUL, "attending"])
def test_sizes_and_counts_are_those_of_the_replay(policy, request):
    if policy == "attending":
        policy = request.getfixturevalue("attending")
    one, other = played(policy, replayed), played(policy, run_out)
    assert np.array_equal(one.targets, other.targets)
    assert np.array_equal(one.counters, other.counters)
    assert len(np.unique(one.targets)) > 2
    assert measures(one, 3600.0).cost == measures(other, 3600.0).cost


@pytest.mark.parametrize("policy", [LATENCY, "attending"])
def test_a_run_that_is_let_go_leaves_no_memory_behind(policy, request):
    if policy == "attending":
        policy = request.getfixturevalue("attending")
    run = played(policy, run_out)
    held = [
        weakref.ref(getattr(run.fleet.state, name)) for name in ("outcomes", "workers", "heap")
    ]
    del run
    gc.collect()
    assert [each() for each in held] == [None] * 3


def test_the_scorecard_is_that_of_the_replay_but_for_times_of_decisions():
    one, other = played(LATENCY, replayed), played(LATENCY, run_out)
    log_sizes(other)
    whole, quick = scorecard(one.record()), scorecard(other.record())
    timed = {"decision_p50_ms", "decision_p99_ms"}
    assert {key: quick[key] for key in whole.keys() - timed} == {
        key: whole[key] for key in whole.keys() - timed
    }
    assert whole["reaction_s"] is not None
    assert whole["actions_per_h"] > 10
    assert one.fleet.orders.results(900.0) == other.fleet.orders.results(900.0)


def test_where_sizes_differ_money_and_energy_are_those_of_the_replay():
    base = scenario()
    (kind,), (own, shared) = base.agent_types, base.pools
    big = WorkerSize(name="big", slots=4, speed=2.0, price_usd_per_hour=4.0)
    given = {
        "agent_types": (replace(kind, sizes=(big,)),),
        "pools": (replace(own, size="big"), shared),
    }
    one, other = played(LATENCY, replayed, **given), played(LATENCY, run_out, **given)
    log_sizes(other)
    whole, quick = scorecard(one.record()), scorecard(other.record())
    assert whole["cost_usd"] > 1.0
    for key in whole.keys() - {"decision_p50_ms", "decision_p99_ms"}:
        assert quick[key] == whole[key], key


def test_settings_side_by_side_are_those_alone():
    alone = [played(policy, run_out) for policy in ("smartscale", LATENCY)]
    makers = [
        lambda p=p: set_up([spec(p, demand(), scenario())])[0] for p in ("smartscale", LATENCY)
    ]
    for one, targets in zip(alone, run_all(makers, lambda run: run.targets), strict=True):
        assert np.array_equal(one.targets, targets)


def test_what_needs_the_whole_replay_is_refused():
    with pytest.raises(PolicyError, match="needs the whole replay"):
        played("static", run_out)
    with pytest.raises(PolicyError, match="needs the whole replay"):
        played("smartscale", run_out, guard=Guard(out_workers=1))


def test_judging_takes_the_quick_loop_where_it_can_and_the_replay_elsewhere():
    one, other = played("smartscale", quick.run_out), played("smartscale", replayed)
    assert not one.log.tick
    assert np.array_equal(one.targets, other.targets)
    assert played("smartscale", quick.run_out, guard=Guard(out_workers=1)).log.tick


def test_it_can_be_stopped():
    with pytest.raises(ReplayCancelled):
        played("smartscale", lambda run: run_out(run, lambda: True))


def positions(run):
    """Of the dial, decision by decision and pool by pool."""
    return np.array([json.loads(text)["caution"] for text in run.log.rationale if text])


def test_an_offset_moves_the_dial_of_every_decision_and_no_further_than_it_goes():
    plain, careful = played(LATENCY, replayed), played(CAREFUL, replayed)
    one, other = positions(plain), positions(careful)
    assert len(one) == len(other) > 10
    assert other[:2] == pytest.approx(np.minimum(one[:2] + 0.3, 1.0))  # of the first decision
    assert careful.targets.sum() > plain.targets.sum()
    most = played(f"{LATENCY}:offset=2", replayed)
    assert (positions(most) == 1.0).all()
    with pytest.raises(PolicyError, match="offset"):
        played(f"{LATENCY}:offset=3", replayed)
