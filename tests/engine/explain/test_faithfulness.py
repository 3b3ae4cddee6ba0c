"""Records are checked by making them again; the three shares must be all."""

import copy
import itertools
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from engine import branching
from engine.errors import StoreError, UsageError
from engine.explain.faithfulness import check, lifted
from engine.explain.gather import Told
from engine.explain.lifting import BindingProbe
from engine.explain.regard import Regard
from engine.explain.sentences import sentence
from engine.policies.base import Action, Explanation, Reason
from engine.replay import play, set_up
from engine.scenario import Guard, WorkerSize
from engine.store import runs
from tests.engine.explain.conftest import KINDS, POLICIES
from tests.engine.replays import demand, scenario, spec

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("policy", POLICIES)
def test_the_three_shares_are_all(explained, policy):
    planner, ids = explained
    found = planner.faithfulness_of_run(ids[policy])
    assert found.holds, found.document()
    assert (found.re_executed_frac, found.sentences_frac) == (1.0, 1.0)
    assert (found.records, found.examples) == (120, ())
    assert found.named > 10
    assert found.lifted_frac == 1.0
    assert found.constrained == found.named + found.not_bound
    assert 0.0 < found.reason_alone_frac <= found.named / found.constrained


def test_a_worker_size_that_was_refused_is_told_and_lifting_what_refused_it_changes_it(explained):
    planner, _ = explained
    sizes = (
        WorkerSize(name="big", slots=6, speed=1.2, price_usd_per_hour=5.0),
        WorkerSize(name="small", slots=1, price_usd_per_hour=1.4),
    )
    plain = scenario(guard=Guard(budget_usd_per_hour=20.0), name="sized")
    sized = replace(plain, agent_types=(replace(plain.agent_types[0], sizes=sizes),))
    (run_id,) = planner.replay("demand", ["vertical:window_s=60:cooldown_s=30"], scenario=sized)
    found = planner.faithfulness_of_run(run_id)
    assert found.holds, found.document()
    assert found.named == found.constrained > 10
    hits = planner.find(run_id, reasons=("budget",), most=50).hits
    refused = [(one, text) for one, text in hits if any(line.part for line in one.guard)]
    assert refused
    for one, text in refused:
        (line,) = (line for line in one.guard if line.part)
        assert (line.part, line.reason, line.kept) == ("size", "budget", one.size)
        assert f"so the size stays {one.size}" in text


def test_with_siting_the_constraints_of_an_agent_type_are_lifted(explained):
    """Both pools are of one type, so a constraint binds, and counts, once for the two."""
    planner, ids = explained
    found = planner.faithfulness_of_run(ids["sited"])
    assert found.holds, found.document()
    assert found.divided_by_siting
    assert (found.records, found.lifted_frac) == (120, 1.0)
    assert 5 < found.named <= 60


def test_with_siting_a_decision_names_what_bound_both_pools(explained):
    planner, ids = explained
    hits = planner.find(ids["sited"], reasons=("rate_limit",), most=1).hits
    decision, _ = hits[0]
    asked = planner.asked(ids["sited"])
    checked = asked.check(decision)
    assert (checked.same, checked.together) == (True, ("own", "shared"))
    assert checked.binding.named
    assert checked.binding.without != checked.binding.applied
    more = asked.ask(decision, "one-more", horizon_s=120.0)
    assert more.base.applied == checked.binding.applied
    assert (more.other.target.sum(1) >= more.base.target.sum(1)).all()


def test_the_runs_meet_many_constraints(explained):
    """Otherwise the test above would check less than it says."""
    planner, ids = explained
    met = set()
    for policy in POLICIES:
        met |= set(planner.decision_counts(ids[policy])["reason"])
    assert met >= KINDS


TAMPERED = {
    "applied": "UPDATE decisions SET applied = applied + 1 WHERE run_no = ? AND number = ?",
    "guard": """UPDATE decisions SET guard = replace(guard::VARCHAR, '"after":', '"after":1')::JSON
        WHERE run_no = ? AND number = ?""",
}


@pytest.mark.parametrize("column", TAMPERED)
def test_a_record_that_was_changed_afterwards_is_noticed(explained, column):
    planner, ids = explained
    told = Told(planner._store, runs.find_run(planner._store, ids["predictive"]))
    number = planner.find(ids["predictive"], reasons=("held",), most=1).hits[0][0].number
    with _tampered(planner._store, TAMPERED[column], [told.run.run_no, number]):
        found = check(told)
    assert not found.holds
    assert found.re_executed_frac == pytest.approx(119 / 120)
    assert found.lifted_frac == pytest.approx(1 - 1 / found.named)
    assert any(f"decision {number} " in text for text in found.examples)


@contextmanager
def _tampered(store, change, which):
    with store.transaction() as cursor:
        kept = cursor.execute(
            "SELECT applied, guard FROM decisions WHERE run_no = ? AND number = ?", which
        ).fetchone()
        cursor.execute(change, which)
    yield
    with store.transaction() as cursor:
        cursor.execute(
            "UPDATE decisions SET applied = ?, guard = ? WHERE run_no = ? AND number = ?",
            [*kept, *which],
        )


