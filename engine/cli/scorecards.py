"""The scorecard as a table: a line per figure, a column per run, differences beside them."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from engine.cli.document import rows
from engine.cli.tables import table
from engine.figures import FIGURES
from engine.planner import RunInfo

NOT_MEASURED = "not measured"
# Beside differences, because colour alone does not reach everybody: better, worse, neither.
_MARKS = MappingProxyType({True: ("✓", "green"), False: ("✗", "red"), None: (" ", "")})

_NOISY = ("cost_usd", "slo_attainment_frac", "p95_s", "p99_s", "utilisation_frac", "carbon_kg")
"""Figures whose noise is told beside the scorecard; a document holds all."""
_DECIMALS = MappingProxyType({"USD": 2, "requests": 0, "workers": 0})


def scorecards(figures: pd.DataFrame, runs: Sequence[RunInfo], baseline: str) -> Table:
    """Scorecards side by side, of what any of the runs measured.

    Args:
        figures: from `engine.planner.Planner.compare`.
        runs: in the order of columns.
        baseline: run that the others are compared with.
    """
    cells = {(row["figure"], row["run_id"]): row for row in rows(figures)}
    headers = ["figure", "unit"]
    for run in runs:
        headers += [run.policy] if run.run_id == baseline else [run.policy, "difference"]
    lines: list[list[str | Text]] = []
    measured = [
        key for key in FIGURES if any(not _missing(cells[key, r.run_id]["value"]) for r in runs)
    ]
    for key in measured:
        figure = FIGURES[key]
        line: list[str | Text] = [figure.label, figure.unit]
        for run in runs:
            cell = cells[key, run.run_id]
            line.append(_amount(figure.unit, cell["value"]))
            if run.run_id != baseline:
                line.append(_difference(figure.unit, cell))
        lines.append(line)
    made = table(headers, lines, right=range(2, len(headers)))
    if left_out := len(FIGURES) - len(measured):
        made.caption = f"{left_out} figures that none of these runs measures are left out"
        made.caption_justify = "left"
    return made


def bounds_table(bounds: pd.DataFrame) -> Table:
    """How far each run is from perfect.

    Args:
        bounds: from `engine.planner.Planner.bounds`.
    """
    lines = [
        [row["policy"],
         *(_amount("USD", row[name]) for name in ("cost_usd", "bound_usd")),
         _above(row["above_bound_frac"]),
         *_plan(row)]
        for row in rows(bounds)
    ]  # fmt: skip
    headers = (
        "policy", "USD", "no policy below, with instant start", "above it",
        "plan that knows the future", "above it",
    )  # fmt: skip
    return table(headers, lines, right=range(1, len(headers)))


def noise_table(
    noise: Mapping[str, Mapping[str, Mapping[str, Any]]], runs: Sequence[RunInfo]
) -> Table:
    """Paired differences over several seeds, and whether they exceed the noise.

    Args:
        noise: intervals by run id and figure.
        runs: those that are compared.
    """
    policies = {run.run_id: run.policy for run in runs}
    lines = [
        [policies[run_id], FIGURES[key].label, FIGURES[key].unit,
         *(_digits(FIGURES[key].unit, one[end], "+") for end in ("mean", "low", "high")),
         "exceeds the noise" if one["exceeds"] else "inside the noise"]
        for run_id, figures in noise.items()
        for key, one in figures.items() if key in _NOISY
    ]  # fmt: skip
    headers = ("policy", "figure", "unit", "mean difference", "95 % from", "to", "")
    return table(headers, lines, right=range(3, 6))


def _plan(row: Mapping[Any, Any]) -> tuple[str, str]:
    """A plan's cost and the distance to it: ends where even the cheapest plan serves more."""
    cost, above = _amount("USD", row["plan_usd"]), _above(row["above_plan_frac"])
    return (f"≤ {cost}", f"≥ {above}") if row["plan_serves_more"] == 1 else (cost, above)


def _above(share: float | None) -> str:
    return NOT_MEASURED if share is None or math.isnan(share) else f"{100 * share:+.0f} %"


def shown(key: str, value: float) -> str:
    """A figure's value, without its unit."""
    return _amount(FIGURES[key].unit, value)


def _amount(unit: str, value: float | None) -> str:
    return NOT_MEASURED if value is None or math.isnan(value) else _digits(unit, value)


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _digits(unit: str, value: float, sign: str = "") -> str:
    if unit == "%":
        return f"{100 * value:{sign}.2f}"
    if unit in _DECIMALS:
        return f"{value:{sign},.{_DECIMALS[unit]}f}"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:{sign},.{max(0, 4 - whole) if whole else 3}f}"


def _difference(unit: str, cell: Mapping[str, Any]) -> Text:
    change, share, better = cell["difference"], cell["difference_frac"], cell["better"]
    if math.isnan(change) or change == 0:
        return Text("=" if change == 0 else "")
    mark, style = _MARKS[better]
    text = _digits(unit, change, "+")
    if unit == "%":
        text += " points"
    elif not math.isnan(share):
        text += f" ({100 * share:+.1f} %)"
    return Text(f"{text} {mark}", style=style)
