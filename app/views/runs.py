"""What was replayed so far, and what became of it?"""

import streamlit as st

from app import choices, load, problems, state, tables, words
from app.parts import run_actions

st.title(words.NAV_RUNS[0])
saved = load.planner().runs()
if saved.empty:
    st.info(words.RUNS_EMPTY)
    st.page_link(state.REPLAY_PAGE, label=words.GO_REPLAY, icon=":material/play_circle:")
    st.stop()

st.write(words.RUNS_INTRO)
event = st.dataframe(
    choices.listing(saved, words.STATUSES),
    column_config=tables.run_columns(),
    hide_index=True,
    key=state.RUNS_PICK,
    on_select="rerun",
    selection_mode="multi-row",
    height="content" if len(saved) < 14 else 520,
    alt=words.RUNS_ALT,
)
picked = choices.rows_at(saved, event["selection"]["rows"])
with problems.shown():
    run_actions.toolbar(picked)
