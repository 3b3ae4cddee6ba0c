"""Several models as one: quantiles are averaged with weights that earlier outcomes gave."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from engine.forecast.scores import LEVELS, pinball
from engine.units import BoolArray, FloatArray, IntArray

RATES = (0.1, 0.3, 1.0, 3.0)
"""Learning rates that are tried."""
MEMORY = 0.995
"""A loss counts this much less with every later origin, so that weights follow drift."""


def ensemble_weights(came: FloatArray, members: FloatArray) -> FloatArray:
    """Weights ≥ 0, sum 1, with the least mean pinball loss: a linear programme, solved exactly.

    Args:
        came: (B,) outcomes of the validation part.
        members: (M, B, 3) quantiles of each model, at `LEVELS`.

    Returns:
        (M,); equal weights where nothing is known.
    """
    known = np.isfinite(came)
    size, count = int(known.sum()), len(members)
    if not size:
        return np.full(count, 1.0 / count)
    target = np.repeat(came[known], len(LEVELS))
    design = members[:, known].reshape(count, -1)  # (M, B·Q)
    tau = np.tile(LEVELS, size)
    unit = max(float(np.abs(target).mean()), 1e-9)
    rows = len(target)
    # y - Σ w·q = over - under, over and under ≥ 0; minimise τ·over + (1 − τ)·under
    cost = np.concatenate([np.zeros(count), tau, 1 - tau])
    equal = np.concatenate(
        [np.hstack([design.T / unit, np.eye(rows), -np.eye(rows)]),
         np.concatenate([np.ones(count), np.zeros(2 * rows)])[None]]
    )  # fmt: skip
    solved = linprog(cost, A_eq=equal, b_eq=np.append(target / unit, 1.0), method="highs")
    weights = np.maximum(solved.x[:count], 0.0) if solved.status == 0 else np.ones(count)
    made: FloatArray = weights / weights.sum()
    return made


def online_weights(
    losses: FloatArray, starts: IntArray, ends: IntArray, rate: float
) -> FloatArray:
    """(B, M) weights by origin, from losses that were known at its cut-off.

    Exponential weights: the loss of the mixture stays close to that of the best model in
    hindsight (Cesa-Bianchi and Lugosi 2006, theorem 2.2).

    Args:
        losses: (M, B), of a common unit; NaN where the outcome is unknown.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when each outcome is known.
        rate: how fast weights follow.
    """
    count, size = losses.shape
    total = np.zeros(count)
    made = np.empty((size, count))
    learnt = 0
    for number in range(size):
        while learnt < number and ends[learnt] <= starts[number]:
            if np.isfinite(losses[:, learnt]).all():
                total = MEMORY * total + losses[:, learnt]
            learnt += 1
        weight = np.exp(-rate * (total - total.min()))
        made[number] = weight / weight.sum()
    return made


def chosen(
    came: FloatArray, members: FloatArray, starts: IntArray, ends: IntArray, valid: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """The mixture as it would have been given online, and its weights.

    Half of each weight follows the outcomes as they come, half is what was best over the
    validation part: the first is never far behind the best model, the second finds mixtures
    that are better than any.

    Args:
        came: (B,) outcomes, NaN where unknown.
        members: (M, B, 3) quantiles at `LEVELS`.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when outcomes are known.
        valid: (B,) which origins may choose the learning rate: those of the validation part.

    Returns:
        (B, 3) quantiles and (B, M) weights.
    """
    losses = np.stack([pinball(came, member, LEVELS).mean(-1) for member in members])
    known = np.isfinite(losses[0]) & valid
    unit = float(losses[:, known].mean(1).min()) if known.any() else 1.0
    found = []
    for order, rate in enumerate(RATES):
        weights = online_weights(losses / max(unit, 1e-12), starts, ends, rate)
        mixed = np.einsum("bm,mbq->bq", weights, members)
        loss = pinball(came, mixed, LEVELS).mean(-1)[known]
        found.append((float(loss.mean()) if known.any() else 0.0, order, weights))
    _, _, online = min(found, key=lambda entry: entry[:2])
    fixed = ensemble_weights(came[valid], members[:, valid])
    weights = (online + fixed) / 2
    return np.einsum("bm,mbq->bq", weights, members), weights


def names_by_weight(names: Sequence[str], weights: FloatArray) -> dict[str, float]:
    """Models by weight, the heaviest first; those below a hundredth are left out."""
    order = np.argsort(-weights)
    return {names[i]: float(weights[i]) for i in order if weights[i] >= 0.01}
