"""Whether to trust the forecast here: the verdict, the leaderboard, and how honest the band is."""

import pandas as pd
import streamlit as st

from app import forecast_waits, formats, leaderboard, load, phrases, problems, state, tables, trust
from app import forecast_words as words
from app.charts.forecast_scores import (
    horizons_chart,
    over_time_chart,
    reliability_chart,
    running_window,
)
from app.jobs import Job
from app.parts import forecast_job
from app.parts.forecast_view import View, quick
from app.trust import Level
from engine.forecast.coverage import Coverage
from engine.forecast.evaluation import CHOICE, Evaluation

KIND = "evaluate"


def verdict(view: View) -> None:
    """Whether to trust the forecast here, at which horizons, and which forecaster to use."""
    if view.stored is None:
        st.info(words.UNSCORED, title=words.UNSCORED_TITLE, icon=":material/help:")
        _evaluate(view, words.EVALUATE, primary=True)
        return
    said = trust.trust(view.stored.evaluation, view.use, view.labels)
    show = st.success if said.level is Level.ALL else st.warning
    icon = ":material/verified:" if said.level is Level.ALL else ":material/warning:"
    show(phrases.bullets(said.details), title=phrases.escaped(said.headline), icon=icon)
    evaluation, notes = view.stored.evaluation, list(said.notes)
    if view.model != view.use:
        told = quick(view.use, view.stored)
        notes.insert(0, trust.looking_at(evaluation, view.model, view.use, view.labels, told))
    if notes:
        st.caption(phrases.escaped(" ".join(notes)))


def _evaluate(view: View, label: str, *, primary: bool = False) -> None:
    job = forecast_job.of(KIND, state.FORECAST_JOB)
    planner, trace, where = load.planner(), view.trace, load.where(view.of)

    def work(job: Job) -> object:
        return planner.evaluate_forecasts(
            trace.trace_id, progress=job.report, cancel=job.cancelled, fresh=not primary, **where
        )

    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            label,
            key="forecast_evaluate",
            type="primary" if primary else "secondary",
            icon=":material/leaderboard:",
            disabled=job is not None and not job.ended,
        )
        took_s = None if view.stored is None else view.stored.wall_s
        st.caption(forecast_waits.takes(took_s), width="content")
    if clicked:
        forecast_job.start(KIND, state.FORECAST_JOB, forecast_waits.evaluating(trace.name), work)
    forecast_job.show(job, "forecast_cancel", words.EVALUATED)


@st.fragment
@problems.guarded
def board(view: View) -> None:
    """All forecasters on this trace."""
    if view.stored is None:
        return
    evaluation = view.stored.evaluation
    with st.container(border=True):
        st.subheader(words.SCORES_TITLE)
        horizon_s = _horizon(evaluation)
        rows = leaderboard.ranked(evaluation, view.baselines, horizon_s)
        st.table(
            leaderboard.table(rows, view.labels, view.baselines, view.use, evaluation.unit),
            border="horizontal",
            hide_index=True,
            alt=words.SCORES_ALT,
        )
        st.caption(phrases.escaped(trust.tested(evaluation, view.stored.created_at)))
        missing = trust.not_scored(evaluation.left_out, view.labels)
        if missing:
            st.caption(phrases.escaped(missing))
        with st.container(horizontal=True):
            with st.popover(words.SCORES_HELP, icon=":material/help:"):
                st.markdown(words.SCORES_MEANINGS)
            _download(leaderboard.scores(evaluation))
        _evaluate(view, words.EVALUATE_AGAIN)


def _horizon(evaluation: Evaluation) -> float | None:
    names = {"": words.ALL_HORIZONS} | {
        f"{horizon:g}": formats.duration(horizon) for horizon in evaluation.horizons_s
    }
    if state.get(state.FORECAST_SCORED) not in names:
        state.forget(state.FORECAST_SCORED)
    chosen = st.segmented_control(
        words.SCORES_HORIZON,
        list(names),
        default="",
        format_func=names.__getitem__,
        key=state.FORECAST_SCORED,
        required=True,
    )
    return float(chosen) if chosen else None


def _download(rows: pd.DataFrame) -> None:
    st.download_button(
        "Download CSV",
        data=lambda: tables.csv(rows),
        file_name="leaderboard.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="forecast_csv",
    )


@st.fragment
@problems.guarded
def calibration(view: View) -> None:
    """Coverage of the forecaster that is looked at: by horizon, by quantile, over time."""
    with st.container(border=True):
        st.subheader(words.CALIBRATION_TITLE)
        st.caption(f"**{phrases.escaped(view.labels[view.model])}** · {words.CALIBRATION_CAPTION}")
        mine = _scores(view)
        if len(mine):
            told = trust.coverage_told(mine, view.labels[view.model])
            st.altair_chart(horizons_chart(mine), key="forecast_coverage", alt=told)
        if view.model == CHOICE:
            _of_choice(view)
            return
        if not (view.quick or state.get(state.FORECAST_COVERAGE) == view.model):
            st.caption(words.COVERAGE_WAITS)
            if st.button(words.COVERAGE_GO, key="forecast_coverage_go"):
                state.put(state.FORECAST_COVERAGE, view.model)
                st.rerun(scope="fragment")
            return
        _over_time(view, load.coverage(view.of, view.model))


def _of_choice(view: View) -> None:
    """As the evaluation counted it: weights that it ended with would have seen what came."""
    kept = None if view.stored is None else view.stored.evaluation.choice_coverage
    if kept is None:
        st.caption(words.CHOICE_COVERAGE)
        return
    _over_time(view, kept.read())


def _scores(view: View) -> pd.DataFrame:
    if view.stored is None:
        return pd.DataFrame()
    rows = leaderboard.scores(view.stored.evaluation)
    return rows[rows["model"] == view.model]


def _over_time(view: View, found: Coverage) -> None:
    names = [formats.duration(horizon) for horizon in found.horizons_s]
    if state.get(state.FORECAST_COVERED) not in names:
        state.forget(state.FORECAST_COVERED)
    chosen = st.segmented_control(
        words.SCORES_HORIZON, names, default=names[0], key=state.FORECAST_COVERED, required=True
    )
    place = names.index(chosen or names[0])
    left, right = st.columns([2, 3])
    with left:
        told = trust.reliability_told(found, place)
        st.altair_chart(reliability_chart(found, place), key="forecast_reliable", alt=told)
        st.caption(words.RELIABILITY_CAPTION)
    with right:
        span_s = float(found.times_s[-1] - found.times_s[0])
        told = trust.over_time_told(found, place)
        st.altair_chart(over_time_chart(found, place, view.clock(max(span_s, 1.0))),
                        key="forecast_over_time", alt=told)  # fmt: skip
        st.caption(words.OVER_TIME_CAPTION.format(window=running_window(found)))
