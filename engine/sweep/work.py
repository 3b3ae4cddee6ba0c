"""Makes a sweep: chooses points, replays those that nobody replayed yet, keeps each result."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from engine.cluster.series import clock_s, load_grids, load_histories
from engine.desk import Desk
from engine.errors import EngineError, ReplayCancelled
from engine.figures import FIGURES
from engine.policies.registry import find, parse_spec
from engine.runner import ReplayRequest, code_version, load_demand, request
from engine.scenario import Scenario
from engine.scorecard import Scorecard
from engine.store import sweeps
from engine.store.duck import Store
from engine.store.sweeps import PointRow
from engine.sweep.axes import Settings, applied
from engine.sweep.crew import Crew
from engine.sweep.plan import Method, Plan, points, sampled
from engine.sweep.search import Known, following
from engine.sweep.trial import Cancel, Task, Trial, failed, write_demand
from engine.trace.schema import Kind

Progress = Callable[[float, str], None]
FIRST = 4
"""Points that a search begins with, spread evenly. Fixed, so that it can be extended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a sweep whose replay is done, or says why it cannot be."""

    settings: Settings
    run_id: str
    """Empty where there can be no run."""
    policy: str
    scorecard: Scorecard
    problem: tuple[str, str, str] | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a sweep."""

    sweep_id: str
    """Empty for replays that belong to no sweep."""
    points: list[Point] = field(default_factory=list)
    replayed: int = 0
    """Of the points; the others were known."""


def sweep_id_of(store: Store, plan: Plan, *, sampled: bool = False) -> str:
    """The sweep's id: the same plan on the same trace has the same one, by the same code.

    One on a sample of the window has another one.

    Checkpoints and traces of carbon and prices count as the code does, so that figures of two
    versions never stand in one front.

    Raises:
        StoreError: no such trace.
        UsageError: a window without requests.
        PolicyError: the policy, or its checkpoint, is there no more.
        ScenarioError: a trace that the scenario names is there no more.
    """
    policy = parse_spec(plan.policy)
    made = request(store, plan.trace, (policy,), plan.scenario, plan.from_s, plan.to_s)
    return _named(plan.key(made.run_ids[0]), sampled=sampled)


def _named(content: str, *, sampled: bool) -> str:
    return hashlib.sha256(f"{content} sample".encode()).hexdigest()[:12] if sampled else content


