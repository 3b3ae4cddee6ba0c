"""Threads and processes that replay trials, all cores at work; they end when their parent does."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from multiprocessing import get_context, parent_process
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from engine.errors import ReplayCancelled
from engine.scenario import Scenario
from engine.sweep.trial import (
    Cancel,
    Task,
    Trial,
    is_quick,
    make_ready,
    perform,
    perform_quickly,
)

T = TypeVar("T")
TOGETHER = 8
"""Trials that a process replays in lockstep before it reports."""
_POLL_S = 0.2


class Crew:
    """Replays tasks. Use as a context manager; processes are kept from one call to the next."""

    def __init__(self, workers: int | None = None, cancel: Cancel | None = None) -> None:
        """With 1 worker everything is done in this process.

        Args:
            workers: threads or processes; None: one a core. Most of a replay is Python between
                the ticks, so threads would wait for one another; only what needs no Python
                there is done in threads, which share the requests.
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
        groups: dict[tuple[Path, Scenario], list[Task]] = {}
        others = []
        for task in tasks:
            if is_quick(task):
                groups.setdefault((task.demand, task.scenario), []).append(task)
            else:
                others.append(task)
        for group in groups.values():
            yield from self._threaded(group)
        if self._workers > 1 and len(others) > 1:
            yield from self._spread(others)
            return
        for task in others:
            self._ask()
            yield from perform([task], self._cancel)

    def _threaded(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        """Tasks of one cluster and demand, a thread a core: their loops need no interpreter."""
        self._ask()
        make_ready(tasks[0])
        with ThreadPoolExecutor(self._workers) as threads:
            work = {threads.submit(perform_quickly, task, self._stopped) for task in tasks}
            try:
                yield from self._gathered(work)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _spread(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, get_context("spawn"), initializer=_end_with_parent
            )
        size = max(1, min(TOGETHER, -(-len(tasks) // self._workers)))
        parts = [tasks[at : at + size] for at in range(0, len(tasks), size)]
        work = {self._pool.submit(perform, part) for part in parts}
        for trials in self._gathered(work):
            yield from trials

    def _gathered(self, work: set[Future[T]]) -> Iterator[T]:
        """Results as they are there, in whatever order."""
        while work:
            ready, work = wait(work, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
            self._ask()

    def _stopped(self) -> bool:
        return self._cancel is not None and self._cancel()

    def _ask(self) -> None:
        if self._stopped():
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
