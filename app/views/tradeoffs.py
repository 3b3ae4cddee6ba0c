"""Which trade-offs are there, and what moves them?"""

import streamlit as st

from app import load, planner_words, state, words
from app.parts import demand, planner_sweeps, progress

st.title(planner_words.NAV_TRADEOFFS[0])
st.write(planner_words.SWEEP_INTRO)

replayable = demand.replayable(load.planner().traces())
if replayable.empty:
    st.info(words.REPLAY_NONE)
    st.page_link(state.TRACES_PAGE, label=words.GO_TRACES, icon=":material/add:")
    st.stop()

planner_sweeps.finish()  # a run that was opened goes to its comparison
running = planner_sweeps.running() or next(iter(load.board().active("open")), None)

with st.expander(planner_words.SWEEP_NEW, icon=":material/add:", expanded=False):
    trace = demand.pick_trace(replayable)
    window = demand.pick_window(trace)
    planner_sweeps.form(
        trace, window, {**load.planner().presets(), **load.planner().saved_scenarios()}
    )

if running is not None:
    progress.watch(running, "sweep_cancel")

with st.container(horizontal=True, vertical_alignment="bottom"):
    chosen = planner_sweeps.pick()
    if chosen is not None:
        if st.button(
            planner_words.SWEEP_CONTINUE, key="sweep_again", disabled=running is not None
        ):
            planner_sweeps.again(chosen)
        st.button(
            planner_words.SWEEP_DELETE, key="sweep_delete", icon=":material/delete:",
            on_click=load.planner().delete_sweep, args=(chosen,),
        )  # fmt: skip
if chosen is not None:
    planner_sweeps.explorer(load.planner().sweep_report(chosen))
