"""Is there an allocator that fits this demand better, and should it be used?"""

import streamlit as st

from app import problems, words
from app import training_words as texts
from app.parts import training_champion, training_result, training_start

st.title(words.NAV_TRAINING[0])
st.write(texts.INTRO)

with problems.shown():
    training_result.in_use()
    training_start.card()
    training_start.watch()
    training_result.card(training_start.known())
    training_champion.card()
