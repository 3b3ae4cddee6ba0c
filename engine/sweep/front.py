"""Trade-offs between figures: the Pareto front, its knee, and the volume it covers. Pure.

Every figure here is turned so that less is better; see `turned`.
"""

import numpy as np

from engine.units import BoolArray, FloatArray


def turned(values: FloatArray, better: str) -> FloatArray:
    """Figures of which less is better: those of which more is better change sign."""
    return -values if better == "higher" else values


def on_front(values: FloatArray) -> BoolArray:
    """Which points no other point beats: nowhere worse and somewhere better.

    Args:
        values: (N, K), less is better; points with NaN are never on the front.

    Returns:
        (N,). Of equal points all are on it.
    """
    known: BoolArray = np.asarray(~np.isnan(values).any(axis=1), bool)
    front = np.array(known, bool)
    for number in np.flatnonzero(known):
        others = values[known]
        beaten = (others <= values[number]).all(axis=1) & (others < values[number]).any(axis=1)
        front[number] = not beaten.any()
    return front


def knee(values: FloatArray) -> int | None:
    """The point of a front in a plane that lies farthest below the chord between its ends.

    Distance in the unit square that the front spans: d = 1 − x − y, largest at the knee.

    Args:
        values: (N, 2) on the front, less is better.

    Returns:
        Index; None for fewer than three different points, or a front that bends nowhere.
    """
    low, high = values.min(axis=0), values.max(axis=0)
    if len(np.unique(values, axis=0)) < 3 or (high <= low).any():
        return None
    x, y = ((values - low) / (high - low)).T
    distance = 1.0 - x - y
    best = int(np.argmax(distance))
    return best if distance[best] > 1e-9 else None


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Volume that a front dominates up to a reference point.

    Slices along the last figure and adds the volumes of the slices, which is exact.

    Args:
        values: (N, K), less is better.
        reference: (K,), worse than every point that is to count.
    """
    inside = values[(values < reference).all(axis=1)]
    if len(inside) == 0:
        return 0.0
    if values.shape[1] == 1:
        return float(reference[0] - inside.min())
    order = np.argsort(inside[:, -1], kind="stable")
    inside = inside[order]
    heights = np.r_[inside[1:, -1], reference[-1]] - inside[:, -1]
    return float(
        sum(
            height * hypervolume(inside[: number + 1, :-1], reference[:-1])
            for number, height in enumerate(heights)
            if height > 0
        )
    )


def covered_frac(values: FloatArray) -> float | None:
    """Hypervolume of points in the unit cube that they span; None where a figure does not vary.

    The reference is the worst of each figure, so 1 would be a point that is best in everything.
    """
    known = values[~np.isnan(values).any(axis=1)]
    if len(known) < 2:
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    if (high <= low).any():
        return None
    scaled = (known - low) / (high - low)
    return hypervolume(scaled[on_front(scaled)], np.ones(values.shape[1]))
