"""Scores of a checkpoint on traces it never saw, and the model card that reports them.

The traces come from `smartscale synth`, whose generators are not those of the training data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.forecast.histories import steps_ahead
from engine.forecast.neural import NeuralForecaster, tensors
from engine.forecast.training_data import HORIZONS_S, Examples, Workload, cut
from engine.trace.synth import generate
from engine.units import SECONDS_PER_DAY, FloatArray

if TYPE_CHECKING:
    from engine.forecast.training_rare import RareResult

LEVELS = (0.1, 0.5, 0.9)
TEST_SHARE = 0.3
PERSISTENCE, SEASONAL = 0, 6
"""Places among the anchors of the network's inputs."""
FAMILIES = (
    ("diurnal", 60.0, 5), ("diurnal", 300.0, 10), ("growth", 60.0, 3), ("flash-crowd", 60.0, 3),
    ("bursty", 60.0, 3), ("bursty", 15.0, 1), ("agent-sessions", 60.0, 2),
)  # fmt: skip
"""Kind, step in seconds, days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyScore:
    """Mean pinball over horizons and the quantiles 0.1, 0.5, 0.9, in requests/s."""

    name: str
    ours: float
    persistence: float
    """With the quantiles of its own errors before the test part."""
    seasonal: float | None
    """The same for demand one day before; None where the history holds no day."""
    coverage: float
    """Share of the test values inside our 80 % interval, before any calibration."""


def score_series(
    forecaster: NeuralForecaster, name: str, demand: FloatArray, step_s: float, start_s: float
) -> FamilyScore:
    """Rolling origins over the last 30 % of a series; the model is not fitted to it."""
    series = Workload(demand=demand, step_s=step_s, start_s=start_s)
    ahead = steps_ahead(HORIZONS_S, step_s)
    ahead = ahead[ahead <= TEST_SHARE * len(demand) / 2]
    border, last = round(len(demand) * (1 - TEST_SHARE)), len(demand) - int(ahead.max())
    week = round(7 * SECONDS_PER_DAY / step_s) + 24
    length = int(min(week, (border - ahead.max()) * 0.6))
    past = _at(series, np.linspace(length, border - ahead.max(), 400), length, ahead)
    test = _at(series, np.linspace(border, last, 500), length, ahead)
    ours = _quantiles(forecaster, test)
    inside = (_came(test) >= ours[..., 0]) & (_came(test) <= ours[..., -1])
    return FamilyScore(
        name=name,
        ours=_pinball(_came(test), ours),
        persistence=_baseline(past, test, PERSISTENCE),
        seasonal=_baseline(past, test, SEASONAL) if _has_day(past) and _has_day(test) else None,
        coverage=float(inside.mean()),
    )


def _at(series: Workload, cuts: FloatArray, length: int, ahead: npt.NDArray[np.int64]) -> Examples:
    return cut(series, np.unique(cuts.astype(np.int64)), length, ahead)


def _has_day(data: Examples) -> bool:
    return bool(data.encoded.anchor_present[0, SEASONAL])


def _came(data: Examples) -> FloatArray:
    came: FloatArray = data.value.astype(np.float64) * data.encoded.level[:, None]
    return came


def _quantiles(forecaster: NeuralForecaster, data: Examples) -> FloatArray:
    import torch

    places = [forecaster.model.config.levels.index(level) for level in LEVELS]
    with torch.inference_mode():
        scaled = forecaster.model(tensors(data.encoded, forecaster.device))
    scaled64 = scaled.cpu().numpy()[..., places].astype(np.float64)
    quantiles: FloatArray = scaled64 * data.encoded.level[:, None, None]
    return quantiles


def _baseline(past: Examples, test: Examples, anchor: int) -> float:
    """A simple forecast plus the quantiles of its own errors before the test part."""
    before, now = (d.encoded.anchors[..., anchor] * d.encoded.level[:, None] for d in (past, test))
    errors = np.quantile(_came(past) - before, LEVELS, axis=0).T  # (H, Q)
    return _pinball(_came(test), np.maximum(now[..., None] + errors, 0.0))


def _pinball(came: FloatArray, quantiles: FloatArray) -> float:
    error = came[..., None] - quantiles
    levels = np.array(LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def score_families(forecaster: NeuralForecaster, seed: int = 7) -> list[FamilyScore]:
    """Scores on each of `FAMILIES`."""
    scores = []
    for kind, step_s, days in FAMILIES:
        duration_s = days * SECONDS_PER_DAY
        made = generate(kind, duration_s=duration_s, mean_rate_per_s=2.0, seed=seed)
        size = round(duration_s / step_s)
        counts = np.histogram(made.table.arrival_s, size, (0.0, duration_s))[0]
        scores.append(
            score_series(forecaster, f"{kind}, {step_s:g} s", counts / step_s, step_s, 0.0)
        )
    return scores


def write_card(
    folder: Path, scores: list[FamilyScore], notes: str = "", rare: RareResult | None = None
) -> None:
    """README.md of a checkpoint, from its config, the scores and what a GAN's windows gave."""
    forecaster = NeuralForecaster.load(folder)
    text = _card(forecaster, scores, ("" if rare is None else _rare(rare)) + notes)
    (folder / "README.md").write_text(text, "utf-8")


