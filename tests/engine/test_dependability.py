"""Availability, fairness and what is at stake, by hand and from replays end to end."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dependability import ServiceSums, jain, service_figures
from engine.gauges import Gauges
from engine.replay import replay
from engine.scenario import (
    Affinity,
    Backoff,
    Breaker,
    Cache,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    Partitions,
    Pool,
    PriorityClass,
    QueueKind,
    Retry,
    Router,
    Slo,
    Tenant,
)
from engine.scorecard import scorecard
from engine.sim import kernel
from engine.sim.service import new_state, prepare
from engine.trace.schema import request_table
from tests.engine.replays import demand, scenario, sessions, spec

NOTHING = ServiceSums(
    arrived=0, missed=0, asked_ticks=0, up_ticks=0, retried=0, shed=0, degraded=0, crashed=0,
    breakers=0, hits=None, hot_workers=None, ready_workers=0, transfer_gib=0.0,
    revenue_usd_per_request=0.0,
    tenants=(), has_nodes=False, happened={},
)  # fmt: skip


def ran(chosen, table=None, policy="hpa", window_s=900.0):
    (record,) = replay([spec(policy, demand() if table is None else table, chosen, window_s)])
    return record


def test_jains_index_is_one_for_equals_and_one_over_n_for_a_monopoly():
    assert jain([0.3, 0.3, 0.3]) == pytest.approx(1.0)
    assert jain([1.0, 0.0, 0.0, 0.0]) == pytest.approx(0.25)
    assert jain([1.0, 2.0, 3.0]) == pytest.approx(36 / 42)
    assert (jain([]), jain([0.0, 0.0])) == (None, 1.0)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20), st.floats(1e-2, 1e2))
def test_jains_index_is_between_its_bounds_and_knows_no_unit(values, scale):
    index = jain(values)
    assert 1 / len(values) - 1e-9 <= index <= 1 + 1e-9
    assert jain([value * scale for value in values]) == pytest.approx(index)


def test_figures_of_sums_by_hand():
    sums = dataclasses.replace(
        NOTHING, arrived=200, missed=30, asked_ticks=10, up_ticks=9, retried=50, shed=8,
        degraded=4, crashed=3, breakers=2, hits=150, hot_workers=5, ready_workers=40,
        transfer_gib=7.0,
        revenue_usd_per_request=0.5, tenants=((100, 90), (50, 30), (0, 0)), has_nodes=True,
        happened={"node-started": 4, "node-lost": 1, "node-suspended": 9, "workers-moved": 2,
                  "pool-resized": 6},
    )  # fmt: skip
    figures = service_figures(sums, hours=2.0)
    assert figures == {
        "availability_frac": 0.9, "retried_frac": 0.25, "shed_frac": 0.04, "degraded_frac": 0.02,
        "cache_hit_frac": 0.75, "workers_crashed": 3, "breaker_openings": 2,
        "hot_worker_frac": 0.125,
        "fairness_jain": pytest.approx(1.5**2 / (2 * (0.81 + 0.36))),
        "tenant_attainment_min_frac": 0.6, "transfer_gib": 7.0, "revenue_at_risk_usd": 15.0,
        "node_changes_per_h": 2.5, "nodes_lost": 1, "workers_moved": 2, "resizes_per_h": 3.0,
    }  # fmt: skip
    nothing = service_figures(NOTHING, hours=1.0)
    assert {key for key, value in nothing.items() if value is not None} == {
        "workers_crashed", "breaker_openings", "resizes_per_h",
    }  # fmt: skip


class Ticks:
    """Gauges that are told the busy shares of a pool of workers."""

    def __init__(self, workers):
        self.chosen = scenario(
            pools=(
                Pool(agent_type="small", workers_initial=workers, workers_min=workers,
                     workers_max=workers),
            )
        )  # fmt: skip
        self.gauges = Gauges(self.chosen, 9)
        self.state = new_state(prepare(demand(number=5), self.chosen), self.chosen, 900.0)
        self.tick = 0

    def read(self, *busy):
        shares = np.full(len(self.state.workers), np.nan)
        shares[: len(busy)] = busy
        self.gauges.read(self.tick, self.state, shares, 15.0)
        self.tick += 1
        found = self.gauges.ticks()
        at = self.tick - 1
        return (
            found.imbalance[at, 0], found.busiest_frac[at, 0], int(found.hot_workers[at, 0])
        )  # fmt: skip


def test_a_worker_is_hot_far_above_the_others_or_for_three_ticks_above_90_percent():
    ticks = Ticks(8)
    imbalance, busiest, hot = ticks.read(0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.8)
    mean, deviation = 2.2 / 8, np.std([0.2] * 7 + [0.8])
    assert imbalance == pytest.approx(deviation / mean)
    assert (busiest, hot) == (0.8, 1)
    for hot_ones in (0, 0, 2, 2):
        assert ticks.read(0.95, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)[2] == hot_ones
    assert ticks.read(0.95, 0.85, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)[2] == 1
    assert np.isnan(ticks.read()[0])


def test_only_workers_that_are_there_have_an_open_breaker():
    chosen = scenario(router=Router(breaker=Breaker()))
    state = new_state(prepare(demand(number=5), chosen), chosen, 900.0)
    ready = np.flatnonzero(state.workers["phase"] == kernel.READY)
    state.workers["breaker"][ready] = kernel.OPEN
    gauges = Gauges(chosen, 2)
    shares = np.full(len(state.workers), np.nan)
    gauges.read(0, state, shares, 15.0)
    state.workers["phase"][ready[0]] = kernel.OFF
    gauges.read(1, state, shares, 15.0)
    assert gauges.ticks().breakers_open.sum(axis=1).tolist() == [len(ready), len(ready) - 1]


# End to end


def test_tenants_are_counted_as_their_requests_were_and_fairness_follows():
    """The large one overloads the pool; the small one has a floor, or not."""
    at = np.sort(np.random.default_rng(3).uniform(0, 600, 900))
    table = request_table(at, service_s=np.full(900, 4.0))
    tenants = (Tenant(name="large", share=9.0), Tenant(name="small", share=1.0))
    pool = Pool(agent_type="small", workers_initial=2, workers_min=2, workers_max=2)

    def run(*chosen_tenants, **more):
        return ran(
            scenario(pools=(pool,), tenants=chosen_tenants, **more), table, "static:workers=2"
        )

    plain = run(*tenants)
    books = plain.tenants
    assert books.names == ("large", "small")
    assert books.arrived.sum() == plain.outcome["arrived"] == 900
    assert books.finished.sum() == plain.outcome["finished"]
    assert books.slo_met.sum() == plain.slo_met.sum()
    assert (books.arrived.sum(axis=1) == plain.arrived.sum(axis=1)).all()
    assert books.asked_slot_s.sum() == pytest.approx(3600.0)
    assert books.served_slot_s.sum() == pytest.approx(4.0 * plain.outcome["finished"])
    floored = run(tenants[0], dataclasses.replace(tenants[1], floor_frac=0.25))
    assert _share(floored, 1) > _share(plain, 1) + 0.2
    card = scorecard(plain)
    shares = [_share(plain, 0), _share(plain, 1)]
    assert card["tenant_attainment_min_frac"] == pytest.approx(min(shares))
    assert card["fairness_jain"] == pytest.approx(jain(shares))


def _share(record, tenant):
    books = record.tenants
    return books.slo_met[:, tenant].sum() / books.arrived[:, tenant].sum()


def test_partitions_follow_demand_and_protect_a_tenant_from_the_flood_of_another():
    """The second tenant comes at 450 s, with more than twice what the cluster can serve."""
    rng = np.random.default_rng(5)
    at = np.concatenate((rng.uniform(0, 900, 180), rng.uniform(450, 900, 1500)))
    order = np.argsort(at)
    names = np.repeat(np.array([0, 1], np.int32), (180, 1500))[order]
    table = dataclasses.replace(
        request_table(at[order], service_s=np.full(1680, 4.0)), tenant=names, tenants=("a", "b")
    )
    pool = Pool(agent_type="small", workers_initial=4, workers_min=4, workers_max=4,
                queue=QueueKind.POOL)  # fmt: skip
    tenants = (Tenant(name="a", floor_frac=0.25), Tenant(name="b"))
    base = scenario(pools=(pool,), tenants=(Tenant(name="a"), Tenant(name="b")))

    def run(chosen):
        return ran(chosen, table, "static:workers=4")

    shared = run(base)
    divided = run(dataclasses.replace(base, tenants=tenants, partitions=Partitions()))
    rigid = dataclasses.replace(base, tenants=tenants, partitions=Partitions(hysteresis_frac=0.99))
    fixed = run(rigid)
    assert _share(shared, 0) < 0.7
    assert _share(divided, 0) > 0.85
    late = 40  # ticks, from which on both are there
    served = [each.tenants.finished[late:, 1].sum() for each in (divided, fixed)]
    assert served[0] > 1.2 * served[1]  # its share grew with its demand
    books = divided.tenants
    assert books.arrived.sum() == divided.outcome["arrived"] == 1680


def test_higher_classes_wait_less_and_aging_lets_nobody_starve():
    at = np.sort(np.random.default_rng(3).uniform(0, 600, 700))
    table = request_table(at, service_s=np.full(700, 4.0))
    pool = Pool(agent_type="small", workers_initial=2, workers_min=2, workers_max=2)
    kind = scenario().agent_types[0]
    patient = dataclasses.replace(kind, queue_limit=None, queue_timeout_s=None)
    tenants = (Tenant(name="low", share=3.0, priority="low"), Tenant(name="high", priority="high"))

    def means(aging_s):
        classes = (
            PriorityClass(name="low", rank=0, aging_s=aging_s),
            PriorityClass(name="high", rank=4, aging_s=aging_s),
        )
        chosen = scenario(
            agent_types=(patient,), pools=(pool,), tenants=tenants, priority_classes=classes
        )
        books = ran(chosen, table, "static:workers=2").tenants
        return (books.latency_s.sum(axis=0) / books.finished.sum(axis=0)).tolist()

    low, high = means(None)
    assert high < 0.1 * low
    aged_low, aged_high = means(20.0)
    assert aged_low < low
    assert high < aged_high < aged_low  # still first, but no longer whatever others wait


def test_what_protects_requests_is_counted_and_stands_on_the_scorecard():
    """Crashes, retries, breakers, shedding, cached answers: all of them happen."""
    crash = Fault(kind=FaultKind.WORKER_CRASH, at_s=450.0, count=3)
    slow = Fault(kind=FaultKind.SLOW_WORKER, at_s=300.0, for_s=300.0, count=4, factor=0.2)
    chosen = scenario(
        faults=(crash, slow),
        retry=Retry(attempts=3, backoff_s=2.0, jitter=Backoff.NONE),
        router=Router(breaker=Breaker(failure_threshold=2, open_s=20.0)),
        tenants=(Tenant(name="low", priority="low"), Tenant(name="high")),
        priority_classes=(PriorityClass(name="low", rank=-1),),
        degradation=(
            Degradation(kind=DegradeKind.SHED, above=2.0, below=1.5),
            Degradation(kind=DegradeKind.CACHED, above=1.5, below=1.0, amount=0.3),
        ),
        slo=Slo(latency_s=9.0, revenue_usd_per_request=2.0, penalty_usd_per_violation=100.0),
    )
    record = ran(chosen)
    card = scorecard(record)
    counts = record.counters.sum(axis=(0, 1))
    arrived = record.outcome["arrived"]
    assert card["workers_crashed"] == counts[kernel.C_CRASHED] == 6  # 3 in each pool
    assert card["retried_frac"] == counts[kernel.C_RETRIED] / arrived > 0
    assert card["shed_frac"] == counts[kernel.C_SHED] / arrived > 0
    assert card["degraded_frac"] == counts[kernel.C_DEGRADED] / arrived > 0
    assert card["breaker_openings"] == counts[kernel.C_BREAKER] > 0
    missed = arrived - int(record.slo_met.sum())
    assert card["revenue_at_risk_usd"] == pytest.approx(2.0 * missed)
    violations = card["violations_per_h"] * 900 / 3600
    assert card["penalties_usd"] == pytest.approx(100 * violations)
    assert 0 < card["availability_frac"] < 1
    kinds = ("finished", "queue_timeout", "exec_timeout", "rejected", "lost")
    assert sum(record.outcome[kind] for kind in kinds) == arrived


def test_hits_are_measured_where_there_is_a_cache_and_only_there():
    table = dataclasses.replace(
        sessions(), prefix_tokens=np.full(600, 900, np.int32), input_tokens=np.full(600, 1000)
    )
    cached = scenario(cache=Cache(), router=Router(affinity=Affinity.SESSION))
    assert scorecard(ran(cached, table))["cache_hit_frac"] > 0.5
    assert scorecard(ran(scenario(), table))["cache_hit_frac"] is None


def test_penalties_are_not_measured_where_nothing_was_promised():
    card = scorecard(ran(scenario()))
    assert (card["penalties_usd"], card["revenue_at_risk_usd"], card["fairness_jain"]) == (
        None, None, None
    )  # fmt: skip
