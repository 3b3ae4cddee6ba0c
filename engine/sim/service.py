"""From a trace and a scenario to what the simulator needs: work, pools, start-up times.

Everything random is drawn here, with numpy, from one seed sequence of the scenario that is
spawned per purpose, so that every policy of a comparison meets the same requests with the same
work and the k-th worker it starts takes the same time.
"""

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.errors import ScenarioError
from engine.scenario import (
    Affinity,
    OnFailure,
    Pool,
    QueueKind,
    Resize,
    RouterKind,
    Scenario,
    Startup,
    StartupKind,
)
from engine.sim import kernel
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.kernel import State
from engine.sim.parameters import STARTUP_DRAWS, PoolParameters, Size
from engine.sim.state import make_state
from engine.sim.traits import memory_rule, room_kib, tenant_parameters, traits_of
from engine.trace.schema import RequestTable
from engine.units import FloatArray, Int32Array

PEAK_WINDOW_S = 60.0
INITIAL_BUSY_FRAC = 0.7
"""Share of slots the first minute's demand occupies of the initial workers."""
_SEEDS_OF_KERNEL = 1 << 62
ROUTERS = MappingProxyType(
    {
        RouterKind.LEAST_CONNECTIONS: kernel.LEAST_CONNECTIONS,
        RouterKind.RANDOM: kernel.RANDOM,
        RouterKind.ROUND_ROBIN: kernel.ROUND_ROBIN,
        RouterKind.POWER_OF_TWO: kernel.POWER_OF_TWO,
        RouterKind.PREDICTED_COMPLETION: kernel.PREDICTED_COMPLETION,
    }
)
"""By the scenario's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A trace under a scenario, ready to be replayed under any number of policies."""

    arrivals: Arrivals
    pools: tuple[PoolParameters, ...]
    peak_busy_slots: FloatArray
    """(pools,) mean busy slots that the work arriving in the busiest minute needs."""
    closed_loop: bool


@dataclass(frozen=True, slots=True)
class _Seeds:
    work: np.random.SeedSequence
    pools: np.random.SeedSequence
    startup: np.random.SeedSequence


def _seeds(scenario: Scenario) -> _Seeds:
    return _Seeds(*np.random.SeedSequence(scenario.seed).spawn(3))


def prepare(table: RequestTable, scenario: Scenario) -> Workload:
    """Requests with their work and pool, and the pools' parameters.

    Args:
        table: the requests of the window, its start at 0 s.
        scenario: the cluster.
    """
    seeds = _seeds(scenario)
    pool = assign_pools(table, scenario, np.random.default_rng(seeds.pools))
    work_s = work_seconds(table, pool, scenario, np.random.default_rng(seeds.work))
    offered = _offered_slots(table.arrival_s, work_s, pool, len(scenario.pools))
    return Workload(
        arrivals=make_requests(
            table.arrival_s,
            work_s,
            pool=pool,
            after=table.after if table.closed_loop else None,
            think_s=table.think_s,
            traits=traits_of(table, pool, scenario),
        ),
        pools=tuple(
            _parameters(scenario, p, offered[n, 0], draws)
            for n, (p, draws) in enumerate(
                zip(scenario.pools, _startup_draws(scenario, seeds), strict=True)
            )
        ),
        peak_busy_slots=offered.max(axis=1),
        closed_loop=table.closed_loop,
    )


def new_state(workload: Workload, scenario: Scenario, window_s: float) -> State:
    """The cluster at the start of a window of this length.

    Raises:
        ScenarioError: the tenants cannot all have what they are promised.
    """
    stays = scenario.router.affinity is Affinity.SESSION
    return make_state(
        workload.arrivals,
        workload.pools,
        horizon_s=window_s,
        abandon=scenario.on_failure is OnFailure.ABANDON,
        seed=scenario.seed % _SEEDS_OF_KERNEL,
        retry=scenario.retry,
        breaker=scenario.router.breaker,
        affinity_slack=scenario.router.affinity_slack if stays else None,
        cache=scenario.cache,
        degradation=scenario.degradation,
        tenants=tenant_parameters(scenario),
        partitioned=scenario.partitions is not None and len(scenario.tenants) > 0,
    )


def assign_pools(table: RequestTable, scenario: Scenario, rng: np.random.Generator) -> Int32Array:
    """(n,) pool of each request.

    A request goes to the pools of the agent type it names, spread by their shares; if it names
    none that the scenario knows, over all pools by their shares. All requests of a session that
    name the same agent type stay together.
    """
    draw = rng.random(len(table))
    if table.closed_loop or np.any(table.session >= 0):
        draw = _same_within_sessions(table, draw)
    pool = _by_share(draw, list(range(len(scenario.pools))), scenario)
    for code, name in enumerate(table.agent_types):
        fitting = [n for n, p in enumerate(scenario.pools) if p.agent_type == name]
        if fitting and any(scenario.pools[n].share > 0 for n in fitting):
            mask = table.agent_type == code
            pool[mask] = _by_share(draw[mask], fitting, scenario)
    return pool


def _same_within_sessions(table: RequestTable, draw: FloatArray) -> FloatArray:
    inside = table.session >= 0
    _, first, inverse = np.unique(table.session[inside], return_index=True, return_inverse=True)
    same = draw.copy()
    same[inside] = draw[inside][first][inverse]
    return same


