"""What would switching policy cost, save and emit, and how sure is that?"""

import streamlit as st

from app import load, phrases, problems, state, words
from app.charts.base import Clock, Window
from app.parts import assumptions_table, report_cards, runs_chosen
from app.parts.window_picker import described

st.title(words.NAV_REPORT[0])
chosen = state.comparison()
saved = load.planner().runs()
runs = runs_chosen.found(chosen)

if len(runs) < words.REPORT_RUNS_MIN:
    st.write(words.REPORT_INTRO)
    if saved.empty:
        st.page_link(state.REPLAY_PAGE, label=words.GO_REPLAY, icon=":material/play_circle:")
        st.stop()
    runs_chosen.chooser(chosen, saved, first=True)
    runs_chosen.suggestions(saved, words.REPORT_RECENT, here=True)
    st.stop()

chosen = runs_chosen.full(chosen, runs)
baseline = next(run for run in runs if run.run_id == chosen.baseline)
whole = Window(from_s=baseline.from_s, to_s=baseline.to_s)
with st.container(horizontal=True, vertical_alignment="center"):
    clock = Clock(epoch_s=baseline.epoch_s, span_s=whole.to_s - whole.from_s)
    st.markdown(
        phrases.comparison_line(
            baseline.trace_name, baseline.scenario.name, described(clock, whole)
        ),
        width="content",
    )
    with st.popover(words.COMPARE_CHOOSE, icon=":material/checklist:"):
        runs_chosen.chooser(chosen, saved)
    st.page_link(
        state.COMPARE_PAGE,
        label=words.REPORT_COMPARE,
        icon=":material/balance:",
        query_params=chosen.query(),
    )

others = [run_id for run_id in chosen.runs if run_id != chosen.baseline]
labels = runs_chosen.labels(runs)
wanted = state.term(state.CANDIDATE)
state.put(
    state.REPORT_CANDIDATE,
    next((run_id for run_id in others if wanted and run_id.startswith(wanted)), others[0]),
)
candidate = st.segmented_control(
    words.REPORT_CANDIDATE,
    others,
    format_func=labels.__getitem__,
    help=words.REPORT_CANDIDATE_HELP,
    key=state.REPORT_CANDIDATE,
    required=True,
    on_change=lambda: state.set_term(state.CANDIDATE, state.get(state.REPORT_CANDIDATE) or ""),
)
order = tuple(dict.fromkeys([chosen.baseline, candidate or others[0], *others]))

with problems.shown():
    given = assumptions_table.edited(assumptions_table.starting_point(order))
    report = load.report(order, chosen.baseline, given)
    report_cards.summary(report)
    report_cards.files(order, chosen.baseline, given)
    report_cards.details(report)
