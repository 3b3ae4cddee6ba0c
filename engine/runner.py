"""From a stored trace to stored runs: loads, prepares, replays, records.

A run is noted as running before its replay and filled in one transaction after it, so a killed
process leaves a run that says it was interrupted, never half a run.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import engine
from engine.cluster.series import (
    CarbonTrace,
    PriceTrace,
    clock_s,
    find_carbon,
    find_prices,
    load_grids,
    load_histories,
)
from engine.errors import (
    EngineError,
    PolicyError,
    ReplayCancelled,
    ScenarioError,
    StoreError,
    UsageError,
)
from engine.lookahead.checkpoint import SHIPPED, WEIGHTS
from engine.oracle.prepare import policy_spec
from engine.policies.registry import PolicySpec, create, find, parse_spec
from engine.records import RunRecord
from engine.replay import Progress, ReplaySpec, play, set_up
from engine.rows import tables
from engine.scenario import Scenario
from engine.scenario_file import content_hash, to_dict
from engine.scorecard import Scorecard, scorecard
from engine.sim.service import prepare
from engine.store import loading, runs, traces
from engine.store.duck import Store
from engine.store.traces import TraceInfo
from engine.trace.sampler import requests_from_series
from engine.trace.schema import Kind, RequestTable

TICKS_MAX = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What to replay: one trace window under one scenario and several policies."""

    trace: TraceInfo
    scenario: Scenario
    policies: tuple[PolicySpec, ...]
    from_s: float
    to_s: float
    carbon: tuple[CarbonTrace, ...] = ()
    """Of the regions that name one."""
    prices: tuple[PriceTrace, ...] = ()
    """Of the node types that name one."""

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Content hashes: the same request and code give the same ids."""
        code = code_version()
        return tuple(self.run_id(policy, code) for policy in self.policies)

    def run_id(self, policy: PolicySpec, code: str) -> str:
        """Of the run under one of the policies, with this version of the code."""
        parts = [
            self.trace.content_hash,
            self.from_s,
            self.to_s,
            content_hash(self.scenario),
            str(policy),
            code,
            *policy_version(policy),
            *((entry.region, entry.trace.content_hash) for entry in self.carbon),
            *((entry.node_type, entry.trace.content_hash) for entry in self.prices),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def request(
    store: Store,
    trace_key: str,
    policies: Sequence[str | PolicySpec],
    scenario: Scenario,
    from_s: float = 0.0,
    to_s: float | None = None,
) -> ReplayRequest:
    """Checks and resolves what people typed.

    Args:
        store: the traces, and beside it what its policies use.
        trace_key: id, name, or the beginning of one.
        policies: a text is what somebody types now, see `chosen`; a spec is taken as it is, such
            as that of a stored run.
        scenario: the cluster.
        from_s: start of the window, seconds since the trace's start.
        to_s: its end, exclusive; None: the trace's.

    Raises:
        StoreError: no such trace.
        UsageError: no policies, a policy twice, a trace without demand, an empty window.
        PolicyError: a policy that cannot be read, found or loaded, or takes no such parameter.
        CheckpointError: the allocator in use beside the store is gone.
        ScenarioError: the tick is too short for the window, or a region's trace holds no carbon.
    """
    trace = traces.find_trace(store, trace_key)
    from_s, to_s = float(from_s), None if to_s is None else float(to_s)  # one id, typed or not
    if trace.kind not in (Kind.REQUESTS, Kind.SESSIONS, Kind.SERIES):
        raise UsageError(
            f"trace {trace.name!r} holds {trace.kind.value}, not demand",
            "replay",
            "Choose a trace of requests, sessions or a demand series",
        )
    specs = tuple(chosen(store, each) if isinstance(each, str) else each for each in policies)
    for spec in specs:
        find(spec)
    if not specs or len({str(spec) for spec in specs}) < len(specs):
        raise UsageError(
            "no policy, or the same one twice", "replay", "Name each policy to compare once"
        )
    end_s = trace_end_s(trace, scenario.tick_s)
    end_s = end_s if to_s is None else min(to_s, end_s)
    if not 0 <= from_s < end_s:
        raise UsageError(
            f"the window from {from_s:g} s to {end_s:g} s is empty or outside the trace",
            f"trace {trace.name!r}",
            f"Choose a window between 0 and {trace.duration_s:g} s",
        )
    if (end_s - from_s) / scenario.tick_s > TICKS_MAX:
        raise ScenarioError(
            f"a tick of {scenario.tick_s:g} s makes over {TICKS_MAX:,} ticks of this window",
            "scenario: tick_s",
            "Use a longer tick or a shorter window",
        )
    return ReplayRequest(
        trace=trace,
        scenario=scenario,
        policies=specs,
        from_s=from_s,
        to_s=end_s,
        carbon=find_carbon(store, scenario),
        prices=find_prices(store, scenario),
    )


def chosen(store: Store, text: str) -> PolicySpec:
    """What somebody types now, with what the policy uses beside the store where none is named.

    Raises:
        PolicyError: a policy that cannot be read, found or loaded, or takes no such parameter.
        CheckpointError: the allocator in use is gone.
    """
    spec = parse_spec(text)
    settled = getattr(find(spec), "settled", None)
    if settled is None:
        return spec
    parameters = settled(dict(spec.parameters), store.path)
    return PolicySpec(name=spec.name, parameters=tuple(sorted(parameters.items())))


def trace_end_s(trace: TraceInfo, tick_s: float) -> float:
    """Where a whole-trace window ends.

    With a series' last interval, else with the tick that the last request arrives in, because
    windows are half open.
    """
    if trace.kind is Kind.SERIES:
        return trace.duration_s
    return (math.floor(trace.duration_s / tick_s) + 1) * tick_s


def run(
    store: Store,
    wanted: ReplayRequest,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    fresh: bool = False,
    demand: RequestTable | None = None,
) -> list[str]:
    """Replays what is not in the store yet; returns the run ids in the order of the policies.

    Args:
        store: the open store.
        wanted: from `request`.
        progress: called with the state of all runs together, a few hundred times at most.
        cancel: asked as often; true stops the replay.
        fresh: replay again what is already there.
        demand: the window's requests where somebody has them already; None: from the store.

    Raises:
        ReplayCancelled: `cancel` returned true; the runs are marked cancelled.
        PolicyError: a policy cannot be made with these parameters; nothing was noted.
        EngineError: the trace cannot become requests, or a policy failed; the runs say why.
    """
    missing = [
        (run_id, policy)
        for run_id, policy in zip(wanted.run_ids, wanted.policies, strict=True)
        if fresh or not is_done(store, run_id)
    ]
    if not missing:
        return list(wanted.run_ids)
    window = window_spec(store, wanted, demand)
    started = time.perf_counter()
    specs = [policy_spec(window, policy, cancel=cancel) for _, policy in missing]
    replays = set_up(specs)
    numbers = {
        str(policy): runs.begin_run(
            store, _row(wanted, run_id, policy, window.workload.closed_loop)
        )
        for run_id, policy in missing
    }
    with _marked_if_it_fails(store, numbers):
        records = play(replays, progress=progress, cancel=cancel)
        wall_s = time.perf_counter() - started
        for number, record in zip(numbers.values(), records, strict=True):
            keep(store, number, record, from_s=wanted.from_s, wall_s=wall_s / len(records))
    return list(wanted.run_ids)


def window_spec(
    store: Store, wanted: ReplayRequest, demand: RequestTable | None = None
) -> ReplaySpec:
    """The window under the first of the policies, prepared. Raises EngineError.

    Args:
        store: the traces.
        wanted: trace, window and scenario.
        demand: the window's requests where they are at hand; None: they are loaded.
    """
    first = wanted.policies[0]
    table = load_demand(store, wanted) if demand is None else demand
    return ReplaySpec(
        workload=prepare(table, wanted.scenario),
        scenario=wanted.scenario,
        policy=partial(create, first),
        name=str(first),
        window_s=wanted.to_s - wanted.from_s,
        clock_s=clock_s(wanted.trace.epoch_s, wanted.from_s),
        grids=load_grids(store, wanted.carbon, wanted.trace.epoch_s),
        prices=load_histories(store, wanted.prices, wanted.scenario, wanted.trace.epoch_s),
    )


@contextmanager
def _marked_if_it_fails(store: Store, numbers: Mapping[str, int]) -> Iterator[None]:
    """Whatever stops the replay, its runs (by policy) say so; those already stored stay done."""
    try:
        yield
    except BaseException as error:
        for policy, number in numbers.items():
            runs.end_run(store, number, *_ending(error, policy))
        raise


def _ending(error: BaseException, policy: str) -> tuple[str, str]:
    """Status and note of a policy's run when a replay in lockstep ends with an error."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped from the keyboard"
    if isinstance(error, ReplayCancelled):
        return "cancelled", error.what
    if not isinstance(error, EngineError):
        return "failed", f"{type(error).__name__}: {error}"
    if isinstance(error, PolicyError) and repr(policy) not in f"{error.what} {error.where}":
        return "cancelled", f"stopped with the others: {error.what}"
    return "failed", f"{error.what} ({error.where})"


