"""Scores of an evaluation as rows and as the table on screen. Pure."""

import math
from collections.abc import Mapping

import pandas as pd

from app import forecast_words as words
from app import formats, phrases
from engine.forecast.evaluation import CHOICE, Evaluation

FIGURES = ("pinball", "mase", "wape", "coverage", "width")
_MINUTE_S = 60


def labels_of(named: Mapping[str, str]) -> dict[str, str]:
    """Names of all that an evaluation may score, the choice too."""
    return {**named, CHOICE: words.CHOICE_LABEL}


def scores(evaluation: Evaluation) -> pd.DataFrame:
    """One row per model and horizon, mean over seeds, as used; and raw_coverage."""
    frame = pd.DataFrame(
        [
            {
                "model": row.model,
                "horizon_s": row.horizon_s,
                **{name: getattr(row.used, name) for name in FIGURES},
                "raw_coverage": row.raw.coverage,
            }
            for row in evaluation.rows
        ]
    ).astype(dict.fromkeys(FIGURES, "float64"))
    means: pd.DataFrame = frame.groupby(["model", "horizon_s"], sort=False).mean()
    return means.reset_index()


def ranked(
    evaluation: Evaluation, baselines: tuple[str, ...], horizon_s: float | None
) -> pd.DataFrame:
    """One row a model, the least pinball loss first, with `against`: relative to the baselines.

    Args:
        evaluation: of one trace.
        baselines: names of the forecasters to beat.
        horizon_s: one horizon; None: the mean over all.
    """
    rows = scores(evaluation)
    if horizon_s is not None:
        rows = rows[rows["horizon_s"] == horizon_s]
    means = rows.drop(columns="horizon_s").groupby("model", sort=False).mean().reset_index()
    to_beat = means.loc[means["model"].isin(baselines), "pinball"].min()
    means["against"] = means["pinball"] / to_beat - 1 if to_beat > 0 else float("nan")
    means["ms"] = means["model"].map(dict(evaluation.forecast_ms))
    means["fit_s"] = means["model"].map(dict(evaluation.fit_s))
    return means.sort_values("pinball", kind="stable", ignore_index=True)


def table(
    rows: pd.DataFrame,
    labels: Mapping[str, str],
    baselines: tuple[str, ...],
    use: str,
    unit: str,
) -> pd.DataFrame:
    """The leaderboard as Markdown cells; the best of each column is bold.

    Args:
        rows: from `ranked`.
        labels: names of the forecasters.
        baselines: marked as such.
        use: the recommended one.
        unit: of demand.
    """
    heads = {key: head.format(unit=unit) for key, head in words.SCORES_HEADS.items()}
    best = {name: rows[name].min() for name in ("pinball", "mase", "wape")}

    def marked(name: str, value: float, text: str) -> str:
        return f"**{text}**" if value == best.get(name) else text

    cells: dict[str, list[str]] = {head: [] for head in heads.values()}
    for place, row in enumerate(rows.to_dict("records")):
        badges = [
            badge
            for badge, shown in (
                (words.BEST_BADGE, place == 0),
                (words.USE_BADGE, row["model"] == use),
                (words.BASELINE_BADGE, row["model"] in baselines),
            )
            if shown
        ]
        name = phrases.escaped(labels.get(row["model"], row["model"]))
        told = {
            "model": " ".join([f"**{name}**", *badges]),
            "pinball": marked("pinball", row["pinball"], _number(row["pinball"], "")),
            "against": _against(row["against"]),
            "mase": marked("mase", row["mase"], _number(row["mase"], "")),
            "wape": marked("wape", row["wape"], _share(row["wape"])),
            "coverage": coverage_cell(row["coverage"]),
            "width": _share(row["width"]),
            "ms": _times(row["ms"], row["fit_s"]),
        }
        for key, text in told.items():
            whole = (
                text if key in ("model", "coverage") else text.replace(" ", "\N{NO-BREAK SPACE}")
            )
            cells[heads[key]].append(whole)
    return pd.DataFrame(cells)


def coverage_cell(share: float) -> str:
    """A coverage with a word where it breaks the promise."""
    text = f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
    if share < words.BELOW_BAR:
        return f":orange[{text}, {words.TOO_NARROW}]"
    if share > words.ABOVE_BAR:
        return f":orange[{text}, {words.TOO_WIDE}]"
    return f":green[{text}]"


def _number(value: float, unit: str) -> str:
    return "" if math.isnan(value) else f"{formats.amount(value)} {unit}".strip()


def _times(forecast_ms: float, fit_s: float) -> str:
    """Of a forecast and, in seconds or whole minutes, of the fit: the column is narrow."""
    took = _number(forecast_ms, "ms")
    to_s = 1 if fit_s < _MINUTE_S else _MINUTE_S
    return f"{took} ({formats.duration(round(fit_s / to_s) * to_s)})" if fit_s >= 0.5 else took


def _share(value: float) -> str:
    return "" if math.isnan(value) else formats.coarse_percent(value)


def _against(value: float) -> str:
    return "" if math.isnan(value) else formats.relative(value)
