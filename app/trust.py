"""Whether to trust forecasts of a trace, in plain sentences computed from an evaluation. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import pandas as pd

from app import forecast_words as words
from app import formats
from app.leaderboard import scores
from engine.forecast.coverage import Coverage
from engine.forecast.evaluation import CHOICE, Comparison, Evaluation
from engine.forecast.fan import Fan
from engine.forecast.relearning import Relearned

SURE = 0.05
"""p values below it tell of a difference."""
LITTLE = 0.01
"""Share of the loss that is hardly worth mentioning."""
_HORIZON = re.compile(r"([0-9.]+) s")
FEW = 200
"""So few tested moments leave coverage uncertain by more than 5 points."""


class Level(StrEnum):
    """How far the band keeps its promise."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What an evaluation says to an operator."""

    level: Level
    headline: str
    details: tuple[str, ...]
    notes: tuple[str, ...]
    """What is good to know but changes nothing."""


def recommended(evaluation: Evaluation, known: Sequence[str]) -> str:
    """The choice where it can be asked; else the best, or what weighs most in a mixture."""
    if CHOICE in known:
        return CHOICE
    if evaluation.use in known:
        return evaluation.use
    total: dict[str, float] = {}
    for weights in evaluation.weights.values():
        for name, weight in weights.items():
            total[name] = total.get(name, 0.0) + weight
    fit = [name for name in total if name in known]
    return max(fit, key=total.__getitem__) if fit else known[0]


def trust(evaluation: Evaluation, use: str, labels: Mapping[str, str]) -> Trust:
    """Where the band of `use` keeps its promise, how good it is, and where it loses.

    Args:
        evaluation: of the trace.
        use: the recommended forecaster, one of those evaluated.
        labels: names of the forecasters.
    """
    frame = scores(evaluation)
    mine = frame[frame["model"] == use]
    held = {
        float(horizon): float(share)
        for horizon, share in zip(mine["horizon_s"], mine["coverage"], strict=True)
    }
    narrow = [h for h, share in held.items() if share < words.BELOW_BAR]
    level = Level.ALL if not narrow else Level.SOME if len(narrow) < len(held) else Level.NONE
    return Trust(
        level=level,
        headline=_headline(held, labels[use]),
        details=tuple(
            text
            for text in (
                _use(evaluation, use, labels),
                _held(held, evaluation, use, labels[use]),
                *_against(evaluation.comparisons, labels),
            )
            if text
        ),
        notes=tuple(
            text
            for text in (
                _off(mine, labels[use]),
                _left_out(evaluation.left_out),
                _drift(len(evaluation.drift_steps)),
                _again(evaluation.relearned, evaluation.unit),
            )
            if text
        ),
    )


def within(name: str) -> str:
    """A name inside a sentence."""
    return f"the {name[4:]}" if name.startswith("The ") else name


def _headline(held: Mapping[float, float], name: str) -> str:
    narrow = [h for h, share in held.items() if share < words.BELOW_BAR]
    wide = [h for h, share in held.items() if share > words.ABOVE_BAR]
    kept = [h for h in held if h not in (*narrow, *wide)]
    if len(narrow) == len(held):
        return (
            f"Do not rely on the 80 % band here: even that of {within(name)} held less than 77 %."
        )
    band = "the 80 % band"
    told = [f"rely on {band} {_ahead(kept)} ahead"] if kept else []
    if wide:
        told.append(f"{'it' if told else band} is wider than it claims {_ahead(wide)} ahead")
    if narrow:
        told.append(f"do not rely on {'it' if told else band} {_ahead(narrow)} ahead")
    return f"With {within(name)}: {'; '.join(told)}."


def _ahead(horizons_s: list[float]) -> str:
    return formats.listed([formats.duration(horizon) for horizon in horizons_s])


