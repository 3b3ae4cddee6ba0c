"""How fast demand is forecast on the processor: one pool at a time, and thousands at once.

The shipped network and the TFT-style one are measured alike: histories of a week in steps of five
minutes, six horizons, three quantiles, from demand to quantiles with all preparation in between.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.forecast.base import HORIZONS_S
from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster
from engine.forecast.neural_inputs import lookback
from engine.forecast.scores import LEVELS
from engine.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["run"]

STEP_S = 300.0
SEED = 1
WARM_UP = 20
BATCHES = 7
"""The median of as many batches, so that other work on the machine counts little."""
BAR_ONE_MS, BAR_BATCH_MS = 2.7, 50.0


def run(calls: int = 500, pools: int = 5000) -> dict[str, Any]:
    """Milliseconds of forecasts, all horizons each.

    Args:
        calls: forecasts of one pool.
        pools: of one batch.

    Raises:
        CheckpointError: torch is not installed, or a network cannot be loaded.
    """
    shipped = _measured(NeuralForecaster.load(), calls, pools)
    one, batch = shipped["one_p99_ms"], shipped["batch_ms"]
    return {
        "calls": calls,
        "pools": pools,
        "steps_of_history": _histories(1).demand.shape[1],
        **shipped,
        **{f"tft_{name}": value for name, value in _measured(_tft(), calls, pools).items()},
        "bar_one_p99_ms": BAR_ONE_MS,
        "bar_batch_ms": BAR_BATCH_MS,
        "passed": one <= BAR_ONE_MS and batch <= BAR_BATCH_MS,
    }


def _tft() -> NeuralForecaster:
    """The trained one where it lies in the folder, else one of its shape: as fast, no use."""
    from engine.forecast.network import studied  # noqa: PLC0415 - heavy

    folder: Path = studied("tft", 0)
    if folder.exists():
        return NeuralForecaster.load(folder)
    from models.forecaster import NetworkConfig, build  # noqa: PLC0415 - needs torch

    like = NeuralForecaster.load().model.config
    return NeuralForecaster(
        build(NetworkConfig(core="tft", hidden=like.hidden, width=like.width), SEED), {}
    )


def _histories(pools: int) -> Histories:
    """A day's rhythm with noise; as long as the networks ever look back."""
    rng = np.random.default_rng(SEED)
    size = lookback(STEP_S, round(HORIZONS_S[-1] / STEP_S))
    at = np.arange(size) * STEP_S
    rhythm = 2.0 + np.sin(2 * np.pi * at / SECONDS_PER_DAY)
    demand = rhythm * rng.lognormal(0.0, 0.3, (pools, size)) * rng.lognormal(0, 2, (pools, 1))
    return Histories(demand=demand, step_s=STEP_S, end_s=size * STEP_S)


def _measured(forecaster: NeuralForecaster, calls: int, pools: int) -> dict[str, float]:
    def ask(histories: Histories) -> Callable[[], object]:
        return lambda: forecaster.predict_quantiles(histories, HORIZONS_S, LEVELS)

    single, one_cpu_ms = _times_ms(ask(_histories(1)), calls)
    batch, _ = _times_ms(ask(_histories(pools)), BATCHES, warm_up=2)
    return {
        "one_p50_ms": float(np.quantile(single, 0.5)),
        "one_p99_ms": float(np.quantile(single, 0.99)),
        "one_cpu_ms": one_cpu_ms,  # of all threads, mean; less than p50 where others were at work
        "batch_ms": float(np.median(batch)),
        "batch_max_ms": float(np.max(batch)),
    }


def _times_ms(
    work: Callable[[], object], repeats: int, warm_up: int = WARM_UP
) -> tuple[list[float], float]:
    """Of each repeat, and the mean time on the processor."""
    for _ in range(warm_up):
        work()
    times = []
    cpu_s = time.process_time()
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return times, 1000 * (time.process_time() - cpu_s) / repeats