def keep(
    store: Store, number: int, record: RunRecord, *, from_s: float, wall_s: float
) -> Scorecard:
    """Writes a finished record under a run begun before; returns its scorecard."""
    card = scorecard(record)
    runs.finish_run(store, number, tables(record, from_s), card, wall_s)
    return card


def load_demand(store: Store, wanted: ReplayRequest) -> RequestTable:
    """The window's requests; a series goes through the arrival sampler first."""
    trace, scenario = wanted.trace, wanted.scenario
    if trace.kind is not Kind.SERIES:
        table = loading.load_requests(store, trace, wanted.from_s, wanted.to_s)
    else:
        series = loading.load_series(store, trace, wanted.from_s, wanted.to_s)
        kind = scenario.agent_type_of(scenario.pools[0])
        table = requests_from_series(
            series,
            seed=scenario.seed,
            dispersion=scenario.sampling.dispersion,
            scale=scenario.sampling.scale,
            service_mean_s=kind.service_mean_s,
            service_cv=kind.service_cv,
        )
        inside = table.arrival_s < wanted.to_s - wanted.from_s
        if not inside.all():  # the last interval reaches beyond the window
            table = _first(table, int(inside.sum()))
    if len(table) == 0:
        raise UsageError(
            "no request arrives in this window",
            f"trace {trace.name!r}, {wanted.from_s:g} s to {wanted.to_s:g} s",
            "Choose another window",
        )
    return table


