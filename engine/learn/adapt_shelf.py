"""Allocators that were trained beside a store, and which of them the policy `smartscale` uses."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError, UsageError, did_you_mean
from engine.learn.checkpoint import BACK, SHELF, WEIGHTS, load
from models.sac_options import STATE

POLICY = "smartscale"
CURVES, RESULT, PROMOTED, PLAN = "curves.json", "result.json", "promoted.json", "plan.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A training beside the store, finished or not."""

    name: str
    folder: Path
    plan: dict[str, Any]
    """What was asked for; `kind` is `train` or `adapt`."""
    curves: tuple[dict[str, Any], ...]
    """A row an episode."""
    result: dict[str, Any] | None
    """What came out; None: it is not finished."""
    promoted: bool
    """Whether the policy `smartscale` uses it."""

    @property
    def ready(self) -> bool:
        """Whether it has a checkpoint to use."""
        return self.result is not None and (self.folder / WEIGHTS).is_file()


def home(store_path: Path) -> Path:
    """Where the allocators of a store lie."""
    return store_path.with_name(f"{store_path.stem}{SHELF}")


def folder_of(store_path: Path, name: str) -> Path:
    """The folder of a training. Raises UsageError for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a training", "training",
            "Use small letters, digits, dots, dashes and underscores, a letter or digit first",
        )  # fmt: skip
    return home(store_path) / name


def note_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Writes down what was asked for, so that it can go on after a kill.

    The plan of a training that was begun there stays: it goes on by that, or is refused.
    """
    if not ((folder / STATE).is_file() and (folder / PLAN).is_file()):
        _write(folder / PLAN, plan)


def note_result(folder: Path, result: dict[str, Any]) -> None:
    """Writes down what came out."""
    _write(folder / RESULT, result)


def add_curve(folder: Path, row: dict[str, Any]) -> None:
    """Adds an episode to the curves."""
    _write(folder / CURVES, [*curves_of(folder), row])


def curves_of(folder: Path) -> list[dict[str, Any]]:
    """A row an episode; empty before the first."""
    path = folder / CURVES
    return list(json.loads(path.read_text("utf-8"))) if path.is_file() else []


def all_of(store_path: Path) -> list[Shelved]:
    """The trainings of a store, newest first."""
    here = home(store_path)
    if not here.is_dir():
        return []
    folders = [path for path in here.iterdir() if (path / PLAN).is_file()]
    folders.sort(key=lambda path: (path / PLAN).stat().st_mtime, reverse=True)
    return [_shelved(path, promoted(store_path)) for path in folders]


def find(store_path: Path, name: str) -> Shelved:
    """The training of this name. Raises UsageError."""
    folder = folder_of(store_path, name)
    if not (folder / PLAN).is_file():
        known = [each.name for each in all_of(store_path)]
        raise UsageError(f"there is no training {name!r}", "training", did_you_mean(name, known))
    return _shelved(folder, promoted(store_path))


def promote(store_path: Path, name: str | None) -> None:
    """Lets `smartscale` use a trained allocator from now on; None: the shipped one again.

    Raises:
        UsageError: no such training, it is not finished, or it was not better than what it began
            from on the part that was held back.
        CheckpointError: it cannot be read.
    """
    if name is None:
        (home(store_path) / PROMOTED).unlink(missing_ok=True)
        return
    chosen = find(store_path, name)
    if chosen.result is None or not chosen.ready:
        raise UsageError(
            f"the training {name!r} is not finished", "promote", "Let it go on to its end first"
        )
    if not chosen.result.get("better", False):
        raise UsageError(
            f"{name!r} is not better than what is used: {chosen.result.get('verdict', '')}",
            "promote", "Keep what is used, or train on more of the demand",
        )  # fmt: skip
    load(chosen.folder)
    _write(home(store_path) / PROMOTED, {"name": name})


def forget(store_path: Path, name: str) -> None:
    """Removes a training; the one in use gives way to the shipped one.

    Raises UsageError where there is none.
    """
    found = find(store_path, name)
    if found.promoted:
        promote(store_path, None)
    shutil.rmtree(found.folder)


def promoted(store_path: Path) -> str | None:
    """Name of the allocator that `smartscale` uses; None: the shipped one."""
    path = home(store_path) / PROMOTED
    if not path.is_file():
        return None
    return str(json.loads(path.read_text("utf-8"))["name"])


def in_use(store_path: Path) -> Path | None:
    """Checkpoint of the allocator that `smartscale` uses; None: the shipped one.

    Raises:
        CheckpointError: it is gone.
    """
    name = promoted(store_path)
    if name is None:
        return None
    folder = home(store_path) / name
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(
            f"the allocator in use, {name!r}, is gone: there is no {folder / WEIGHTS}",
            "allocator", f"Put it back, or use the shipped one: {BACK}",
        )  # fmt: skip
    return folder


def settled(parameters: Mapping[str, Any], store_path: Path) -> dict[str, Any]:
    """Parameters of a policy that uses an allocator: they name the one in use, or another already.

    Raises:
        CheckpointError: the allocator in use is gone.
    """
    folder = None if "checkpoint" in parameters else in_use(store_path)
    return {**parameters, **({} if folder is None else {"checkpoint": str(folder)})}


def _shelved(folder: Path, used: str | None) -> Shelved:
    result = folder / RESULT
    return Shelved(
        name=folder.name, folder=folder,
        plan=json.loads((folder / PLAN).read_text("utf-8")),
        curves=tuple(curves_of(folder)),
        result=json.loads(result.read_text("utf-8")) if result.is_file() else None,
        promoted=folder.name == used,
    )  # fmt: skip


def _write(path: Path, content: Any) -> None:
    """In place of what was there, once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, allow_nan=False) + "\n", "utf-8")
    part.replace(path)
