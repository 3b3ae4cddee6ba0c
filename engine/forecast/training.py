"""Trains the shipped forecaster on generated workloads, and fits it to one trace.

`train` is what `smartscale forecast train` calls. Torch is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.device import device_for
from engine.errors import UsageError
from engine.forecast.training_data import Examples, examples

if TYPE_CHECKING:
    from models.fit import Batch, FitOptions, Fitted, Progress

VALID_SEED = 1_000_003
"""Added to the seed for the series that training stops by."""
OnProgress = Callable[[float, str], None]
"""Share done in [0, 1] and a plain sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What to train, on how much, how long."""

    core: str = "bilstm"
    """bilstm, bilstm-no-attention, lstm, lstm-attention, tft or ssm."""
    hidden: int = 16
    width: int = 48
    series: int = 6000
    """Generated workloads; each gives 24 windows."""
    epochs: int = 30
    seed: int = 0
    rate: float = 3e-3
    threads: int = 1
    """The same number gives the same weights on the same machine."""
    device: str = "auto"
    """cpu, cuda, or auto: the GPU when there is one."""

    def __post_init__(self) -> None:
        for name, low in (("series", 20), ("epochs", 1), ("seed", 0), ("threads", 1)):
            if getattr(self, name) < low:
                raise UsageError(
                    f"{name} is {getattr(self, name)}", f"option {name}", f"Use {low} or more"
                )


def to_batch(parts: Sequence[Examples]) -> Batch:
    """Examples of several series as one batch of tensors."""
    import torch

    from models.fit import Batch
    from models.inputs import Inputs

    def joined(arrays: Sequence[npt.NDArray[Any]]) -> torch.Tensor:
        return torch.from_numpy(np.concatenate(arrays))

    columns = zip(*(part.encoded.arrays() for part in parts), strict=True)
    inputs = Inputs(*(joined(column) for column in columns))
    return Batch((inputs, joined([p.value for p in parts]), joined([p.weight for p in parts])))


def generated(options: TrainOptions, on_progress: OnProgress | None = None) -> tuple[Batch, Batch]:
    """Training and validation examples; validation has series of its own."""
    parts = []
    for number in range(options.series):
        parts.append(examples(options.seed, number))
        if on_progress is not None and number % 50 == 0:
            on_progress(0.1 * number / options.series, f"Generated {number:,} workloads")
    held = max(10, options.series // 8)
    valid = [examples(options.seed + VALID_SEED, number) for number in range(held)]
    return to_batch(parts), to_batch(valid)


def train(
    folder: Path,
    options: TrainOptions | None = None,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    data: tuple[Batch, Batch] | None = None,
) -> Fitted:
    """Trains a forecaster and writes the checkpoint to `folder`.

    Args:
        folder: gets model.safetensors and config.json; a training that was stopped there goes
            on where it was.
        options: None takes the defaults.
        on_progress: told after each epoch.
        cancelled: asked after each epoch.
        data: training and validation examples instead of generated ones.
    """
    import torch

    from models.checkpoint import save
    from models.fit import fit
    from models.forecaster import NetworkConfig, build
    from models.resume import STATE

    options = options or TrainOptions()
    torch.set_num_threads(options.threads)
    config = NetworkConfig(core=options.core, hidden=options.hidden, width=options.width)
    model = build(config, options.seed)
    train_batch, valid_batch = data or generated(options, on_progress)
    fitted = fit(
        model, train_batch, valid_batch, _fit_options(options),
        on_epoch=reporter(on_progress, cancelled), folder=folder,
    )  # fmt: skip
    save(model, folder, {"training": asdict(options), "result": _summary(fitted)})
    if fitted.stopped != "cancelled":
        (folder / STATE).unlink(missing_ok=True)
    return fitted


def _fit_options(options: TrainOptions) -> FitOptions:
    from models.fit import FitOptions

    return FitOptions(
        epochs=options.epochs,
        rate=options.rate,
        seed=options.seed,
        device=device_for(options.device),
    )


def reporter(
    on_progress: OnProgress | None, cancelled: Callable[[], bool] | None
) -> Callable[[Progress], bool]:
    """Tells of each epoch, and asks whether to go on."""

    def report(now: Progress) -> bool:
        if on_progress is not None:
            on_progress(
                0.1 + 0.9 * now.epoch / now.epochs,
                f"Epoch {now.epoch} of {now.epochs}: validation pinball {now.valid_pinball:.4f}, "
                f"best {now.best_pinball:.4f}, {now.seconds:.0f} s",
            )
        return cancelled is None or not cancelled()

    return report


def _summary(fitted: Fitted) -> dict[str, Any]:
    last = fitted.curve[-1] if fitted.curve else None
    return {
        "before": round(fitted.before, 6),
        "after": round(fitted.after, 6),
        "best_epoch": fitted.best_epoch,
        "epochs": last.epoch if last else 0,
        "seconds": round(last.seconds, 1) if last else 0.0,
        "stopped": fitted.stopped,
    }
