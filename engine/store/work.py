"""Runs the long statements of an import: with progress, and stoppable at any moment."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from typing import Any, TypeAlias

import duckdb
import numpy as np

from engine.errors import ReplayCancelled
from engine.units import AnyArray

__all__ = ["Work"]

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

_POLL_S = 0.1


class Work:
    """A cursor, who is told how far things are, and who may stop them.

    Statements run in a thread of their own, so that the caller's thread stays free to report
    progress, to notice a cancellation and to receive Ctrl-C.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        progress: Callable[[float, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        """Takes the cursor of an open transaction; `progress` gets a share and what is done."""
        self.cursor = cursor
        self._progress = progress or (lambda _share, _text: None)
        self._cancel = cancel or (lambda: False)
        self._done, self._share, self._text = 0.0, 0.0, ""
        cursor.execute("SET enable_progress_bar = true")  # else there is no progress to ask for
        cursor.execute("SET enable_progress_bar_print = false")
        # Without the ICU extension there is no such setting, and UTC is the only zone.
        with suppress(duckdb.CatalogException):
            cursor.execute("SET TimeZone = 'UTC'")

    def phase(self, share: float, text: str) -> None:
        """Begins a stretch that is `share` of the whole; the one before it is complete."""
        self._done = min(self._done + self._share, 1.0)
        self._share, self._text = share, text
        self.tick(0.0)

    def tick(self, part: float) -> None:
        """Reports that this part (0 to 1) of the phase is done.

        Raises:
            ReplayCancelled: somebody asked to stop.
        """
        if self._cancel():
            raise ReplayCancelled(
                "the import was cancelled", "import", "The store is unchanged; import it again"
            )
        self._progress(min(self._done + part * self._share, 1.0), self._text)

    def run(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Executes one statement to its end and returns its rows."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self._execute, sql, parameters)
            try:
                return self._watch(future)
            except BaseException:
                self.cursor.interrupt()
                raise

    def arrays(self, sql: str, parameters: Parameters = ()) -> tuple[AnyArray, ...]:
        """The columns of a statement's result, without NULLs, as arrays."""
        columns = self.cursor.execute(sql, parameters).fetchnumpy()
        return tuple(np.asarray(column) for column in columns.values())

    def one(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...]:
        """The only row of a statement."""
        (row,) = self.run(sql, parameters)
        return row

    def _execute(self, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        return self.cursor.execute(sql, parameters).fetchall()

    def _watch(self, future: Future[list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        while True:
            try:
                return future.result(_POLL_S)
            except NotYet:
                self.tick(max(self.cursor.query_progress(), 0.0) / 100)
