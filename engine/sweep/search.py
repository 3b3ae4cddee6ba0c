"""Bayesian search for the cheapest setting that keeps a promise, by Optuna's Gaussian processes.

One process for the logarithm of what is to be least and one for the margin by which the promise
is kept; the next point has the largest expected improvement times the probability that it keeps
the promise (Gardner et al., Bayesian Optimization with Inequality Constraints, ICML 2014).
Optuna fits and searches; here settings become its parameters and come back.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.figures import FIGURES
from engine.sweep.axes import Axis, Settings
from engine.sweep.effects import as_numbers
from engine.sweep.plan import Goal, Plan, sampled
from engine.units import FloatArray, IntArray

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.samplers import GPSampler

LEVELS = 16
"""So many listed numbers are tried one by one; of more Optuna has a range, which is quick."""
ASKS = 8
"""How often Optuna is asked at most for a point that is worth a replay."""
SLACK = 0.1
"""A promise missed by so much of its margin or less says little of settings nearby."""
NEAR = 0.02
"""Settings that lie closer together than this share of their ranges are as good as the same."""
EXPLORED = 4
"""Points of a search after which it is refined, where it is known which way settings are safer."""
DRAWN = 4096
LEAST = 1e-5
"""Shares missed below one request in 100,000 count as this."""
_PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Known:
    """A point whose replay is done."""

    settings: Settings
    minimised: float
    """Turned so that less is better."""
    held: float
    """Value of the figure that is to be kept at a bound."""


def margin(goal: Goal, held: float) -> float:
    """How well the promise is kept; 0 or more: it is. Of shares, in logarithms of what is missed.

    Attainment nears 1 the way a queue empties, so its misses are smooth in logarithms.
    """
    if FIGURES[goal.figure].unit == "%" and goal.bound < 1.0 and goal.sign > 0:
        return math.log(max(1.0 - goal.bound, LEAST)) - math.log(max(1.0 - held, LEAST))
    return goal.sign * (held - goal.bound)


def best_of(goal: Goal, known: Sequence[Known]) -> Known | None:
    """The least that keeps the promise; where none does, the one nearest to it."""
    if not known:
        return None
    kept = [point for point in known if margin(goal, point.held) >= 0]
    if kept:
        return min(kept, key=lambda point: point.minimised)
    return max(known, key=lambda point: margin(goal, point.held))


def following(
    plan: Plan,
    known: Sequence[Known],
    failed: Sequence[Settings] = (),
    ask: Callable[[], None] | None = None,
) -> Settings | None:
    """The next point to replay; None where the axes hold no other that could be better.

    Where it is known which way each setting is safer, nothing is replayed that is bolder in every
    way than what misses the promise, safer in every way than what keeps it, or next to what was
    replayed: Optuna is told that it would be no better than that, and of what it then proposes
    again it chooses among the rest. After `EXPLORED` points the best one is made bolder, step by
    step, and Optuna is asked again where there is no room for it.

    Args:
        plan: what is varied, and what is looked for.
        known: points already replayed; with fewer than two, points are drawn evenly.
        failed: settings that cannot be replayed: never proposed again, nor what is next to them
            as long as there is anything else.
        ask: called each time before Optuna is; raises where nobody waits any more.

    Raises:
        UsageError: PyTorch, which Optuna's Gaussian processes need, is not installed.
    """
    taken = {_values(plan, settings) for settings in (*(p.settings for p in known), *failed)}
    if len(known) >= EXPLORED:
        bolder = _bolder(plan, known)
        if bolder is not None and _values(plan, bolder) not in taken:
            return bolder
    drawn, places = _drawn(plan.axes, plan.seed)
    fresh = np.array([values not in taken for values in drawn])
    left = np.flatnonzero(fresh & (_settled(plan, known, places) < 0))
    if len(left) == 0 or len(known) < 2:
        return _settings(plan, drawn[left[0]]) if len(left) else None
    told = [*known, *_hopeless(plan.goal, known, failed)]
    study = _study(plan, told, places[fresh], plan.seed + len(taken))
    for number in range(ASKS):
        if ask is not None:
            ask()
        if number == ASKS - 1:
            study.sampler = _sampler(plan, places[left], plan.seed + len(taken))
        trial = _asked(study, plan.axes)
        proposed = tuple(_value(axis, trial.params[axis.path]) for axis in plan.axes)
        (settled,) = _settled(plan, known, np.array([_places(plan.axes, proposed)]))
        if settled < 0 and proposed not in taken:
            return _settings(plan, proposed)
        if settled >= 0:
            trial.set_constraint(_PROMISE, -margin(plan.goal, known[settled].held))
            study.tell(trial, _value_of(plan.goal, known[settled].minimised))
    return _settings(plan, drawn[left[0]])


@lru_cache(maxsize=4)
def _drawn(axes: tuple[Axis, ...], seed: int) -> tuple[list[tuple[str, ...]], FloatArray]:
    """Points that lie evenly all over the axes, and (points, axes) where they are."""
    drawn = [tuple(each.values()) for each in sampled(axes, DRAWN, seed)]
    return drawn, np.array([_places(axes, values) for values in drawn])


def _places(axes: Sequence[Axis], values: Sequence[str]) -> list[float]:
    return [axis.place(value) for axis, value in zip(axes, values, strict=True)]


def _values(plan: Plan, settings: Settings) -> tuple[str, ...]:
    return tuple(settings[axis.path] for axis in plan.axes)


def _settings(plan: Plan, values: Sequence[str]) -> Settings:
    return {axis.path: value for axis, value in zip(plan.axes, values, strict=True)}


def _bolder(plan: Plan, known: Sequence[Known]) -> Settings | None:
    """The best point with one setting moved to where it may save most; None: no room.

    What misses the promise does so with bolder settings, too. A Gaussian process does not know
    that, and creeps up to an edge over which attainment falls. So: halfway to what is known to
    miss, or else to the end of the range, by the setting that a plane through all points says
    saves most.
    """
    best = best_of(plan.goal, known)
    if not plan.safer or best is None or margin(plan.goal, best.held) < 0:
        return None
    moves = np.array([_move(plan, known, best, axis) for axis in plan.axes])
    places = [[axis.place(point.settings[axis.path]) for axis in plan.axes] for point in known]
    rows = np.column_stack([np.ones(len(known)), places])
    values = [_value_of(plan.goal, point.minimised) for point in known]
    slopes = np.linalg.lstsq(rows, np.array(values), rcond=None)[0][1:]
    saved = np.where(np.abs(moves) < NEAR, -np.inf, -slopes * moves)
    most = int(np.argmax(saved))
    if saved[most] == -np.inf:
        return None
    axis = plan.axes[most]
    moved = axis.at(axis.place(best.settings[axis.path]) + float(moves[most]))
    return {each.path: best.settings[each.path] for each in plan.axes} | {axis.path: moved}


def _move(plan: Plan, known: Sequence[Known], best: Known, axis: Axis) -> float:
    """How far a setting of the best point is worth moving, as a share of its range."""
    ways = dict(zip((each.path for each in plan.axes), plan.safer, strict=True))
    here, way = axis.place(best.settings[axis.path]), ways[axis.path]
    others = [each for each in plan.axes if each is not axis]
    limits = [0.0 if way > 0 else 1.0]
    for point in known:
        at = axis.place(point.settings[axis.path])
        safer = [
            ways[each.path]
            * (each.place(point.settings[each.path]) - each.place(best.settings[each.path]))
            for each in others
        ]
        misses = margin(plan.goal, point.held) < 0
        if misses and min(safer, default=0.0) >= 0 and way * (here - at) > 0:
            limits.append(at)
    return ((max(limits) if way > 0 else min(limits)) - here) / 2


def _hopeless(goal: Goal, known: Sequence[Known], failed: Sequence[Settings]) -> Iterator[Known]:
    """What cannot be replayed, as Optuna is told of it: as bad as the worst there is."""
    worst = max(point.minimised for point in known)
    least = min(known, key=lambda point: margin(goal, point.held)).held
    broken = min(least, goal.bound - SLACK) if goal.sign > 0 else max(least, goal.bound + SLACK)
    for settings in failed:
        yield Known(settings, worst, broken)


def _asked(study: "Study", axes: Sequence[Axis]) -> "Trial":
    import torch  # noqa: PLC0415 - heavy, and only searches need it

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # a dozen points: threads would only wait for one another
    try:
        with np.errstate(invalid="ignore"):  # where one place is far the best, 0 / 0 is fine
            return study.ask({axis.path: _distribution(axis) for axis in axes})
    finally:
        torch.set_num_threads(before)


def _settled(plan: Plan, known: Sequence[Known], places: FloatArray) -> IntArray:
    """Of places (points, axes) the number of a replayed point which says that they are not best.

    -1 where there is none. Such a place is no better than the replayed point is.
    """
    settled = np.full(len(places), -1)
    if not plan.safer:
        return settled
    for number, point in enumerate(known):
        ways = np.array(plan.safer) * (places - _places(plan.axes, _values(plan, point.settings)))
        kept = margin(plan.goal, point.held)
        here = np.hypot.reduce(ways, axis=1) < NEAR
        if kept < -SLACK:
            here |= ways.max(axis=1) <= 0
        elif kept >= 0:
            here |= ways.min(axis=1) >= 0
        settled[here & (settled < 0)] = number
    return settled


def _study(plan: Plan, known: Iterable[Known], among: FloatArray, seed: int) -> "Study":
    """What Optuna is to know; made anew each time, so that the same points lead to the same.

    Args:
        plan: what is varied, and what is looked for.
        known: points to tell it of.
        among: (points, axes) what it may propose where it is known what is safer.
        seed: of what it draws.
    """
    if find_spec("torch") is None:
        raise UsageError(
            "a search needs PyTorch, which is not installed", "--method search",
            "Install it, or use --method sample",
        )  # fmt: skip
    import optuna  # noqa: PLC0415 - heavy, and only searches need it

    logging.getLogger("optuna").setLevel(logging.ERROR)
    study = optuna.create_study(sampler=_sampler(plan, among, seed))
    space = {axis.path: _distribution(axis) for axis in plan.axes}
    for point in known:
        study.add_trial(
            optuna.trial.create_trial(
                params={
                    axis.path: _parameter(axis, point.settings[axis.path]) for axis in plan.axes
                },
                distributions=space,
                value=_value_of(plan.goal, point.minimised),
                constraints={_PROMISE: -margin(plan.goal, point.held)},
            )
        )
    return study


def _sampler(plan: Plan, among: FloatArray, seed: int) -> "GPSampler":
    from optuna.samplers import GPSampler  # noqa: PLC0415 - heavy

    from engine.sweep.sampler import ListedSampler  # noqa: PLC0415 - heavy

    if plan.safer and all(map(_is_range, plan.axes)):
        return ListedSampler(among, [axis.path for axis in plan.axes], seed)
    return GPSampler(seed=seed, n_startup_trials=1)


def _value_of(goal: Goal, minimised: float) -> float:
    """Costs are compared by ratio; what is to be high was turned and stays as it is."""
    if FIGURES[goal.minimise].better == "higher":
        return minimised
    return math.log(max(minimised, 1e-12))


def _distribution(axis: Axis) -> "BaseDistribution":
    """A range lies between 0 and 1, even as the axis says; listed numbers are in their order."""
    from optuna import distributions  # noqa: PLC0415 - heavy

    if _is_range(axis):
        return distributions.FloatDistribution(0.0, 1.0)
    if as_numbers(axis.values) is None:
        return distributions.CategoricalDistribution(axis.values)
    return distributions.IntDistribution(0, len(axis.values) - 1)


def _is_range(axis: Axis) -> bool:
    """Also of many listed numbers that rise."""
    if not axis.values:
        return True
    numbers = as_numbers(axis.values) if len(axis.values) > LEVELS else None
    return numbers is not None and bool((np.diff(numbers) > 0).all())


def _parameter(axis: Axis, text: str) -> float | str:
    """A setting as Optuna has it: the reverse of `_value`."""
    if _is_range(axis):
        return min(max(axis.place(text), 0.0), 1.0)
    return text if as_numbers(axis.values) is None else _in_order(axis).index(text)


def _value(axis: Axis, parameter: float | str) -> str:
    if isinstance(parameter, str):
        return parameter
    return axis.at(parameter) if _is_range(axis) else _in_order(axis)[int(parameter)]


def _in_order(axis: Axis) -> list[str]:
    return sorted(axis.values, key=float)
