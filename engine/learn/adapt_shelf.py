"""Allocators that were trained beside a store, and which of them the policy `smartscale` uses."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open

from engine.errors import CheckpointError, UsageError, did_you_mean
from engine.evaluate.families import SHIPPED
from engine.learn import checkpoint
from engine.learn.checkpoint import BACK, SHELF, WEIGHTS, load
from models.sac_options import STATE

POLICY = "smartscale"
CURVES, RESULT, PROMOTED, PLAN = "curves.json", "result.json", "promoted.json", "plan.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_T = TypeVar("_T")


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


def place_for(store_path: Path, name: str) -> Path:
    """The folder for a training of one's own.

    Raises:
        UsageError: a name that cannot be one, or that of an allocator of the product.
    """
    folder = folder_of(store_path, name)
    if name == SHIPPED or checkpoint.folder_of(name).parent == checkpoint.SHIPPED.parent:
        raise UsageError(
            f"{name!r} is the name of a checkpoint that comes with the product", "training",
            "Choose another name",
        )  # fmt: skip
    return folder


def note_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Writes down what was asked for, so that it can go on after a kill.

    The plan of a training that was begun there stays: it goes on by that, or is refused.

    Raises:
        CheckpointError: what is kept of that training is damaged.
    """
    anew = f"Remove {folder}: the training then begins anew"
    with _readable(folder / STATE, anew):
        if (folder / STATE).is_file():
            with safe_open(folder / STATE, "np"):
                pass
    if not ((folder / STATE).is_file() and (folder / PLAN).is_file()):
        _write(folder / PLAN, plan)


def note_result(folder: Path, result: dict[str, Any]) -> None:
    """Writes down what came out."""
    _write(folder / RESULT, result)


def add_curve(folder: Path, row: dict[str, Any]) -> None:
    """Adds an episode to the curves."""
    _write(folder / CURVES, [*curves_of(folder), row])


def curves_of(folder: Path) -> list[dict[str, Any]]:
    """A row an episode; empty before the first. Raises CheckpointError."""
    path = folder / CURVES
    return _read(path, list) if path.is_file() else []


def all_of(store_path: Path) -> list[Shelved]:
    """The trainings of a store that can be read, newest first."""
    return [each for each in _tried(store_path) if isinstance(each, Shelved)]


def damaged(store_path: Path) -> list[CheckpointError]:
    """What is wrong with the others: the file, and what to do."""
    return [each for each in _tried(store_path) if isinstance(each, CheckpointError)]


def find(store_path: Path, name: str) -> Shelved:
    """The training of this name. Raises UsageError, or CheckpointError for a damaged one."""
    folder = folder_of(store_path, name)
    if not (folder / PLAN).is_file():
        known = [path.name for path in _folders(store_path)]
        fix = did_you_mean(name, known) if known else (
            "None was trained beside this store yet; smartscale adapt --trace TRACE trains one"
        )  # fmt: skip
        raise UsageError(f"there is no training {name!r}", "training", fix)
    return _shelved(folder, _promoted(store_path))


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
    if chosen.result is None:
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
    """Removes a training; the one in use gives way to the shipped one. Raises as `find`."""
    found = find(store_path, name)
    if found.promoted:
        promote(store_path, None)
    shutil.rmtree(found.folder)


def in_use(store_path: Path) -> Path | None:
    """Checkpoint of the allocator that `smartscale` uses; None: the shipped one.

    Raises:
        CheckpointError: it is gone, or which one it is cannot be read.
    """
    path = home(store_path) / PROMOTED
    if not path.is_file():
        return None
    with _readable(path, f"Use the shipped one: {BACK}"):
        name = str(_parsed(path, dict)["name"])
    folder = home(store_path) / name
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(
            f"the allocator in use, {name!r}, is gone: there is no {folder / WEIGHTS}",
            f"store {store_path}", f"Put it back, or use the shipped one: {BACK}",
        )  # fmt: skip
    return folder


def settled(parameters: Mapping[str, Any], store_path: Path) -> dict[str, Any]:
    """Parameters of a policy that uses an allocator: they name the one in use, or another already.

    Raises:
        CheckpointError: the allocator in use is gone.
    """
    folder = None if "checkpoint" in parameters else in_use(store_path)
    return {**parameters, **({} if folder is None else {"checkpoint": str(folder)})}


def _folders(store_path: Path) -> list[Path]:
    """Of the trainings, newest first."""
    here = home(store_path)
    found = [path for path in here.iterdir() if (path / PLAN).is_file()] if here.is_dir() else []
    return sorted(found, key=lambda path: (path / PLAN).stat().st_mtime, reverse=True)


def _promoted(store_path: Path) -> Path | None:
    """As `in_use`; also None where it cannot be used."""
    try:
        return in_use(store_path)
    except CheckpointError:
        return None


def _tried(store_path: Path) -> Iterator[Shelved | CheckpointError]:
    used = _promoted(store_path)
    for folder in _folders(store_path):
        try:
            yield _shelved(folder, used)
        except CheckpointError as error:
            yield error


def _shelved(folder: Path, used: Path | None) -> Shelved:
    result = folder / RESULT
    return Shelved(
        name=folder.name, folder=folder, plan=_read(folder / PLAN, dict),
        curves=tuple(curves_of(folder)), result=_read(result, dict) if result.is_file() else None,
        promoted=folder == used,
    )  # fmt: skip


@contextmanager
def _readable(path: Path, fix: str) -> Iterator[None]:
    """Whatever a damaged file raises is a CheckpointError that names it and the fix."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        what = f"the file {path.name} cannot be read: {error}"
        raise CheckpointError(what, str(path), fix) from error


def _read(path: Path, kind: type[_T]) -> _T:
    """What a training's file holds. Raises CheckpointError."""
    with _readable(path, f"Put it back, or remove {path.parent}: the training is then forgotten"):
        return _parsed(path, kind)


def _parsed(path: Path, kind: type[_T]) -> _T:
    """Raises OSError or ValueError."""
    found = json.loads(path.read_text("utf-8"))
    if not isinstance(found, kind):
        raise ValueError(f"it holds no {kind.__name__}")
    return found


def _write(path: Path, content: Any) -> None:
    """In place of what was there, once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, allow_nan=False) + "\n", "utf-8")
    part.replace(path)
