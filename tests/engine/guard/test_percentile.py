"""The carbon threshold as a percentile: each region has its own, and it counts everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from engine.cluster.grid import GridSeries
from engine.errors import ScenarioError
from engine.learn import express, tokens
from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, play, set_up
from engine.scenario import Guard, Priorities, Siting
from engine.sim.service import prepare
from engine.trace.schema import request_table
from tests.engine.cluster.test_siting import two_regions
from tests.engine.replays import spec

TICKS, TICK_S = 200, 15.0
DEMAND = request_table(np.arange(0.0, TICKS * TICK_S, 100.0), service_s=np.full(30, 1.0))


def grids(seed=3):
    """A clean region and a dirty one, no hour like another; their histories do not overlap."""
    rng = np.random.default_rng(seed)
    levels = {"clean": (20.0, 90.0), "dirty": (500.0, 900.0)}
    return {
        name: GridSeries(
            g_per_kwh=rng.permutation(np.linspace(*ends, TICKS)), interval_s=TICK_S, start_s=0.0
        )
        for name, ends in levels.items()
    }


def cluster(percentile=90.0, siting=None, **fixed):
    base = two_regions()
    return replace(
        base, siting=siting, guard=Guard(carbon_soft_g_per_kwh=0.0), tick_s=TICK_S,
        regions=tuple(replace(region, carbon_trace=region.name) for region in base.regions),
        pools=tuple(replace(pool, workers_max=TICKS + 2) for pool in base.pools),
        priorities=Priorities(carbon_threshold_percentile=percentile, **fixed),
    )  # fmt: skip


class Growing:
    """Asks for one worker more of everything, always."""

    def __init__(self, context):
        self.interval_s = context.tick_s

    def propose(self, observation):
        pools = len(observation.target)
        return Action(target=observation.target + 1.0, reason=(Reason.FIXED,) * pools)


def played(chosen, policy=Growing, series=None):
    (run,) = set_up([
        ReplaySpec(
            workload=prepare(DEMAND, chosen), scenario=chosen, policy=policy, name="growing",
            window_s=TICKS * TICK_S, grids=series or grids(),
        )
    ])  # fmt: skip
    play([run])
    return run


@pytest.mark.parametrize("percentile", [90.0, 75.0])
def test_in_each_region_the_mask_is_active_for_the_rest_of_its_own_history(percentile):
    """A decision sees the tick before it, so the last tick of the history is seen by none."""
    run = played(cluster(percentile))
    reasons = np.array(run.log.reason).reshape(TICKS, 2)
    masked = (reasons == Reason.CARBON).mean(0)
    assert masked == pytest.approx(1.0 - percentile / 100.0, abs=1.5 / TICKS)


def test_one_threshold_for_both_would_mask_the_one_always_and_the_other_never():
    fixed = replace(cluster(), priorities=Priorities(carbon_threshold_g_per_kwh=300.0))
    reasons = np.array(played(fixed).log.reason).reshape(TICKS, 2)
    assert (reasons == Reason.CARBON).mean(0).tolist() == [0.0, 1.0]


def test_where_workers_are_sited_the_threshold_is_that_of_the_regions_they_are_in():
    """Nearly all go to the clean one: a mean over regions would be far above what they emit."""
    run = played(cluster(siting=Siting(usd_per_kg=100.0)))
    grams = np.stack([series.g_per_kwh for series in grids().values()], axis=1)[: TICKS - 1]
    shares = run.targets[:-1] / run.targets[:-1].sum(1, keepdims=True)
    assert shares[-1, 0] > 0.9
    own = np.percentile([series.g_per_kwh for series in grids().values()], 90, axis=1)
    stopped = np.diff(run.wants[:, 0]) == 0
    assert stopped.tolist() == ((grams * shares).sum(1) > shares @ own).tolist()
    assert 0.02 < stopped.mean() < 0.25


def test_the_allocator_is_told_each_grids_own():
    own = [float(np.percentile(series.g_per_kwh, 90)) for series in grids().values()]
    run = played(cluster(), policy=spec("smartscale", DEMAND, cluster()).policy)
    assert run.policy.mind.facts[:, tokens.FACTS.index("g_threshold")] == pytest.approx(own)
    assert not express.is_plain(run)


def test_a_series_that_never_changes_is_refused_with_its_region_before_the_replay():
    flat = GridSeries(g_per_kwh=np.full(9, 80.0), interval_s=TICK_S, start_s=0.0)
    with pytest.raises(ScenarioError, match="never changes") as refused:
        played(cluster(), series=grids() | {"dirty": flat})
    assert refused.value.where == "region 'dirty'"
