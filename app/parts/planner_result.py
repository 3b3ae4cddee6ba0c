"""What the page *Planner* shows of an answer: figures beside the baseline, and timelines."""

import pandas as pd
import streamlit as st

from app import formats, load, planner_words, problems, state, tables, words
from app.charts.planner import place_chart, place_frame
from app.parts import comparison_bounds, comparison_noise, comparison_tuned
from app.parts import comparison_cards as cards
from app.parts.comparison_view import view_of
from app.parts.planner_work import Glimpse, Made
from engine.comparison import compare
from engine.planner import RunInfo
from engine.policies.registry import parse_spec

HEADLINES = (
    "cost_usd", "slo_attainment_frac", "p95_s", "p99_s", "utilisation_frac", "carbon_kg",
)  # fmt: skip


def preview(found: Glimpse, *, coming: bool) -> None:
    """Figures of a coarse replay, marked as such.

    Args:
        found: what it says of both sides.
        coming: the replay of every request is under way.
    """
    frame = compare(
        {"ours": found.ours.scorecard, "baseline": found.baseline.scorecard},
        {"ours": "", "baseline": ""},
        "baseline",
    )
    note = planner_words.PREVIEW_NOTE.format(
        share=formats.percent(found.ours.covered_frac),
        requests=formats.count(found.ours.requests, "request"),
        whole=planner_words.PREVIEW_COMING if coming else planner_words.PREVIEW_LEFT,
    )
    # One element, so that the full answer's badge takes the place of both.
    st.markdown(f"{planner_words.PREVIEW_BADGE} :small[:gray[{note}]]")
    _headlines(frame[frame["run_id"] == "ours"])


def headlines(found: Made) -> None:
    """The figures that say most of two finished runs."""
    frame = load.compare(_ids(found), found.baseline, None, None)
    st.markdown(planner_words.FULL_BADGE)
    _headlines(frame[frame["run_id"] == found.run_id])


def details(found: Made) -> None:
    """Everything else about them."""
    ids = _ids(found)
    runs = [load.planner().run(run_id) for run_id in ids]
    view = view_of(runs, _labels(runs), found.baseline, None)
    cards.capacity(view)
    with st.grid(2, min_column_width=340):
        cards.latency(view)
        place(found)
    cards.cost(view)
    comparison_noise.card(view)
    comparison_bounds.card(view)
    comparison_tuned.card(view)
    with st.expander(words.SCORECARD, icon=":material/table_chart:"):
        cards.scorecard(view)
    st.page_link(
        state.COMPARE_PAGE, label=planner_words.COMPARE_LINK, icon=":material/balance:",
        query_params=state.comparison_of(ids, found.baseline).query(),
    )  # fmt: skip


def _ids(found: Made) -> tuple[str, ...]:
    return tuple(dict.fromkeys([found.run_id, found.baseline]))


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
