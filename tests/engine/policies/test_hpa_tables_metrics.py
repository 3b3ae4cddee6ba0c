"""Kubernetes' own test tables for what one metric asks for, as data rows.

T7 of `replica_calculator_test.go`, and `metrics/utilization_test.go`.
Every pod requests 1000 milli unless the row says otherwise; levels are milli-units.
"""

import math
from typing import NamedTuple

import pytest

from engine.policies.hpa_metrics import (
    INT32_MAX,
    Failure,
    Proposal,
    Tolerance,
    Verdict,
    pods_proposal,
    total_proposal,
)
from engine.policies.hpa_pods import Phase, Pods, Samples, group_pods
from engine.policies.hpa_spec import MetricSpec, Options, Source, Target

NOW_S = 100_000.0
LONG_AGO_S = -1e9
"""The zero time that Kubernetes' tests give to pods without a start time."""
OPTIONS = Options(cpu_initialisation_s=120.0, readiness_delay_s=10.0)
TOLERANCE = Tolerance(down=0.1, up=0.1)
HOT_S, COOL_S = NOW_S, NOW_S - 180.0


class Fleet(NamedTuple):
    """Pods of one row; `levels` may be fewer (no sample) or more (samples of unknown pods)."""

    count: int
    levels: list[int]
    unready: tuple[int, ...] = ()
    hot: tuple[int, ...] = ()
    failed: int = 0
    deleted: int = 0
    pending: tuple[int, ...] = ()
    requests: list[float] | None = None
    cool: bool = False
    """Start times are given: long before now, but not at the zero time."""

    def pods(self):
        total = self.count + self.failed + self.deleted
        extra = range(self.count, total)
        phase = [Phase.PENDING if i in self.pending else Phase.RUNNING for i in range(total)]
        for index in list(extra)[: self.failed]:
            phase[index] = Phase.FAILED
        started = [LONG_AGO_S] * total
        if self.hot or self.cool:
            started = [HOT_S if i in self.hot else COOL_S for i in range(total)]
        return Pods(
            phase=phase,
            deleted=[i in extra and phase[i] is not Phase.FAILED for i in range(total)],
            ready=[i not in (*self.unready, *self.pending, *extra) for i in range(total)],
            started_s=started,
            ready_changed_s=[LONG_AGO_S] * total if not self.hot else started,
            request_milli=self.requests or [1000.0] * total,
        )

    def samples(self):
        total = self.count + self.failed + self.deleted
        known, strangers = self.levels[:total], self.levels[total:]
        return Samples(
            value_milli=[float(v) for v in known] + [math.nan] * (total - len(known)),
            t_s=NOW_S,
            window_s=60.0,
            strangers_milli=tuple(strangers),
        )


def propose(metric, current, fleet, *, fill_to_target=True):
    pods, samples = fleet.pods(), fleet.samples()
    cpu = metric.source is Source.RESOURCE
    groups = group_pods(pods, samples, cpu=cpu, now_s=NOW_S, options=OPTIONS)
    return pods_proposal(
        metric, current, pods, samples, groups, TOLERANCE, fill_to_target=fill_to_target
    )


def cpu(target):
    return MetricSpec(source=Source.RESOURCE, kind=Target.UTILISATION, target=target)


def average(target, source=Source.PODS):
    return MetricSpec(source=source, kind=Target.AVERAGE_VALUE, target=target)


UP, DOWN = [300, 500, 700], [100, 300, 500, 250, 250]
JITTERED = [400.0, 200.0, 310.0, 290.0, 302.0, 298.0, 301.0, 299.0, 300.0, 300.0]