def _use(evaluation: Evaluation, use: str, labels: Mapping[str, str]) -> str:
    if evaluation.use == use:
        name = within(labels[use])
        return f"Use {name}: it lost least in the part of the trace kept for choosing."
    best = labels.get(evaluation.use, evaluation.use)
    if use == CHOICE:
        return (
            f"Use {within(labels[use])}: the mean of the forecasters that have lost least so "
            f"far, ranked anew after every outcome. {best} alone lost less in the part of the "
            "trace kept for choosing."
        )
    single = f"Of single forecasters, use {labels[use]}: it weighs most in the mixture."
    return f"{best} lost least in the part of the trace kept for choosing. {single}"


def _held(held: Mapping[float, float], evaluation: Evaluation, use: str, name: str) -> str:
    origins, margin = evaluation.origins, evaluation.coverage_margin
    ends, told = len(evaluation.ends), []
    for horizon_s, share in held.items():
        outcomes = evaluation.outcomes.get(f"{horizon_s:g}", origins)
        of = f" of {outcomes}" if ends > 1 else ""
        told.append(f"{100 * share:.1f} %{of} at {formats.duration(horizon_s)}{_fault(share)}")
    text = f"As used, the band of {within(name)} held {formats.listed(told)}"
    if ends > 1:
        where = f"where the trace ends and at {formats.count(ends - 1, 'earlier end')}"
        chance = _by_chance(evaluation, use)
        return f"{text}, {where}; few of these are independent of each other, so chance {chance}."
    text += f" of what came after {formats.count(origins, 'cut-off')}"
    if use == CHOICE and margin is not None:
        chance = f"chance alone moves the mean by {100 * margin:.0f} points"
        return f"{text}; as outcomes depend on each other, {chance}."
    if origins >= FEW:
        return f"{text}."
    error = 196 * np.sqrt(0.8 * 0.2 / max(origins, 1))
    return f"{text}, so few that chance alone moves this by {error:.0f} points."


def _by_chance(evaluation: Evaluation, use: str) -> str:
    """How far chance moves each horizon's coverage, of the choice; of others roughly."""
    known = [f"{100 * by:.0f} points at {formats.duration(float(at))}"
             for at, by in evaluation.coverage_margins.items() if by is not None]  # fmt: skip
    if use != CHOICE or not known:
        return "may move this by several points"
    return f"alone moves this by {formats.listed(known)}"


def _fault(share: float) -> str:
    if share < words.BELOW_BAR:
        return f" ({words.TOO_NARROW})"
    return f" ({words.TOO_WIDE})" if share > words.ABOVE_BAR else ""


def _off(mine: pd.DataFrame, name: str) -> str:
    known = mine.dropna(subset=["wape"])
    if known.empty:
        return ""
    told = [
        f"{formats.coarse_percent(wape)} of demand at {formats.duration(horizon)}"
        for horizon, wape in zip(known["horizon_s"], known["wape"], strict=True)
    ]
    ends = told if len(told) < 3 else [told[0], told[-1]]
    return f"On average the median of {within(name)} was off by {formats.listed(ends)}."


def _against(comparisons: Sequence[Comparison], labels: Mapping[str, str]) -> list[str]:
    """Where our forecaster beats the best baseline, where it loses, where nobody can say."""
    better, worse, alike = [], [], []
    for entry in comparisons:
        test, when = entry.test, formats.duration(entry.horizon_s)
        if test.p_value >= SURE:
            alike.append(when)
        elif test.difference_frac < 0:
            better.append(f"{when} ({formats.relative(test.difference_frac)})")
        else:
            lost_to = labels.get(entry.best_baseline, entry.best_baseline)
            worse.append(f"{when} ({formats.relative(test.difference_frac)}, {lost_to})")
    ours = labels.get(comparisons[0].ours, comparisons[0].ours) if comparisons else ""
    told = []
    if better:
        told.append(f"{ours} beats the best simple forecaster at {formats.listed(better)}.")
    if worse:
        told.append(f"{ours} loses to a simple forecaster at {formats.listed(worse)}.")
    if alike:
        told.append(
            f"At {formats.listed(alike)} no difference to the best simple forecaster can be shown."
        )
    return told


