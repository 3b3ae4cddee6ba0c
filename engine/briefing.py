"""What policies are told of the pools before a replay starts."""

from engine.cluster.money import worker_usd_per_hour
from engine.cluster.sites import types_of
from engine.cluster.worth import size_facts
from engine.merging import merged_facts
from engine.policies.base import Future, PolicyContext, PoolFacts
from engine.scenario import Resize, RouterKind, Scenario, WorkerSize
from engine.sim import kernel
from engine.sim.service import Workload
from engine.sim.traits import memory_rule
from engine.units import FloatArray

__all__ = ["context_of", "facts_of", "sizes_of", "weighs_pools"]


def context_of(
    scenario: Scenario, workload: Workload, future: Future | None = None
) -> PolicyContext:
    """What a policy knows; where the scenario sites workers, its pools are agent types."""
    facts = facts_of(scenario, workload)
    return PolicyContext(
        pools=facts if scenario.siting is None else merged_facts(facts, types_of(scenario)),
        groups=tuple(group.name for group in scenario.node_groups),
        tick_s=scenario.tick_s,
        slo_latency_s=scenario.slo.latency_s,
        seed=scenario.seed,
        future=future,
        carbon_threshold_g_per_kwh=scenario.priorities.carbon_threshold_g_per_kwh,
        priorities=scenario.priorities.weights,
        weighs_pools=weighs_pools(scenario),
    )


def has_sizes(scenario: Scenario) -> bool:
    """Whether workers of some pool come in several sizes."""
    return any(scenario.agent_type_of(pool).sizes for pool in scenario.pools)


def weighs_pools(scenario: Scenario) -> bool:
    """Whether requests are routed by weights of pools, which a policy may give."""
    return scenario.router.kind is RouterKind.HIERARCHICAL and scenario.siting is None


def facts_of(scenario: Scenario, workload: Workload) -> tuple[PoolFacts, ...]:
    """One entry a pool of the scenario, whether or not its workers are sited."""
    peak: FloatArray = workload.peak_busy_slots
    facts = []
    sizes = sizes_of(scenario, workload)
    for number, (pool, size) in enumerate(zip(scenario.pools, sizes, strict=True)):
        kind, region = scenario.agent_type_of(pool), scenario.region_of(pool.zone)
        facts.append(
            PoolFacts(
                name=pool.name,
                agent_type=kind.name,
                slots=size.slots,
                workers_min=pool.workers_min,
                workers_max=pool.workers_max,
                workers_initial=workload.pools[number].workers_initial,
                startup_mean_s=kind.startup.mean_s,
                price_usd_per_hour=worker_usd_per_hour(scenario, number, size),
                peak_busy_slots=float(peak[number]),
                sizes=size_facts(scenario, number),
                size=size.name,
                region=region.name,
                delay_s=region.network_delay_s,
                says_memory=memory_rule(kind) != kernel.NO_LIMIT,
                resize_s=kind.resize_s if kind.resize is Resize.IN_PLACE else 0.0,
            )
        )
    return tuple(facts)


def sizes_of(scenario: Scenario, workload: Workload) -> tuple[WorkerSize, ...]:
    """(pools,) sizes that their workers have in the simulator at the start."""
    return tuple(
        scenario.agent_type_of(pool).all_sizes[entry.size]
        for pool, entry in zip(scenario.pools, workload.pools, strict=True)
    )