# current, fleet, target %, replicas, percent reported
UTILISATION = [
    pytest.param(3, Fleet(3, UP), 30, 5, 50, id="up"),
    pytest.param(3, Fleet(3, UP, unready=(0,)), 30, 4, 60, id="up, one unready"),
    pytest.param(3, Fleet(3, UP, hot=(0,)), 30, 4, 60, id="up, one hot"),
    pytest.param(3, Fleet(3, [400, 500, 700], unready=(1, 2)), 30, 3, 40, id="two unready"),
    pytest.param(
        3, Fleet(3, [400, 500, 700], unready=(1, 2), hot=(1, 2)), 30, 3, 40, id="two hot"
    ),
    pytest.param(2, Fleet(2, [500, 700], failed=2), 30, 4, 60, id="up, failed ignored"),
    pytest.param(2, Fleet(2, [500, 700], deleted=2), 30, 4, 60, id="up, deleted ignored"),
    pytest.param(5, Fleet(5, DOWN), 50, 3, 28, id="down"),
    pytest.param(5, Fleet(5, DOWN, unready=(3, 4)), 50, 2, 30, id="down, two unready"),
    pytest.param(5, Fleet(5, DOWN, hot=(3, 4)), 50, 2, 30, id="down, two hot"),
    pytest.param(5, Fleet(5, DOWN, failed=2), 50, 3, 28, id="down, failed ignored"),
    pytest.param(5, Fleet(5, DOWN, deleted=2), 50, 3, 28, id="down, deleted ignored"),
    pytest.param(5, Fleet(5, [100], pending=(1, 2, 3, 4)), 50, 1, 10, id="down, pending"),
    pytest.param(
        3,
        Fleet(3, [1010, 1030, 1020], requests=[900.0, 1000.0, 1100.0]),
        100,
        3,
        102,
        id="within tolerance",
    ),
    pytest.param(
        4, Fleet(4, [4000, 9500, 3000, 7000, 3200, 2000]), 100, 24, 587, id="unknown pods"
    ),
    pytest.param(4, Fleet(4, [400, 95]), 100, 3, 24, id="missing, down"),
    pytest.param(2, Fleet(2, [1000]), 100, 2, 100, id="missing, at target"),
    pytest.param(2, Fleet(2, [1900]), 100, 2, 190, id="missing, above"),
    pytest.param(2, Fleet(2, [600]), 100, 2, 60, id="missing, below"),
    pytest.param(3, Fleet(3, [100, 450], unready=(0,)), 50, 3, 45, id="missing and unready"),
    pytest.param(3, Fleet(3, [100, 450], hot=(0,)), 50, 3, 45, id="missing and hot"),
    pytest.param(3, Fleet(3, [100, 2000], unready=(0,)), 50, 4, 200, id="up, unready, missing"),
    pytest.param(
        3, Fleet(3, [100, 2000], unready=(0,), hot=(0,)), 50, 4, 200, id="up, hot, missing"
    ),
    pytest.param(
        4, Fleet(4, [100, 100, 100], unready=(0,)), 50, 3, 10, id="down, unready, missing"
    ),
    pytest.param(2, Fleet(3, [100, 100]), 50, 2, 10, id="rolling update"),
    pytest.param(10, Fleet(10, [150] * 10, requests=JITTERED), 56, 9, 50, id="just outside"),
    pytest.param(10, Fleet(10, [150] * 10, requests=JITTERED), 55, 10, 50, id="just inside"),
]


@pytest.mark.parametrize(("current", "fleet", "target", "replicas", "percent"), UTILISATION)
def test_utilisation_asks_for(current, fleet, target, replicas, percent):
    proposal = propose(cpu(target), current, fleet)
    assert (proposal.replicas, proposal.value) == (replicas, percent)


@pytest.mark.parametrize(
    ("current", "fleet", "target", "replicas", "mean"),
    [
        (3, Fleet(3, [20000, 10000, 30000]), 15000, 4, 20000),
        (3, Fleet(3, [50000, 10000, 30000], unready=(2,), hot=(2,)), 15000, 6, 30000),
        (3, Fleet(3, [50000, 15000, 30000], unready=(0, 2), hot=(0, 2)), 15000, 7, 31666),
        (5, Fleet(5, [12000] * 5), 20000, 3, 12000),
        (3, Fleet(3, [20000, 21000, 21000]), 20000, 3, 20666),
        (1, Fleet(1, [8600]), 4400, 2, 8600),
    ],
)
def test_a_custom_metric_of_pods_asks_for_whatever_their_readiness(
    current, fleet, target, replicas, mean
):
    proposal = propose(average(target), current, fleet)
    assert (proposal.replicas, proposal.value) == (replicas, mean)


def test_an_average_value_of_a_resource_looks_at_readiness():
    proposal = propose(average(300, Source.RESOURCE), 3, Fleet(3, UP, unready=(0,)))
    assert (proposal.replicas, proposal.value) == (4, 600)


@pytest.mark.parametrize("source", [Source.OBJECT, Source.EXTERNAL])
@pytest.mark.parametrize(
    ("current", "total", "target", "replicas", "unready"),
    [
        (3, 20000, 15000, 4, ()),
        (5, 12000, 20000, 3, ()),
        (3, 20666, 20000, 3, ()),
        (3, 50000, 10000, 5, (0, 2)),
        (3, 8600, 4400, 2, (0, 2)),
        (5, 8600, 14334, 3, ()),
        (3, 8600, 8888, 3, ()),
    ],
)
def test_a_total_against_a_value_is_shared_by_the_ready_pods(
    source, current, total, target, replicas, unready
):
    metric = MetricSpec(source=source, kind=Target.VALUE, target=target)
    pods = Fleet(current, [], unready=unready).pods()
    assert total_proposal(metric, current, current, total, pods, TOLERANCE).replicas == replicas


@pytest.mark.parametrize("source", [Source.OBJECT, Source.EXTERNAL])
@pytest.mark.parametrize(
    ("status", "total", "target", "replicas", "value"),
    [
        (3, 20000, 5000, 4, 6667),
        (5, 6000, 2000, 3, 1200),
        (4, 20166, 5000, 4, 5042),
        (3, 8600, 2150, 4, 2867),
        (5, 8600, 2867, 3, 1720),
        (3, 8600, 2900, 3, 2867),
    ],
)
def test_a_total_against_an_average_value_is_divided_by_it(
    source, status, total, target, replicas, value
):
    proposal = total_proposal(
        average(target, source), status, status, total, Fleet(0, []).pods(), TOLERANCE
    )
    assert (proposal.replicas, proposal.value) == (replicas, value)


