"""Tables: which columns, in which order, with which unit; and the scorecard as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import formats, phrases, verdict, words
from engine.figures import FIGURES, Figure
from engine.policies.registry import PolicyInfo
from engine.trace.mapping import Mapping as ColumnMapping
from engine.trace.schema import Finding, Severity

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Service": ("slo_attainment_frac", "p50_s", "p95_s", "p99_s", "violations_per_h"),
    "Capacity and cost": (
        "cost_usd",
        "cost_usd_per_1000_requests",
        "utilisation_frac",
        "worker_hours",
        "peak_workers",
    ),
    "Machines, energy and carbon": (
        "energy_kwh",
        "energy_wh_per_request",
        "green_frac",
        "carbon_kg",
        "carbon_embodied_kg",
        "carbon_g_per_request",
        "node_hours",
        "peak_nodes",
        "node_requested_frac",
        "cost_on_demand_usd",
        "cost_reserved_usd",
        "cost_spot_usd",
        "cost_owned_usd",
        "cost_energy_usd",
        "cost_transfer_usd",
    ),
    "Faults, tenants and protection": (
        "availability_frac",
        "fairness_jain",
        "tenant_attainment_min_frac",
        "retried_frac",
        "shed_frac",
        "degraded_frac",
        "cache_hit_frac",
        "workers_crashed",
        "breaker_openings",
        "nodes_lost",
        "workers_moved",
        "penalties_usd",
        "revenue_at_risk_usd",
    ),
    "Requests and failures": (
        "requests_arrived",
        "requests_finished",
        "failure_frac",
        "queue_timeout_frac",
        "exec_timeout_frac",
        "rejected_frac",
        "lost_frac",
    ),
    "Behaviour": (
        "actions_per_h",
        "reversals_per_h",
        "reaction_s",
        "reaction_startup_s",
        "decision_p50_ms",
        "decision_p99_ms",
    ),
}
"""Figures of the scorecard by group; what is in none is shown last."""

HEADLINES = ("slo_attainment_frac", "p95_s", "cost_usd")
"""Figures on the card of each run."""
OFTEN_UNKNOWN = ("Machines, energy and carbon", "Faults, tenants and protection", "More")
"""Groups whose figures are left out where no run measured them."""
FAILURES = ("queue_timeout_frac", "exec_timeout_frac", "rejected_frac", "lost_frac")

_MARKS = {True: ("green", "better"), False: ("red", "worse")}


def grouped_figures() -> dict[str, list[Figure]]:
    """All figures by group, in the order in which they are shown."""
    groups = {
        name: [FIGURES[key] for key in keys if key in FIGURES] for name, keys in GROUPS.items()
    }
    known = {key for keys in GROUPS.values() for key in keys}
    rest = [figure for key, figure in FIGURES.items() if key not in known]
    return {**groups, "More": rest} if rest else groups


def scorecard(
    frame: pd.DataFrame, order: Sequence[str], labels: Mapping[str, str], baseline: str
) -> pd.DataFrame:
    """One row a figure, one column a run: the value and how it differs from the baseline.

    Args:
        frame: from `Planner.compare`.
        order: run ids, the baseline among them.
        labels: names of the runs.
        baseline: run id.
    """
    cells = {(row.run_id, row.figure): row for row in frame.itertuples()}
    names: list[str] = []
    heads = {run: phrases.column_head(labels[run], run == baseline) for run in order}
    columns: dict[str, list[str]] = {heads[run]: [] for run in order}
    for group, figures in _shown(frame).items():
        names.append(f"**{group}**")
        names.extend(figure.label for figure in figures)
        for run in order:
            columns[heads[run]].append("")
            columns[heads[run]].extend(_cell(cells.get((run, f.key)), f) for f in figures)
    return pd.DataFrame({words.FIGURE: names, **columns})


def _shown(frame: pd.DataFrame) -> dict[str, list[Figure]]:
    """Figures by group, without those that no run measured of groups that are often unknown."""
    unknown = set(left_out(frame))
    groups = {
        group: [figure for figure in figures if figure.label not in unknown]
        for group, figures in grouped_figures().items()
    }
    return {group: figures for group, figures in groups.items() if figures}


def left_out(frame: pd.DataFrame) -> list[str]:
    """Labels of figures that the scorecard leaves out, because no run measured them."""
    known = set(frame.loc[frame["value"].notna(), "figure"])
    groups = grouped_figures()
    return [
        figure.label
        for group in OFTEN_UNKNOWN
        for figure in groups.get(group, ())
        if figure.key not in known
    ]


def _cell(row: Any, figure: Figure) -> str:
    if row is None or pd.isna(row.value):
        return f":gray[{formats.NOT_MEASURED}]"
    text = phrases.escaped(formats.figure(float(row.value), figure.unit))
    mark = difference(row, figure)
    return f"{text} {mark}" if mark else text


def difference(row: Any, figure: Figure) -> str:
    """How a value differs from the baseline's: arrow, sign, unit and a word, as Markdown."""
    if pd.isna(row.difference) or not row.difference:
        return ""
    if _invisible(_change(row, figure), figure):
        return f":gray[{words.NO_DIFFERENCE}]"
    arrow = "▲" if row.difference > 0 else "▼"
    color, word = _MARKS.get(row.better, ("gray", ""))
    return f":{color}[{arrow} {phrases.escaped(_change(row, figure))} {word}]"