def _rare(found: RareResult) -> str:
    """Whether windows of a GAN help the tail."""
    pairs = list(zip(found.without, found.with_rare, strict=True))
    rows = "\n".join(f"| {n} | {a:.4f} | {b:.4f} |" for n, (a, b) in enumerate(pairs))
    better = sum(b < a for a, b in pairs)
    used = "They help" if found.helps else "They do not help with every seed, so they are not used"
    return f"""
## Rare-load windows from a Wasserstein GAN

Small networks trained alike on a part of the data, without and with a tenth more windows that the
GAN made of the rarest load. Pinball of the 0.9 quantile over the tenth of validation windows with
the highest load to come; less is better. {used}: lower with {better} of {len(pairs)} seeds.
Wasserstein distance of future peaks: generated to real {found.distance:.3f} levels, one half of
the real ones to the other {found.distance_half:.3f}.

| seed | without | with |
|---|---|---|
{rows}
"""


def _card(forecaster: NeuralForecaster, scores: list[FamilyScore], notes: str) -> str:
    from models.forecaster import parameters

    about = forecaster.about
    training, result = about["training"], about["result"]
    return f"""# Forecaster: {forecaster.name}

Quantiles of demand up to an hour ahead, for traces it has never seen, at steps of 5 s to 1 h.

- **Network**: {forecaster.name}, {training["hidden"]} units, head of {training["width"]} units,
  {parameters(forecaster.model):,} parameters. Quantiles {_listed(forecaster)}.
- **Data**: {training["series"]:,} generated workloads, 24 windows each, seed {training["seed"]}.
  No recorded trace was used, so every recorded trace is unseen. Validation: other workloads.
- **Training**: pinball loss, AdamW, {result["epochs"]} epochs (best {result["best_epoch"]}), \
{result["seconds"]:.0f} s on one CPU core. Validation pinball ÷ persistence's error: \
{result["before"]:.4f} before, {result["after"]:.4f} after.
- **Command**: `smartscale forecast train --out FOLDER --core {training.get("core", "bilstm")} \
--series {training["series"]} --epochs {training.get("epochs", result["epochs"])} \
--seed {training["seed"]}`
- **Limits**: what comes from outside the history (a campaign, a failover) is not foreseen; \
intervals are not calibrated per trace: use the online calibration.

## Scores without fitting

Mean pinball over six horizons and the quantiles 0.1, 0.5, 0.9, in requests/s, on the last 30 % of
traces made by `smartscale synth`, whose generators are not those of the training data.
Baselines get the quantiles of their own earlier errors.

| trace | this model | persistence | seasonal naive | coverage of the 80 % interval |
|---|---|---|---|---|
{_rows(scores)}
{notes}"""


def _listed(forecaster: NeuralForecaster) -> str:
    return ", ".join(f"{level:g}" for level in forecaster.model.config.levels)


def _rows(scores: list[FamilyScore]) -> str:
    def row(s: FamilyScore) -> str:
        seasonal: Any = "no day before" if s.seasonal is None else f"{s.seasonal:.4f}"
        return f"| {s.name} | {s.ours:.4f} | {s.persistence:.4f} | {seasonal} | {s.coverage:.0%} |"

    return "\n".join(map(row, scores)) + "\n"