@pytest.mark.parametrize(
    ("fleet", "why"),
    [
        pytest.param(Fleet(3, []), "no pod that counts has a sample", id="no samples"),
        pytest.param(Fleet(0, []), "the target has no pods", id="no pods"),
        pytest.param(Fleet(1, [200], requests=[math.nan]), "requests none", id="no CPU request"),
        pytest.param(Fleet(2, [500, 700], pending=(0, 1)), "no pod that counts", id="all pending"),
    ],
)
def test_utilisation_gives_no_number_for(fleet, why):
    outcome = propose(cpu(100), 1, fleet)
    assert isinstance(outcome, Failure)
    assert outcome.reason == "FailedGetResourceMetric"
    assert why in outcome.what


def test_utilisation_gives_no_number_for_samples_of_unknown_pods_only():
    pods = Fleet(1, []).pods()
    samples = Samples(value_milli=[math.nan], t_s=NOW_S, window_s=60.0, strangers_milli=(100,))
    groups = group_pods(pods, samples, cpu=True, now_s=NOW_S, options=OPTIONS)
    outcome = pods_proposal(cpu(100), 1, pods, samples, groups, TOLERANCE)
    assert isinstance(outcome, Failure)
    assert "belong to no pod" in outcome.what


def test_a_total_against_a_value_gives_no_number_without_pods():
    metric = MetricSpec(source=Source.OBJECT, kind=Target.VALUE, target=1000)
    outcome = total_proposal(metric, 3, 3, 9000, Fleet(0, []).pods(), TOLERANCE)
    assert outcome == Failure(reason="FailedGetObjectMetric", what="the target has no pods")


@pytest.mark.parametrize(
    ("levels", "requests"),
    [
        pytest.param([50, 76], [100.0, 100.0], id="two pods"),
        pytest.param([50, 76, 100], [100.0, 100.0], id="a sample without a request"),
        pytest.param([50, 76], [100.0, 100.0, 500.0], id="a request without a sample"),
    ],
)
def test_the_share_of_requests_counts_pods_with_both(levels, requests):
    proposal = propose(cpu(50), 2, Fleet(len(requests), levels, requests=requests))
    assert (proposal.value, proposal.ratio) == (63, 1.26)
    assert proposal.use.total_milli // 2 == 63


def test_the_mean_of_a_custom_metric_is_taken_over_all_samples():
    proposal = propose(average(10000), 2, Fleet(2, [5000, 10000]))
    assert (proposal.value, proposal.ratio) == (7500, 0.75)


@pytest.mark.parametrize(("fill_to_target", "replicas"), [(True, 4), (False, 3)])
def test_older_releases_assume_less_of_a_missing_pod_than_a_target_above_its_request(
    fill_to_target, replicas
):
    fleet = Fleet(4, [1000, 1000])
    assert propose(cpu(150), 4, fleet, fill_to_target=fill_to_target).replicas == replicas


def test_a_ratio_is_cut_to_whole_percents_before_it_is_divided():
    proposal = propose(cpu(50), 3, Fleet(3, [549, 549, 559]))
    assert (proposal.value, proposal.verdict) == (55, Verdict.WITHIN_TOLERANCE)


def test_each_direction_has_a_tolerance_of_its_own():
    tolerance = Tolerance(down=0.3, up=0.0)
    assert [tolerance.holds(ratio) for ratio in (0.69, 0.7, 1.0, 1.01)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_counts_are_capped_where_kubernetes_integers_end():
    metric = average(1, Source.EXTERNAL)
    proposal = total_proposal(metric, 1, 1, 10**15, Fleet(0, []).pods(), TOLERANCE)
    assert isinstance(proposal, Proposal)
    assert proposal.replicas == INT32_MAX


def test_unready_pods_change_nothing_on_the_way_down_even_when_more_pods_run_than_asked_for():
    fleet = Fleet(4, [850, 850, 850, 850], unready=(3,))
    proposal = propose(cpu(100), 2, fleet)
    assert (proposal.replicas, proposal.verdict, proposal.filled_use) == (3, Verdict.READY, None)


@pytest.mark.parametrize(
    ("current", "fleet", "target"),
    [
        pytest.param(5, Fleet(3, [900, 900, 900], unready=(2,)), 50, id="up would shrink"),
        pytest.param(2, Fleet(3, [100, 100]), 50, id="down would grow"),
    ],
)
def test_a_count_that_points_the_other_way_changes_nothing(current, fleet, target):
    proposal = propose(cpu(target), current, fleet)
    assert (proposal.replicas, proposal.verdict) == (current, Verdict.CONTRADICTED)
