"""Sweeps on screen: started, watched, explored, and a point of one opened as a run."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from app import formats, load, phrases, planner_words, problems, state
from app.charts import planner_sweep as charts
from app.charts.base import Window
from app.jobs import Job, State
from app.parts import planner_goal, progress
from engine.errors import EngineError
from engine.figures import FIGURES
from engine.planner import TraceInfo
from engine.scenario import Scenario
from engine.sweep.axes import Axis, parse_axis
from engine.sweep.cliffs import REPLAYS
from engine.sweep.plan import Goal, Method


def running() -> Job | None:
    """The sweep under way, whoever started it."""
    return next(iter(load.board().active("sweep")), None)


def form(trace: TraceInfo, window: Window | None, presets: Mapping[str, Scenario]) -> None:
    """What is to be swept."""
    with st.form("sweep_form", border=False):
        with st.grid(3, min_column_width=160):
            names = [info.name for info in load.policies() if info.problem is None]
            policy = st.selectbox(
                planner_words.POLICY, names, index=names.index("hpa") if "hpa" in names else 0,
                key="sweep_policy", accept_new_options=True,
            )  # fmt: skip
            preset = st.selectbox(planner_words.START_FROM, list(presets), key="sweep_preset")
            method = st.selectbox(
                planner_words.SWEEP_METHOD, list(planner_words.SWEEP_METHODS),
                format_func=planner_words.SWEEP_METHODS.__getitem__, key="sweep_method",
            )  # fmt: skip
        vary = st.text_area(
            planner_words.SWEEP_VARY, planner_words.SWEEP_VARY_DEFAULT, key="sweep_vary",
            help=planner_words.SWEEP_VARY_HELP, height=90,
        )  # fmt: skip
        samples = st.number_input(
            planner_words.SWEEP_SAMPLES, 4, 10_000, 24, key="sweep_samples", width=160
        )
        looked_for = planner_goal.fields()
        submitted = st.form_submit_button(
            planner_words.SWEEP_GO, type="primary", icon=":material/play_arrow:", key="sweep_go",
            disabled=running() is not None,
        )  # fmt: skip
    if submitted:
        try:
            axes = [parse_axis(line) for line in vary.splitlines() if line.strip()]
            goal = planner_goal.goal_of(*looked_for, presets[preset])
        except EngineError as error:
            problems.show(error)
            return
        _start(trace, window, presets[preset], str(policy), axes, Method(method), samples, goal)


def _start(
    trace: TraceInfo, window: Window | None, scenario: Scenario, policy: str,
    axes: Sequence[Axis], method: Method, samples: int, goal: Goal,
) -> None:  # fmt: skip
    planner = load.planner()
    start, end = (0.0, None) if window is None else (window.from_s, window.to_s)
    if end is not None and end >= trace.duration_s:
        end = None

    def work(job: Job) -> Any:
        made = planner.sweep(
            trace.trace_id, policy, axes, scenario=scenario, method=method, samples=samples,
            goal=goal, from_s=start, to_s=end, progress=job.report, cancel=job.cancelled,
            edges=REPLAYS,
        )  # fmt: skip
        return made["sweep_id"]

    _submit(work)


def _submit(work: Any) -> None:
    job = load.board().submit("sweep", planner_words.SWEEP_RUNNING, work)
    state.put(state.SWEEP_JOB, job.id)
    job.wait(0.3)
    st.rerun()


def pick() -> str | None:
    """The box for the sweep; the choice is in the address."""
    rows = load.planner().sweeps()
    if not rows:
        st.info(planner_words.SWEEP_NONE)
        return None
    names = {
        row.sweep_id: " · ".join(
            [
                row.plan["policy"], ", ".join(axis["path"] for axis in row.plan["axes"]),
                f"{row.done} of {row.points}", row.sweep_id[:4],
            ]
        )
        for row in rows
    }  # fmt: skip
    linked = state.in_address(state.SWEEP)
    if linked in names:
        state.put(state.SWEEP_PICK, linked)
    elif state.get(state.SWEEP_PICK) not in names:
        state.put(state.SWEEP_PICK, rows[0].sweep_id)
    chosen: str = st.selectbox(
        planner_words.SWEEP_PICK, list(names), key=state.SWEEP_PICK,
        format_func=names.__getitem__, on_change=_picked,
    )  # fmt: skip
    return chosen


def _picked() -> None:
    state.into_address(sweep=state.get(state.SWEEP_PICK))


def finish() -> None:
    """What became of this session's sweep or of the run that was opened."""
    job = load.board().find(state.get(state.SWEEP_JOB))
    if job is not None and job.ended:
        state.forget(state.SWEEP_JOB)
        if job.state is State.DONE:
            state.into_address(sweep=job.result)
        progress.outcome(job, planner_words.NAV_TRADEOFFS[0])
    opened = load.board().find(state.get(state.SWEEP_OPEN))
    if opened is not None and opened.ended:
        state.forget(state.SWEEP_OPEN)
        progress.outcome(opened, planner_words.NAV_TRADEOFFS[0])
    if opened is not None and opened.state is State.DONE:
        state.go_to(state.COMPARE_PAGE, state.comparison_of([opened.result]).query())


