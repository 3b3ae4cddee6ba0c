"""Gradient-boosted trees on the summaries that the networks read too (XGBoost)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.forecast.base import UnfitError, ordered, training_cuts
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.neural import level_weights
from engine.forecast.neural_inputs import Encoded, encode, lookback
from engine.forecast.scores import LEVELS
from engine.forecast.series import DemandSeries
from engine.units import FloatArray, IntArray

CUTS = 2500
"""Cut-offs of the training part that trees learn from, all horizons each."""
TREES, DEPTH, RATE = 200, 4, 0.06


class BoostedTrees:
    """One set of trees for all horizons, each with the quantiles 0.1, 0.5 and 0.9."""

    name = "boosted-trees"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Grows the trees.

        Raises:
            UnfitError: too few steps, or values, for a history, a horizon and what came.
        """
        import xgboost

        ahead = np.unique(steps_ahead(horizons_s, train.step_s))
        size = len(train.values)
        ahead = ahead[ahead < size // 3]
        least = max(12, min(size // 3, lookback(train.step_s, int(ahead.max(initial=1)))))
        cuts = training_cuts(size, least, int(ahead.max(initial=1)), CUTS)
        if len(cuts) < 20 or not len(ahead):
            raise UnfitError(
                f"the training part of {size} steps is too short", train.name,
                "Use a longer trace or a shorter step",
            )  # fmt: skip
        cuts = _with_demand(train, cuts, least)
        came = train.came(cuts, ahead)
        known = np.isfinite(came).ravel()
        if not known.any():
            raise UnfitError(
                "no step of the training part has demand both before and after it", train.name,
                "Use a trace with fewer gaps",
            )  # fmt: skip
        encoded = _encoded(train.histories(cuts, least), ahead)
        came = came / encoded.level[:, None]
        data = xgboost.DMatrix(_columns(encoded)[known], came.ravel()[known])
        model = xgboost.train(
            {
                "objective": "reg:quantileerror", "quantile_alpha": LEVELS, "max_depth": DEPTH,
                "learning_rate": RATE, "subsample": 0.7, "colsample_bytree": 0.7,
                "min_child_weight": 10, "tree_method": "hist", "seed": self._seed, "nthread": 1,
            },
            data, num_boost_round=TREES,
        )  # fmt: skip
        self._model, self._horizons = model, tuple(horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Grows them again."""
        self.fit(known, self._horizons)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q); quantiles between 0.1 and 0.9 only."""
        ahead = steps_ahead(horizons_s, histories.step_s)
        encoded = _encoded(histories, ahead)
        import xgboost

        made = self._model.predict(xgboost.DMatrix(_columns(encoded)))
        made = made.reshape(len(histories.demand), -1, 3)
        sized = np.sort(made.astype(np.float64), -1) * encoded.level[:, None, None]
        return ordered(sized @ level_weights(LEVELS, tuple(levels)))


def _with_demand(train: DemandSeries, cuts: IntArray, length: int) -> IntArray:
    """Those cut-offs whose `length` steps of history hold a value."""
    known = np.concatenate([[0], np.cumsum(np.isfinite(train.values))])
    held: IntArray = cuts[known[cuts] > known[cuts - length]]
    return held


def _encoded(histories: Histories, ahead: IntArray) -> Encoded:
    recent = histories.latest(lookback(histories.step_s, int(ahead.max())))
    return encode(recent.demand, recent.step_s, ahead, recent.moment())


def _columns(encoded: Encoded) -> npt.NDArray[np.float32]:
    """(B·H, columns); anchors that are not there are NaN, which trees understand."""
    size, horizons = encoded.horizon.shape[:2]
    context = np.repeat(encoded.context[:, None], horizons, 1)
    anchors = np.where(encoded.anchor_present[:, None], encoded.anchors, np.nan)
    joined = np.concatenate([context, encoded.horizon, anchors, encoded.spreads], -1)
    return joined.reshape(size * horizons, -1).astype(np.float32)
