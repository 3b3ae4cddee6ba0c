"""The `smartscale` command: everything the pages can do, without a browser.

What takes long to import (numba, DuckDB, the planner) is imported inside the commands, so that
`smartscale --help` answers at once.
"""

from engine.cli.entry import main

__all__ = ["main"]
