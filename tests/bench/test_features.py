"""The benchmark of the kernel with all features measures what it says."""

import numpy as np
import pytest

from engine.bench import features
from engine.sim import kernel


def ended(router, requests=6000, **more):
    """The state after a run with every feature on, and its counts summed over ticks."""
    arrivals, pools = features._everything(requests, router)
    state = features._state(arrivals, pools, more.get("partitioned", False))
    views, counters, integrals = (
        features.make_views(state),
        state.counters.copy(),
        state.integrals.copy(),
    )
    totals = np.zeros_like(counters)
    for tick in range(10):
        start_s = tick * features.TICK_S
        kernel.run_tick(state, start_s, start_s + features.TICK_S, views, counters, integrals)
        totals += counters
    kernel.advance(state, np.inf)
    return state, totals


@pytest.mark.parametrize("router", [kernel.HIERARCHICAL, kernel.SEVEN_FACTOR])
def test_every_feature_is_at_work(router):
    state, totals = ended(router)
    statuses = np.bincount(state.outcomes["status"], minlength=11)
    assert statuses[kernel.FINISHED] > 0.9 * len(state.requests)
    assert statuses[[kernel.QUEUED, kernel.IN_SERVICE, kernel.RETRYING]].sum() == 0
    assert totals[:, kernel.C_HIT_WORKER].sum() > 100
    assert (state.groups["phase"] == kernel.TOGETHER).sum() > 5
    assert len(np.unique(state.outcomes["worker"])) == features.WORKERS + (
        -1 in state.outcomes["worker"]
    )
    if router == kernel.HIERARCHICAL:
        barred = state.traits["tenant"] == 2
        alone = state.traits["group"] == kernel.NONE
        assert 3 not in state.sites[barred & alone & (state.requests["pool"] != 3)]


def test_figures_are_of_each_router_and_size(monkeypatch):
    monkeypatch.setattr(features, "SIZES", (20, 40))
    monkeypatch.setattr(features, "REPEATS", 1)
    figures = features.run(requests=1500)
    assert figures["features_requests_per_s_by_router"].keys() == features.ROUTERS.keys()
    assert figures["hierarchical_requests_per_s_by_workers"].keys() == {"20", "40"}
    assert figures["features_requests_per_s_partitions"] > 0
    assert figures["workers_growth"] == 2
    assert figures["cost_growth"] > 0


@pytest.mark.slow
def test_routing_costs_grow_far_less_than_workers():
    """Ten times as many workers cost less than three times as much."""
    speeds = [features._speed_of(200_000, workers) for workers in (100, 1000)]
    assert speeds[0] / speeds[1] < 3
