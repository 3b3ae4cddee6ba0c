"""Scenarios as TOML files, plain values and content hashes.

TOML has no word for "absent": a field that may be absent and is, although its default is a
number, is written as the text "none".
"""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import tomli_w

from engine.errors import ScenarioError, did_you_mean
from engine.scenario import Scenario

NONE = "none"


def to_dict(scenario: Scenario) -> dict[str, Any]:
    """Plain values, ready for JSON."""
    values: dict[str, Any] = json.loads(msgspec.json.encode(scenario))
    return values


@lru_cache(maxsize=256)
def content_hash(scenario: Scenario) -> str:
    """First 12 hex digits of SHA-256 over the canonical JSON; the name does not count.

    Equal scenarios have equal hashes: 15 and 15.0 seconds are the same tick.
    """
    values = to_dict(from_dict(to_dict(scenario)))
    del values["name"]
    absent = ((values, "guard"), (values["priorities"], "carbon_threshold_percentile"))
    for part, name in absent:  # as if there were no such field: ids of runs outlive it
        if part[name] is None:
            del part[name]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def from_dict(values: Mapping[str, Any], where: str = "scenario") -> Scenario:
    """A scenario from plain values; what is left out keeps its default.

    Raises:
        ScenarioError: unknown key (the nearest known one is named), wrong type, out of range.
    """
    try:
        return msgspec.convert(_checked(Scenario, values, where), Scenario)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ScenarioError):
            raise error.__cause__ from None
        what, _, path = str(error).partition(" - at ")
        spot = path.strip("`").removeprefix("$.") or "top level"
        raise ScenarioError(what, f"{where}: {spot}", "Correct the value") from None


def _checked(kind: Any, values: Any, where: str) -> Any:
    """`values` without unknown keys and with NONE read as None, recursively."""
    if not isinstance(values, Mapping):
        return values  # msgspec reports the wrong type
    fields = _fields(kind)
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise ScenarioError(f"unknown key {key!r}", where, did_you_mean(str(key), fields))
        optional, part = fields[key]
        if value == NONE and optional:
            checked[key] = None
        elif part is not None and isinstance(value, list | tuple):
            rows = enumerate(value)
            checked[key] = [_checked(part, row, f"{where}: {key}[{n}]") for n, row in rows]
        else:
            checked[key] = value if part is None else _checked(part, value, f"{where}: {key}")
    return checked


@cache
def _fields(kind: Any) -> dict[str, tuple[bool, Any]]:
    """Of each field of a dataclass: may it be None, and the dataclass that it or its items are."""
    fields = {}
    for key, hint in get_type_hints(kind).items():
        options = (hint, *get_args(hint))
        part = next((option for option in options if dataclasses.is_dataclass(option)), None)
        fields[key] = type(None) in options, part
    return fields


def from_toml(text: str, where: str = "scenario") -> Scenario:
    """Parses a scenario file's text. Raises ScenarioError, with the line for bad TOML."""
    try:
        return from_dict(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not valid TOML: {error}", where, "Correct that line") from None


def load(path: Path) -> Scenario:
    """Reads a scenario file. Raises ScenarioError if it is missing or wrong."""
    try:
        return from_toml(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ScenarioError(
            f"cannot be read: {error.strerror}", str(path), "Check the file's path and rights"
        ) from None
    except UnicodeDecodeError:
        raise ScenarioError("not UTF-8 text", str(path), "Save the file as UTF-8") from None


def to_toml(scenario: Scenario) -> str:
    """The scenario file's text; reads back to an equal scenario."""
    return tomli_w.dumps(_with_none_written(to_dict(scenario)))


def _with_none_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_none_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_none_written(item) for item in value]
    return NONE if value is None else value


def with_settings(scenario: Scenario, settings: Mapping[str, str]) -> Scenario:
    """The scenario with dotted paths set from text: `pools.chat.workers_max` = "20".

    Lists are addressed by the name of their item (or its number). An absent part has its
    defaults once one of its fields is set. Text is read as a TOML value, else taken as it stands.

    Raises:
        ScenarioError: no such path, the value does not fit, or the part lacks what it must have.
    """
    values = to_dict(scenario)
    for path, text in settings.items():
        _assign(values, path, text)
    return from_dict(values, "--set")


def _assign(values: dict[str, Any], path: str, text: str) -> None:
    *parents, last = path.split(".")
    spot: Any = values
    kind: Any = Scenario
    for key in parents:
        spot, kind = _step(spot, kind, key, path)
    if not isinstance(spot, dict) or last not in _fields(kind):
        raise _no_field(spot, kind, last, path)
    try:
        spot[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        spot[last] = text


def _step(spot: Any, kind: Any, key: str, path: str) -> tuple[Any, Any]:
    """The part under a key and the dataclass that it or its items are; None, None for a value."""
    if isinstance(spot, dict) and key in _fields(kind):
        optional, part = _fields(kind)[key]
        if part is None:
            return None, None
        if spot.get(key) is None and optional:
            spot[key] = {}  # what is not set keeps its default
        return spot.get(key), part
    entries = _entries(spot)
    if key in entries:
        return spot[entries.index(key)], kind
    if key.isdigit() and int(key) < len(entries):
        return spot[int(key)], kind
    raise _no_field(spot, kind, key, path)


def _no_field(spot: Any, kind: Any, key: str, path: str) -> ScenarioError:
    if kind is None:
        fix = "Leave it out: what stands before it has no fields"
    elif isinstance(spot, dict):
        fix = did_you_mean(key, _fields(kind))
    elif (known := _entries(spot)) and key not in known:
        fix = did_you_mean(key, known)
    else:
        fix = "Name a field of an entry, or set the list as a whole, as a scenario file writes it"
    return ScenarioError(f"no field {key!r}", f"--set {path}", fix)


def _entries(spot: Any) -> list[str]:
    """The names of a list's entries, their numbers where they have none."""
    if not isinstance(spot, list):
        return []
    rows = enumerate(spot)
    return [item.get("name", str(n)) if isinstance(item, dict) else str(n) for n, item in rows]
