"""Opens the DuckDB file, hands out cursors, and turns lock and corruption errors into advice.

A connection is shared by the process; every call takes its own cursor, because threads that
share one DuckDB connection fail at random.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Self

import duckdb
import platformdirs

from engine.errors import StoreError

SCHEMA_VERSION = "1"
MEMORY_LIMIT = "1GiB"
"""For DuckDB's own buffers; imports and queries spill to disk beyond it."""


def default_path() -> Path:
    """`SMARTSCALE_STORE`, or a file in the user's data directory."""
    given = os.environ.get("SMARTSCALE_STORE")
    if given:
        return Path(given).expanduser()
    return Path(platformdirs.user_data_dir("smartscale", appauthor=False)) / "smartscale.duckdb"


class Store:
    """The open DuckDB file. Use as a context manager, or call `close`."""

    def __init__(self, path: Path | None = None, *, memory_limit: str = MEMORY_LIMIT) -> None:
        """Opens or creates the file at `path` (None: `default_path()`).

        Raises:
            StoreError: held by another process, not a store, or from a newer version.
        """
        self.path = (path or default_path()).expanduser().resolve()
        self._connection = _connect(self.path, memory_limit)
        try:
            _migrate(self._connection, self.path)
        except BaseException:
            self._connection.close()
            raise

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own for one call; close it or let it go."""
        return self._connection.cursor()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing: commits at the end, rolls back on any exception, Ctrl-C included."""
        cursor = self.cursor()
        cursor.begin()
        try:
            yield cursor
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        finally:
            cursor.close()

    def close(self) -> None:
        """Writes everything to the file and frees it for another process."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(path: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return duckdb.connect(
            str(path),
            config={"memory_limit": memory_limit},
        )
    except OSError as error:
        raise StoreError(
            f"the store's folder cannot be made: {error.strerror}",
            str(path.parent),
            "Choose another place with --store PATH or SMARTSCALE_STORE",
        ) from error
    except duckdb.Error as error:
        raise _explained(error, path) from error


def _explained(error: duckdb.Error, path: Path) -> StoreError:
    text = str(error)
    if "lock" in text.lower():
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder.group(1)}" if holder else "another process"
        return StoreError(
            f"the store is in use by {who}",
            str(path),
            "Close the dashboard or the command that uses it, or work on another store with "
            "--store PATH",
        )
    return StoreError(
        f"the file cannot be opened as a store: {text.splitlines()[0]}",
        str(path),
        "Point --store at a SmartScale store, or move the file away to start a new one",
    )


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    if tables and "meta" not in tables:
        raise StoreError(
            f"a DuckDB file, but not a SmartScale store: it holds {', '.join(sorted(tables)[:5])}",
            str(path),
            "Point --store at a SmartScale store or at a new file",
        )
    if tables:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        version = str(found[0]) if found else "0"
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"the store has schema version {version}, this program reads {SCHEMA_VERSION}",
                str(path),
                "Use the program version that wrote it, or a new store with --store PATH",
            )
    schema = files("engine.store").joinpath("schema.sql").read_text(encoding="utf-8")
    connection.begin()
    connection.execute(schema)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", [SCHEMA_VERSION])
    # This process holds the file's lock, so whoever was replaying is gone.
    connection.execute(
        "UPDATE runs SET status = 'interrupted', note = 'the process that ran it was stopped' "
        "WHERE status = 'running'"
    )
    connection.commit()