def again(sweep_id: str) -> None:
    """Goes on with a stored sweep that was stopped, or makes one of an older version anew."""
    planner = load.planner()

    def work(job: Job) -> Any:
        made = planner.go_on(sweep_id, progress=job.report, cancel=job.cancelled, edges=REPLAYS)
        return made["sweep_id"]

    _submit(work)


@st.fragment
@problems.guarded
def explorer(document: Mapping[str, Any]) -> None:
    """The front to pick from, and everything else that a sweep says."""
    frame = charts.points_frame(document)
    if frame.empty:
        st.info(planner_words.SWEEP_EMPTY)
        return
    if document["older_version"]:
        st.warning(planner_words.SWEEP_OLDER, icon=":material/history:")
    st.markdown(_best(document))
    _front(document, frame)
    with st.container(border=True):
        st.subheader(planner_words.SWEEP_PARALLEL)
        st.plotly_chart(
            charts.parallel_chart(frame, document["varied"], document["objectives"]),
            key="sweep_parallel", alt=planner_words.SWEEP_PARALLEL,
        )  # fmt: skip
        st.caption(planner_words.SWEEP_PARALLEL_CAPTION)
    _effects(document)


@st.fragment
@problems.guarded
def _front(document: Mapping[str, Any], frame: pd.DataFrame) -> None:
    """Two figures against each other, and what the mouse does."""
    keys = document["objectives"]
    with st.container(border=True):
        st.subheader(planner_words.SWEEP_FRONT)
        with st.grid(2, min_column_width=150):
            label = {key: FIGURES[key].label for key in keys}
            x = st.selectbox(
                planner_words.SWEEP_X, keys, key="sweep_x", format_func=label.__getitem__
            )
            y = st.selectbox(
                planner_words.SWEEP_Y, keys, len(keys) - 1, key="sweep_y",
                format_func=label.__getitem__,
            )  # fmt: skip
        modes = [planner_words.SWEEP_BRUSH, planner_words.SWEEP_CLICK]
        mode = st.segmented_control(
            planner_words.SWEEP_MOUSE, modes, default=modes[0], key=state.SWEEP_MOUSE,
            required=True,
        )  # fmt: skip
        chart = charts.front_chart(frame, x, y, brushed=mode != planner_words.SWEEP_CLICK)
        _picking(document, frame, chart, f"{label[y]} against {label[x]}")


@st.fragment
@problems.guarded
def _picking(document: Mapping[str, Any], frame: pd.DataFrame, chart: Figure, title: str) -> None:
    """All that a brush or a click draws anew; first what it picked, as the chart stays."""
    if state.take(state.SWEEP_LEAVE):
        st.rerun()  # the page, which watches over the replay of what was opened
    above, below = st.container(), st.container()
    with below:
        _points(document, frame, state.get(state.SWEEP_FRONT, {}))
    with above:
        st.plotly_chart(
            chart, key=state.SWEEP_FRONT, on_select=partial(_clicked, document["sweep_id"]),
            selection_mode=("points", "box", "lasso"), alt=f"{title} of {len(frame)} points",
        )  # fmt: skip
        bent = document["knee"] is not None
        st.caption(planner_words.SWEEP_FRONT_CAPTION if bent else planner_words.SWEEP_NO_KNEE)


