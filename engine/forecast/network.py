"""The trained networks as models: as they come, fitted to the trace, or reading its features."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.forecast.base import UnfitError
from engine.forecast.histories import Histories
from engine.forecast.neural import SHIPPED, NeuralForecaster
from engine.forecast.series import DemandSeries
from engine.units import FloatArray

STUDY = SHIPPED.parent / "study"
"""Checkpoints of the comparison of networks, all trained alike on a quarter of the workloads."""


def shipped(seed: int) -> Path:
    """Folder of the shipped network; other seeds are its like, for the comparison only."""
    return SHIPPED if seed == 0 else SHIPPED.with_name(f"{SHIPPED.name}-{seed}")


def studied(core: str, seed: int) -> Path:
    """Folder of a network of the comparison."""
    return STUDY / f"{core}-{seed}"


class Network:
    """A trained network; `tune` fits a copy to the training part first.

    What a trace knows besides demand and the clock is seen by one that `reads` only: a feature
    whose level drifts misleads a network that has seen others in its place.
    """

    def __init__(
        self, name: str, folder: Path, *, tune: bool = False, reads: bool = False, seed: int = 0,
        stands_in: Path | None = None,
    ) -> None:  # fmt: skip
        """Loads nothing yet.

        Args:
            name: in the registry.
            folder: the checkpoint.
            tune: fits a copy to the training part first.
            reads: sees what the trace knows besides demand.
            seed: of the fit.
            stands_in: a checkpoint to use where the other was fitted to later demand.
        """
        self.name, self._stands_in = name, stands_in
        self._folder, self._tune, self._reads, self._seed = folder, tune, reads, seed

    @property
    def tunes(self) -> bool:
        """Whether it is fitted to the training part."""
        return self._tune

    @property
    def fitted_until_s(self) -> float:
        """Demand up to this time shaped it, seconds since the series' start; 0: none of it."""
        return float(self.forecaster.about.get("fitted_until_s", 0.0))

    @property
    def fixed(self) -> bool:
        """Whether it says the same of a cut-off whatever it was fitted to."""
        return not (self._tune or self._reads or self._stands_in)

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:  # noqa: ARG002 — the networks know their horizons
        """Loads the checkpoint, and fits it where that is wanted.

        Raises:
            CheckpointError: it is missing or damaged, or torch is not installed.
            UnfitError: too few steps to fit to, or no features to read.
        """
        if self._reads and train.features is None:
            raise UnfitError(
                "the trace records nothing besides demand", train.name, "Use the shipped one"
            )
        self.forecaster = NeuralForecaster.load(self._folder)
        if (
            self._stands_in is not None
            and self.fitted_until_s > len(train.values) * train.step_s + 1e-6
        ):
            self.forecaster = NeuralForecaster.load(self._stands_in)
        if self._tune:
            self._tuned(train)

    def _tuned(self, train: DemandSeries) -> None:
        from engine.errors import UsageError
        from engine.forecast.training_fit import fit_to_trace

        try:
            made = fit_to_trace(
                self.forecaster, train.values, train.step_s, train.start_s,
                seed=self._seed,
            )  # fmt: skip
        except UsageError as error:
            raise UnfitError(error.what, train.name, error.fix) from error
        self.forecaster = made.forecaster

    def update(self, known: DemandSeries) -> None:
        """Fits a copy to what is known by now; stays as it is where that does not help."""
        if len(known.values) and np.isfinite(known.values).any():
            self._tuned(known)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q)."""
        return self.forecaster.predict_quantiles(self._seen(histories), horizons_s, levels)

    def attention(self, histories: Histories) -> tuple[FloatArray, FloatArray]:
        """Weights over features (B, 12, 23) and over steps (B, 12); each sums to 1."""
        return self.forecaster.attention(self._seen(histories))

    def _seen(self, histories: Histories) -> Histories:
        if self._reads or histories.features is None:
            return histories
        return replace(histories, features=None, present=None, checked=True)
