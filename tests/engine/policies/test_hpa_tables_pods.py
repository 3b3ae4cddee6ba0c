"""Kubernetes' own test table for which pods count (TestGroupPods), T8, as data rows."""

import math

import pytest

from engine.policies.hpa_pods import Phase, Pods, Samples, group_pods
from engine.policies.hpa_spec import Options

NOW_S = 100_000.0
OPTIONS = Options(cpu_initialisation_s=120.0, readiness_delay_s=10.0)


def one_pod(phase=Phase.RUNNING, *, ready=None, started_ago_s=math.nan, changed_ago_s=0.0):
    return Pods(
        phase=[phase],
        deleted=[False],
        ready=[ready],
        started_s=[NOW_S - started_ago_s],
        ready_changed_s=[NOW_S - changed_ago_s],
        request_milli=[1000.0],
    )


def sample(value=1.0, *, ago_s=0.0, window_s=0.0):
    return Samples(value_milli=[value], t_s=NOW_S - ago_s, window_s=window_s)


MINUTE = 60.0
# Each row: the pods, their samples, whether it is CPU; ready, unready and missing pods.
GROUPS = [
    pytest.param(
        Pods(
            phase=(),
            deleted=(),
            ready=(),
            started_s=(),
            ready_changed_s=(),
            request_milli=(),
        ),
        Samples(value_milli=(), t_s=NOW_S, window_s=MINUTE),
        True,
        (0, 0, 0),
        id="empty",
    ),
    pytest.param(one_pod(Phase.SUCCEEDED), sample(window_s=MINUTE), False, (1, 0, 0), id="memory"),
    pytest.param(one_pod(started_ago_s=0), sample(), True, (0, 1, 0), id="no ready condition"),
    pytest.param(
        one_pod(ready=True, started_ago_s=MINUTE, changed_ago_s=30),
        sample(window_s=30),
        True,
        (1, 0, 0),
        id="warming, sampled since it was ready",
    ),
    pytest.param(
        one_pod(ready=True, started_ago_s=MINUTE, changed_ago_s=30),
        sample(window_s=60),
        True,
        (0, 1, 0),
        id="warming, sampled from before it was ready",
    ),
    pytest.param(
        one_pod(ready=False, started_ago_s=10 * MINUTE, changed_ago_s=10 * MINUTE - 6),
        sample(ago_s=NOW_S),
        True,
        (0, 1, 0),
        id="never ready",
    ),
    pytest.param(
        one_pod(ready=True, started_ago_s=3 * MINUTE, changed_ago_s=3 * MINUTE),
        sample(ago_s=2 * MINUTE, window_s=MINUTE),
        True,
        (1, 0, 0),
        id="warm, old sample",
    ),
    pytest.param(
        one_pod(ready=False, started_ago_s=10 * MINUTE, changed_ago_s=9 * MINUTE),
        sample(ago_s=NOW_S),
        True,
        (1, 0, 0),
        id="unready a minute after the start, so it was ready",
    ),
    pytest.param(
        one_pod(ready=False, started_ago_s=10 * MINUTE, changed_ago_s=10 * MINUTE - 10),
        sample(ago_s=NOW_S),
        True,
        (1, 0, 0),
        id="unready exactly the delay after the start",
    ),
    pytest.param(
        one_pod(started_ago_s=3 * MINUTE), sample(math.nan), True, (0, 0, 1), id="missing"
    ),
    pytest.param(
        Pods(
            phase=[Phase.SUCCEEDED] * 3,
            deleted=[False] * 3,
            ready=[None, True, None],
            started_s=[NOW_S, NOW_S - 3 * MINUTE, NOW_S - 3 * MINUTE],
            ready_changed_s=[NOW_S, NOW_S - 3 * MINUTE, NOW_S],
            request_milli=[1000.0] * 3,
        ),
        Samples(value_milli=[1.0, 1.0, math.nan], t_s=0.0, window_s=0.0),
        True,
        (1, 1, 1),
        id="one of each",
    ),
    pytest.param(one_pod(Phase.PENDING), sample(math.nan), True, (0, 1, 0), id="pending"),
]


@pytest.mark.parametrize(("pods", "samples", "is_cpu", "sizes"), GROUPS)
def test_pods_are_grouped(pods, samples, is_cpu, sizes):
    groups = group_pods(pods, samples, cpu=is_cpu, now_s=NOW_S, options=OPTIONS)
    assert groups.counts[:3] == sizes
    assert sum(groups.counts) == len(pods)


def test_a_pod_without_a_ready_condition_is_unready_however_long_it_runs():
    pods = one_pod(started_ago_s=10 * MINUTE, changed_ago_s=MINUTE)
    groups = group_pods(pods, sample(), cpu=True, now_s=NOW_S, options=OPTIONS)
    assert groups.counts.unready == 1


@pytest.mark.parametrize(("started_ago_s", "unready"), [(119.9, 1), (120.0, 0)])
def test_a_pod_that_was_ready_counts_as_such_from_the_end_of_the_initialisation_period(
    started_ago_s, unready
):
    pods = one_pod(ready=False, started_ago_s=started_ago_s, changed_ago_s=MINUTE)
    groups = group_pods(pods, sample(), cpu=True, now_s=NOW_S, options=OPTIONS)
    assert groups.counts.unready == unready
