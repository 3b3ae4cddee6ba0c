"""A selective state-space model (Mamba, Gu & Dao 2023), written out for short windows.

h_t = exp(Δ_t·A)·h_{t−1} + Δ_t·B_t·x_t, y_t = C_t·h_t + D·x_t, with Δ, B, C read from the input.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.attention import FeatureAttention
from models.inputs import FEATURES


class SelectiveScan(nn.Module):
    """One scan over the past window with input-dependent step sizes and gates."""

    def __init__(self, hidden: int, state: int = 8) -> None:
        super().__init__()
        self.width, self.state = hidden, state
        self.features = FeatureAttention(FEATURES, uniform=True)
        self.enter = nn.Linear(FEATURES, 2 * hidden)
        self.select = nn.Linear(hidden, hidden + 2 * state)
        self.log_a = nn.Parameter(torch.arange(1.0, state + 1).log().repeat(hidden, 1))
        self.skip = nn.Parameter(torch.ones(hidden))
        nn.init.constant_(self.select.bias[:hidden], math.log(math.expm1(0.1)))

    def forward(self, steps: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, L, F), (B, F) to (B, width), feature weights (B, L, F), step weights (B, L).

        The weight of a step is its share of all step sizes Δ: how much the state takes in there.
        """
        weighted, feature_weight = self.features(steps, present)
        value, gate = self.enter(weighted).chunk(2, -1)
        value = functional.silu(value)
        size, into, out = self.select(value).split([self.width, self.state, self.state], -1)
        size = functional.softplus(size)  # (B, L, width)
        keep = (size.unsqueeze(-1) * -self.log_a.exp()).exp()
        add = (size * value).unsqueeze(-1) * into.unsqueeze(2)
        memory = torch.zeros_like(add[:, 0])  # (B, width, state)
        for step in range(steps.shape[1]):
            memory = keep[:, step] * memory + add[:, step]
        read = (memory * out[:, -1].unsqueeze(1)).sum(-1) + self.skip * value[:, -1]
        step_weight = size.mean(-1)
        return (
            read * functional.silu(gate[:, -1]),
            feature_weight,
            step_weight / step_weight.sum(-1, keepdim=True),
        )
