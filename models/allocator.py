"""Networks of the allocator: actors that see tokens and priorities, critics that see more.

Letters: B rows (pools), F numbers of a pool, G priorities, K scores, T tokens, W width of one,
L layers, H heads.
"""

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.sac_options import POSITIONS, TRANSFORMER, Options, Sizes

LOG_STD = (-5.0, 1.0)
"""Range of the logarithm of the actor's spread before tanh."""


class Actor(nn.Module, ABC):
    """A Gaussian squashed by tanh over the position of the dial.

    | call | in | out |
    |---|---|---|
    | forward | (B, F + G) | mean and log spread before tanh, (B,) each |
    | sample | the same | action and its log density, (B,) each |
    """

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the spread, both before tanh."""
        mean, log_std = self.answers(rows).unbind(-1)
        low, high = LOG_STD
        return mean, low + 0.5 * (high - low) * (torch.tanh(log_std) + 1.0)

    @abstractmethod
    def answers(self, rows: Tensor) -> Tensor:
        """(B, 2) mean, and the spread before it is bounded."""

    def sample(self, rows: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Action and log density; noise (B,) is standard normal."""
        mean, log_std = self(rows)
        raw = mean + log_std.exp() * noise
        density = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
        squash = 2.0 * (math.log(2.0) - raw - functional.softplus(-2.0 * raw))
        return torch.tanh(raw), density - squash


