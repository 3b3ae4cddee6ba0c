"""What if: turn a knob, see what would have happened."""

import streamlit as st

from app import load, planner_words, problems, state, words
from app.parts import comparison_tuned, demand, planner_answer, planner_knobs, planner_work
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

try:  # as early as it is known what is asked: the preview is made while the knobs are drawn
    wanted, problem = planner_work.wish(trace, window), None
    planner_work.ask(wanted)
except EngineError as error:
    problem = error

left, right = st.columns([1, 2.4])
with left:
    with st.container(border=True):
        planner_knobs.priorities()
    with st.container(border=True):
        planner_knobs.limits()
        planner_knobs.carbon(trace, window)

with right:
    st.subheader(planner_words.RESULT)
    if problem is not None:
        problems.show(problem)
        st.stop()
    planner_answer.show(wanted)
