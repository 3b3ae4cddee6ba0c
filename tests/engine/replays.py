"""Small demand, small clusters and odd policies that the tests of replays share."""

from functools import partial

import numpy as np

from engine.policies.base import Action, Reason
from engine.policies.registry import create, parse_spec
from engine.replay import ReplaySpec
from engine.scenario import AgentType, Pool, QueueKind, Scenario, Slo, Startup
from engine.sim import kernel
from engine.sim.service import prepare
from engine.store.traces import store_requests
from engine.trace.schema import request_table

POLICIES = (
    "static:target=0.5",
    "threshold:breach_s=15:lower=0.7:cooldown_in_s=15",  # shrinks pools that are busy
    "hpa",
    "hpa:metric=in_flight:target=0.7",
)


def demand(seed=1, number=1200, duration_s=900.0, service_mean_s=3.0):
    """Open-loop requests with a crowd in the middle, some of them with a service time."""
    rng = np.random.default_rng(seed)
    crowd = rng.normal(duration_s / 2, duration_s / 20, number // 3)
    calm = rng.uniform(0, duration_s, number - len(crowd))
    arrival_s = np.sort(np.clip(np.concatenate([calm, crowd]), 0, duration_s - 1e-6))
    return request_table(
        arrival_s, service_s=rng.lognormal(np.log(service_mean_s) - 0.5, 1.0, number)
    )


def sessions(seed=1, number=150, turns=4):
    """Closed-loop chains; each request waits for the one before it."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, 500, number))
    at = np.concatenate([starts + 40.0 * turn for turn in range(turns)])
    order = np.argsort(at, kind="stable")
    place = np.empty(number * turns, np.int64)
    place[order] = np.arange(number * turns)
    before = np.concatenate([np.full(number, -1), place[: number * (turns - 1)]])
    return request_table(
        at[order],
        service_s=rng.exponential(4.0, number * turns),
        session=np.tile(np.arange(number), turns)[order],
        after=before[order],
        think_s=np.where(before >= 0, rng.exponential(10.0, number * turns), 0.0)[order],
    )


def scenario(**changes):
    """Two pools, quick starts, and limits that are met: every kind of failure happens."""
    kind = AgentType(
        name="small",
        slots=2,
        price_usd_per_hour=3.0,
        startup=Startup(mean_s=40.0, spread_s=10.0),
        contention=0.5,
        queue_limit=6,
        queue_timeout_s=20.0,
        exec_timeout_s=25.0,
        drain_grace_s=0.5,
    )
    own = Pool(name="own", agent_type="small", workers_min=1, workers_max=12)
    shared = Pool(
        name="shared", agent_type="small", workers_max=9, queue=QueueKind.POOL, share=0.6
    )
    values = {
        "name": "small",
        "agent_types": (kind,),
        "pools": (own, shared),
        "slo": Slo(latency_s=9.0),
        "keep_requests": True,
    }
    return Scenario(**{**values, **changes})


def spec(policy, table, chosen, window_s=900.0, workload=None):
    """A run to be made, from a policy as somebody types it."""
    return ReplaySpec(
        workload=prepare(table, chosen) if workload is None else workload,
        scenario=chosen,
        policy=partial(create, parse_spec(policy)),
        name=policy,
        window_s=window_s,
    )


ENDS = {
    kernel.FINISHED: ("finished", kernel.C_FINISHED),
    kernel.QUEUE_TIMEOUT: ("queue_timeout", kernel.C_QUEUE_TIMEOUT),
    kernel.EXEC_TIMEOUT: ("exec_timeout", kernel.C_EXEC_TIMEOUT),
    kernel.REJECTED: ("rejected", kernel.C_REJECTED),
    kernel.LOST: ("lost", kernel.C_LOST),
    kernel.SHED: ("rejected", kernel.C_SHED),
}
"""Final status of a request, the outcome it counts as, and the ticks' counter of it."""


def assert_accounted(record, number=None):
    """Each request (`number` of them) has an end, and ticks and outcomes count the same ones."""
    rows, outcome = record.requests, record.outcome
    assert len(rows["seq"]) == outcome["arrived"] == record.arrived.sum()
    assert number in (None, outcome["arrived"])
    assert np.isin(rows["status"], list(ENDS)).all()  # nobody is still under way
    assert (rows["end_s"] >= rows["arrival_s"]).all()
    by_name = dict.fromkeys(outcome, 0) | {"arrived": outcome["arrived"]}
    for status, (name, column) in ENDS.items():
        so = rows["status"] == status
        by_name[name] += int(so.sum())
        in_window = so & (rows["end_s"] < record.window_s)
        assert in_window.sum() == record.counters[:, :, column].sum(), name
    assert outcome == by_name
    arrived = rows["arrival_s"] < record.window_s
    assert arrived.sum() == record.counters[:, :, kernel.C_ARRIVED].sum()


def keep(planner, table, name="demand"):
    """Stores requests as a trace."""
    return store_requests(
        planner._store, table, name=name, format="test", source="test", recipe={}
    )


class Crashing:
    """Proposes something impossible in the third minute."""

    def __init__(self, context):
        self.interval_s = context.tick_s
        self._pools = len(context.pools)

    def propose(self, observation):
        target = -3.0 if observation.t_s >= 120 else 2.0
        return Action(target=np.full(self._pools, target), reason=(Reason.FIXED,) * self._pools)


class Broken(Crashing):
    """Fails with an error of its own."""

    def propose(self, observation):
        if observation.t_s >= 120:
            raise RuntimeError("no idea")
        return super().propose(observation)


class Stillborn:
    """Fails while it is made."""

    def __init__(self, context):
        raise KeyError("no such checkpoint")

    def propose(self, observation):
        raise AssertionError("it was never made")
