"""Checkpoints for tests that need one but train none."""

import shutil
from pathlib import Path

from engine.learn import adapt_shelf as shelf
from engine.learn.checkpoint import SHIPPED, WEIGHTS


def copy_shipped(folder: Path, name: str = SHIPPED.name) -> None:
    """An allocator that comes with the product, in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SHIPPED.parent / name / WEIGHTS, folder / WEIGHTS)


def put_in_use(store_path: Path, name: str = "own") -> Path:
    """Lets `smartscale` use another allocator than the shipped one; its folder."""
    folder = shelf.folder_of(store_path, name)
    copy_shipped(folder, "allocator-1")
    shelf.note_plan(folder, {"kind": "train"})
    shelf.note_result(folder, {"better": True, "verdict": "it is so"})
    shelf.promote(store_path, name)
    return folder
