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


def chooser(chosen: state.Comparison, runs: pd.DataFrame, *, first: bool = False) -> None:
    """Boxes for runs and baseline; a choice goes into the address.

    Args:
        chosen: what the address says.
        runs: all saved runs.
        first: nothing is chosen yet. These boxes are others than those of a page that has runs:
            a browser remembers a box by its key, and would send the empty choice again.
    """
    pick, reference = _keys(first)
    options = choices.run_options(runs)
    shown = [run for run in chosen.runs if run in options]
    state.put(pick, shown)
    st.multiselect(
        words.COMPARE_RUNS,
        list(options),
        key=pick,
        format_func=options.__getitem__,
        max_selections=RUNS_MAX,
        help=words.COMPARE_RUNS_HELP,
        on_change=_picked,
        args=(first,),
    )
    if shown:
        state.put(reference, chosen.baseline if chosen.baseline in shown else shown[0])
        st.selectbox(
            words.COMPARE_BASELINE,
            shown,
            key=reference,
            format_func=options.__getitem__,
            help=words.COMPARE_BASELINE_HELP,
            on_change=_picked,
            args=(first,),
        )


def _picked(first: bool) -> None:
    pick, reference = _keys(first)
    picked: Sequence[str] = state.get(pick, [])
    state.compare(state.comparison_of(picked, state.get(reference, ""), state.comparison().window))


def _keys(first: bool) -> tuple[str, str]:
    suffix = "_first" if first else ""
    return state.COMPARE_PICK + suffix, state.COMPARE_BASELINE + suffix


def suggestions(
    runs: pd.DataFrame,
    title: str,
    *,
    most: int = 5,
    without: Sequence[str] = (),
    here: bool = False,
) -> None:
    """Links to comparisons that were replayed together, newest first; nothing if there are none.

    Args:
        runs: all saved runs.
        title: above the links.
        most: how many links.
        without: run ids of a comparison that is offered elsewhere.
        here: choose it on this page instead of going to Compare.
    """
    groups = choices.recent_comparisons(runs)
    offered = [group for group in groups if set(group.run_ids) != set(without)][:most]
    if offered:
        st.subheader(title)
    for number, group in enumerate(offered):
        comparison = state.comparison_of(group.run_ids, group.baseline)
        label = phrases.escaped(group.label)
        if here:  # a link to the page it stands on would lose its parameters
            st.button(
                label,
                icon=":material/balance:",
                key=f"suggested_{number}",
                type="tertiary",
                on_click=state.compare,
                args=(comparison,),
            )
        else:
            st.page_link(
                state.COMPARE_PAGE,
                label=label,
                icon=":material/balance:",
                query_params=comparison.query(),
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
