"""Whose each request is and which pool it belongs to, before anything runs."""

from collections.abc import Iterator

import numpy as np

from engine.scenario import Pool, RouterKind, Scenario, Tenant
from engine.scenario.checks import refuse
from engine.trace.schema import RequestTable
from engine.units import AnyArray, FloatArray, Int32Array

__all__ = ["assign_pools", "assign_tenants", "barred_pools", "liked_pools"]

_STREAM = 5
"""Of the scenario's seed sequence: which tenant requests belong to."""


def assign_pools(
    table: RequestTable,
    scenario: Scenario,
    rng: np.random.Generator,
) -> Int32Array:
    """(n,) pool of each request.

    A request goes to the pools of the agent type it names, spread by their shares; if it names
    none that the scenario knows, over all pools by their shares, with the context-aware router
    over those whose agent type has its tenant among its specialities, where there are any. Pools
    in regions where its tenant's requests may not run are left out. All requests of a session
    that name the same agent type and tenant stay together.

    Args:
        table: the requests.
        scenario: the cluster.
        rng: one draw a request is taken from it.

    Raises:
        ScenarioError: no pool may run what a tenant sends.
    """
    draw = rng.random(len(table))
    if table.closed_loop or np.any(table.session >= 0):
        draw = _same_within_sessions(table, draw)
    tenant = assign_tenants(table, scenario) if scenario.tenants else None
    pool = np.zeros(len(table), np.int32)
    for name, there in _by_type(table, scenario):
        for owner, mine in _by_tenant(scenario, tenant):
            mask = there if mine is None else there & mine
            if mask.any():
                pool[mask] = _by_share(draw[mask], _fitting(scenario, name, owner), scenario)
    return pool


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


def _by_type(table: RequestTable, scenario: Scenario) -> Iterator[tuple[str | None, AnyArray]]:
    """Agent types that pools with a share serve, None for the others, and their requests."""
    served = {pool.agent_type for pool in scenario.pools if pool.share > 0}
    rest = np.ones(len(table), bool)
    for code, name in enumerate(table.agent_types):
        if name in served:
            there = table.agent_type == code
            rest &= ~there
            yield name, there
    yield None, rest


def _by_tenant(
    scenario: Scenario, tenant: Int32Array | None
) -> Iterator[tuple[Tenant | None, AnyArray | None]]:
    """Tenants that pools are not all the same to, None for the others, and their requests."""
    if tenant is None:
        yield None, None
        return
    rest = np.ones(len(tenant), bool)
    for number, entry in enumerate(scenario.tenants):
        if barred_pools(scenario, entry) or liked_pools(scenario, entry):
            mine = tenant == number
            rest &= ~mine
            yield entry, mine
    yield None, rest


def _fitting(scenario: Scenario, name: str | None, tenant: Tenant | None) -> list[int]:
    """Pools that requests of an agent type and a tenant are spread over."""
    pools = [n for n, p in enumerate(scenario.pools) if name is None or p.agent_type == name]
    if tenant is None:
        return pools
    barred = barred_pools(scenario, tenant)
    pools = [n for n in pools if n not in barred]
    liked = [n for n in liked_pools(scenario, tenant) if n in pools]
    if name is None and scenario.router.kind is RouterKind.CONTEXT_AWARE and liked:
        pools = liked
    if sum(scenario.pools[n].share for n in pools) <= 0:
        what = "" if name is None else f" of agent type {name!r}"
        refuse(
            f"no pool{what} with a share lies in {', '.join(tenant.regions) or 'any region'}",
            f"tenant {tenant.name!r}",
            "Add a pool in one of its regions, or allow more regions",
        )
    return pools


def barred_pools(scenario: Scenario, tenant: Tenant) -> tuple[int, ...]:
    """Pools in regions where the tenant's requests may not run."""

    def is_barred(pool: Pool) -> bool:
        return scenario.region_of(pool.zone).name not in tenant.regions

    if not tenant.regions:
        return ()
    return tuple(number for number, pool in enumerate(scenario.pools) if is_barred(pool))


def liked_pools(scenario: Scenario, tenant: Tenant) -> tuple[int, ...]:
    """Pools whose agent type has the tenant among its specialities."""
    return tuple(
        number
        for number, pool in enumerate(scenario.pools)
        if tenant.name in scenario.agent_type_of(pool).specialities
    )


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
