"""On which cluster, at what price, and what may break?"""

import streamlit as st

from app import cluster_words, state, words
from app.cluster_fields import SECTIONS
from app.parts import cluster_faults, cluster_state, cluster_table, cluster_top
from engine.scenario_file import to_dict

st.title(words.NAV_CLUSTER[0])
st.write(cluster_words.INTRO)

cluster_state.prepare()
cluster_top.start()
scenario = cluster_state.current()
cluster_top.idle(scenario)
cluster_top.unused(scenario)

section = st.segmented_control(
    cluster_words.SECTION,
    list(SECTIONS),
    key=state.CLUSTER_SECTION,
    default=next(iter(SECTIONS)),
    required=True,
    label_visibility="collapsed",
    persist_state="session",
)
cluster_state.enter(section)
plain = to_dict(scenario)
if section == cluster_faults.SECTION:
    cluster_faults.timeline(scenario)
for part in SECTIONS[section]:
    cluster_table.table(plain, part)
cluster_state.entered(section)
