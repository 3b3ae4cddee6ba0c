"""The reactive and the predictive rule, and what they share."""

import numpy as np
import pytest

from engine.errors import PolicyError
from engine.policies.base import KEEP, Observation, Reason, WorkerView
from engine.policies.predictive import Predictive
from engine.policies.reactive import Reactive

EMPTY = WorkerView(
    started_s=np.empty(0), ready_s=np.empty(0), draining=np.empty(0, np.int32),
    utilisation=np.empty(0),
)  # fmt: skip


def seen(t_s, arrived, *, finished=None, service_s=4.0, queued=0, target=3, tick_s=15.0):
    """One pool in a tick; what finished took `service_s` each."""
    done = arrived if finished is None else finished
    ints = {
        name: np.array([value])
        for name, value in {
            "target": target, "starting": 0, "ready": target, "draining": 0, "queued": queued,
            "in_service": 0, "arrived": arrived, "finished": done, "failed": 0,
        }.items()
    }  # fmt: skip
    busy = np.array([done * service_s / tick_s]) if t_s > 0 else np.array([np.nan])
    return Observation(
        t_s=t_s, tick_s=tick_s, offered_slots=busy, busy_slots=busy, p95_s=np.array([np.nan]),
        workers=(EMPTY,), **ints,
    )  # fmt: skip


def answers(policy, arrivals, **fields):
    """The actions for a tick with each of these arrivals, after an empty look at 0 s."""
    tick_s = fields.get("tick_s", 15.0)
    assert policy.propose(seen(0.0, 0, **fields)).target[0] == KEEP
    return [
        policy.propose(seen((n + 1) * tick_s, count, **fields)) for n, count in enumerate(arrivals)
    ]


def test_reactive_capacity_is_demand_over_slots_and_target(make_context):
    # 45 requests in 15 s of 4 s each keep 12 slots busy: 12 / (4 x 0.6) = 5 workers.
    policy = Reactive(make_context(), target=0.6)
    (action,) = answers(policy, [45])
    assert (action.target[0], action.reason[0]) == (5.0, Reason.DEMAND_UP)
    assert action.rationale[0]["rate_per_s"] == pytest.approx(3.0)
    assert action.rationale[0]["service_s"] == pytest.approx(4.0)


def test_reactive_counts_over_its_window(make_context):
    policy = Reactive(make_context(), target=0.6, window_s=30.0)
    assert [a.target[0] for a in answers(policy, [45, 0, 0])] == [5.0, 3.0, 1.0]


def test_what_waits_adds_the_workers_that_empty_the_queue_in_time(make_context):
    policy = Reactive(make_context(), target=0.6, drain_s=60.0)
    (action,) = answers(policy, [45], queued=120)  # 120 x 4 s / (4 slots x 60 s) = 2
    assert action.target[0] == 7.0


def test_nothing_is_proposed_before_a_request_has_finished(make_context):
    (action,) = answers(Reactive(make_context()), [45], finished=0)
    assert (action.target[0], action.reason[0]) == (KEEP, Reason.METRICS_MISSING)


def test_a_hold_keeps_the_highest_proposal_for_a_while(make_context):
    policy = Reactive(make_context(), target=0.6, window_s=15.0, hold_s=30.0)
    made = answers(policy, [45, 9, 9, 9], target=5)
    assert [a.target[0] for a in made] == [5.0, 5.0, 5.0, 1.0]
    assert made[1].reason[0] == Reason.STABILIZED


def test_limits_bind_and_say_so(make_context):
    low, high = make_context(workers_min=2), make_context(workers_max=4)
    assert answers(Reactive(low), [1])[0].reason[0] == Reason.MIN_WORKERS
    assert answers(Reactive(high), [450])[0].target[0] == 4.0
    assert answers(Reactive(high), [450])[0].reason[0] == Reason.MAX_WORKERS


def test_between_proposals_there_is_no_opinion_but_every_tick_is_counted(make_context):
    policy = Reactive(make_context(tick_s=5.0), target=0.6, window_s=15.0)
    made = answers(policy, [0, 45, 0, 0, 0, 0], tick_s=5.0)
    assert [a.reason[0] == Reason.NOT_DUE for a in made] == [True, True, False] * 2
    assert made[2].target[0] == 5.0