def test_what_binds_is_named_and_lifting_it_is_told(explained):
    planner, ids = explained
    asked = planner.asked(ids["predictive"])
    hits = planner.find(ids["predictive"], reasons=("held",), most=1).hits
    decision, text = hits[0]
    checked = asked.check(decision)
    assert checked.same
    assert checked.binding.named == (Reason.HELD,)
    assert checked.binding.without != checked.binding.applied == 2
    assert "somebody holds the pool at 2 workers by hand" in text


class _Liar:
    """Says that a cooldown binds, which it does not have; all else is honest."""

    name, interval_s, constraints = "liar", 15.0, (Reason.COOLDOWN,)

    def __init__(self, context):
        self._pools = len(context.pools)

    def propose(self, observation):
        wanted = 2 + int(observation.t_s // 60) % 3
        return Action(target=[wanted] * self._pools, reason=[Reason.COOLDOWN] * self._pools)

    def without(self, *reasons):
        return copy.deepcopy(self)


class _Fickle(_Liar):
    """Proposes another size whenever it is asked, whatever copy of it is asked."""

    turns = itertools.count()

    def propose(self, observation):
        wanted = 2 + next(self.turns) % 3
        return Action(target=[wanted] * self._pools, reason=[Reason.COOLDOWN] * self._pools)


def _played(policy):
    probe = BindingProbe()
    (run,) = set_up([replace(spec("hpa", demand(), scenario()), policy=policy)])
    run.probe = probe
    play([run])
    probe.close(run)
    return lifted(probe.found, {(each.tick, each.pool) for each in probe.wrong})


def test_a_policy_that_names_what_does_not_bind_is_found_out():
    found = _played(_Liar)
    assert found.constrained > 100
    assert (found.alone, found.named) == (0, 0)


def test_a_policy_that_decides_otherwise_each_time_is_found_out():
    found = _played(_Fickle)
    assert found.true < found.named


def test_a_decision_that_nothing_binds_names_nothing(explained):
    planner, ids = explained
    decision, _ = planner.find(ids["plain"], reasons=("demand_up",), most=1).hits[0]
    assert planner.asked(ids["plain"]).check(decision).binding.named == ()


def test_a_run_of_another_version_cannot_be_played_again(explained):
    planner, ids = explained
    row = runs.find_run(planner._store, ids["plain"])
    with pytest.raises(StoreError, match="another version"):
        check(Told(planner._store, replace(row, run_id="000000000000")))


def test_a_decision_is_found_by_number_and_by_time(explained):
    planner, ids = explained
    one = planner.decision(ids["plain"], number=63)
    again = planner.decision(ids["plain"], at_s=one.t_s, pool=one.pool)
    assert again == one
    assert planner.decision(ids["plain"], at_s=one.t_s + 14.9, pool=one.pool) == one
    assert one.saw["target"] >= 0
    assert len(one.guard) == 9
    with pytest.raises(UsageError, match="no decision 120"):
        planner.decision(ids["plain"], number=120)
    assert sentence(one) in [text for _, text in planner.find(ids["plain"], most=500).hits]


class _Replay:
    """As much of a replay as `Regard` looks at."""

    def __init__(self, policy):
        self.policy = policy


class _Attentive:
    """Attends to the second of three groups, which is the one that moves it, or is not."""

    def __init__(self, moved):
        self._moved = np.array([moved])

    def explain(self, observation):
        return Explanation(
            groups=("load", "forecast", "time"), attribution=self._moved,
            attention=np.array([[0.2, 0.7, 0.1]]),
        )  # fmt: skip


@pytest.mark.parametrize(("moved", "agrees"), [([1.0, 4.0, 0.5], 1.0), ([1.0, 0.1, 4.0], -1.0)])
def test_attention_is_believed_as_far_as_it_agrees_with_occlusion(moved, agrees):
    regard = Regard()
    for _ in range(40):
        regard(_Replay(_Attentive(moved)), 0, None)
    found = regard.figures()
    assert found.decisions == 10
    assert found.rank_correlation == pytest.approx(agrees)
    assert (found.top_change_workers > found.random_change_workers) is (agrees > 0)


@pytest.mark.parametrize("number", range(60, 64))
def test_a_decision_between_two_kept_states_is_made_again_alike(explained, number, monkeypatch):
    monkeypatch.setattr(branching, "KEPT", 20)
    planner, ids = explained
    asked = planner.asked(ids["plain"])
    asked.prepare()
    assert asked._branches._every > 1
    assert asked.check(planner.decision(ids["plain"], number=number)).same


def test_the_learned_policy_says_what_moved_it_and_what_other_sizes_would_come_to(explained):
    planner, ids = explained
    asked = planner.asked(ids["smartscale"])
    found = asked.check(planner.decision(ids["smartscale"], number=60)).explanation
    assert found.attribution.shape == (2, len(found.groups))
    assert np.abs(found.attribution).max() > 0.0
    assert found.neighbours == (-2, -1, 0, 1, 2)
    told = np.isfinite(found.values[0]).all(axis=1)
    assert told[found.neighbours.index(0)]
    assert told.sum() > 1
    assert found.values.shape[2] == len(found.scores)