def metric(row: Any) -> dict[str, Any]:
    """Arguments of `st.metric` for one figure of a run's card."""
    figure = FIGURES[row.figure]
    value = None if pd.isna(row.value) else float(row.value)
    shown = {
        "label": figure.label,
        "value": phrases.escaped(formats.figure(value, figure.unit)),
        "help": figure.meaning,
    }
    if pd.isna(row.difference) or not row.difference:
        return shown
    if _invisible(_short_change(row, figure), figure):
        return shown | {
            "delta": words.NO_DIFFERENCE,
            "delta_color": "gray",
            "delta_arrow": "off",
        }
    color, word = _MARKS.get(row.better, ("gray", ""))
    return shown | {
        "delta": phrases.escaped(_short_change(row, figure)),
        "delta_color": color,
        "delta_arrow": "up" if row.difference > 0 else "down",
        "delta_description": word,
    }


def _invisible(change: str, figure: Figure) -> bool:
    """Whether a change is smaller than the digits that are shown."""
    return not any(digit in change.replace(figure.unit, "") for digit in "123456789")


def _short_change(row: Any, figure: Figure) -> str:
    """The one number that says most: relative for money, else absolute."""
    if figure.unit == "USD" and not pd.isna(row.difference_frac):
        return formats.relative(float(row.difference_frac))
    return formats.difference(float(row.difference), None, figure.unit)


def _change(row: Any, figure: Figure) -> str:
    share = None if pd.isna(row.difference_frac) else float(row.difference_frac)
    return formats.difference(float(row.difference), share, figure.unit)


