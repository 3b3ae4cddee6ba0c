"""The leaderboard of one series: every model at rolling origins, calibrated as time goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from engine.errors import CheckpointError, ReplayCancelled, UsageError
from engine.forecast.base import HORIZONS_S, UnfitError
from engine.forecast.coverage import CoverageRecord, counted
from engine.forecast.drift import drifts
from engine.forecast.evaluation_ends import Tested, earlier, tested
from engine.forecast.evaluation_models import CHOICE, MIXED, USUAL, End, Found, ask
from engine.forecast.evaluation_plan import Plan, plan
from engine.forecast.registry import BASELINES, ENSEMBLE, MODELS, ModelInfo, find
from engine.forecast.relearning import Relearned
from engine.forecast.scores import LEVELS, Paired, Score, paired, pinball
from engine.forecast.series import DemandSeries
from engine.units import FloatArray

__all__ = ["CHOICE", "MIXED", "SEEDS", "Comparison", "Evaluation", "Row", "evaluate"]

SEEDS = (0, 1, 2)
NOTHING = 1e-4
"""Of the mean demand: a loss that no comparison says anything about."""
OnProgress = Callable[[float, str], None]
Asked = list[tuple[ModelInfo, int]]
"""Models with their seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model, seed and horizon."""

    model: str
    seed: int
    horizon_s: float
    raw: Score
    """As the model gave it."""
    used: Score
    """As used in the choice: as it is, or with the online calibration that every model gets,
    whichever had lost less by then. Of the choice itself: its mean, calibrated."""


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
    """Cut-offs in the test part, of all ends."""
    horizons_s: tuple[float, ...]
    left_out: Mapping[str, str]
    """Horizons and models without a score, and why."""
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    fit_s: Mapping[str, float]
    """Seconds to fit to the whole series' training part, mean over seeds."""
    forecast_ms: Mapping[str, float]
    """Milliseconds of one forecast, all horizons."""
    comparisons: tuple[Comparison, ...]
    weights: Mapping[str, Mapping[str, float]]
    """By horizon in seconds, of the choice at the end of the series."""
    drift_steps: tuple[int, ...]
    """Cut-offs at which the shipped forecaster's loss told of a drift."""
    relearned: tuple[Relearned, ...]
    """Where the network fitted to the trace learned again after a drift, and what that gave."""
    coverage_margin: float | None
    """Half of the 95 % interval of the choice's coverage, mean over horizons: with few or
    overlapping outcomes even a perfect interval covers more or less. None: too few."""
    use: str
    """The model with the least pinball loss, as used, over the validation part of the earliest
    end; the ensemble, whose weights were fitted to that part, does not stand for it."""
    choice_coverage: CoverageRecord | None = None
    """Of the choice over the test part, mean over seeds; None: nothing came there, or the
    evaluation was stored before this was kept."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """By horizon in seconds: cut-offs after which it is known what came. Empty: stored before."""
    coverage_margins: Mapping[str, float | None] = field(default_factory=dict)
    """By horizon in seconds: as `coverage_margin`, at that one alone. Empty: stored before."""
    ends: tuple[int, ...] = ()
    """Steps of the series at each end that it was judged at, the whole last; see
    `evaluation_ends`. Empty: the whole only, stored before there were others."""


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

    Where the test part holds too few outcomes to tell anything by, the same is done with the
    series as it was at its earlier ends, and all outcomes are scored together; see
    `evaluation_ends`. An earlier end counts if every model of the whole series can forecast there.

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
    plans = [tasks, *earlier(tasks, origins)]
    asked = _asked(models, seeds)

    def before(at: int, number: int) -> None:
        info, seed = asked[number]
        if cancelled is not None and cancelled():
            raise ReplayCancelled(
                "the evaluation was cancelled", series.name, "Start it again when you like"
            )
        if on_progress is not None:
            where = "" if not at else f", at the end of {len(plans[at].series.values)} steps"
            share = (at + number / len(asked)) / len(plans)
            on_progress(share, f"{info.label}, seed {seed}{where}")

    whole = End(tasks=tasks, found=_whole(asked, tasks, partial(before, 0)))
    whole.mix(seeds)
    ends = [whole]
    for at, part in enumerate(plans[1:], 1):
        found, fault = _all_or_none(asked, part, whole.found, partial(before, at))
        if fault is not None:
            tasks.left_out[f"the end of {len(part.series.values)} steps"] = fault
            break
        ends.append(End(tasks=part, found=found))
        ends[-1].mix(seeds)
    return _summary(ends, tuple(seeds))


def _asked(names: Sequence[str], seeds: Sequence[int]) -> Asked:
    """The models to fit: those named, and the members of what is mixed."""
    mixed = any(find(name).mixed for name in names)
    members = [name for name in ENSEMBLE if mixed and name not in names]
    infos = [find(name) for name in (*names, *members)]
    return [
        (info, seed) for info in infos if not info.mixed
        for seed in (seeds if info.seeded else seeds[:1])
    ]  # fmt: skip


def _whole(asked: Asked, tasks: Plan, before: Callable[[int], None]) -> dict[str, Found]:
    """By name; who cannot forecast the whole series is left out, with the reason."""
    found: dict[str, Found] = {}
    for number, (info, seed) in enumerate(asked):
        before(number)
        try:
            ask(found.setdefault(info.name, Found()), info.make(seed), seed, tasks)
        except (UnfitError, CheckpointError) as error:
            name = info.name if seed == asked[0][1] else f"{info.name}, seed {seed}"
            tasks.left_out[name] = error.what
    found = {name: entry for name, entry in found.items() if entry.quantiles}
    if not found:
        raise UsageError(
            "no model can forecast this series", tasks.series.name,
            "; ".join(f"{name}: {why}" for name, why in tasks.left_out.items()),
        )  # fmt: skip
    return found


def _all_or_none(
    asked: Asked, tasks: Plan, whole: Mapping[str, Found], before: Callable[[int], None]
) -> tuple[dict[str, Found], str | None]:
    """The models of the whole series at an earlier end; or which of them cannot, and why."""
    found: dict[str, Found] = {}
    for number, (info, seed) in enumerate(asked):
        if info.name not in whole or seed not in whole[info.name].quantiles:
            continue
        before(number)
        try:
            ask(found.setdefault(info.name, Found()), info.make(seed), seed, tasks)
        except (UnfitError, CheckpointError) as error:
            return {}, f"{info.name}: {error.what}"
    return found, None


def _summary(ends: Sequence[End], seeds: tuple[int, ...]) -> Evaluation:
    whole, found, all_of = ends[0].tasks, ends[0].found, tested(ends)
    comparisons = _comparisons(all_of, whole)
    at, own = [f"{horizon_s:g}" for horizon_s in whole.horizons_s], all_of.margins(CHOICE)
    return Evaluation(
        name=whole.series.name, unit=whole.series.unit, step_s=whole.series.step_s,
        steps=len(whole.series.values), origins=len(all_of.came),
        ends=tuple(len(end.tasks.series.values) for end in ends[::-1]),
        horizons_s=whole.horizons_s, left_out=whole.left_out, seeds=seeds, rows=_rows(all_of),
        fit_s={name: float(np.mean(entry.fit_s)) for name, entry in found.items()},
        forecast_ms={name: float(np.mean(e.forecast_ms)) for name, e in found.items()},
        comparisons=comparisons, weights=ends[0].weights, drift_steps=_drift(found, whole),
        relearned=tuple(entry for one in found.values() for entry in one.relearned),
        coverage_margin=all_of.margin(CHOICE), coverage_margins=dict(zip(at, own, strict=True)),
        outcomes={key: int(all_of.known(h).sum()) for h, key in enumerate(at)},
        use=_best(ends[-1]), choice_coverage=_counted(all_of),
    )  # fmt: skip


def _rows(all_of: Tested) -> tuple[Row, ...]:
    return tuple(
        Row(
            model=name, seed=seed, horizon_s=horizon_s, raw=all_of.score(quantiles, h),
            used=all_of.score(all_of.used[name][seed], h),
        )
        for name, by_seed in all_of.quantiles.items()
        for seed, quantiles in by_seed.items()
        for h, horizon_s in enumerate(all_of.horizons_s) if all_of.known(h).any()
    )  # fmt: skip


def _counted(all_of: Tested) -> CoverageRecord | None:
    if not np.isfinite(all_of.came).any():
        return None
    raw, made = (list(of[CHOICE].values()) for of in (all_of.quantiles, all_of.used))
    return counted(CHOICE, all_of.horizons_s, all_of.times_s, all_of.came, raw, made).kept()


def _best(first: End) -> str:
    """Of least loss over the validation part of the first end, before all that is scored.

    The choice where nothing is known. Not the ensemble: its weights were fitted to that part.
    """
    known: dict[str, float] = {}
    tasks = first.tasks
    for name, entry in first.found.items():
        means = [_losses(entry.used, tasks.came, h) for h in range(len(tasks.ahead))]
        loss = float(np.mean([np.mean(_known(mean[tasks.valid])) for mean in means]))
        if name != MIXED and np.isfinite(loss):
            known[name] = loss
    return min(known, key=known.__getitem__) if known else CHOICE


def _losses(by_seed: Mapping[int, FloatArray], came: FloatArray, h: int) -> FloatArray:
    """(B,) pinball at a horizon, mean over quantiles and seeds."""
    seeded = [pinball(came[:, h], made[:, h], LEVELS).mean(-1) for made in by_seed.values()]
    mean: FloatArray = np.mean(seeded, 0)
    return mean


def _known(values: FloatArray) -> FloatArray:
    known = values[np.isfinite(values)]
    return known if len(known) else np.full(1, np.inf)


def _comparisons(all_of: Tested, whole: Plan) -> tuple[Comparison, ...]:
    made = []
    for h, horizon_s in enumerate(all_of.horizons_s):
        test = all_of.known(h)
        losses = {
            name: _losses(all_of.used[name], all_of.came, h)[test]
            for name in (CHOICE, *(name for name in BASELINES if name in all_of.used))
        }
        baselines = [name for name in losses if name != CHOICE]
        if not (baselines and test.any()):
            continue
        best = min(baselines, key=lambda name: float(losses[name].mean()))
        if losses[best].mean() <= NOTHING * all_of.came[test, h].mean():
            reason = "the baselines lose next to nothing there, so nothing can be compared"
            whole.left_out[f"comparison at {horizon_s:g} s"] = reason
            continue
        made.append(Comparison(
            horizon_s=horizon_s, ours=CHOICE, best_baseline=best,
            test=paired(losses[CHOICE], losses[best], all_of.lags[h], all_of.end[test]),
        ))  # fmt: skip
    return tuple(made)


def _drift(found: Mapping[str, Found], tasks: Plan) -> tuple[int, ...]:
    """From the loss at the shortest horizon, over its own first losses."""
    name = USUAL if USUAL in found else next(iter(found))
    quantiles = next(iter(found[name].quantiles.values()))[:, 0]
    losses = pinball(tasks.came[:, 0], quantiles, LEVELS).mean(-1)
    return tuple(int(tasks.cuts[place] + tasks.ahead[0]) for place in drifts(losses))
