"""What routers do to latency, hotspots and cache hits, on the same demand with paired seeds.

All routers meet the same requests with the same work at the same workers, which are not equally
fast. Intervals are 95 % confidence intervals over the seeds; differences are paired.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import scipy

from engine.bench.features import ROUTERS
from engine.scenario import Cache
from engine.sim import kernel
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.parameters import STARTUP_DRAWS, PoolParameters, RouterParameters
from engine.sim.state import make_state, make_views
from engine.units import FloatArray, Int32Array

__all__ = ["WORKLOADS", "markdown", "run"]

WORKERS, SLOTS, NODES = 20, 4, 5
LOAD = 0.8
SPEEDS = (0.8, 1.2)
"""Of the slowest and the fastest node; the others lie evenly between them."""
CONTENTION = 0.2
TICK_S = 15.0
SEEDS = 10
BASELINE = "least-connections"
CONFIDENCE = 0.95
PREFIX = 0.96
"""Share of a prompt that is the same as before in a session: what agent traces show."""
CALLS, THINK_S = 12, 4.0
"""Requests of a session, and the mean wait for a tool between them."""
FIGURES = ("p50_s", "p95_s", "p99_s", "hotspot", "cache_hits")
DETAIL = (
    f"{WORKERS} workers of {SLOTS} slots on {NODES} nodes, from {SPEEDS[0]:g} to {SPEEDS[1]:g} "
    f"times the nominal speed, contention {CONTENTION:g}, about {LOAD:.0%} load; {SEEDS} paired "
    "seeds. uniform: work of 0.5 to 1.5 s. heavy-tailed: Pareto work with shape 1.5, at most "
    f"200 s, mean 1 s. sessions: {CALLS} requests each, of which a share of {PREFIX:.0%} of the "
    "prefill is spared where the prefix is in the worker's memory; with affinity a session stays "
    "at its worker, without it the router decides each time. hotspot: busy share of the busiest "
    "worker over that of all, mean over ticks of 15 s; 1 is even. cache hits: share of requests "
    "with a prefix that found it in the worker's memory. The hierarchical router has one zone "
    "here, as all others have, so that only its choice of node and worker is compared"
)


class Demand(NamedTuple):
    """What arrives, and how sessions are treated."""

    arrivals: Arrivals
    stays: bool
    cache: Cache | None


def _arrival_s(rng: np.random.Generator, number: int, rate: float) -> FloatArray:
    arrival_s: FloatArray = np.cumsum(rng.exponential(1.0 / rate, number))
    return arrival_s


def _uniform(rng: np.random.Generator, number: int) -> Demand:
    arrival_s = _arrival_s(rng, number, LOAD * WORKERS * SLOTS / (1.0 + CONTENTION * LOAD))
    return Demand(make_requests(arrival_s, rng.uniform(0.5, 1.5, number)), False, None)


def _heavy_tailed(rng: np.random.Generator, number: int) -> Demand:
    arrival_s = _arrival_s(rng, number, LOAD * WORKERS * SLOTS / (1.0 + CONTENTION * LOAD))
    work_s = np.minimum(1.0 + rng.pareto(1.5, number), 600.0) / 3.0
    return Demand(make_requests(arrival_s, work_s), False, None)


def _sessions(rng: np.random.Generator, number: int, *, stays: bool) -> Demand:
    """Closed loop: each request waits for the one before and for a tool."""
    sessions = number // CALLS
    call = np.tile(np.arange(CALLS), sessions)
    prefill_s = 0.15 * (1.0 + call)  # the prompt grows with each turn
    decode_s = rng.exponential(0.5, len(call))
    spared_s = np.where(call > 0, PREFIX * prefill_s, 0.0)
    mean_s = float((prefill_s + decode_s).mean()) * (1.0 + CONTENTION * LOAD)
    rate = LOAD * WORKERS * SLOTS / mean_s / CALLS
    arrival_s = np.repeat(_arrival_s(rng, sessions, rate), CALLS)
    numbers: Int32Array = np.arange(len(call), dtype=np.int32)
    traits = np.zeros(len(call), kernel.TRAIT)
    traits["group"] = kernel.NONE
    traits["chain"] = numbers // CALLS
    traits["prefix_s"] = spared_s
    arrivals = make_requests(
        arrival_s,
        prefill_s + decode_s,
        after=np.where(call > 0, numbers - 1, -1).astype(np.int32),
        think_s=rng.exponential(THINK_S, len(call)),
        traits=traits,
    )
    cache = Cache(worker_sessions=16, worker_ttl_s=60.0, zone_sessions=0, store_sessions=0)
    return Demand(arrivals, stays, cache)


WORKLOADS: MappingProxyType[str, Callable[[np.random.Generator, int], Demand]] = MappingProxyType(
    {
        "uniform": _uniform,
        "heavy-tailed": _heavy_tailed,
        "sessions with affinity": lambda rng, number: _sessions(rng, number, stays=True),
        "sessions without": lambda rng, number: _sessions(rng, number, stays=False),
    }
)
"""Demand of so many requests by name."""


def run(requests: int = 40_000, seeds: int = SEEDS) -> dict[str, Any]:
    """Figures of every router on every workload.

    Args:
        requests: of one run.
        seeds: runs of each router on each workload.
    """
    table = {
        workload: _compared(
            {
                name: np.array([measure(workload, name, seed, requests) for seed in range(seeds)])
                for name in ROUTERS
            }
        )
        for workload in WORKLOADS
    }
    return {
        "requests": requests,
        "seeds": seeds,
        "baseline": BASELINE,
        "workloads": table,
        "markdown": markdown(table),
        "detail": DETAIL,
    }


def measure(workload: str, router: str, seed: int, requests: int) -> tuple[float, ...]:
    """FIGURES of one run; cache hits are nan where nothing is cached."""
    demand = WORKLOADS[workload](np.random.default_rng(seed), requests)
    pool = PoolParameters(
        slots=SLOTS,
        workers_max=WORKERS,
        workers_initial=WORKERS,
        startup_draws_s=np.zeros(STARTUP_DRAWS),
        contention=CONTENTION,
        router=ROUTERS[router],
    )
    state = make_state(
        demand.arrivals,
        (pool,),
        seed=seed,
        affinity_slack=SLOTS if demand.stays else None,
        cache=demand.cache,
        routing=RouterParameters(nodes=NODES),
    )
    node = np.arange(WORKERS) // (WORKERS // NODES)
    state.workers["node"][:WORKERS] = node
    state.workers["own_speed"][:WORKERS] = np.linspace(*SPEEDS, NODES)[node]
    state.workers["speed"] = state.workers["own_speed"]
    kernel.moor_all(state)
    hotspots, hits = _play(state)
    latency_s = state.outcomes["end_s"] - state.outcomes["arrived_s"]
    latency_s = latency_s[len(latency_s) // 20 :]  # less the empty start
    p50, p95, p99 = np.percentile(latency_s, (50, 95, 99)).tolist()
    with_prefix = int((demand.arrivals.traits["prefix_s"] > 0).sum())
    return p50, p95, p99, hotspots, hits / with_prefix if with_prefix else np.nan


def _play(state: kernel.State) -> tuple[float, int]:
    """The mean hotspot index while requests arrive, and hits in workers' memories."""
    views, counters, integrals = make_views(state), state.counters.copy(), state.integrals.copy()
    last_s = float(np.nanmax(state.requests["arrival_s"]))
    now, hits, hotspots = 0.0, 0, []
    while now <= last_s or counters[0, [kernel.C_QUEUED, kernel.C_IN_SERVICE]].any():
        kernel.run_tick(state, now, now + TICK_S, views, counters, integrals)
        now += TICK_S
        hits += int(counters[0, kernel.C_HIT_WORKER])
        busy = views.utilisation_of[:WORKERS]
        if now <= last_s and busy.mean() > 0:
            hotspots.append(float(busy.max() / busy.mean()))
    kernel.advance(state, np.inf)
    return float(np.mean(hotspots)), hits


