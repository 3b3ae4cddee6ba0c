"""Where exactly a promise breaks: further replays halve the step over which it collapses.

A cliff is found between two values that were replayed, as means over all other settings. Here one
setting moves and the others stay as they are at one point that keeps the promise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.sweep.axes import Settings, parse_axis
from engine.sweep.effects import Cliff
from engine.sweep.plan import Goal
from engine.sweep.work import Point

REPLAYS = 8
"""Spent on a cliff: its step becomes 256 times as short."""

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
    """Spent on it, those that were known included."""
    settings: Settings
    """What stayed as it was."""


def edge(
    cliff: Cliff, points: Sequence[Point], goal: Goal, ask: Ask, replays: int = REPLAYS
) -> Edge | None:
    """Narrows a cliff down; None where the promise holds on both sides of it at every point.

    Values have as many decimals as the ends of the step, two at least, and are whole numbers
    where both are; it ends early where no value lies between.

    Args:
        cliff: a step of a setting.
        points: of the sweep that it was found in.
        goal: what is promised.
        ask: replays, or looks up, one point.
        replays: how often it is asked at most.
    """
    begin = _beginning(cliff, points, goal)
    if begin is None:
        return None
    path, kept, broken = cliff.path, begin.settings[cliff.path], cliff.broken_at
    others = {name: value for name, value in begin.settings.items() if name != path}
    broken_frac = ask({**others, path: broken})
    if broken_frac is None or goal.kept(broken_frac):
        return None
    kept_frac = begin.scorecard[goal.figure] or 0.0
    low, high = sorted((kept, broken), key=float)
    axis, spent = parse_axis(f"{path}={low}..{high}"), 0
    while spent < replays:
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
    known = {_key(p.settings): p.scorecard.get(goal.figure) for p in points if p.scorecard}

    def breaks(point: Point) -> bool:
        beyond = _key({**point.settings, cliff.path: cliff.broken_at})
        return beyond not in known or not goal.kept(known[beyond])

    ends = float(cliff.kept_at), float(cliff.broken_at)

    def distance(point: Point) -> tuple[float, float]:
        at = float(point.settings[cliff.path])
        return abs(at - ends[0]), point.scorecard[goal.minimise] or 0.0

    fit = [
        point
        for point in points
        if cliff.path in point.settings
        and goal.kept(point.scorecard.get(goal.figure))
        and point.scorecard.get(goal.minimise) is not None
        and (float(point.settings[cliff.path]) - ends[1]) * (ends[0] - ends[1]) > 0
        and breaks(point)
    ]
    return min(fit, key=distance, default=None)


def _key(settings: Settings) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(settings.items()))