def _by_share(draw: FloatArray, pools: list[int], scenario: Scenario) -> Int32Array:
    shares = np.array([scenario.pools[n].share for n in pools])
    edges = np.cumsum(shares / shares.sum())
    chosen = np.minimum(np.searchsorted(edges, draw, side="right"), len(pools) - 1)
    return np.array(pools, np.int32)[chosen]


def work_seconds(
    table: RequestTable, pool: Int32Array, scenario: Scenario, rng: np.random.Generator
) -> FloatArray:
    """(n,) seconds of service alone on a worker.

    Given by the trace where it is given; else overhead + input / prefill rate + output / decode
    rate where there are tokens; else drawn from the agent type's lognormal.
    """
    normal = rng.standard_normal(len(table))
    work_s = np.empty(len(table))
    for number, entry in enumerate(scenario.pools):
        kind = scenario.agent_type_of(entry)
        mine = pool == number
        tokens_in, tokens_out = table.input_tokens[mine], table.output_tokens[mine]
        from_tokens = (
            kind.overhead_s
            + np.maximum(tokens_in, 0) / kind.prefill_tokens_per_s
            + np.maximum(tokens_out, 0) / kind.decode_tokens_per_s
        )
        drawn = lognormal(kind.service_mean_s, kind.service_cv, normal[mine])
        has_tokens = (tokens_in >= 0) | (tokens_out >= 0)
        given = table.service_s[mine]
        work_s[mine] = np.where(
            np.isfinite(given), given, np.where(has_tokens, from_tokens, drawn)
        )
    return work_s


def lognormal(mean: float, cv: float, normal: FloatArray) -> FloatArray:
    """Lognormal values with this mean and coefficient of variation from standard normal ones.

    sigma^2 = ln(1 + cv^2), mu = ln(mean) - sigma^2 / 2.
    """
    variance = math.log1p(cv**2)
    values: FloatArray = mean * np.exp(math.sqrt(variance) * normal - variance / 2)
    return values


def _startup_draws(scenario: Scenario, seeds: _Seeds) -> list[FloatArray]:
    streams = seeds.startup.spawn(len(scenario.pools))
    return [
        startup_seconds(scenario.agent_type_of(pool).startup, np.random.default_rng(stream))
        for pool, stream in zip(scenario.pools, streams, strict=True)
    ]


def startup_seconds(startup: Startup, rng: np.random.Generator) -> FloatArray:
    """(STARTUP_DRAWS,) start-up times, used in turn."""
    if startup.mean_s == 0 or startup.kind is StartupKind.CONSTANT:
        return np.full(STARTUP_DRAWS, startup.mean_s)
    if startup.kind is StartupKind.UNIFORM:
        low, high = startup.mean_s - startup.spread_s, startup.mean_s + startup.spread_s
        return rng.uniform(low, high, STARTUP_DRAWS)
    cv = startup.spread_s / startup.mean_s
    return lognormal(startup.mean_s, cv, rng.standard_normal(STARTUP_DRAWS))


def _offered_slots(
    arrival_s: FloatArray, work_s: FloatArray, pool: Int32Array, pools: int
) -> FloatArray:
    """(pools, minutes) busy slots needed by the work that arrives in each minute."""
    minute = (arrival_s / PEAK_WINDOW_S).astype(np.int64)
    minutes = int(minute[-1]) + 1 if len(minute) else 1
    sums = np.bincount(pool * minutes + minute, weights=work_s, minlength=pools * minutes)
    return sums.reshape(pools, minutes) / PEAK_WINDOW_S


def _parameters(
    scenario: Scenario, pool: Pool, first_minute_slots: float, draws: FloatArray
) -> PoolParameters:
    kind = scenario.agent_type_of(pool)
    size = [entry.name for entry in kind.all_sizes].index(pool.size)
    initial = pool.workers_initial
    if initial is None:
        worker_slots = kind.all_sizes[size].slots * kind.all_sizes[size].speed
        needed = math.ceil(first_minute_slots / (worker_slots * INITIAL_BUSY_FRAC))
        initial = min(max(needed, pool.workers_min), pool.workers_max)
    return PoolParameters(
        slots=kind.slots,
        workers_max=pool.workers_max,
        workers_initial=initial,
        startup_draws_s=draws,
        contention=kind.contention,
        queue_timeout_s=math.inf if kind.queue_timeout_s is None else kind.queue_timeout_s,
        exec_timeout_s=math.inf if kind.exec_timeout_s is None else kind.exec_timeout_s,
        drain_grace_s=math.inf if kind.drain_grace_s is None else kind.drain_grace_s,
        queue_limit=kind.queue_limit,
        shared_queue=pool.queue is QueueKind.POOL,
        router=_router(scenario),
        room_kib=room_kib(kind, kind.memory_gib),
        other_sizes=tuple(
            Size(entry.slots, entry.speed, room_kib(kind, entry.memory_gib))
            for entry in kind.sizes
        ),
        size=size,
        over_memory=memory_rule(kind),
        zone=[zone.name for zone in scenario.zones].index(pool.zone),
        region=scenario.regions.index(scenario.region_of(pool.zone)),
        resize_in_place=kind.resize is Resize.IN_PLACE,
        resize_s=kind.resize_s,
    )


def _router(scenario: Scenario) -> int:
    kind = scenario.router.kind
    if kind not in ROUTERS:
        raise ScenarioError(
            f"the router {kind.value!r} cannot be replayed yet",
            "router: kind",
            f"Use one of {', '.join(known.value for known in ROUTERS)}",
        )
    return ROUTERS[kind]
