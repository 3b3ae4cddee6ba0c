"""*Fit to this trace*: the shipped forecaster fine-tuned in the background, before and after."""

import streamlit as st

from app import forecast_waits, load, phrases, problems, state, trust
from app import forecast_words as words
from app.jobs import Job, State
from app.parts import forecast_job
from app.parts.forecast_view import View
from engine.forecast_runs import FITTED

KIND = "fit"


def card(view: View) -> None:
    """The button, its progress, and what fitting was worth."""
    with st.container(border=True), problems.shown():
        st.subheader(words.FIT_TITLE)
        st.caption(words.FIT_TEXT)
        job = forecast_job.of(KIND, state.FORECAST_FIT_JOB)
        planner, trace, where = load.planner(), view.trace, load.where(view.of)

        def work(job: Job) -> object:
            job.report(0.0, words.FIT_FIRST)
            report = planner.fit_forecaster(
                trace.trace_id, progress=job.report, cancel=job.cancelled, **where
            )
            return trace.trace_id, report

        done = job is not None and job.state is State.DONE
        if st.button(
            words.FIT_AGAIN if done else words.FIT_GO,
            key="forecast_fit",
            icon=":material/model_training:",
            disabled=job is not None and not job.ended,
        ):
            forecast_job.start(
                KIND, state.FORECAST_FIT_JOB, forecast_waits.fitting(trace.name), work
            )
        told = ""
        if job is not None and done:
            load.forget_forecasts()
            trace_id, report = job.result
            told = phrases.escaped(trust.fitted(
                report.test_before, report.test_after, report.unit, report.epochs
            )) if trace_id == trace.trace_id else ""  # fmt: skip
        if not done or told:
            forecast_job.show(job, "forecast_fit_cancel", told)
        if told and view.model != FITTED:
            st.button(words.FIT_LOOK, key="forecast_fit_look", icon=":material/insights:",
                      on_click=_look)  # fmt: skip


def _look() -> None:
    state.into_address(model=FITTED)
