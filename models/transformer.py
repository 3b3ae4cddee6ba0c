"""A small model in the style of the Temporal Fusion Transformer (Lim et al. 2021).

Variable selection, an LSTM, gated residual blocks and self-attention; the parts that need known
future inputs are left to the shared head.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.inputs import FEATURES


class Gated(nn.Module):
    """Gated residual: LayerNorm(x + GLU(W₂·ELU(W₁·x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.gate = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Same shape."""
        bent = functional.glu(self.gate(functional.elu(self.inner(hidden))), -1)
        normed: Tensor = self.norm(hidden + bent)
        return normed


class TemporalFusion(nn.Module):
    """Variable selection → LSTM → self-attention; the last step is the summary."""

    def __init__(self, hidden: int, heads: int = 4) -> None:
        super().__init__()
        self.width = hidden
        self.embed = nn.Parameter(torch.randn(FEATURES, 2, hidden) * 0.1)
        self.select = nn.Linear(FEATURES, FEATURES)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.gated, self.after = Gated(hidden), Gated(hidden)
        self.attend = nn.MultiheadAttention(hidden, heads, batch_first=True)

    def forward(self, steps: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, L, F), (B, F) to (B, width), feature weights (B, L, F), step weights (B, L)."""
        steps = steps * present.unsqueeze(1)
        absent = ~present.unsqueeze(1)
        weight = self.select(steps).masked_fill(absent, -torch.inf).softmax(-1)
        chosen = (weight * steps) @ self.embed[:, 0] + weight @ self.embed[:, 1]
        local = self.gated(self.lstm(chosen)[0])
        mixed, attention = self.attend(local[:, -1:], local, local)
        summary = self.after(local[:, -1] + mixed[:, 0])
        return summary, weight, attention[:, 0]
