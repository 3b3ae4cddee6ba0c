"""The HPA on memory: beside its first metric or alone, as Kubernetes takes several metrics."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PolicyError
from engine.explain.hpa_words import measured
from engine.policies.base import Reason
from engine.policies.hpa import Hpa
from engine.replay import replay
from engine.scenario import AgentType, Pool, Scenario
from tests.engine.explain.situations import made
from tests.engine.replays import demand, spec

STEADY = {"downscale_window_s": 0.0}


@pytest.fixture
def known(make_context):
    """A context in which it is known what memory requests take."""
    return make_context(says_memory=True)


def seen(observation, memory):
    """The same with shares of memory in use, as many as there are workers."""
    (view,) = observation.workers
    return replace(observation, workers=(replace(view, memory_frac=np.array(memory)),))


def answer(policy, observation):
    action = policy.propose(observation)
    return action.target[0], action.reason[0], action.rationale[0]


@pytest.mark.parametrize(
    ("busy", "memory", "workers", "binding"),
    [
        ([0.5, 0.5], [0.9, 0.9], 3, "memory"),  # ceil(2 * 90 / 60)
        ([0.5, 0.5], [0.90, 0.91], 3, "memory"),  # floor of 90.5 % is taken, as in Kubernetes
        ([0.9, 0.9], [0.9, 0.9], 4, "utilisation"),  # ceil(2 * 90 / 50)
        ([0.1, 0.1], [0.6, 0.6], 2, "memory"),  # memory keeps what slots would give up
        ([0.1, 0.1], [0.2, 0.2], 1, "utilisation"),
    ],
)
def test_the_metric_that_asks_for_most_counts(known, observe, busy, memory, workers, binding):
    policy = Hpa(known, target=0.5, memory_target=0.6, **STEADY)
    *_, said = answer(policy, seen(observe(15.0, busy), memory))
    assert (said["proposed"], said["measures"]) == (workers, binding)
    assert [part["measures"] for part in said["metrics"]] == ["utilisation", "memory"]
    assert said["target"] == {"utilisation": 50, "memory": 60}[binding]


def test_without_samples_of_one_metric_the_other_may_only_scale_out(known, observe):
    policy = Hpa(known, target=0.5, memory_target=0.6, **STEADY)
    lost = [np.nan, np.nan]
    assert answer(policy, seen(observe(15.0, [0.1, 0.1]), lost))[:2] == (
        2, Reason.METRICS_MISSING,
    )  # fmt: skip
    assert answer(policy, seen(observe(30.0, [0.9, 0.9]), lost))[0] == 4


def test_workers_that_start_or_leave_do_not_count(known, observe):
    policy = Hpa(known, metric="memory", target=0.6, **STEADY)
    workers = observe(15.0, [0.1, 0.1], starting=1, draining=1)
    target, _, said = answer(policy, seen(workers, [0.6, 0.6, np.nan, 0.9]))
    assert (target, said["metric"]["value"]) == (3, 60)
    assert said["metric"]["pods"]["ignored"] == 1


def test_requests_in_flight_and_memory_go_together(known, observe):
    policy = Hpa(known, metric="in_flight", target=1.0, memory_target=0.5, **STEADY)
    observation = seen(observe(15.0, [0.1, 0.1], requests=2), [0.9, 0.9])
    assert answer(policy, observation)[0] == 4


def test_memory_that_nobody_knows_is_refused(make_context):
    for parameters in ({"memory_target": 0.8}, {"metric": "memory"}):
        with pytest.raises(PolicyError, match="does not say what memory") as refused:
            Hpa(make_context(), **parameters)
        assert "memory_per_request_gib" in refused.value.fix


def test_an_hpa_says_that_it_was_memory(known, observe):
    policy = Hpa(known, target=0.5, memory_target=0.6)
    *_, said = answer(policy, seen(observe(15.0, [0.5, 0.5]), [0.9, 0.9]))
    text = measured(made("hpa", 2, 3, 3, "demand_up", said))
    assert text == "workers' memory is 90 % in use against a target of 60 %"


def test_a_replay_grows_for_memory_where_slots_are_free():
    """Requests hold a quarter of a worker's memory and one of eight slots."""
    kind = AgentType(slots=8, memory_gib=10.0, memory_base_gib=2.0, memory_per_request_gib=2.0)
    chosen = Scenario(agent_types=(kind,), pools=(Pool(workers_initial=2, workers_max=30),))
    table = demand(number=900, service_mean_s=12.0)
    slots, both = (
        record
        for policy in ("hpa:target=0.8", "hpa:target=0.8:memory_target=0.6")
        for record in replay([spec(policy, table, chosen)])
    )
    assert both.target.max() > slots.target.max()
    used = both.gauges.memory_frac[20:, 0]
    assert np.nanmean(used) < np.nanmean(slots.gauges.memory_frac[20:, 0])
    assert np.nanmin(used) >= 0.2
    assert np.nanmax(used) <= 1.0
