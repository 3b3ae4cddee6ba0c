"""Quantiles that cannot cross, as corrections to simple forecasts, and the pinball loss."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.inputs import ANCHORS, SPREADS


def pinball(value: Tensor, quantiles: Tensor, levels: Tensor) -> Tensor:
    """L_τ(y, ŷ) = τ·|y − ŷ| if y ≥ ŷ else (1 − τ)·|y − ŷ| (equation 1 of the paper).

    Args:
        value: (B, H) what came.
        quantiles: (B, H, Q) forecast.
        levels: (Q,) τ of each.

    Returns:
        (B, H, Q), unreduced.
    """
    error = value.unsqueeze(-1) - quantiles
    return torch.maximum(levels * error, (levels - 1) * error)


class QuantileHead(nn.Module):
    """Median = mix of anchors, bent a little; other quantiles by softplus gaps outwards.

    Sums of gaps ≥ 0 are added to the centre, so quantiles are sorted by construction.
    """

    def __init__(self, width: int, levels: Sequence[float]) -> None:
        super().__init__()
        self.centre = min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))
        self.gaps = len(levels) - 1
        self.out = nn.Linear(width, ANCHORS + SPREADS + 2 + self.gaps)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, hidden: Tensor, anchors: Tensor, anchor_present: Tensor, spreads: Tensor
    ) -> Tensor:
        """(B, H, width) and the anchors to (B, H, Q) ≥ 0, in units of the window's level."""
        pick, scale, bend, gap = self.out(hidden).split([ANCHORS, SPREADS, 2, self.gaps], -1)
        pick = pick.masked_fill(~anchor_present.unsqueeze(1), -torch.inf)
        spread = (scale.softmax(-1) * spreads).sum(-1, keepdim=True)
        bend = bend.tanh()
        mixed = (pick.softmax(-1) * anchors).sum(-1, keepdim=True)
        centre = mixed * (0.5 * bend[..., :1]).exp() + spread * bend[..., 1:]
        gap = functional.softplus(gap) * spread
        below = centre - gap[..., : self.centre].flip(-1).cumsum(-1).flip(-1)
        above = centre + gap[..., self.centre :].cumsum(-1)
        return torch.cat([below, centre, above], -1).clamp_min(0.0)
