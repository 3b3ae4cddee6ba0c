"""Forecasts of stored traces: leaderboards that are kept, fans at a moment, fitted forecasters."""

import hashlib
import json
import math
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import msgspec

import engine
from engine.demand import RATE, SLOTS, as_options, demand_series, step_of
from engine.errors import UsageError
from engine.forecast.base import HORIZONS_S, Model
from engine.forecast.coverage import Coverage, coverage
from engine.forecast.evaluation import CHOICE, SEEDS, Evaluation, evaluate
from engine.forecast.fan import Fan, Fans
from engine.forecast.fitted import FitReport, attention_check, fit_series, keep
from engine.forecast.mixture import Mixture, weights_of
from engine.forecast.network import Network, shipped
from engine.forecast.neural import NeuralForecaster
from engine.forecast.neural_attention import Faithfulness
from engine.forecast.registry import MODELS, ModelInfo, find
from engine.forecast.scores import LEVELS
from engine.forecast.series import DemandSeries
from engine.forecast.watch import Watch
from engine.scenario import Scenario
from engine.scenario_file import content_hash
from engine.store import forecasts, traces
from engine.store.duck import Store
from engine.store.forecasts import EvaluationRow
from engine.store.trace_info import TraceInfo

FITTED, SHIPPED = "bilstm-fitted", "bilstm"
_LIBRARIES = ("numpy", "scipy", "statsmodels", "xgboost", "xgboost-cpu", "prophet", "torch")
"""Whose presence and version decide results too."""
OnProgress = Callable[[float, str], None]
Cancel = Callable[[], bool]
T = TypeVar("T")


class Where(TypedDict, total=False):
    """Which demand of a trace; see `engine.demand.demand_series`."""

    step_s: float | None
    unit: str
    scenario: Scenario | None
    pool: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    """A leaderboard that the store keeps."""

    evaluation_id: str
    created_at: datetime
    wall_s: float
    """Seconds that it took."""
    models: tuple[str, ...]
    """Those that were asked for."""
    pool: str | None
    evaluation: Evaluation