class MlpActor(Actor):
    """Two hidden layers."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.w1, self.b1 = _layer(inputs, width)
        self.w2, self.b2 = _layer(width, width)
        self.w3, self.b3 = _layer(width, 2)

    def answers(self, rows: Tensor) -> Tensor:
        """(B, 2) numbers."""
        hidden = functional.silu(torch.addmm(self.b1, rows, self.w1))
        hidden = functional.silu(torch.addmm(self.b2, hidden, self.w2))
        return torch.addmm(self.b3, hidden, self.w3)


class TransformerActor(Actor):
    """A token a group of numbers, and one that decides; pre-norm layers of attention between them.

    Every pool is read by itself beside the numbers of its cluster, which no order of pools
    changes. In the last layer only the deciding token is needed.
    """

    mask: Tensor

    def __init__(self, groups: tuple[tuple[int, ...], ...], options: Options) -> None:
        super().__init__()
        width, layers = options.token_width, options.layers
        self.heads = options.heads
        inputs, tokens = sum(map(len, groups)), len(groups)
        mask = torch.zeros(inputs, tokens, 1)
        for token, columns in enumerate(groups):
            mask[list(columns), token] = 1.0
        self.register_buffer("mask", mask, persistent=False)
        embed = torch.empty(inputs, tokens, width).uniform_(-1.0, 1.0)
        self.embed = nn.Parameter(mask * embed / mask.sum(0).clamp(min=1.0).sqrt())
        self.place = nn.Parameter(torch.randn(tokens + 1, width) * 0.1)
        self.qkv, self.qkv_b = _layer(width, 3 * width, layers)
        self.out, self.out_b = _layer(width, width, layers)
        self.up, self.up_b = _layer(width, 2 * width, layers)
        self.down, self.down_b = _layer(2 * width, width, layers)
        self.gain = nn.Parameter(torch.ones(layers, 2, width))
        self.bias = nn.Parameter(torch.zeros(layers, 2, width))
        self.last_gain = nn.Parameter(torch.ones(width))
        self.last_bias = nn.Parameter(torch.zeros(width))
        self.last, self.last_b = _layer(width, 2)

    def answers(self, rows: Tensor) -> Tensor:
        """(B, 2) numbers."""
        return self.attended(rows)[0]

    def attended(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2) and (B, L, H, T + 1): how the deciding token, the first, attends to each."""
        made = rows @ (self.embed * self.mask).flatten(1)
        tokens = made.view(len(rows), -1, self.embed.shape[2])
        decide = self.place[:1].expand(len(rows), 1, -1)
        tokens = torch.cat([decide, tokens + self.place[1:]], 1)
        seen = []
        for layer in range(len(self.qkv)):
            tokens, attention = self._layer(tokens, layer)
            seen.append(attention[:, :, 0])
        normed = functional.layer_norm(
            tokens[:, 0], tokens.shape[-1:], self.last_gain, self.last_bias
        )
        return torch.addmm(self.last_b, normed, self.last), torch.stack(seen, 1)

    def _layer(self, tokens: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Tokens after it and attention (B, H, T + 1, T + 1); the last one only of the first."""
        asking = 1 if layer == len(self.qkv) - 1 else tokens.shape[1]
        width = tokens.shape[2]
        normed = self._norm(tokens, layer, 0)
        shared = normed @ self.qkv[layer, :, width:] + self.qkv_b[layer, width:]
        asked = normed[:, :asking] @ self.qkv[layer, :, :width] + self.qkv_b[layer, :width]
        query, key, value = map(self._split, (asked, *shared.chunk(2, -1)))
        score = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        attention = score.softmax(-1)
        mixed = (attention @ value).transpose(1, 2).flatten(2)
        tokens = tokens[:, :asking] + mixed @ self.out[layer] + self.out_b[layer]
        inner = functional.silu(self._norm(tokens, layer, 1) @ self.up[layer] + self.up_b[layer])
        return tokens + inner @ self.down[layer] + self.down_b[layer], attention

    def _norm(self, tokens: Tensor, layer: int, which: int) -> Tensor:
        return functional.layer_norm(
            tokens, tokens.shape[-1:], self.gain[layer, which], self.bias[layer, which]
        )

    def _split(self, columns: Tensor) -> Tensor:
        """(B, T, W) to (B, H, T, W / H)."""
        return columns.reshape(*columns.shape[:2], self.heads, -1).transpose(1, 2)


class Positions(nn.Module):
    """Values of positions of the dial, (B, F + G) to (B, A, K): the network of a DQN."""

    def __init__(self, inputs: int, options: Options, scores: int) -> None:
        super().__init__()
        self.count = POSITIONS
        self.w1, self.b1 = _layer(inputs, options.width)
        self.w2, self.b2 = _layer(options.width, options.width)
        self.w3, self.b3 = _layer(options.width, POSITIONS * scores)

    def forward(self, rows: Tensor) -> Tensor:
        """(B, A, K) discounted sums of each score."""
        hidden = functional.silu(torch.addmm(self.b1, rows, self.w1))
        hidden = functional.silu(torch.addmm(self.b2, hidden, self.w2))
        return torch.addmm(self.b3, hidden, self.w3).view(len(rows), self.count, -1)

    def places(self) -> npt.NDArray[np.float64]:
        """(A,) the positions, -1 to 1."""
        return np.linspace(-1.0, 1.0, self.count)


def actor_of(options: Options, sizes: Sizes) -> Actor:
    """The actor that the options ask for."""
    if options.actor == TRANSFORMER:
        return TransformerActor(sizes.groups, options)
    return MlpActor(sizes.tokens + sizes.scores, options.width)


class Critics(nn.Module):
    """Two critics side by side, (B, inputs) to (2, B, K): one matmul a layer for both."""

    def __init__(self, inputs: int, width: int, scores: int) -> None:
        super().__init__()
        self.w1, self.b1 = _layer(inputs, width, 2, 1)
        self.w2, self.b2 = _layer(width, width, 2, 1)
        self.w3, self.b3 = _layer(width, scores, 2, 1)
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


class Values(nn.Module):
    """What each score will come to, told without the future: for explanations."""

    def __init__(self, inputs: int, width: int, scores: int) -> None:
        super().__init__()
        self.w1, self.b1 = _layer(inputs, width)
        self.w2, self.b2 = _layer(width, width)
        self.w3, self.b3 = _layer(width, scores)

    def forward(self, rows: Tensor) -> Tensor:
        """(B, K) from tokens, priorities, the action and its square."""
        hidden = functional.silu(torch.addmm(self.b1, rows, self.w1))
        hidden = functional.silu(torch.addmm(self.b2, hidden, self.w2))
        return torch.addmm(self.b3, hidden, self.w3)


def _layer(
    inputs: int, outputs: int, stacked: int | None = None, rows: int | None = None
) -> tuple[nn.Parameter, nn.Parameter]:
    """Weights and biases of a layer, or of several stacked in front."""
    front = () if stacked is None else (stacked,)
    between = () if rows is None else (rows,)
    bound = 1.0 / math.sqrt(inputs)
    return (
        nn.Parameter(torch.empty(*front, inputs, outputs).uniform_(-bound, bound)),
        nn.Parameter(torch.empty(*front, *between, outputs).uniform_(-bound, bound)),
    )
