"""Pools and observations for policies, with what a test leaves out filled in."""

import math

import numpy as np
import pytest

from engine.policies.base import Observation, PolicyContext, PoolFacts, WorkerView


@pytest.fixture(scope="session")
def make_context():
    """A context with one pool for each mapping of fields given, or one default pool."""

    def make(*pools, tick_s=15.0, **fields):
        return PolicyContext(
            pools=tuple(
                _pool(index, **(fields | pool)) for index, pool in enumerate(pools or ({},))
            ),
            tick_s=tick_s,
            slo_latency_s=10.0,
            seed=1,
        )

    return make


def _pool(index, **fields):
    facts = {
        "name": f"pool-{index}",
        "agent_type": "chat",
        "slots": 4,
        "workers_min": 1,
        "workers_max": 20,
        "workers_initial": 2,
        "startup_mean_s": 60.0,
        "price_usd_per_hour": 1.0,
        "peak_busy_slots": 30.0,
    }
    return PoolFacts(**(facts | fields))


@pytest.fixture(scope="session")
def observe():
    """An observation of one pool from the utilisation of its ready workers.

    `shares`: of ready workers, NaN for no sample. They have been ready for an hour unless
    `ready_s` says when they became so.
    """

    def make(
        t_s, shares, *, starting=0, draining=0, target=None, requests=0, ready_s=None, tick_s=15.0
    ):
        since = [t_s - 3600.0] * len(shares) if ready_s is None else ready_s
        became = np.array([*since, *[math.nan] * starting, *[t_s - 3600.0] * draining])
        started = np.where(np.isnan(became), t_s - 5.0, became - 60.0)
        used = np.array([*shares, *[math.nan] * starting, *[1.0] * draining])
        leaving = np.array([*[0] * (len(shares) + starting), *[1] * draining], dtype=np.int32)
        return _observation(
            t_s,
            tick_s,
            WorkerView(started_s=started, ready_s=became, draining=leaving, utilisation=used),
            counts={
                "target": len(shares) + starting if target is None else target,
                "starting": starting,
                "ready": len(shares),
                "draining": draining,
                "in_service": requests,
            },
        )

    return make


def _observation(t_s, tick_s, workers, counts):
    zeros = dict.fromkeys(
        ("target", "starting", "ready", "draining", "queued", "in_service", "arrived", "finished",
         "failed"),
        0,
    )  # fmt: skip
    whole = {name: np.array([value]) for name, value in (zeros | counts).items()}
    used = np.nansum(workers.utilisation) * 4
    return Observation(
        t_s=t_s,
        tick_s=tick_s,
        offered_slots=np.array([used]),
        busy_slots=np.array([used]),
        p95_s=np.array([math.nan]),
        workers=(workers,),
        **whole,
    )
