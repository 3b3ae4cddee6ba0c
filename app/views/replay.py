"""What if: this demand, that cluster, these policies?"""

import streamlit as st

from app import load, state, tables, words
from app.parts import demand, progress, replay_job, scenario_form

st.title(words.NAV_REPLAY[0])
st.write(words.REPLAY_INTRO)

replayable = demand.replayable(load.planner().traces())
if replayable.empty:
    st.info(words.REPLAY_NONE)
    st.page_link(state.TRACES_PAGE, label=words.GO_TRACES, icon=":material/add:")
    st.stop()

scenario_form.prepare()
replay_job.finish()  # a finished replay goes to its comparison
running = replay_job.running()

with st.container(border=True):
    st.subheader(words.STEP_DEMAND)
    trace = demand.pick_trace(replayable)
    window = demand.pick_window(trace)

with st.container(border=True):
    st.subheader(words.STEP_CLUSTER)
    scenario_form.presets()
    with st.form("replay_form", border=False):
        scenario_form.fields()
        st.subheader(words.STEP_POLICIES)
        st.multiselect(
            words.POLICIES,
            replay_job.policy_options(),
            key=state.REPLAY_POLICIES,
            help=words.POLICIES_HELP,
            accept_new_options=True,
            persist_state="session",
        )
        st.checkbox(words.FRESH, key=state.REPLAY_FRESH)
        submitted = st.form_submit_button(
            words.REPLAY_GO,
            type="primary",
            icon=":material/play_arrow:",
            key="replay_go",
            disabled=running is not None,
        )
    if submitted:
        replay_job.submit(trace, window)
    scenario_form.show_problem()
    replay_job.outcome()
    if running is not None:
        progress.watch(running, "replay_cancel")

with st.expander(words.POLICIES_HOW, icon=":material/help:"):
    st.table(tables.policies(load.policies()), border="horizontal", alt=words.POLICIES_ALT)
scenario_form.advanced()
