"""The comparison in plain sentences, computed from the figures that are shown beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from app import formats
from engine.scenario import Slo

Figures = Mapping[str, Mapping[str, float | None]]
"""By run id, then by figure key."""

_ALIKE = 0.005
"""Costs closer than this share are called the same."""
_ALIKE_POINTS = 0.00005


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the comparison says."""

    kept: bool
    """Whether any run keeps the SLO."""
    headline: str
    details: tuple[str, ...]
    """A sentence per run other than the baseline."""


def figures_of(frame: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """By run and figure, None where not measured, from the rows of `Planner.compare`."""
    found: dict[str, dict[str, float | None]] = {}
    for run_id, key, value in zip(frame["run_id"], frame["figure"], frame["value"], strict=True):
        found.setdefault(run_id, {})[key] = None if pd.isna(value) else float(value)
    return found


def verdict(
    figures: Figures,
    order: Sequence[str],
    labels: Mapping[str, str],
    baseline: str,
    slo: Slo,
    *,
    part: bool = False,
) -> Verdict:
    """Which run keeps the SLO at the lowest cost, and how each differs from the baseline.

    Args:
        figures: of all runs.
        order: run ids as shown.
        labels: names of the runs.
        baseline: run id.
        slo: what users were promised.
        part: the figures are those of a part of the runs.
    """
    met = {run: figures[run].get("slo_attainment_frac") for run in order}
    promise = f"{formats.percent(slo.attainment_frac)} within {formats.figure(slo.latency_s, 's')}"
    served = {run: share for run, share in met.items() if share is not None}
    keeping = [run for run, share in served.items() if share >= slo.attainment_frac]
    if not served:
        headline = "No request arrived in this window, so there is nothing to compare."
    elif keeping:
        headline = _cheapest(figures, keeping, labels, baseline, promise, len(order))
    else:
        best = max(served, key=lambda run: served[run])
        who = "No run keeps" if len(order) > 1 else f"{labels[best]} does not keep"
        tail = f"; {labels[best]} comes closest" if len(order) > 1 else ""
        headline = f"{who} the promise of {promise}{tail}: {formats.percent(served[best])}."
    details = [
        _difference(figures[run], figures[baseline], labels[run], labels[baseline])
        for run in order
        if run != baseline
    ]
    if part and served:
        headline = f"In this window: {headline}"
    return Verdict(
        kept=bool(keeping), headline=headline, details=tuple(text for text in details if text)
    )


def _cheapest(
    figures: Figures,
    keeping: list[str],
    labels: Mapping[str, str],
    baseline: str,
    promise: str,
    runs: int,
) -> str:
    best = min(keeping, key=lambda run: _or(figures[run].get("cost_usd"), float("inf")))
    share = formats.percent(_or(figures[best].get("slo_attainment_frac"), 0.0))
    cost = figures[best].get("cost_usd")
    price = "" if cost is None else f" for {formats.usd(cost)}"
    keeps = "keeps the promise"
    if runs > 1:
        only = "is the only one that" if len(keeping) == 1 else "is the cheapest that"
        keeps = f"{only} keeps the promise"
    saved = None if best == baseline else _cost(figures[best], figures[baseline], labels[baseline])
    tail = f", {saved}" if saved else ""
    return f"{labels[best]} {keeps} of {promise}: {share}{price}{tail}."


def _difference(
    run: Mapping[str, float | None],
    base: Mapping[str, float | None],
    label: str,
    base_label: str,
) -> str:
    cost = _cost(run, base, base_label)
    met, base_met = run.get("slo_attainment_frac"), base.get("slo_attainment_frac")
    parts = [] if cost is None else [f"cost {cost}"]
    if met is not None and base_met is not None:
        parts.append(_misses(met - base_met))
    return f"{label} {' and '.join(parts)}." if parts else ""


def _cost(
    run: Mapping[str, float | None], base: Mapping[str, float | None], base_label: str
) -> str | None:
    """`31 % less than static`; None where it cannot be said."""
    cost, base_cost = run.get("cost_usd"), base.get("cost_usd")
    if cost is None or not base_cost:
        return None
    share = cost / base_cost - 1
    if abs(share) < _ALIKE:
        return f"as much as {base_label}"
    if share >= 1:
        return f"{formats.amount(1 + share)} times as much as {base_label}"
    return f"{formats.coarse_percent(share)} {'more' if share > 0 else 'less'} than {base_label}"


def _misses(gain: float) -> str:
    if abs(gain) < _ALIKE_POINTS:
        return "met the SLO equally often"
    return f"missed the SLO {formats.points(gain)} {'less' if gain > 0 else 'more'} often"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
