"""What is this, and what can I look at right now?"""

import streamlit as st

from app import load, problems, state, words
from app.parts import comparison_cards as cards
from app.parts import runs_chosen
from app.parts.comparison_view import view_of

demo, baseline = load.demo()

st.title(words.START_TITLE)
st.markdown(words.START_INTRO)
with st.container(horizontal=True):
    if demo and st.button(words.START_DEMO, type="primary", key="start_demo"):
        state.go_to(state.COMPARE_PAGE, state.comparison_of(demo, baseline).query())
    if st.button(words.START_OWN, key="start_own"):
        state.put(state.TRACES_TAB, words.TRACES_ADD)
        state.go_to(state.TRACES_PAGE)

steps = st.columns(len(words.START_STEPS))
for column, (title, text) in zip(steps, words.START_STEPS, strict=True):
    with column.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        st.caption(text)

with problems.shown():
    if demo:
        st.subheader(words.START_SAMPLE)
        runs = runs_chosen.found(state.comparison_of(demo, baseline))
        cards.teaser(view_of(runs, runs_chosen.labels(runs), baseline, None))
    runs_chosen.suggestions(load.planner().runs(), words.START_RECENT, without=demo)
