"""Which policy served better, and at what cost?"""

import streamlit as st

from app import load, phrases, state, words
from app.charts.base import Clock
from app.charts.rate import arrivals_frame
from app.parts import (
    comparison_bounds,
    comparison_cluster,
    comparison_noise,
    comparison_tuned,
    planner_link,
    runs_chosen,
)
from app.parts import comparison_cards as cards
from app.parts.comparison_view import view_of
from app.parts.window_picker import described, window_chart, window_slider

st.title(words.NAV_COMPARE[0])
comparison_tuned.leave()
chosen = state.comparison()
saved = load.planner().runs()
runs = runs_chosen.found(chosen)

if not runs:
    if saved.empty:
        st.info(words.COMPARE_EMPTY)
        st.page_link(state.REPLAY_PAGE, label=words.GO_REPLAY, icon=":material/play_circle:")
        st.stop()
    st.subheader(words.COMPARE_NONE)
    runs_chosen.chooser(chosen, saved, first=True)
    runs_chosen.suggestions(saved, words.START_RECENT, here=True)
    st.stop()

chosen = runs_chosen.full(chosen, runs)
view = view_of(runs, runs_chosen.labels(runs), chosen.baseline, chosen.window)
whole_clock = Clock(epoch_s=view.baseline.epoch_s, span_s=view.whole.to_s - view.whole.from_s)

with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(
        phrases.comparison_line(
            view.baseline.trace_name,
            view.baseline.scenario.name,
            described(whole_clock, view.whole),
        ),
        width="content",
    )
    with st.popover(words.COMPARE_CHOOSE, icon=":material/checklist:"):
        runs_chosen.chooser(chosen, saved)
    planner_link.links(view.labels)
if view.mixed:
    st.warning(words.COMPARE_MIXED, icon=":material/warning:")
if any(run.closed_loop for run in runs):
    st.info(words.CLOSED_LOOP, icon=":material/sync:")

cards.conclusion(view)

with st.container(border=True):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words.WINDOW_TITLE}**")
        st.caption(described(whole_clock, view.window), width="content")
        st.button(
            words.WINDOW_RESET,
            key="compare_reset",
            icon=":material/restart_alt:",
            disabled=view.chosen is None,
            on_click=state.look_at,
            args=(None,),
        )
    window_chart(
        arrivals_frame(load.timeline(view.run_ids[:1], None, None, 500)),
        whole_clock,
        view.whole,
        view.chosen,
        title=words.RATE_TITLE,
        name=view.baseline.trace_name,
        key="compare_brush",
        step_s=view.baseline.tick_s,
        changed=state.look_at,
    )
    window_slider(
        whole_clock,
        view.whole,
        view.chosen,
        key="compare_window",
        step_s=view.baseline.tick_s,
        changed=state.look_at,
    )

cards.capacity(view)
cards.latency(view)
with st.grid(2, min_column_width=400):
    cards.queue(view)
    cards.failures(view)
cards.cost(view)
comparison_cluster.card(view)
comparison_noise.card(view)
comparison_bounds.card(view)
comparison_tuned.card(view)
cards.scorecard(view)
cards.actions(view)
