"""Divides the workers of an agent type over its pools in several zones. Pure functions."""

import numpy as np

from engine.units import FloatArray, IntArray

__all__ = ["on_the_way", "place_best", "place_evenly"]


def place_evenly(total: int, low: IntArray, high: IntArray) -> IntArray:
    """(n,) workers, as equal as the limits allow; what fits nowhere is left out."""
    places = low.copy()
    for _ in range(total - int(low.sum())):
        open_ones = np.flatnonzero(places < high)
        if not len(open_ones):
            break
        places[open_ones[np.argmin(places[open_ones])]] += 1
    return places


def place_best(
    total: int,
    low: IntArray,
    high: IntArray,
    score: FloatArray,
    paid: IntArray | None = None,
    score_paid: FloatArray | None = None,
) -> IntArray:
    """(n,) workers, the lowest score filled first; equal scores in the order of the pools.

    Args:
        total: workers wanted.
        low: (n,) at least.
        high: (n,) at most.
        score: (n,) of a worker in each place.
        paid: (n,) workers for which machines are paid for anyway; None: none.
        score_paid: (n,) of those.
    """
    steps = [(float(score[n]), n, int(high[n])) for n in range(len(low))]
    if paid is not None and score_paid is not None:
        steps += [
            (float(score_paid[n]), n, min(int(paid[n]), int(high[n])))
            for n in np.flatnonzero(paid).tolist()
        ]
    places = low.copy()
    left = total - int(low.sum())
    for _, place, upto in sorted(steps):
        more = int(np.clip(upto - places[place], 0, max(left, 0)))
        places[place] += more
        left -= more
    return places


def on_the_way(
    total: int, places: IntArray, current: IntArray, ready: IntArray, score: FloatArray
) -> IntArray:
    """(n,) workers to ask for on the way to `places`.

    What is to come is asked for at once; what is to go stays as long as the workers that are
    ready where they are to be are fewer than the total, the best places longest.

    Args:
        total: workers wanted in all places together.
        places: (n,) where they are to be in the end.
        current: (n,) asked for so far.
        ready: (n,)
        score: (n,) of the places; lower is better.
    """
    asked = places.copy()
    lacking = max(0, total - int(np.minimum(ready, places).sum()))
    for place in np.argsort(score, kind="stable"):
        stay = min(int(max(current[place] - places[place], 0)), lacking)
        asked[place] += stay
        lacking -= stay
    return asked
