"""Files and folders that a command writes: whether that can be is asked before the work begins."""

import errno
import os
from pathlib import Path
from typing import Any

import click

from engine.errors import StoreError


class Writable(click.Path):
    """A place to write to; one that cannot be written is wrong usage, said before any work."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises click.BadParameter where nothing can be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        why = _hindrance(path, with_parents=not self.file_okay)
        if why is not None:
            self.fail(f"'{path}' cannot be written: {why}.", param, ctx)
        return path


OUT_FILE = Writable(path_type=Path, dir_okay=False, readable=False)
"""Its folder has to be there."""
OUT_FOLDER = Writable(path_type=Path, file_okay=False, readable=False)
"""It is made, with all above it."""


def write(path: Path, content: str | bytes) -> None:
    """Writes text as UTF-8. Raises StoreError where that cannot be."""
    try:
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    except OSError as error:
        raise StoreError(
            f"cannot be written: {error.strerror}", str(path), "Name a place that can be written"
        ) from error


def _hindrance(path: Path, *, with_parents: bool) -> str | None:
    """Why nothing can be written there; None: nothing is known against it."""
    found = path.absolute()
    if not found.exists():
        found = found.parent
        while with_parents and not found.exists():
            found = found.parent
        if not found.is_dir():
            there = errno.ENOTDIR if found.exists() else errno.ENOENT
            return f"'{found}': {os.strerror(there)}"
    return None if os.access(found, os.W_OK) else f"'{found}': {os.strerror(errno.EACCES)}"