def _first(table: RequestTable, number: int) -> RequestTable:
    names = [n for n in RequestTable.__dataclass_fields__ if n not in ("agent_types", "tenants")]
    return replace(table, **{name: getattr(table, name)[:number] for name in names})


def is_done(store: Store, run_id: str) -> bool:
    """Whether a run is there and finished."""
    try:
        return runs.find_run(store, run_id).status == "done"
    except StoreError:
        return False


def _row(
    wanted: ReplayRequest, run_id: str, policy: PolicySpec, closed_loop: bool
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "trace_id": wanted.trace.trace_id,
        "trace_name": wanted.trace.name,
        "epoch_s": wanted.trace.epoch_s,
        "tick_s": wanted.scenario.tick_s,
        "from_s": wanted.from_s,
        "to_s": wanted.to_s,
        "scenario_name": wanted.scenario.name,
        "scenario_hash": content_hash(wanted.scenario),
        "scenario": to_dict(wanted.scenario),
        "policy": str(policy),
        "policy_spec": {"name": policy.name, "parameters": dict(policy.parameters)},
        "code_version": code_version(),
        "closed_loop": closed_loop,
        "pools": [pool.name for pool in wanted.scenario.pools],
    }


_DECIDING = (
    "briefing.py", "dependability.py", "fleet.py", "footprint.py", "gauges.py", "histogram.py",
    "merging.py", "monitor.py", "orders.py", "records.py", "replay.py", "rows.py", "runner.py",
    "scorecard.py", "steering.py", "store/loading.py", "wishes.py",
)  # fmt: skip
"""Modules beside whole packages that decide a replay's outcome."""


def policy_version(policy: PolicySpec) -> list[str]:
    """What decides a policy's answers beside the code that all share, such as a checkpoint."""
    version = getattr(find(policy), "version", None)
    return [] if version is None else [version(dict(policy.parameters))]


def code_version() -> str:
    """Twelve hex digits of everything that decides a replay's outcome."""
    folder = Path(engine.__file__).resolve().parent
    digest = hashlib.sha256()
    for name in (
        "cluster",
        "guard",
        "lookahead",
        "oracle",
        "scenario",
        "sim",
        "policies",
        "trace",
    ):
        for path in sorted((folder / name).rglob("*.py")):
            digest.update(path.read_bytes())
    for name in _DECIDING:
        digest.update((folder / name).read_bytes())
    digest.update((SHIPPED / WEIGHTS).read_bytes())
    return digest.hexdigest()[:12]