def accounts(frame: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """That finished and failed requests make up all that arrived; only for whole runs."""
    told = []
    for run_id, card in verdict.figures_of(frame).items():
        arrived, finished = card.get("requests_arrived"), card.get("requests_finished")
        shares = [card.get(key) for key in FAILURES]
        if arrived is None or finished is None or None in shares:
            continue
        failed = sum(share or 0.0 for share in shares) * arrived
        told.append(phrases.accounted(labels[run_id], arrived, finished, failed))
    return told


def meanings() -> str:
    """What each figure means, as a Markdown list."""
    return "\n".join(f"- **{figure.label}:** {figure.meaning}" for figure in FIGURES.values())


def actions(decisions: pd.DataFrame, epoch_s: float | None) -> pd.DataFrame:
    """Decisions as shown: time, pool, workers before and after, why."""
    return pd.DataFrame(
        {
            "time": [formats.instant(epoch_s, t_s) for t_s in decisions["t_s"]],
            "pool": decisions["pool"],
            "current": decisions["current"],
            "applied": decisions["applied"],
            "reason": [str(reason).replace("_", " ") for reason in decisions["reason"]],
        }
    )


def scorecard_file(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """The same as plain numbers, for a file: one row per figure and run."""
    named = frame.assign(
        run=frame["run_id"].map(labels),
        label=[FIGURES[key].label for key in frame["figure"]],
        unit=[
            "share" if FIGURES[key].unit == "%" else FIGURES[key].unit for key in frame["figure"]
        ],
    )
    first = ["figure", "label", "unit", "run", "run_id", "policy", "value"]
    return named[[*first, "baseline_value", "difference", "difference_frac", "better"]]


def csv(frame: pd.DataFrame) -> bytes:
    """As CSV in UTF-8. Text that a spreadsheet would take for a formula is quoted."""
    guarded = frame.copy()
    for name in guarded.select_dtypes(include=["object", "str"]):
        guarded[name] = guarded[name].map(_no_formula)
    return guarded.to_csv(index=False).encode()


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def preview(head: pd.DataFrame, mapping: ColumnMapping | None) -> pd.DataFrame:
    """First rows of a file, each mapped column with what it stands for."""
    roles = {} if mapping is None else {column: role for role, column in mapping.columns}
    names = {column: f"{column} → {words.ROLES.get(role, role)}" for column, role in roles.items()}
    return head.rename(columns=names)


def findings(report: Sequence[Finding]) -> pd.DataFrame:
    """The check report as text that wraps, the worst first."""
    order = list(reversed(Severity))
    ranked = sorted(report, key=lambda finding: order.index(finding.severity))
    return pd.DataFrame(
        {
            "Severity": [words.SEVERITIES[finding.severity.value] for finding in ranked],
            "Rule": [phrases.escaped(finding.rule.replace("_", " ")) for finding in ranked],
            "Row": [phrases.rows_found(finding.row, finding.count) for finding in ranked],
            "What": [phrases.escaped(finding.what) for finding in ranked],
            "Where": [phrases.escaped(finding.where) for finding in ranked],
            "How to fix it": [phrases.escaped(finding.fix) for finding in ranked],
        }
    )


def policies(infos: Sequence[PolicyInfo]) -> pd.DataFrame:
    """Installed policies and what may be written after their names."""
    return pd.DataFrame(
        {
            "Policy": [f"**{phrases.escaped(info.name)}**" for info in infos],
            "What it does": [
                phrases.escaped((info.problem or info.description).replace("`", ""))
                for info in infos
            ],
            "Parameters and defaults": [_parameters(info) for info in infos],
            "Package": [phrases.escaped(info.package) for info in infos],
        }
    )


def _parameters(info: PolicyInfo) -> str:
    """Those with a default first; the rest by name only, because nothing is set."""
    told = [
        f"`{p.name}={phrases.default(p.default)}`"
        for p in info.parameters
        if p.default is not None
    ]
    needed = [f"`{p.name}` (required)" for p in info.parameters if p.required]
    unset = [f"`{p.name}`" for p in info.parameters if p.default is None and not p.required]
    return ", ".join([*needed, *told, *unset])


def trace_columns() -> dict[str, Any]:
    """Of the list of traces."""
    column = st.column_config
    return {
        "name": column.TextColumn("Name", pinned=True),
        "kind": column.TextColumn("Kind", help=words.KIND_HELP),
        "rows": column.NumberColumn("Rows", format="localized"),
        "length": column.TextColumn("Length"),
        "rate": column.NumberColumn("Rows per s", format="%.3g"),
        "start": column.TextColumn("Starts (UTC)", width=150),
        "format": column.TextColumn("Format"),
        "imported_at": column.DatetimeColumn("Loaded (UTC)", format="D MMM YYYY HH:mm"),
        "trace_id": column.TextColumn("Id"),
    }


def action_columns() -> dict[str, Any]:
    """Of the list of scaling actions."""
    column = st.column_config
    return {
        "time": column.TextColumn("Time", pinned=True),
        "pool": column.TextColumn("Pool"),
        "current": column.NumberColumn("Workers before"),
        "applied": column.NumberColumn("Workers after"),
        "reason": column.TextColumn("What bound the decision"),
    }


def event_columns() -> dict[str, Any]:
    """Of the list of what happened to machines."""
    column = st.column_config
    return {
        "time": column.TextColumn("Time", pinned=True),
        "what": column.TextColumn("What"),
        "place": column.TextColumn("Place"),
        "number": column.NumberColumn("How many"),
    }


def run_columns() -> dict[str, Any]:
    """Of the list of runs."""
    column = st.column_config
    return {
        "policy": column.TextColumn("Policy", pinned=True, width=170),
        "trace_name": column.TextColumn("Trace"),
        "window": column.TextColumn("Window"),
        "scenario_name": column.TextColumn("Scenario"),
        "status": column.TextColumn("Status"),
        "slo": column.TextColumn("SLO attainment"),
        "p95": column.TextColumn("p95 latency"),
        "cost": column.TextColumn("Cost"),
        "created_at": column.DatetimeColumn("Replayed (UTC)", format="D MMM HH:mm"),
        "note": column.TextColumn("Note"),
        "run_id": column.TextColumn("Run id", width="small"),
    }