def _compared(figures: dict[str, FloatArray]) -> dict[str, Any]:
    """Means with half widths of their intervals, and paired differences of p99 to the baseline."""
    rows = {}
    for name, found in figures.items():
        row: dict[str, Any] = {}
        for column, figure in enumerate(FIGURES):
            row[figure] = _estimate(found[:, column])
        row["p99_s_less_baseline"] = _estimate(found[:, 2] - figures[BASELINE][:, 2])
        rows[name] = row
    return rows


def _estimate(values: FloatArray) -> dict[str, float] | None:
    if np.isnan(values).any():
        return None
    half = 0.0
    if len(values) > 1:
        error = float(values.std(ddof=1)) / len(values) ** 0.5
        half = error * float(scipy.stats.t.ppf((1.0 + CONFIDENCE) / 2.0, len(values) - 1))
    return {"mean": float(values.mean()), "half_width": half}


def markdown(table: dict[str, Any]) -> str:
    """The comparison as a table of Markdown, a row per workload and router."""
    names = (
        "workload", "router", "p50 s", "p95 s", "p99 s", f"p99 less {BASELINE} s", "hotspot",
        "cache hits",
    )  # fmt: skip
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for workload, rows in table.items():
        for name, row in rows.items():
            cells = [_cell(row[figure]) for figure in ("p50_s", "p95_s", "p99_s")]
            cells.append(_cell(row["p99_s_less_baseline"], "+") if name != BASELINE else "")
            cells += [_cell(row["hotspot"]), _cell(row["cache_hits"], percent=True)]
            lines.append(f"| {workload} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: dict[str, float] | None, sign: str = "", *, percent: bool = False) -> str:
    if found is None:
        return ""
    kind = ".1%" if percent else ".2f"
    return f"{found['mean']:{sign}{kind}} ± {found['half_width']:{kind}}"
