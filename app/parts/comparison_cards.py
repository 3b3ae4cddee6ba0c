"""The cards of the page *Compare*: verdict, scorecard, charts. Each shows, none decides."""

import pandas as pd
import streamlit as st

from app import cluster_run_words, formats, load, phrases, problems, tables, verdict, words
from app.charts.base import top
from app.charts.capacity import LINES, capacity_chart
from app.charts.lines import run_lines
from app.parts.comparison_view import View

ROOMY_RUNS = 2
"""So few runs leave their cards room for figures beside one another."""
PERCENTILES = ("p50", "p95", "p99")


def conclusion(view: View) -> None:
    """What the comparison says, in sentences, and a card per run."""
    frame = view.figures()
    figures = verdict.figures_of(frame)
    base = view.baseline.run_id
    slo = view.baseline.scenario.slo
    said = verdict.verdict(
        figures, view.run_ids, view.labels, base, slo, part=view.chosen is not None
    )
    show = st.success if said.kept else st.warning
    icon = ":material/verified:" if said.kept else ":material/warning:"
    show(phrases.bullets(said.details), title=phrases.escaped(said.headline), icon=icon)
    with st.grid(len(view.runs), min_column_width=200):
        for run in view.runs:
            _run_card(view, run.run_id, frame[frame["run_id"] == run.run_id])


def teaser(view: View) -> None:
    """The conclusion and one chart, for somebody who has just arrived."""
    conclusion(view)
    frame = view.timeline(LINES)
    run_id, label = view.run_ids[-1], view.names[-1]
    rows = frame[frame["run_id"] == run_id]
    with st.container(border=True):
        st.markdown(f"**{words.CAPACITY_TITLE}: {phrases.escaped(label)}**")
        _capacity_chart(view, run_id, rows, _ceiling(rows))


def _run_card(view: View, run_id: str, rows: pd.DataFrame) -> None:
    name = phrases.escaped(view.labels[run_id])
    badge = words.BASELINE_BADGE if run_id == view.baseline.run_id else ""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{name}** {badge}")
        with st.grid(len(tables.HEADLINES) if len(view.runs) <= ROOMY_RUNS else 1):
            for row in rows[rows["figure"].isin(tables.HEADLINES)].itertuples():
                st.metric(**tables.metric(row))


def scorecard(view: View) -> None:
    """All figures as one table, with differences to the baseline."""
    frame = view.figures()
    st.subheader(words.SCORECARD)
    if view.chosen is not None:
        st.caption(words.SCORECARD_WINDOW)
    st.table(
        tables.scorecard(frame, view.run_ids, view.labels, view.baseline.run_id),
        border="horizontal",
        alt=phrases.scorecard_alt(view.names, view.labels[view.baseline.run_id]),
    )
    left_out = cluster_run_words.left_out(tables.left_out(frame))
    for text in (*tables.accounts(frame, view.labels), *([left_out] if left_out else [])):
        st.caption(text)
    with st.container(horizontal=True):
        with st.popover(words.SCORECARD_HELP, icon=":material/help:"):
            st.markdown(tables.meanings())
        _download(tables.scorecard_file(frame, view.labels), "scorecard")


def capacity(view: View) -> None:
    """Demand against ready and starting capacity, one chart a run, all on the same axes."""
    frame = view.timeline(LINES)
    ceiling = _ceiling(frame)
    with st.container(border=True):
        st.subheader(words.CAPACITY_TITLE)
        with st.grid(3 if len(view.runs) % 3 == 0 else 2, min_column_width=310):
            for run_id, label in zip(view.run_ids, view.names, strict=True):
                with st.container():
                    st.markdown(f"**{phrases.escaped(label)}**")
                    rows = frame[frame["run_id"] == run_id]
                    _capacity_chart(view, run_id, rows, ceiling)
        st.caption(f"{words.CAPACITY_CAPTION} {sampling(view, frame, 'mean')}")
        data_behind(frame, "capacity")


def _ceiling(frame: pd.DataFrame) -> float:
    provisioned = frame["ready_slots"] + frame["starting_slots"]
    return top(pd.concat([frame["offered_slots"], provisioned]))


def _capacity_chart(view: View, run_id: str, rows: pd.DataFrame, ceiling: float) -> None:
    demand, ready = float(rows["offered_slots"].max()), float(rows["ready_slots"].max())
    st.altair_chart(
        capacity_chart(rows, view.clock, view.window, ceiling),
        key=f"compare_capacity_{run_id}",
        alt=phrases.capacity_alt(view.labels[run_id], demand, ready),
    )


