"""What requests are besides work: on whose behalf they run, their memory and their session."""

import math

import numpy as np

from engine.scenario import Affinity, AgentType, OverMemory, RouterKind, Scenario
from engine.scenario.checks import refuse
from engine.sim import kernel
from engine.sim.parameters import TenantParameters
from engine.sim.routing import barred_pools, liked_pools
from engine.trace.schema import RequestTable
from engine.units import AnyArray, FloatArray, Int32Array, IntArray

KIB_PER_GIB = 1024 * 1024


def traits_of(
    table: RequestTable, pool: Int32Array, scenario: Scenario, tenant: Int32Array | None
) -> AnyArray | None:
    """(n,) kernel.TRAIT; None where neither tenants nor memory nor sessions matter.

    Args:
        table: the requests.
        pool: (n,) pool of each.
        scenario: the cluster.
        tenant: (n,) of each; None: there are none.
    """
    limited = [memory_rule(scenario.agent_type_of(entry)) for entry in scenario.pools]
    by_session = scenario.cache is not None or scenario.router.affinity is Affinity.SESSION
    if tenant is None and not any(limited) and not by_session:
        return None
    traits = np.zeros(len(table), kernel.TRAIT)
    traits["chain"] = traits["group"] = kernel.NONE
    for number, entry in enumerate(scenario.pools):
        mine = pool == number
        if limited[number]:
            traits["memory_kib"][mine] = _memory_kib(table, mine, scenario.agent_type_of(entry))
        if by_session:
            rate = scenario.agent_type_of(entry).prefill_tokens_per_s
            traits["prefix_s"][mine] = np.maximum(table.prefix_tokens[mine], 0) / rate
    if by_session:
        traits["chain"] = _chains(table, _places_of_sessions(pool, scenario), len(scenario.pools))
    if tenant is not None:
        traits["tenant"] = tenant
        traits["group"] = _groups(table, pool, tenant, scenario)
    return traits


def _places_of_sessions(pool: Int32Array, scenario: Scenario) -> Int32Array:
    """(n,) what the requests of a session share: their pool, or all pools of their agent type."""
    if scenario.router.kind is not RouterKind.HIERARCHICAL:
        return pool
    kinds = [scenario.agent_types.index(scenario.agent_type_of(p)) for p in scenario.pools]
    return np.array(kinds, np.int32)[pool]


def _groups(
    table: RequestTable, pool: Int32Array, tenant: Int32Array, scenario: Scenario
) -> Int32Array:
    """(n,) number of the group with which each request starts, NONE: with none.

    Consecutive requests of a tenant at a pool, as many as its groups have; the last ones are a
    smaller group. Requests that wait for others of their session are in none.
    """
    groups, number = np.full(len(table), kernel.NONE, np.int32), 0
    alone = table.after >= 0 if table.closed_loop else np.zeros(len(table), bool)
    for t, entry in enumerate(scenario.tenants):
        for p in range(len(scenario.pools) if entry.group_size > 1 else 0):
            mine = np.flatnonzero((tenant == t) & (pool == p) & ~alone)
            groups[mine] = number + np.arange(len(mine)) // entry.group_size
            number += -(-len(mine) // entry.group_size)
    return groups


def _chains(table: RequestTable, place: Int32Array, places: int) -> Int32Array:
    """(n,) one number for the requests of a session in a place, NONE outside sessions.

    What one agent type has computed is of no use to another one.
    """
    inside = table.session >= 0
    chains = np.full(len(table), kernel.NONE, np.int32)
    _, chains[inside] = np.unique(
        table.session[inside].astype(np.int64) * places + place[inside], return_inverse=True
    )
    return chains


def memory_rule(kind: AgentType) -> int:
    """One of the kernel's rules for requests that need more memory than there is."""
    if kind.memory_per_request_gib == 0 and kind.memory_per_1k_tokens_gib == 0:
        return kernel.NO_LIMIT
    if kind.over_memory is OverMemory.CRASH:
        return kernel.CRASH_OVER_MEMORY
    return kernel.WAIT_FOR_MEMORY


def room_kib(kind: AgentType, memory_gib: float) -> int:
    """Memory of a worker that its requests may use."""
    return max(0, math.floor((memory_gib - kind.memory_base_gib) * KIB_PER_GIB))


def _memory_kib(table: RequestTable, mine: AnyArray, kind: AgentType) -> IntArray:
    tokens = np.maximum(table.input_tokens[mine], 0.0) + np.maximum(table.output_tokens[mine], 0.0)
    gib = kind.memory_per_request_gib + kind.memory_per_1k_tokens_gib * tokens / 1000.0
    needed: IntArray = np.ceil(gib * KIB_PER_GIB).astype(np.int64)
    return needed


def tenant_parameters(scenario: Scenario) -> tuple[TenantParameters, ...]:
    """Ranks, floors and first shares of the scenario's tenants.

    Where slots are partitioned, the shares keep the floors; elsewhere slots are kept free for
    them.
    """
    floors = np.array([tenant.floor_frac for tenant in scenario.tenants])
    if floors.sum() > 1 + 1e-9:
        refuse(f"the floors add up to {floors.sum():g}", "tenants", "Guarantee at most all slots")
    classes = {entry.name: entry for entry in scenario.priority_classes}
    weights = np.array([tenant.share for tenant in scenario.tenants])
    shares = share_out(weights, floors) if scenario.partitions else np.ones(len(floors))
    parameters = []
    for tenant, share in zip(scenario.tenants, shares.tolist(), strict=True):
        rank = None if tenant.priority is None else classes[tenant.priority]
        parameters.append(
            TenantParameters(
                rank=0 if rank is None else rank.rank,
                aging_s=math.inf if rank is None or rank.aging_s is None else rank.aging_s,
                share=share,
                floor=0.0 if scenario.partitions else tenant.floor_frac,
                barred=barred_pools(scenario, tenant),
                liked=liked_pools(scenario, tenant),
            )
        )
    return tuple(parameters)


def share_out(demand: FloatArray, floors: FloatArray) -> FloatArray:
    """(tenants,) shares that add up to 1: proportional to demand, but at least the floors.

    Args:
        demand: (tenants,) 0 or more.
        floors: (tenants,) shares, together at most 1.
    """
    if demand.sum() <= 0:
        demand = np.ones(len(demand))
    held = np.zeros(len(demand), bool)  # at their floor
    shares = np.zeros(len(demand))
    while True:
        free = 1.0 - floors[held].sum()
        total = demand[~held].sum()
        shares = np.where(held, floors, demand * (free / total if total > 0 else 0.0))
        short = ~held & (shares < floors - 1e-12)
        if not short.any():
            return shares
        held |= short
