"""From a stored trace to the demand series that is forecast."""

import math
import shlex

import numpy as np

from engine.errors import UsageError, did_you_mean
from engine.forecast.features import Features
from engine.forecast.series import DemandSeries
from engine.presets import PRESETS
from engine.scenario import Scenario
from engine.sim.routing import assign_pools
from engine.sim.service import work_seconds
from engine.store import demand_queries, loading
from engine.store.duck import Store
from engine.store.trace_info import TraceInfo
from engine.trace.schema import Kind
from engine.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, FloatArray

RATE, SLOTS = "requests/s", "busy slots"
THURSDAY_S = 3 * SECONDS_PER_DAY
"""Unix time began on a Thursday."""
_STEPS = (
    (72 * SECONDS_PER_HOUR, 300.0), (12 * SECONDS_PER_HOUR, 60.0), (2 * SECONDS_PER_HOUR, 15.0),
)  # fmt: skip
_SHORTEST_S = 5.0


def step_of(trace: TraceInfo) -> float:
    """Step at which a trace is forecast unless told otherwise, seconds: its own, or by length."""
    if trace.kind is Kind.SERIES:
        return float(trace.interval_s or 300.0)
    return next((step for length, step in _STEPS if trace.duration_s >= length), _SHORTEST_S)


def demand_series(
    store: Store,
    trace: TraceInfo,
    *,
    step_s: float | None = None,
    unit: str = RATE,
    scenario: Scenario | None = None,
    pool: str | None = None,
) -> DemandSeries:
    """Demand of a trace, or of one pool of a scenario.

    Args:
        store: the open store.
        trace: requests, sessions or a series.
        step_s: seconds of a step; None: `step_of`. A recorded series has its own.
        unit: `requests/s`, or `busy slots`: the mean number of slots that are in service when
            nothing waits, which needs a scenario. A recorded series keeps its unit.
        scenario: gives service times and pools.
        pool: name of a pool; None: all of them.

    Raises:
        UsageError: a kind that is no demand, a step that does not fit, an unknown pool or unit,
            or a pool, a scenario or busy slots of a recorded series.
    """
    where = f"trace {trace.name!r}"
    if trace.kind not in (Kind.REQUESTS, Kind.SESSIONS, Kind.SERIES):
        raise UsageError(
            f"it holds {trace.kind.value}, which is no demand", where,
            "Choose a trace of requests, sessions or a series",
        )  # fmt: skip
    if unit not in (RATE, SLOTS):
        raise UsageError(f"unknown unit {unit!r}", "unit", did_you_mean(unit, (RATE, SLOTS)))
    if trace.kind is Kind.SERIES:
        _as_recorded(unit, scenario, pool, where)
        return _recorded(store, trace, step_s, where)
    step_s = step_of(trace) if step_s is None else step_s
    if not (math.isfinite(step_s) and 1.0 <= step_s <= SECONDS_PER_HOUR):
        raise UsageError(f"the step is {step_s:g} s", "step", "Use 1 to 3600 seconds")
    steps = int(trace.duration_s // step_s)
    features = None
    if unit == SLOTS or pool is not None:
        values = _of_pool(store, trace, step_s, steps, unit, scenario, pool)
    else:
        values = demand_queries.counts_by_step(store, trace, step_s, steps) / step_s
        features = _in_service(store, trace, step_s, steps)
    name = trace.name if pool is None else f"{trace.name}, pool {pool}"
    return DemandSeries(
        name=name, unit=unit, step_s=step_s, start_s=_week_s(trace.epoch_s), values=values,
        features=features,
    ).long_enough()  # fmt: skip


def _week_s(epoch_s: float | None) -> float:
    """Seconds since Monday's midnight, UTC; NaN where no calendar is known."""
    return math.nan if epoch_s is None else (epoch_s + THURSDAY_S) % (7 * SECONDS_PER_DAY)


def as_options(
    *, step_s: float | None = None, unit: str = RATE, scenario: Scenario | None = None,
    pool: str | None = None,
) -> str:  # fmt: skip
    """The options of the command that mean this demand, each after a space."""
    named = None
    if scenario is not None:
        named = scenario.name if PRESETS.get(scenario.name) == scenario else "FILE.toml"
    given = {
        "step": None if step_s is None else f"{step_s:g}", "unit": None if unit == RATE else unit,
        "scenario": named, "pool": pool,
    }  # fmt: skip
    return "".join(
        f" --{name} {shlex.quote(value)}" for name, value in given.items() if value is not None
    )


def _as_recorded(unit: str, scenario: Scenario | None, pool: str | None, where: str) -> None:
    for what, option, asked in (
        (f"pool {pool!r}", "--pool", pool is not None),
        (SLOTS, "--unit", unit == SLOTS),
        ("a scenario", "--scenario", scenario is not None),
    ):
        if asked:
            raise UsageError(
                f"{what} cannot be taken from a recorded series, which has no requests", where,
                f"Leave {option} out, or choose a trace of requests",
            )  # fmt: skip


def _recorded(
    store: Store, trace: TraceInfo, step_s: float | None, where: str
) -> DemandSeries:  # fmt: skip
    interval_s = step_of(trace)
    if step_s is not None and step_s != interval_s:
        raise UsageError(
            f"the step is {step_s:g} s, the series has one value each {interval_s:g} s", where,
            "Leave the step out",
        )  # fmt: skip
    values = demand_queries.recorded_series(store, trace)
    counted = trace.unit == "requests"
    return DemandSeries(
        name=trace.name, unit=RATE if counted else trace.unit or "value", step_s=interval_s,
        start_s=_week_s(trace.epoch_s),
        values=np.maximum(values, 0.0) / interval_s if counted else np.maximum(values, 0.0),
        features=_features(demand_queries.recorded_features(store, trace, len(values))),
    ).long_enough()  # fmt: skip


def _features(columns: dict[str, FloatArray]) -> Features | None:
    return Features(values=columns) if columns else None


def _in_service(store: Store, trace: TraceInfo, step_s: float, steps: int) -> Features | None:
    """Requests in service as recorded: their ends after a step are nothing that it knows."""
    times = demand_queries.times_in_service(store, trace)
    return None if times is None else _features(
        {"inflight_tasks": busy_slots(*times, step_s, steps)}
    )  # fmt: skip


def _of_pool(
    store: Store, trace: TraceInfo, step_s: float, steps: int, unit: str,
    scenario: Scenario | None, pool: str | None,
) -> FloatArray:  # fmt: skip
    if scenario is None:
        raise UsageError(
            "pools and busy slots come from a scenario", "scenario", "Name a scenario too"
        )
    names = [entry.name for entry in scenario.pools]
    if pool is not None and pool not in names:
        raise UsageError(f"unknown pool {pool!r}", "pool", did_you_mean(pool, names))
    table = loading.load_requests(store, trace)
    seeds = np.random.SeedSequence(scenario.seed).spawn(3)  # as the simulator draws them
    number = assign_pools(table, scenario, np.random.default_rng(seeds[1]))
    mine = np.full(len(table), True) if pool is None else number == names.index(pool)
    if unit == RATE:
        counts = np.bincount((table.arrival_s[mine] // step_s).astype(np.int64), minlength=steps)
        rates: FloatArray = counts[:steps] / step_s
        return rates
    work_s = work_seconds(table, number, scenario, np.random.default_rng(seeds[0]))
    return busy_slots(table.arrival_s[mine], work_s[mine], step_s, steps)


def busy_slots(arrival_s: FloatArray, work_s: FloatArray, step_s: float, steps: int) -> FloatArray:
    """(steps,) mean number of requests in service in each step when none has to wait."""
    edges = np.arange(steps + 1) * step_s

    def before(times: FloatArray) -> FloatArray:
        """Σ max(0, edge − time) over all times, at each edge."""
        ordered = np.sort(times)
        number = np.searchsorted(ordered, edges, side="right")
        sums = np.concatenate([[0.0], np.cumsum(ordered)])[number]
        areas: FloatArray = number * edges - sums
        return areas

    spent = before(arrival_s) - before(arrival_s + work_s)
    return np.maximum(np.diff(spent) / step_s, 0.0)
