"""The scenario being edited: the last good one, and what is typed that is not in it.

The session holds the good scenario as TOML text, edits that cannot be, and why. Inputs are keyed
by the path of their value.
"""

from collections.abc import Callable
from typing import Any

from app import cluster_draft, load, state
from app.cluster_fields import Part
from app.cluster_text import shown
from engine.errors import EngineError
from engine.scenario import Scenario
from engine.scenario_file import from_toml, to_dict, to_toml

INPUT = "cluster:"
"""Before the path in the key of an input."""


def prepare() -> None:
    """Fills the session with the first preset of a cluster the first time."""
    if state.get(state.CLUSTER_BASE) is None:
        presets = load.planner().presets()
        scenario = next(each for each in presets.values() if each.node_groups)
        state.put(state.CLUSTER_PRESET, scenario.name)
        take_over(scenario)


def current() -> Scenario:
    """The last good scenario."""
    return from_toml(state.get(state.CLUSTER_BASE))


def take_over(scenario: Scenario) -> None:
    """Another scenario in place of all that was there."""
    state.put(state.CLUSTER_BASE, to_toml(scenario))
    state.put(state.CLUSTER_EDITS, {})
    state.put(state.CLUSTER_WRONG, {})
    state.forget(state.CLUSTER_PROBLEM, state.CLUSTER_NOTES, *state.keys(INPUT))


def problem(path: str) -> EngineError | None:
    """What is wrong with what the input of a path holds; None: nothing."""
    kept = state.get(state.CLUSTER_WRONG, {}).get(path)
    return None if kept is None else EngineError(*kept)


def wrong_paths() -> list[str]:
    """Paths whose inputs hold what cannot be, and those of buttons that were refused."""
    return list(state.get(state.CLUSTER_WRONG, {}))


def given(plain: dict[str, Any], path: str) -> Any:
    """What the input of a path starts with: what was typed, else the good value."""
    edits = state.get(state.CLUSTER_EDITS, {})
    _, field = cluster_draft.spec(path)
    return edits[path] if path in edits else shown(field, cluster_draft.value_at(plain, path))


def typed(path: str) -> None:
    """Callback of an input: takes over what can be, and keeps the rest with its reason."""
    edits = dict(state.get(state.CLUSTER_EDITS, {}))
    edits.pop(path, None)
    edits[path] = state.get(INPUT + path)
    scenario, wrong = cluster_draft.applied(current(), edits)
    state.put(state.CLUSTER_EDITS, {path: edits[path] for path in wrong})
    _keep(scenario, wrong)


def changed(path: str, make: Callable[[], Scenario]) -> None:
    """Callback of a button: the scenario it makes, or why not, told at `path`.

    Edits that wait are given up where entries may have moved.
    """
    try:
        scenario = make()
    except EngineError as error:
        state.put(
            state.CLUSTER_WRONG,
            {**state.get(state.CLUSTER_WRONG, {}), path: (error.what, error.where, error.fix)},
        )
        return
    part = path.split(".", maxsplit=1)[0]
    edits = state.get(state.CLUSTER_EDITS, {})
    kept = {other: value for other, value in edits.items() if not other.startswith(part)}
    scenario, wrong = cluster_draft.applied(scenario, kept)
    state.put(state.CLUSTER_EDITS, {other: kept[other] for other in wrong})
    _keep(scenario, dict(wrong))


def _keep(scenario: Scenario, wrong: dict[str, Any]) -> None:
    triples = {path: (error.what, error.where, error.fix) for path, error in wrong.items()}
    state.put(state.CLUSTER_WRONG, triples)
    if scenario != current():
        state.put(state.CLUSTER_PRESET, None)
        state.put(state.CLUSTER_BASE, to_toml(scenario))
    plain = to_dict(scenario)
    for key in state.keys(INPUT):
        _refresh(plain, key, triples)


def _refresh(plain: dict[str, Any], key: str, wrong: dict[str, Any]) -> None:
    """Shows the good value again where another edit changed it."""
    path = key.removeprefix(INPUT)
    if path in wrong:
        return
    try:
        _, field = cluster_draft.spec(path)
        value = shown(field, cluster_draft.value_at(plain, path))
    except (IndexError, KeyError):
        state.forget(key)  # its entry is gone
        return
    if state.get(key) != value:
        state.put(key, value)


def add(part: Part, owner: int = 0) -> None:
    """Callback: one more entry."""
    path = part.key.replace("*", str(owner))
    changed(path, lambda: cluster_draft.added(current(), part, owner))


def remove(path: str) -> None:
    """Callback: without an entry."""
    changed(path, lambda: cluster_draft.removed(current(), path))


def switch(part: Part, key: str) -> None:
    """Callback: an optional entry on or off, as its switch says."""
    on = bool(state.get(key))
    changed(part.key, lambda: cluster_draft.switched(current(), part, on))
