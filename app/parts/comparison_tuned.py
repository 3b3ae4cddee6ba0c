"""The tuned HPA as a line beside every comparison; it streams in once the comparison is there."""

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems, state
from app.parts import idle
from app.parts.comparison_view import View
from engine.tune.line import Line


@problems.guarded
def card(view: View) -> None:
    """The line, or how far its search is."""
    run_id, planner = view.baseline.run_id, load.planner()
    task = idle.Task(
        kind="tuned", key=run_id, title=planner_words.TUNED_WORKING, go=planner_words.TUNED_GO,
        work=lambda report, stop: planner.tuned_hpa(run_id, progress=report, cancel=stop),
    )  # fmt: skip
    found = idle.result(task) or planner.known_tuned_hpa(run_id)
    with st.container(border=True):
        st.subheader(planner_words.TUNED, help=planner_words.TUNED_HELP)
        if found is None:
            idle.show(task)
        else:
            _shown(view, found)


def _shown(view: View, found: Line) -> None:
    run, base = load.planner().run(found.run_id), view.baseline
    cost, other = run.scorecard["cost_usd"], base.scorecard["cost_usd"]
    met, p95_s = run.scorecard["slo_attainment_frac"], run.scorecard["p95_s"]
    against = None if cost is None or not other else f"{100 * (cost - other) / other:+.0f} %"
    row = (
        found.policy,
        *(
            planner_words.BOUNDS_UNKNOWN if value is None else value
            for value in (
                None if cost is None else formats.figure(cost, "USD"), against,
                None if met is None else formats.percent(met),
                None if p95_s is None else formats.figure(p95_s, "s"),
            )
        ),
    )  # fmt: skip
    frame = pd.DataFrame([row], columns=list(planner_words.TUNED_COLUMNS)).map(phrases.escaped)
    st.table(frame, border="horizontal", alt=planner_words.TUNED_ALT)
    sampled = planner_words.TUNED_SAMPLED.format(share=formats.percent(found.sampled_frac))
    kept = planner_words.TUNED_KEPT if found.keeps_slo else planner_words.TUNED_MISSED
    st.caption(
        planner_words.TUNED_CAPTION.format(
            replays=formats.count(found.replays, "replay"),
            where="" if found.sampled_frac == 1.0 else sampled,
            kept=kept.format(slo=formats.percent(found.slo)),
        )
    )
    if found.run_id in view.run_ids:
        return
    if st.button(planner_words.TUNED_ADD, key="tuned_add", icon=":material/add:"):
        chosen = state.comparison_of([*view.run_ids, found.run_id], base.run_id)
        state.put(state.TUNED_ADD, chosen.query())
        st.rerun()


def leave() -> None:
    """Goes to the comparison with the line among its runs, where somebody wants that."""
    query = state.take(state.TUNED_ADD)
    if query is not None:
        state.go_to(state.COMPARE_PAGE, query)
