"""What will come, how sure is that, and which forecaster should be believed?"""

import streamlit as st

from app import forecast_words, load, problems, state, words
from app.parts import demand, forecast_fan, forecast_fit, forecast_scores, forecast_view

st.title(words.NAV_FORECAST[0])
st.write(forecast_words.INTRO)

traces = demand.replayable(load.planner().traces())
if traces.empty:
    st.info(forecast_words.NONE)
    st.page_link(state.TRACES_PAGE, label=words.GO_TRACES, icon=":material/add:")
    st.stop()

with problems.shown():
    view = forecast_view.pick(traces)
    forecast_scores.verdict(view)
    forecast_fan.card(view)
    forecast_scores.board(view)
    forecast_scores.calibration(view)
    forecast_fit.card(view)
