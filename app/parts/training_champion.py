"""The rule or the learned policy for each pool of a trace, chosen by its last day."""

import pandas as pd
import streamlit as st

from app import choices, formats, load, phrases, problems, state
from app import training_words as words
from app.jobs import Job, State
from app.parts import demand, forecast_job
from engine.champion.stored import Election, Terms


def card() -> None:
    """Trace, cluster, the button, and who should decide."""
    traces = demand.replayable(load.planner().traces())
    if traces.empty:
        return
    with st.container(border=True), problems.shown():
        st.subheader(words.CHAMPION_TITLE)
        st.caption(words.CHAMPION_TEXT)
        labels, presets = choices.trace_options(traces), load.planner().presets()
        left, right = st.columns(2)
        trace_id = left.selectbox(
            words.TRACE, list(labels), format_func=labels.__getitem__, key=state.CHAMPION_TRACE
        )
        preset = right.selectbox(words.PRESET, list(presets), key=state.CHAMPION_PRESET)
        job = forecast_job.of(words.CHAMPION_KIND, state.CHAMPION_JOB)
        planner = load.planner()

        def work(job: Job) -> Election:
            return planner.elect(
                trace_id, scenario=presets[preset], terms=Terms(), progress=job.report,
                cancel=job.cancelled,
            )  # fmt: skip

        if st.button(words.CHAMPION_GO, key="champion_go", icon=":material/how_to_vote:",
                     disabled=job is not None and not job.ended):  # fmt: skip
            title = words.choosing(planner.trace(trace_id).name)
            forecast_job.start(words.CHAMPION_KIND, state.CHAMPION_JOB, title, work)
        if job is not None and job.state is State.DONE:
            _show(job.result)
        else:
            forecast_job.show(job, "champion_cancel", "")


def _show(made: Election) -> None:
    st.markdown(f"**{phrases.escaped(made.trace)}**")
    rows = [
        {
            words.CHAMPION_HEADS["pool"]: phrases.escaped(choice.pool),
            words.CHAMPION_HEADS["chosen"]: words.LEARNED if choice.challenger else words.RULE,
            words.CHAMPION_HEADS["missed"]: formats.figure(choice.missed_frac, "%"),
            words.CHAMPION_HEADS["why"]: phrases.sentence(phrases.escaped(choice.reason)),
        }
        for choice in made.choices
    ]
    st.table(pd.DataFrame(rows), border="horizontal", alt=words.CHAMPION_ALT, hide_index=True)
