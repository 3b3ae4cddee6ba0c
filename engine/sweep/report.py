"""What the points of a sweep say: the front, its knee, what moves what, and cliffs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.errors import UsageError, did_you_mean
from engine.figures import FIGURES
from engine.sweep.effects import cliff, effect
from engine.sweep.front import covered_frac, knee, on_front, turned
from engine.sweep.plan import Goal
from engine.sweep.work import Point, paths_of
from engine.units import FloatArray

OBJECTIVES = ("cost_usd", "p95_s", "carbon_kg", "slo_attainment_frac")
"""Cost, latency, carbon and reliability."""
ATTAINMENT = "slo_attainment_frac"


def check_objectives(keys: Sequence[str]) -> tuple[str, ...]:
    """The figures of a front. Raises UsageError for one that is none, or has no better end."""
    known = [key for key, figure in FIGURES.items() if figure.better]
    for key in keys:
        if key not in known:
            raise UsageError(
                f"{key!r} cannot be traded off", "objective", did_you_mean(key, known)
            )
    if len(set(keys)) < 2:
        raise UsageError("a front needs two figures", "objective", "Name two or more")
    return tuple(dict.fromkeys(keys))


def report(
    points: Sequence[Point], objectives: Sequence[str] = OBJECTIVES, goal: Goal | None = None
) -> dict[str, Any]:
    """The document of a sweep, JSON-able.

    Args:
        points: in any order; those with a problem are listed and left out of everything else.
        objectives: figures that are traded off. Those not measured everywhere are left out.
        goal: the best point for it is named, and cliffs are those of its bound.

    Returns:
        Among others `best`, None where no point is good enough, and of the `goal` which `end` of
        its figure is wanted, and whether the figure is `measured` at all.
    """
    goal = goal or Goal()
    done = [point for point in points if point.scorecard]
    used = [key for key in objectives if _measured(done, key)]
    turned_values = _turned(done, used)
    front = on_front(turned_values) if done and used else np.zeros(len(done), bool)
    knee_at = _knee(turned_values, used)
    return {
        "objectives": used,
        "points": [
            {
                "run_id": point.run_id, "policy": point.policy, "settings": dict(point.settings),
                "figures": point.scorecard, "on_front": bool(front[number]),
                "knee": number == knee_at,
            }
            for number, point in enumerate(done)
        ],
        "problems": [
            {"settings": dict(point.settings), "what": point.problem[0],
             "where": point.problem[1], "fix": point.problem[2]}
            for point in points
            if point.problem is not None
        ],
        "knee": None if knee_at is None else done[knee_at].run_id,
        "hypervolume_frac": covered_frac(turned_values) if len(used) > 1 else None,
        "best": _best(done, goal),
        "goal": {
            "minimise": goal.minimise, "figure": goal.figure, "bound": goal.bound,
            "end": "highest" if FIGURES[goal.minimise].better == "higher" else "lowest",
            "measured": not done or not np.isnan(values_of(done, goal.minimise)).all(),
        },
        "sensitivity": _sensitivity(done, used),
        "cliffs": _cliffs(done, goal),
    }  # fmt: skip


def values_of(points: Sequence[Point], key: str) -> FloatArray:
    """A figure of all points, NaN where not measured."""
    found = [point.scorecard.get(key) for point in points]
    return np.array([np.nan if value is None else value for value in found], np.float64)


def _measured(points: Sequence[Point], key: str) -> bool:
    return bool(points) and not bool(np.isnan(values_of(points, key)).any())


def _turned(points: Sequence[Point], keys: Sequence[str]) -> FloatArray:
    columns = [turned(values_of(points, key), FIGURES[key].better or "lower") for key in keys]
    return np.array(columns).T.reshape(len(points), len(keys))


def _knee(values: FloatArray, used: Sequence[str]) -> int | None:
    """The knee in the plane of the first two objectives."""
    if len(used) < 2 or len(values) < 3:
        return None
    plane = values[:, :2]
    members = np.flatnonzero(on_front(plane))
    found = knee(plane[members])
    return None if found is None else int(members[found])


def _best(points: Sequence[Point], goal: Goal) -> dict[str, Any] | None:
    kept = [
        point
        for point in points
        if goal.kept(point.scorecard.get(goal.figure))
        and point.scorecard.get(goal.minimise) is not None
    ]
    if not kept:
        return None
    sign = -1.0 if FIGURES[goal.minimise].better == "higher" else 1.0
    best = min(kept, key=lambda point: sign * (point.scorecard[goal.minimise] or 0.0))
    return {
        "run_id": best.run_id, "policy": best.policy, "settings": dict(best.settings),
        goal.minimise: best.scorecard[goal.minimise], goal.figure: best.scorecard[goal.figure],
    }  # fmt: skip


def _sensitivity(points: Sequence[Point], keys: Sequence[str]) -> list[dict[str, Any]]:
    alone = (
        sum(len({point.settings.get(p) for point in points}) > 1 for p in paths_of(points)) == 1
    )
    found = [
        effect(path, _settings(points, path), key, values_of(points, key), alone=alone)
        for path in paths_of(points)
        for key in keys
        if all(path in point.settings for point in points)
    ]
    rows = sorted((e for e in found if e is not None), key=lambda e: -e.explained_frac)
    return [
        {"path": e.path, "figure": e.figure, "explained_frac": e.explained_frac,
         "lowest": e.lowest, "highest": e.highest, "rises": e.rises}
        for e in rows
    ]  # fmt: skip


def _cliffs(points: Sequence[Point], goal: Goal) -> list[dict[str, Any]]:
    if goal.figure != ATTAINMENT or not _measured(points, ATTAINMENT):
        return []
    attained = values_of(points, ATTAINMENT)
    found = [
        cliff(path, _settings(points, path), attained, goal.bound)
        for path in paths_of(points)
        if all(path in point.settings for point in points)
    ]
    return [asdict(each) for each in found if each is not None]


def _settings(points: Sequence[Point], path: str) -> list[str]:
    return [point.settings[path] for point in points]
