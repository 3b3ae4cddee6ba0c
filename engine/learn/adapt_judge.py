"""Before and after: two allocators on the same days or windows, at equal misses."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.cases import Case
from engine.evaluate.frontier import cost_at
from engine.evaluate.judge import judge
from engine.evaluate.report import Pooled, pooled
from engine.learn.adapt_loop import COSTS
from engine.policies.registry import parse_spec
from engine.store.duck import Store

MARGIN = 0.005
"""Saving from which something is called better: less is within what a different day does."""
SETTLED_MISSES = 1e-4
"""Shares of requests missed below one in 10,000 are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a new allocator is worth beside the one that is used."""

    better: bool
    saving_frac: float | None
    """What it costs less at equal misses, the mean over the settings of the one that is used;
    None: it never has so few misses."""
    verdict: str
    """The same as a sentence."""
    before: tuple[dict[str, Any], ...]
    """A row a setting: cost, missed_frac, slo_missed_frac, p99."""
    after: tuple[dict[str, Any], ...]
    days: tuple[str, ...]
    """What it was judged on."""


def setting(cost: float, folder: Path | None) -> str:
    """The policy for a weight of cost with a checkpoint; None: the shipped one."""
    rest = 1.0 - cost
    text = (
        f"smartscale:carbon=0:cost={cost:g}:latency={0.6 * rest:g}:reliability={0.4 * rest:g}"
        f":utilisation=0"
    )
    return str(parse_spec(text if folder is None else f"{text}:checkpoint={folder}"))


def compare(
    store: Store,
    cases: Sequence[Case],
    before: Path | None,
    after: Path,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Comparison:
    """Replays both on every case, from cautious to cheap.

    Args:
        store: keeps the results.
        cases: days or windows that neither learned from.
        before: checkpoint that is used now; None: the shipped one.
        after: the new one.
        progress: share done, and what is being done.
        cancel: asked between ticks.

    Raises:
        CheckpointError: one of them cannot be read.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    olds, news = ([setting(cost, folder) for cost in COSTS] for folder in (before, after))
    made = judge(store, cases, [*olds, *news], progress=progress, cancel=cancel, workers=1)
    rows = {point.policy: point for point in pooled(made)}
    old, new = [rows[name] for name in olds], [rows[name] for name in news]
    return verdict_of(old, new, tuple(case.name for case in cases))


def verdict_of(
    old: Sequence[Pooled], new: Sequence[Pooled], days: tuple[str, ...] = ()
) -> Comparison:
    """The comparison of two fronts of cost and misses."""
    saving = saving_of(old, new)
    better = saving is not None and saving >= MARGIN
    if saving is None:
        verdict = "it never misses as few requests as the one that is used"
    elif better:
        verdict = f"costs {saving:.1%} less at equal misses"
    elif saving >= 0.0:
        verdict = f"costs only {saving:.1%} less at equal misses, which may be chance"
    else:
        verdict = f"costs {-saving:.1%} more at equal misses"
    return Comparison(
        better=better, saving_frac=saving, verdict=verdict, days=days,
        before=tuple(_row(point, cost) for point, cost in zip(old, COSTS, strict=True)),
        after=tuple(_row(point, cost) for point, cost in zip(new, COSTS, strict=True)),
    )  # fmt: skip


def saving_of(old: Sequence[Pooled], new: Sequence[Pooled]) -> float | None:
    """Mean saving at the misses of each old setting, in logarithms; negative: dearer.

    Old settings with fewer misses than any new one count as long as the difference is below
    SETTLED_MISSES; with another one the new front does not reach, so the answer is None unless
    others are reached: then those alone count.
    """
    fronts = [[(p.cost, max(p.missed_frac, SETTLED_MISSES)) for p in each] for each in (old, new)]
    logs = []
    for point in old:
        at = max(point.missed_frac, SETTLED_MISSES)
        one, other = cost_at(fronts[0], at), cost_at(fronts[1], at)
        if one is not None and other is not None:
            logs.append(np.log(other.value / one.value))
    return None if len(logs) * 2 < len(old) else 1.0 - float(np.exp(np.mean(logs)))


def as_result(made: Comparison) -> dict[str, Any]:
    """JSON-able."""
    return asdict(made)


def _row(point: Pooled, cost: float) -> dict[str, Any]:
    return {
        "cost_weight": cost, "cost": point.cost, "missed_frac": point.missed_frac,
        "slo_missed_frac": point.slo_missed_frac, "p99": point.p99,
    }  # fmt: skip
