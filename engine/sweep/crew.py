"""Processes that replay trials, all cores at work; they end when their parent does."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Self

from engine.errors import ReplayCancelled
from engine.sweep.trial import Cancel, Task, Trial, perform

TOGETHER = 8
"""Trials that a process replays in lockstep before it reports."""
_POLL_S = 0.2


class Crew:
    """Replays tasks. Use as a context manager; processes are kept from one call to the next."""

    def __init__(self, workers: int | None = None, cancel: Cancel | None = None) -> None:
        """With 1 worker everything is done in this process.

        Args:
            workers: processes; None: one a core. Most of a replay is Python between the ticks,
                so threads would wait for one another.
            cancel: asked now and then.
        """
        self._workers = workers or os.cpu_count() or 1
        self._cancel = cancel
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def perform(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        """Trials as they are done, in whatever order.

        Raises:
            ReplayCancelled: `cancel` returned true.
        """
        if self._workers == 1 or len(tasks) == 1:
            for task in tasks:
                self._ask()
                yield from perform([task], self._cancel)
            return
        yield from self._spread(tasks)

    def _spread(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, get_context("spawn"), initializer=_end_with_parent
            )
        size = max(1, min(TOGETHER, -(-len(tasks) // self._workers)))
        parts = [tasks[at : at + size] for at in range(0, len(tasks), size)]
        work = {self._pool.submit(perform, part) for part in parts}
        while work:
            ready, work = wait(work, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in ready:
                yield from future.result()
            self._ask()

    def _ask(self) -> None:
        if self._cancel is not None and self._cancel():
            raise ReplayCancelled(
                "the sweep was stopped", "sweep",
                "Start it again when you like: it goes on where it was",
            )  # fmt: skip


def _end_with_parent() -> None:
    """A killed parent cannot end its processes, so they watch it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()
