"""Finds policies by name among the installed packages, and makes them from what people type.

A policy is an entry point of the group `smartscale.policies`; ours are found the same way as
anybody else's. `hpa:target=0.6:sync_s=15` names one with two parameters.
"""

import inspect
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import EngineError, PolicyError, did_you_mean
from engine.policies.base import Policy, PolicyContext, PolicyFactory
from engine.policies.described import meanings

GROUP = "smartscale.policies"

Value = int | float | bool | str

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_WORDS: Mapping[str, bool] = {"true": True, "false": False}
_OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_COMMA = re.compile(r",\s*[A-Za-z_][\w-]*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """A policy's name and parameters; `str()` is the one way to write them."""

    name: str
    parameters: tuple[tuple[str, Value], ...] = ()
    """Sorted by name, each name once."""

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{name}={_text(v)}" for name, v in self.parameters)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterInfo:
    """One parameter of a policy."""

    name: str
    required: bool
    default: object
    """None where required, and where the default is None."""
    meaning: str
    """With unit and range; empty where the policy's author says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInfo:
    """What a list of policies shows."""

    name: str
    description: str
    """First line of the class's docstring."""
    parameters: tuple[ParameterInfo, ...]
    package: str
    """The installed package that brings it."""
    problem: str | None = None
    """Why it cannot be used, with nothing known of its parameters; None: it can."""


def parse_spec(text: str) -> PolicySpec:
    """`name`, or `name:parameter=value:...`, as a spec.

    Values become whole numbers, numbers, true and false, or else stay text.

    Raises:
        PolicyError: no name, no value, or a parameter twice.
    """
    name, *parts = text.strip().split(":")
    if not _NAME.fullmatch(name):
        raise _unreadable(text, f"{name!r} is no policy name")
    if _COMMA.search(text):
        raise _unreadable(text, "parameters are joined by a comma")
    parameters: dict[str, Value] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value or not _NAME.fullmatch(key):
            raise _unreadable(text, f"{part!r} is no parameter with a value")
        if key in parameters:
            raise _unreadable(text, f"parameter {key!r} is given twice")
        parameters[key] = _value(value)
    return PolicySpec(name=name, parameters=tuple(sorted(parameters.items())))


def available() -> Mapping[str, PolicyInfo]:
    """Every policy that is installed, by name; one that cannot be loaded says why."""
    return {name: _info(name, points) for name, points in sorted(_installed().items())}


def find(spec: PolicySpec) -> PolicyFactory:
    """What makes the policy that a spec names.

    Raises:
        PolicyError: no such policy or parameter, or a policy that cannot be loaded.
    """
    installed = _installed()
    if spec.name not in installed:
        raise PolicyError(
            f"there is no policy {spec.name!r}",
            f"policy {str(spec)!r}",
            did_you_mean(spec.name, installed),
        )
    factory = _load(spec.name, installed[spec.name])
    _check_parameters(spec, _parameters(factory))
    return factory


def create(spec: PolicySpec, context: PolicyContext) -> Policy:
    """A fresh policy for one run.

    Raises:
        PolicyError: no such policy or parameter, a value out of range, or a policy that cannot
            be loaded or does not keep the contract.
    """
    factory = find(spec)
    try:
        policy = factory(context, **dict(spec.parameters))
    except EngineError:
        raise
    except Exception as error:
        raise PolicyError(
            f"policy {str(spec)!r} cannot be made: {type(error).__name__}: {error}",
            f"policy {spec.name!r}",
            "Check the values of its parameters, or repair the policy",
        ) from error
    _check_contract(spec, policy)
    return policy


def _installed() -> Mapping[str, list[EntryPoint]]:
    """Entry points by name; those with the same target count once."""
    return _scanned(entry_points, tuple((folder, _changed(folder)) for folder in sys.path))


@lru_cache(maxsize=4)
def _scanned(
    points: Callable[..., Iterable[EntryPoint]],
    folders: tuple[tuple[str, int], ...],  # noqa: ARG001 - what the answer depends on
) -> Mapping[str, list[EntryPoint]]:
    """Reading what every installed package says takes milliseconds, and each replay asks often."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in points(group=GROUP):
        found.setdefault(point.name, {}).setdefault(point.value, point)
    return MappingProxyType({name: list(each.values()) for name, each in found.items()})


def _changed(folder: str) -> int:
    """When something was last installed there; 0 where there is no such folder."""
    try:
        return Path(folder or ".").stat().st_mtime_ns
    except OSError:
        return 0


def _load(name: str, points: list[EntryPoint]) -> PolicyFactory:
    if len(points) > 1:
        raise PolicyError(
            f"{len(points)} packages bring a policy {name!r}",
            ", ".join(f"{_package(point)} ({point.value})" for point in points),
            "Uninstall all but one of them, or rename the entry point",
        )
    point = points[0]
    where = f"entry point {name!r} = {point.value!r} of package {_package(point)!r}"
    try:
        factory = point.load()
    except Exception as error:
        raise PolicyError(
            f"policy {name!r} cannot be loaded: {type(error).__name__}: {error}",
            where,
            "Repair or uninstall that package; the other policies still work",
        ) from error
    if not callable(factory) or (isinstance(factory, type) and not hasattr(factory, "propose")):
        raise PolicyError(
            f"policy {name!r} is not a class with `propose`",
            where,
            "Let the entry point name a class with `interval_s` and `propose`",
        )
    if not inspect.signature(factory).parameters:
        raise PolicyError(
            f"policy {name!r} does not take the context of a run",
            where,
            "Let its constructor take the PolicyContext first, then keyword parameters",
        )
    loaded: PolicyFactory = factory
    return loaded


def _info(name: str, points: list[EntryPoint]) -> PolicyInfo:
    package = ", ".join(_package(point) for point in points)
    try:
        factory = _load(name, points)
    except PolicyError as error:
        return PolicyInfo(
            name=name, description="", parameters=(), package=package, problem=str(error)
        )
    described = (inspect.getdoc(factory) or "").partition("\n")[0]
    meaning = meanings(factory)
    parameters = tuple(
        ParameterInfo(
            name=parameter.name,
            required=parameter.default is parameter.empty,
            default=None if parameter.default is parameter.empty else parameter.default,
            meaning=meaning.get(parameter.name, ""),
        )
        for parameter in _parameters(factory)
        if parameter.kind not in _OPEN
    )
    return PolicyInfo(name=name, description=described, parameters=parameters, package=package)


def _parameters(factory: PolicyFactory) -> list[inspect.Parameter]:
    """All but the first, which is the context."""
    return list(inspect.signature(factory).parameters.values())[1:]


def _check_parameters(spec: PolicySpec, parameters: list[inspect.Parameter]) -> None:
    given = dict(spec.parameters)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = {p.name: p for p in parameters if p.kind not in _OPEN}
    unknown = [name for name in given if name not in named]
    if unknown and not open_ended:
        raise PolicyError(
            f"policy {spec.name!r} has no parameter {unknown[0]!r}",
            f"policy {str(spec)!r}",
            did_you_mean(unknown[0], named) if named else "Leave it out: it has no parameters",
        )
    missing = [n for n, p in named.items() if p.default is p.empty and n not in given]
    if missing:
        raise PolicyError(
            f"policy {spec.name!r} needs parameter {missing[0]!r}",
            f"policy {str(spec)!r}",
            f"Write {spec.name}:{missing[0]}=VALUE",
        )


def _check_contract(spec: PolicySpec, policy: Any) -> None:
    interval_s = getattr(policy, "interval_s", None)
    timed = isinstance(interval_s, int | float) and 0.0 < interval_s < math.inf
    if not timed or not callable(getattr(policy, "propose", None)):
        raise PolicyError(
            f"policy {spec.name!r} lacks a positive `interval_s` or a method `propose`",
            f"policy {str(spec)!r}, made by {type(policy).__module__}.{type(policy).__name__}",
            "Give its class both, as engine.policies.base.Policy says",
        )


@lru_cache(maxsize=64)
def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _value(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unreadable(text: str, what: str) -> PolicyError:
    return PolicyError(
        what, f"policy {text!r}",
        "Write it as name:parameter=value, further parameters after further colons, such as "
        "hpa:target=0.6:sync_s=30",
    )  # fmt: skip
