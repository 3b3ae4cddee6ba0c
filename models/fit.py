"""The training loop: AdamW on the pinball loss, cosine rate, early stopping, resumable.

Deterministic on one machine: the order of examples depends on the seed and the epoch only.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.forecaster import Forecaster
from models.inputs import Inputs
from models.quantiles import pinball
from models.resume import Kept, keep, resume


class Batch(tuple[Inputs, Tensor, Tensor]):
    """Inputs, values (B, H) and weights (B, H)."""

    __slots__ = ()

    def take(self, rows: Tensor) -> "Batch":
        """The examples with these indices."""
        return Batch((self[0].take(rows), self[1][rows], self[2][rows]))

    def on(self, device: str) -> "Batch":
        """The same examples on another device."""
        return Batch((self[0].to_device(device), self[1].to(device), self[2].to(device)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How to train."""

    epochs: int = 40
    batch: int = 512
    rate: float = 3e-3
    """Learning rate at the start; it falls along a half cosine."""
    decay: float = 1e-4
    """Weight decay of AdamW."""
    patience: int = 8
    """Epochs without a better validation score before training stops."""
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where training stands; also what is kept to go on after a stop."""

    epoch: int
    """Epochs done."""
    epochs: int
    train_pinball: float
    valid_pinball: float
    best_pinball: float
    best_epoch: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What training gave; the model holds the best weights seen, its start included."""

    before: float
    """Weighted validation pinball before training."""
    after: float
    """The same of the weights kept: never above `before`."""
    best_epoch: int
    """0: no epoch was better than the start."""
    curve: tuple[Progress, ...]
    stopped: str
    """"done", "early" or "cancelled"."""


OnEpoch = Callable[[Progress], bool]
"""Called after each epoch; False stops the training and keeps the best weights."""


def loss_of(model: Forecaster, batch: Batch) -> Tensor:
    """Weighted mean pinball over windows, horizons and quantiles."""
    inputs, value, weight = batch
    levels = torch.tensor(model.config.levels, device=value.device)
    return (pinball(value, model(inputs), levels).mean(-1) * weight).mean()


def score(model: Forecaster, data: Batch, batch: int = 4096) -> float:
    """Weighted mean pinball without gradients."""
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(data[1]), batch):
            rows = torch.arange(start, min(start + batch, len(data[1])), device=data[1].device)
            total += float(loss_of(model, data.take(rows))) * len(rows)
    return total / len(data[1])


def fit(
    model: Forecaster,
    train: Batch,
    valid: Batch,
    options: FitOptions,
    on_epoch: OnEpoch | None = None,
    folder: Path | None = None,
) -> Fitted:
    """Trains in place and leaves the best weights in the model.

    Args:
        model: its weights are where training starts.
        train: examples to learn from.
        valid: examples to stop by.
        options: how to train.
        on_epoch: told after each epoch.
        folder: keeps the state after each epoch; a training stopped there goes on from it.
    """
    began = time.monotonic()
    model.to(options.device)
    train, valid = train.on(options.device), valid.on(options.device)
    optimizer = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=options.decay)
    kept = resume(folder, model, optimizer) if folder is not None else None
    if kept is None:
        before = score(model, valid)
        kept = Kept(_copy(model), before, 0, before, 0)
    curve: list[Progress] = []
    stopped = "done"
    for epoch in range(kept.done, options.epochs):
        learned = _epoch(model, train, optimizer, options, epoch)
        now = score(model, valid)
        if now < kept.best_pinball and math.isfinite(now):
            kept = kept._replace(best=_copy(model), best_pinball=now, best_epoch=epoch + 1)
        kept = kept._replace(done=epoch + 1)
        if folder is not None:
            keep(folder, model, optimizer, kept)
        curve.append(
            Progress(
                epoch=epoch + 1, epochs=options.epochs, train_pinball=learned, valid_pinball=now,
                best_pinball=kept.best_pinball, best_epoch=kept.best_epoch,
                seconds=time.monotonic() - began,
            )
        )  # fmt: skip
        if on_epoch is not None and not on_epoch(curve[-1]):
            stopped = "cancelled"
            break
        if epoch + 1 - kept.best_epoch >= options.patience:
            stopped = "early"
            break
    model.load_state_dict(kept.best)
    model.eval()
    return Fitted(
        before=kept.before, after=kept.best_pinball, best_epoch=kept.best_epoch,
        curve=tuple(curve), stopped=stopped,
    )  # fmt: skip


def _copy(model: Forecaster) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _epoch(
    model: Forecaster,
    train: Batch,
    optimizer: torch.optim.Optimizer,
    options: FitOptions,
    epoch: int,
) -> float:
    model.train()
    rate = options.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * epoch / options.epochs)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    order = np.random.default_rng([options.seed, epoch]).permutation(len(train[1]))
    total = 0.0
    for start in range(0, len(order), options.batch):
        rows = torch.from_numpy(order[start : start + options.batch]).to(train[1].device)
        loss = loss_of(model, train.take(rows))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)
