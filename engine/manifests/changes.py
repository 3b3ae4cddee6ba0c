"""What Deployments and autoscalers change in the scenario that was kept beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from engine.errors import ScenarioError
from engine.manifests.facts import Facts
from engine.scenario import STANDARD, Scenario
from engine.scenario_file import from_dict, to_dict

Plain = dict[str, Any]


def new_pool(fact: Facts) -> Plain:
    """A pool of which only names are known."""
    made = {"name": fact.pool, "agent_type": fact.agent_type}
    return made if fact.zone is None else {**made, "zone": fact.zone}


def changed(
    scenario: Scenario, facts: Sequence[Facts], old: Mapping[str, Facts], where: str
) -> Scenario:
    """The scenario with what the manifests say otherwise than its own would.

    Args:
        scenario: as it was kept.
        facts: of the file.
        old: by pool, of the scenario as it was kept; empty: nothing was.
        where: what to name in an error.

    Raises:
        ScenarioError: together they make no scenario.
    """
    plain = to_dict(scenario)
    if old:
        _same_pools(plain, facts)
    for fact in facts:
        before = old.get(fact.pool)
        news = {
            entry.name: getattr(fact, entry.name)
            for entry in fields(fact)
            if before is None or getattr(fact, entry.name) != getattr(before, entry.name)
        }
        said = {name: value for name, value in news.items() if value is not None}
        pool = next(each for each in plain["pools"] if each["name"] == fact.pool)
        _change_workers(plain, pool, said)
        _change_pool(plain, pool, said)
    try:
        return from_dict(plain, where)
    except ScenarioError as error:
        raise ScenarioError(error.what, f"{where}: {error.where}", error.fix) from None


def _same_pools(plain: Plain, facts: Sequence[Facts]) -> None:
    """Drops pools that have no Deployment any more, and adds those that are new."""
    named = {fact.pool for fact in facts}
    plain["pools"] = [pool for pool in plain["pools"] if pool["name"] in named]
    known = {pool["name"] for pool in plain["pools"]}
    plain["pools"] += [
        {"zone": plain["zones"][0]["name"], **new_pool(fact)}
        for fact in facts
        if fact.pool not in known
    ]


def _change_workers(plain: Plain, pool: Plain, said: Mapping[str, Any]) -> None:
    """Agent type and size of a pool's workers."""
    pool["agent_type"] = said.get("agent_type", pool["agent_type"])
    kinds = {kind["name"]: kind for kind in plain["agent_types"]}
    kind = kinds.get(pool["agent_type"])
    if kind is None:
        kind = {"name": pool["agent_type"]}
        plain["agent_types"].append(kind)
    sizes = {size["name"]: size for size in kind.get("sizes", ())}
    size = sizes.get(pool.get("size", STANDARD), kind)
    size.update(
        (name, said[name]) for name in ("slots", "cpu_cores", "memory_gib", "gpus") if name in said
    )
    if "drain_grace_s" in said:
        kind["drain_grace_s"] = float(said["drain_grace_s"])


def _change_pool(plain: Plain, pool: Plain, said: Mapping[str, Any]) -> None:
    """Limits and place of a pool."""
    pool.update((name, said[name]) for name in ("workers_min", "workers_max") if name in said)
    if "replicas" in said:
        pool["workers_initial"] = said["replicas"]
        pool["workers_max"] = max(said["replicas"], pool.get("workers_max", 1))
    if said.get("zone") in {zone["name"] for zone in plain["zones"]}:
        pool["zone"] = said["zone"]
    for group in plain["node_groups"]:
        if group["name"] == pool.get("node_group") and "placement" in said:
            group["placement"] = said["placement"].value
