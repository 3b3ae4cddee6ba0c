"""Long work outside page scripts: one worker thread, a short queue, progress and cancellation.

Nothing here touches Streamlit. A page submits, keeps the job's id, and looks again later.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from queue import SimpleQueue
from typing import Any

from engine.errors import EngineError, ReplayCancelled, UsageError

WAITING_MAX = 8
"""Jobs that may wait; more would only be forgotten."""
KEPT = 32
"""Ended jobs that are remembered, for pages that come back to ask."""

log = logging.getLogger(__name__)


class State(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One piece of work. The worker thread writes it, pages read it."""

    id: str
    kind: str
    """`import`, `replay` …; pages ask for theirs."""
    title: str
    state: State = State.WAITING
    fraction: float = 0.0
    text: str = ""
    """What is being done."""
    result: Any = None
    problem: EngineError | None = None
    """Why it failed."""
    _cancel: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self._ended.is_set()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not yet."""
        return self._cancel.is_set() and not self.ended

    def cancel(self) -> None:
        """Asks it to stop; it does at its next look, or at once if it has not begun."""
        self._cancel.set()
        with self._lock:
            if self.state is State.WAITING:
                self._end(State.CANCELLED)

    def cancelled(self) -> bool:
        """Whether somebody asked it to stop. The work polls this."""
        return self._cancel.is_set()

    def report(self, fraction: float, text: str) -> None:
        """Tells pages how far the work is."""
        self.fraction, self.text = min(max(fraction, 0.0), 1.0), text

    def wait(self, timeout_s: float) -> bool:
        """Waits until it has ended; whether it has."""
        return self._ended.wait(timeout_s)

    def _begin(self) -> bool:
        with self._lock:
            if self.state is State.WAITING:
                self.state = State.RUNNING
            return self.state is State.RUNNING

    def _end(self, state: State) -> None:
        self.state = state
        self._ended.set()


Work = Callable[[Job], Any]


class Board:
    """All jobs of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._queue: SimpleQueue[tuple[Job, Work] | None] = SimpleQueue()
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def submit(self, kind: str, title: str, work: Work) -> Job:
        """Queues `work`; it gets the job, for progress and cancellation.

        Raises:
            UsageError: too many jobs wait already.
        """
        job = Job(id=uuid.uuid4().hex[:12], kind=kind, title=title)
        with self._lock:
            waiting = sum(other.state is State.WAITING for other in self._jobs.values())
            if waiting >= WAITING_MAX:
                raise UsageError(
                    f"{waiting} jobs are waiting already",
                    "job queue",
                    "Wait until one has ended, or cancel some",
                )
            self._forget_oldest()
            self._jobs[job.id] = job
        self._queue.put((job, work))
        return job

    def find(self, job_id: str | None) -> Job | None:
        """The job with this id; None if there is none or it was forgotten."""
        return self._jobs.get(job_id or "")

    def active(self, kind: str | None = None) -> list[Job]:
        """Jobs that wait or run, the oldest first."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job for job in jobs if not job.ended and kind in (None, job.kind)]

    def close(self) -> None:
        """Asks all jobs to stop and waits for the worker."""
        for job in self.active():
            job.cancel()
        self._queue.put(None)
        self._worker.join()

    def _forget_oldest(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.ended]
        for job_id in ended[: max(0, len(ended) - KEPT + 1)]:
            del self._jobs[job_id]

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            _run(*item)
            del item  # or the last job would keep what it used


def _run(job: Job, work: Work) -> None:
    if not job._begin():
        return
    try:
        job.result = work(job)
    except ReplayCancelled:
        job._end(State.CANCELLED)
    except EngineError as error:
        job.problem = error
        job._end(State.FAILED)
    except Exception:  # the thread must outlive a bug in one job; the log has details
        if _is_the_end():
            job._end(State.CANCELLED)
            return
        log.exception("job %s (%s) failed", job.id, job.title)
        job.problem = EngineError(
            f"{job.title} stopped unexpectedly: this is a fault of ours",
            f"job {job.id}",
            "Try it again; the log of the dashboard says what happened",
        )
        job._end(State.FAILED)
    else:
        job.report(1.0, job.text)
        job._end(State.DONE)


def _is_the_end() -> bool:
    """Whether Python ends, and the dashboard with it: no more threads are given out then."""
    with ThreadPoolExecutor(1) as threads:
        try:
            threads.submit(int)
        except RuntimeError:
            return True
    return False
