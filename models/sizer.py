"""Regresses what worker sizes gain over the present one, score by score."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.allocator import Values
from models.sac import adam, pace

RATE, BATCH, WIDTH = 2e-3, 512, 64
"""Learning rate at the start; states of a step; of the hidden layers."""
BOUND = 6.0
"""Of every standardised number."""

Array = npt.NDArray[np.float32]


class Drawn(NamedTuple):
    """B states, S sizes, F numbers, K scores."""

    seen: Array
    """(B, S, F) of each candidate while a size is there."""
    held: npt.NDArray[np.int64]
    """(B,) number of that size."""
    scores: Array
    """(B, S, K) what each size came to."""


def regress(
    draw: Callable[[int], Drawn], shift: Array, scale: Array, spread: Array, steps: int
) -> dict[str, Array]:
    """The tensors of a network that was fitted to differences between sizes.

    Args:
        draw: states, so many.
        shift: (F,) mean of what it reads.
        scale: (F,) spread of that.
        spread: (K,) of the scores between sizes, so that all count alike.
        steps: of the optimizer.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Values(len(shift), WIDTH, len(spread))
    optimizer = adam(network.parameters(), RATE)
    over = torch.from_numpy(1.0 / spread)
    for step in range(steps):
        pace(optimizer, RATE, step, steps)
        drawn = draw(BATCH)
        seen = torch.from_numpy(np.clip((drawn.seen - shift) / scale, -BOUND, BOUND))
        held = torch.from_numpy(drawn.held)
        said = _gained(network(seen.flatten(0, 1)).view(drawn.scores.shape), held)
        wanted = _gained(torch.from_numpy(drawn.scores), held)
        loss = (((said - wanted) * over) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    made = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    return {"shift": shift, "scale": scale, **made}


def _gained(scores: Tensor, held: Tensor) -> Tensor:
    """(B, S, K) less those of the size that is there."""
    return scores - scores[torch.arange(len(held)), held][:, None]
