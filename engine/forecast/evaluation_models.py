"""Every model at the cut-offs of one end of a series, and what is made of them together."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.forecast import mixing
from engine.forecast.base import Model, UnfitError
from engine.forecast.conformal import TOGETHER, calibrated
from engine.forecast.ensemble import Ensemble
from engine.forecast.evaluation_plan import Plan
from engine.forecast.network import Network
from engine.forecast.registry import ENSEMBLE
from engine.forecast.relearning import Relearned, relearned
from engine.forecast.scores import LEVELS
from engine.forecast.series import overlap
from engine.units import BoolArray, FloatArray

CHOICE, MIXED = "choice", Ensemble.name
"""Made of the others: the online mixture of all, and the ensemble with fixed weights."""
USUAL = "bilstm"
"""The shipped network, which others are held against where little is known."""
TIMED = 15
"""Calls that the time of one forecast is the median of."""


@dataclass(slots=True)
class Found:
    """Forecasts of one model by seed, (B, H, 3)."""

    quantiles: dict[int, FloatArray] = field(default_factory=dict)
    """As it gave them."""
    used: dict[int, FloatArray] = field(default_factory=dict)
    """As it is or calibrated, whichever had lost less by then; of the choice: calibrated."""
    relearned: list[Relearned] = field(default_factory=list)
    fit_s: list[float] = field(default_factory=list)
    forecast_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class End:
    """One end of a series: what is asked there, and what the models said."""

    tasks: Plan
    found: dict[str, Found]
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By horizon in seconds, of the choice at the last cut-off."""

    def mix(self, seeds: Sequence[int]) -> None:
        """Adds the choice and, where a member of it was asked, the ensemble."""
        choice, self.weights = _choice(self.found, self.tasks, seeds)
        members = [self.found[name] for name in ENSEMBLE if name in self.found]
        if members:
            self.found[MIXED] = _ensemble(members, self.tasks, seeds)
        self.found[CHOICE] = choice


def ask(found: Found, model: Model, seed: int, tasks: Plan) -> None:
    """Fits a model to the training part and adds its forecasts at every cut-off.

    Raises:
        UnfitError: it cannot be fitted there, or forecasts what is no number.
        CheckpointError: the network cannot be loaded.
    """
    train = tasks.series.before(tasks.parts.train)
    began = time.perf_counter()
    model.fit(train, tasks.horizons_s)
    fit_s = time.perf_counter() - began
    made = model.predict_quantiles(tasks.histories, tasks.horizons_s, LEVELS)
    if not np.isfinite(made).all():
        raise UnfitError("it gave forecasts that are not numbers", train.name, "Use another model")
    if isinstance(model, Network) and model.tunes:
        made, again = relearned(model, made, tasks)
        found.relearned += again
    found.quantiles[seed] = made
    found.used[seed] = as_used(made, _calibrated(made, tasks), tasks)
    one = tasks.histories.rows(slice(len(tasks.cuts) - 1, None))
    times = []
    for _ in range(TIMED):
        began = time.perf_counter()
        model.predict_quantiles(one, tasks.horizons_s, LEVELS)
        times.append(1000 * (time.perf_counter() - began))
    found.fit_s.append(fit_s)
    found.forecast_ms.append(float(np.median(times)))


def as_used(raw: FloatArray, sure: FloatArray, tasks: Plan) -> FloatArray:
    """(B, H, 3) of one model as it is or calibrated, whichever had lost less by then.

    Args:
        raw: (B, H, 3) as the model gave them.
        sure: (B, H, 3) the same, calibrated.
        tasks: cut-offs, and what came.
    """
    made = [
        mixing.as_used(
            raw[None, :, h], sure[None, :, h], tasks.came[:, h], tasks.cuts, tasks.cuts + steps
        )[0]
        for h, steps in enumerate(tasks.ahead)
    ]
    return np.stack(made, 1)


def _calibrated(quantiles: FloatArray, tasks: Plan) -> FloatArray:
    """(B, H, 3) as online calibration would have given them."""
    cuts = tasks.cuts.astype(np.float64)
    made = [
        calibrated(quantiles[:, h], tasks.came[:, h], cuts + steps, cuts)
        for h, steps in enumerate(tasks.ahead)
    ]
    return np.stack(made, 1)


def _of_seed(by_seed: Mapping[int, FloatArray], seed: int) -> FloatArray:
    return by_seed.get(seed, next(iter(by_seed.values())))


def _choice(
    found: Mapping[str, Found], tasks: Plan, seeds: Sequence[int]
) -> tuple[Found, dict[str, dict[str, float]]]:
    """The online mixture, the mean of members as used, calibrated; and its last weights."""
    names, choice = list(found), Found()
    weights: dict[str, dict[str, float]] = {}
    for seed in seeds:
        raw, used = (
            np.stack([_of_seed(of, seed) for of in each])  # (M, B, H, 3)
            for each in zip(*((one.quantiles, one.used) for one in found.values()), strict=True)
        )
        plain, made = np.empty_like(raw[0]), np.empty_like(raw[0])
        for h, steps in enumerate(tasks.ahead):
            came, cuts, ends = tasks.came[:, h], tasks.cuts, tasks.cuts + steps
            lost = mixing.losses(came, used[:, :, h])
            may = _may_count(names, lost, tasks, h)
            shares = mixing.rank_weights(lost, cuts, ends, may)
            plain[:, h] = np.einsum("bm,mbq->bq", shares, raw[:, :, h])
            mean = np.einsum("bm,mbq->bq", shares, used[:, :, h])
            made[:, h] = calibrated(mean, came, ends, cuts, pace=TOGETHER)
            last = mixing.names_by_weight(names, shares[-1])
            weights.setdefault(f"{tasks.horizons_s[h]:g}", last)
        choice.quantiles[seed], choice.used[seed] = plain, made
    _add_times(choice, list(found.values()))
    return choice, weights


def _may_count(names: Sequence[str], lost: FloatArray, tasks: Plan, h: int) -> BoolArray | None:
    """(B, M) models that may be chosen; None: all, as enough is known to rank them by.

    How much is known depends on the lengths of trace and horizon alone.
    """
    steps = int(tasks.ahead[h])
    lag = overlap(tasks.cuts, steps)
    outcomes = np.isfinite(tasks.came[tasks.valid, h]).sum()
    if USUAL not in names or outcomes >= mixing.FEW * lag:
        return None
    return mixing.not_worse(lost, tasks.cuts, tasks.cuts + steps, names.index(USUAL), lag)


def _ensemble(members: Sequence[Found], tasks: Plan, seeds: Sequence[int]) -> Found:
    """With the weights that were best over the validation part."""
    fixed = Found()
    for seed in seeds:
        raw = np.stack([_of_seed(member.quantiles, seed) for member in members])
        joined = np.empty_like(raw[0])
        for h in range(len(tasks.ahead)):
            came = tasks.came[tasks.valid, h]
            fitted = mixing.ensemble_weights(came, raw[:, tasks.valid, h])
            joined[:, h] = np.einsum("m,mbq->bq", fitted, raw[:, :, h])
        fixed.quantiles[seed] = joined
        fixed.used[seed] = as_used(joined, _calibrated(joined, tasks), tasks)
    _add_times(fixed, members)
    return fixed


def _add_times(mixture: Found, members: Sequence[Found]) -> None:
    mixture.fit_s = [sum(float(np.mean(member.fit_s)) for member in members)]
    mixture.forecast_ms = [sum(float(np.mean(member.forecast_ms)) for member in members)]