class ForecastRuns:
    """The forecasting part of the planner."""

    _store: Store

    def forecasters(self) -> Sequence[ModelInfo]:
        """Every forecaster, baselines first."""
        return tuple(MODELS.values())

    def demand(self, trace_key: str, **where: Unpack[Where]) -> DemandSeries:
        """Demand of a trace, or of one pool of a scenario. Raises UsageError, StoreError."""
        return demand_series(self._store, self._found(trace_key), **where)

    def evaluate_forecasts(
        self,
        trace_key: str,
        *,
        models: Sequence[str] | None = None,
        horizons_s: Sequence[float] = HORIZONS_S,
        seeds: Sequence[int] = SEEDS,
        origins: int = 400,
        progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        fresh: bool = False,
        **where: Unpack[Where],
    ) -> Evaluation:
        """Scores forecasters on a trace, or takes the scores from the store.

        Args:
            trace_key: id, name, or the beginning of one.
            models: names; None: all.
            horizons_s: seconds ahead.
            seeds: of the models that have any.
            origins: cut-offs at most in each of validation and test.
            progress: share done and a plain sentence.
            cancel: asked before each model.
            fresh: evaluate again what is stored already.
            **where: which demand.

        Raises:
            UsageError: an unknown model, odd settings, or too short a trace.
            StoreError: no such trace.
            ReplayCancelled: `cancel` said so; nothing was stored.
        """
        trace, series = self._found(trace_key), self.demand(trace_key, **where)
        spec = _spec(series, where, models, horizons_s, seeds, origins)
        code = code_version()
        evaluation_id = _hash(trace.content_hash, spec, code)
        row = None if fresh else forecasts.find_evaluation(self._store, evaluation_id)
        stored = None if row is None else _stored(row)
        if stored is not None:
            return stored.evaluation
        began = time.perf_counter()
        made = evaluate(
            series, models=spec["models"], horizons_s=spec["horizons_s"], seeds=spec["seeds"],
            origins=origins, on_progress=progress, cancelled=cancel,
        )  # fmt: skip
        forecasts.save_evaluation(
            self._store, evaluation_id, trace_id=trace.trace_id, spec=spec,
            code_version=code, wall_s=time.perf_counter() - began,
            result=msgspec.json.encode(made).decode(),
        )  # fmt: skip
        return made

    def evaluations(self, trace_key: str) -> list[StoredEvaluation]:
        """Stored evaluations of a trace's demand, newest first. Raises StoreError.

        Those of an earlier program whose form is not read any more are left out.
        """
        rows = forecasts.evaluations_of_trace(self._store, self._found(trace_key).trace_id)
        return [stored for row in rows if (stored := _stored(row)) is not None]

    def forecast(
        self,
        trace_key: str,
        at_s: float,
        *,
        model: str = SHIPPED,
        levels: Sequence[float] = LEVELS,
        calibrated: bool = True,
        **where: Unpack[Where],
    ) -> Fan:
        """What a forecaster says at a moment, from demand strictly before it.

        Args:
            trace_key: id, name, or the beginning of one.
            at_s: seconds since the trace's start.
            model: a name of `forecasters`, or `choice`: the mixture with the weights that the
                newest evaluation ended with.
            levels: quantiles, increasing.
            calibrated: whether earlier forecasts calibrate the interval.
            **where: which demand.

        Raises:
            UsageError: an unknown model, one not fitted yet or that cannot be fitted, levels that
                it cannot give, or a moment outside the trace.
            CheckpointError: the network cannot be loaded.
        """
        fans = self.fans(trace_key, model=model, levels=levels, calibrated=calibrated, **where)
        return fans.at(at_s)

    def fans(
        self,
        trace_key: str,
        *,
        model: str = SHIPPED,
        levels: Sequence[float] = LEVELS,
        calibrated: bool = True,
        **where: Unpack[Where],
    ) -> Fans:
        """The same for many moments of one demand, where each further one is quick.

        Raises:
            UsageError: an unknown model, or one not fitted yet.
            CheckpointError: the fitted network cannot be loaded.
        """
        trace, series = self._found(trace_key), self.demand(trace_key, **where)
        make, until_s = self._maker(trace, series, model, where)
        return Fans(series, make, levels=levels, calibrated=calibrated, fitted_until_s=until_s)

    def coverage(
        self, trace_key: str, *, model: str = SHIPPED, **where: Unpack[Where]
    ) -> Coverage:
        """What a forecaster's quantiles were worth on the test part of a trace.

        The choice's are those of the newest evaluation that kept them.

        Raises:
            UsageError: an unknown model, one not fitted yet or that cannot be fitted, or too
                short a trace; of the choice: there is no such evaluation.
            CheckpointError: the network cannot be loaded.
        """
        trace, series = self._found(trace_key), self.demand(trace_key, **where)
        if model == CHOICE:
            return self._last(trace, series, where, lambda found: found.choice_coverage).read()
        return coverage(series, self._maker(trace, series, model, where)[0]())

    def fit_forecaster(
        self,
        trace_key: str,
        *,
        epochs: int = 20,
        seed: int = 0,
        progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **where: Unpack[Where],
    ) -> FitReport:
        """Fine-tunes the shipped forecaster on a trace and keeps it beside the store.

        The last 15 % of the trace are not used; they are what `test_before` and `test_after` say.

        Args:
            trace_key: id, name, or the beginning of one.
            epochs: at most.
            seed: of the order of examples.
            progress: told after each epoch.
            cancel: asked after each epoch.
            **where: which demand.

        Raises:
            UsageError: too few steps, or no epoch.
            ReplayCancelled: `cancel` said so; what was kept before is untouched.
            CheckpointError: the shipped forecaster cannot be loaded.
            StoreError: the folder cannot be written.
        """
        trace, series = self._found(trace_key), self.demand(trace_key, **where)
        report, forecaster = fit_series(
            series, epochs=epochs, seed=seed, on_progress=progress, cancelled=cancel
        )
        folder = self._fitted_folder(trace, series, where)
        keep(forecaster, report, folder, {"trace": trace.trace_id, "seed": seed})
        return replace(report, folder=folder)

    def faithfulness(self, trace_key: str, **where: Unpack[Where]) -> dict[str, Faithfulness]:
        """Whether hiding what the shipped forecaster attends to hurts more than hiding anything.

        Measured on the test part of the trace, over its steps and over its features.
        """
        return attention_check(self.demand(trace_key, **where))

    def _found(self, trace_key: str) -> TraceInfo:
        return traces.find_trace(self._store, trace_key)

    def _maker(
        self, trace: TraceInfo, series: DemandSeries, model: str, where: Where
    ) -> tuple[Callable[[], Model], float | None]:
        """Makes the model; and up to when demand shaped it."""
        folder = self._fitted_folder(trace, series, where)
        if model == FITTED:
            if not folder.exists():
                raise _unfitted(trace, where)
            until = NeuralForecaster.load(folder).about.get("fitted_until_s", 0.0)
            return lambda: Watch(Network(FITTED, folder)), float(until)
        if model != CHOICE:
            return partial(find(model).make, 0), None
        weights = weights_of(self._last(trace, series, where, lambda found: found.weights))
        names = sorted({name for of in weights.values() for name in of})

        def member(name: str) -> Model:
            """The one fitted before, where it knew no later demand: fitting takes minutes."""
            if name != FITTED or not folder.exists():
                return find(SHIPPED if name == FITTED else name).make(0)
            return Network(FITTED, folder, stands_in=shipped(0))

        until_s = len(series.values) * series.step_s
        return lambda: Mixture({name: member(name) for name in names}, weights), until_s

    def _last(
        self, trace: TraceInfo, series: DemandSeries, where: Where,
        part: Callable[[Evaluation], T | None],
    ) -> T:  # fmt: skip
        """Of the newest evaluation of this demand that has it."""
        demand = _demand_spec(series, where)
        for row in forecasts.evaluations_of_trace(self._store, trace.trace_id):
            stored = _stored(row) if demand.items() <= row.spec.items() else None
            if stored is not None and (found := part(stored.evaluation)):
                return found
        raise UsageError(
            "the choice is made by an evaluation, and there is none of this demand",
            f"trace {trace.name!r}", f"Evaluate it first: {_command('evaluate', trace, where)}",
        )  # fmt: skip

    def _fitted_folder(self, trace: TraceInfo, series: DemandSeries, where: Where) -> Path:
        """Beside the store; the usual demand of a trace has the plain name."""
        mark = "" if _is_usual(trace, series, where) else f"-{_hash(_demand_spec(series, where))}"
        folder = models_folder(self._store.path)
        return folder / f"forecaster-{trace.trace_id}{mark}"


