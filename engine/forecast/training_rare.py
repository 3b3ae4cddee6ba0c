"""Rare-load windows from a Wasserstein GAN, and whether training on them helps the tail.

The result is reported in the model card; the windows are used only if they help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from engine.forecast.neural_inputs import Moment, encode
from engine.forecast.training import TrainOptions, generated, to_batch
from engine.forecast.training_data import Examples, workload
from engine.trace.streams import stream
from engine.units import SECONDS_PER_DAY, FloatArray

if TYPE_CHECKING:
    from models.fit import Batch
    from models.forecaster import Forecaster

PAST, FUTURE = 48, 16
"""Steps of a rare-load window before and after its cut-off."""
STEP_S = 60.0
RARE_SHARE = 0.1
"""Windows whose future peak ÷ past level is among the highest tenth are rare."""
AHEAD = np.array([1, 2, 4, 8, 12, 16])


@dataclass(frozen=True, slots=True, kw_only=True)
class RareResult:
    """Pinball at the 0.9 quantile over the tenth of windows with the highest load to come."""

    without: tuple[float, ...]
    """Of each seed, trained without generated windows."""
    with_rare: tuple[float, ...]
    """Of each seed, trained with them."""
    distance: float
    """Wasserstein distance of generated and real future peaks, in levels."""
    distance_half: float
    """The same between two halves of the real windows: what chance alone gives."""

    @property
    def helps(self) -> bool:
        """Better with every seed."""
        return all(w < wo for w, wo in zip(self.with_rare, self.without, strict=True))


def rare_windows(seed: int, series: int = 120) -> FloatArray:
    """(N, PAST + FUTURE) windows of generated workloads ÷ their past level, the rare ones."""
    found = []
    for number in range(series):
        rng = stream(seed, 78, number)
        demand = workload(rng, STEP_S).demand
        cuts = rng.integers(0, len(demand) - PAST - FUTURE, 60)
        found.append(demand[cuts[:, None] + np.arange(PAST + FUTURE)])
    windows = np.concatenate(found)
    level = windows[:, :PAST].mean(1, keepdims=True)
    windows = (windows / np.maximum(level, 1e-12))[level[:, 0] > 0]
    peak = windows[:, PAST:].max(1)
    rare: FloatArray = windows[peak >= np.quantile(peak, 1 - RARE_SHARE)]
    return np.minimum(rare, 50.0)


def generated_windows(real: FloatArray, count: int, seed: int) -> FloatArray:
    """(count, PAST + FUTURE) rare-load windows made by a GAN that learned from `real`."""
    import torch

    from models.gan import NOISE, train_generator

    log = np.log(real + 0.05)
    mean, spread = log.mean(), log.std()
    generator = train_generator(torch.from_numpy((log - mean) / spread).float(), seed=seed)
    noise = torch.randn(count, NOISE, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        made = generator(noise).numpy().astype(np.float64)
    windows: FloatArray = np.clip(np.exp(made * spread + mean) - 0.05, 0.0, 50.0)
    return windows


def as_examples(windows: FloatArray, seed: int) -> Examples:
    """Generated windows as training examples, at random times and levels."""
    rng = stream(seed, 79)
    moment = Moment(
        second_of_day=rng.uniform(0, SECONDS_PER_DAY, len(windows)),
        day_of_week=rng.uniform(0, 7, len(windows)),
    )
    demand = windows * 10 ** rng.uniform(-1, 4, (len(windows), 1))
    encoded = encode(demand[:, :PAST], STEP_S, AHEAD, moment)
    value = demand[:, PAST + AHEAD - 1] / encoded.level[:, None]
    error = np.abs(value - encoded.anchors[..., 0]).mean()
    weight = np.full(value.shape, 1 / (0.03 + error), np.float32)
    return Examples(encoded=encoded, value=value.astype(np.float32), weight=weight)


def tail_pinball(model: Forecaster, data: Batch, level: float = 0.9) -> float:
    """Weighted pinball at one quantile over the tenth of windows with the highest values."""
    import torch

    from models.quantiles import pinball

    inputs, value, weight = data
    peak = value.max(1).values
    rows = torch.nonzero(peak >= peak.quantile(1 - RARE_SHARE))[:, 0]
    at = model.config.levels.index(level)
    with torch.inference_mode():
        forecast = model(inputs.take(rows))[..., at : at + 1]
        loss = pinball(value[rows], forecast, torch.tensor([level]))[..., 0]
    return float((loss * weight[rows]).mean())


def ablation(seeds: int = 3, series: int = 400, epochs: int = 8, share: float = 0.1) -> RareResult:
    """Trains small models with and without generated rare-load windows."""
    from models.fit import FitOptions, fit
    from models.forecaster import NetworkConfig, build

    real = rare_windows(0)
    made = generated_windows(real, len(real), 0)
    without: list[float] = []
    with_rare: list[float] = []
    for seed in range(seeds):
        train, valid = generated(TrainOptions(series=series, seed=100 + seed))
        count = int(share * len(train[1]))
        rare = to_batch([as_examples(generated_windows(real, count, seed), seed)])
        for data, scores in ((train, without), (joined(train, rare), with_rare)):
            model = build(NetworkConfig(hidden=16), seed)
            fit(model, data, valid, FitOptions(epochs=epochs, seed=seed))
            scores.append(tail_pinball(model, valid))
    peaks, made_peaks = real[:, PAST:].max(1), made[:, PAST:].max(1)
    return RareResult(
        without=tuple(without), with_rare=tuple(with_rare),
        distance=float(scipy.stats.wasserstein_distance(peaks, made_peaks)),
        distance_half=float(scipy.stats.wasserstein_distance(peaks[::2], peaks[1::2])),
    )  # fmt: skip


def joined(one: Batch, other: Batch) -> Batch:
    """The examples of both."""
    import torch

    from models.fit import Batch
    from models.inputs import Inputs

    inputs = Inputs(*(torch.cat(pair) for pair in zip(one[0], other[0], strict=True)))
    return Batch((inputs, torch.cat([one[1], other[1]]), torch.cat([one[2], other[2]])))
