"""Bayesian search for the cheapest setting that keeps a promise.

Two Gaussian processes, one for what is to be least and one for the margin by which the promise
is kept; the next point has the largest expected improvement times the probability that it keeps
the promise (Gardner et al., Bayesian Optimization with Inequality Constraints, ICML 2014).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, qmc

from engine.figures import FIGURES
from engine.sweep.axes import Axis, Settings
from engine.sweep.plan import Goal, sampled
from engine.sweep.surrogate import Surrogate, fit
from engine.units import FloatArray

CANDIDATES = 1024
NEAR = 256
"""Candidates around the best point so far."""
LEAST = 1e-5
"""Shares missed below one request in 100,000 count as this."""


@dataclass(frozen=True, slots=True)
class Known:
    """A point whose replay is done."""

    settings: Settings
    minimised: float
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


def first(axes: tuple[Axis, ...], number: int, seed: int) -> list[Settings]:
    """Points to begin with: a space-filling sample."""
    return list(sampled(axes, number, seed))


def following(
    axes: tuple[Axis, ...], goal: Goal, known: Sequence[Known], number: int, seed: int
) -> list[Settings]:
    """The next points to replay together; fewer where the axes hold no others.

    The second and later ones suppose that the first come out as expected.

    Args:
        axes: what is varied.
        goal: what is looked for.
        known: points already replayed, at least two.
        number: of points.
        seed: of the candidates, together with how many points are known.
    """
    chosen: list[Settings] = []
    supposed: list[Known | _Supposed] = list(known)
    for extra in range(number):
        taken = {tuple(point.settings.items()) for point in supposed}
        options = [
            option
            for option in _candidates(axes, best_of(goal, known), [seed, len(known), extra])
            if tuple(option.items()) not in taken
        ]
        if not options:
            break
        places = np.array([_place(axes, option) for option in options])
        objective, promise = _fitted(axes, goal, supposed)
        worth = _worth(objective, promise, goal, supposed, places)
        at = int(np.argmax(worth))
        chosen.append(options[at])
        expected = _expected(objective, promise, places[at : at + 1])
        supposed.append(_Supposed(options[at], *expected))
    return chosen


@dataclass(frozen=True, slots=True)
class _Supposed:
    """A point that is being replayed, as the processes expect it."""

    settings: Settings
    log_minimised: float
    margin: float


def _logs(goal: Goal, points: Sequence[Known | _Supposed]) -> tuple[FloatArray, FloatArray]:
    """Logarithm of what is minimised, and the margin."""
    both = [
        (point.log_minimised, point.margin)
        if isinstance(point, _Supposed)
        else (math.log(max(point.minimised, 1e-12)), margin(goal, point.held))
        for point in points
    ]
    objective, promise = np.array(both).T
    return objective, promise


def _fitted(
    axes: tuple[Axis, ...], goal: Goal, points: Sequence[Known | _Supposed]
) -> tuple[Surrogate, Surrogate]:
    places = np.array([_place(axes, point.settings) for point in points])
    objective, promise = _logs(goal, points)
    return fit(places, objective), fit(places, promise)


def _expected(objective: Surrogate, promise: Surrogate, place: FloatArray) -> tuple[float, float]:
    return float(objective.predict(place)[0][0]), float(promise.predict(place)[0][0])


def _worth(
    objective: Surrogate, promise: Surrogate, goal: Goal,
    points: Sequence[Known | _Supposed], places: FloatArray,
) -> FloatArray:  # fmt: skip
    """Logarithm of the expected constrained improvement at each place."""
    mean, deviation = promise.predict(places)
    log_kept = norm.logcdf(mean / deviation)
    values, margins = _logs(goal, points)
    if not (margins >= 0).any():
        return np.asarray(log_kept, np.float64)
    best = float(values[margins >= 0].min())
    mean, deviation = objective.predict(places)
    z = (best - mean) / deviation
    improvement = deviation * (z * norm.cdf(z) + norm.pdf(z))
    return np.asarray(np.log(np.maximum(improvement, 1e-300)) + log_kept, np.float64)


def _candidates(
    axes: tuple[Axis, ...], best: Known | None, seed: Sequence[int]
) -> list[dict[str, str]]:
    """Places spread over the cube, and some around the best point; each setting once."""
    rng = np.random.default_rng(list(seed))
    shares = qmc.Sobol(len(axes), rng=rng).random(CANDIDATES)
    if best is not None:
        around = np.array(_place(axes, best.settings)) + rng.normal(0, 0.06, (NEAR, len(axes)))
        shares = np.concatenate([shares, np.clip(around, 0.0, 1.0)])
    rows = dict.fromkeys(
        tuple(axis.at(float(share)) for axis, share in zip(axes, row, strict=True))
        for row in shares
    )
    return [{axis.path: v for axis, v in zip(axes, row, strict=True)} for row in rows]


def _place(axes: tuple[Axis, ...], settings: Settings) -> list[float]:
    return [axis.place(settings[axis.path]) for axis in axes]
