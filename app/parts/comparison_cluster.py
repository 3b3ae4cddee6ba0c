"""The part of *Compare* about machines, tenants, faults and routing."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app import cluster_run_words as said
from app import cluster_runs, load, phrases, problems, tables, verdict, words
from app.charts.base import points_per_line
from app.charts.lines import run_lines
from app.cluster_run_words import Measure
from app.parts import comparison_route
from app.parts.comparison_cards import data_behind, sampling
from app.parts.comparison_view import View

EVENTS_MOST = 500


@st.fragment
@problems.guarded
def card(view: View) -> None:
    """One view at a time: energy, carbon, fairness, faults, routing; those that have something."""
    parts = _parts(view)
    if not parts:
        return
    with st.container(border=True):
        st.subheader(said.TITLE)
        chosen = st.segmented_control(
            said.CHOOSE,
            parts,
            default=parts[0],
            required=True,
            key="compare_cluster",
            label_visibility="collapsed",
        )
        if chosen in (said.ENERGY, said.CARBON):
            _machines(view, chosen)
        elif chosen == said.TENANTS:
            _tenants(view)
        elif chosen == said.FAULTS:
            _faults(view)
        else:
            _routing(view)


def _parts(view: View) -> list[str]:
    """What these runs can show."""
    machines = view.machines(points_per_line(len(view.runs)))
    found = []
    if not machines.empty:
        found.append(said.ENERGY)
        if cluster_runs.measured(machines, said.CARBON_MEASURES):
            found.append(said.CARBON)
    if not view.tenants().empty:
        found.append(said.TENANTS)
    if any(cluster_runs.breaks(run.scenario) for run in view.runs):
        found.append(said.FAULTS)
    if cluster_runs.measured(view.service(len(view.runs)), said.ROUTING_MEASURES):
        found.append(said.ROUTING)
    return found


def _machines(view: View, chosen: str) -> None:
    frame = cluster_runs.all_places(view.machines(points_per_line(len(view.runs))))
    frame["run"] = frame["run_id"].map(view.labels)
    known = said.ENERGY_MEASURES if chosen == said.ENERGY else said.CARBON_MEASURES
    measure = _measure(cluster_runs.measured(frame, known), f"compare_{chosen}")
    if measure is not None:
        _lines(view, frame, measure, caption=said.MACHINES_CAPTION)
    if not cluster_runs.measured(frame, said.ENERGY_MEASURES[:1]):
        st.caption(said.ENERGY_UNKNOWN)
    totals = load.places(view.run_ids, *view.bounds)
    st.table(cluster_runs.places(totals, view.labels), border="horizontal", alt=said.PLACES_ALT)


def _tenants(view: View) -> None:
    run_id = _run(view, "compare_tenant_run")
    frame = load.tenants_timeline((run_id,), *view.bounds, 300)
    names = list(dict.fromkeys(frame["tenant"]))
    frame = frame.assign(run=frame["tenant"])
    measure = _measure(cluster_runs.measured(frame, said.TENANT_MEASURES), "compare_tenants")
    if measure is not None:
        _lines(view, frame, measure, labels=names, caption=said.TENANT_CAPTION)
    st.table(
        cluster_runs.tenants(view.tenants(), view.labels),
        border="horizontal",
        alt=said.TENANTS_ALT,
    )
    st.caption(said.JAIN_HELP)


def _faults(view: View) -> None:
    frame = view.timeline(len(view.runs))[["run_id", "t_s", "bucket_s", "failed_per_s"]]
    frame = frame.merge(
        view.service(len(view.runs)).drop(columns=["bucket_s", "policy", "run"]),
        on=["run_id", "t_s"],
        how="left",
    )
    frame = frame.assign(run=frame["run_id"].map(view.labels))
    plan = view.baseline.scenario.faults
    measure = _measure(
        [said.FAULT_MEASURES[0], *cluster_runs.measured(frame, said.FAULT_MEASURES[1:])],
        "compare_faults",
    )
    if measure is not None:
        _lines(view, frame, measure, bands=cluster_runs.bands(plan, view.whole))
    if cluster_runs.fault_windows(plan, view.whole):
        _attained(view)
    else:
        st.caption(said.FAULTS_RANDOM)
    _events(view)


def _attained(view: View) -> None:
    """SLO attainment while each planned fault lasted."""
    pairs = cluster_runs.fault_windows(view.baseline.scenario.faults, view.whole)
    during = [_attainment(view, window.from_s, window.to_s) for _, window in pairs]
    table = cluster_runs.fault_table(pairs, during, _attainment(view, *view.bounds), view.labels)
    st.table(table, border="horizontal", alt=said.FAULTS_ALT)
    st.caption(said.FAULT_ROWS)


def _attainment(
    view: View, from_s: float | None, to_s: float | None
) -> Mapping[str, float | None]:
    frame = load.compare(view.run_ids, view.baseline.run_id, from_s, to_s)
    figures = verdict.figures_of(frame)
    return {run: figures[run].get("slo_attainment_frac") for run in view.run_ids}


def _events(view: View) -> None:
    st.markdown(f"**{said.EVENTS_TITLE}**")
    run_id = _run(view, "compare_event_run")
    frame = load.events(run_id, *view.bounds, EVENTS_MOST)
    if frame.empty:
        st.caption(said.NO_EVENTS)
        return
    st.dataframe(
        cluster_runs.happened(frame, view.baseline.epoch_s),
        column_config=tables.event_columns(),
        hide_index=True,
        alt=said.EVENTS_ALT,
        height=260,
    )
    if len(frame) == EVENTS_MOST:
        st.caption(said.NOT_ALL_SHOWN)


def _routing(view: View) -> None:
    frame = view.service(len(view.runs))
    measure = _measure(cluster_runs.measured(frame, said.ROUTING_MEASURES), "compare_routing")
    if measure is not None:
        _lines(view, frame, measure)
    st.markdown(f"**{said.ROUTE_TITLE}**", help=said.ROUTE_HELP)
    comparison_route.card(view, _run(view, "compare_route_run"))


def _run(view: View, key: str) -> str:
    chosen: str = st.segmented_control(
        words.COMPARE_RUNS,
        view.run_ids,
        default=view.run_ids[-1],
        required=True,
        format_func=view.labels.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    return chosen


def _measure(known: Sequence[Measure], key: str) -> Measure | None:
    """The measure that somebody chose; None where there is none."""
    if not known:
        return None
    names = {measure.column: measure.label for measure in known}
    chosen = st.selectbox(
        said.MEASURE, list(names), format_func=names.__getitem__, key=key, width=240
    )
    return next((measure for measure in known if measure.column == chosen), known[0])


def _lines(
    view: View,
    frame: pd.DataFrame,
    measure: Measure,
    *,
    labels: Sequence[str] | None = None,
    caption: str = "",
    bands: Sequence[tuple[float, float, str]] = (),
) -> None:
    """A line a run, or what else `labels` name, with its meaning and the data behind it."""
    names = list(labels or view.names)
    chart = run_lines(
        frame,
        measure.column,
        labels=names,
        clock=view.clock,
        window=view.window,
        title=measure.title,
        unit=measure.unit,
        bands=bands,
    )
    peaks = frame.groupby("run")[measure.column].max().dropna()
    told = {name: float(peaks[name]) for name in names if name in peaks}
    st.altair_chart(
        chart,
        key=f"compare_cluster_{measure.column}",
        alt=phrases.lines_alt(measure.label, told, measure.unit),
    )
    st.caption(f"{measure.meaning} {caption} {sampling(view, frame, measure.how)}")
    data_behind(frame, f"cluster_{measure.column}")
