"""Networks of the allocator: actors that see tokens and priorities, critics that see more.

Letters: B rows (pools), F numbers of a token, G priorities and mask, K scores.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

LOG_STD = (-5.0, 1.0)
"""Range of the logarithm of the actor's spread before tanh."""


class Actor(nn.Module):
    """A Gaussian squashed by tanh over the position of the dial.

    | call | in | out |
    |---|---|---|
    | forward | (B, F + G) | mean and log spread before tanh, (B,) each |
    | sample | the same | action and its log density, (B,) each |
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 2)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the spread, both before tanh."""
        hidden = functional.silu(self.second(functional.silu(self.first(rows))))
        mean, log_std = self.last(hidden).unbind(-1)
        low, high = LOG_STD
        return mean, low + 0.5 * (high - low) * (torch.tanh(log_std) + 1.0)

    def sample(self, rows: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Action and log density; noise (B,) is standard normal."""
        mean, log_std = self(rows)
        raw = mean + log_std.exp() * noise
        density = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
        squash = 2.0 * (math.log(2.0) - raw - functional.softplus(-2.0 * raw))
        return torch.tanh(raw), density - squash


class Critics(nn.Module):
    """Two critics side by side, (B, inputs) to (2, B, K): one matmul a layer for both."""

    def __init__(self, inputs: int, width: int, scores: int) -> None:
        super().__init__()
        self.w1, self.b1 = _pair(inputs, width)
        self.w2, self.b2 = _pair(width, width)
        self.w3, self.b3 = _pair(width, scores)
        self.gain = nn.Parameter(torch.ones(2, 2, 1, width))
        self.bias = nn.Parameter(torch.zeros(2, 2, 1, width))

    def forward(self, rows: Tensor) -> Tensor:
        """(2, B, K) discounted sums of each score."""
        hidden = torch.baddbmm(self.b1, rows.expand(2, *rows.shape), self.w1)
        hidden = functional.silu(self._norm(hidden, 0))
        hidden = functional.silu(self._norm(torch.baddbmm(self.b2, hidden, self.w2), 1))
        return torch.baddbmm(self.b3, hidden, self.w3)

    def _norm(self, hidden: Tensor, layer: int) -> Tensor:
        normed = functional.layer_norm(hidden, hidden.shape[-1:])
        return normed * self.gain[layer] + self.bias[layer]


def _pair(inputs: int, outputs: int) -> tuple[nn.Parameter, nn.Parameter]:
    bound = 1.0 / math.sqrt(inputs)
    return (
        nn.Parameter(torch.empty(2, inputs, outputs).uniform_(-bound, bound)),
        nn.Parameter(torch.empty(2, 1, outputs).uniform_(-bound, bound)),
    )
