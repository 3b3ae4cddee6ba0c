"""Why a request of a finished run went where it went: the run is made again until it arrives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Replay, set_up
from engine.runner import code_version, request, window_spec
from engine.scenario import Scenario
from engine.scenario_file import from_dict
from engine.sim import kernel
from engine.sim.choices import FACTORS, Candidate, Choice, explain_choice
from engine.sim.kernel import State
from engine.sim.service import ROUTERS
from engine.store import runs
from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = ["FACTOR_MEANINGS", "Route", "RouteLevel", "RouteRuns", "route"]

FACTOR_MEANINGS = {name: meaning for name, (_, meaning) in FACTORS.items()}
"""What the factors of a candidate are, by name."""
_ROUTERS = {number: kind.value for kind, number in ROUTERS.items()}
_ENDINGS = {
    kernel.NOT_ARRIVED: "not arrived",
    kernel.QUEUED: "waits",
    kernel.IN_SERVICE: "starts at once",
    kernel.FINISHED: "answered at once",
    kernel.OUT_OF_TIME: "starts at once",
    kernel.REJECTED: "rejected",
    kernel.RETRYING: "turned away, comes again",
    kernel.SHED: "shed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLevel:
    """A step of the hierarchical router before the worker."""

    name: str
    """region, zone or node"""
    scores: dict[str, float]
    """Best first, by name of the region or the pool, or number of the node; more is better."""
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One routing decision of a run."""

    run_id: str
    policy: str
    router: str
    """Of its pool as it arrived; a policy may have changed it since the start."""
    request: int
    """Its number in the window, in order of arrival where they arrive by themselves."""
    arrived_s: float
    """Since the trace's start."""
    tenant: str | None
    pool: str
    worker: int | None
    """Index in the pool; None: it waits in the pool's queue."""
    ending: str
    """What became of it as it arrived."""
    decided_by: str
    runner_up: int | None
    margin: float | None
    """Score of the worker less that of the runner-up."""
    candidates: tuple[Candidate, ...]
    """Best first."""
    levels: tuple[RouteLevel, ...]


class RouteRuns:
    """Routing decisions of finished runs; part of the planner."""

    _store: Store

    def route(
        self, run_id: str, at_s: float, *, cancel: Callable[[], bool] | None = None
    ) -> Route:
        """Why the first request to arrive at or after a time went where it went; see `route`."""
        return route(self._store, run_id, at_s, cancel=cancel)


def route(
    store: Store, run_id: str, at_s: float, *, cancel: Callable[[], bool] | None = None
) -> Route:
    """Makes a run again until a request arrives, and explains where that one goes.

    Args:
        store: the open store.
        run_id: of a finished run, or its beginning.
        at_s: seconds since the trace's start; the first request to arrive from then on.
        cancel: asked at each tick; true stops it.

    Raises:
        StoreError: no such run, it is not done, or another version of the simulator made it.
        UsageError: the time is outside the run's window, or nothing arrives any more.
        ReplayCancelled: `cancel` returned true.
    """
    row = runs.find_run(store, run_id)
    _check(row, at_s)
    scenario = from_dict(row.scenario)
    policy = parse_spec(row.policy)
    wanted = request(store, row.trace_id, [policy], scenario, row.from_s, row.to_s)
    spec = policy_spec(window_spec(store, wanted), policy, cancel=cancel)
    (replay,) = set_up([spec])
    number, arrived_s = _advance(replay, at_s - row.from_s, cancel, row)
    state = replay.fleet.state
    choice = explain_choice(state, number, arrived_s)
    kernel.advance(state, float(np.nextafter(arrived_s, np.inf)))
    return Route(
        run_id=row.run_id,
        policy=row.policy,
        router=_ROUTERS[int(state.pools["router"][choice.pool])],
        request=number,
        arrived_s=row.from_s + arrived_s,
        tenant=_tenant(scenario, state, number),
        pool=scenario.pools[choice.pool].name,
        worker=choice.worker,
        ending=_ENDINGS[int(state.outcomes["status"][number])],
        decided_by=choice.decided_by.value,
        runner_up=choice.runner_up,
        margin=choice.margin,
        candidates=choice.candidates,
        levels=_levels(scenario, choice),
    )


def _check(row: RunRow, at_s: float) -> None:
    if row.status != "done":
        raise StoreError(
            f"the run is {row.status}", f"run {row.run_id}", "Choose a run that is done"
        )
    if row.code_version != code_version():
        raise StoreError(
            "another version of the simulator made this run, and may route otherwise",
            f"run {row.run_id}",
            "Replay it again, then ask for the new run",
        )
    if not row.from_s <= at_s < row.to_s:
        raise UsageError(
            f"{at_s:g} s is outside the run's window",
            f"run {row.run_id}",
            f"Choose a time from {row.from_s:g} s to before {row.to_s:g} s",
        )


def _advance(
    replay: Replay, from_s: float, cancel: Callable[[], bool] | None, row: RunRow
) -> tuple[int, float]:
    """Brings a replay to the first arrival from a time on: number and time of the request."""
    for tick in range(replay.ticks):
        if cancel is not None and cancel():
            raise ReplayCancelled(
                "the explanation was cancelled", f"run {row.run_id}", "Ask again when you like"
            )
        replay.decide(tick)
        if replay.edges_s[tick + 1] > from_s:
            found = _first_arrival(replay.fleet.state, from_s, float(replay.edges_s[tick + 1]))
            if found is not None:
                kernel.advance(replay.fleet.state, found[1])
                return found
        replay.advance(tick)
    raise UsageError(
        f"no request arrives from {row.from_s + from_s:g} s on",
        f"run {row.run_id}",
        "Choose an earlier time",
    )


def _first_arrival(state: State, from_s: float, to_s: float) -> tuple[int, float] | None:
    """Looked up in a copy that goes ahead: a follower's arrival depends on what happens before."""
    ahead = state._replace(**{name: part.copy() for name, part in state._asdict().items()})
    kernel.advance(ahead, to_s)
    arrived_s = ahead.outcomes["arrived_s"]
    there = np.flatnonzero((arrived_s >= from_s) & (arrived_s < to_s))
    if len(there) == 0:
        return None
    number = int(there[np.argmin(arrived_s[there])])
    return number, float(arrived_s[number])


def _tenant(scenario: Scenario, state: State, number: int) -> str | None:
    if not scenario.tenants:
        return None
    return scenario.tenants[int(state.traits["tenant"][number])].name


def _levels(scenario: Scenario, choice: Choice) -> tuple[RouteLevel, ...]:
    names: dict[str, Callable[[int], str]] = {
        "region": lambda number: scenario.regions[number].name,
        "zone": lambda number: scenario.pools[number].name,
        "node": str,
    }
    return tuple(
        RouteLevel(
            name=level.name,
            scores={
                names[level.name](number): score
                for number, score in sorted(level.scores.items(), key=lambda kept: -kept[1])
            },
            chosen=names[level.name](level.chosen),
        )
        for level in choice.levels
    )
