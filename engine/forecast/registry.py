"""All forecasters by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.errors import UsageError, did_you_mean
from engine.forecast.base import Model
from engine.forecast.boosted import BoostedTrees
from engine.forecast.calendar import Calendar
from engine.forecast.ensemble import Ensemble
from engine.forecast.naive import Persistence, SeasonalNaive
from engine.forecast.network import Network, shipped, studied
from engine.forecast.statistical import AutoArima, ExponentialSmoothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One entry of the registry."""

    name: str
    label: str
    what: str
    make: Callable[[int], Model]
    """From a seed."""
    seeded: bool = False
    """Whether another seed gives another forecast."""
    ready: bool = False
    """Whether it forecasts at once: trained before, or from errors that are only counted."""
    mixed: bool = False
    """Whether it is made of others: an evaluation mixes what these gave it."""
    baseline: bool = False
    """Whether the shipped forecaster has to beat it."""


def _studied(name: str, label: str, what: str) -> ModelInfo:
    return ModelInfo(
        name=name, label=label, what=what, seeded=True, ready=True,
        make=lambda seed: Network(name, studied(name, seed)),
    )  # fmt: skip


ENSEMBLE = ("lstm", "prophet", "boosted-trees", "arima")
"""Members of the ensemble; weights are learned on the validation part."""

_ALL = (
    ModelInfo(name="persistence", label="Persistence", baseline=True, ready=True,
              what="As in the last step, with the errors of the past",
              make=lambda _: Persistence()),
    ModelInfo(name="seasonal-naive", label="Seasonal naive", baseline=True, ready=True,
              what="As a day or a week before, with the errors of the past",
              make=lambda _: SeasonalNaive()),
    ModelInfo(name="ets", label="Exponential smoothing", baseline=True,
              what="Level and trend, the best of three by AICc",
              make=lambda _: ExponentialSmoothing()),
    ModelInfo(name="arima", label="AutoARIMA", baseline=True,
              what="Orders searched stepwise by AICc", make=lambda _: AutoArima()),
    ModelInfo(name="boosted-trees", label="Boosted trees", baseline=True, seeded=True,
              what="XGBoost quantiles, grown on this trace",
              make=BoostedTrees),
    ModelInfo(name="prophet", label="Prophet", what="Trend and seasons by the calendar",
              make=lambda _: Calendar()),
    _studied("lstm", "LSTM (small)", "Forwards only, without attention; small: a quarter of the "
             "training"),
    _studied("lstm-attention", "LSTM, attention (small)", "Ablation: forwards only"),
    _studied("bilstm-no-attention", "BiLSTM (small)", "Ablation: without attention"),
    _studied("bilstm-small", "BiLSTM, attention (small)", "What the ablations are compared with"),
    _studied("tft", "Attention, TFT (small)", "Gated residuals and self-attention"),
    _studied("ssm", "State space, Mamba (small)", "Selective scan over the window"),
    ModelInfo(name="bilstm", label="BiLSTM, attention (shipped)", seeded=True, ready=True,
              what="Trained on generated workloads, not on this trace",
              make=lambda seed: Network("bilstm", shipped(seed))),
    ModelInfo(name="bilstm-features", label="BiLSTM, all features", seeded=True, ready=True,
              what="The shipped one; reads what else the trace records, where it does",
              make=lambda seed: Network("bilstm-features", shipped(seed), reads=True)),
    ModelInfo(name="bilstm-fitted", label="BiLSTM, fitted", seeded=True,
              what="The shipped one, fine-tuned on this trace",
              make=lambda seed: Network("bilstm-fitted", shipped(seed), tune=True, seed=seed)),
    ModelInfo(name="ensemble", label="Ensemble (fixed weights)", seeded=True, mixed=True,
              what="LSTM, Prophet, boosted trees and AutoARIMA; weights from validation",
              make=lambda seed: Ensemble({name: find(name).make(seed) for name in ENSEMBLE})),
)  # fmt: skip

MODELS: Mapping[str, ModelInfo] = MappingProxyType({entry.name: entry for entry in _ALL})
BASELINES = tuple(entry.name for entry in _ALL if entry.baseline)


def find(name: str) -> ModelInfo:
    """The model of this name. Raises UsageError."""
    if name not in MODELS:
        raise UsageError(f"unknown forecaster {name!r}", "forecaster", did_you_mean(name, MODELS))
    return MODELS[name]
