"""Why was this decided, what would have happened otherwise, and do you agree?"""

import streamlit as st

from app import choices, load, load_decisions, problems, state, words
from app import explain_words as explain
from app.parts import (
    explain_beside,
    explain_detail,
    explain_moved,
    explain_review,
    explain_reward,
    explain_timeline,
    explain_view,
    explain_what_if,
    planner_link,
)

st.title(words.NAV_EXPLAIN[0])
st.write(explain.INTRO)

saved = choices.done(load.planner().runs())
if saved.empty:
    st.info(explain.NONE)
    st.page_link(state.REPLAY_PAGE, label=words.GO_REPLAY, icon=":material/play_circle:")
    st.stop()

with problems.shown():
    view = explain_view.pick(saved)
    if not load_decisions.numbered(view.run.run_id):
        st.warning(explain.OLD, icon=":material/update:")
        st.page_link(state.RUNS_PAGE, label=words.NAV_RUNS[0], icon=":material/history:")
        st.stop()
    planner_link.link(view.run.run_id)
    explain_timeline.card(view)
    if view.number is None:
        explain_review.queue(view)
    else:
        decision = load_decisions.decision(view.run.run_id, view.number)
        explain_detail.card(view, decision)
        explain_moved.card(view, decision)
        explain_reward.card(decision)
        explain_what_if.card(view, decision)
        explain_review.form(view, decision)
        explain_beside.card(view, decision)
        explain_review.queue(view)
    explain_review.saved(view)
    explain_what_if.belief(view)
