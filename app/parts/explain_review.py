"""What people say of decisions: the form, the queue, what was said, and files of it."""

from functools import partial

import pandas as pd
import streamlit as st

from app import explain_words as words
from app import formats, load, load_decisions, phrases, problems, state
from app.parts.explain_view import View, open_decision
from engine.explain.decision import Decision


def form(view: View, decision: Decision) -> None:
    """Agree, disagree or unsure, with a note and a tag."""
    with st.container(border=True):
        st.subheader(words.REVIEW_TITLE)
        with st.form("explain_review", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                by = st.text_input(words.REVIEWER, key=state.EXPLAIN_REVIEWER, width=220,
                                   persist_state="session")  # fmt: skip
                verdict = st.segmented_control(
                    words.VERDICT, list(words.VERDICTS), key=f"explain_verdict_{decision.number}",
                    format_func=dict(words.VERDICTS).__getitem__,
                )  # fmt: skip
                tag = st.text_input(words.TAG, key=f"explain_tag_{decision.number}", width=160)
            note = st.text_area(words.NOTE, key=f"explain_note_{decision.number}", height=80)
            sent = st.form_submit_button(words.SAVE, icon=":material/rate_review:")
        if sent:
            with problems.shown():
                load.planner().review(
                    view.run.run_id, decision.number, by=by, verdict=verdict or "", tag=tag,
                    note=note,
                )  # fmt: skip
                load_decisions.forget_reviews()
                state.put(state.EXPLAIN_SAVED, (view.run.run_id, decision.number))
                st.rerun()
        if state.take(state.EXPLAIN_SAVED) == (view.run.run_id, decision.number):
            st.success(words.SAVED, icon=":material/check_circle:")


def saved(view: View) -> None:
    """Reviews of this run, counted, and as files."""
    frame = load_decisions.reviews(view.run.run_id)
    with st.container(border=True):
        st.subheader(words.REVIEWS)
        if frame.empty:
            st.caption(words.REVIEWS_NONE)
            return
        shown = pd.DataFrame({
            "Time": [formats.instant(view.run.epoch_s, t_s) for t_s in frame["t_s"]],
            "Pool": [phrases.escaped(pool) for pool in frame["pool"]],
            "Workers": [f"{a} → {b}" for a, b in zip(frame["current"], frame["applied"],
                                                     strict=True)],
            "Reason": [words.reason(code) for code in frame["reason"]],
            "By": [phrases.escaped(by) for by in frame["reviewer"]],
            "Verdict": frame["verdict"].map(words.VERDICTS),
            "Tag": [phrases.escaped(tag) for tag in frame["tag"]],
            "Note": [phrases.escaped(note) for note in frame["note"]],
        })  # fmt: skip
        st.table(shown, hide_index=True, border="horizontal", alt=words.REVIEWS_ALT)
        counts = pd.crosstab([frame["policy"], frame["reason"]], frame["verdict"])
        counts = counts.rename(columns=words.VERDICTS).reset_index()
        counts["reason"] = [words.reason(code) for code in counts["reason"]]
        counts = counts.rename(columns={"policy": "Policy", "reason": "Reason"})
        st.table(counts, hide_index=True, border="horizontal", alt=words.COUNTS_ALT)
        with st.container(horizontal=True):
            for kind in ("csv", "json"):
                st.download_button(
                    f"{kind.upper()}", key=f"explain_file_{kind}", icon=":material/download:",
                    data=partial(load_decisions.reviews_file, view.run.run_id, kind),
                    file_name=f"reviews-{view.run.run_id[:6]}.{kind}",
                )  # fmt: skip


def queue(view: View) -> None:
    """What is worth a look, found when somebody opens it."""
    box = st.expander(words.QUEUE, icon=":material/priority_high:", key="explain_queue",
                      on_change="rerun")  # fmt: skip
    if not box.open:
        return
    with box:
        st.caption(words.QUEUE_HELP)
        found = load_decisions.review_queue(view.run.run_id)
        if not found:
            st.caption(words.QUEUE_NONE)
        with st.container(gap=None):
            for each in found:
                when = formats.instant(view.run.epoch_s, each.t_s)
                label = f"{when}, {each.pool}: {each.cause}"
                st.button(
                    phrases.escaped(label), key=f"explain_queue_{each.number}", type="tertiary",
                    icon=":material/arrow_forward:", on_click=open_decision, args=(each.number,),
                    wrap=False,
                )  # fmt: skip
