"""How runs are named and grouped for choosing. Pure functions of the list of runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats, phrases
from app.charts.base import RUNS_MAX

_TOGETHER = ["trace_id", "scenario_hash", "from_s", "to_s"]
"""Runs that agree in these met the same demand under the same scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that can be compared with one another."""

    run_ids: tuple[str, ...]
    baseline: str
    label: str


def done(runs: pd.DataFrame) -> pd.DataFrame:
    """Finished runs only."""
    return runs[runs["status"] == "done"]


def run_options(runs: pd.DataFrame) -> dict[str, str]:
    """What to choose from: finished runs by id, the newest first."""
    finished = done(runs)
    rows = zip(
        finished["run_id"],
        finished["policy"],
        finished["trace_name"],
        finished["scenario_name"],
        finished["from_s"],
        finished["to_s"],
        strict=True,
    )
    return {
        run_id: " · ".join([policy, trace, scenario, formats.duration(to_s - from_s), run_id[:4]])
        for run_id, policy, trace, scenario, from_s, to_s in rows
    }


def trace_options(traces: pd.DataFrame) -> dict[str, str]:
    """Traces to choose from, by id."""
    rows = zip(
        traces["trace_id"],
        traces["name"],
        traces["kind"],
        traces["row_count"],
        traces["duration_s"],
        strict=True,
    )
    return {
        str(trace_id): phrases.trace_option(str(name), str(kind), int(number), float(duration_s))
        for trace_id, name, kind, number, duration_s in rows
    }


def starting_with(labels: Mapping[str, str], key: str) -> str | None:
    """The id that is `key` or the only one that begins with it."""
    found = [trace_id for trace_id in labels if key and trace_id.startswith(key)]
    return found[0] if len(found) == 1 else None


def trace_listing(traces: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The list of traces as shown."""
    starts = [
        "" if _known(epoch_s) is None else formats.moment(_known(epoch_s), 0.0)
        for epoch_s in traces["epoch_s"]
    ]
    spans = traces["duration_s"].clip(lower=1.0)
    return pd.DataFrame(
        {
            "name": traces["name"],
            "kind": traces["kind"].map(kinds),
            "rows": traces["row_count"],
            "length": [formats.duration(float(span)) for span in spans],
            "rate": (traces["row_count"] / spans).where(traces["duration_s"] > 0),
            "start": starts,
            "format": traces["format"],
            "imported_at": traces["imported_at"],
            "trace_id": traces["trace_id"],
        }
    )


def recent_comparisons(runs: pd.DataFrame) -> list[Group]:
    """Groups of at least two finished runs of the same demand and scenario, newest first."""
    together = done(runs).groupby(_TOGETHER, sort=False)
    return [group_of(rows) for _, rows in together if len(rows) > 1]


def rows_at(runs: pd.DataFrame, positions: Sequence[int]) -> pd.DataFrame:
    """The rows somebody selected in a list; positions that are gone are left out."""
    return runs.iloc[[position for position in positions if position < len(runs)]]


def group_of(rows: pd.DataFrame) -> Group:
    """Finished runs as a comparison: each policy's newest run, fixed capacity as baseline."""
    newest = rows.drop_duplicates(["policy", *_TOGETHER]).head(RUNS_MAX).iloc[::-1]
    ids = tuple(str(run_id) for run_id in newest["run_id"])
    policies = [str(policy) for policy in newest["policy"]]
    fixed = next((i for i, policy in enumerate(policies) if policy.startswith("static")), 0)
    first = newest.iloc[0]
    window = formats.duration(float(first["to_s"]) - float(first["from_s"]))
    return Group(
        run_ids=ids,
        baseline=ids[fixed],
        label=f"{formats.listed(policies)} on {first['trace_name']} ({window})",
    )


def run_labels(runs: Mapping[str, tuple[str, str, str]]) -> dict[str, str]:
    """The shortest names that differ: policy, then scenario, then trace, then the run's id.

    Args:
        runs: (policy, scenario, trace) by run id.
    """
    for parts in (1, 2, 3):
        names = {run: " · ".join(texts[:parts]) for run, texts in runs.items()}
        if max(Counter(names.values()).values(), default=0) <= 1:
            return names
    return {run: f"{texts[0]} · {run[:6]}" for run, texts in runs.items()}


def listing(runs: pd.DataFrame, statuses: Mapping[str, str]) -> pd.DataFrame:
    """The list of runs as shown: figures with their units, windows and states in words."""
    spans = zip(runs["epoch_s"], runs["from_s"], runs["to_s"], strict=True)
    return pd.DataFrame(
        {
            "policy": runs["policy"],
            "status": runs["status"].map(statuses),
            "slo": [_figure(value, "%") for value in runs["slo_attainment_frac"]],
            "p95": [_figure(value, "s") for value in runs["p95_s"]],
            "cost": [_figure(value, "USD") for value in runs["cost_usd"]],
            "trace_name": runs["trace_name"],
            "window": [formats.span(_known(e), start, end) for e, start, end in spans],
            "scenario_name": runs["scenario_name"],
            "created_at": runs["created_at"],
            "note": runs["note"].fillna(""),
            "run_id": runs["run_id"],
        }
    )


def _known(epoch_s: Any) -> float | None:
    return None if pd.isna(epoch_s) else float(epoch_s)


def _figure(value: Any, unit: str) -> str:
    return "" if pd.isna(value) else formats.figure(value, unit)
