"""A branch is the replay itself: what is not changed goes on byte for byte as it did."""

import numpy as np
import pytest

from engine.branching import Branches
from engine.errors import PolicyError, ReplayCancelled
from engine.policies.base import Action, Reason
from engine.presets import PRESETS
from engine.replay import ReplaySpec, replay
from engine.rows import tables
from engine.sim.service import prepare
from tests.engine.replays import demand, scenario, sessions, spec


def play_on(branch):
    while branch.tick < branch.ticks:
        branch.decide(branch.tick)
        branch.advance(branch.tick)
    return branch.record()


def differences(whole, branched):
    """Columns that differ; of decisions those since the branch are compared."""
    one, other = tables(whole, 0.0), tables(branched, 0.0)
    assert one.keys() == other.keys()
    return [
        (name, column)
        for name, columns in one.items()
        for column, values in columns.items()
        if column != "number" and not same(values, other[name][column])
    ]


def same(values, others):
    values = values[len(values) - len(others) :]
    if isinstance(values, np.ndarray):
        return values.tobytes() == np.asarray(others).tobytes()
    return list(values) == list(others)


@pytest.mark.parametrize("policy", ["hpa", "predictive", "smartscale", "threshold:breach_s=15"])
@pytest.mark.parametrize("table", [demand(), sessions()], ids=["requests", "sessions"])
def test_a_branch_is_the_replay_from_the_start(policy, table):
    run = spec(policy, table, scenario())
    (whole,) = replay([run])
    branches = Branches(run)
    assert differences(whole, play_on(branches.at(37))) == []
    assert differences(whole, play_on(branches.at(11))) == []


def test_a_branch_of_machines_is_the_replay_from_the_start():
    chosen = PRESETS["gpu-nodes"]
    run = spec("predictive", demand(number=600), chosen)
    (whole,) = replay([run])
    assert differences(whole, play_on(Branches(run).at(20))) == []


def test_what_happens_in_a_branch_does_not_reach_the_replay():
    run = spec("hpa", demand(), scenario())
    (whole,) = replay([run])
    branches = Branches(run)
    branch = branches.at(20)
    branch.fleet.scale(0, 5, 20 * branch.tick_s)
    play_on(branch)
    assert differences(whole, play_on(branches.at(20))) == []


def test_a_lent_branch_is_the_replay_whatever_was_played_in_its_memory_before():
    run = spec("hpa", demand(), scenario())
    (whole,) = replay([run])
    branches = Branches(run)
    branches.prepare()
    with branches.lent(45) as branch:
        branch.fleet.scale(0, 5, 45 * branch.tick_s)
        play_on(branch)
        memory = branch.fleet.state.outcomes
    with branches.lent(20) as branch, branches.lent(37) as beside:
        assert np.shares_memory(branch.fleet.state.outcomes, memory)
        assert differences(whole, play_on(beside)) == []
        assert differences(whole, play_on(branch)) == []


def test_few_states_lead_to_the_same_branch_as_many():
    run = spec("hpa", demand(), scenario())
    few, many = Branches(run, budget_bytes=1), Branches(run)
    for made in (few, many):
        made.play_to(made.ticks)
    assert (len(few._states), len(many._states)) == (2, 1 + 60)
    assert differences(play_on(few.at(0)), play_on(many.at(0))) == []
    assert differences(play_on(few.at(44)), play_on(many.at(44))) == []


class _Uncopied:
    """Keeps what cannot be copied."""

    def __init__(self, context):
        self.interval_s, self._rows = context.tick_s, (row for row in range(9))

    def propose(self, observation):
        return Action(target=np.ones(2), reason=(Reason.FIXED,) * 2)


def test_a_policy_that_cannot_be_copied_is_named():
    chosen = scenario()
    odd = ReplaySpec(
        workload=prepare(demand(number=30), chosen), scenario=chosen, policy=_Uncopied,
        name="odd", window_s=900.0,
    )  # fmt: skip
    with pytest.raises(PolicyError, match="odd"):
        Branches(odd)


def test_playing_to_a_tick_can_be_cancelled():
    branches = Branches(spec("hpa", demand(), scenario()), cancel=lambda: True)
    with pytest.raises(ReplayCancelled):
        branches.at(30)
