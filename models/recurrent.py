"""The paper's forecaster core: (bi)LSTM over the past window between two attentions.

Both directions run over the past window only: nothing after the cut-off exists here.
"""

import torch
from torch import Tensor, nn

from models.attention import FeatureAttention, TemporalAttention
from models.inputs import FEATURES

LARGE = 64
"""Windows from which the recurrence below is faster than the library's (1 core, 2026-11)."""


class Recurrent(nn.Module):
    """LSTM or BiLSTM, with or without attention; the ablations are its switches."""

    def __init__(self, hidden: int, *, bidirectional: bool = True, attention: bool = True) -> None:
        super().__init__()
        self.width = hidden * (2 if bidirectional else 1)
        self.features = FeatureAttention(FEATURES, uniform=not attention)
        self.lstm = nn.LSTM(FEATURES, hidden, batch_first=True, bidirectional=bidirectional)
        self.steps = TemporalAttention(self.width, last=not attention)

    def forward(self, steps: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, L, F), (B, F) to (B, width), feature weights (B, L, F), step weights (B, L)."""
        weighted, feature_weight = self.features(steps, present)
        large = len(steps) >= LARGE and not self.training and not weighted.is_cuda
        hidden = scan(self.lstm, weighted) if large else self.lstm(weighted)[0]
        summary, step_weight = self.steps(hidden)
        return summary, feature_weight, step_weight


def scan(lstm: nn.LSTM, steps: Tensor) -> Tensor:
    """What a one-layer `lstm` gives for (B, L, F): (B, L, directions · H).

    Windows lie along the last axis, so that each gate is one contiguous block.
    """
    length, hidden = steps.shape[1], lstm.hidden_size
    ends = ("", "_reverse") if lstm.bidirectional else ("",)
    columns = steps.permute(2, 1, 0).reshape(steps.shape[2], -1)  # (F, L·B)
    inputs, recurrent = [], []
    for end in ends:
        into, back, bias, other = (
            getattr(lstm, f"{name}_l0{end}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        gates = torch.addmm((bias + other).unsqueeze(1), into, columns)
        gates = gates.view(4 * hidden, length, -1).transpose(0, 1)
        inputs.append(gates.flip(0) if end else gates)
        recurrent.append(back)
    gates_in, weight = torch.stack(inputs, 1), torch.stack(recurrent)  # (L, D, 4H, B)
    state = cell = gates_in.new_zeros(len(ends), hidden, steps.shape[0])
    states = []
    for step in range(length):
        gates = torch.baddbmm(gates_in[step], weight, state)
        opened = gates[:, : 2 * hidden].sigmoid()
        new = gates[:, 2 * hidden : 3 * hidden].tanh()
        cell = opened[:, hidden:] * cell + opened[:, :hidden] * new
        state = gates[:, 3 * hidden :].sigmoid() * cell.tanh()
        states.append(state)
    along = torch.stack(states)  # (L, D, H, B)
    both = [along[:, 0]] + [along[:, d].flip(0) for d in range(1, len(ends))]
    return torch.cat(both, 1).permute(2, 0, 1)
