"""Workers move to the better region in a replay, requests follow, and what must stay stays."""

import dataclasses

import numpy as np
import pytest

from engine.cluster.grid import GridSeries
from engine.replay import replay
from engine.scenario import Fault, FaultKind, Pool, Region, Siting, SitingRule, Tenant
from engine.scorecard import scorecard
from engine.sim import kernel
from engine.trace.schema import request_table
from tests.engine.cluster.test_siting import two_regions
from tests.engine.replays import spec

HOUR = 3600.0
STEADY = np.sort(np.random.default_rng(1).uniform(0, HOUR, 4000))
DEMAND = request_table(STEADY, service_s=np.full(4000, 5.0))  # 5.6 busy slots of 2 a worker


def regions(siting, **changes):
    base = two_regions()
    pools = tuple(
        dataclasses.replace(pool, workers_initial=4, workers_min=0, workers_max=12)
        for pool in base.pools
    )
    return dataclasses.replace(base, pools=pools, siting=siting, **changes)


def ran(chosen, policy="hpa:target=0.5", table=DEMAND, **more):
    (record,) = replay([dataclasses.replace(spec(policy, table, chosen, HOUR), **more)])
    return record


def ready(record):
    return record.counters[:, :, kernel.C_READY]


@pytest.mark.slow
def test_carbon_moves_workers_and_requests_to_the_clean_region_at_a_price():
    """Clean is dearer: without a price of carbon everything goes to the dirty region."""
    cheap, clean = (ran(regions(Siting(usd_per_kg=price))) for price in (0.0, 10.0))
    left = ran(regions(None))
    assert ready(cheap)[-20:, 0].max() == 0
    assert ready(clean)[-20:, 1].max() == 0
    for record in (cheap, clean, left):
        assert record.outcome["finished"] > 0.99 * record.outcome["arrived"]
    cards = [scorecard(record) for record in (cheap, left, clean)]
    carbon = [card["carbon_kg"] for card in cards]
    cost = [card["cost_usd"] for card in cards]
    assert carbon == sorted(carbon, reverse=True)
    assert carbon[2] < 0.4 * carbon[0]
    assert cost[0] < cost[2]
    assert cards[2]["p50_s"] > cards[0]["p50_s"] + 0.15  # it is farther away, by 0.2 s
    first = clean.decisions
    assert (first.reason[:2], first.applied[:2]) == (["sited", "sited"], [8, 4])
    assert [stage is not None and "siting" in stage for stage in first.guard[:2]] == [False, True]


def test_while_workers_move_the_capacity_does_not_fall():
    """The dirty region turns clean in the middle of the hour, and the clean one dirty."""
    turn = {
        name: GridSeries(g_per_kwh=np.array(values), interval_s=HOUR / 2, start_s=0.0)
        for name, values in (("clean", [100.0, 900.0]), ("dirty", [500.0, 50.0]))
    }
    record = ran(regions(Siting(usd_per_kg=10.0)), grids=turn)
    total = ready(record).sum(axis=1)
    assert ready(record)[110, 0] > 0 and ready(record)[110, 1] == 0
    assert ready(record)[-5, 1] > 0 and ready(record)[-5, 0] == 0
    assert total[115:145].min() >= total[110] - 1
    assert record.outcome["finished"] > 0.99 * record.outcome["arrived"]


@pytest.mark.slow
def test_a_spread_loses_less_with_a_zone_than_workers_in_one_place():
    crash = (Fault(kind=FaultKind.ZONE_PARTITION, at_s=1800.0, for_s=120.0, where="d"),)

    def late(rule):
        record = ran(regions(Siting(rule=rule, usd_per_kg=0.0), faults=crash))
        ticks = slice(100, 119)
        held = ready(record)[ticks]
        return scorecard(record)["slo_attainment_frac"], held

    (spread, even), (best, _) = late(SitingRule.SPREAD), late(SitingRule.BEST)
    assert np.abs(even[:, 0] - even[:, 1]).max() <= 1
    assert spread > best


def test_what_tenants_may_have_in_one_region_only_stays_there():
    tenants = (Tenant(name="free"), Tenant(name="bound", regions=("dirty",)))
    record = ran(regions(Siting(usd_per_kg=10.0), tenants=tenants))
    kept = ready(record)[-40:]
    assert kept[:, 1].min() >= 1
    assert kept[:, 0].min() >= 1
    assert record.outcome["finished"] > 0.99 * record.outcome["arrived"]
    assert record.tenants.finished.sum(axis=0).min() > 0


@pytest.mark.slow
def test_a_place_is_not_left_for_one_that_is_hardly_better():
    """3 and 2.95 $/h: 1.7 % apart."""
    alike = (
        Region(name="clean", grid_g_per_kwh=100.0, price_factor=1.5),
        Region(name="dirty", grid_g_per_kwh=100.0, price_factor=1.475),
    )
    pools = (
        Pool(name="c", agent_type="small", zone="c", workers_initial=6, workers_min=0),
        Pool(name="d", agent_type="small", zone="d", workers_initial=0, workers_min=0),
    )

    def last(hysteresis):
        rule = Siting(usd_per_kg=0.0, hysteresis_frac=hysteresis)
        chosen = dataclasses.replace(regions(rule, regions=alike), pools=pools)
        return ready(ran(chosen))[-1].tolist()

    assert last(0.05)[1] == 0
    assert last(0.0)[0] == 0