def _unfitted(trace: TraceInfo, where: Where) -> UsageError:
    return UsageError(
        "no forecaster is fitted to this demand yet", f"trace {trace.name!r}",
        f"Fit one first: {_command('fit', trace, where)}",
    )  # fmt: skip


def _command(name: str, trace: TraceInfo, where: Where) -> str:
    return f"smartscale forecast {name} --trace {shlex.quote(trace.name)}{as_options(**where)}"


def models_folder(store_path: Path) -> Path:
    """Where fitted forecasters of a store lie."""
    return store_path.with_name(f"{store_path.stem}.models")


def forget_trace(store_path: Path, trace_id: str) -> None:
    """Removes the fitted forecasters of a trace that is gone."""
    for folder in models_folder(store_path).glob(f"forecaster-{trace_id}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _is_usual(trace: TraceInfo, series: DemandSeries, where: Where) -> bool:
    """The demand of the whole trace at its usual step."""
    whole = where.get("unit", RATE) == RATE and where.get("pool") is None
    return whole and series.step_s == step_of(trace)


def _demand_spec(series: DemandSeries, where: Where) -> dict[str, Any]:
    scenario, pool = where.get("scenario"), where.get("pool")
    matters = scenario is not None and (pool is not None or series.unit == SLOTS)
    return {
        "unit": series.unit, "step_s": series.step_s, "pool": pool,
        "scenario": content_hash(scenario) if scenario is not None and matters else None,
    }  # fmt: skip


def _spec(
    series: DemandSeries, where: Where, models: Sequence[str] | None,
    horizons_s: Sequence[float], seeds: Sequence[int], origins: int,
) -> dict[str, Any]:  # fmt: skip
    """What is asked for, in one order, so that the same question has one id."""
    names = {find(name).name for name in (MODELS if models is None else models)}
    for fault, fix in (
        (not names, "Name at least one forecaster"),
        (not horizons_s or any(not (math.isfinite(h) and h > 0) for h in horizons_s),
         "Name at least one horizon of more than 0 seconds"),
        (not seeds or min(seeds) < 0, "Name at least one seed of 0 or more"),
        (origins < 3, "Use 3 origins or more"),
    ):  # fmt: skip
        if fault:
            raise UsageError("nothing can be evaluated with these settings", "evaluate", fix)
    return {
        **_demand_spec(series, where),
        "models": [name for name in MODELS if name in names],
        "horizons_s": sorted(set(map(float, horizons_s))),
        "seeds": sorted(set(seeds)),
        "origins": origins,
    }


def _stored(row: EvaluationRow) -> StoredEvaluation | None:
    try:
        found = msgspec.json.decode(row.result)
        for scored in found.get("rows", ()):
            scored.setdefault("used", scored.get("calibrated"))  # its name in earlier programs
        evaluation = msgspec.convert(found, Evaluation)
    except msgspec.ValidationError:
        return None
    return StoredEvaluation(
        evaluation_id=row.evaluation_id, created_at=row.created_at.replace(tzinfo=UTC),
        wall_s=row.wall_s, models=tuple(row.spec["models"]), pool=row.spec["pool"],
        evaluation=evaluation,
    )  # fmt: skip


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def code_version() -> str:
    """Twelve hex digits of everything that decides a forecast: code, checkpoints, libraries."""
    root = Path(engine.__file__).resolve().parent
    digest = hashlib.sha256()
    networks = root.parent / "models"
    for path in (
        *(root / name for name in ("demand.py", "sim/service.py", "store/demand_queries.py")),
        *sorted((root / "forecast").rglob("*.py")),
        *sorted(networks.rglob("*.py")),
        *sorted((networks / "checkpoints").rglob("config.json")),
    ):
        digest.update(path.read_bytes())
    for name in _LIBRARIES:
        try:
            digest.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            digest.update(f"no {name}".encode())
    return digest.hexdigest()[:12]
