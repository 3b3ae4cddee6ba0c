"""What if: turn a knob, see what would have happened."""

import streamlit as st

from app import load, planner_words, problems, state, words
from app.parts import comparison_tuned, demand, planner_knobs, planner_result, planner_work
from engine.errors import EngineError

comparison_tuned.leave()
st.title(planner_words.NAV_PLANNER[0])
st.write(planner_words.INTRO)

replayable = demand.replayable(load.planner().traces())
if replayable.empty:
    st.info(words.REPLAY_NONE)
    st.page_link(state.TRACES_PAGE, label=words.GO_TRACES, icon=":material/add:")
    st.stop()

planner_knobs.prepare()
with st.container(border=True):
    trace = demand.pick_trace(replayable)
    with st.expander(planner_words.WINDOW, icon=":material/date_range:"):
        window = demand.pick_window(trace)
    planner_knobs.choices()

left, right = st.columns([1, 2.4])
with left:
    with st.container(border=True):
        planner_knobs.priorities()
    with st.container(border=True):
        planner_knobs.limits()
        planner_knobs.carbon(trace, window)

with right:
    st.subheader(planner_words.RESULT)
    try:
        planner_work.ask(planner_work.wish(trace, window))
    except EngineError as error:
        problems.show(error)
        st.stop()
    _, last = planner_work.jobs()
    noise = planner_work.noise_job()
    busy = any(job is not None and not job.ended for job in (last, noise))
    made, glimpse = planner_work.made(), planner_work.glimpse()  # after `busy`: it may end now
    problem = planner_work.problem()
    shown = "whole" if made else "preview" if glimpse else "problem" if problem else ""
    if busy:
        planner_work.watch(shown)
    if problem is not None:
        problems.show(problem)
    if made is not None:
        state.into_address(plan=made.run_id, baseline=made.baseline, trace=trace.trace_id)
        planner_result.whole(made)
    elif glimpse is not None:
        planner_result.preview(glimpse)
    elif not busy and problem is None:
        st.info(planner_words.STOPPED)
        if st.button(planner_words.AGAIN, key="plan_again", icon=":material/play_arrow:"):
            planner_work.ask(planner_work.wish(trace, window), again=True)
            st.rerun()
