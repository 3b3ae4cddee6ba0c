"""Replays that nobody asked for: they begin once all else is done, give way, and stream in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import load, phrases, planner_words, problems, state
from app.jobs import Board, Job, State

EVERY_S = 1.0
IDLE_S = 3.0
"""So long nobody has changed anything before it begins."""
PAUSE_S = 0.05

Work = Callable[[Callable[[float, str], None], Callable[[], bool]], Any]
"""Told how to report progress, and whom to ask whether to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something worth knowing that takes some replays."""

    kind: str
    """A session has one of a kind under way."""
    key: str
    """What it is about."""
    title: str
    work: Work
    go: str
    """On the button that starts it."""
    help: str | None = None
    by_itself: bool = True
    """Whether it begins without the button."""


def result(task: Task) -> Any:
    """What came of it; None while there is nothing."""
    job = _job(task)
    return job.result if job is not None and job.state is State.DONE else None


def show(task: Task) -> None:
    """How far it is, in a part of the page of its own; the page reruns once it has ended."""
    job = _job(task)
    waits = task.by_itself if job is None else not job.ended
    shown = st.fragment(_progress, run_every=EVERY_S if waits else None)
    shown(task, waits, time.monotonic())


@problems.guarded
def _progress(task: Task, waits: bool, begun: float) -> None:
    """Looks again and again while it `waits`."""
    job = _job(task)
    if job is not None and not job.ended:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.fraction, text=phrases.working(task.title, job.text, job.fraction))
            st.button(planner_words.CANCEL, key=f"{task.kind}_stop", on_click=job.cancel)
    elif job is None and task.by_itself:
        st.caption(planner_words.IDLE_SOON)
        if time.monotonic() - begun >= IDLE_S:
            _start(task)
    elif job is not None and waits:
        st.rerun()
    else:
        _ended(task, job)


def _ended(task: Task, job: Job | None) -> None:
    """What became of it where nothing came of it, and a button to begin."""
    if job is not None and job.problem is not None:
        problems.show(job.problem)
    if st.button(task.go, key=f"{task.kind}_go", help=task.help, icon=":material/play_arrow:"):
        _start(task)
        st.rerun()


def _jobs() -> dict[str, str]:
    """Job ids by kind and key."""
    state.start_with(state.IDLE_JOBS, {})
    found: dict[str, str] = state.get(state.IDLE_JOBS)
    return found


def _name(task: Task) -> str:
    return f"{task.kind} {task.key}"


def _job(task: Task) -> Job | None:
    return load.idle_board().find(_jobs().get(_name(task)))


def _start(task: Task) -> None:
    """Begins; what else of its kind was under way is no longer wanted."""
    jobs, board = _jobs(), load.idle_board()
    for name, older in jobs.items():
        job = board.find(older)
        if job is not None and name.startswith(f"{task.kind} "):
            job.cancel()
    first = (load.quick_board(), load.board())

    def work(job: Job) -> Any:
        return task.work(job.report, _giving_way(job, first))

    jobs[_name(task)] = board.submit(task.kind, task.title, work).id


def _giving_way(job: Job, boards: tuple[Board, ...]) -> Callable[[], bool]:
    """Whether a job was stopped; waits while somebody waits for another one."""

    def cancelled() -> bool:
        while not job.cancelled() and any(board.active() for board in boards):
            time.sleep(PAUSE_S)
        return job.cancelled()

    return cancelled
