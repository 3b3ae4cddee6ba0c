"""What goes wrong for pools of the training ground, and how their prices move.

Workers crash, fail to start or turn slow for a while, in a share of the pools; in another share
the price of a worker moves about its mean, as that of spot capacity does. Letters: P pools.
"""

from typing import NamedTuple

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import FloatArray, IntArray

MOST = 3
"""Faults that a pool has at most."""
LASTING_S = (180.0, 1200.0)
"""Shortest and longest time that starts fail or workers are slow."""
_SPREAD, _HELD_S = (0.1, 0.6), (120.0, 3600.0)
"""Of a moving price's logarithm, and seconds over which it keeps its place."""


class Upsets(NamedTuple):
    """By pool and tick, (P, T) each."""

    crashed: FloatArray
    """Share of the ready workers that are gone at the start of the tick."""
    failing: FloatArray
    """Probability that a start that ends in the tick fails."""
    slow: FloatArray
    """Share of the ready workers that turn slow at the start of the tick; -1: all recover."""
    speed: FloatArray
    """Of those, over their own."""
    price: FloatArray
    """Of a slot, over what is usual."""


def upsets(
    rng: np.random.Generator, pools: int, ticks: int, tick_s: float, faults: float, prices: float
) -> Upsets:
    """Draws what happens in an episode.

    Args:
        rng: of nothing else, so that pools and demand stay what they are without. Every pool has
            streams of its own for faults and for prices, so other shares leave the rest as it is.
        pools: of the episode.
        ticks: of the episode.
        tick_s: seconds each.
        faults: share of pools with faults.
        prices: share of pools whose price moves.
    """
    crashed, failing, slow = (np.zeros((pools, ticks)) for _ in range(3))
    speed, price = np.ones((pools, ticks)), np.ones((pools, ticks))
    streams = rng.spawn(2 * pools)
    for p, (own, market) in enumerate(zip(streams[::2], streams[1::2], strict=True)):
        if own.random() < faults:
            for _ in range(int(own.integers(1, MOST + 1))):
                _fault(own, tick_s, crashed[p], failing[p], slow[p], speed[p])
        if market.random() < prices:
            price[p] = _price(market, ticks, tick_s)
    return Upsets(crashed, failing, slow, speed, price)


def spared(drawn: Upsets, rows: slice) -> Upsets:
    """The same, but nothing happens to these pools, and their prices stand still."""
    made = Upsets(*(each.copy() for each in drawn))
    for each in (made.crashed, made.failing, made.slow):
        each[rows] = 0.0
    for each in (made.speed, made.price):
        each[rows] = 1.0
    return made


def strike(state: State, drawn: Upsets, tick: int, ready: IntArray, now: float) -> None:
    """Lets happen what a tick brings; ready (P,) workers."""
    for p in np.flatnonzero(drawn.crashed[:, tick]).tolist():
        lost = int(np.ceil(drawn.crashed[p, tick] * ready[p]))
        kernel.crash_workers(state, p, lost, now)
    state.pools["start_failure"] = drawn.failing[:, tick]
    for p in np.flatnonzero(drawn.slow[:, tick]).tolist():
        if drawn.slow[p, tick] < 0.0:
            kernel.restore_speed(state, p)
        else:
            number = int(np.ceil(drawn.slow[p, tick] * ready[p]))
            kernel.set_speed(state, p, number, drawn.speed[p, tick])


def _fault(
    rng: np.random.Generator, tick_s: float, crashed: FloatArray, failing: FloatArray,
    slow: FloatArray, speed: FloatArray,
) -> None:  # fmt: skip
    """Adds one to the rows (T,) of a pool."""
    first, kind = int(rng.integers(len(crashed))), int(rng.integers(3))
    last = first + int(rng.uniform(*LASTING_S) / tick_s)
    if kind == 0:
        crashed[first] = rng.uniform(0.05, 0.7)
    elif kind == 1:
        failing[first:last] = rng.uniform(0.2, 0.8)
    else:
        slow[first], speed[first] = rng.uniform(0.1, 1.0), rng.uniform(0.3, 0.9)
        if last < len(slow):
            slow[last] = -1.0


def _price(rng: np.random.Generator, ticks: int, tick_s: float) -> FloatArray:
    """(T,) of mean 1 over many, as the exponential of an Ornstein-Uhlenbeck process.

    Nothing is divided by the mean of the path itself: that would tell what is to come.
    """
    spread, held_s = rng.uniform(*_SPREAD), np.exp(rng.uniform(*np.log(_HELD_S)))
    kept = np.exp(-tick_s / held_s)
    at, path = rng.standard_normal(), np.empty(ticks)
    steps = rng.standard_normal(ticks) * np.sqrt(1.0 - kept**2)
    for tick in range(ticks):
        at = kept * at + steps[tick]
        path[tick] = at
    made: FloatArray = np.exp(spread * path - 0.5 * spread**2)
    return made