def run_sweep(
    store: Store,
    plan: Plan,
    *,
    also: Sequence[Settings] = (),
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    workers: int | None = None,
    hidden: bool = False,
    sampled: bool = False,
) -> Outcome:
    """Replays every point of a plan that was not replayed yet, and keeps each as it comes.

    Args:
        store: the open store.
        plan: what to vary on which trace window.
        also: settings beside the plan's, of what was asked for earlier.
        progress: share done, and what is being done.
        cancel: asked now and then.
        workers: processes; None: one a core.
        hidden: nobody asked for it as a sweep, so it is not listed among them.
        sampled: replay the stretches of a preview instead of the whole window.

    Raises:
        StoreError: no such trace.
        UsageError: a window without requests.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    outcome = Outcome(sweep_id=sweep_id_of(store, plan, sampled=sampled))
    size = plan.size + len(also)
    sweeps.begin_sweep(store, outcome.sweep_id, plan.trace, plan.document(), hidden=hidden)

    def told() -> None:
        if progress is not None:
            done = len(outcome.points)
            progress(done / max(1, size), f"{done} of {size} replays")

    with bench(store, plan, cancel=cancel, workers=workers, sampled=sampled) as table:
        told()
        for wave in chain(_waves(plan, outcome, table.crew.ask), [also]):
            for point in table.replayed(wave, outcome):
                outcome.points.append(point)
                told()
    return outcome


def _waves(plan: Plan, outcome: Outcome, ask: Callable[[], None]) -> Iterator[list[Settings]]:
    """Points to replay together; those of a search depend on what came of the ones before."""
    if plan.method is not Method.SEARCH:
        yield list(points(plan))
        return
    start = list(plan.starts or sampled(plan.axes, FIRST, plan.seed))[: plan.samples]
    yield start
    for _ in range(plan.samples - len(start)):  # each replay says where the next is worth most
        failed = [point.settings for point in outcome.points if point.problem is not None]
        point = following(plan, _known(plan, outcome), _in_order(failed), ask)
        if point is None:
            return
        yield [point]


def _in_order(settings: Iterable[Settings]) -> list[Settings]:
    """Whoever was ready first."""
    return sorted(settings, key=lambda each: tuple(each.values()))


def _known(plan: Plan, outcome: Outcome) -> list[Known]:
    """What a search has learned, in an order that does not depend on who was ready first."""
    sign = -1.0 if FIGURES[plan.goal.minimise].better == "higher" else 1.0
    return [
        Known(point.settings, sign * minimised, held)
        for point in sorted(outcome.points, key=lambda each: tuple(each.settings.values()))
        if (minimised := point.scorecard.get(plan.goal.minimise)) is not None
        and (held := point.scorecard.get(plan.goal.figure)) is not None
    ]


@contextmanager
def bench(
    store: Store,
    plan: Plan,
    *,
    cancel: Cancel | None = None,
    workers: int | None = None,
    sampled: bool = False,
) -> Iterator["_Bench"]:
    """What replays of one trace window share: processes, and the requests in files or memory."""
    with (
        tempfile.TemporaryDirectory(prefix="smartscale-sweep-") as folder,
        Crew(workers, cancel) as crew,
    ):
        yield _Bench(
            store=store, plan=plan, crew=crew, folder=Path(folder), code=code_version(),
            cancel=cancel, desk=Desk() if sampled else None,
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Bench:
    store: Store
    plan: Plan
    crew: Crew
    folder: Path
    code: str
    """Version of the code, which does not change while it runs."""
    cancel: Cancel | None
    desk: Desk | None
    """Where stretches of the window are replayed; None: the whole window is."""
    _demands: dict[str, Path] = field(default_factory=dict)
    _usual: ReplayRequest | None = None
    """Of a point with the plan's own scenario: what those of the others differ from in policy."""

    def replayed(self, wave: Sequence[Settings], outcome: Outcome) -> Iterator[Point]:
        """Points of a wave: known ones at once, the others as their replays end."""
        wanted: dict[str, ReplayRequest] = {}
        asked: dict[str, Settings] = {}
        for settings in wave:
            try:
                made = self._request(settings)
            except EngineError as error:
                yield _impossible(settings, error)
                continue
            run_id = self._name(made)
            wanted.setdefault(run_id, made)
            asked.setdefault(run_id, settings)
        if outcome.sweep_id:
            rows = [
                PointRow(
                    run_id=run_id, policy=str(wanted[run_id].policies[0]), settings=dict(settings)
                )
                for run_id, settings in asked.items()
            ]
            sweeps.add_points(self.store, outcome.sweep_id, rows)
        known = sweeps.find_trials(self.store, list(wanted))
        for run_id, card in known.items():
            yield _point(run_id, asked[run_id], wanted[run_id], card)
        missing = {run_id: made for run_id, made in wanted.items() if run_id not in known}
        for trial in self._played(missing):
            outcome.replayed += 1
            yield self._kept(trial, asked[trial.run_id], wanted[trial.run_id])

    def held(self, settings: Settings, outcome: Outcome | None = None) -> float | None:
        """The figure that the plan's goal is to keep; None where a point is impossible.

        Args:
            settings: of the point, which need not be one of the plan's.
            outcome: counts the replay where nobody made it yet; None: it is not made, either.
        """
        try:
            made = self._request(settings)
        except EngineError:
            return None
        run_id = self._name(made)
        card = sweeps.find_trials(self.store, [run_id]).get(run_id)
        if card is None and outcome is not None:
            (point,) = self.replayed([settings], outcome)
            card = point.scorecard
        return None if card is None else card.get(self.plan.goal.figure)

    def _name(self, made: ReplayRequest) -> str:
        """By which a point is found again: the id of its run, or another one for a sample."""
        run_id = made.run_id(made.policies[0], self.code)
        return _named(run_id, sampled=self.desk is not None)

    def _played(self, missing: Mapping[str, ReplayRequest]) -> Iterator[Trial]:
        if self.desk is None:
            yield from self.crew.perform([self._task(*each) for each in missing.items()])
            return
        for run_id, made in missing.items():
            self.crew.ask()
            try:
                card = self.desk.preview(self.store, made, self.cancel).scorecard
            except ReplayCancelled:
                raise
            except EngineError as error:
                yield failed(run_id, error)
            else:
                yield Trial(run_id=run_id, scorecard=card)

    def _kept(self, trial: Trial, settings: Settings, made: ReplayRequest) -> Point:
        if trial.problem is None:
            sweeps.save_trial(self.store, trial.run_id, trial.scorecard, trial.wall_s)
        return replace(
            _point(trial.run_id, settings, made, trial.scorecard), problem=trial.problem
        )

    def _request(self, settings: Settings) -> ReplayRequest:
        plan = self.plan
        scenario, policy = applied(plan.scenario, plan.policy, settings)
        known, spec = self._usual, parse_spec(policy)
        if known is not None and scenario == plan.scenario:  # only the policy differs
            find(spec)
            return replace(known, policies=(spec,))
        made = request(self.store, plan.trace, (spec,), scenario, plan.from_s, plan.to_s)
        if scenario == plan.scenario:
            self._usual = made
        return made

    def _task(self, run_id: str, made: ReplayRequest) -> Task:
        epoch_s = made.trace.epoch_s
        return Task(
            run_id=run_id, scenario=made.scenario, policy=str(made.policies[0]),
            window_s=made.to_s - made.from_s, clock_s=clock_s(epoch_s, made.from_s),
            demand=self._demand(made),
            grids=load_grids(self.store, made.carbon, epoch_s),
            prices=load_histories(self.store, made.prices, made.scenario, epoch_s),
        )  # fmt: skip

    def _demand(self, made: ReplayRequest) -> Path:
        """The file of the requests: one for all points where they are rows of the trace."""
        key = f"{made.to_s}" + _drawn(made)
        if key not in self._demands:
            path = self.folder / f"{len(self._demands)}.npz"
            write_demand(load_demand(self.store, made), path)
            self._demands[key] = path
        return self._demands[key]


