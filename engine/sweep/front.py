"""Trade-offs between figures: the Pareto front, its knee, and the volume it covers. Pure.

Every figure here is turned so that less is better; see `turned`.
"""

from bisect import bisect_left

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
    """Volume that a front dominates up to a reference point; exact.

    Adds the slices along the last figure; what a point adds to a slice is its own box without
    what others cover of it (While et al., A fast way of calculating exact hypervolumes, IEEE
    Transactions on Evolutionary Computation 16(1), 2012).

    Args:
        values: (N, K), less is better.
        reference: (K,), worse than every point that is to count.
    """
    inside = values[(values < reference).all(axis=1)]
    figures = values.shape[1]
    if figures <= 3:
        missing = 3 - figures
        return _swept(
            np.pad(inside, ((0, 0), (0, missing))),
            np.pad(reference, (0, missing), constant_values=1),
        )
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    heights = np.diff(inside[:, -1], append=reference[-1])
    front, slice_, volume = np.empty((0, figures - 1)), 0.0, 0.0
    for row, height in zip(inside[:, :-1], heights, strict=True):
        if not (front <= row).all(axis=1).any():
            box = float(np.prod(reference[:-1] - row))
            slice_ += box - hypervolume(np.maximum(front, row), reference[:-1])
            front = np.vstack([front[~(front >= row).all(axis=1)], row])
        volume += float(height) * slice_
    return volume


def _swept(values: FloatArray, reference: FloatArray) -> float:
    """The volume of three figures: a plane sweeps along the last and keeps its front as stairs."""
    end_x, end_y, end_z = reference.tolist()
    xs, ys = [-np.inf, end_x], [end_y, -np.inf]
    area = volume = at = 0.0
    for x, y, z in values[np.argsort(values[:, 2], kind="stable")].tolist():
        volume += area * (z - at)
        at = z
        first = bisect_left(xs, x)
        if ys[first - 1] <= y or (xs[first] == x and ys[first] <= y):
            continue
        last, left = first, x
        while ys[last - 1] > y:
            area += (xs[last] - left) * (ys[last - 1] - y)
            left = xs[last]
            last += 1
        xs[first : last - 1], ys[first : last - 1] = [x], [y]
    return float(volume + area * (end_z - at))


def covered_frac(values: FloatArray) -> float | None:
    """Hypervolume of points in the unit cube that they span, of figures that vary.

    The reference is the worst of each figure, so 1 would be a point that is best in everything.
    None where fewer than two figures vary: there is no trade-off.
    """
    known = values[~np.isnan(values).any(axis=1)]
    if len(known) < 2:
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    varies = high > low
    if varies.sum() < 2:
        return None
    scaled = (known - low)[:, varies] / (high - low)[varies]
    return hypervolume(scaled[on_front(scaled)], np.ones(int(varies.sum())))
