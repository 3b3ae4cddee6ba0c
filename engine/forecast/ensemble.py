"""The ensemble as one model: members fitted to the earlier part, weights learned on the later."""

from collections.abc import Mapping, Sequence

import numpy as np

from engine.forecast.base import Model, UnfitError
from engine.forecast.gaps import knows_recent
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.mixing import ensemble_weights
from engine.forecast.mixture import fitted_members, nearest
from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import lookback
from engine.forecast.scores import LEVELS
from engine.forecast.series import TRAIN, VALID, DemandSeries
from engine.units import FloatArray, IntArray

ORIGINS = 400
"""Cut-offs at most that weights are learned from, as in an evaluation."""


class Ensemble:
    """Quantiles of its members, averaged with weights that do not change.

    What it is fitted to is parted 70/15 in order of time: members learn from the first part,
    weights by horizon have the least pinball loss over the second, behind a gap.
    """

    name = "ensemble"

    def __init__(self, members: Mapping[str, Model]) -> None:
        """Nothing is fitted yet.

        Args:
            members: models by name.
        """
        self._members = dict(members)

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Fits every member, one that cannot be fitted here is left out, and learns the weights.

        Raises:
            UnfitError: none can be fitted.
        """
        border = round(len(train.values) * TRAIN / (TRAIN + VALID))
        if not np.isfinite(train.values[:border]).any():
            raise UnfitError(
                "the part that its members learn from holds no value", train.name,
                "Choose a later moment, or another model",
            )  # fmt: skip
        self._fitted, faults = fitted_members(self._members, train.before(border), horizons_s)
        if not self._fitted:
            raise UnfitError(
                f"no member of the ensemble can be fitted: {'; '.join(faults)}", train.name,
                "Choose a later moment, or another model",
            )  # fmt: skip
        self._horizons = tuple(horizons_s)
        self.weights = self._learned(train, border)

    def update(self, known: DemandSeries) -> None:
        """Members and weights learn again."""
        self.fit(known, self._horizons)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q); at a horizon that it was not fitted to with the weights of the nearest."""
        shares = self.weights[:, [nearest(self._horizons, at) for at in horizons_s]]
        said = self._said(histories, horizons_s, levels)
        mixed: FloatArray = np.einsum("mh,mbhq->bhq", shares, said)
        return mixed

    def _said(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(M, B, H, Q)."""
        return np.stack([
            member.predict_quantiles(histories, horizons_s, levels)
            for member in self._fitted.values()
        ])  # fmt: skip

    def _learned(self, train: DemandSeries, border: int) -> FloatArray:
        """(M, H), sum over members 1; equal where nothing is known."""
        ahead = steps_ahead(self._horizons, train.step_s)
        cuts = _cuts(train, border + WINDOW, int(ahead.min()))
        if not len(cuts):
            return np.full((len(self._fitted), len(ahead)), 1.0 / len(self._fitted))
        histories = train.histories(cuts, lookback(train.step_s, int(ahead.max())))
        said, came = self._said(histories, self._horizons, LEVELS), train.came(cuts, ahead)
        each = [ensemble_weights(came[:, h], said[:, :, h]) for h in range(len(ahead))]
        return np.stack(each, 1)


def _cuts(train: DemandSeries, first: int, shortest: int) -> IntArray:
    """Cut-offs from `first` on with an outcome; out of a long gap nothing is forecast."""
    last = len(train.values) - shortest
    if last < first:
        return np.empty(0, np.int64)
    spaced = np.linspace(first, last, min(ORIGINS, last - first + 1)).astype(np.int64)
    kept = [cut for cut in np.unique(spaced) if knows_recent(train.values[:cut])]
    return np.array(kept, np.int64)