def _best(document: Mapping[str, Any]) -> str:
    parts = [planner_goal.best_words(document)]
    if document["hypervolume_frac"] is not None:
        share = formats.percent(document["hypervolume_frac"])
        parts.append(planner_words.SWEEP_VOLUME.format(share=share))
    if document["problems"]:
        first = document["problems"][0]["what"]
        number = len(document["problems"])
        parts.append(
            planner_words.SWEEP_PROBLEMS.format(number=number, what=phrases.escaped(first))
        )
    return " ".join(parts)


def _points(document: Mapping[str, Any], frame: pd.DataFrame, event: Mapping[str, Any]) -> None:
    """The points as a table, the picked ones where some are; one of them can be opened."""
    chosen = charts.picked(event)
    rows = frame[frame["run_id"].isin(chosen)] if chosen else frame
    st.markdown(f"**{planner_words.SWEEP_POINTS}**")
    if chosen:
        st.caption(planner_words.SWEEP_PICKED.format(number=len(rows)))
    elif charts.is_drawn(event):
        st.caption(planner_words.SWEEP_PICKED_NONE)
    st.dataframe(
        charts.points_table(rows, document["objectives"]),
        hide_index=True, key="sweep_points", height=240, alt=planner_words.SWEEP_POINTS,
    )  # fmt: skip
    if len(rows) != 1:
        return
    run_id = str(rows["run_id"].iloc[0])
    st.button(
        planner_words.SWEEP_OPEN, key="sweep_open_go", type="primary",
        icon=":material/open_in_new:", on_click=_open, args=(document["sweep_id"], run_id),
    )  # fmt: skip


def _open(sweep_id: str, run_id: str) -> None:
    planner = load.planner()
    job = load.board().submit(
        "open", planner_words.SWEEP_OPENING,
        lambda job: planner.open_point(sweep_id, run_id, cancel=job.cancelled),
    )  # fmt: skip
    state.put(state.SWEEP_OPEN, job.id)
    state.put(state.SWEEP_LEAVE, True)


def _clicked(sweep_id: str) -> None:
    """Opens the run of a mark, where that is what a click is for."""
    found = charts.picked(state.get(state.SWEEP_FRONT, {}))
    if state.get(state.SWEEP_MOUSE) == planner_words.SWEEP_CLICK and len(found) == 1:
        _open(sweep_id, found[0])


def _effects(document: Mapping[str, Any]) -> None:
    with st.container(border=True):
        st.subheader(planner_words.SWEEP_EFFECTS)
        if document["sensitivity"]:
            st.plotly_chart(
                charts.effects_chart(document["sensitivity"]), key="sweep_effects",
                alt=planner_words.SWEEP_EFFECTS_CAPTION,
            )  # fmt: skip
            st.caption(planner_words.SWEEP_EFFECTS_CAPTION)
        st.markdown(f"**{planner_words.SWEEP_CLIFFS}**")
        for cliff in document["cliffs"]:
            told = {
                "path": phrases.escaped(cliff["path"]),
                "kept": formats.percent(cliff["kept_frac"]), "kept_at": cliff["kept_at"],
                "broken": formats.percent(cliff["broken_frac"]), "broken_at": cliff["broken_at"],
            }  # fmt: skip
            st.markdown(planner_words.SWEEP_CLIFF.format(**told))
            if cliff.get("edge") is not None:
                st.caption(_edge(cliff["edge"]))
        if document["goal"]["figure"] != "slo_attainment_frac":
            st.caption(planner_words.SWEEP_CLIFFS_UNASKED)
        elif not document["cliffs"]:
            st.caption(planner_words.SWEEP_NO_CLIFF)


def _edge(found: Mapping[str, Any]) -> str:
    """Where exactly a cliff is, in words."""
    settings = ", ".join(f"{path} = {value}" for path, value in found["settings"].items())
    others = planner_words.SWEEP_EDGE_WITH.format(settings=phrases.escaped(settings))
    return planner_words.SWEEP_EDGE.format(
        others=others if settings else "", kept_at=found["kept_at"],
        kept=formats.percent(found["kept_frac"]), broken_at=found["broken_at"],
        broken=formats.percent(found["broken_frac"]),
        replays=formats.count(found["replays"], "replay"),
    )  # fmt: skip
