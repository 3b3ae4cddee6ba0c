"""Where a router sent a request, and why: the run is made again until the request arrives."""

import streamlit as st

from app import cluster_run_words as said
from app import cluster_runs, formats, load, phrases, state
from app.parts.comparison_view import View
from engine.routes import Route


def card(view: View, run_id: str) -> None:
    """Asks for a time, then shows the decision; nothing is made again before somebody asks."""
    run = next(run for run in view.runs if run.run_id == run_id)
    with (
        st.form("compare_route", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        at_s = st.number_input(
            said.ROUTE_AT,
            min_value=run.from_s,
            max_value=run.to_s,
            value=max(run.from_s, min(view.window.from_s, run.to_s)),
            help=said.ROUTE_AT_HELP,
            key=f"compare_route_at_{run_id}",
            width=260,
        )
        asked = st.form_submit_button(said.ROUTE_ASK, icon=":material/alt_route:")
    if asked:
        state.put(state.COMPARE_ROUTE, (run_id, at_s))
    chosen = state.get(state.COMPARE_ROUTE)
    if chosen is not None and chosen[0] == run_id:
        _shown(load.route(*chosen), run.epoch_s)


def _shown(found: Route, epoch_s: float | None) -> None:
    st.markdown(phrases.escaped(said.route(found, formats.instant(epoch_s, found.arrived_s))))
    if found.levels:
        st.table(cluster_runs.levels(found), border="horizontal", alt=said.LEVELS_ALT)
    if found.candidates:
        frame = cluster_runs.candidates(found)
        st.dataframe(
            frame,
            column_config={
                name: st.column_config.NumberColumn(help=meaning, format="%.4g")
                for name, meaning in said.factor_helps().items()
            },
            hide_index=True,
            alt=said.CANDIDATES_ALT,
            height="content" if len(frame) <= said.FEW_CANDIDATES else 400,
        )
        st.caption(said.CANDIDATES_CAPTION)
