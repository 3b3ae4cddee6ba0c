"""Is the attention faithful: does hiding what it points at hurt more than hiding anything?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster, encode_histories, tensors
from engine.units import FloatArray, IntArray

if TYPE_CHECKING:
    from torch import Tensor

    from models.inputs import Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Extra pinball loss from hiding the most attended minus that from hiding a random one."""

    gain: float
    """Mean difference, relative to the loss with nothing hidden; above 0 is faithful."""
    low: float
    high: float
    """95 % interval over windows, by bootstrap of stretches of them."""

    @property
    def faithful(self) -> bool:
        """The interval lies above 0."""
        return self.low > 0


def faithfulness(
    forecaster: NeuralForecaster,
    histories: Histories,
    value: FloatArray,
    ahead: IntArray,
    *,
    of: str = "steps",
    overlap: int = 1,
    seed: int = 0,
) -> Faithfulness:
    """Hides one step, or one feature, of each window.

    Args:
        forecaster: with attention.
        histories: B windows.
        value: (B, H) demand that came.
        ahead: (H,) its steps after the cut-off.
        of: "steps" (replaced by the window's mean) or "features" (marked absent).
        overlap: windows in a row whose outcomes depend on each other; they are drawn together.
        seed: of the random choice and the bootstrap.
    """
    import torch

    rng = np.random.default_rng(seed)
    encoded = encode_histories(histories, ahead)
    inputs = tensors(encoded, forecaster.device)
    scaled = torch.from_numpy((value / encoded.level[:, None]).astype(np.float32))
    hide = _hide_steps if of == "steps" else _hide_features
    with torch.inference_mode():
        features, steps = forecaster.model.attention(inputs)
        weight = steps if of == "steps" else features.mean(1)
        chance = torch.from_numpy(rng.random(weight.shape).astype(np.float32)) * (weight > 0)
        plain = _loss(forecaster, inputs, scaled)
        top = _loss(forecaster, hide(inputs, weight.argmax(-1)), scaled) - plain
        other = _loss(forecaster, hide(inputs, chance.argmax(-1)), scaled) - plain
    difference = (top - other) / max(float(plain.mean()), 1e-12)
    low, high = np.quantile(_drawn(difference, overlap, rng), [0.025, 0.975])
    return Faithfulness(gain=float(difference.mean()), low=float(low), high=float(high))


def _drawn(values: FloatArray, overlap: int, rng: np.random.Generator) -> FloatArray:
    """(1000,) means of stretches drawn with replacement, which go round at the end.

    The circular block bootstrap of Politis and Romano (1992).
    """
    size = len(values)
    long = min(max(overlap, 1), max(size // 4, 1))
    starts = rng.integers(0, size, (1000, math.ceil(size / long)))
    at = (starts[..., None] + np.arange(long)) % size
    means: FloatArray = values[at.reshape(1000, -1)[:, :size]].mean(1)
    return means


def _loss(forecaster: NeuralForecaster, inputs: Inputs, value: Tensor) -> FloatArray:
    """(B,) mean pinball of each window."""
    import torch

    from models.quantiles import pinball

    levels = torch.tensor(forecaster.model.config.levels)
    loss = pinball(value, forecaster.model(inputs).cpu(), levels).mean((1, 2))
    return loss.numpy().astype(np.float64)


def _hide_steps(inputs: Inputs, which: Tensor) -> Inputs:
    steps = inputs.steps.clone()
    rows = which.new_tensor(range(len(which)))
    steps[rows, which] = inputs.steps.mean(1)
    return inputs._replace(steps=steps)


def _hide_features(inputs: Inputs, which: Tensor) -> Inputs:
    present = inputs.present.clone()
    present[which.new_tensor(range(len(which))), which] = False
    return inputs._replace(present=present)