def _left_out(left_out: Mapping[str, str]) -> str:
    """Horizons only; forecasters without a score are told below the leaderboard."""
    reasons: dict[str, list[str]] = {}
    for name, why in left_out.items():
        horizon = _HORIZON.fullmatch(name)
        if horizon is not None:
            reasons.setdefault(why, []).append(formats.duration(float(horizon[1])))
    told = [f"{formats.listed(names)} ({why})" for why, names in reasons.items()]
    return f"Not tested: {'; '.join(told)}." if told else ""


def _drift(times: int) -> str:
    if not times:
        return ""
    return (
        f"Demand changed its pattern {formats.count(times, 'time')} in the validated and tested "
        "parts; the calibration follows such changes with a delay."
    )


def _again(found: Sequence[Relearned], unit: str) -> str:
    if not found:
        return ""
    before, after, taken = (
        np.mean([getattr(one, name) for one in found])
        for name in ("before", "after", "taken_frac")
    )
    if not taken:
        return "The fitted network learned again after such changes; it never lost less for it."
    return (
        f"The fitted network learned again after such changes, and what it learned took over for "
        f"{100 * taken:.0f} % of what followed, where it had lost less till then: pinball loss "
        f"{formats.amount(before)} without, {formats.amount(after)} with it, {unit}."
    )


def looking_at(
    evaluation: Evaluation, model: str, use: str, labels: Mapping[str, str], quick: bool
) -> str:
    """What is drawn, where that is not what is recommended."""
    frame = scores(evaluation)
    mine = frame[frame["model"] == model]
    why = "" if quick else f" {labels[use]} has to be fitted first, which takes a while."
    if mine.empty:
        return f"Drawn below is {within(labels[model])}, which was not evaluated.{why}"
    return f"Drawn below is {within(labels[model])}. {coverage_told(mine, labels[model])}.{why}"


