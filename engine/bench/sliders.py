"""Whether moving a slider does what it says: 5 priorities, 8 unseen clusters, 7 settings each.

Of a pair of neighbouring settings the one that gives the priority more has to be as good in what
the priority is about, or better: up to 1 % of the figure, half a point of utilisation, or 0.05
points of requests missed count as equal. From the first to the last setting it has to get better
by more than that, in each cluster: a slider that does nothing moves nothing. The grid is that of a
typical day, so what carbon weighs is a matter of when workers are there, too.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.cluster.grid import intensity
from engine.evaluate.cases import KINDS, heldout, varied
from engine.learn.rewards import BAND_HIGH, BAND_LOW, SCORES
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Replay, ReplaySpec, set_up
from engine.scenario import Scenario
from engine.sim import kernel

__all__ = ["run"]

SEEDS = (970_001, 970_002)
SETTINGS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
WINDOW_S = 6 * 3600.0
BAR_MONOTONE_FRAC = 0.98
ABSOLUTE = {"utilisation": 0.005, "reliability": 0.0005}
RELATIVE = 0.01
BAR_MOVED_FRAC = 1.0
JOULE_PER_KWH = 3.6e6
WATTS: Mapping[str, Any] = MappingProxyType({"watts_idle": 200.0, "watts_full": 500.0})
GRID: Mapping[str, Any] = MappingProxyType({"grid_profile": "california", "utc_offset_h": 5.0})
"""The window begins at five in the morning: the sun halves the emissions by its end."""


def run(
    seeds: tuple[int, ...] = SEEDS, window_s: float = WINDOW_S, kinds: tuple[str, ...] = KINDS
) -> dict[str, Any]:
    """Share of neighbouring settings in order, by priority and whole, and the mean figures."""
    windows = [
        varied(case, _metered(case.scenario), duration_s=window_s)
        for case in heldout(kinds, seeds)
    ]
    right, moved, means = {}, {}, {}
    for priority in SCORES:
        figures = np.array(
            [[_figure(w, _policy(priority, s), priority) for s in SETTINGS] for w in windows]
        )
        pairs = [_in_order(priority, a, b) for row in figures for a, b in pairwise(row)]
        right[priority] = pairs
        moved[priority] = [has_moved(priority, row[0], row[-1]) for row in figures]
        means[priority] = figures.mean(0).tolist()
    whole, effect = (
        float(np.mean([each for found in by.values() for each in found])) for by in (right, moved)
    )
    return {
        "clusters": len(windows),
        "settings": list(SETTINGS),
        "monotone_frac": {name: float(np.mean(pairs)) for name, pairs in right.items()},
        "mean_figure": means,
        "monotone_frac_all": whole,
        "moved_frac": {name: float(np.mean(found)) for name, found in moved.items()},
        "moved_frac_all": effect,
        "bar_monotone_frac": BAR_MONOTONE_FRAC,
        "bar_moved_frac": BAR_MOVED_FRAC,
        "passed": whole >= BAR_MONOTONE_FRAC and effect >= BAR_MOVED_FRAC,
    }


def _metered(scenario: Scenario) -> Scenario:
    """The cluster with workers whose power is known, on a grid that is not the same all day."""
    kinds = tuple(replace(kind, **WATTS) for kind in scenario.agent_types)
    regions = tuple(replace(region, **GRID) for region in scenario.regions)
    return replace(scenario, agent_types=kinds, regions=regions)


def _policy(priority: str, share: float) -> str:
    """This share for one priority; the others have the rest in equal parts."""
    rest = (1.0 - share) / (len(SCORES) - 1)
    return "smartscale:" + ":".join(
        f"{name}={share if name == priority else rest:.4f}" for name in SCORES
    )


def _figure(window: ReplaySpec, policy: str, priority: str) -> float:
    """What the priority is about, lower is better; of carbon grams of CO2e."""
    (made,) = set_up([policy_spec(window, parse_spec(policy))])
    run_out(made)
    if priority == "latency":
        return _wait(made)
    if priority == "utilisation":
        return _off_band(made)
    if priority == "carbon":
        return grams(made)
    found = measures(made, 3600.0)
    return found.missed_frac if priority == "reliability" else found.cost


def grams(made: Replay) -> float:
    """Grams of CO2e of all workers: their power by the share of slots in use, on the grid then."""
    scenario = made.spec.scenario
    (kind,), (region,) = scenario.agent_types, scenario.regions
    levels = slice(kernel.F_STARTING_S, kernel.F_DRAINING_S + 1)
    worker_s = made.integrals[:, 0, levels].sum(axis=1)
    busy_s = made.integrals[:, 0, kernel.F_BUSY_SLOT_S] / kind.slots
    joule = kind.watts_idle * worker_s + (kind.watts_full - kind.watts_idle) * busy_s
    per_kwh = intensity(region, None, made.edges_s + made.spec.clock_s)
    return float((joule * per_kwh).sum() * region.pue / JOULE_PER_KWH)


def _wait(made: Replay) -> float:
    """Mean seconds in the system over mean service; what failed counts at its time-out."""
    outcomes, work_s = made.fleet.state.outcomes, made.fleet.state.requests["work_s"]
    took = np.where(
        outcomes["status"] == kernel.FINISHED, outcomes["end_s"] - outcomes["arrived_s"], 60.0
    )
    return float(took.mean() / work_s.mean())


def _off_band(made: Replay) -> float:
    """Mean distance of utilisation from its band over the ticks."""
    billed = made.integrals[:, 0, kernel.F_SLOT_S]
    used = made.integrals[:, 0, kernel.F_BUSY_SLOT_S] / np.maximum(billed, 1e-9)
    return float(np.maximum(np.maximum(BAND_LOW - used, used - BAND_HIGH), 0.0).mean())


def _alike(priority: str, before: float) -> float:
    return max(ABSOLUTE.get(priority, 0.0), RELATIVE * before)


def _in_order(priority: str, before: float, after: float) -> bool:
    return after <= before + _alike(priority, before)


def has_moved(priority: str, first: float, last: float) -> bool:
    """Whether the figure got better from the first to the last setting, by what does count."""
    return last < first - _alike(priority, first)
