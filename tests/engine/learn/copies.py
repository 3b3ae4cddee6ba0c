"""Checkpoints for tests that need one but train none."""

import shutil
from pathlib import Path

from engine.learn.checkpoint import SHIPPED, WEIGHTS


def copy_shipped(folder: Path) -> None:
    """The allocator that comes with the product, in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SHIPPED / WEIGHTS, folder / WEIGHTS)
