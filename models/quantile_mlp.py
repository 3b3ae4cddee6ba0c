"""A small network of quantiles that do not cross, and how it is fitted."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.quantiles import pinball


class QuantileMlp(nn.Module):
    """Standardise, clip, two hidden layers (SiLU), quantiles as a first one and positive steps."""

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor, width: int, quantiles: int, bound: float):
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)
        self.bound = bound
        self.first = nn.Linear(len(shift), width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, quantiles)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) to (B, Q), sorted."""
        x = ((features - self.shift) / self.scale).clamp(-self.bound, self.bound)
        hidden = functional.silu(self.second(functional.silu(self.first(x))))
        raw = self.last(hidden)
        steps = torch.cat([raw[:, :1], functional.softplus(raw[:, 1:])], 1)
        return steps.cumsum(1)


class Fitted(NamedTuple):
    """A fitted network and how good it is on the part that it did not learn from."""

    model: QuantileMlp
    pinball: float
    constant: float
    """The same of the best constant quantiles."""
    coverage: tuple[float, ...]
    """Share of targets at or below each quantile."""


def fit(
    features: Tensor,
    target: Tensor,
    held: tuple[Tensor, Tensor],
    levels: tuple[float, ...],
    *,
    width: int = 64,
    bound: float = 6.0,
    epochs: int = 30,
    batch: int = 1024,
    rate: float = 3e-3,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Fitted:
    """Adam on the pinball loss, the rate falling along a half cosine.

    Args:
        features: (N, F)
        target: (N,)
        held: features and targets to judge by.
        levels: of the quantiles.
        width: of the hidden layers.
        bound: of standardised features.
        epochs: passes over the examples.
        batch: examples a step.
        rate: learning rate at the start.
        seed: of weights and order.
        progress: told after each epoch.
    """
    draws = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = QuantileMlp(
        features.mean(0), features.std(0).clamp_min(1e-3), width, len(levels), bound
    )
    optimizer = torch.optim.Adam(model.parameters(), rate)
    asked = torch.tensor(levels)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate * (0.01 + 0.495 * (1 + math.cos(math.pi * epoch / epochs)))
        for rows in _batches(len(target), batch, draws):
            loss = pinball(target[rows], model(features[rows]), asked).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if progress is not None:
            progress((epoch + 1) / epochs, "Learning quantiles")
    return _judged(model, target, held, asked)


def _batches(size: int, batch: int, draws: torch.Generator) -> tuple[Tensor, ...]:
    return torch.split(torch.randperm(size, generator=draws), batch)


def _judged(
    model: QuantileMlp, target: Tensor, held: tuple[Tensor, Tensor], asked: Tensor
) -> Fitted:
    with torch.inference_mode():
        said = model(held[0])
        constant = torch.quantile(target[:200_000], asked).expand_as(said)
        return Fitted(
            model=model,
            pinball=float(pinball(held[1], said, asked).mean()),
            constant=float(pinball(held[1], constant, asked).mean()),
            coverage=tuple((held[1][:, None] <= said).float().mean(0).tolist()),
        )
