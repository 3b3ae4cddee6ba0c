"""Running jobs on screen: progress while it lasts, one rerun of the page when it ends."""

from collections.abc import Callable
from functools import cache

import streamlit as st

from app import load, phrases, problems, state, words
from app.jobs import Job, State

EVERY_S = 0.5


@st.fragment(run_every=EVERY_S)
def watch(job: Job, key: str) -> None:
    """Progress with a button to cancel; the page reruns when the job has ended."""
    if job.ended:
        st.rerun()
    with st.container(border=True):
        st.progress(job.fraction, text=phrases.working(job.title, job.text, job.fraction))
        label = words.CANCELLING if job.cancelling else words.CANCEL
        st.button(label, key=key, on_click=job.cancel, disabled=job.cancelling)


def outcome(job: Job, done: str) -> None:
    """What became of a job that has ended."""
    if job.state is State.DONE:
        st.success(done, icon=":material/check_circle:")
    elif job.state is State.CANCELLED:
        st.info(words.CANCELLED, icon=":material/cancel:")
    elif job.problem is not None:
        problems.show(job.problem)


@st.fragment(run_every=EVERY_S)
def watch_setup(job: Job) -> None:
    """The first start, which takes a moment."""
    if job.ended:
        st.rerun()
    st.subheader(words.SETUP_TITLE)
    st.write(words.SETUP_TEXT)
    st.progress(job.fraction, text=job.text or None)


@cache
def watch_all(page_title: str) -> Callable[[], None]:
    """What is running, for the sidebar; without buttons.

    Each page has a fragment of its own, which Streamlit tells apart by their names: with one for
    all, a late tick of the page before would be answered; see `state.go_to`.
    """

    def watch_jobs() -> None:
        active = load.board().active()
        if not active:
            st.rerun()
        for job in active:
            st.progress(job.fraction, text=phrases.working(job.title, "", job.fraction))

    watch_jobs.__qualname__ += f" of {page_title}"
    return st.fragment(watch_jobs, run_every=1.0)


def sidebar(page_title: str) -> None:
    """Running jobs, and the replay that has ended meanwhile."""
    with st.sidebar:
        if load.board().active():
            watch_all(page_title)()
        job = load.board().find(state.get(state.REPLAY_JOB))
        if job is not None and job.state is State.DONE and page_title != words.NAV_REPLAY[0]:
            query = state.comparison_of(job.result).query()
            st.page_link(
                state.COMPARE_PAGE,
                label=words.REPLAY_READY,
                icon=":material/check_circle:",
                query_params=query,
            )
