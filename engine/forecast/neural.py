"""Forecasts from a trained network: histories in, quantiles of demand out.

Torch is imported inside the functions, so that the engine can be imported without it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from engine.errors import CheckpointError, UsageError
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.neural_inputs import Encoded, encode, lookback
from engine.forecast.neural_kernel import RecurrentKernel
from engine.units import FloatArray

if TYPE_CHECKING:
    from models.forecaster import Forecaster
    from models.inputs import Inputs

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "checkpoints" / "forecaster-bilstm"
"""The checkpoint that comes with the product."""
THREADS = 2
"""Chunks that are forecast side by side: numpy and torch release the interpreter."""
CHUNK = 512
"""Windows per pass of the torch modules: larger batches fall out of the cache."""


class NeuralForecaster:
    """A trained network behind the words of the engine."""

    def __init__(self, model: Forecaster, about: dict[str, Any], device: str = "cpu") -> None:
        self.model, self.about, self.device = model.to(device).eval(), about, device
        self.name = model.config.core
        compiled = device == "cpu" and self.name in RecurrentKernel.CORES
        self._kernel = RecurrentKernel(self.model) if compiled else None

    @classmethod
    def load(cls, folder: Path = SHIPPED, device: str = "cpu") -> NeuralForecaster:
        """A forecaster from a checkpoint.

        Raises:
            CheckpointError: torch is not installed, or the checkpoint is missing, damaged or of
                another version.
        """
        try:
            from models.checkpoint import UnusableCheckpointError, load
        except ModuleNotFoundError as error:
            raise CheckpointError(
                f"{error.name} is not installed", "forecaster",
                "Install the extra: pip install 'smartscale[forecast]'",
            ) from error  # fmt: skip
        import torch

        torch.set_num_threads(1)  # chunks go side by side; helpers of helpers only wait
        try:
            model, about = load(folder)
        except UnusableCheckpointError as error:
            raise CheckpointError(
                str(error), f"checkpoint {folder.name}",
                "Use a checkpoint of this version, or train one: smartscale forecast train",
            ) from error  # fmt: skip
        return cls(model, about, device)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q) quantiles of demand in the steps that hold each horizon, sorted, ≥ 0.

        Raises:
            UsageError: a level outside the range that the network was trained on.
        """
        between = level_weights(self.model.config.levels, tuple(levels))
        ahead, place = np.unique(steps_ahead(horizons_s, histories.step_s), return_inverse=True)

        def ask(chunk: Histories) -> FloatArray:
            encoded = encode_histories(chunk, ahead)
            asked: FloatArray = self._scaled(encoded) @ between * encoded.level[:, None, None]
            return asked

        chunks = self._chunks(histories, int(ahead.max()))
        if len(chunks) == 1:
            parts = [ask(chunks[0])]
        else:
            with ThreadPoolExecutor(THREADS) as threads:
                parts = list(threads.map(ask, chunks))
        joined: FloatArray = np.maximum.accumulate(np.concatenate(parts)[:, place], -1)
        return joined

    def _scaled(self, encoded: Encoded) -> FloatArray:
        """(B, H, K) quantiles at the network's own levels, in units of the window's level."""
        if self._kernel is not None:
            return self._kernel(encoded).astype(np.float64)
        import torch

        with torch.inference_mode():  # holds for one thread
            made: FloatArray = self.model(tensors(encoded, self.device)).double().cpu().numpy()
        return made

    def _chunks(self, histories: Histories, longest: int) -> list[Histories]:
        recent = histories.latest(lookback(histories.step_s, longest))
        size = len(recent.demand)
        chunk = CHUNK if self._kernel is None else max(CHUNK, -(-size // THREADS))
        return [recent.rows(slice(at, at + chunk)) for at in range(0, size, chunk)]

    def attention(self, histories: Histories) -> tuple[FloatArray, FloatArray]:
        """Weights over features (B, 12, 23) and over steps (B, 12); each sums to 1."""
        import torch

        encoded = encode_histories(histories, np.array([1]))
        with torch.inference_mode():
            features, steps = self.model.attention(tensors(encoded, self.device))
        return features.cpu().numpy().astype(np.float64), steps.cpu().numpy().astype(np.float64)

    def copy(self) -> NeuralForecaster:
        """One with weights of its own, to fine-tune."""
        return NeuralForecaster(copy.deepcopy(self.model), dict(self.about), self.device)


def encode_histories(histories: Histories, ahead: npt.NDArray[np.int64]) -> Encoded:
    """Network inputs."""
    return encode(
        histories.demand, histories.step_s, ahead, histories.moment(),
        histories.features, histories.present,
    )  # fmt: skip


def tensors(encoded: Encoded, device: str = "cpu") -> Inputs:
    """The arrays as a batch for the network."""
    import torch

    from models.inputs import Inputs

    return Inputs(*(torch.from_numpy(part).to(device) for part in encoded.arrays()))


@cache
def level_weights(known: tuple[float, ...], wanted: tuple[float, ...]) -> FloatArray:
    """(K, Q) weights: quantiles between two known ones are linear in the normal score."""
    levels = np.asarray(wanted, np.float64)
    if not len(levels) or levels.min() < known[0] - 1e-9 or levels.max() > known[-1] + 1e-9:
        raise UsageError(
            f"quantiles {list(wanted)} were asked for", "quantiles",
            f"Use {known[0]} to {known[-1]}",
        )  # fmt: skip
    if (np.diff(levels) <= 0).any():
        raise UsageError(f"quantiles {list(wanted)} do not increase", "quantiles", "Sort them")
    score, unit = ndtri(np.asarray(known)), np.eye(len(known))
    weights = [np.interp(ndtri(levels), score, unit[row]) for row in range(len(known))]
    return np.stack(weights)
