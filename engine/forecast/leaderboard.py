"""Evaluations of several traces as one table: where ours wins, where it does not, by how much."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from engine.forecast.evaluation import CHOICE, Evaluation
from engine.forecast.registry import BASELINES, MODELS

SHIPPED = "bilstm"
SURE = 0.05
"""p values below it tell of a difference."""
SHARE, WORSE, COVERAGE = 2 / 3, 0.03, (0.77, 0.83)
"""The bar: better on this share of cells, nowhere worse by more, covering this much."""
NOMINAL = 0.8
"""Share of the outcomes that the interval claims to cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trace and horizon; figures are means over seeds, as used."""

    trace: str
    unit: str
    horizon_s: float
    best_baseline: str
    baseline_pinball: float
    shipped_pinball: float | None
    choice_pinball: float | None
    ours: str
    """The choice: what the product would have used, settled before the test part."""
    difference_frac: float
    """Pinball of ours over the best baseline's, less 1; below 0: ours is better."""
    p_value: float
    coverage: float
    """Of the 80 % interval of ours."""
    coverage_margin: float | None
    """Half of the 95 % interval of the coverage on this trace, mean over horizons."""
    own_margin: float | None = None
    """The same at this horizon alone; None: too little is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All cells against the bar."""

    cells: int
    better: int
    family_cells: int
    """Cells of a family and a horizon; the difference is the mean over its traces."""
    family_better: int
    worst_frac: float
    """Largest difference."""
    worst: str
    """Where: trace and horizon in seconds."""
    families: Mapping[str, Sequence[str]]
    """Traces whose coverage is judged together; one of none is a family by itself."""
    by_trace: Mapping[str, float]
    """Coverage, mean over horizons."""
    coverage: Mapping[str, float]
    """By family, mean over its traces of the mean over horizons."""
    coverage_margin: Mapping[str, float | None]
    """By family: half of the 95 % interval of that mean."""
    trace_margin: Mapping[str, float | None]
    """By trace: half of the 95 % interval of its coverage."""
    worst_trace: Mapping[str, str]
    """By family: its trace whose coverage is furthest from the nominal one."""
    surely_off: tuple[str, ...]
    """Traces outside the bar's band whose interval does not hold the nominal coverage either;
    in a family's mean misses to both sides cancel."""
    passed: bool


def mean_of(
    evaluation: Evaluation, model: str, horizon_s: float, figure: str, *, used: bool = True
) -> float | None:
    """Mean of a figure of `Score` over seeds, as used or raw; None where it was not measured."""
    values = [
        getattr(row.used if used else row.raw, figure)
        for row in evaluation.rows
        if row.model == model and row.horizon_s == horizon_s
    ]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def models_of(evaluation: Evaluation) -> list[str]:
    """Models with scores: ours that mix the others last, the rest as in the registry."""
    scored = {row.model for row in evaluation.rows}
    return [*(name for name in MODELS if name in scored), *sorted(scored - MODELS.keys())]


def cells(evaluation: Evaluation) -> list[Cell]:
    """A cell for each horizon at which ours and a baseline were scored."""
    made = []
    for found in evaluation.comparisons:
        at = found.horizon_s
        baseline = mean_of(evaluation, found.best_baseline, at, "pinball")
        coverage = mean_of(evaluation, found.ours, at, "coverage")
        assert baseline is not None and coverage is not None, "comparisons are of scored models"
        made.append(Cell(
            trace=evaluation.name, unit=evaluation.unit, horizon_s=at,
            best_baseline=found.best_baseline, baseline_pinball=baseline,
            shipped_pinball=mean_of(evaluation, SHIPPED, at, "pinball"),
            choice_pinball=mean_of(evaluation, CHOICE, at, "pinball"), ours=found.ours,
            difference_frac=found.test.difference_frac, p_value=found.test.p_value,
            coverage=coverage, coverage_margin=evaluation.coverage_margin,
            own_margin=evaluation.coverage_margins.get(f"{at:g}"),
        ))  # fmt: skip
    return made


def verdict(
    found: Sequence[Cell], families: Mapping[str, Sequence[str]] | None = None
) -> Verdict | None:
    """All cells against the bar; None where nothing was compared.

    Args:
        found: of all traces.
        families: traces by name of what they are of; default: each trace is one.
    """
    if not found:
        return None
    better = sum(cell.difference_frac < 0 for cell in found)
    worst = max(found, key=lambda cell: cell.difference_frac)
    margins = {cell.trace: cell.coverage_margin for cell in found}
    whole = _whole(families or {}, list(margins))
    by_trace = {
        trace: float(np.mean([cell.coverage for cell in found if cell.trace == trace]))
        for trace in margins
    }
    coverage = {
        name: float(np.mean([by_trace[trace] for trace in of])) for name, of in whole.items()
    }
    joined = _by_family(found, whole)
    family_better = sum(difference < 0 for difference in joined)
    return Verdict(
        cells=len(found), better=better, family_cells=len(joined), family_better=family_better,
        worst_frac=worst.difference_frac,
        worst=f"{worst.trace} at {worst.horizon_s:g} s", families=whole, by_trace=by_trace,
        coverage=coverage,
        coverage_margin={
            name: _mean_margin([margins[trace] for trace in of]) for name, of in whole.items()
        },
        trace_margin=margins,
        worst_trace={
            name: max(of, key=lambda trace: abs(by_trace[trace] - NOMINAL))
            for name, of in whole.items()
        },
        surely_off=tuple(
            trace for trace, share in by_trace.items()
            if not in_band(share) and not may_be_nominal(share, margins[trace])
        ),
        passed=better >= SHARE * len(found) and family_better >= SHARE * len(joined)
        and worst.difference_frac <= WORSE and all(map(in_band, coverage.values())),
    )  # fmt: skip