def test_predictive_capacity_follows_the_formula(make_context):
    policy = Predictive(
        make_context(workers_max=500), quantile=0.95, target=0.8, margin=0.1, drain_s=0.0
    )
    action = answers(policy, [45] * 60)[-1]
    said = action.rationale[0]
    slots = said["expected_per_s"] * said["service_s"] * 1.1
    assert action.target[0] == np.ceil(slots / (4 * 0.8) - 1e-9)
    assert said["horizon_s"] == 75.0
    assert said["expected_per_s"] > said["rate_per_s"]


def test_predictive_capacity_is_monotone_in_each_input(make_context):
    path = np.random.default_rng(5).poisson(45, 60)

    def size(**given):
        return answers(Predictive(make_context(workers_max=900), **given), path)[-1].target[0]

    by_quantile = [size(quantile=q) for q in (0.5, 0.8, 0.95, 0.99)]
    assert by_quantile == sorted(by_quantile)
    assert by_quantile[0] < by_quantile[-1]
    assert size(target=0.5) > size(target=0.9)
    assert size(margin=0.5) > size(margin=0.0)
    slow = answers(Predictive(make_context(workers_max=900)), path, service_s=8.0)[-1]
    assert slow.target[0] > size()


def test_a_plan_starts_with_what_is_ordered_now_and_only_rises_within_the_limits(make_context):
    policy = Predictive(make_context(workers_max=40, price_usd_per_hour=2.0), plan=True)
    growing = np.linspace(10, 200, 60).astype(int)
    action = answers(policy, growing)[-1]
    steps = action.rationale[0]["plan"]
    assert steps[0]["from"] == 3
    assert steps[0]["to"] == action.target[0]
    assert [s["to"] for s in steps] == sorted(s["to"] for s in steps)
    assert all(s["usd_per_hour"] == 2.0 * (s["to"] - s["from"]) for s in steps)
    assert all(s["to"] <= 40 for s in steps)
    horizon_s = 60.0 + 15.0
    assert [s["in_s"] for s in steps] == [0.0, 300.0 - horizon_s, 900.0 - horizon_s][: len(steps)]


@pytest.mark.parametrize(
    "given", [{"quantile": 0.3}, {"target": 0.0}, {"margin": -1.0}, {"interval_s": 20.0},
              {"plan": 1}, {"hold_s": -5.0}],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(make_context, given):
    with pytest.raises(PolicyError):
        Predictive(make_context(), **given)


@pytest.mark.parametrize("forecast", ["bilstm", "persistence"])
def test_predictive_plans_for_what_another_forecaster_says(make_context, forecast):
    policy = Predictive(make_context(workers_max=500), drain_s=0.0, forecast=forecast)
    made = answers(policy, np.random.default_rng(2).poisson(45, 70))
    assert made[3].rationale[0]["forecast"] == {"by": "quick", "for": forecast}
    said = made[-1].rationale[0]
    told = said["forecast"]
    assert (told["by"], told["levels"], told["horizons_s"]) == (
        forecast, [0.05, 0.5, 0.95], [30.0, 60.0, 90.0],
    )  # fmt: skip
    assert said["expected_per_s"] == max(row[-1] for row in told["per_s"]) == said["q95_per_s"]
    slots = said["expected_per_s"] * said["service_s"]
    assert made[-1].target[0] == np.ceil(slots / (4 * 0.8) - 1e-9)


def test_what_another_forecaster_says_is_planned_for_later_too(make_context):
    policy = Predictive(make_context(workers_max=900), forecast="bilstm", plan=True)
    said = answers(policy, np.linspace(10, 400, 60).astype(int))[-1].rationale[0]
    assert said["forecast"]["horizons_s"] == [30.0, 60.0, 90.0, 120.0, 300.0, 900.0]
    assert said["plan"]


def test_an_unknown_forecaster_is_refused_with_those_there_are(make_context):
    with pytest.raises(PolicyError, match="quick, bilstm, persistence, ets"):
        Predictive(make_context(), forecast="prophet")


def test_a_run_of_another_forecaster_is_another_run():
    versions = {Predictive.version({"forecast": name}) for name in ("bilstm", "ets", "quick")}
    assert len(versions) == 3
    assert Predictive.version({}) == Predictive.version({"forecast": "quick"}) == ""
