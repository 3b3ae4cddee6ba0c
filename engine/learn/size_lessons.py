"""What sustained worker sizes come to, in pairs: the same arrivals, once for each size.

The dial is that of the shipped allocator, frozen, under priorities drawn for each pool. Every size
is kept for a whole episode, so what is learned from is what was executed, rounding to whole
workers, limits and start-up times included.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.learn import checkpoint as files
from engine.learn.actors import standardise
from engine.learn.cells import BIN_S, EPISODE_S, HISTORY_S, TICKS, Episode, Mixture, episode
from engine.learn.ground import LAG, Ground
from engine.learn.insight import act
from engine.learn.rewards import SCORES, WAIT_MOST, fresh_weights, score_all
from engine.learn.sizer import LEAST_SHARE, Offer, candidates, lowest
from engine.lookahead.checkpoint import shipped as forecaster
from engine.sim import kernel
from engine.sim.parameters import Size
from engine.trace.streams import stream
from engine.units import FloatArray

SIZES = 3
"""Of each pool."""
EVERY, WINDOW = 6, 40
"""Ticks between two states, and over which what follows one is added up."""
_RATIOS = (0.25, 0.5, 2.0, 4.0)
"""Slots of another size over those of the first."""
_SLOTS_MOST = 128
_SPEED, _PRICE = 0.4, 0.25
"""Largest logarithm of a speed, and spread of that of a price of capacity."""
_SAME_SPEED, _SCARCE = 0.5, 0.3
"""Chances that sizes are equally fast, and that the smallest cannot serve all demand."""
_FIRST = 5_000_000
"""Number of the first episode: none of those that the allocator learned from."""
_STREAM = 7013
_COST = SCORES.index("cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLessons:
    """N states of pools with S sizes each."""

    rows: npt.NDArray[np.float32]
    """(N, S, WIDTH) tokens, as each sustained size found the state."""
    weights: FloatArray
    """(N, K) priorities."""
    candidates: npt.NDArray[np.float32]
    """(N, S, S, C) of each size while the one before is there."""
    scores: npt.NDArray[np.float32]
    """(N, S, K) means over the window after the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """S sizes that each of P pools can have."""

    slots: FloatArray
    """(P, S)"""
    speed: FloatArray
    """(P, S); the first is 1."""
    price: FloatArray
    """(P, S) of a worker."""
    most: FloatArray
    """(P,) workers, of whatever size."""

    @property
    def power(self) -> FloatArray:
        """(P, S) slots x speed."""
        return self.slots * self.speed


