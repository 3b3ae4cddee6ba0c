"""Divides the workers of an agent type over its pools in several zones. Pure functions."""

from dataclasses import dataclass

import numpy as np

from engine.units import FloatArray, IntArray

__all__ = ["Site", "place_best", "place_evenly", "resited"]


@dataclass(frozen=True, slots=True)
class Site:
    """The pools of an agent type. (n,) each."""

    wanted: IntArray
    """Workers asked for by the policy, as the guard leaves them."""
    ready: IntArray
    low: IntArray
    """At least so many must stay in each."""
    high: IntArray
    """No more fit."""


def place_evenly(total: int, low: IntArray, high: IntArray) -> IntArray:
    """(n,) workers, as equal as the limits allow; what fits nowhere is left out."""
    places = low.copy()
    for _ in range(total - int(low.sum())):
        open_ones = np.flatnonzero(places < high)
        if not len(open_ones):
            break
        places[open_ones[np.argmin(places[open_ones])]] += 1
    return places


def place_best(total: int, low: IntArray, high: IntArray, score: FloatArray) -> IntArray:
    """(n,) workers, the lowest score filled first; equal scores in the order of the pools."""
    places = low.copy()
    left = total - int(low.sum())
    for place in np.argsort(score, kind="stable"):
        more = int(np.clip(high[place] - places[place], 0, max(left, 0)))
        places[place] += more
        left -= more
    return places


def resited(site: Site, places: IntArray) -> IntArray:
    """(n,) workers to ask for on the way to `places`.

    What is to come is asked for at once; what is to go stays until as many of those that came
    beyond the policy's own wish are ready.
    """
    more = np.maximum(places - site.wanted, 0)
    there = np.clip(site.ready - site.wanted, 0, more).sum()
    asked = np.maximum(places, site.wanted)
    for place in np.argsort(places - site.wanted, kind="stable"):  # most to go first
        going = min(int(max(site.wanted[place] - places[place], 0)), int(there))
        asked[place] -= going
        there -= going
    return asked
