"""Which demand do we have?"""

import streamlit as st

from app import choices, load, problems, state, tables, words
from app.parts import add_trace, trace_list

st.title(words.NAV_TRACES[0])
st.write(words.TRACES_INTRO)

saved = load.planner().traces()
stored, new = st.tabs(
    [words.TRACES_STORED, words.TRACES_ADD], key=state.TRACES_TAB, on_change="rerun"
)
with stored:
    if saved.empty:
        st.info(words.TRACES_EMPTY)
    else:
        st.dataframe(
            choices.trace_listing(saved, words.KINDS),
            column_config=tables.trace_columns(),
            hide_index=True,
            key=state.TRACES_ROWS,
            on_select=trace_list.row_chosen,
            selection_mode="single-row",
            alt=words.TRACES_ALT,
        )
        with problems.shown():
            trace_list.look_at(saved)
with new:
    add_trace.add()
