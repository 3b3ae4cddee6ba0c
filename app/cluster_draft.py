"""Edits of a scenario by hand: pure functions from a good scenario to the next good one.

A path names a value from the scenario's top, such as `regions.0.pue`. An edit that cannot be is
kept and tried again with the next one: two of them may only be right together.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.cluster_fields import FIELDS, Field, Part, Type
from app.cluster_fields.guarding import HOLDS
from app.cluster_text import parsed
from engine.errors import EngineError, ScenarioError
from engine.scenario import STANDARD, FaultKind, Scenario
from engine.scenario.whole import PLACES
from engine.scenario_file import from_dict, to_dict

Edits = dict[str, Any]
"""What inputs hold, by path."""


def spec(path: str) -> tuple[Part, Field]:
    """The part and field of a path."""
    return FIELDS[re.sub(r"\.\d+(?=\.)", ".*", path)]


def value_at(plain: Any, path: str) -> Any:
    """The value of a path; None below an entry that is switched off."""
    for step in path.split("."):
        if plain is None:
            return None
        plain = plain[int(step)] if step.isdigit() else plain[step]
    return plain


def entry_of(path: str) -> str:
    """The path of the entry that holds a field; empty: the scenario itself."""
    return path.removesuffix(spec(path)[1].path).rstrip(".")


def entries(plain: Mapping[str, Any], part: Part) -> list[str]:
    """Paths of a part's entries, in order."""
    if not part.many:
        return [part.key] if not part.key or value_at(plain, part.key) is not None else []
    owner, _, last = part.key.rpartition(".*.")
    owners = [f"{owner}.{n}." for n in range(len(plain[owner]))] if owner else [""]
    return [
        f"{prefix}{last}.{n}"
        for prefix in owners
        for n in range(len(value_at(plain, f"{prefix}{last}") or ()))
    ]


def title_of(plain: Mapping[str, Any], path: str, part: Part) -> str:
    """How an error calls an entry: `region 'eu'`, `fault 2`, `router`."""
    if not part.many:
        return part.noun
    name = value_at(plain, path).get("name")
    number = int(path.rpartition(".")[2]) + 1
    return f"{part.noun} {name!r}" if name else f"{part.noun} {number}"


LOOKED_UP = frozenset({"carbon_trace", "price_trace", "price_name"})
"""Fields that name what is in the store."""

LookUp = Callable[[Scenario, str, int], None]
"""Raises ScenarioError where an entry (part, number) names what is not in the store."""


def _anything(_scenario: Scenario, _part: str, _number: int) -> None:
    """Takes every name."""


def applied(
    scenario: Scenario, edits: Edits, look_up: LookUp = _anything
) -> tuple[Scenario, dict[str, ScenarioError]]:
    """The scenario with all edits that can be, and what is wrong with the others.

    Args:
        scenario: the last good one.
        edits: what inputs hold, by path; the newest last.
        look_up: asked about names of stored traces that are edited.
    """
    wrong: dict[str, ScenarioError] = {}
    waiting = dict(edits)
    while waiting:
        before = len(waiting)
        for path, given in list(waiting.items()):
            try:
                scenario = _with(scenario, {path: given}, look_up)
            except ScenarioError as error:
                wrong[path] = error
            else:
                del waiting[path]
        if len(waiting) == before:
            break
    if len(waiting) > 1:
        try:
            return _with(scenario, waiting, look_up), {}
        except ScenarioError:
            pass
    return scenario, {path: wrong[path] for path in waiting}


def _with(scenario: Scenario, edits: Edits, look_up: LookUp) -> Scenario:
    plain = to_dict(scenario)
    for path, given in edits.items():
        part, field = spec(path)
        entry = entry_of(path)
        where = f"{title_of(plain, entry, part)}, {field.label.lower()}"
        _put(plain, path, parsed(field, given, where))
    made = from_dict(plain)
    for path in edits:
        if spec(path)[1].path in LOOKED_UP:
            entries_of, number, _ = path.split(".")
            look_up(made, entries_of, int(number))
    return made


