"""Threads and processes that replay trials, all cores at work; they end when their parent does."""

import os
import tempfile
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
_POLL_S = 0.2
GRACE_S = 2.0
"""So long a stop waits for what is about to end; processes that only begin end by themselves."""


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
        self._over = False
        self._pool: ProcessPoolExecutor | None = None
        self._at_work: Path | None = None
        """A file that is there for as long as the processes are to go on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
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
            self.ask()
            yield from perform([task], self._cancel)

    def _threaded(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        """Tasks of one cluster and demand, a thread a core: their loops need no interpreter."""
        self.ask()
        make_ready(tasks[0])
        with ThreadPoolExecutor(self._workers) as threads:
            work = {threads.submit(perform_quickly, task, self._stopped) for task in tasks}
            try:
                yield from self._gathered(work)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _spread(self, tasks: Sequence[Task]) -> Iterator[Trial]:
        """Each task for itself, so that a stop loses nothing that is done.

        Those of one demand and cluster come after one another: a process prepares them once.
        """
        if self._pool is None or self._at_work is None:
            handle, name = tempfile.mkstemp(prefix="smartscale-crew-")
            os.close(handle)
            self._at_work = Path(name)
            self._pool = ProcessPoolExecutor(
                self._workers, get_context("spawn"), initializer=_end_with_parent
            )
        groups: dict[tuple[Path, Scenario], list[Task]] = {}
        for task in tasks:
            groups.setdefault((task.demand, task.scenario), []).append(task)
        for trials in self._gathered(
            {
                self._pool.submit(_performed, task, self._at_work)
                for group in groups.values()
                for task in group
            }
        ):
            yield from trials

    def _gathered(self, work: set[Future[T]]) -> Iterator[T]:
        """Results as they are there, in whatever order; of a stop, those that came in time."""
        while work:
            ready, work = wait(work, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
            if work and self._stopped():
                self._end()
                begun, _ = wait([each for each in work if not each.cancel()], GRACE_S)
                yield from (
                    future.result()
                    for future in begun
                    if not isinstance(future.exception(), ReplayCancelled)
                )
            self.ask()

    def _stopped(self) -> bool:
        self._over = self._over or (self._cancel is not None and self._cancel())
        return self._over

    def _end(self) -> None:
        """Whatever processes are at work on ends soon."""
        if self._at_work is not None:
            self._at_work.unlink(missing_ok=True)

    def ask(self) -> None:
        """Raises ReplayCancelled where `cancel` returned true."""
        if self._stopped():
            raise ReplayCancelled(
                "the sweep was stopped", "sweep",
                "Start it again when you like: it goes on where it was",
            )  # fmt: skip


def _performed(task: Task, at_work: Path) -> list[Trial]:
    return perform([task], lambda: not at_work.exists())


def _end_with_parent() -> None:
    """A killed parent cannot end its processes, so they watch it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()