def size_lessons(seed: int, episodes: int, cells: int) -> SizeLessons:
    """Plays every size of so many pools in so many episodes."""
    parts = [_of(seed, number, cells) for number in range(episodes)]
    return SizeLessons(
        rows=np.concatenate([part.rows for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        candidates=np.concatenate([part.candidates for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )


def _of(seed: int, number: int, cells: int) -> SizeLessons:
    drawn = episode(seed, _FIRST + number, cells, Mixture(prices=0.0))
    rng = stream(seed, _STREAM, number)
    choice, weights = _choice(rng, drawn), fresh_weights(rng, cells)
    played = [_played(drawn, choice, size, weights) for size in range(SIZES)]
    rows, numbers, scores = (np.stack(part, 2) for part in zip(*played, strict=True))
    states = len(rows)
    return SizeLessons(
        rows=rows.reshape(states * cells, *rows.shape[2:]),
        weights=np.tile(weights, (states, 1)),
        candidates=numbers.reshape(states * cells, *numbers.shape[2:]),
        scores=scores.reshape(states * cells, *scores.shape[2:]),
    )


def _choice(rng: np.random.Generator, drawn: Episode) -> Choice:
    cells = len(drawn.pools)
    first = drawn.facts[:, :1]
    ratio = np.stack([rng.choice(_RATIOS, SIZES - 1, replace=False) for _ in range(cells)])
    slots = np.clip(np.round(first * ratio), 1.0, _SLOTS_MOST)
    speed = np.exp(rng.uniform(-_SPEED, _SPEED, slots.shape))
    speed[rng.random(cells) < _SAME_SPEED] = 1.0
    slots, speed = np.hstack([first, slots]), np.hstack([np.ones_like(first), speed])
    price = slots * speed * np.exp(_PRICE * rng.standard_normal(slots.shape))
    peak = drawn.counts[:, :HISTORY_S].reshape(cells, -1, 60).mean(2).max(1) * drawn.service_s
    least = (slots * speed).min(1)
    room = np.where(rng.random(cells) < _SCARCE, rng.uniform(0.4, 1.2, cells), 3.0)
    most = np.ceil(room * peak / least) + np.where(room < 3.0, 1.0, 12.0)
    return Choice(slots=slots, speed=speed, price=price, most=most)


def sized(drawn: Episode, choice: Choice, size: int) -> Episode:
    """The episode whose pools all have one of their sizes from the beginning."""
    slots, speed, power = choice.slots[:, size], choice.speed[:, size], choice.power[:, size]
    pools = tuple(
        replace(
            pool, other_sizes=tuple(map(Size, choice.slots[p, 1:].astype(int).tolist(),
                                        choice.speed[p, 1:].tolist())),
            size=size, workers_max=int(choice.most[p]),
            workers_initial=int(min(choice.most[p],
                                    np.ceil(pool.workers_initial * pool.slots / power[p]))),
        )
        for p, pool in enumerate(drawn.pools)
    )  # fmt: skip
    memory, facts = copy.deepcopy(drawn.memory), drawn.facts.copy()
    memory.served[:, 1] /= speed
    facts[:, 0] = slots
    return replace(drawn, memory=memory, facts=facts, pools=pools)


def _played(
    drawn: Episode, choice: Choice, size: int, weights: FloatArray
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """(T, P, WIDTH) rows, (T, P, S, C) candidates and (T, P, K) scores of T states."""
    own = files.shipped()
    ground = Ground(sized(drawn, choice, size), forecaster())
    told = own.told(weights)
    inputs = np.empty((len(weights), files.INPUTS), np.float32)
    held = np.full(len(weights), size)
    limits = np.column_stack([np.ones(len(weights)), choice.most])
    rows, numbers = [], []
    for _ in range(TICKS):
        standardise(ground.rows, own.shift, own.scale, told, inputs)
        action, _ = act(own, inputs)
        offer = Offer(
            slots=choice.slots, speed=choice.speed, price=choice.price, held=held,
            demand=ground.level * ground.service_s, wanted=ground.wanted(action), limits=limits,
        )  # fmt: skip
        rows.append(ground.rows.astype(np.float32))
        numbers.append(candidates(offer).astype(np.float32))
        ground.step(action)
    scores = _scores(drawn, choice, size, ground)
    sums = np.concatenate([np.zeros((1, *scores[0].shape)), np.cumsum(scores, 0)])
    first = np.arange(EVERY, len(scores) - WINDOW, EVERY)
    means = (sums[first + WINDOW] - sums[first]) / WINDOW
    found = [np.stack([part[at] for at in first]) for part in (rows, numbers)]
    return found[0], found[1], means.astype(np.float32)


def _scores(drawn: Episode, choice: Choice, size: int, ground: Ground) -> FloatArray:
    """(TICKS - LAG, P, K) as `rewards.score`, but for what sizes differ in.

    What a request takes beyond its work alone at speed 1 counts as its wait, so that slow and
    crowded workers do; cost is in money, over what demand takes where capacity is cheapest.
    """
    pools, ticks = len(drawn.pools), TICKS - LAG
    arrived, waited, missed, failed = _requests(drawn, ground)
    slot_s = np.stack([ground.slot_s(tick) for tick in range(ticks)]) / BIN_S
    inside = drawn.counts[:, HISTORY_S : HISTORY_S + EPISODE_S]
    mean = np.maximum(inside.sum(1) / TICKS, 1e-3)
    work = np.maximum(mean / BIN_S * drawn.service_s, LEAST_SHARE * choice.power.min(1))
    flat = np.stack(
        [
            arrived, waited, missed, failed, slot_s[..., 0], slot_s[..., 1],
            np.broadcast_to(work, (ticks, pools)), np.broadcast_to(mean, (ticks, pools)),
            drawn.dirt[:, :ticks].T, np.ones((ticks, pools)),
        ], 2,
    ).reshape(ticks * pools, -1)  # fmt: skip
    made = np.empty((len(flat), len(SCORES)))
    score_all(flat, made)
    scores = made.reshape(ticks, pools, -1)
    usd = slot_s[..., 1] * choice.price[:, size] / choice.slots[:, size]
    scores[..., _COST] = 1.5 - 0.5 * usd / (work * lowest(choice.price, choice.power)[:, 0])
    return np.asarray(scores)


def _requests(drawn: Episode, ground: Ground) -> tuple[FloatArray, ...]:
    """(TICKS - LAG, P) arrived, waits, missed and failed of each tick's arrivals."""
    asked, ended = drawn.requests.requests, ground.outcomes
    status = ended["status"]
    lost = (status == kernel.QUEUE_TIMEOUT) | (
        (status >= kernel.REJECTED) & (status != kernel.OUT_OF_TIME)
    )
    service = drawn.service_s[asked["pool"]]
    beyond = (ended["end_s"] - asked["arrival_s"] - asked["work_s"]) / service
    beyond = np.where(lost | np.isnan(ended["start_s"]), WAIT_MOST, np.minimum(beyond, WAIT_MOST))
    pools, ticks = len(drawn.pools), TICKS - LAG
    key = (asked["arrival_s"] // BIN_S).astype(np.int64) * pools + asked["pool"]

    def summed(values: Any) -> FloatArray:
        made = np.bincount(key, values, TICKS * pools).reshape(TICKS, pools)
        return np.asarray(made[:ticks], np.float64)

    return summed(np.ones(len(key))), summed(beyond), summed(beyond > 0.5), summed(lost * 1.0)
