"""Frames of *Compare* about machines, tenants and faults; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app import cluster_run_words as said
from app import cluster_words, formats, phrases
from app.charts.base import Window
from app.cluster_run_words import Measure
from engine.routes import Route
from engine.scenario import Fault, Scenario
from engine.scenario.faults import INSTANT

AFTER_S = 300.0
"""How long the effect of a fault that is a moment is looked at."""


def measured(frame: pd.DataFrame, measures: Sequence[Measure]) -> list[Measure]:
    """Those of which the frame says more than nothing."""
    return [
        measure
        for measure in measures
        if measure.column in frame and bool(frame[measure.column].fillna(0).abs().gt(0).any())
    ]


def all_places(frame: pd.DataFrame) -> pd.DataFrame:
    """Machines of all places together, a row a run and step; intensity weighted by power."""
    weight = frame["watts"].fillna(0.0)
    nodes = frame["nodes"].fillna(0.0)
    weighed = frame.assign(
        g_weighed=frame["g_per_kwh"] * weight.where(weight > 0, 1.0),
        weight=weight.where(weight > 0, 1.0),
        busy_weighed=frame["busy_frac"] * nodes,
        taken_weighed=frame["requested_frac"] * nodes,
    )
    sums = ["watts", "green_watts", "backup_watts", "carbon_g_per_h", "cost_usd_per_h", "nodes",
            "g_weighed", "weight", "busy_weighed", "taken_weighed"]  # fmt: skip
    found = weighed.groupby(["run_id", "t_s"], sort=False)[sums].sum(min_count=1).reset_index()
    found["bucket_s"] = weighed.groupby(["run_id", "t_s"], sort=False)["bucket_s"].max().to_numpy()
    found["g_per_kwh"] = found["g_weighed"] / found["weight"]
    found["busy_frac"] = found["busy_weighed"] / found["nodes"]
    found["requested_frac"] = found["taken_weighed"] / found["nodes"]
    return found.drop(columns=["g_weighed", "weight", "busy_weighed", "taken_weighed"])


def places(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Totals of places as text, a row a place and run."""
    money = [name for name in map(str, frame.columns) if name.endswith("_usd")]
    carbon = frame["operational_kg"] + frame["embodied_kg"].fillna(0)
    return pd.DataFrame(
        {
            said.PLACE: [phrases.escaped(name) for name in frame["place"]],
            said.REGION: [phrases.escaped(name) for name in frame["region"]],
            said.RUN: [phrases.escaped(labels[run]) for run in frame["run_id"]],
            "Node hours": [
                _text(value, "h") if grouped else "–"
                for value, grouped in zip(frame["node_hours"], frame["is_group"], strict=True)
            ],
            "Energy": [_text(value, "kWh") for value in frame["energy_kwh"]],
            "Renewable": [_text(value, "kWh") for value in frame["green_kwh"]],
            "Carbon": [_text(value, "kg CO₂e") for value in carbon],
            "Cost": [_text(value, "USD") for value in frame[money].sum(axis=1, min_count=1)],
        }
    )


def tenants(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """What tenants got as text, a row a tenant and run."""
    served = frame.groupby("run_id")["served_slot_s"].transform("sum")
    return pd.DataFrame(
        {
            "Tenant": [phrases.escaped(name) for name in frame["tenant"]],
            said.RUN: [phrases.escaped(labels[run]) for run in frame["run_id"]],
            "Priority class": [
                phrases.escaped(name) if isinstance(name, str) else "–"
                for name in frame["priority"]
            ],
            "Arrived": [formats.whole(value) for value in frame["arrived"]],
            "Failed": [formats.whole(value) for value in frame["failed"]],
            "SLO attainment": [_text(value, "%") for value in frame["attainment_frac"]],
            "Mean latency": [_text(value, "s") for value in frame["latency_mean_s"]],
            "Share of work": [_text(value, "%") for value in frame["served_slot_s"] / served],
            "Floor": [_text(value, "%") for value in frame["floor_frac"]],
        }
    )


def _text(value: Any, unit: str) -> str:
    return phrases.escaped(formats.figure(None if pd.isna(value) else float(value), unit))


def fault_windows(faults: Sequence[Fault], whole: Window) -> list[tuple[Fault, Window]]:
    """When each planned fault bears on the run, in the trace's time; those outside left out."""
    found = []
    for fault in sorted(faults, key=lambda each: each.at_s):
        start = whole.from_s + fault.at_s
        end = min(start + (AFTER_S if fault.kind in INSTANT else fault.for_s), whole.to_s)
        if start < end:
            found.append((fault, Window(from_s=start, to_s=end)))
    return found


def bands(faults: Sequence[Fault], whole: Window) -> list[tuple[float, float, str]]:
    """The same as parts of a chart: from, to, and what it is."""
    found = []
    for fault, window in fault_windows(faults, whole):
        moment = fault.kind in INSTANT
        end = window.from_s if moment else window.to_s
        found.append((window.from_s, end, cluster_words.fault_row(fault)))
    return found


def fault_table(
    windows: Sequence[tuple[Fault, Window]],
    attained: Sequence[Mapping[str, float | None]],
    whole: Mapping[str, float | None],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """A row a fault, a column a run: SLO attainment while it lasted.

    Args:
        windows: from `fault_windows`.
        attained: by run, for each of them.
        whole: by run, in the whole window.
        labels: names of the runs.
    """
    rows = [cluster_words.fault(fault) for fault, _ in windows]
    columns: dict[str, list[str]] = {
        said.FAULT: [*(phrases.escaped(row) for row in rows), f"**{said.ATTAINED_WHOLE}**"]
    }
    for run, label in labels.items():
        cells = [_text(each.get(run), "%") for each in attained]
        columns[phrases.escaped(label)] = [*cells, f"**{_text(whole.get(run), '%')}**"]
    return pd.DataFrame(columns)


def breaks(scenario: Scenario) -> bool:
    """Whether anything may break, or is there to protect."""
    groups = scenario.node_groups
    return bool(
        scenario.faults
        or scenario.random_faults_per_day
        or scenario.retry.attempts > 1
        or scenario.degradation
        or scenario.router.breaker is not None
        or any(group.revocations_per_hour for group in groups)
    )


def happened(frame: pd.DataFrame, epoch_s: float | None) -> pd.DataFrame:
    """Events of machines as shown."""
    return pd.DataFrame(
        {
            "time": [formats.instant(epoch_s, t_s) for t_s in frame["t_s"]],
            "what": [said.EVENTS.get(kind, kind) for kind in frame["kind"]],
            "place": frame["place"],
            "number": frame["number"],
        }
    )


def levels(found: Route) -> pd.DataFrame:
    """Rows of regions, zones and nodes: of each level the best few, and the one chosen."""
    return pd.DataFrame(
        [
            {
                said.LEVEL: level.name.capitalize(),
                said.NAME: phrases.escaped(name),
                said.SCORE: f"{score:.4g}",
                said.CHOSEN: "✓" if name == level.chosen else "",
            }
            for level in found.levels
            for place, (name, score) in enumerate(level.scores.items())
            if place < said.BEST_OF_LEVEL or name == level.chosen
        ]
    ).set_index(said.LEVEL)


def candidates(found: Route) -> pd.DataFrame:
    """A row for each worker that could have had a request, best first."""
    return pd.DataFrame(
        [
            {
                said.WORKER: each.worker,
                said.NODE: each.node,
                said.SCORE: each.score,
                **{said.factor(name): value for name, value in each.factors.items()},
            }
            for each in found.candidates
        ]
    )
