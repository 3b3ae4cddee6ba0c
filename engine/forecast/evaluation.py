"""The leaderboard of one series: every model at rolling origins, calibrated as time goes on."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.errors import CheckpointError, ReplayCancelled, UsageError
from engine.forecast import mixing
from engine.forecast.base import HORIZONS_S, Model, UnfitError
from engine.forecast.conformal import TOGETHER, calibrated
from engine.forecast.coverage import CoverageRecord, counted
from engine.forecast.drift import drifts
from engine.forecast.ensemble import Ensemble
from engine.forecast.evaluation_plan import Plan, plan
from engine.forecast.network import Network
from engine.forecast.registry import BASELINES, ENSEMBLE, MODELS, ModelInfo, find
from engine.forecast.relearning import Relearned, relearned
from engine.forecast.scores import LEVELS, Paired, Score, inside, margin, paired, pinball, score
from engine.forecast.series import DemandSeries
from engine.units import BoolArray, FloatArray

SEEDS = (0, 1, 2)
CHOICE, MIXED = "choice", Ensemble.name
"""Made of the others: the online mixture of all, and the ensemble with fixed weights."""
USUAL = "bilstm"
"""The shipped network, which others are held against where little is known."""
NOTHING = 1e-4
"""Of the mean demand: a loss that no comparison says anything about."""
TIMED = 15
"""Calls that the time of one forecast is the median of."""
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model, seed and horizon."""

    model: str
    seed: int
    horizon_s: float
    raw: Score
    """As the model gave it."""
    calibrated: Score
    """As it would have been used: as it is, or with the online calibration that every model gets,
    whichever had lost less by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The choice against the best baseline at one horizon, mean over seeds."""

    horizon_s: float
    ours: str
    """The choice: its weights were settled by what came before each cut-off."""
    best_baseline: str
    test: Paired


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an evaluation found."""

    name: str
    unit: str
    step_s: float
    steps: int
    origins: int
    """Cut-offs in the test part."""
    horizons_s: tuple[float, ...]
    left_out: Mapping[str, str]
    """Horizons and models without a score, and why."""
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    fit_s: Mapping[str, float]
    """Seconds to fit, mean over seeds."""
    forecast_ms: Mapping[str, float]
    """Milliseconds of one forecast, all horizons."""
    comparisons: tuple[Comparison, ...]
    weights: Mapping[str, Mapping[str, float]]
    """By horizon in seconds, of the choice at the end of the test part."""
    drift_steps: tuple[int, ...]
    """Cut-offs at which the shipped forecaster's loss told of a drift."""
    relearned: tuple[Relearned, ...]
    """Where the network fitted to the trace learned again after a drift, and what that gave."""
    coverage_margin: float | None
    """Half of the 95 % interval of the choice's coverage, mean over horizons: with few or
    overlapping outcomes even a perfect interval covers more or less. None: too few."""
    use: str
    """The model with the least calibrated pinball loss over the validation part; the ensemble,
    whose weights were fitted to that part, does not stand for it."""
    choice_coverage: CoverageRecord | None = None
    """Of the choice over the test part, mean over seeds; None: nothing came there, or the
    evaluation was stored before this was kept."""


@dataclass(slots=True)
class _Found:
    """Forecasts of one model by seed: (B, H, 3), as it gave them and calibrated."""

    quantiles: dict[int, FloatArray] = field(default_factory=dict)
    calibrated: dict[int, FloatArray] = field(default_factory=dict)
    relearned: list[Relearned] = field(default_factory=list)
    fit_s: list[float] = field(default_factory=list)
    forecast_ms: list[float] = field(default_factory=list)


