"""Evaluations and fits in the background: submitted, watched, and what became of them."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import load, problems, state
from app.jobs import Job
from app.parts import progress
from engine.errors import EngineError


def of(kind: str, key: str) -> Job | None:
    """This session's job, or one under way that another session, or a reload, left behind."""
    mine = load.board().find(state.get(key))
    return mine or next(iter(load.board().active(kind)), None)


def start(kind: str, key: str, title: str, work: Callable[[Job], Any]) -> None:
    """Queues the work; what is wrong with that is shown."""
    try:
        job = load.board().submit(kind, title, work)
    except EngineError as error:
        problems.show(error)
        return
    state.put(key, job.id)
    job.wait(0.2)  # what is stored already is there at once
    st.rerun()


def show(job: Job | None, key: str, done: str) -> None:
    """Progress with a button to cancel, or how it ended."""
    if job is None:
        return
    if job.ended:
        progress.outcome(job, done)
    else:
        progress.watch(job, key)
