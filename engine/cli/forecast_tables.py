"""Leaderboards for people: tables on a terminal, and the Markdown of the README."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from engine.forecast.evaluation import Evaluation
    from engine.forecast.leaderboard import Cell, Verdict

_HEADERS = (
    "trace", "horizon", "best baseline", "its pinball", "shipped", "choice", "difference", "p",
    "coverage",
)  # fmt: skip


def horizon(seconds: float) -> str:
    """30 s, 5 min, 1 h."""
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def _cell(cell: "Cell") -> list[str]:
    return [
        cell.trace, horizon(cell.horizon_s), cell.best_baseline, _number(cell.baseline_pinball),
        _number(cell.shipped_pinball), _number(cell.choice_pinball),
        f"{cell.difference_frac:+.1%}", _p_value(cell.p_value),
        _share(cell.coverage, cell.own_margin, digits=0),
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def cells_table(cells: Sequence["Cell"]) -> "Table":
    """Ours against the best baseline, by trace and horizon."""
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(_HEADERS, map(_cell, cells), right=range(3, 9))


def models_table(evaluations: Sequence["Evaluation"]) -> "Table":
    """Every model on every trace."""
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    headers, rows = _by_model(evaluations)
    return table(headers, rows, right=range(1, len(headers)))


def _by_model(evaluations: Sequence["Evaluation"]) -> tuple[list[str], list[list[str]]]:
    from engine.forecast.leaderboard import models_of, relative  # noqa: PLC0415 - heavy

    shares = [relative(evaluation) for evaluation in evaluations]
    names = list(dict.fromkeys(name for e in evaluations for name in models_of(e)))
    rows = []
    for name in names:
        times = [e.forecast_ms[name] for e in evaluations if name in e.forecast_ms]
        scores = [row.used for e in evaluations for row in e.rows if row.model == name]
        mase = [score.mase for score in scores if score.mase is not None]
        rows.append([
            name, *(f"{share[name]:.3f}" if name in share else "" for share in shares),
            _mean(mase, ".2f"), _mean([score.coverage for score in scores], ".0%"),
            _mean(times, ".3g"),
        ])  # fmt: skip
    return [
        "pinball ÷ best baseline's", *(e.name for e in evaluations), "MASE", "coverage", "ms"
    ], rows  # fmt: skip


def _mean(values: Sequence[float], form: str) -> str:
    return format(sum(values) / len(values), form) if values else ""


def summary(verdict: "Verdict", ablations: Sequence[str]) -> str:
    """What the tables say, in sentences."""
    judged = (
        f"The aim is {'reached' if verdict.passed else 'not reached everywhere'}. "
        f"Ours has less loss than the best baseline in {verdict.better} of {verdict.cells} cells"
        f"{_families(verdict)}; the largest difference is {verdict.worst_frac:+.1%}, "
        f"{verdict.worst}. Its 80 % interval covers {_range(verdict.coverage)} of what came, "
        f"by {_kind(verdict)}"
    )
    if _kind(verdict) == "family":
        judged += f", and {_range(verdict.by_trace)}, by trace"
    judged += "."
    return "\n".join([judged, *_off(verdict), *ablations])


def _families(verdict: "Verdict") -> str:
    if _kind(verdict) == "trace":
        return ""
    return f", {verdict.family_better} of {verdict.family_cells} by family and horizon"


def _range(coverage: "Mapping[str, float]") -> str:
    return f"{min(coverage.values()):.1%} to {max(coverage.values()):.1%}"


def _kind(verdict: "Verdict") -> str:
    return (
        "trace" if all(list(of) == [name] for name, of in verdict.families.items()) else "family"
    )


def _off(verdict: "Verdict") -> list[str]:
    """Coverage, how sure it is, and where it is not what it should be."""
    from engine.forecast.leaderboard import (  # noqa: PLC0415 - heavy
        COVERAGE,
        NOMINAL,
        in_band,
        may_be_nominal,
    )

    told = ", ".join(_covered(verdict, name) for name in verdict.coverage)
    covered = (
        f"Coverage by {_kind(verdict)}, mean over horizons, with half its 95 % interval, which "
        f"takes into account that outcomes depend on each other: {told}."
    )
    if _kind(verdict) == "family":
        covered += (
            " A family's is the mean over its traces, where misses to both sides cancel; in "
            f"brackets its traces, the furthest from {NOMINAL:.0%} first."
        )
    made, band = [covered], f"{COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}"
    outside = [name for name, share in verdict.coverage.items() if not in_band(share)]
    if outside:
        made.append(f"Outside {band}: {', '.join(outside)}.")
    within = [
        trace for name, of in verdict.families.items() for trace in of
        if name not in outside and not in_band(verdict.by_trace[trace])
    ]  # fmt: skip
    if within:
        made.append(f"Outside {band} by itself, in a family that is inside: {', '.join(within)}.")
    traces = [trace for trace, share in verdict.by_trace.items() if not in_band(share)]
    unsure = [
        trace for trace in traces
        if may_be_nominal(verdict.by_trace[trace], verdict.trace_margin[trace])
    ]  # fmt: skip
    if unsure:
        made.append(
            f"The test parts of {', '.join(unsure)} hold too few independent outcomes to tell "
            f"this from {NOMINAL:.0%}."
        )
    if verdict.surely_off:
        made.append(f"Not by chance alone: {', '.join(verdict.surely_off)}.")
    return [made[0], *([" ".join(made[1:])] if made[1:] else [])]


def _covered(verdict: "Verdict", name: str) -> str:
    """Of a family and, if it has several, of its traces; the worst first."""
    said = f"{name} {_share(verdict.coverage[name], verdict.coverage_margin[name])}"
    worst = verdict.worst_trace[name]
    traces = [worst, *(trace for trace in verdict.families[name] if trace != worst)]
    if traces == [name]:
        return said
    each = (
        f"{trace} {_share(verdict.by_trace[trace], verdict.trace_margin[trace])}"
        for trace in traces
    )
    return f"{said} ({', '.join(each)})"


def _share(share: float, margin: float | None, digits: int = 1) -> str:
    said = f"{share:.{digits}%}"
    return said if margin is None else f"{said} ± {margin:.{digits}%}"


def _tested(evaluations: Sequence["Evaluation"]) -> str:
    """Traces that were judged at several ends, a sentence; empty if there are none."""
    ends = [f"{e.name} at {len(e.ends)}" for e in evaluations if len(e.ends) > 1]
    if not ends:
        return ""
    return (
        " Where these hold too few independent outcomes the trace is cut off where they begin and "
        f"judged there too, and so on: {', '.join(ends)} ends, all outcomes together."
    )


def markdown(
    evaluations: Sequence["Evaluation"], cells: Sequence["Cell"], sentences: str, command: str
) -> str:
    """The README's table.

    Args:
        evaluations: one a trace.
        cells: of all of them.
        sentences: what the tables say.
        command: what made it.
    """
    first = evaluations[0]
    seeds = ", ".join(map(str, first.seeds))
    about = (
        "Mean pinball loss of the quantiles 0.1, 0.5 and 0.9 at rolling origins of the last 15 % "
        "of each trace, in its unit, each model as used in the choice: as it is or calibrated "
        f"online, whichever had lost less by then; the choice calibrated; seeds {seeds}."
        f"{_tested(evaluations)} "
        "Difference: the choice over the best baseline; p: test of Diebold and Mariano; coverage: "
        "of its 80 % interval, with half its own 95 % interval where enough is known."
    )
    everyone = (
        "Every model: pinball over that of the best baseline, geometric mean over horizons, by "
        "trace; over all traces and horizons its MASE, the coverage of its 80 % interval, and the "
        "milliseconds of one forecast of all horizons."
    )
    return "\n\n".join([
        f"Made by `{command}`.", about, _pipes(_HEADERS, [_cell(cell) for cell in cells]),
        sentences.replace("\n", "\n\n"),
        everyone,
        _pipes(*_by_model(evaluations)), *_left_out(evaluations),
    ]) + "\n"  # fmt: skip


def left_out(evaluation: "Evaluation") -> dict[str, str]:
    """What was not scored and why; a model that no seed could fit is named once."""
    whole = evaluation.left_out
    model = {what: what.partition(", seed ")[0] for what in whole}
    return {w: why for w, why in whole.items() if model[w] == w or whole.get(model[w]) != why}


def _left_out(evaluations: Sequence["Evaluation"]) -> list[str]:
    """A line for each reason, with what it kept from being scored where."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for evaluation in evaluations:
        by_reason: dict[str, list[str]] = {}
        for what, why in left_out(evaluation).items():
            by_reason.setdefault(why, []).append(what)
        for why, those in by_reason.items():
            reasons.setdefault((why, ", ".join(those)), []).append(evaluation.name)
    lines = [f"- {what} ({', '.join(of)}): {why}." for (why, what), of in reasons.items()]
    return ["Left out:\n\n" + "\n".join(lines)] if lines else []


def _pipes(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
