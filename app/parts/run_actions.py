"""What can be done with chosen runs: compare, start again, delete."""

from typing import Any

import pandas as pd
import streamlit as st

from app import choices, load, load_decisions, phrases, planner_words, state, words
from app.charts.base import RUNS_MAX
from app.jobs import Job
from app.parts import progress
from engine.planner import RunInfo


def toolbar(picked: pd.DataFrame) -> None:
    """Buttons for the chosen runs; each says why it cannot be used."""
    done = choices.done(picked)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            words.RUNS_COMPARE,
            type="primary",
            icon=":material/balance:",
            key="runs_compare",
            disabled=not 1 <= len(done) <= RUNS_MAX,
        ):
            group = choices.group_of(done)
            chosen = state.comparison_of(group.run_ids, group.baseline)
            state.go_to(state.COMPARE_PAGE, chosen.query())
        if st.button(
            words.RUNS_AGAIN,
            icon=":material/replay:",
            key="runs_again",
            disabled=len(picked) != 1 or picked["status"].iloc[0] == "running",
        ):
            start_again(load.planner().run(str(picked["run_id"].iloc[0])))
        if st.button(
            planner_words.OPEN, icon=":material/tune:", key="runs_planner",
            help=planner_words.OPEN_HELP, disabled=len(picked) != 1,
        ):  # fmt: skip
            run_id = str(picked["run_id"].iloc[0])
            state.go_to(state.PLANNER_PAGE, {state.START: run_id})
        if st.button(
            words.RUNS_DELETE,
            icon=":material/delete:",
            key="runs_delete",
            disabled=picked.empty or "running" in set(picked["status"]),
        ):
            confirm_delete([str(run_id) for run_id in picked["run_id"]])
        st.caption(phrases.chosen_runs(len(picked), len(done)), width="content")
    for policy, note in zip(picked["policy"], picked["note"].fillna(""), strict=True):
        if note:
            st.caption(f"**{phrases.escaped(policy)}** {words.NOTE} {phrases.escaped(note)}")
    job = load.board().find(state.get(state.RUNS_JOB))
    if job is not None and not job.ended:
        progress.watch(job, "runs_cancel")
    elif job is not None:
        progress.outcome(job, words.RUNS_AGAIN_DONE)


def start_again(run: RunInfo) -> None:
    """Replays one run with exactly the same inputs; an unfinished one simply finishes."""
    planner = load.planner()

    def work(job: Job) -> Any:
        return planner.replay(
            run.trace_id,
            [run.policy],
            scenario=run.scenario,
            from_s=run.from_s,
            to_s=run.to_s,
            progress=lambda done: job.report(done.fraction, ""),
            cancel=job.cancelled,
            fresh=True,
        )

    job = load.board().submit("replay", phrases.replaying([run.policy], run.trace_name), work)
    load_decisions.forget_results()
    state.put(state.RUNS_JOB, job.id)
    st.rerun()


@st.dialog(words.RUNS_DELETE)
def confirm_delete(run_ids: list[str]) -> None:
    """Asks once, because it cannot be undone."""
    st.write(phrases.delete_runs(len(run_ids)))
    if st.button(words.RUNS_DELETE, type="primary", key="runs_delete_sure"):
        for run_id in run_ids:
            load.planner().delete_run(run_id)
        load_decisions.forget_results()
        st.rerun()