def _drawn(made: ReplayRequest) -> str:
    """What of the scenario decides which requests are drawn; a series has none of its own."""
    if made.trace.kind is not Kind.SERIES:
        return ""
    scenario: Scenario = made.scenario
    kind = scenario.agent_type_of(scenario.pools[0])
    return f" {scenario.seed} {scenario.sampling} {kind.service_mean_s} {kind.service_cv}"


def _point(
    run_id: str, settings: Settings, made: ReplayRequest, card: Mapping[str, float | None]
) -> Point:
    return Point(
        settings=settings, run_id=run_id, policy=str(made.policies[0]),
        scorecard=dict(card),
    )  # fmt: skip


def _impossible(settings: Settings, error: EngineError) -> Point:
    return Point(
        settings=settings, run_id="", policy="", scorecard={},
        problem=(error.what, error.where, error.fix),
    )  # fmt: skip


def stored_points(store: Store, sweep_id: str) -> list[Point]:
    """The points of a sweep whose replays are done, from the store alone.

    A setting that was replayed anew, by another checkpoint that it names, is there once.
    """
    rows = sweeps.points_of(store, sweep_id)
    cards = sweeps.find_trials(store, [row.run_id for row in rows])
    latest = {place_of(row.settings): row for row in rows if row.run_id in cards}
    return [
        Point(
            settings=row.settings, run_id=row.run_id, policy=row.policy,
            scorecard=cards[row.run_id],
        )
        for row in latest.values()
    ]  # fmt: skip


def left_over(store: Store, sweep_id: str, plan: Plan) -> list[Settings]:
    """Settings that a sweep was asked for earlier and that its plan, as it is now, leaves out.

    Those of a search follow from its plan, so that there are none.
    """
    if plan.method is Method.SEARCH:
        return []
    planned = {place_of(settings) for settings in points(plan)}
    asked = {place_of(row.settings): row.settings for row in sweeps.points_of(store, sweep_id)}
    return [settings for place, settings in asked.items() if place not in planned]


def place_of(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Settings as a key, whatever their order."""
    return tuple(sorted(settings.items()))


def paths_of(points_made: Iterable[Point]) -> list[str]:
    """Every path that is varied, in order of appearance."""
    return list(dict.fromkeys(path for point in points_made for path in point.settings))
