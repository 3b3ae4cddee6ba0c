"""Manifests as a scenario and a policy: what was kept beside them, changed as they say now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import yaml

from engine.errors import ScenarioError
from engine.manifests import autoscaler, names
from engine.manifests.autoscaler import Worker
from engine.manifests.changes import changed, new_pool
from engine.manifests.facts import Document, Facts, at, facts_of
from engine.manifests.write import documents
from engine.policies.registry import parse_spec
from engine.scenario import Scenario
from engine.scenario_file import from_dict, from_toml

LARGEST_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What manifests describe."""

    scenario: Scenario
    policy: str
    notes: tuple[str, ...]
    """What a replay leaves out, and what was assumed."""


def read(text: str, where: str = "manifests") -> Deployed:
    """A scenario and a policy from a YAML stream.

    Raises:
        ScenarioError: not YAML, no Deployment, or values that no scenario can have.
    """
    found = _parsed(text, where)
    facts = facts_of(found, where)
    kept = _kept(found, where)
    if kept is None:
        scenario, old = _from_nothing(facts), {}
    else:
        scenario = kept[0]
        old = {fact.pool: fact for fact in facts_of(documents(*kept), where)}
    scenario = changed(scenario, facts, old, where)
    notes: list[str] = []
    if kept is None:
        notes.append(
            "Manifests do not say how fast a worker serves, how long it starts or what it costs: "
            "these are defaults"
        )
    same = all(old.get(fact.pool) is not None and _same(fact, old[fact.pool]) for fact in facts)
    policy = kept[1] if kept is not None else ""
    chosen = policy if same else _policy(scenario, facts, policy, notes)
    return Deployed(scenario=scenario, policy=chosen, notes=tuple(notes))


def _parsed(text: str, where: str) -> list[Document]:
    if len(text) > LARGEST_CHARACTERS:
        raise ScenarioError(
            f"it is longer than {LARGEST_CHARACTERS:,} characters", where, "Split the file"
        )
    try:
        found = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        spot = where if mark is None else f"{where}: line {mark.line + 1}"
        problem = getattr(error, "problem", None) or str(error)
        raise ScenarioError(f"not valid YAML: {problem}", spot, "Correct that line") from None
    if not all(isinstance(each, Mapping) for each in found):
        raise ScenarioError("not Kubernetes objects", where, "Give each a kind and a spec")
    lists = [each.get("items") or [] for each in found if each.get("kind") == "List"]
    return [*(each for each in found if each.get("kind") != "List"), *chain.from_iterable(lists)]


def _kept(found: Sequence[Document], where: str) -> tuple[Scenario, str] | None:
    """The scenario and policy that an export put beside the Deployments."""
    for document in found:
        labels = at(document, "metadata.labels") or {}
        if document.get("kind") == "ConfigMap" and names.SCENARIO in labels:
            data = document.get("data") or {}
            text = str(data.get("scenario.toml", ""))
            return from_toml(text, f"{where}: scenario.toml"), str(data.get("policy", "hpa"))
    return None


def _same(fact: Facts, old: Facts) -> bool:
    return fact.autoscaler == old.autoscaler and fact.replicas == old.replicas


def _from_nothing(facts: Sequence[Facts]) -> Scenario:
    """Pools and agent types by name, everything else at its default."""
    kinds = dict.fromkeys(fact.agent_type for fact in facts)
    zones = dict.fromkeys(fact.zone for fact in facts if fact.zone is not None)
    return from_dict(
        {
            "name": facts[0].pool,
            "agent_types": [{"name": name, "gpus": 0, "cpu_cores": 2.0, "memory_gib": 4.0}
                            for name in kinds],
            "pools": [new_pool(fact) for fact in facts],
            **({"zones": [{"name": name} for name in zones]} if zones else {}),
        }
    )  # fmt: skip


def _policy(scenario: Scenario, facts: Sequence[Facts], before: str, notes: list[str]) -> str:
    """One policy for all pools: that of the first Deployment; what differs is noted."""
    spelled: dict[str, str] = {}
    unsaid = {
        name: value
        for name, value in (parse_spec(before).parameters if before else ())
        if name in autoscaler.UNSAID
    }
    for fact in facts:
        if fact.autoscaler is None:
            spelled[fact.pool] = f"static:workers={1 if fact.replicas is None else fact.replicas}"
            continue
        pool = next(each for each in scenario.pools if each.name == fact.pool)
        worker = Worker(kind=scenario.agent_type_of(pool), size=scenario.size_of(pool))
        found, left_out = autoscaler.parameters(fact.autoscaler, worker)
        spelled[fact.pool] = autoscaler.spelled({**unsaid, **found})
        notes.extend(f"A replay of pool {fact.pool!r} leaves out {each}" for each in left_out)
    first = next(iter(spelled.values()))
    others = [pool for pool, text in spelled.items() if text != first]
    if others:
        notes.append(
            f"A replay has one policy for all pools; those of {', '.join(others)} are set "
            f"otherwise than {first}"
        )
    return first
