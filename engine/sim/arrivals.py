"""The requests that arrive at the simulator, and which of them wait for which."""

from typing import NamedTuple

import numpy as np

from engine.sim import kernel
from engine.units import AnyArray, FloatArray, Int32Array


class Arrivals(NamedTuple):
    """What arrives; shared by all replays of one trace and scenario."""

    requests: AnyArray
    """(n,) kernel.REQUEST"""
    roots: Int32Array
    """(<= n,) the requests that arrive by themselves, in order of arrival"""
    traits: AnyArray
    """(n,) kernel.TRAIT, or (1,) where they do not matter"""


def make_requests(
    arrival_s: FloatArray,
    work_s: FloatArray,
    *,
    pool: Int32Array | None = None,
    after: Int32Array | None = None,
    think_s: FloatArray | None = None,
    traits: AnyArray | None = None,
) -> Arrivals:
    """The kernel's input.

    Args:
        arrival_s: (n,) seconds, non-decreasing among requests that arrive by themselves.
        work_s: (n,) seconds of service alone on a worker.
        pool: (n,) pool numbers; None: all in pool 0.
        after: (n,) the request to wait for or -1; None: none waits.
        think_s: (n,) seconds between the end of `after` and the arrival; None: 0.
        traits: (n,) kernel.TRAIT; None: no tenants, no memory, nothing cached.
    """
    n = len(arrival_s)
    requests = np.zeros(n, kernel.REQUEST)
    requests["arrival_s"] = arrival_s
    requests["work_s"] = work_s
    requests["pool"] = 0 if pool is None else pool
    requests["first_child"] = requests["next_sibling"] = kernel.NONE
    traits = _no_traits() if traits is None else traits
    if after is None or not np.any(after >= 0):
        return Arrivals(requests, np.arange(n, dtype=np.int32), traits)
    requests["think_s"] = 0.0 if think_s is None else think_s
    requests["first_child"], requests["next_sibling"] = _family(after)
    return Arrivals(requests, np.flatnonzero(after < 0).astype(np.int32), traits)


def _no_traits() -> AnyArray:
    traits = np.zeros(1, kernel.TRAIT)
    traits["chain"] = traits["group"] = kernel.NONE
    return traits


def _family(after: Int32Array) -> tuple[Int32Array, Int32Array]:
    """First child and next sibling of each request, children in order. (n,) each, -1: none."""
    n = len(after)
    first_child = np.full(n, kernel.NONE, np.int32)
    next_sibling = np.full(n, kernel.NONE, np.int32)
    children = np.flatnonzero(after >= 0)
    order = children[np.lexsort((children, after[children]))]
    parents = after[order]
    starts = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]])
    first_child[parents[starts]] = order[starts]
    same = np.flatnonzero(parents[1:] == parents[:-1])
    next_sibling[order[same]] = order[same + 1]
    return first_child, next_sibling