def evaluate(
    series: DemandSeries,
    *,
    models: Sequence[str] = tuple(MODELS),
    horizons_s: Sequence[float] = HORIZONS_S,
    seeds: Sequence[int] = SEEDS,
    origins: int = 400,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Evaluation:
    """Fits every model to the training part and scores it on the test part.

    Args:
        series: demand to forecast.
        models: names of the registry; the ensemble brings its members.
        horizons_s: seconds ahead.
        seeds: of the models that have any.
        origins: cut-offs in each of validation and test.
        on_progress: share done and a plain sentence.
        cancelled: asked before each model.

    Raises:
        UsageError: an unknown model, or a series too short for every horizon.
        ReplayCancelled: `cancelled` said so.
    """
    tasks = plan(series, horizons_s, origins)
    wanted = [(info, seed) for info in _asked(models)
              for seed in (seeds if info.seeded else seeds[:1])]  # fmt: skip
    found: dict[str, _Found] = {}
    train = series.before(tasks.parts.train)
    for number, (info, seed) in enumerate(wanted):
        if cancelled is not None and cancelled():
            raise ReplayCancelled(
                "the evaluation was cancelled", series.name, "Start it again when you like"
            )
        if on_progress is not None:
            on_progress(number / len(wanted), f"{info.label}, seed {seed}")
        try:
            _ask(found.setdefault(info.name, _Found()), info.make(seed), seed, train, tasks)
        except (UnfitError, CheckpointError) as error:
            name = info.name if seed == seeds[0] else f"{info.name}, seed {seed}"
            tasks.left_out[name] = error.what
    found = {name: entry for name, entry in found.items() if entry.quantiles}
    if not found:
        raise UsageError(
            "no model can forecast this series", series.name,
            "; ".join(f"{name}: {why}" for name, why in tasks.left_out.items()),
        )  # fmt: skip
    weights = _add_mixtures(found, tasks, seeds)
    return _summary(found, tasks, tuple(seeds), weights)


def _asked(names: Sequence[str]) -> list[ModelInfo]:
    """The models to fit: those named, and the members of what is mixed."""
    mixed = any(find(name).mixed for name in names)
    members = [name for name in ENSEMBLE if mixed and name not in names]
    return [find(name) for name in (*names, *members) if not find(name).mixed]


def _ask(found: _Found, model: Model, seed: int, train: DemandSeries, tasks: Plan) -> None:
    began = time.perf_counter()
    model.fit(train, tasks.horizons_s)
    found.fit_s.append(time.perf_counter() - began)
    made = model.predict_quantiles(tasks.histories, tasks.horizons_s, LEVELS)
    if not np.isfinite(made).all():
        raise UnfitError("it gave forecasts that are not numbers", train.name, "Use another model")
    if isinstance(model, Network) and model.tunes:
        made, again = relearned(model, made, tasks)
        found.relearned += again
    found.quantiles[seed] = made
    found.calibrated[seed] = _calibrated(made, tasks)
    one = tasks.histories.rows(slice(len(tasks.cuts) - 1, None))
    times = []
    for _ in range(TIMED):
        began = time.perf_counter()
        model.predict_quantiles(one, tasks.horizons_s, LEVELS)
        times.append(1000 * (time.perf_counter() - began))
    found.forecast_ms.append(float(np.median(times)))


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


def _add_mixtures(
    found: dict[str, _Found], tasks: Plan, seeds: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Adds the choice and the ensemble; returns the choice's last weights by horizon."""
    choice, weights = _choice(found, tasks, seeds)
    members = [name for name in ENSEMBLE if name in found]
    if members:
        fixed = _ensemble([found[name] for name in members], tasks, seeds)
        found[MIXED] = fixed
    for entry in found.values():
        _use(entry, tasks)
    found[CHOICE] = choice
    return weights


def _use(found: _Found, tasks: Plan) -> None:
    """Calibrated forecasts become those that would have been used, as in the choice."""
    for seed, sure in found.calibrated.items():
        used = [
            mixing.as_used(
                found.quantiles[seed][None, :, h], sure[None, :, h], tasks.came[:, h],
                tasks.cuts, tasks.cuts + steps,
            )[0]
            for h, steps in enumerate(tasks.ahead)
        ]  # fmt: skip
        found.calibrated[seed] = np.stack(used, 1)


def _choice(
    found: Mapping[str, _Found], tasks: Plan, seeds: Sequence[int]
) -> tuple[_Found, dict[str, dict[str, float]]]:
    """The online mixture: members as they are or calibrated, then their mean calibrated."""
    names, choice = list(found), _Found()
    weights: dict[str, dict[str, float]] = {}
    for seed in seeds:
        raw = np.stack([_of_seed(found[name].quantiles, seed) for name in names])  # (M, B, H, 3)
        sure = np.stack([_of_seed(found[name].calibrated, seed) for name in names])
        plain, made = np.empty_like(raw[0]), np.empty_like(raw[0])
        for h, steps in enumerate(tasks.ahead):
            came, cuts, ends = tasks.came[:, h], tasks.cuts, tasks.cuts + steps
            used = mixing.as_used(raw[:, :, h], sure[:, :, h], came, cuts, ends)
            lost = mixing.losses(came, used)
            may = _may_count(names, lost, tasks, h)
            shares = mixing.rank_weights(lost, cuts, ends, may)
            plain[:, h] = np.einsum("bm,mbq->bq", shares, raw[:, :, h])
            mean = np.einsum("bm,mbq->bq", shares, used)
            made[:, h] = calibrated(mean, came, ends, cuts, pace=TOGETHER)
            last = mixing.names_by_weight(names, shares[-1])
            weights.setdefault(f"{tasks.horizons_s[h]:g}", last)
        choice.quantiles[seed], choice.calibrated[seed] = plain, made
    _add_times(choice, list(found.values()))
    return choice, weights


def _may_count(names: Sequence[str], lost: FloatArray, tasks: Plan, h: int) -> BoolArray | None:
    """(B, M) models that may be chosen; None: all, as enough is known to rank them by.

    How much is known depends on the lengths of trace and horizon alone.
    """
    overlap = _overlap(tasks, h)
    outcomes = np.isfinite(tasks.came[tasks.valid, h]).sum()
    if USUAL not in names or outcomes >= mixing.FEW * overlap:
        return None
    ends = tasks.cuts + tasks.ahead[h]
    return mixing.not_worse(lost, tasks.cuts, ends, names.index(USUAL), overlap)


def _ensemble(members: Sequence[_Found], tasks: Plan, seeds: Sequence[int]) -> _Found:
    """With the weights that were best over the validation part."""
    fixed = _Found()
    for seed in seeds:
        raw = np.stack([_of_seed(member.quantiles, seed) for member in members])
        joined = np.empty_like(raw[0])
        for h in range(len(tasks.ahead)):
            came = tasks.came[tasks.valid, h]
            fitted = mixing.ensemble_weights(came, raw[:, tasks.valid, h])
            joined[:, h] = np.einsum("m,mbq->bq", fitted, raw[:, :, h])
        fixed.quantiles[seed], fixed.calibrated[seed] = (
            joined,
            _calibrated(joined, tasks),
        )
    _add_times(fixed, members)
    return fixed


def _add_times(mixture: _Found, members: Sequence[_Found]) -> None:
    mixture.fit_s = [sum(float(np.mean(member.fit_s)) for member in members)]
    mixture.forecast_ms = [sum(float(np.mean(member.forecast_ms)) for member in members)]


def _summary(
    found: dict[str, _Found], tasks: Plan, seeds: tuple[int, ...],
    weights: dict[str, dict[str, float]],
) -> Evaluation:  # fmt: skip
    rows: list[Row] = []
    losses: dict[tuple[str, int], FloatArray] = {}  # by model and horizon: (B,) mean over seeds
    valid_loss: dict[str, float] = {}
    for name, entry in found.items():
        by_horizon: list[list[FloatArray]] = [[] for _ in tasks.ahead]
        for seed, quantiles in entry.quantiles.items():
            for h, horizon_s in enumerate(tasks.horizons_s):
                made = entry.calibrated[seed][:, h]
                by_horizon[h].append(pinball(tasks.came[:, h], made, LEVELS).mean(-1))
                test = ~tasks.valid & np.isfinite(tasks.came[:, h])
                if test.any():
                    rows.append(Row(
                        model=name, seed=seed, horizon_s=horizon_s,
                        raw=score(tasks.came[test, h], quantiles[test, h], tasks.step_error),
                        calibrated=score(tasks.came[test, h], made[test], tasks.step_error),
                    ))  # fmt: skip
        means = [np.mean(seeded, 0) for seeded in by_horizon]
        for h, mean in enumerate(means):
            losses[name, h] = mean
        valid_loss[name] = float(np.mean([np.mean(_known(m[tasks.valid])) for m in means]))
    return Evaluation(
        name=tasks.series.name, unit=tasks.series.unit, step_s=tasks.series.step_s,
        steps=len(tasks.series.values), origins=int((~tasks.valid).sum()),
        horizons_s=tasks.horizons_s, left_out=tasks.left_out, seeds=seeds, rows=tuple(rows),
        fit_s={name: float(np.mean(entry.fit_s)) for name, entry in found.items()},
        forecast_ms={name: float(np.mean(e.forecast_ms)) for name, e in found.items()},
        comparisons=_comparisons(found, tasks, losses), weights=weights,
        drift_steps=_drift(found, tasks),
        relearned=tuple(entry for one in found.values() for entry in one.relearned),
        coverage_margin=margin(_covered(found[CHOICE], tasks), _overlap(tasks, -1)),
        use=_best(valid_loss), choice_coverage=_counted(found[CHOICE], tasks),
    )  # fmt: skip


def _counted(choice: _Found, tasks: Plan) -> CoverageRecord | None:
    if not np.isfinite(tasks.came[~tasks.valid]).any():
        return None
    raw, made = choice.quantiles.values(), choice.calibrated.values()
    return counted(CHOICE, tasks, list(raw), list(made)).kept()


def _best(valid_loss: Mapping[str, float]) -> str:
    """Of least validation loss; the choice where nothing is known.

    Not the ensemble: its weights were fitted to the same outcomes.
    """
    known = {n: loss for n, loss in valid_loss.items() if n != MIXED and np.isfinite(loss)}
    return min(known, key=known.__getitem__) if known else CHOICE


def _known(values: FloatArray) -> FloatArray:
    known = values[np.isfinite(values)]
    return known if len(known) else np.full(1, np.inf)


def _comparisons(
    found: Mapping[str, _Found], tasks: Plan, losses: Mapping[tuple[str, int], FloatArray]
) -> tuple[Comparison, ...]:
    baselines = [name for name in BASELINES if name in found]
    made = []
    for h, horizon_s in enumerate(tasks.horizons_s):
        test = ~tasks.valid & np.isfinite(tasks.came[:, h])
        if not (baselines and test.any()):
            continue
        best = min(baselines, key=lambda name: float(losses[name, h][test].mean()))
        if losses[best, h][test].mean() <= NOTHING * tasks.came[test, h].mean():
            reason = "the baselines lose next to nothing there, so nothing can be compared"
            tasks.left_out[f"comparison at {horizon_s:g} s"] = reason
            continue
        made.append(Comparison(
            horizon_s=horizon_s, ours=CHOICE, best_baseline=best,
            test=paired(losses[CHOICE, h][test], losses[best, h][test], _overlap(tasks, h)),
        ))  # fmt: skip
    return tuple(made)


def _overlap(tasks: Plan, h: int) -> int:
    """Cut-offs whose forecasts of one horizon reach over each other."""
    stride = float(np.median(np.diff(tasks.cuts))) if len(tasks.cuts) > 1 else 1.0
    return int(np.ceil(tasks.ahead[h] / max(stride, 1.0)))


def _covered(choice: _Found, tasks: Plan) -> FloatArray:
    """(B,) share of horizons and seeds whose interval held what came, over the test part."""
    came = tasks.came[~tasks.valid]
    held = np.mean([inside(came, made[~tasks.valid]) for made in choice.calibrated.values()], 0)
    known = np.isfinite(came)
    share: FloatArray = np.where(known, held, 0.0).sum(1) / np.where(known, 1.0, np.nan).sum(1)
    return share


def _drift(found: Mapping[str, _Found], tasks: Plan) -> tuple[int, ...]:
    """From the loss at the shortest horizon, over its own first losses."""
    name = "bilstm" if "bilstm" in found else next(iter(found))
    quantiles = next(iter(found[name].quantiles.values()))[:, 0]
    losses = pinball(tasks.came[:, 0], quantiles, LEVELS).mean(-1)
    return tuple(int(tasks.cuts[place] + tasks.ahead[0]) for place in drifts(losses))