@st.fragment
@problems.guarded
def latency(view: View) -> None:
    """A percentile over time for every run, with the SLO."""
    frame = view.latency()
    slo_s = view.baseline.scenario.slo.latency_s
    with st.container(border=True):
        st.subheader(words.LATENCY_TITLE)
        with st.container(horizontal=True, vertical_alignment="center"):
            percentile = st.segmented_control(
                words.PERCENTILE,
                PERCENTILES,
                default="p95",
                required=True,
                key="compare_percentile",
                label_visibility="collapsed",
            )
            log = st.toggle(words.LOG_SCALE, key="compare_log")
        column = f"{percentile}_s"
        chart = run_lines(
            frame,
            column,
            labels=view.names,
            clock=view.clock,
            window=view.window,
            title=f"{percentile} latency (s)",
            unit="s",
            limit=(slo_s, f"SLO {formats.figure(slo_s, 's')}"),
            log=log,
        )
        st.altair_chart(
            chart,
            key="compare_latency",
            alt=phrases.lines_alt(f"{percentile} latency", _peaks(view, frame, column), "s"),
        )
        st.caption(f"{words.LATENCY_CAPTION} {sampling(view, frame, 'percentile')}")
        data_behind(frame, "latency")


def queue(view: View) -> None:
    """Requests waiting."""
    _lines(
        view,
        "queued",
        words.QUEUE_TITLE,
        words.QUEUE_AXIS,
        "requests",
        words.QUEUE_CAPTION,
        "highest value",
        narrow=True,
    )


def failures(view: View) -> None:
    """Requests that failed, by time of failure."""
    _lines(
        view,
        "failed_per_s",
        words.FAILURES_TITLE,
        words.FAILURES_AXIS,
        "1/s",
        words.FAILURES_CAPTION,
        "mean",
        narrow=True,
    )


def cost(view: View) -> None:
    """What the provisioned workers cost."""
    _lines(
        view,
        "cost_usd_per_h",
        words.COST_TITLE,
        words.COST_AXIS,
        "USD/h",
        words.COST_CAPTION,
        "mean",
    )


@st.fragment
@problems.guarded
def _lines(
    view: View,
    column: str,
    title: str,
    axis: str,
    unit: str,
    caption: str,
    how: str,
    *,
    narrow: bool = False,
) -> None:
    frame = view.timeline(len(view.runs))
    with st.container(border=True, height="stretch"):
        st.subheader(title)
        chart = run_lines(
            frame,
            column,
            labels=view.names,
            clock=view.clock,
            window=view.window,
            title=axis,
            unit=unit,
            narrow=narrow,
        )
        st.altair_chart(
            chart,
            key=f"compare_{column}",
            alt=phrases.lines_alt(title, _peaks(view, frame, column), unit),
        )
        st.caption(f"{caption} {sampling(view, frame, how)}")
        data_behind(frame, column)


@st.fragment
@problems.guarded
def actions(view: View) -> None:
    """When a run changed its number of workers, and what bound the decision."""
    with st.container(border=True):
        st.subheader(words.ACTIONS_TITLE)
        run_id = st.segmented_control(
            words.COMPARE_RUNS,
            view.run_ids,
            default=view.run_ids[-1],
            required=True,
            format_func=view.labels.__getitem__,
            key="compare_actions",
            label_visibility="collapsed",
        )
        frame = load.actions(run_id, *view.bounds)
        if frame.empty:
            st.caption(words.ACTIONS_NONE)
            return
        st.dataframe(
            tables.actions(frame, view.baseline.epoch_s),
            column_config=tables.action_columns(),
            hide_index=True,
            alt=words.ACTIONS_ALT,
        )


def _peaks(view: View, frame: pd.DataFrame, column: str) -> dict[str, float]:
    peaks = frame.groupby("run")[column].max().dropna()
    return {name: float(peaks[name]) for name in view.names if name in peaks}


def sampling(view: View, frame: pd.DataFrame, how: str) -> str:
    """How a chart was down-sampled."""
    bucket_s = float(frame["bucket_s"].max()) if len(frame) else view.baseline.tick_s
    return phrases.sampled(bucket_s, view.baseline.tick_s, how)


@st.fragment
@problems.guarded
def data_behind(frame: pd.DataFrame, name: str) -> None:
    """The rows behind a chart, sent only when somebody opens them."""
    box = st.expander(words.DATA, key=f"compare_data_{name}", on_change="rerun")
    if box.open:
        with box:
            st.dataframe(frame, hide_index=True, alt=words.DATA_ALT, height=260)
            _download(frame, name)


def _download(frame: pd.DataFrame, name: str) -> None:
    st.download_button(
        words.DOWNLOAD,
        data=lambda: tables.csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"compare_csv_{name}",
    )
