"""A forecaster network: one of several cores, and the head they share."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.inputs import CONTEXT, HORIZON, Inputs
from models.quantiles import QuantileHead
from models.recurrent import Recurrent
from models.state_space import SelectiveScan
from models.transformer import TemporalFusion

LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
"""Quantiles of the shipped model; others are interpolated between them."""

CORES: MappingProxyType[str, Callable[[int], nn.Module]] = MappingProxyType(
    {
        "bilstm": Recurrent,
        "bilstm-no-attention": lambda hidden: Recurrent(hidden, attention=False),
        "lstm-attention": lambda hidden: Recurrent(hidden, bidirectional=False),
        "lstm": lambda hidden: Recurrent(hidden, bidirectional=False, attention=False),
        "tft": TemporalFusion,
        "ssm": SelectiveScan,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Everything needed to build the network again."""

    core: str = "bilstm"
    """One of `CORES`."""
    hidden: int = 24
    """Units of the core, per direction."""
    width: int = 48
    """Units of the head."""
    levels: tuple[float, ...] = LEVELS
    """Quantiles, increasing, inside (0, 1)."""

    def __post_init__(self) -> None:
        if self.core not in CORES:
            raise ValueError(f"core is {self.core!r}, known are {', '.join(CORES)}")
        if not 4 <= self.hidden <= 256 or not 4 <= self.width <= 512:
            raise ValueError(f"hidden is {self.hidden} and width {self.width}: out of range")
        ends = (0.0, *self.levels, 1.0)
        if len(ends) < 3 or any(a >= b for a, b in pairwise(ends)):
            raise ValueError(f"levels {self.levels} do not increase within (0, 1)")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"levels": list(self.levels)}


class Forecaster(nn.Module):
    """Window, summaries and anchors to quantiles in units of the window's level."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.core = CORES[config.core](config.hidden)
        self.summary = nn.Linear(int(self.core.width), config.width)  # type: ignore[arg-type]
        self.context = nn.Linear(CONTEXT, config.width)
        self.inner = nn.Linear(config.width, config.width)
        self.horizon = nn.Linear(HORIZON, config.width)
        self.mix = nn.Linear(config.width, config.width)
        self.head = QuantileHead(config.width, config.levels)

    def forward(self, x: Inputs) -> Tensor:
        """(B, H, Q), sorted along Q, ≥ 0."""
        summary = self.core(x.steps, x.present)[0]
        window = functional.silu(self.summary(summary) + self.context(x.context))
        window = window + functional.silu(self.inner(window))
        hidden = functional.silu(window.unsqueeze(1) + self.horizon(x.horizon))
        hidden = hidden + functional.silu(self.mix(hidden))
        quantiles: Tensor = self.head(hidden, x.anchors, x.anchor_present, x.spreads)
        return quantiles

    def attention(self, x: Inputs) -> tuple[Tensor, Tensor]:
        """Weights over features (B, L, F) and over steps (B, L); each sums to 1."""
        _, features, steps = self.core(x.steps, x.present)
        return features, steps


def build(config: NetworkConfig, seed: int) -> Forecaster:
    """A network with fresh weights; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Forecaster(config)


def parameters(model: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(p.numel() for p in model.parameters())
