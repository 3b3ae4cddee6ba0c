"""One point of a sweep, replayed for its scorecard alone. Runs in processes of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from engine.cluster.grid import GridSeries
from engine.cluster.prices import PriceSeries
from engine.errors import EngineError, ReplayCancelled
from engine.oracle.prepare import policy_spec
from engine.policies.base import OwnLoop
from engine.policies.registry import find, parse_spec
from engine.replay import Replay, ReplaySpec, play, set_up
from engine.scenario import Scenario
from engine.scorecard import Scorecard, scorecard
from engine.sim.outcome_memory import give_up
from engine.sim.service import Workload, prepare
from engine.trace.schema import RequestTable

_NAMES = ("agent_types", "tenants")
Cancel = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to replay; small enough to be sent to another process."""

    run_id: str
    """What the run would be called if it were kept whole."""
    scenario: Scenario
    policy: str
    window_s: float
    clock_s: float
    demand: Path
    """File of the requests, from `write_demand`."""
    grids: Mapping[str, GridSeries]
    prices: Mapping[str, PriceSeries]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it."""

    run_id: str
    scorecard: Scorecard
    """Empty where there is a problem."""
    wall_s: float = 0.0
    problem: tuple[str, str, str] | None = None
    """What, where and fix of the error that the replay ended with."""


def write_demand(table: RequestTable, path: Path) -> None:
    """Writes requests where other processes can read them."""
    columns: dict[str, Any] = {
        each.name: np.asarray(getattr(table, each.name)) for each in fields(RequestTable)
    }
    np.savez(path, **columns)


@lru_cache(maxsize=1)
def _demand(path: Path) -> RequestTable:
    with np.load(path) as columns:
        found: dict[str, Any] = {name: columns[name] for name in columns.files}
    for name in _NAMES:
        found[name] = tuple(str(each) for each in found[name])
    return RequestTable(**found)


@lru_cache(maxsize=1)
def _workload(path: Path, scenario: Scenario) -> Workload:
    return prepare(_demand(path), scenario)


def perform(tasks: Sequence[Task], cancel: Cancel | None = None) -> list[Trial]:
    """Replays tasks, in lockstep those that share cluster and demand.

    What cannot be replayed says why; the others do not suffer.

    Raises:
        ReplayCancelled: `cancel` returned true.
    """
    groups: dict[tuple[Path, Scenario], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.demand, task.scenario), []).append(task)
    return [trial for group in groups.values() for trial in _together(group, cancel)]


def is_quick(task: Task) -> bool:
    """Whether a task's policy plays the task's cluster in a compiled loop of its own.

    Such tasks need no interpreter while they play, so threads keep all cores at work on them.
    """
    if not hasattr(find(parse_spec(task.policy)), "played"):
        return False
    from engine.learn.express import is_plain_cluster  # noqa: PLC0415 - heavy

    return is_plain_cluster(task.scenario)


def perform_quickly(task: Task, cancel: Cancel | None = None) -> Trial:
    """Replays a task in its policy's own loop, which takes no time of single decisions.

    Raises:
        ReplayCancelled: `cancel` returned true.
    """
    from engine.learn.express import log_sizes  # noqa: PLC0415 - heavy

    started = perf_counter()
    try:
        (run,) = set_up([_spec(task, cancel)])
        if not (isinstance(run.policy, OwnLoop) and run.policy.played(run, cancel)):
            return perform([task], cancel)[0]
        log_sizes(run)
        card = scorecard(run.record())
        give_up(run.fleet.state)
    except ReplayCancelled:
        raise
    except EngineError as error:
        return failed(task.run_id, error)
    return Trial(run_id=task.run_id, scorecard=card, wall_s=perf_counter() - started)


def make_ready(task: Task) -> None:
    """Loads the requests that threads are about to share."""
    _workload(task.demand, task.scenario)


def _together(tasks: Sequence[Task], cancel: Cancel | None) -> list[Trial]:
    made: list[Trial] = []
    ready: list[tuple[Task, Replay]] = []
    for task in tasks:
        try:
            ready += [(task, run) for run in set_up([_spec(task, cancel)])]
        except ReplayCancelled:
            raise
        except EngineError as error:
            made.append(failed(task.run_id, error))
    if not ready:
        return made
    started = perf_counter()
    try:
        records = play([run for _, run in ready], cancel=cancel)
    except ReplayCancelled:
        raise
    except EngineError as error:
        if len(ready) > 1:  # whose fault was it?
            return made + [trial for task, _ in ready for trial in _together([task], cancel)]
        return [*made, failed(ready[0][0].run_id, error)]
    wall_s = (perf_counter() - started) / len(ready)
    return made + [
        Trial(run_id=task.run_id, scorecard=scorecard(record), wall_s=wall_s)
        for (task, _), record in zip(ready, records, strict=True)
    ]


def _spec(task: Task, cancel: Cancel | None) -> ReplaySpec:
    def nobody(_: object) -> Any:
        raise AssertionError("the policy is put in below")

    window = ReplaySpec(
        workload=_workload(task.demand, task.scenario), scenario=task.scenario,
        policy=nobody,
        name=task.policy, window_s=task.window_s, clock_s=task.clock_s, grids=task.grids,
        prices=task.prices,
    )  # fmt: skip
    return policy_spec(window, parse_spec(task.policy), cancel=cancel)


def failed(run_id: str, error: EngineError) -> Trial:
    """What cannot be replayed, and why."""
    return Trial(run_id=run_id, scorecard={}, problem=(error.what, error.where, error.fix))
