"""Several fitted models as one, with the weights that an evaluation ended with."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from engine.errors import CheckpointError
from engine.forecast.base import Model, Says, UnfitError
from engine.forecast.histories import Histories
from engine.forecast.series import DemandSeries
from engine.units import FloatArray

LEAST = 0.05
"""Members of less weight at every horizon are left out."""


class Mixture:
    """Quantiles averaged with weights by horizon; those of the nearest known one elsewhere."""

    name = "choice"

    def __init__(
        self, members: Mapping[str, Model], weights: Mapping[float, Mapping[str, float]]
    ) -> None:
        """Nothing is fitted yet.

        Args:
            members: models by name.
            weights: by horizon in seconds, of members by name; ≥ 0, one above 0 at least.
        """
        self._members, self._weights = dict(members), weights

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Fits every member; one that cannot be fitted here is left out.

        Raises:
            UnfitError: none can be fitted.
        """
        fitted, faults = fitted_members(self._members, train, horizons_s)
        if not any(self._shares(at, fitted).any() for at in self._weights):
            raise UnfitError(
                f"no member of the choice can be fitted: {'; '.join(faults)}", train.name,
                "Choose a later moment, or another model",
            )  # fmt: skip
        self._fitted = fitted

    def update(self, known: DemandSeries) -> None:
        """Every member learns again."""
        for member in self._fitted.values():
            member.update(known)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q)."""
        said = self.said(histories, horizons_s, levels)
        mixed: FloatArray = np.einsum("mh,mbhq->bhq", self.shares(horizons_s), said)
        return mixed

    def said(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(M, B, H, Q) of each member."""
        return np.stack(
            [m.predict_quantiles(histories, horizons_s, levels) for m in self._fitted.values()]
        )

    def shares(self, horizons_s: Sequence[float]) -> FloatArray:
        """(M, H) weight of each member; the sum over members is 1."""
        usable = [at for at in self._weights if self._shares(at, self._fitted).any()]
        taken = [usable[nearest(usable, horizon_s)] for horizon_s in horizons_s]
        shares = np.stack([self._shares(at, self._fitted) for at in taken], 1)
        weights: FloatArray = shares / shares.sum(0)
        return weights

    def _shares(self, at: float, members: Mapping[str, Model]) -> FloatArray:
        return np.array([self._weights[at].get(name, 0.0) for name in members])


def fitted_members(
    members: Mapping[str, Model], train: DemandSeries, horizons_s: Sequence[float]
) -> tuple[dict[str, Model], list[str]]:
    """Those that can be fitted, fitted; and why the others cannot."""
    fitted, faults = dict[str, Model](), list[str]()
    for name, member in members.items():
        try:
            member.fit(train, horizons_s)
        except (UnfitError, CheckpointError) as error:
            faults.append(f"{name}: {error.what}")
        else:
            fitted[name] = member
    return fitted, faults


def nearest(horizons_s: Sequence[float], wanted_s: float) -> int:
    """Place of the horizon that is nearest by ratio; the first of equals."""
    return min(range(len(horizons_s)), key=lambda at: abs(math.log(horizons_s[at] / wanted_s)))


def weights_of(by_horizon: Mapping[str, Mapping[str, float]]) -> dict[float, dict[str, float]]:
    """An evaluation's weights as `Mixture` takes them, without members that hardly count."""
    heavy = {
        name for of in by_horizon.values() for name, weight in of.items() if weight >= LEAST
    }  # fmt: skip
    return {
        float(at): {name: weight for name, weight in of.items() if name in heavy}
        for at, of in by_horizon.items()
    }


def said_by(
    model: Says, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
) -> FloatArray:
    """(M, B, H, Q) of each member; M is 1 but for a mixture."""
    if isinstance(model, Mixture):
        return model.said(histories, horizons_s, levels)
    return model.predict_quantiles(histories, horizons_s, levels)[None]


def shares_of(model: Says, horizons_s: Sequence[float]) -> FloatArray:
    """(M, H) weights of the members."""
    if isinstance(model, Mixture):
        return model.shares(horizons_s)
    return np.ones((1, len(horizons_s)))
