"""Evaluations with scores made up for tests of what is said about them."""

from engine.forecast.evaluation import Comparison, Evaluation, Row
from engine.forecast.scores import Paired, Score

LABELS = {"persistence": "Persistence", "ets": "Exponential smoothing", "bilstm": "BiLSTM",
          "choice": "Choice", "prophet": "Prophet"}  # fmt: skip


def score(pinball=1.0, coverage=0.8, wape=0.1):
    return Score(pinball=pinball, mase=pinball, wape=wape, coverage=coverage, width=0.2)


def row(model, horizon_s, coverage=0.8, pinball=1.0, seed=0):
    return Row(
        model=model, seed=seed, horizon_s=horizon_s, raw=score(pinball, 0.6),
        used=score(pinball, coverage),
    )  # fmt: skip


def comparison(horizon_s, difference_frac, p_value):
    return Comparison(
        horizon_s=horizon_s, ours="bilstm", best_baseline="ets",
        test=Paired(difference_frac=difference_frac, p_value=p_value),
    )  # fmt: skip


def evaluation(rows, *, use="bilstm", comparisons=(), weights=None, left_out=None, origins=400,
               drift_steps=(), ends=(1000,)):  # fmt: skip
    names = {entry.model for entry in rows}
    return Evaluation(
        name="made", unit="requests/s", step_s=60.0, steps=1000, origins=origins,
        horizons_s=tuple(dict.fromkeys(entry.horizon_s for entry in rows)),
        left_out=left_out or {}, seeds=(0, 1), rows=tuple(rows),
        fit_s=dict.fromkeys(names, 0.0), forecast_ms=dict.fromkeys(names, 2.0),
        comparisons=tuple(comparisons), weights=weights or {}, drift_steps=tuple(drift_steps),
        relearned=(), coverage_margin=0.02, use=use, ends=ends,
    )  # fmt: skip