def _put(plain: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value in, with what follows from it elsewhere."""
    part, field = spec(path)
    entry = value_at(plain, entry_of(path)) if entry_of(path) else plain
    before = value_at(plain, path)
    *steps, last = field.path.split(".")
    owner = entry
    for step in steps:
        owner = owner[step]
    owner[last] = value
    if field.path == "name" and part.many:
        _rename(plain, path, part, before, value)
    if part.key == "faults" and field.path == "kind" and entry["where"] is not None:
        names = [other["name"] for other in plain.get(PLACES.get(FaultKind(value), ""), ())]
        entry["where"] = entry["where"] if entry["where"] in names else None
    if part.key == "pools" and field.path == "agent_type":
        entry["size"] = STANDARD


def _rename(plain: dict[str, Any], path: str, part: Part, before: str, after: str) -> None:
    """Whatever refers to an entry's name follows it."""
    for entry, key in _references(plain, path, part):
        held = entry[key]
        if isinstance(held, list):
            entry[key] = [after if name == before else name for name in held]
        elif held == before:
            entry[key] = after


def _references(
    plain: dict[str, Any], path: str, part: Part
) -> Iterator[tuple[dict[str, Any], str]]:
    """Entries that may name one of the part's, and in which field."""
    if part.key == "agent_types.*.sizes":
        kind = plain["agent_types"][int(path.split(".")[1])]["name"]
        yield from ((pool, "size") for pool in plain["pools"] if pool["agent_type"] == kind)
    for other, field in FIELDS.values():
        if field.names_of == part.key:
            yield from ((value_at(plain, entry), field.path) for entry in entries(plain, other))
    for fault in plain["faults"]:
        if PLACES.get(FaultKind(fault["kind"])) == part.key:
            yield fault, "where"


def options(plain: Mapping[str, Any], path: str) -> list[str]:
    """Names that a field may hold, an empty one first where it may hold none."""
    _, field = spec(path)
    entry = value_at(plain, entry_of(path))
    if field.names_of == "*sizes":
        kind = next(k for k in plain["agent_types"] if k["name"] == entry["agent_type"])
        names = [STANDARD, *(size["name"] for size in kind["sizes"])]
    else:
        part = field.names_of
        if part == "*places":
            part = PLACES.get(FaultKind(entry["kind"]), "")
        names = [other["name"] for other in plain.get(part, ())]
    return ["", *names] if field.optional and field.type is Type.NAME else names


def added(scenario: Scenario, part: Part, owner: int = 0) -> Scenario:
    """One more entry: like the last one, or a first one that can be.

    Args:
        scenario: to add to.
        part: of what kind.
        owner: number of the agent type, for worker sizes.

    Raises:
        ScenarioError: there cannot be one yet, such as a node group without node types.
    """
    plain = to_dict(scenario)
    if part.key == HOLDS.key and plain["guard"] is None:
        plain["guard"] = {"holds": []}
    entries_of = value_at(plain, part.key.replace("*", str(owner)))
    new = copy.deepcopy(entries_of[-1]) if entries_of else _first(plain, part)
    if "name" in new:
        new["name"] = _fresh(new["name"], {entry["name"] for entry in entries_of})
    entries_of.append(new)
    return from_dict(plain)


def _first(plain: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """The smallest first entry; what is left out gets its default."""
    if part.key == "node_groups":
        if not plain["node_types"]:
            raise ScenarioError("there is no node type yet", part.title, "Add a node type first")
        zone = plain["zones"][0]["name"]
        return {"name": "nodes", "node_type": plain["node_types"][0]["name"], "zone": zone}
    if part.key == HOLDS.key:
        return {"pool": plain["pools"][0]["name"]}
    firsts: dict[str, dict[str, Any]] = {
        "node_types": {"name": "node", "cpu_cores": 64.0, "memory_gib": 256.0},
        "agent_types.*.sizes": {"name": "large", "slots": 16, "speed": 2.0},
        "tenants": {"name": "tenant"},
        "priority_classes": {"name": "first", "rank": 1},
        "degradation": {"kind": "shed"},
        "faults": {"kind": "worker-crash", "at_s": 600.0, "for_s": 300.0},
    }
    return firsts[part.key]


def _fresh(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    stem = re.sub(r"-\d+$", "", name)
    return next(f"{stem}-{n}" for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)


def removed(scenario: Scenario, path: str) -> Scenario:
    """The scenario without an entry. Raises ScenarioError where others refer to it."""
    plain = to_dict(scenario)
    owner, _, number = path.rpartition(".")
    entry = value_at(plain, path)
    del value_at(plain, owner)[int(number)]
    try:
        return from_dict(plain)
    except EngineError as error:
        name = entry.get("name")
        raise ScenarioError(
            f"it is still used: {error.what}",
            error.where,
            f"Change that first, then remove {name}",
        ) from None


def switched(scenario: Scenario, part: Part, on: bool) -> Scenario:
    """The scenario with an optional entry at its defaults, or without it."""
    plain = to_dict(scenario)
    owner, _, last = part.key.rpartition(".")
    (value_at(plain, owner) if owner else plain)[last] = {} if on else None
    return from_dict(plain)
