"""Why an answer was what it was: what counted, what was attended to, what else it would come to.

Attention is shown because it is asked for; it is no measure of what counts. That is `effect`:
how far the answer moves when a group of numbers is put back to its mean.
"""

from dataclasses import dataclass

import numpy as np

from engine.learn import actors, dial
from engine.learn.checkpoint import SIZES_GROUPS, TOKENS, Weights
from engine.learn.mind import Mind, moved
from engine.learn.rewards import SCORES
from engine.policies.base import Explanation
from engine.units import AnyArray, FloatArray

STEP = 0.2
"""Between the chosen position of the dial and its neighbours."""
NEIGHBOURS = (-2, -1, 0, 1, 2)
"""Sizes whose values are told, as differences to the chosen one."""
PLACES = 41
"""Positions of the dial between which the one of a size is looked up."""
LEVELS = (0.5, 0.8, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """P pools, T groups of numbers, A positions of the dial: below, chosen, above."""

    groups: tuple[str, ...] = TOKENS
    """(T,)"""
    scores: tuple[str, ...] = SCORES
    """(G,)"""
    levels: tuple[float, ...] = LEVELS
    """(Q,) of the forecast."""
    action: FloatArray
    """(P,) the chosen position, -1 to 1."""
    effect: FloatArray
    """(P, T) action minus what it would be with the group at its mean of the training; for the
    priorities: with all weights alike."""
    attention: FloatArray | None
    """(P, L, H, T + 1) of the deciding token to itself and each group, sums to 1; None: the
    network is an MLP and has none."""
    rollout: FloatArray | None
    """(P, T) attention through all layers to each group's numbers, sums to 1."""
    actions: FloatArray
    """(P, A)"""
    values: FloatArray
    """(P, A, G) discounted sums of each score that the dial's positions would come to, told
    without the future: a network that learned what the critics of the training say on average."""
    expected_per_s: FloatArray
    """(P, Q) quantiles of the highest rate over 30 s until ordered workers would be ready."""


def insight_of(
    weights: Weights, inputs: AnyArray, action: FloatArray, level: FloatArray, ahead: FloatArray,
    offset: float = 0.0,
) -> Insight:  # fmt: skip
    """The insight into one answer.

    Args:
        weights: of the allocator.
        inputs: (P, F + G) standardised tokens and priorities, float32.
        action: (P,) its answer.
        level: (P,) requests/s over the last minute.
        ahead: (P, Q) quantiles of log(highest rate / level).
        offset: that was added to what the network answered.
    """
    _, attention = act(weights, inputs, attend=True)
    actions = np.clip(action[:, None] + np.array([-STEP, 0.0, STEP]), -1.0, 1.0)
    values = np.empty((*actions.shape, len(SCORES)))
    actors.value(weights.values, inputs, actions, values)
    return Insight(
        action=action.copy(),
        effect=_effects(weights, inputs, offset),
        attention=None if attention is None else attention[:, :, :, 0].astype(np.float64),
        rollout=None if attention is None else _rollout(attention),
        actions=actions,
        values=values,
        expected_per_s=level[:, None] * np.exp(ahead),
    )


def act(
    weights: Weights, inputs: AnyArray, *, attend: bool = False
) -> tuple[FloatArray, AnyArray | None]:
    """(P,) answers, and attention (P, L, H, T + 1, T + 1) where asked for and there is any."""
    answer = np.empty(len(inputs))
    if isinstance(weights.actor, actors.Mlp):
        actors.act_mlp(weights.actor, inputs, answer)
        return answer, None
    layers, tokens = len(weights.actor.qkv), len(weights.actor.place)
    kept = len(inputs) if attend else 0
    attention = np.empty((kept, layers, weights.heads, tokens, tokens), np.float32)
    actors.act_transformer(weights.actor, weights.heads, inputs, answer, attention)
    return answer, attention if attend else None


def _effects(weights: Weights, inputs: AnyArray, offset: float) -> FloatArray:
    action = _answer(weights, inputs, offset)
    made = np.empty((len(inputs), len(TOKENS)))
    alike = weights.told(np.full(len(SCORES), 1.0 / len(SCORES)))
    for group, columns in enumerate(SIZES_GROUPS):
        without = inputs.copy()
        without[:, list(columns)] = alike if group == len(TOKENS) - 1 else 0.0
        made[:, group] = action - _answer(weights, without, offset)
    return made


def _answer(weights: Weights, inputs: AnyArray, offset: float) -> FloatArray:
    answer, _ = act(weights, inputs)
    moved(answer, offset)
    return answer


def _rollout(attention: AnyArray) -> FloatArray:
    """(P, T): attention of all heads, half of each layer passed on, multiplied layer by layer.

    Abnar and Zuidema 2020, arXiv:2005.00928; only the deciding token of the last layer counts.
    """
    heads = attention.astype(np.float64).mean(2)  # (P, L, T + 1, T + 1)
    tokens = heads.shape[-1]
    passed = 0.5 * heads + 0.5 * np.eye(tokens)
    flow = passed[:, -1, :1]
    for layer in range(heads.shape[1] - 2, -1, -1):
        flow = flow @ passed[:, layer]
    made: FloatArray = flow[:, 0, 1:] / flow[:, 0, 1:].sum(1, keepdims=True)
    return made


def explanation(weights: Weights, mind: Mind) -> Explanation:
    """What every policy's explanation holds, of the answer that a mind has just given.

    A group's attribution is in workers: the wanted size less the one with the group hidden. The
    values are of whole workers around the chosen size; NaN where the dial does not reach.
    """
    inputs = mind.inputs
    found = insight_of(weights, inputs, mind.action, mind.level, mind.ahead, mind.offset)
    hidden = np.stack([_wanted(mind, mind.action - moved) for moved in found.effect.T], axis=1)
    actions = np.stack([_dial_of(mind, p) for p in range(len(mind.action))])
    values = np.empty((*actions.shape, len(SCORES)))
    actors.value(weights.values, inputs, np.nan_to_num(actions), values)
    values[np.isnan(actions)] = np.nan
    return Explanation(
        groups=tuple(TOKENS),
        attribution=mind.wanted[:, None] - hidden,
        attention=found.rollout,
        heads=None if found.attention is None else _shares(found.attention[..., 1:]),
        scores=tuple(SCORES),
        neighbours=NEIGHBOURS,
        values=values,
    )


def _shares(attention: FloatArray) -> FloatArray:
    """Scaled to sum to 1 over the last axis; evenly where a head looks at none of them."""
    sums = attention.sum(-1, keepdims=True)
    made: FloatArray = np.where(sums > 0.0, attention / np.maximum(sums, 1e-30), 1.0 / len(TOKENS))
    return made


def _wanted(mind: Mind, action: FloatArray) -> FloatArray:
    """(P,) workers, fractions included, at these positions of the dial."""
    made = np.empty(len(action))
    dial.targets(
        action, mind.level, mind.service_s, mind.ahead, mind.facts[:, 0], mind.seen[:, 3], made
    )
    return made


def _dial_of(mind: Mind, pool: int) -> FloatArray:
    """(A,) positions that order so many workers more than the chosen one; NaN: none does."""
    places = np.linspace(-1.0, 1.0, PLACES)
    sizes = np.array([_wanted(mind, np.full(len(mind.action), at))[pool] for at in places])
    chosen = np.ceil(mind.wanted[pool] - 1e-9)
    middle = chosen + np.array(NEIGHBOURS) - 0.5
    made: FloatArray = np.interp(middle, sizes, places, left=np.nan, right=np.nan)
    made[NEIGHBOURS.index(0)] = mind.action[pool]
    return made
