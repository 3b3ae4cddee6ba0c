"""The loop: what a run is never depends on what else runs, and impossible answers are refused."""

import numpy as np
import pytest

from engine import replay as replay_module
from engine import runner
from engine.errors import PolicyError, ReplayCancelled, TraceError
from engine.figures import FIGURES
from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scorecard import scorecard
from engine.sim.service import prepare
from tests.engine.replays import POLICIES, demand, scenario, sessions, spec

MEASURED = ("decision_p50_ms", "decision_p99_ms")


def stored(record):
    """The rows that would be stored, and the scorecard without what the clock decides."""
    card = {key: value for key, value in scorecard(record).items() if key not in MEASURED}
    return runner.tables(record, 0.0), card


def assert_same(one, other):
    (tables, card), (other_tables, other_card) = stored(one), stored(other)
    assert card == other_card
    assert tables.keys() == other_tables.keys()
    for name, columns in tables.items():
        for column, values in columns.items():
            wanted = other_tables[name][column]
            assert len(values) == len(wanted), (name, column)
            if isinstance(values, np.ndarray):
                assert values.tobytes() == np.asarray(wanted).tobytes(), (name, column)
            else:
                assert values == wanted, (name, column)


@pytest.fixture(params=["requests", "sessions"])
def table(request):
    return demand() if request.param == "requests" else sessions()


@pytest.fixture
def alone(table):
    chosen = scenario()
    return [replay([spec(policy, table, chosen)])[0] for policy in POLICIES]


def test_the_small_scenario_meets_every_kind_of_failure():
    """Otherwise the tests below would compare less than they say."""
    records = [replay([spec(policy, demand(), scenario())])[0] for policy in POLICIES]
    for kind in ("queue_timeout", "exec_timeout", "rejected", "lost"):
        assert any(record.outcome[kind] for record in records), kind


def test_a_run_is_the_same_alone_and_in_a_batch(table, alone):
    together = replay([spec(policy, table, scenario()) for policy in POLICIES])
    for one, other in zip(alone, together, strict=True):
        assert_same(one, other)


def test_a_run_is_the_same_in_any_order_and_beside_itself(table, alone):
    order = [3, 1, 1, 0, 2]
    shuffled = replay([spec(POLICIES[number], table, scenario()) for number in order])
    for number, record in zip(order, shuffled, strict=True):
        assert_same(alone[number], record)


def test_a_run_is_the_same_when_runs_share_their_workload(table, alone):
    workload = prepare(table, scenario())
    shared = replay([spec(p, table, scenario(), workload=workload) for p in POLICIES])
    for one, other in zip(alone, shared, strict=True):
        assert_same(one, other)


def test_a_run_is_the_same_with_threads(table, alone, monkeypatch):
    monkeypatch.setattr(replay_module, "THREADS_PAY_OFF", -1)
    monkeypatch.setattr(replay_module.os, "cpu_count", lambda: 4)
    threaded = replay([spec(policy, table, scenario()) for policy in POLICIES])
    for one, other in zip(alone, threaded, strict=True):
        assert_same(one, other)


def test_another_seed_gives_another_run():
    one, other = (
        replay([spec("hpa", sessions(), scenario(seed=seed))])[0].orders for seed in (1, 2)
    )
    assert one[0].first_ready_s != other[0].first_ready_s


def test_every_policy_meets_the_same_requests_with_the_same_work():
    records = replay([spec(policy, demand(), scenario()) for policy in POLICIES])
    offered = [record.integrals[:, :, 0].tobytes() for record in records]
    assert len(set(offered)) == 1
    assert len({record.arrived.tobytes() for record in records}) == 1


def test_every_request_of_the_window_is_accounted_for(alone):
    for record in alone:
        outcome = dict(record.outcome)
        assert outcome.pop("arrived") == sum(outcome.values()) == len(record.requests["seq"])


def test_cancelling_stops_between_two_ticks():
    asked = iter([False, False, True])
    with pytest.raises(ReplayCancelled):
        replay([spec("hpa", demand(), scenario())], cancel=lambda: next(asked))


def test_progress_rises_from_nothing_to_all_and_is_reported_no_more_than_a_few_hundred_times():
    seen = []
    chosen = scenario(tick_s=0.5)
    replay([spec("static", demand(), chosen)], progress=seen.append)
    shares = [step.fraction for step in seen]
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares == sorted(shares)
    assert len(shares) <= 301
    assert [step.t_s for step in seen] == pytest.approx([900 * share for share in shares])


class _Answering:
    """Answers what it was made with."""

    def __init__(self, action, interval_s=15.0):
        self.interval_s = interval_s
        self._action = action

    def propose(self, observation):
        return self._action


def _replay_answer(action, interval_s=15.0):
    chosen = scenario()
    odd = ReplaySpec(
        workload=prepare(demand(number=30), chosen),
        scenario=chosen,
        policy=lambda context: _Answering(action, interval_s),
        name="odd",
        window_s=900.0,
    )
    return replay([odd])


@pytest.mark.parametrize(
    "target", [np.array([1.0]), np.array([1.0, -2.0]), np.array([np.nan, 1.0])]
)
def test_an_impossible_proposal_is_refused_with_the_policy_named(target):
    with pytest.raises(PolicyError, match="odd"):
        _replay_answer(Action(target=target, reason=(Reason.FIXED,) * 2))


def test_an_interval_that_is_no_multiple_of_the_tick_is_refused():
    action = Action(target=np.ones(2), reason=(Reason.FIXED,) * 2)
    with pytest.raises(PolicyError, match="multiple of the tick"):
        _replay_answer(action, interval_s=20.0)


def test_a_policy_is_asked_at_its_own_interval():
    action = Action(target=np.ones(2), reason=(Reason.FIXED,) * 2)
    (record,) = _replay_answer(action, interval_s=45.0)
    assert sorted(set(record.decisions.tick)) == list(range(0, 60, 3))


def test_what_a_policy_sees_is_a_copy():
    """A policy that scribbles over its observation changes nothing but its own view."""

    class Scribbling(_Answering):
        def propose(self, observation):
            for array in (observation.target, observation.ready, observation.workers[0].ready_s):
                array[...] = 99
            return self._action

    action = Action(target=np.full(2, 4.0), reason=(Reason.FIXED,) * 2)
    chosen = scenario()
    honest, scribbling = replay(
        [
            ReplaySpec(
                workload=prepare(demand(), chosen),
                scenario=chosen,
                policy=lambda context, kind=kind: kind(action),
                name=kind.__name__,
                window_s=900.0,
            )
            for kind in (_Answering, Scribbling)
        ]
    )
    assert_same(honest, scribbling)


def test_the_scorecard_has_every_figure():
    (record,) = replay([spec("hpa", demand(), scenario())])
    assert list(scorecard(record)) == list(FIGURES)


def test_requests_that_arrive_after_the_window_are_refused_beforehand():
    table = demand(number=50, duration_s=900.0)
    with pytest.raises(TraceError, match="the window has 600 s") as refused:
        replay_module.set_up([spec("static:workers=2", table, scenario(), window_s=600.0)])
    assert "leave out what arrives after it" in refused.value.fix
    last_s = float(table.arrival_s[-1])
    (made,) = replay_module.set_up([spec("static:workers=2", table, scenario(), window_s=last_s)])
    assert made.spec.window_s == last_s
