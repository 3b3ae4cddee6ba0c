"""Several models as one: quantiles are averaged with weights that earlier outcomes gave."""

from collections.abc import Sequence

import numpy as np
import scipy

from engine.forecast.conformal import TOGETHER, calibrated
from engine.forecast.scores import LEVELS, pinball, standard_error
from engine.units import BoolArray, FloatArray, IntArray

SHARES = (3 / 8, 3 / 8, 1 / 8, 1 / 8)
"""Weights in the choice of the models that have been best so far, the best first."""
TOLERANCE = 1.5
"""A model with so many times the best one's loss gets no weight."""
FEW = 20.0
"""Outcomes of the validation part that do not overlap: with fewer, models that look worse than
the shipped one do not count, so that ranks by chance matter less."""
FEWEST_OUTCOMES = 3
"""That a standard error can be told of."""
MEMORY = 0.995
"""A loss counts this much less with every later outcome, so that ranks follow drift."""


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
    solved = scipy.optimize.linprog(
        cost, A_eq=equal, b_eq=np.append(target / unit, 1.0), method="highs"
    )
    weights = np.maximum(solved.x[:count], 0.0) if solved.status == 0 else np.ones(count)
    made: FloatArray = weights / weights.sum()
    return made


def faded(losses: FloatArray, starts: IntArray, ends: IntArray) -> FloatArray:
    """(B, M) sums of the losses known at each cut-off; later ones count more.

    Args:
        losses: (M, B); NaN where the outcome is unknown.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when each outcome is known.
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
        made[number] = total
    return made


def rank_weights(
    losses: FloatArray, starts: IntArray, ends: IntArray, allowed: BoolArray | None = None
) -> FloatArray:
    """(B, M) weights by origin: `SHARES`, in the order of the losses known at its cut-off.

    A mean of few good models, almost equally weighted, is hard to beat where outcomes are too few
    to learn weights from: the "forecast combination puzzle" (Stock and Watson 2004). Equal losses
    rank as they stand. Arguments: as for `faded`, and (B, M) which models may count, one of them
    at least; None: all.
    """
    shares = np.asarray(SHARES[: len(losses)])
    totals = faded(losses, starts, ends)
    made = np.zeros_like(totals)
    for number, (weights, total) in enumerate(zip(made, totals, strict=True)):
        order = np.argsort(total, kind="stable")
        best = (order if allowed is None else order[allowed[number, order]])[: len(shares)]
        kept = shares[: len(best)] * (total[best] <= TOLERANCE * total[best[0]])
        weights[best] = kept / kept.sum()
    return made


def not_worse(
    losses: FloatArray, starts: IntArray, ends: IntArray, usual: int, lag: int
) -> BoolArray:
    """(B, M) models that did not lose more than the usual one by over a standard error, and that.

    Of the outcomes known at each cut-off; with too few of them only the usual one. The standard
    error is that of `scores.standard_error`.

    Args:
        losses: (M, B); NaN where the outcome is unknown.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when each outcome is known.
        usual: place of the model that others are held against.
        lag: cut-offs over which forecasts overlap.
    """
    more = losses - losses[usual]
    made = np.zeros((losses.shape[1], len(losses)), np.bool_)
    for number, start in enumerate(starts):
        known = more[:, :number][:, ends[:number] <= start]
        known = known[:, np.isfinite(known).all(0)]
        if known.shape[1] >= FEWEST_OUTCOMES:
            made[number] = [_no_more(lost, lag) for lost in known]
    made[:, usual] = True
    return made


def _no_more(lost: FloatArray, lag: int) -> bool:
    """Whether a mean may be 0 or less, as far as its standard error tells."""
    error = standard_error(lost, lag)[0] if np.ptp(lost) else 0.0
    return bool(lost.mean() <= error)


def as_used(
    raw: FloatArray, sure: FloatArray, came: FloatArray, starts: IntArray, ends: IntArray,
    levels: Sequence[float] = LEVELS,
) -> FloatArray:  # fmt: skip
    """(M, B, Q) of each model as it is or calibrated, whichever has lost less so far.

    Args:
        raw: (M, B, Q) as the models gave them.
        sure: (M, B, Q) the same, calibrated.
        came: (B,) outcomes, NaN where unknown.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when each outcome is known.
        levels: (Q,) of the quantiles.
    """
    plain, calm = (faded(losses(came, part, levels), starts, ends) for part in (raw, sure))
    return np.where((plain < calm).T[..., None], raw, sure)


def mixture(
    raw: FloatArray, weights: FloatArray, came: FloatArray, starts: IntArray, ends: IntArray,
    levels: Sequence[float] = LEVELS,
) -> FloatArray:  # fmt: skip
    """(B, Q) mean of models as it would have been given online, calibrated as a whole.

    Args:
        raw: (M, B, Q) forecasts of each model, as it gave them; one alone is calibrated only.
        weights: (M,), sum 1.
        came: (B,) outcomes, NaN where unknown.
        starts: (B,) cut-offs, increasing.
        ends: (B,) when each outcome is known.
        levels: (Q,) of the quantiles.
    """
    low, high = levels[0], levels[-1]
    sure = np.stack([calibrated(one, came, ends, starts, low=low, high=high) for one in raw])
    if len(raw) == 1:
        alone: FloatArray = sure[0]
        return alone
    used = as_used(raw, sure, came, starts, ends, levels)
    mean = np.einsum("m,mbq->bq", weights, used)
    return calibrated(mean, came, ends, starts, pace=TOGETHER, low=low, high=high)


def losses(came: FloatArray, members: FloatArray, levels: Sequence[float] = LEVELS) -> FloatArray:
    """(M, B) mean pinball of (M, B, Q) quantiles; NaN where nothing came."""
    return np.stack([pinball(came, member, levels).mean(-1) for member in members])


def names_by_weight(names: Sequence[str], weights: FloatArray) -> dict[str, float]:
    """Models by weight, the heaviest first; those below a hundredth are left out."""
    order = np.argsort(-weights)
    return {names[i]: float(weights[i]) for i in order if weights[i] >= 0.01}
