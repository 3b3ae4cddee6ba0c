"""A replay from the page *Replay*: submitted, watched, and what comes after it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import formats, load, load_decisions, phrases, state, words
from app.charts.base import RUNS_MAX, Window
from app.jobs import Job, State
from app.parts import progress, scenario_form
from engine.errors import EngineError, UsageError
from engine.planner import TraceInfo
from engine.policies.registry import parse_spec

DEFAULTS = ("static", "threshold", "hpa", "smartscale")


def running() -> Job | None:
    """The replay under way: this session's, or another one, as a reload loses the session."""
    active = load.board().active("replay")
    mine = [job for job in active if job.id == state.get(state.REPLAY_JOB)]
    return next(iter([*mine, *active]), None)


def policy_options() -> list[str]:
    """Installed policies, and what was typed before."""
    known = [info.name for info in load.policies() if info.problem is None]
    state.start_with(state.REPLAY_POLICIES, [name for name in DEFAULTS if name in known])
    typed = [text for text in state.get(state.REPLAY_POLICIES) if text not in known]
    return [*known, *typed]


def submit(trace: TraceInfo, window: Window | None) -> None:
    """Starts the replay that the form describes, or keeps what is wrong with it."""
    state.forget(state.REPLAY_JOB)
    scenario = scenario_form.accept()
    if scenario is None:
        return
    try:
        policies = _checked(state.get(state.REPLAY_POLICIES) or [])
    except EngineError as error:
        scenario_form.problem(error)
        return
    planner, fresh = load.planner(), bool(state.get(state.REPLAY_FRESH))
    start, end = (0.0, None) if window is None else (window.from_s, window.to_s)
    if end is not None and end >= trace.duration_s:
        end = None  # windows are half open: the last request belongs to it

    def work(job: Job) -> Any:
        job.report(0.0, words.LOADING_REQUESTS)
        return planner.replay(
            trace.trace_id,
            policies,
            scenario=scenario,
            progress=lambda at: job.report(
                at.fraction, phrases.replayed(formats.duration(at.t_s))
            ),
            cancel=job.cancelled,
            fresh=fresh,
            from_s=start,
            to_s=end,
        )

    try:
        job = load.board().submit("replay", phrases.replaying(policies, trace.name), work)
    except EngineError as error:
        scenario_form.problem(error)
        return
    if fresh:
        load_decisions.forget_results()
    state.put(state.REPLAY_JOB, job.id)
    job.wait(0.2)  # what is stored already is there at once
    st.rerun()


def _checked(policies: Sequence[str]) -> list[str]:
    """The policies as the engine writes them. Raises an EngineError that names the culprit."""
    if not 1 <= len(policies) <= RUNS_MAX:
        raise UsageError(
            f"{len(policies)} policies are chosen",
            words.POLICIES,
            f"Choose 1 to {RUNS_MAX} of them",
        )
    return [str(parse_spec(text)) for text in policies]


def finish() -> None:
    """Goes to the comparison when this session's replay is done."""
    job = load.board().find(state.get(state.REPLAY_JOB))
    if job is not None and job.state is State.DONE:
        state.forget(state.REPLAY_JOB)
        state.go_to(state.COMPARE_PAGE, state.comparison_of(job.result).query())


def outcome() -> None:
    """What went wrong with this session's last replay, beside the form that started it."""
    job = load.board().find(state.get(state.REPLAY_JOB))
    if job is not None and job.ended:
        progress.outcome(job, "")
