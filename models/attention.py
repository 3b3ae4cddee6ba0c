"""The two attentions of the paper: over the features of a step, and over the steps."""

import torch
from torch import Tensor, nn


class FeatureAttention(nn.Module):
    """a_t = softmax(W·x_t + b) over the features present; x'_t = n·a_t·x_t, n features present."""

    def __init__(self, features: int, *, uniform: bool = False) -> None:
        super().__init__()
        self.score = None if uniform else nn.Linear(features, features)

    def forward(self, steps: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, F), (B, F) to weighted steps and weights, (B, L, F) each."""
        steps = steps * present.unsqueeze(1)
        score = torch.zeros_like(steps) if self.score is None else self.score(steps)
        weight = score.masked_fill(~present.unsqueeze(1), -torch.inf).softmax(-1)
        count = present.sum(-1, keepdim=True).unsqueeze(1)
        return count * weight * steps, weight


class TemporalAttention(nn.Module):
    """Additive attention over steps: w_t = softmax(v·tanh(W·h_t)), out = Σ w_t·h_t."""

    def __init__(self, width: int, *, last: bool = False) -> None:
        super().__init__()
        self.score = None if last else nn.Linear(width, 1)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, width) to (B, width) and weights (B, L); without scores the last step counts."""
        if self.score is None:
            weight = torch.zeros_like(hidden[..., 0])
            weight[:, -1] = 1.0
            return hidden[:, -1], weight
        columns = hidden.permute(1, 2, 0)  # (L, width, B), contiguous after a scan
        score = (columns.tanh() * self.score.weight[0, :, None]).sum(1) + self.score.bias
        weight = score.softmax(0)
        return (weight.unsqueeze(1) * columns).sum(0).T, weight.T
