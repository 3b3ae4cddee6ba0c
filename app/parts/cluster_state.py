"""The scenario being edited: the last good one, and what is typed that is not in it.

The session holds the good scenario as TOML text, edits that cannot be, and why. Inputs are keyed
by the path of their value.
"""

from collections.abc import Callable, Mapping
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


def enter(section: str) -> None:
    """Before the inputs of a section: has them say their values again if another one was shown.

    A browser that is behind may ask for a section again before it has left it. The session then
    still holds what its inputs held, but the browser forgets it, and shows them empty unless
    they are told. Inputs of the same section are not: what is being typed into one would be lost.
    """
    if state.get(state.CLUSTER_SHOWN) != section:
        state.forget(state.CLUSTER_SHOWN)


def entered(section: str) -> None:
    """After the inputs of a section: all have been told their values."""
    state.put(state.CLUSTER_SHOWN, section)


def must_tell(key: str) -> bool:
    """Whether an input has to be told its value."""
    return state.get(state.CLUSTER_SHOWN) is None or state.get(key) is None


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
    if state.get(INPUT + path) is None:
        return  # of an input that was given up meanwhile
    edits = dict(state.get(state.CLUSTER_EDITS, {}))
    edits.pop(path, None)
    edits[path] = state.get(INPUT + path)
    scenario, wrong = cluster_draft.applied(current(), edits, load.planner().check_series)
    _keep(scenario, edits, wrong)
    if path not in wrong:
        state.put(INPUT + path, given(to_dict(scenario), path))  # as such a value is written


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
    scenario, wrong = cluster_draft.applied(scenario, kept, load.planner().check_series)
    _keep(scenario, kept, wrong)
    for key in state.keys(INPUT + part):
        state.forget(key)  # its entry may be another one now


def _keep(scenario: Scenario, edits: Mapping[str, Any], wrong: Mapping[str, EngineError]) -> None:
    """Another good scenario, and the edits that are not in it."""
    triples = {path: (error.what, error.where, error.fix) for path, error in wrong.items()}
    state.put(state.CLUSTER_EDITS, {path: edits[path] for path in wrong})
    state.put(state.CLUSTER_WRONG, triples)
    before = current()
    if scenario == before:
        return
    state.put(state.CLUSTER_PRESET, None)
    state.put(state.CLUSTER_BASE, to_toml(scenario))
    plain, old = to_dict(scenario), to_dict(before)
    for key in state.keys(INPUT):
        path = key.removeprefix(INPUT)
        if path not in wrong:
            _refresh(key, path, plain, old)


def _refresh(key: str, path: str, plain: dict[str, Any], old: dict[str, Any]) -> None:
    """Shows the good value where an edit of another input changed it."""
    _, field = cluster_draft.spec(path)
    try:
        value, was = (shown(field, cluster_draft.value_at(each, path)) for each in (plain, old))
    except IndexError:
        return  # of an entry that is not there any more
    if value != was:
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
