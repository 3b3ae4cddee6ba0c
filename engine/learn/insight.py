"""Why an answer was what it was: what counted, what was attended to, what else it would come to.

Attention is shown because it is asked for; it is no measure of what counts. That is `effect`:
how far the answer moves when a group of numbers is put back to its mean.
"""

from dataclasses import dataclass

import numpy as np

from engine.learn import actors
from engine.learn.checkpoint import SIZES_GROUPS, TOKENS, Weights
from engine.learn.rewards import SCORES
from engine.units import AnyArray, FloatArray

STEP = 0.2
"""Between the chosen position of the dial and its neighbours."""
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
    weights: Weights, inputs: AnyArray, action: FloatArray, level: FloatArray, ahead: FloatArray
) -> Insight:
    """The insight into one answer.

    Args:
        weights: of the allocator.
        inputs: (P, F + G) standardised tokens and priorities, float32.
        action: (P,) its answer.
        level: (P,) requests/s over the last minute.
        ahead: (P, Q) quantiles of log(highest rate / level).
    """
    _, attention = act(weights, inputs, attend=True)
    actions = np.clip(action[:, None] + np.array([-STEP, 0.0, STEP]), -1.0, 1.0)
    values = np.empty((*actions.shape, len(SCORES)))
    actors.value(weights.values, inputs, actions, values)
    return Insight(
        action=action.copy(),
        effect=_effects(weights, inputs, action),
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


def _effects(weights: Weights, inputs: AnyArray, action: FloatArray) -> FloatArray:
    made = np.empty((len(inputs), len(TOKENS)))
    for group, columns in enumerate(SIZES_GROUPS):
        without = inputs.copy()
        usual = 1.0 / len(SCORES) if group == len(TOKENS) - 1 else 0.0
        without[:, list(columns)] = usual
        made[:, group] = action - act(weights, without)[0]
    return made


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
