"""Where exactly a promise breaks: further replays halve the step over which it collapses.

A cliff is found between two values, or groups of them, as means over all other settings. Here one
setting moves and the others stay as they are at one point that keeps the promise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.sweep.axes import Settings, parse_axis
from engine.sweep.effects import Cliff
from engine.sweep.plan import Goal
from engine.sweep.work import Point, place_of

REPLAYS = 8
"""Usually spent on a cliff: its step becomes 256 times as short."""

Ask = Callable[[Settings], float | None]
"""SLO attainment with some settings; None where they are impossible or nobody replayed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The two nearest values that were replayed on either side of a cliff."""

    kept_at: str
    broken_at: str
    kept_frac: float
    broken_frac: float
    replays: int
    """Between the points of the sweep, those that were known included."""
    settings: Settings
    """What stayed as it was."""


def edge(
    cliff: Cliff, points: Sequence[Point], goal: Goal, ask: Ask, replays: int | None = None
) -> Edge | None:
    """Narrows a cliff down; None where the promise holds on both sides of it at every point.

    Values have as many decimals as the ends of the step, two at least, and are whole numbers
    where both are; it ends early where no value lies between.

    Args:
        cliff: a step of a setting.
        points: of the sweep that it was found in.
        goal: what is promised.
        ask: replays, or looks up, one point.
        replays: how often it is asked at most between two points; None: as long as it answers.
    """
    begin = _beginning(cliff, points, goal)
    if begin is None:
        return None
    path, kept = cliff.path, begin.settings[cliff.path]
    others = {name: value for name, value in begin.settings.items() if name != path}
    broken, broken_frac = _broken(cliff, points, begin, goal)
    if broken_frac is None:
        broken_frac = ask({**others, path: broken})
    if broken_frac is None or goal.kept(broken_frac):
        return None
    kept_frac = begin.scorecard[goal.figure] or 0.0
    low, high = sorted((kept, broken), key=float)
    axis, spent = parse_axis(f"{path}={low}..{high}"), 0
    while replays is None or spent < replays:
        middle = axis.at((axis.place(kept) + axis.place(broken)) / 2)
        if float(middle) in (float(kept), float(broken)):
            break
        held = ask({**others, path: middle})
        if held is None:
            break
        spent += 1
        if goal.kept(held):
            kept, kept_frac = middle, held
        else:
            broken, broken_frac = middle, held
    return Edge(
        kept_at=kept, broken_at=broken, kept_frac=kept_frac, broken_frac=broken_frac,
        replays=spent, settings=others,
    )  # fmt: skip


def _beginning(cliff: Cliff, points: Sequence[Point], goal: Goal) -> Point | None:
    """The point that keeps the promise nearest to the cliff, of several the best one.

    Unless the promise is known to hold beyond the cliff, too, with the others as they are there.
    """
    known = {place_of(p.settings): p.scorecard.get(goal.figure) for p in points if p.scorecard}

    def breaks(point: Point) -> bool:
        beyond = place_of({**point.settings, cliff.path: cliff.broken_last})
        return beyond not in known or not goal.kept(known[beyond])

    def distance(point: Point) -> tuple[float, float]:
        at = float(point.settings[cliff.path])
        return abs(at - float(cliff.kept_last)), point.scorecard[goal.minimise] or 0.0

    fit = [
        point
        for point in points
        if cliff.path in point.settings
        and goal.kept(point.scorecard.get(goal.figure))
        and point.scorecard.get(goal.minimise) is not None
        and _ahead(cliff, point.settings[cliff.path], cliff.broken_last) > 0
        and breaks(point)
    ]
    return min(fit, key=distance, default=None)


def _broken(
    cliff: Cliff, points: Sequence[Point], begin: Point, goal: Goal
) -> tuple[str, float | None]:
    """The nearest value ahead at which the promise is known to break, and how far.

    The others are as they are at the beginning. Where no such point was replayed it is the last
    value of the cliff, of which nobody knows.
    """
    path, here = cliff.path, begin.settings[cliff.path]
    there = place_of({**begin.settings, path: ""})
    broken = [
        (point.settings[path], held)
        for point in points
        if place_of({**point.settings, path: ""}) == there
        and (held := point.scorecard.get(goal.figure)) is not None
        and not goal.kept(held)
        and _ahead(cliff, here, point.settings[path]) > 0
    ]
    nearest = min(broken, key=lambda each: _ahead(cliff, here, each[0]), default=None)
    return (cliff.broken_last, None) if nearest is None else nearest


def _ahead(cliff: Cliff, here: str, there: str) -> float:
    """How far a value lies ahead of another one on the way over the cliff."""
    way = float(cliff.broken_last) - float(cliff.kept_last)
    return math.copysign(1.0, way) * (float(there) - float(here))
