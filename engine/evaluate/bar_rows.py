"""Every bar as measured: by training seed, with what other days would do to it, and by kind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.evaluate.bars import (
    NO_RIVAL,
    NOT_REACHED,
    SAME_RULE,
    Bar,
    Points,
    Read,
    suite_bars,
    trace_bars,
)
from engine.evaluate.families import CHAMPION, HPA, RULE
from engine.evaluate.judge import Judgement
from engine.evaluate.noise import drawn_days, interval
from engine.units import FloatArray, IntArray

MISSES = ("missed_frac", "slo_missed_frac")
"""What a request is missed by, the usual one first."""
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """Judgements as arrays."""

    kinds: tuple[str, ...]
    """(D,) of each day."""
    figures: Mapping[str, FloatArray]
    """By family (S, D, 3): cost, share missed, p99 over the mean service time."""

    def points(self, days: IntArray) -> Points:
        """Means over some days."""
        return {name: figures[:, days].mean(1) for name, figures in self.figures.items()}


def bar_rows(
    families: Mapping[str, Sequence[Judgement]], misses: str, *, real: bool
) -> list[dict[str, Any]]:
    """Every bar, JSON-able; none where neither the allocator nor the champion was judged.

    Args:
        families: judgements of every setting on every day, by family.
        misses: which figure says what was missed; one of MISSES.
        real: whether the days are windows of stored traces.
    """
    days = _days(families, misses)
    everything = np.arange(len(days.kinds))
    points = days.points(everything)
    stock = list(dict.fromkeys(entry.policy for entry in families[HPA]))
    bars = trace_bars(points) if real else suite_bars(points, stock)
    if not bars:
        return []
    drawn = drawn_days(days.kinds)
    spans: Sequence[Interval] = [None] * len(bars)
    if drawn is not None:
        spans = interval(drawn, lambda some: _means(bars, days.points(some)))
    names = list(dict.fromkeys(days.kinds))
    by_kind = {
        kind: days.points(np.array([d for d, of in enumerate(days.kinds) if of == kind]))
        for kind in (names if len(names) > 1 else ())
    }
    return [
        _row(bar, _reads(bar, points), span)
        | {"kinds": {kind: _mean_row(_reads(bar, those)) for kind, those in by_kind.items()}}
        for bar, span in zip(bars, spans, strict=True)
    ]


def _days(families: Mapping[str, Sequence[Judgement]], misses: str) -> _Days:
    kinds = {e.case: e.kind for entries in families.values() for e in entries}
    cases = {case: day for day, case in enumerate(kinds)}
    rows = {name: list(dict.fromkeys(e.policy for e in made)) for name, made in families.items()}
    figures = {}
    for name, entries in families.items():
        figures[name] = np.full((len(rows[name]), len(cases), 3), np.nan)
        for e in entries:
            found = (e.cost, getattr(e, misses), e.p99_s / e.service_s)
            figures[name][rows[name].index(e.policy), cases[e.case]] = found
    same = [text.replace(CHAMPION, RULE, 1) for text in rows.get(CHAMPION, ())]
    if same and set(same) <= set(rows.get(RULE, ())):
        figures[SAME_RULE] = figures[RULE][[rows[RULE].index(text) for text in same]]
    return _Days(kinds=tuple(kinds.values()), figures=figures)


def _means(bars: Sequence[Bar], points: Points) -> list[float]:
    return [_mean(_reads(bar, points)) for bar in bars]


def _reads(bar: Bar, points: Points) -> dict[str, Read]:
    return {name: bar.read(points, name) for name in bar.of}


def _mean(reads: Mapping[str, Read]) -> float:
    """Over training seeds; infinite where there is none for one of them."""
    least = min(read.value for read in reads.values())
    if math.isinf(least):
        return least
    return float(np.mean([read.value for read in reads.values()]))


def _mean_row(reads: Mapping[str, Read]) -> dict[str, Any]:
    return _shown(
        Read(
            _mean(reads),
            any(read.own_ends for read in reads.values()),
            any(read.rival_ends for read in reads.values()),
        )
    )


def _shown(read: Read) -> dict[str, Any]:
    """JSON knows no infinity."""
    return {
        "frac": None if math.isinf(read.value) else read.value,
        "why_none": _why_none(read.value),
        "own_ends": read.own_ends,
        "rival_ends": read.rival_ends,
    }


def _why_none(value: float) -> str | None:
    if not math.isinf(value):
        return None
    return "not reached" if value == NOT_REACHED else "rival not there"


def _row(bar: Bar, reads: Mapping[str, Read], span: Interval) -> dict[str, Any]:
    mean, worst = _mean(reads), min(reads.values(), key=lambda read: read.value)
    wanted = bar.wanted_frac
    within = None
    if span is not None and wanted is not None and mean != NO_RIVAL:
        within = span[0] < wanted <= span[1]
    return {
        "name": bar.name,
        "at": bar.at,
        "wanted_frac": wanted,
        "shipped": _shown(next(iter(reads.values()))),
        "seeds": {name: _shown(read) for name, read in reads.items()},
        "mean": _mean_row(reads),
        "worst": _shown(worst),
        "interval_frac": None if span is None else [None if math.isinf(v) else v for v in span],
        "interval": "" if span is None else " to ".join(_text(_shown(Read(v))) for v in span),
        "kept": None if wanted is None else _kept(wanted, mean, worst.value),
        "within_noise": within,
    }


def _kept(wanted: float, mean: float, worst: float) -> str:
    if math.isinf(mean):
        return "no" if mean == NOT_REACHED else "no rival"
    if worst >= wanted:
        return "yes"
    return "on average" if mean >= wanted else "no"


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Bars as a table: pooled by the shipped seed, all seeds and the worst; by kind all seeds."""
    seeds = max(len(row["seeds"]) for row in rows)
    kinds = list(rows[0]["kinds"])
    several = [f"mean of {seeds} seeds", "worst seed"] if seeds > 1 else []
    spans = ["95 %"] if any(row["interval"] for row in rows) else []
    head = ["bar", "where", "wanted", "shipped", *several, *spans, "kept", *kinds]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        wanted = row["wanted_frac"]
        cells = [row["name"], row["at"], "" if wanted is None else f"{100 * wanted:.0f} %"]
        cells.append(_text(row["shipped"]))
        told = [_text(row["mean"]), _text(row["worst"])] if len(row["seeds"]) > 1 else ["", ""]
        cells += told if several else []
        cells += [row["interval"]] if spans else []
        cells.append(_verdict(row))
        cells += [_text(row["kinds"][kind]) for kind in kinds]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _verdict(row: Mapping[str, Any]) -> str:
    if row["kept"] is None:
        return ""
    return str(row["kept"]) + (", within noise" if row["within_noise"] else "")


def _text(shown: Mapping[str, Any]) -> str:
    """What was measured; starred where the allocator's front ends, † where the rival's does."""
    if shown["frac"] is None:
        return str(shown["why_none"])
    marks = "*" * shown["own_ends"] + "†" * shown["rival_ends"]
    return f"{100 * shown['frac']:.1f} %{' ' * bool(marks)}{marks}"
