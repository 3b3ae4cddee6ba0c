"""Tallies against counting in plain Python, and nobody lost whatever happens to the cluster."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from engine import histogram
from engine.errors import AccountingError
from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scenario import AgentType, OnFailure, Pool, QueueKind, Scenario, Startup
from engine.sim import kernel
from engine.sim.outcomes import tally
from engine.sim.service import prepare
from tests.engine.replays import demand, sessions

pytestmark = pytest.mark.slow

STATUSES = {
    "finished": kernel.FINISHED,
    "queue_timeout": kernel.QUEUE_TIMEOUT,
    "exec_timeout": kernel.EXEC_TIMEOUT,
    "rejected": kernel.REJECTED,
}


class Erratic:
    """Any size at any tick, none at all included."""

    def __init__(self, context, seed):
        self.interval_s = context.tick_s
        self._pools, self._rng = len(context.pools), np.random.default_rng(seed)

    def propose(self, observation):
        target = self._rng.integers(0, 7, self._pools) * self._rng.integers(0, 2, self._pools)
        return Action(target=target.astype(float), reason=(Reason.FIXED,) * self._pools)


@st.composite
def clusters(draw):
    def perhaps(low, high):
        return draw(st.none() | st.floats(low, high))

    kind = AgentType(
        name="small",
        slots=draw(st.integers(1, 4)),
        startup=Startup(mean_s=draw(st.sampled_from([0.0, 5.0, 100.0])), spread_s=0.0),
        contention=draw(st.sampled_from([0.0, 1.0])),
        queue_limit=draw(st.none() | st.integers(0, 20)),
        queue_timeout_s=perhaps(0.5, 60),
        exec_timeout_s=perhaps(1, 30),
        drain_grace_s=perhaps(0, 20),
    )
    pools = tuple(
        Pool(
            name=f"pool-{number}",
            agent_type="small",
            workers_min=0,
            workers_max=6,
            workers_initial=draw(st.none() | st.integers(0, 6)),
            queue=draw(st.sampled_from(QueueKind)),
            share=draw(st.floats(0.1, 3)),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    return Scenario(
        agent_types=(kind,),
        pools=pools,
        seed=draw(st.integers(0, 100)),
        tick_s=draw(st.sampled_from([5.0, 15.0, 37.0])),
        on_failure=draw(st.sampled_from(OnFailure)),
        keep_requests=True,
    )


def replayed(chosen, table, seed, window_s):
    erratic = ReplaySpec(
        workload=prepare(table, chosen),
        scenario=chosen,
        policy=lambda context: Erratic(context, seed),
        name="erratic",
        window_s=window_s,
    )
    return replay([erratic])[0]


@given(clusters(), st.booleans(), st.integers(0, 10**6), st.sampled_from([600.0, 613.0]))
@limits(max_examples=150)
def test_every_request_that_arrived_finished_or_failed_in_one_way(
    chosen, closed_loop, seed, window_s
):
    table = sessions(seed, 60) if closed_loop else demand(seed, 300, duration_s=600.0)
    record = replayed(chosen, table, seed, window_s)
    outcome = dict(record.outcome)
    arrived = outcome.pop("arrived")
    assert arrived == sum(outcome.values())
    assert arrived == len(table) or closed_loop
    assert min(outcome.values()) >= 0
    rows = record.requests
    statuses = Counter(rows["status"].tolist())
    for name, status in STATUSES.items():
        assert outcome[name] == statuses[status], name
    assert record.arrived.sum() == arrived == len(rows["seq"]) == len(set(rows["seq"].tolist()))
    assert record.latency[3].sum() == outcome["finished"] == record.minutes[:, 0].sum()
    assert record.minutes[:, 2].sum() == arrived - outcome["finished"]
    assert record.minutes[:, 1].sum() == record.slo_met.sum() <= outcome["finished"]


@given(clusters(), st.integers(0, 10**6))
@limits(max_examples=30)
def test_a_tick_s_own_counts_are_those_of_what_happened_in_it(chosen, seed):
    """Counts by event time: what ended in the window is counted in the tick in which it ended."""
    record = replayed(chosen, demand(seed, 300, duration_s=600.0), seed, 600.0)
    rows = record.requests
    columns = {
        kernel.FINISHED: kernel.C_FINISHED,
        kernel.QUEUE_TIMEOUT: kernel.C_QUEUE_TIMEOUT,
        kernel.EXEC_TIMEOUT: kernel.C_EXEC_TIMEOUT,
        kernel.REJECTED: kernel.C_REJECTED,
        kernel.LOST: kernel.C_LOST,
    }
    for status, column in columns.items():
        ended = rows["end_s"][(rows["status"] == status) & (rows["end_s"] < 600.0)]
        by_tick = np.bincount((ended // chosen.tick_s).astype(int), minlength=record.ticks)
        assert by_tick.tolist() == record.counters[:, :, column].sum(axis=1).tolist()
    by_arrival = np.bincount(
        (rows["arrival_s"] // chosen.tick_s).astype(int), minlength=record.ticks
    )
    assert by_arrival.tolist() == record.arrived.sum(axis=1).tolist()


def outcomes_of(*rows):
    """(arrived_s, end_s, status) each."""
    outcomes = np.zeros(len(rows), kernel.OUTCOME)
    for name, values in zip(
        ("arrived_s", "end_s", "status"), zip(*rows, strict=True), strict=True
    ):
        outcomes[name] = values
    outcomes["start_s"] = outcomes["arrived_s"]
    return outcomes


def tally_of(outcomes, pool=None, tick_s=15.0, ticks=8, keep=False):
    pool = np.zeros(len(outcomes), np.int32) if pool is None else np.array(pool, np.int32)
    patient = np.array([True, False])
    return tally(
        pool, outcomes, pools=2, tick_s=tick_s, ticks=ticks, slo_s=5.0, keep=keep, patient=patient
    )


def test_requests_count_where_they_arrived_not_where_they_ended():
    got = tally_of(
        outcomes_of(
            (14.9, 200.0, kernel.FINISHED),
            (15.0, 20.0, kernel.FINISHED),  # exactly the SLO, which is met
            (16.0, 21.001, kernel.FINISHED),
            (60.0, 61.0, kernel.REJECTED),
            (math.nan, math.nan, kernel.NOT_ARRIVED),
            (119.0, math.nan, kernel.QUEUED),
        ),
        pool=[0, 0, 1, 1, 1, 0],
        keep=True,
    )
    assert got.arrived[:2].tolist() == [[1, 0], [1, 1]]
    assert got.slo_met.sum(axis=1).tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert got.minutes[:2].tolist() == [[3, 1, 0], [0, 0, 2]]
    assert got.outcome == {
        "arrived": 5,
        "finished": 3,
        "queue_timeout": 0,
        "exec_timeout": 0,
        "rejected": 1,
        "lost": 1,
    }
    assert got.requests["seq"].tolist() == [0, 1, 2, 3, 5]


def test_who_waits_though_its_pool_has_a_time_out_is_no_loss_but_an_error():
    waiting = outcomes_of((60.0, 61.0, kernel.FINISHED), (119.0, math.nan, kernel.QUEUED))
    assert tally_of(waiting).outcome["lost"] == 1
    with pytest.raises(AccountingError, match="1 of 2 requests"):
        tally_of(waiting, pool=[0, 1])


@pytest.mark.parametrize("tick_s", [0.1, 0.3, 1 / 3, 15.0])
def test_a_request_that_arrives_as_a_tick_begins_belongs_to_it(tick_s):
    """Also where tick times the number of ticks is not exact in binary."""
    ticks = 200
    starts = np.arange(ticks) * tick_s
    rows = [(at, at + 1.0, kernel.FINISHED) for at in starts]
    assert tally_of(outcomes_of(*rows), tick_s=tick_s, ticks=ticks).arrived[:, 0].tolist() == (
        [1] * ticks
    )
    before = [(np.nextafter(at, 0), at + 1.0, kernel.FINISHED) for at in starts[1:]]
    got = tally_of(outcomes_of(*before), tick_s=tick_s, ticks=ticks)
    assert got.arrived[:, 0].tolist() == [1] * (ticks - 1) + [0]


@given(st.integers(0, 2**31), st.integers(1, 300))
@limits(max_examples=40)
def test_the_sparse_histogram_holds_every_latency_in_its_tick_pool_and_bucket(seed, number):
    rng = np.random.default_rng(seed)
    arrived_s = np.sort(rng.uniform(0, 120, number))
    latency_s = rng.lognormal(0, 2, number)
    status = rng.choice([kernel.FINISHED, kernel.LOST], number, p=[0.8, 0.2])
    pool = rng.integers(0, 2, number)
    rows = zip(arrived_s, arrived_s + latency_s, status, strict=True)
    outcomes = outcomes_of(*rows)
    got = tally_of(outcomes, pool=pool)
    buckets = histogram.buckets_of(outcomes["end_s"] - outcomes["arrived_s"])
    expected = Counter(
        (int(at // 15), int(where), int(bucket))
        for at, where, bucket, became in zip(arrived_s, pool, buckets, status, strict=True)
        if became == kernel.FINISHED
    )
    found = list(zip(*(column.tolist() for column in got.latency), strict=True))
    assert {row[:3]: row[3] for row in found} == expected
    assert found == sorted(found)


def test_requests_are_only_kept_where_the_scenario_asks_for_them():
    chosen = Scenario(pools=(Pool(workers_max=6),), keep_requests=False)
    assert replayed(chosen, demand(1, 50), 1, 900.0).requests is None
    kept = replayed(replace(chosen, keep_requests=True), demand(1, 50), 1, 900.0)
    assert len(kept.requests["seq"]) == 50


def test_what_arrived_after_the_last_tick_is_counted_in_it_and_writes_nowhere_else():
    outcomes = np.zeros(2, kernel.OUTCOME)
    outcomes["arrived_s"], outcomes["end_s"] = (10.0, 1e7), (11.0, 1e7 + 1.0)
    outcomes["status"] = kernel.FINISHED
    counted = tally(
        np.zeros(2, np.int32), outcomes, pools=1, tick_s=15.0, ticks=8, slo_s=5.0, keep=False
    )
    assert counted.arrived[:, 0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]
    assert counted.minutes.sum(axis=0).tolist() == [2, 2, 0]
    assert counted.minutes[-1].tolist() == [1, 1, 0]
