"""What the page *Planner* shows of an answer: figures beside the baseline, and timelines."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems, state, tables, words
from app.charts.planner import place_chart, place_frame
from app.jobs import State
from app.parts import comparison_bounds, comparison_tuned, planner_work
from app.parts import comparison_cards as cards
from app.parts.comparison_view import view_of
from app.parts.planner_work import Glimpse, Made
from engine.comparison import compare
from engine.figures import FIGURES
from engine.planner import RunInfo
from engine.policies.registry import parse_spec
from engine.sweep.noise import Paired

HEADLINES = (
    "cost_usd", "slo_attainment_frac", "p95_s", "p99_s", "utilisation_frac", "carbon_kg",
)  # fmt: skip


def preview(found: Glimpse) -> None:
    """Figures of a coarse replay, marked as such."""
    frame = compare(
        {"ours": found.ours.scorecard, "baseline": found.baseline.scorecard},
        {"ours": "", "baseline": ""},
        "baseline",
    )
    st.markdown(planner_words.PREVIEW_BADGE)
    _headlines(frame[frame["run_id"] == "ours"])
    st.caption(
        planner_words.PREVIEW_NOTE.format(
            share=formats.percent(found.ours.covered_frac),
            requests=formats.count(found.ours.requests, "request"),
        )
    )


def whole(found: Made) -> None:
    """Everything about two finished runs."""
    ids = list(dict.fromkeys([found.run_id, found.baseline]))
    runs = [load.planner().run(run_id) for run_id in ids]
    labels = _labels(runs)
    frame = load.compare(tuple(ids), found.baseline, None, None)
    st.markdown(planner_words.FULL_BADGE)
    _headlines(frame[frame["run_id"] == found.run_id])
    _noise(found)
    view = view_of(runs, labels, found.baseline, None)
    cards.capacity(view)
    with st.grid(2, min_column_width=340):
        cards.latency(view)
        place(found)
    cards.cost(view)
    comparison_bounds.card(view)
    comparison_tuned.card(view)
    with st.expander(words.SCORECARD, icon=":material/table_chart:"):
        cards.scorecard(view)
    st.page_link(
        state.COMPARE_PAGE, label=planner_words.COMPARE_LINK, icon=":material/balance:",
        query_params=state.comparison_of(ids, found.baseline).query(),
    )  # fmt: skip


def _labels(runs: list[RunInfo]) -> dict[str, str]:
    """Names by run id; two runs of one policy are told apart by their place."""
    names = [parse_spec(run.policy).name for run in runs]
    if len(set(names)) < len(names):
        names = [
            f"{name} ({when})" for name, when in zip(names, planner_words.SIDES, strict=False)
        ]
    return {run.run_id: name for run, name in zip(runs, names, strict=True)}


def _headlines(rows: pd.DataFrame) -> None:
    measured = rows.dropna(subset=["value"])
    by_key = {str(row.figure): row for row in measured.itertuples()}
    shown = [key for key in HEADLINES if key in by_key]
    with st.grid(3, min_column_width=190):
        for key in shown:
            st.metric(**tables.metric(by_key[key]), border=True)


def _noise(found: Made) -> None:
    """Whether the differences mean anything."""
    job = planner_work.noise_job()
    if job is not None and job.state is State.DONE:
        _intervals(job.result)
        return
    if job is not None and not job.ended:
        st.caption(planner_words.NOISE_WORKING)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(planner_words.NOISE_UNKNOWN, width="content")
        st.button(
            planner_words.NOISE_GO, key="plan_noise_go", help=planner_words.NOISE_HELP,
            on_click=planner_work.measure_noise, args=(found,),
            disabled=found.run_id == found.baseline,
        )  # fmt: skip


def _intervals(found: Mapping[str, Paired]) -> None:
    keys = [key for key in HEADLINES if key in found]
    if not keys:
        return
    rows = [
        (
            FIGURES[key].label,
            formats.difference(found[key].mean, None, FIGURES[key].unit),
            _interval(found[key]),
            planner_words.NOISE_MORE if found[key].exceeds else planner_words.NOISE_LESS,
        )
        for key in keys
    ]
    pairs = found[keys[0]].pairs
    st.markdown(f"**{planner_words.NOISE_TITLE.format(pairs=pairs)}**")
    frame = pd.DataFrame(rows, columns=list(planner_words.NOISE_COLUMNS))
    st.table(frame.map(phrases.escaped), border="horizontal", alt=planner_words.NOISE_ALT)


def _interval(one: Paired) -> str:
    ends = (formats.difference(end, None, FIGURES[one.figure].unit) for end in (one.low, one.high))
    return " to ".join(ends)


@st.fragment
@problems.guarded
def place(found: Made) -> None:
    """Where the run lies among all runs of its window."""
    peers = load.planner().peers(found.run_id)
    with st.container(border=True):
        st.subheader(planner_words.FRONT)
        chosen = st.segmented_control(
            planner_words.PLACE, list(planner_words.PLACES), key=state.PLAN_PLACE,
            default=next(iter(planner_words.PLACES)), required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        axes = planner_words.PLACES[chosen]
        if place_frame(peers, found.run_id, found.baseline, axes).empty:
            st.info(planner_words.FRONT_UNMEASURED)
            return
        across, up = (planner_words.PLACE_AXES[key] for key in axes)
        st.altair_chart(
            place_chart(peers, found.run_id, found.baseline, axes), key="plan_place_chart",
            alt=planner_words.FRONT_ALT.format(across=across, up=up),
        )  # fmt: skip
        st.caption(planner_words.FRONT_CAPTION)
