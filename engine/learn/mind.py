"""One decision of the allocator, compiled in one piece: tokens, forecast, actor and dial."""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.learn import dial, tokens
from engine.learn.actors import act_mlp, act_transformer, standardise
from engine.learn.checkpoint import Weights
from engine.lookahead.features import Memory, Network
from engine.policies.base import PolicyContext
from engine.units import AnyArray, FloatArray, IntArray

USUAL_G_PER_KWH = 400.0
"""Carbon intensity that counts as usual where none is seen."""
DAY_S = 86_400.0
NO_ATTENTION = np.empty((0, 0, 0, 0, 0), np.float32)


class Mind(NamedTuple):
    """What is known of P pools between two decisions, and room for one."""

    memory: Memory
    network: Network
    """The forecaster's."""
    facts: FloatArray
    """(P, K) as `tokens.FACTS`; the usual carbon intensity and price follow what is seen."""
    seen: FloatArray
    """(P, S) as `tokens.SEEN`"""
    cluster: IntArray
    before: FloatArray
    """(P, 3) as `tokens.observe` says."""
    rows: FloatArray
    """(P, WIDTH) tokens."""
    inputs: AnyArray
    """(P, F + G) what the actor reads, float32."""
    level: FloatArray
    """(P,) requests/s over the last minute."""
    service_s: FloatArray
    ahead: FloatArray
    """(P, Q)"""
    action: FloatArray
    """(P,) positions of the dial."""
    wanted: FloatArray
    """(P,) workers, fractions included."""
    weights: FloatArray
    """(P, G) priorities."""
    told: FloatArray
    """(P, G) as the actor reads them."""
    shift: AnyArray
    scale: AnyArray
    times: FloatArray
    """(2,) seconds between decisions, decisions so far."""
    offset: float
    """Added to the actor's position of the dial."""


def new_mind(
    context: PolicyContext, memory: Memory, network: Network, weights: FloatArray,
    own: Weights, interval_s: float, offset: float = 0.0,
) -> Mind:  # fmt: skip
    """Nothing seen yet.

    Args:
        context: the pools.
        memory: of arrivals.
        network: the forecaster's.
        weights: (G,) priorities.
        own: the allocator.
        interval_s: seconds between two decisions.
        offset: added to the actor's position of the dial.
    """
    pools = len(context.pools)
    threshold = context.carbon_threshold_g_per_kwh or np.inf
    prices = [pool.price_usd_per_hour for pool in context.pools]
    seen = np.zeros((pools, len(tokens.SEEN)))
    seen[:, tokens.PRICE] = prices
    return Mind(
        memory=memory, network=network,
        facts=np.array(
            [
                (p.slots, p.startup_mean_s, 60.0, USUAL_G_PER_KWH, threshold, price / p.slots)
                for p, price in zip(context.pools, prices, strict=True)
            ]
        ),
        seen=seen, cluster=np.zeros(pools, np.int64),
        before=np.zeros((pools, 3)), rows=np.empty((pools, tokens.WIDTH)),
        inputs=np.empty((pools, tokens.WIDTH + len(weights)), np.float32),
        level=np.empty(pools), service_s=np.empty(pools), ahead=np.empty((pools, 4)),
        action=np.zeros(pools), wanted=np.empty(pools), weights=np.tile(weights, (pools, 1)),
        told=np.tile(own.told(weights), (pools, 1)), shift=own.shift, scale=own.scale,
        times=np.array([interval_s, 0.0]), offset=float(offset),
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _look(mind):
    """Tokens and the actor's inputs from `mind.seen`; usual is the mean grid of a day at most."""
    interval_s = mind.times[0]
    mind.times[1] += 1.0
    share = max(1.0 / mind.times[1], interval_s / DAY_S)
    for p in range(len(mind.seen)):
        if np.isnan(mind.seen[p, 5]):
            mind.seen[p, 5] = 0.0
        mind.facts[p, 3] += share * (mind.seen[p, 10] - mind.facts[p, 3])
        mind.facts[p, 5] += share * (mind.seen[p, 11] / mind.facts[p, 0] - mind.facts[p, 5])
    tokens.observe(
        mind.memory, mind.network, interval_s, mind.facts, mind.seen, mind.cluster, mind.before,
        mind.rows, mind.level, mind.service_s, mind.ahead,
    )  # fmt: skip
    standardise(mind.rows, mind.shift, mind.scale, mind.told, mind.inputs)


def over_usual(mind: Mind) -> FloatArray:
    """(P,) price of a slot over what is usual, as last seen; 1 where workers cost nothing."""
    usual = mind.facts[:, 0] * mind.facts[:, tokens.USUAL_PRICE]
    return np.asarray(np.maximum(mind.seen[:, tokens.PRICE], 1e-9) / np.maximum(usual, 1e-9))


@njit(nogil=True, cache=True)
def moved(action, offset):
    """Moves positions of the dial (P,) by so much, as far as it goes."""
    for p in range(len(action)):
        action[p] = min(max(action[p] + offset, -1.0), 1.0)


@njit(nogil=True, cache=True)
def settle(mind):
    """Fills `mind.wanted` from `mind.action`, which counts as the last one from now on."""
    mind.before[:, 2] = mind.action
    dial.targets(
        mind.action, mind.level, mind.service_s, mind.ahead, mind.facts[:, 0], mind.seen[:, 3],
        mind.wanted,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def decide_mlp(mind, actor):
    """Fills `mind.action` and `mind.wanted` from `mind.seen`."""
    _look(mind)
    act_mlp(actor, mind.inputs, mind.action)
    moved(mind.action, mind.offset)
    settle(mind)


@njit(nogil=True, cache=True)
def decide_transformer(mind, actor, heads, attention):
    """The same with a transformer of so many heads."""
    _look(mind)
    act_transformer(actor, heads, mind.inputs, mind.action, attention)
    moved(mind.action, mind.offset)
    settle(mind)
