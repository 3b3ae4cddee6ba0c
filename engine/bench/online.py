"""Whether learning while it decides earns anything once demand has drifted, against staying put.

Days of sixteen hours that nothing was trained on. Half-way demand drifts: requests hold a slot
1.7 times as long, and demand of one kind turns into demand of another. Counted is the half after
the drift: what the same demand costs at equal misses, with and without learning.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from engine.evaluate.cases import KINDS, Case, heldout, window_of
from engine.evaluate.frontier import cost_at
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import ReplaySpec, set_up
from engine.trace.schema import RequestTable, request_table
from engine.trace.synth import generate

__all__ = ["run"]

SEEDS = (960_001, 960_002)
HALF_S = 8 * 3600.0
BLOCK_S = 1800.0
SLOWER = 1.7
WEIGHTS = (0.2, 0.4, 0.6, 0.8)
"""Of cost; latency has 60 % and reliability 40 % of the rest."""
LEAST_DAYS = 2


def run(
    seeds: tuple[int, ...] = SEEDS, half_s: float = HALF_S,
    weights: tuple[float, ...] = WEIGHTS, kinds: tuple[str, ...] = KINDS,
) -> dict[str, Any]:  # fmt: skip
    """Saving at equal misses by day, its mean and standard error, and what was noticed."""
    days = [
        _day(heldout((kind,), (seed,))[0], heldout((then,), (seed,))[0], half_s)
        for seed in seeds
        for kind, then in pairwise((*kinds, kinds[0]))
    ]
    rows = [_compared(day, half_s, weights) for day in days]
    savings = [row["saving_frac"] for row in rows if row["saving_frac"] is not None]
    error = np.std(savings, ddof=1) / np.sqrt(len(savings)) if len(savings) >= LEAST_DAYS else None
    return {
        "days": len(days),
        "settings": len(weights),
        "saving_mean_frac": float(np.mean(savings)) if savings else None,
        "saving_error_frac": None if error is None else float(error),
        "saving_by_day_frac": savings,
        "drifts_noticed_mean": float(np.mean([row["drifts"] for row in rows])),
        "offset_moved_mean": float(np.mean([row["moved"] for row in rows])),
    }


def _day(first: Case, then: Case, half_s: float) -> ReplaySpec:
    """Demand of the first kind, then that of the second on the same cluster, slower to serve."""
    before, after = (
        generate(**{**_recipe(case), "duration_s": half_s, "service_mean_s": mean_s}).table
        for case, mean_s in (
            (first, _recipe(first)["service_mean_s"]),
            (then, SLOWER * _recipe(first)["service_mean_s"]),
        )
    )
    return window_of(_joined(before, after, half_s), first.scenario, 2 * half_s)


def _recipe(case: Case) -> dict[str, Any]:
    recipe = case.demand()
    assert not isinstance(recipe, RequestTable)
    return dict(recipe)


def _joined(before: RequestTable, after: RequestTable, at_s: float) -> RequestTable:
    inside = before.arrival_s < at_s
    return request_table(
        np.concatenate([before.arrival_s[inside], after.arrival_s + at_s]),
        service_s=np.concatenate([before.service_s[inside], after.service_s]),
    )


def _compared(day: ReplaySpec, half_s: float, weights: tuple[float, ...]) -> dict[str, Any]:
    still = [_played(day, half_s, weight, online=False) for weight in weights]
    learning = [_played(day, half_s, weight, online=True) for weight in weights]
    front = [(cost, missed) for cost, missed, _, _ in still]
    found = []
    for cost, missed, _, _ in learning:
        rival = cost_at(front, missed)
        if rival is not None and not rival.ends:
            found.append(1.0 - cost / rival.value)
    return {
        "saving_frac": float(np.mean(found)) if found else None,
        "drifts": np.mean([drifts for _, _, drifts, _ in learning]),
        "moved": np.mean([moved for _, _, _, moved in learning]),
    }


def _played(
    day: ReplaySpec, half_s: float, weight: float, *, online: bool
) -> tuple[float, float, float, float]:
    """Cost and share missed after the drift, drifts noticed, and how far the offset was moved."""
    rest = 1.0 - weight
    text = (
        f"smartscale:cost={weight}:latency={0.6 * rest:.4f}:reliability={0.4 * rest:.4f}"
        f":utilisation=0:carbon=0:online={str(online).lower()}"
    )
    (made,) = set_up([policy_spec(day, parse_spec(text))])
    run_out(made)
    found = measures(made, BLOCK_S)
    later = round(half_s / BLOCK_S)
    requests = made.fleet.state.requests
    work_s = float(requests["work_s"][requests["arrival_s"] >= half_s].sum())
    learner = getattr(made.policy, "learner", None)
    return (
        float(found.slot_s[later:].sum() / work_s),
        float(found.missed[later:].sum() / found.arrived[later:].sum()),
        0.0 if learner is None else float(learner.drifts.sum()),
        0.0 if learner is None else float(np.abs(learner.offset).mean()),
    )
