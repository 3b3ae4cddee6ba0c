"""Another policy at the same moment, where the two part first, and a person's hold."""

import math
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from app import choices, formats, load, load_decisions, phrases, problems, state
from app import explain_words as words
from app.jobs import Job, State
from app.parts import progress
from app.parts.explain_view import View
from engine.explain.decision import Decision
from engine.explain.sentences import sentence
from engine.figures import FIGURES
from engine.planner import RunInfo
from engine.scenario import Guard, Hold, Scenario

COSTS = ("slo_attainment_frac", "p95_s", "failure_frac", "cost_usd", "carbon_kg")
"""What is compared from where two runs part."""
HOLDS_S = (900.0, 3600.0, 7200.0)


def card(view: View, decision: Decision) -> None:
    """Beside another run, and with a hold."""
    with st.container(border=True):
        st.subheader(words.COMPARE_TITLE, help=words.COMPARE_HELP)
        with problems.shown():
            _beside(view, decision)
    with st.expander(words.HOLD_TITLE, icon=":material/back_hand:"), problems.shown():
        _hold(view, decision)


def _alike(view: View) -> dict[str, str]:
    rows, run = view.runs, view.run
    alike = rows[
        (rows["trace_id"] == run.trace_id)
        & (rows["scenario_hash"] == run.scenario_hash)
        & (rows["from_s"] == run.from_s)
        & (rows["to_s"] == run.to_s)
        & (rows["run_id"] != run.run_id)
    ]
    return choices.run_options(alike)


def _beside(view: View, decision: Decision) -> None:
    options = _alike(view)
    if not options:
        st.caption(words.COMPARE_NONE)
        return
    wanted = state.in_address(state.BESIDE)
    chosen = wanted if wanted in options else next(iter(options))
    state.put(state.EXPLAIN_BESIDE, chosen)
    st.selectbox(
        words.COMPARE_WITH, list(options), key=state.EXPLAIN_BESIDE,
        format_func=options.__getitem__, on_change=_beside_chosen,
    )  # fmt: skip
    other = load_decisions.decision_at(chosen, decision.t_s, decision.pool)
    left, right = st.columns(2)
    for column, one in ((left, decision), (right, other)):
        with column:
            st.markdown(f"**{phrases.escaped(one.policy)}**")
            st.write(phrases.escaped(sentence(one)))
    parted = load_decisions.first_difference(view.run.run_id, chosen)
    if parted is None:
        st.caption(words.NEVER_PART)
        return
    t_s, pool = parted
    st.button(
        f"{words.COMPARE_GO} ({formats.instant(view.run.epoch_s, t_s)})", key="explain_part",
        icon=":material/call_split:", on_click=_go_to, args=(view.run.run_id, t_s, pool),
    )  # fmt: skip
    _cost(view, chosen, t_s)
    address = state.comparison_of([chosen, view.run.run_id], chosen, None).query()
    window = {state.FROM: state.exact(t_s), state.TO: state.exact(view.run.to_s)}
    st.page_link(
        state.COMPARE_PAGE, label=words.COMPARE_MORE, icon=":material/balance:",
        query_params=address | window,
    )  # fmt: skip


def _cost(view: View, chosen: str, from_s: float) -> None:
    """What both came to from where they part on; this run less the other."""
    run_id = view.run.run_id
    frame = load.compare((chosen, run_id), chosen, from_s, view.run.to_s)
    mine = frame[frame["run_id"] == run_id].set_index("figure")
    columns = mine.loc[list(COSTS), ["value", "baseline_value", "difference"]].to_numpy(float)
    rows = [
        (figure.label, formats.figure(own, figure.unit), formats.figure(other, figure.unit),
         "" if math.isnan(change) else formats.difference(change, None, figure.unit))
        for figure, (own, other, change) in zip(
            (FIGURES[key] for key in COSTS), columns.tolist(), strict=True
        )
    ]  # fmt: skip
    st.markdown(f"**{words.COMPARE_COST}**")
    heads = ["Figure", "This run", "The other", "Difference"]
    st.table(
        pd.DataFrame(rows, columns=heads), hide_index=True, border="horizontal",
        alt=words.COMPARE_ALT,
    )  # fmt: skip


def _beside_chosen() -> None:
    state.into_address(beside=state.get(state.EXPLAIN_BESIDE))


def _go_to(run_id: str, t_s: float, pool: str) -> None:
    number = load_decisions.decision_at(run_id, t_s, pool).number
    state.into_address(decision=str(number))
    state.forget(state.EXPLAIN_ASKED)


def _hold(view: View, decision: Decision) -> None:
    st.caption(words.HOLD_HELP)
    with st.form("explain_hold", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.number_input(
                words.HOLD_SIZE, min_value=0, value=decision.applied, step=1,
                key=f"explain_hold_size_{decision.number}", width=140,
            )  # fmt: skip
            for_s = st.selectbox(
                words.HOLD_FOR, HOLDS_S, index=1, format_func=formats.duration,
                key="explain_hold_for", width=140,
            )  # fmt: skip
            why = st.text_input(words.HOLD_WHY, key="explain_hold_why")
        sent = st.form_submit_button(words.HOLD_GO, icon=":material/play_circle:")
    if sent:
        hold = Hold(
            pool=decision.pool, at_s=decision.t_s - view.run.from_s, for_s=for_s,
            workers=int(size), why=why.strip() or None,
        )  # fmt: skip
        state.put(state.EXPLAIN_HOLD, _replay(view.run, hold).id)
    job = load.board().find(state.get(state.EXPLAIN_HOLD))
    if job is None:
        return
    if not job.ended:
        progress.watch(job, "explain_hold_cancel")
        return
    progress.outcome(job, words.HOLD_READY)
    if job.state is State.DONE:
        query = state.comparison_of([view.run.run_id, *job.result], view.run.run_id).query()
        st.page_link(
            state.COMPARE_PAGE, label="See the consequence", icon=":material/balance:",
            query_params=query,
        )  # fmt: skip


def _replay(run: RunInfo, hold: Hold) -> Job:
    guard = run.scenario.guard or Guard()
    scenario = replace(
        run.scenario, guard=replace(guard, holds=(*guard.holds, hold)),
        name=f"{run.scenario.name} with a hold",
    )  # fmt: skip
    work = partial(_work, run, scenario)
    return load.board().submit("replay", phrases.replaying([run.policy], run.trace_name), work)


def _work(run: RunInfo, scenario: Scenario, job: Job) -> list[str]:
    return load.planner().replay(
        run.trace_id, [run.policy], scenario=scenario,
        from_s=run.from_s, to_s=run.to_s, cancel=job.cancelled,
        progress=lambda done: job.report(done.fraction, ""),
    )  # fmt: skip