def not_scored(left_out: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Forecasters without a score, and why; empty if there are none."""
    told = [f"{labels[name]}: {why}" for name, why in left_out.items() if name in labels]
    return f"{words.NOT_SCORED}: {'; '.join(told)}." if told else ""


def shown_horizons(fan: Fan, horizons_s: Sequence[float]) -> list[int]:
    """Places in the fan of the horizons that the product forecasts, as far as it has them."""
    last, first = float(fan.horizons_s[-1]), float(fan.horizons_s[0])
    wanted = [h for h in horizons_s if first <= h <= last] or [first]
    return sorted({int(np.abs(fan.horizons_s - h).argmin()) for h in wanted})


def fan_table(fan: Fan, horizons_s: Sequence[float]) -> pd.DataFrame:
    """The numbers of the fan at the usual horizons."""
    amount, rows = formats.amount, []
    for place in shown_horizons(fan, horizons_s):
        low, middle, high = fan.quantiles[place, [0, len(fan.levels) // 2, -1]]
        came = fan.came[place]
        known = bool(np.isfinite(came))
        inside = (words.YES if low <= came <= high else words.NO) if known else words.UNKNOWN
        rows.append(
            {
                words.AHEAD: formats.duration(float(fan.horizons_s[place])),
                words.LOW: amount(low),
                words.MIDDLE: f"**{amount(middle)}**",
                words.HIGH: amount(high),
                words.CAME: amount(came) if known else words.UNKNOWN,
                words.HELD: inside,
            }
        )
    return pd.DataFrame(rows)


def fan_sentence(fan: Fan, name: str, epoch_s: float | None) -> str:
    """The takeaway of a fan in numbers."""
    last = len(fan.times_s) - 1
    low, middle, high = fan.quantiles[last, [0, len(fan.levels) // 2, -1]]
    amount = formats.amount
    text = (
        f"At {formats.instant(epoch_s, fan.cut_s)}, {within(name)} says {amount(middle)} "
        f"{fan.unit} in {formats.duration(float(fan.horizons_s[last]))}, 80 % band "
        f"{amount(low)} to {amount(high)}"
    )
    known = np.isfinite(fan.came)
    if not known.any():
        return f"{text}. What came is not known."
    inside = (fan.came >= fan.quantiles[:, 0]) & (fan.came <= fan.quantiles[:, -1]) & known
    steps = formats.count(int(known.sum()), "step")
    return f"{text}. Of {steps} that came, {inside.sum()} lay in it."


def faithful(of: str, gain: float, low: float, high: float) -> str:
    """Whether hiding what is attended to most hurts more than hiding anything."""
    hidden = {"steps": "step", "features": "feature"}[of]
    if not np.isfinite(gain):
        return f"There is only one {hidden} to look at, so its attention says nothing."
    effect = (
        f"Hiding the most attended {hidden} raises the loss by {_signed(gain)} more than hiding a "
        f"random one (95 % interval {_signed(low)} to {_signed(high)})"
    )
    if low > 0:
        small = ", if only a little" if gain < LITTLE else ""
        return f"{effect}: the attention over {of} points at what matters{small}."
    if high < 0:
        return f"{effect}: the attention over {of} does not point at what matters."
    return f"{effect}: that may be chance, so do not read much into the attention over {of}."


def _signed(share: float) -> str:
    return f"{formats.MINUS if share < 0 else ''}{100 * abs(share):.2g} %"


def fitted(before: float | None, after: float | None, unit: str, epochs: int) -> str:
    """What fitting to a trace was worth on the part it never saw."""
    tail = f" after {formats.count(epochs, 'epoch')}"
    if before is None or after is None or before <= 0:
        return f"Fitted{tail}; the trace is too short to say what that was worth."
    change = after / before - 1
    told = (
        f"pinball loss {formats.amount(before)} before, {formats.amount(after)} after "
        f"({unit}, {formats.relative(change)})"
    )
    if change < -0.005:
        return f"Fitting helps here: {told}{tail}, on the part it never saw."
    word = "makes no difference" if change <= 0.005 else "does not help"
    return f"Fitting {word} here: {told}{tail}, on the part it never saw. Keep the shipped one."


def tested(evaluation: Evaluation, created_at: datetime) -> str:
    """What a leaderboard rests on."""
    seeds, ends = formats.count(len(evaluation.seeds), "seed"), evaluation.ends
    before = "" if len(ends) < 2 else words.EARLIER_ENDS.format(count=len(ends) - 1)
    return (
        f"Mean over {seeds} and {evaluation.origins} cut-offs in the last 15 % of the trace"
        f"{before}, each forecaster as used, step {formats.duration(evaluation.step_s)}. "
        f"Evaluated {created_at:%d %b %Y %H:%M} UTC."
    )


def coverage_told(scores: pd.DataFrame, name: str) -> str:
    """The takeaway of coverage by horizon."""
    told = [
        f"{100 * share:.0f} % at {formats.duration(horizon)}"
        for horizon, share in zip(scores["horizon_s"], scores["coverage"], strict=True)
    ]
    return f"80 % band of {within(name)}, as used: it held {formats.listed(told)}"


def reliability_told(found: Coverage, place: int) -> str:
    """The takeaway of promised against observed shares."""
    told = [
        f"{100 * share:.0f} % for {100 * level:.0f} %"
        for level, share in zip(found.levels, found.below[place], strict=True)
    ]
    return f"Observed share at or below each quantile: {formats.listed(told)}"


def over_time_told(found: Coverage, place: int) -> str:
    """The takeaway of coverage over time."""
    raw, made = (100 * np.nanmean(part[:, place]) for part in (found.covered_raw, found.covered))
    return f"Over the tested part the band held {made:.0f} % of outcomes, {raw:.0f} % uncalibrated"


def attention_told(weights: pd.DataFrame, title: str) -> str:
    """The takeaway of a heat map."""
    top = weights.iloc[int(weights["weight"].argmax())]
    return f"{title}: most on {top['row']}, {top['step']} steps before the moment"


def features_present(number: int, of: int) -> str:
    """How many features the trace has."""
    return f"This forecaster knows {number} of {of} features here; the others are marked absent."