def _by_family(found: Sequence[Cell], whole: Mapping[str, Sequence[str]]) -> list[float]:
    """Difference by family and horizon, mean over those of its traces that have it."""
    made: dict[tuple[str, float], list[float]] = {}
    of = {trace: name for name, members in whole.items() for trace in members}
    for cell in found:
        made.setdefault((of[cell.trace], cell.horizon_s), []).append(cell.difference_frac)
    return [float(np.mean(differences)) for differences in made.values()]


def in_band(share: float) -> bool:
    """Whether a coverage lies in the band of the bar."""
    return COVERAGE[0] <= share <= COVERAGE[1]


def may_be_nominal(share: float, margin: float | None) -> bool:
    """Whether a coverage's interval holds the nominal one; so it may where none is known."""
    return margin is None or abs(share - NOMINAL) <= margin


def _whole(families: Mapping[str, Sequence[str]], traces: Sequence[str]) -> dict[str, list[str]]:
    """Families of the traces that were compared, in the traces' order; none is left out."""
    of = {trace: name for name, members in families.items() for trace in members}
    found: dict[str, list[str]] = {}
    for trace in traces:
        found.setdefault(of.get(trace, trace), []).append(trace)
    return found


def _mean_margin(margins: Sequence[float | None]) -> float | None:
    """Of the mean over traces, which are independent of each other."""
    known = [margin for margin in margins if margin is not None]
    return math.hypot(*known) / len(margins) if len(known) == len(margins) else None


def relative(evaluation: Evaluation) -> dict[str, float]:
    """Pinball of each model over the best baseline's, geometric mean over horizons.

    Without a baseline: over that of the best model. Horizons where that is 0 are left out.
    """
    names = models_of(evaluation)
    rivals = [name for name in names if name in BASELINES] or names
    logs: dict[str, list[float]] = {name: [] for name in names}
    for at in evaluation.horizons_s:
        losses = {name: mean_of(evaluation, name, at, "pinball") for name in names}
        known = {name: loss for name, loss in losses.items() if loss is not None}
        best = min((known[name] for name in rivals if name in known), default=0.0)
        for name, loss in known.items():
            if best > 0 and loss > 0:
                logs[name].append(float(np.log(loss / best)))
    return {name: float(np.exp(np.mean(found))) for name, found in logs.items() if found}


_PAIRS = (
    ("Attention", "bilstm-small", "bilstm-no-attention"),
    ("Reading the window in both directions", "bilstm-small", "lstm-attention"),
)


def ablations(evaluations: Sequence[Evaluation]) -> list[str]:
    """Whether each part of the shipped network pays, and learning again, a sentence each.

    Empty if not measured. A paired t-test over traces of the logarithm of the losses' ratio.
    """
    made = []
    shares = [relative(evaluation) for evaluation in evaluations]
    for what, whole, without in _PAIRS:
        pairs = [(s[whole], s[without]) for s in shares if whole in s and without in s]
        if not pairs:
            continue
        logs = np.array([np.log(a / b) for a, b in pairs])
        change, wins = float(np.exp(logs.mean())) - 1, sum(a < b for a, b in pairs)
        p_value = float(scipy.stats.ttest_1samp(logs, 0.0).pvalue) if np.ptp(logs) else 1.0
        if p_value >= SURE:
            said = f"{what}: no difference was found"
        else:
            said = f"{what} {'pays' if change < 0 else 'costs'}"
        made.append(
            f"{said}: pinball is {abs(change):.1%} {'lower' if change < 0 else 'higher'} with it, "
            f"lower on {wins} of {len(pairs)} traces (p = {p_value:.2f})."
        )
    again = relearning(evaluations)
    return made if again is None else [*made, again]


def relearning(evaluations: Sequence[Evaluation]) -> str | None:
    """What learning again after a drift gave, a sentence; None: no drift was noticed."""
    found = [
        entry for evaluation in evaluations for entry in evaluation.relearned
        if entry.before > 0 and entry.after > 0
    ]  # fmt: skip
    if not found:
        return None
    logs = [np.log(entry.after / entry.before) for entry in found]
    change, taken = float(np.exp(np.mean(logs))) - 1, np.mean([e.taken_frac for e in found])
    lower, higher = sum(log < 0 for log in logs), sum(log > 0 for log in logs)
    return (
        f"Learning again after a drift: what was learned took over for {taken:.0%} of the "
        f"forecasts that followed; pinball of the fitted network on all of them is "
        f"{abs(change):.1%} {'lower' if change < 0 else 'higher'} with it, lower {lower} and "
        f"higher {higher} of {len(logs)} times."
    )
