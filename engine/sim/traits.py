"""What requests are besides work: on whose behalf they run, their memory and their session."""

import math

import numpy as np

from engine.scenario import Affinity, AgentType, OverMemory, Scenario
from engine.scenario.checks import refuse
from engine.sim import kernel
from engine.sim.parameters import TenantParameters
from engine.trace.schema import RequestTable
from engine.units import AnyArray, FloatArray, Int32Array, IntArray

KIB_PER_GIB = 1024 * 1024
_STREAM = 5
"""Of the scenario's seed sequence: which tenant requests belong to."""


def traits_of(table: RequestTable, pool: Int32Array, scenario: Scenario) -> AnyArray | None:
    """(n,) kernel.TRAIT; None where neither tenants nor memory nor sessions matter.

    Args:
        table: the requests.
        pool: (n,) pool of each.
        scenario: the cluster.
    """
    limited = [memory_rule(scenario.agent_type_of(entry)) for entry in scenario.pools]
    by_session = scenario.cache is not None or scenario.router.affinity is Affinity.SESSION
    if not scenario.tenants and not any(limited) and not by_session:
        return None
    traits = np.zeros(len(table), kernel.TRAIT)
    traits["chain"] = kernel.NONE
    for number, entry in enumerate(scenario.pools):
        mine = pool == number
        if limited[number]:
            traits["memory_kib"][mine] = _memory_kib(table, mine, scenario.agent_type_of(entry))
        if by_session:
            rate = scenario.agent_type_of(entry).prefill_tokens_per_s
            traits["prefix_s"][mine] = np.maximum(table.prefix_tokens[mine], 0) / rate
    if by_session:
        traits["chain"] = _chains(table, pool, len(scenario.pools))
    if scenario.tenants:
        traits["tenant"] = assign_tenants(table, scenario)
    return traits


def _chains(table: RequestTable, pool: Int32Array, pools: int) -> Int32Array:
    """(n,) one number for the requests of a session in a pool, NONE outside sessions.

    What one agent type has computed is of no use to another one.
    """
    inside = table.session >= 0
    chains = np.full(len(table), kernel.NONE, np.int32)
    _, chains[inside] = np.unique(
        table.session[inside].astype(np.int64) * pools + pool[inside], return_inverse=True
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


def assign_tenants(table: RequestTable, scenario: Scenario) -> Int32Array:
    """(n,) tenant of each request: the one it names, else drawn by shares, one for a session."""
    stream = np.random.SeedSequence(scenario.seed, spawn_key=(_STREAM,))
    draw: FloatArray = np.random.default_rng(stream).random(len(table))
    inside = table.session >= 0
    _, first, inverse = np.unique(table.session[inside], return_index=True, return_inverse=True)
    draw[inside] = draw[inside][first][inverse]
    shares = np.array([tenant.share for tenant in scenario.tenants])
    if shares.sum() <= 0:
        refuse("every tenant's share is 0", "tenants", "Give at least one a share above 0")
    edges = np.cumsum(shares / shares.sum())
    last = int(np.flatnonzero(shares)[-1])
    tenant = np.minimum(np.searchsorted(edges, draw, side="right"), last).astype(np.int32)
    names = [entry.name for entry in scenario.tenants]
    for code, name in enumerate(table.tenants):
        if name in names:
            tenant[table.tenant == code] = names.index(name)
    return tenant


def tenant_parameters(scenario: Scenario) -> tuple[TenantParameters, ...]:
    """Ranks, floors and first shares of the scenario's tenants.

    Where slots are partitioned, the shares keep the floors; elsewhere slots are kept free for
    them.
    """
    floors = np.array([tenant.floor_frac for tenant in scenario.tenants])
    if floors.sum() > 1 + 1e-9:
        refuse(f"the floors add up to {floors.sum():g}", "tenants", "Guarantee at most all slots")
    classes = {entry.name: entry for entry in scenario.priority_classes}
    for tenant in scenario.tenants:
        if tenant.group_size > 1 or tenant.regions:
            refuse(
                "groups that start together and residency cannot be replayed yet",
                f"tenant {tenant.name!r}",
                "Leave group_size and regions out",
            )
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
