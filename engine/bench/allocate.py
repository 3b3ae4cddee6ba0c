"""How long one decision of the learned allocator takes: tokens, forecast, actor and guard.

And how long one takes on a large cluster, see `allocate_large`, and whole replays with it, see
`allocate_runs`.
"""

import time
from typing import Any

import numpy as np

from engine.bench import allocate_large
from engine.bench.allocate_runs import settings, week
from engine.guard import Chain
from engine.policies.base import Observation, Policy, PolicyContext, PoolFacts, WorkerView
from engine.policies.registry import create, parse_spec
from engine.scenario import Guard
from engine.units import FloatArray

__all__ = ["run"]

WORKERS = 20
CALLS = 400
TICK_S = 15.0
BAR_ONE_P99_MS, BAR_LARGE_P99_MS = 1.0, 50.0


def run(calls: int = CALLS) -> dict[str, Any]:
    """Measures a pool alone and a large cluster; wall milliseconds.

    Args:
        calls: decisions that are timed, of each.
    """
    one, large = _measured(calls), allocate_large.run(calls)
    runs = week() | settings()
    return (
        runs
        | large
        | {
            "policy": "smartscale",
            "calls": calls,
            "one_pool_p50_ms": one[0],
            "one_pool_p99_ms": one[1],
            "one_pool_cpu_p99_ms": one[2],  # of this thread alone: what others at work do not add
            "bar_one_pool_p99_ms": BAR_ONE_P99_MS,
            "bar_large_p99_ms": BAR_LARGE_P99_MS,
            "passed": one[1] <= BAR_ONE_P99_MS
            and large["large_p99_ms"] <= BAR_LARGE_P99_MS
            and runs["week_s"] <= runs["bar_week_s"]
            and runs["settings_over_one_replay"] <= runs["bar_settings_over_one"],
        }
    )


def _measured(calls: int) -> tuple[float, float, float]:
    """Wall p50 and p99 of one pool, and p99 of the processor time."""
    rng = np.random.default_rng(1)
    facts = (_facts(),)
    context = PolicyContext(pools=facts, tick_s=TICK_S, slo_latency_s=30.0, seed=1)
    policy: Policy = create(parse_spec("smartscale"), context)
    guard = Chain(facts, TICK_S, guard=Guard(out_workers=50, cooldown_in_s=60.0))
    took_ms, cpu_ms = [], []
    for tick in range(allocate_large.HISTORY + calls):
        seen = _observation(rng, facts, tick * TICK_S)
        started, cpu = time.perf_counter(), time.thread_time()
        action = policy.propose(seen)
        wanted, log = guard.decide(
            seen.t_s, action.target, seen.target.astype(np.float64), action.reason
        )
        guard.place(seen.t_s, 0, wanted[0], int(seen.target[0]), log)
        took_ms.append((time.perf_counter() - started) * 1e3)
        cpu_ms.append((time.thread_time() - cpu) * 1e3)
    wall, processor = (values[allocate_large.HISTORY :] for values in (took_ms, cpu_ms))
    p50, p99, cpu_p99 = (
        float(np.percentile(values, share))
        for values, share in ((wall, 50), (wall, 99), (processor, 99))
    )
    return p50, p99, cpu_p99


def _facts() -> PoolFacts:
    return PoolFacts(
        name="pool", agent_type="chat", slots=8, workers_min=1, workers_max=1000,
        workers_initial=WORKERS, startup_mean_s=75.0, price_usd_per_hour=1.0,
        peak_busy_slots=float("nan"),
    )  # fmt: skip


def _observation(
    rng: np.random.Generator, facts: tuple[PoolFacts, ...], t_s: float
) -> Observation:
    workers = np.array([pool.workers_initial for pool in facts])
    arrived = rng.poisson(workers * 8 * 0.7 * TICK_S / 4.0)
    none = np.zeros(len(facts), np.int64)
    view = WorkerView(
        started_s=np.empty(0), ready_s=np.empty(0), draining=np.empty(0, np.int32),
        utilisation=np.empty(0),
    )  # fmt: skip
    busy: FloatArray = arrived.astype(np.float64) * 4.0 / TICK_S
    return Observation(
        t_s=t_s, tick_s=TICK_S, target=workers, starting=none, ready=workers, draining=none,
        queued=none, in_service=arrived, arrived=arrived, finished=arrived, failed=none,
        offered_slots=busy, busy_slots=busy, p95_s=np.full(len(facts), 9.0),
        workers=(view,) * len(facts),
    )  # fmt: skip
