"""A run played again for its questions: progress, and what became of it."""

import streamlit as st

from app import explain_words as words
from app import load_decisions
from app.jobs import State
from app.parts import progress
from engine.explain.session import Asked


def ready(run_id: str, key: str) -> Asked | None:
    """The run when it is ready; None while it is not, or where it failed until tried again.

    Args:
        run_id: of the run.
        key: that keys of buttons begin with.
    """
    job, made = load_decisions.asked(run_id)
    if not job.ended:
        progress.watch(job, f"{key}_cancel")
        return None
    if job.state is State.DONE:
        return made[0]
    progress.outcome(job, "")
    st.button(
        words.AGAIN, key=f"{key}_again", icon=":material/refresh:",
        on_click=load_decisions.forget_asked, args=(run_id,),
    )  # fmt: skip
    return None
