"""A decision made again, and played on differently; both need the run to be played again once."""

import numpy as np
import pandas as pd
import streamlit as st

from app import explain_words as words
from app import formats, load, load_decisions, phrases, problems, state
from app.charts.base import Window
from app.charts.explain import sides_chart
from app.jobs import State
from app.parts import explain_again, progress
from app.parts.explain_view import View
from engine.explain.counterfactuals import CHANGES, Counterfactual
from engine.explain.decision import Decision
from engine.explain.session import Asked, Checked

CHECK = "check"


def card(view: View, decision: Decision) -> None:
    """Buttons, and what they found."""
    with st.container(border=True):
        st.subheader(words.WHAT_IF_TITLE, help=words.WHAT_IF_HELP)
        horizon_s, kept_s = _spans()
        with st.container(horizontal=True):
            for change, label in CHANGES.items():
                _button(view, decision, change, label[:1].upper() + label[1:])
            _button(view, decision, CHECK, words.CHECK, help_=words.CHECK_HELP)
        asked = _asked(view, decision)
        if asked is None:
            return
        change = str(state.get(state.EXPLAIN_ASKED)[2])
        with problems.shown():
            if change == CHECK:
                _checked(decision, load_decisions.checked(asked, decision))
            else:
                _played(
                    view,
                    decision,
                    load_decisions.played(asked, decision, change, horizon_s, kept_s),
                )


def _spans() -> tuple[float, float]:
    with st.container(horizontal=True):
        horizon_s: float = st.segmented_control(
            words.HORIZON, words.HORIZONS_S, default=words.HORIZONS_S[1],
            format_func=formats.duration, key=state.EXPLAIN_HORIZON, required=True,
        )  # fmt: skip
        kept_s: float = st.segmented_control(
            words.KEEP, words.KEPT_S, default=words.KEPT_S[1], format_func=formats.duration,
            key=state.EXPLAIN_KEPT, required=True,
        )  # fmt: skip
    return horizon_s, kept_s


def _button(
    view: View, decision: Decision, change: str, label: str, help_: str | None = None
) -> None:
    question = (view.run.run_id, decision.number, change)
    st.button(
        label, key=f"explain_ask_{change}", on_click=state.put,
        args=(state.EXPLAIN_ASKED, question), help=help_,
        type="primary" if state.get(state.EXPLAIN_ASKED) == question else "secondary",
    )  # fmt: skip


def _asked(view: View, decision: Decision) -> Asked | None:
    """The run, ready to be asked; None while it is not, or while nothing was asked."""
    question = state.get(state.EXPLAIN_ASKED)
    if question is None or question[:2] != (view.run.run_id, decision.number):
        return None
    return explain_again.ready(view.run.run_id, "explain")


def _checked(decision: Decision, found: Checked) -> None:
    (st.success if found.same else st.error)(words.SAME if found.same else words.NOT_SAME)
    bound = found.binding
    if bound is not None:
        names = [str(reason) for reason in bound.named]
        told = words.bound(names, bound.told[1], bound.told[0], found.together)
        st.write(told if names else words.FREE)
    if not load_decisions.tells_more(decision.run_id):
        st.caption(words.MOVED_NONE)


def _played(view: View, decision: Decision, found: Counterfactual) -> None:
    told = words.what_if(found.words, found.pool, found.horizon_s, found.kept_s)
    st.markdown(told)
    rows = []
    for key, (label, unit) in words.FIGURES.items():
        before, after = found.base.figures[key], found.other.figures[key]
        change = found.difference[key]
        rows.append(
            (label, formats.figure(before, unit), formats.figure(after, unit),
             "" if change is None else formats.difference(change, None, unit))
        )  # fmt: skip
    heads = ["Figure", words.AS_IT_WAS, "Otherwise", "Difference"]
    left, right = st.columns([5, 4])
    with left:
        st.table(
            pd.DataFrame(rows, columns=heads), hide_index=True, border="horizontal",
            alt=words.WHAT_IF_ALT,
        )  # fmt: skip
    with right:
        _sides(view, decision, found)
    if found.base.unresolved or found.other.unresolved:
        st.caption(words.unresolved(found.base.unresolved, found.other.unresolved))


def _sides(view: View, decision: Decision, found: Counterfactual) -> None:
    start_s = view.run.from_s + found.from_s
    pool = load_decisions.pool_number(decision)
    frames = []
    for side, played in ((words.AS_IT_WAS, found.base), ("Otherwise", found.other)):
        sizes = played.target[:, pool]
        keep = np.flatnonzero(np.r_[True, sizes[1:] != sizes[:-1]])
        t_s = start_s + keep * view.run.tick_s
        frames.append(pd.DataFrame({"t_s": t_s, "side": side, "workers": sizes[keep]}))
        last = {"t_s": [start_s + found.horizon_s], "side": [side], "workers": [sizes[-1]]}
        frames.append(pd.DataFrame(last))
    window = Window(from_s=start_s, to_s=start_s + found.horizon_s)
    chart = sides_chart(pd.concat(frames), view.clock(found.horizon_s), window)
    st.altair_chart(chart, key="explain_sides", alt=words.WHAT_IF_CHART_ALT)


def belief(view: View) -> None:
    """Every decision of the run checked, when somebody asks for it."""
    with st.expander(words.BELIEF_TITLE, icon=":material/fact_check:"):
        st.caption(words.BELIEF_HELP)
        run_id = view.run.run_id
        job = load.board().find(state.get(state.EXPLAIN_BELIEF))
        mine = job is not None and job.title == _title(view)
        if job is None or not mine:
            if st.button(words.BELIEF_GO, key="explain_belief"):
                state.put(state.EXPLAIN_BELIEF, load_decisions.check_all(run_id, _title(view)).id)
                st.rerun()
            return
        if not job.ended:
            progress.watch(job, "explain_belief_cancel")
            return
        if job.state is not State.DONE:
            progress.outcome(job, "")
            return
        found = job.result
        st.write(phrases.bullets([
            words.belief(found.re_executed_frac, "Decisions that come out the same again",
                         found.records),
            words.belief(found.reason_alone_frac, words.BELIEF_ALONE, found.constrained),
            words.belief(found.lifted_frac, words.BELIEF_LIFTED, found.named),
            words.belief(found.sentences_frac, "Sentences with every number in their record",
                         found.records),
        ]))  # fmt: skip
        st.caption(words.named(found.constrained, found.named, found.divided_by_siting))
        seen = found.attention
        st.write(
            words.trust(None, None, None) if seen is None else
            words.trust(seen.rank_correlation, seen.top_change_workers,
                        seen.random_change_workers)
        )  # fmt: skip


def _title(view: View) -> str:
    return f"Checking the decisions of {view.run.policy} ({view.run.run_id[:6]})"
