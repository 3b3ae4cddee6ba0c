"""Which runs a page compares: read from the address, checked, and chosen anew."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from app import choices, load, phrases, problems, state, words
from app.charts.base import RUNS_MAX
from engine.errors import EngineError
from engine.planner import RunInfo


def found(chosen: state.Comparison) -> list[RunInfo]:
    """The runs that are there and done; what is wrong with the others is shown."""
    runs: dict[str, RunInfo] = {}
    for run_id in chosen.runs[:RUNS_MAX]:
        try:
            run = load.planner().run(run_id)
        except EngineError as error:
            problems.show(error)
            continue
        if run.status == "done":
            runs[run.run_id] = run
        else:
            st.warning(phrases.unfinished(run.policy, run.status, run.note))
    return list(runs.values())


def chooser(chosen: state.Comparison, runs: pd.DataFrame) -> None:
    """Boxes for runs and baseline; a choice goes into the address."""
    options = choices.run_options(runs)
    shown = [run for run in chosen.runs if run in options]
    state.put(state.COMPARE_PICK, shown)
    st.multiselect(
        words.COMPARE_RUNS,
        list(options),
        key=state.COMPARE_PICK,
        format_func=options.__getitem__,
        max_selections=RUNS_MAX,
        help=words.COMPARE_RUNS_HELP,
        on_change=_picked,
    )
    if shown:
        state.put(
            state.COMPARE_BASELINE, chosen.baseline if chosen.baseline in shown else shown[0]
        )
        st.selectbox(
            words.COMPARE_BASELINE,
            shown,
            key=state.COMPARE_BASELINE,
            format_func=options.__getitem__,
            help=words.COMPARE_BASELINE_HELP,
            on_change=_picked,
        )


def _picked() -> None:
    picked: Sequence[str] = state.get(state.COMPARE_PICK, [])
    baseline = state.get(state.COMPARE_BASELINE, "")
    state.compare(state.comparison_of(picked, baseline, state.comparison().window))


def suggestions(
    runs: pd.DataFrame,
    title: str,
    *,
    most: int = 5,
    without: Sequence[str] = (),
    page: str = state.COMPARE_PAGE,
) -> None:
    """Links to comparisons that were replayed together, newest first; nothing if there are none.

    Args:
        runs: all saved runs.
        title: above the links.
        most: how many links.
        without: run ids of a comparison that is offered elsewhere.
        page: where the links lead.
    """
    groups = choices.recent_comparisons(runs)
    offered = [group for group in groups if set(group.run_ids) != set(without)][:most]
    if offered:
        st.subheader(title)
    for group in offered:
        st.page_link(
            page,
            label=phrases.escaped(group.label),
            icon=":material/balance:",
            query_params=state.comparison_of(group.run_ids, group.baseline).query(),
        )


def full(chosen: state.Comparison, runs: Sequence[RunInfo]) -> state.Comparison:
    """The comparison with whole run ids, where the address had the beginning of some."""
    ids = [run.run_id for run in runs]
    baseline = next((i for i in ids if i.startswith(chosen.baseline or "-")), "")
    return replace(state.comparison_of(ids, baseline), window=chosen.window)


def labels(runs: Sequence[RunInfo]) -> Mapping[str, str]:
    """A short name for each run: its policy, and as much more as tells them apart."""
    return choices.run_labels(
        {run.run_id: (run.policy, run.scenario.name, run.trace_name) for run in runs}
    )
