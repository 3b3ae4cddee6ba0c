"""The paper's forecaster core: (bi)LSTM over the past window between two attentions.

Both directions run over the past window only: nothing after the cut-off exists here.
"""

from torch import Tensor, nn

from models.attention import FeatureAttention, TemporalAttention
from models.inputs import FEATURES


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
        hidden, _ = self.lstm(weighted)
        summary, step_weight = self.steps(hidden)
        return summary, feature_weight, step_weight
