"""From a trace and a scenario to what the simulator needs: work, pools, start-up times.

Everything random is drawn here, with numpy, from one seed sequence of the scenario that is
spawned per purpose, so that every policy of a comparison meets the same requests with the same
work and the k-th worker it starts takes the same time.
"""

import math
from dataclasses import astuple, dataclass
from types import MappingProxyType

import numpy as np

from engine.errors import TraceError
from engine.scenario import (
    Affinity,
    AgentType,
    OnFailure,
    Pool,
    QueueKind,
    Region,
    Resize,
    RouterKind,
    Scenario,
    Startup,
    StartupKind,
)
from engine.sim import kernel
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.kernel import State
from engine.sim.parameters import STARTUP_DRAWS, PoolParameters, RouterParameters, Size
from engine.sim.routing import assign_pools, assign_tenants
from engine.sim.state import make_state
from engine.sim.traits import (
    memory_rule,
    room_kib,
    tenant_parameters,
    traits_of,
)
from engine.trace.schema import RequestTable
from engine.units import FloatArray, Int32Array

PEAK_WINDOW_S = 60.0
INITIAL_BUSY_FRAC = 0.7
"""Share of slots the first minute's demand occupies of the initial workers."""
_SEEDS_OF_KERNEL = 1 << 62
NEAR_COUNTS, CHEAP_COUNTS = 0.3, 0.2
"""Of a region's appeal: how near and how cheap it is; free slots count for the rest. Ours."""
ROUTERS = MappingProxyType(
    {
        RouterKind.LEAST_CONNECTIONS: kernel.LEAST_CONNECTIONS,
        RouterKind.RANDOM: kernel.RANDOM,
        RouterKind.ROUND_ROBIN: kernel.ROUND_ROBIN,
        RouterKind.POWER_OF_TWO: kernel.POWER_OF_TWO,
        RouterKind.PREDICTED_COMPLETION: kernel.PREDICTED_COMPLETION,
        RouterKind.LEAST_AGENT_LOAD: kernel.LEAST_AGENT_LOAD,
        RouterKind.CONTEXT_AWARE: kernel.CONTEXT_AWARE,
        RouterKind.SEVEN_FACTOR: kernel.SEVEN_FACTOR,
        RouterKind.WEIGHTED_ROUND_ROBIN: kernel.WEIGHTED_ROUND_ROBIN,
        RouterKind.HIERARCHICAL: kernel.HIERARCHICAL,
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
    tenant = assign_tenants(table, scenario) if scenario.tenants else None
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
            traits=traits_of(table, pool, scenario, tenant),
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
        TraceError: requests arrive after the window.
        ScenarioError: the tenants cannot all have what they are promised.
    """
    _check_window(workload.arrivals, window_s)
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
        routing=RouterParameters(
            ewma_s=scenario.router.ewma_s,
            adapt_s=scenario.router.adapt_s,
            factors=astuple(scenario.router.factors),
            nodes=sum(group.nodes_max for group in scenario.node_groups),
        ),
    )


def _check_window(arrivals: Arrivals, window_s: float) -> None:
    """Refuses requests that no tick and no minute of the window has room for."""
    if not len(arrivals.roots):
        return
    last_s = float(arrivals.requests["arrival_s"][arrivals.roots[-1]])
    if last_s > window_s:
        raise TraceError(
            f"a request arrives after {last_s:g} s, and the window has {window_s:g} s",
            "the requests of the replay",
            "Make the window longer, or leave out what arrives after it",
        )


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
        router=ROUTERS[scenario.router.kind],
        room_kib=room_kib(kind, kind.memory_gib),
        other_sizes=tuple(
            Size(
                entry.slots,
                entry.speed,
                room_kib(kind, entry.memory_gib),
                _cpu_share(kind, entry.cpu_cores),
            )
            for entry in kind.sizes
        ),
        size=size,
        over_memory=memory_rule(kind),
        zone=[zone.name for zone in scenario.zones].index(pool.zone),
        region=scenario.regions.index(scenario.region_of(pool.zone)),
        kind=scenario.agent_types.index(kind),
        delay_s=scenario.region_of(pool.zone).network_delay_s,
        appeal=_appeal(scenario, scenario.region_of(pool.zone)),
        cpu_share=_cpu_share(kind, kind.cpu_cores),
        resize_in_place=kind.resize is Resize.IN_PLACE,
        resize_s=kind.resize_s,
    )


def _cpu_share(kind: AgentType, cores: float) -> float | None:
    """Of a worker's cores that one request uses; None: a slot's part."""
    return kind.cpu_per_request / cores if kind.cpu_per_request > 0 else None


def _appeal(scenario: Scenario, region: Region) -> float:
    """How near and how cheap a region is beside the nearest and the cheapest one."""
    farthest_s = max(entry.network_delay_s for entry in scenario.regions)
    near = 1.0 - region.network_delay_s / farthest_s if farthest_s > 0 else 1.0
    cheapest = min(entry.price_factor for entry in scenario.regions)
    cheap = cheapest / region.price_factor if region.price_factor > 0 else 1.0
    return NEAR_COUNTS * near + CHEAP_COUNTS * cheap
