"""Trains the quick forecaster from scratch: the command behind the shipped checkpoint."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.lookahead.checkpoint import save
from engine.lookahead.features import BOUND, Network
from engine.lookahead.memory import LEVELS
from engine.lookahead.training import CUTS, Examples, gather

if TYPE_CHECKING:
    from torch import Tensor

    from models.quantile_mlp import Fitted, QuantileMlp

HELD = 300
"""Paths that are not learned from; they come after the others in the seed's stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookaheadReport:
    """What a training gave."""

    paths: int
    examples: int
    epochs: int
    seed: int
    pinball: float
    """Mean over the quantiles, in logarithms of ratios, on paths not learned from."""
    constant_pinball: float
    """The same of the best constant quantiles."""
    coverage: tuple[float, ...]
    """Share of what came at or below each quantile of `LEVELS`."""


def train(
    folder: Path,
    *,
    paths: int = 4000,
    epochs: int = 30,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> LookaheadReport:
    """Learns and saves; the same arguments give the same weights on the same machine.

    Args:
        folder: receives the checkpoint.
        paths: workloads to learn from.
        epochs: passes over their cuts.
        seed: of workloads, weights and order.
        progress: told the share done and what is being done.
    """
    import torch

    from models.quantile_mlp import fit

    torch.set_num_threads(1)
    made = gather(seed, range(paths + HELD), progress)
    first = paths * CUTS
    features, target = _tensors(made)
    fitted = fit(
        features[:first], target[:first], (features[first:], target[first:]), LEVELS,
        bound=BOUND, epochs=epochs, seed=seed, progress=progress,
    )  # fmt: skip
    report = _report(fitted, paths, first, epochs, seed)
    save(_network(fitted.model), folder, asdict(report))
    return report


def _tensors(made: Examples) -> "tuple[Tensor, Tensor]":
    import torch

    return (
        torch.from_numpy(made.features.astype(np.float32)),
        torch.from_numpy(made.target.astype(np.float32)),
    )


def _report(
    fitted: "Fitted", paths: int, examples: int, epochs: int, seed: int
) -> LookaheadReport:
    return LookaheadReport(
        paths=paths, examples=examples, epochs=epochs, seed=seed, pinball=fitted.pinball,
        constant_pinball=fitted.constant, coverage=fitted.coverage,
    )  # fmt: skip


def _network(model: "QuantileMlp") -> Network:
    tensors = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return Network(
        shift=tensors["shift"],
        scale=tensors["scale"],
        w1=np.ascontiguousarray(tensors["first.weight"].T),
        b1=tensors["first.bias"],
        w2=np.ascontiguousarray(tensors["second.weight"].T),
        b2=tensors["second.bias"],
        w3=np.ascontiguousarray(tensors["last.weight"].T),
        b3=tensors["last.bias"],
    )
