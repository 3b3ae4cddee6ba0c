"""The tuned HPA as a line of a comparison: searched once for a window, a scenario and its SLO.

Where a search on the whole window would take long it is made on a sample of it, the stretches of
a preview; what it finds is replayed on the whole window either way.
"""

import hashlib
from dataclasses import dataclass, replace

from engine import runner
from engine.desk import Desk, stretches
from engine.errors import ReplayCancelled, UsageError
from engine.policies.registry import parse_spec
from engine.runner import ReplayRequest
from engine.store import runs, sweeps
from engine.store.duck import Store
from engine.store.sweeps import PointRow
from engine.sweep.axes import applied
from engine.sweep.plan import Plan
from engine.sweep.trial import Cancel
from engine.sweep.work import (
    Outcome,
    Point,
    Progress,
    run_sweep,
    stored_points,
    sweep_id_of,
    waves,
)
from engine.tune.tuning import SAMPLES, best_point

EASY = 400_000
"""Requests of a window that is searched whole; a tick counts as `TICK_REQUESTS`."""
TICK_REQUESTS = 80
"""A tick of the HPA takes about 0.25 ms, a request 3 µs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The tuned HPA on a window."""

    run_id: str
    """Of its whole run."""
    policy: str
    replays: int
    """That the search took, whenever it was made."""
    sampled_frac: float
    """Share of the window that it was searched on."""
    slo: float
    keeps_slo: bool
    """On the whole window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched, where."""

    wanted: ReplayRequest
    """The HPA on the whole window."""
    plan: Plan
    sampled_frac: float

    def point_id(self, policy: str, code: str) -> str:
        """By which a point is found again: its run's id, or another one for a sample of it."""
        run_id = self.wanted.run_id(parse_spec(policy), code)
        if self.sampled_frac == 1.0:
            return run_id
        return hashlib.sha256(f"{run_id} sample".encode()).hexdigest()[:12]

    def sweep_id(self, store: Store) -> str:
        """The same plan on the whole window and on a sample are two searches."""
        whole = sweep_id_of(store, self.plan)
        if self.sampled_frac == 1.0:
            return whole
        return hashlib.sha256(f"{whole} sample".encode()).hexdigest()[:12]


def search_of(wanted: ReplayRequest, plan: Plan, requests: float) -> Search:
    """On the whole window where that is easy, else on a sample of it.

    Args:
        wanted: the HPA on the whole window.
        plan: of the search.
        requests: that arrive in the window.
    """
    window_s, tick_s = wanted.to_s - wanted.from_s, wanted.scenario.tick_s
    covered_s = sum(length_s for _, length_s in stretches(window_s, tick_s))
    share = 1.0 if is_easy(wanted, requests) else min(1.0, covered_s / window_s)
    return Search(wanted=wanted, plan=plan, sampled_frac=share)


def is_easy(wanted: ReplayRequest, requests: float) -> bool:
    """Whether some replays of a window with so many requests take seconds rather than minutes."""
    ticks = (wanted.to_s - wanted.from_s) / wanted.scenario.tick_s
    return requests + TICK_REQUESTS * ticks <= EASY


def known_line(store: Store, search: Search) -> Line | None:
    """The line where it was made before, with this code; at once."""
    points = _known(store, search)
    best = best_point(points, search.plan.goal)
    if len(points) < SAMPLES or best is None:
        return None
    run_id = search.wanted.run_id(parse_spec(best.policy), runner.code_version())
    if not runner.is_done(store, run_id):
        return None
    return _line(store, search, run_id, best.policy, len(points))


def make_line(
    store: Store,
    desk: Desk,
    search: Search,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Line:
    """The line, searched and replayed unless it was made before.

    Raises:
        UsageError: no setting of the HPA can be replayed.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    found = known_line(store, search)
    if found is not None:
        return found
    if search.sampled_frac == 1.0:
        points = run_sweep(
            store, search.plan, progress=progress, cancel=cancel, workers=1, hidden=True
        ).points
    else:
        points = _sampled(store, desk, search, progress, cancel)
    best = best_point(points, search.plan.goal)
    if best is None:
        raise UsageError(
            "no setting of the HPA could be replayed", "tuned HPA", "Look at the scenario"
        )
    whole = replace(search.wanted, policies=(parse_spec(best.policy),))
    (run_id,) = runner.run(store, whole, cancel=cancel, demand=desk.demand(store, whole))
    return _line(store, search, run_id, best.policy, len(points))


def _sampled(
    store: Store, desk: Desk, search: Search, progress: Progress | None, cancel: Cancel | None
) -> list[Point]:
    """The search on stretches of the window, each point kept as it comes."""
    outcome = Outcome(sweep_id=search.sweep_id(store))
    code, plan = runner.code_version(), search.plan
    sweeps.begin_sweep(store, outcome.sweep_id, plan.trace, plan.document(), hidden=True)
    for wave in waves(plan, outcome):
        for settings in wave:
            if cancel is not None and cancel():
                raise ReplayCancelled("the search was stopped", "tuned HPA", "Start it again")
            policy = applied(plan.scenario, plan.policy, settings)[1]
            row = PointRow(
                run_id=search.point_id(policy, code), policy=policy, settings=dict(settings)
            )
            sweeps.add_points(store, outcome.sweep_id, [row])
            card = sweeps.find_trials(store, [row.run_id]).get(row.run_id)
            if card is None:
                one = replace(search.wanted, policies=(parse_spec(policy),))
                card = desk.preview(store, one, cancel).scorecard
                sweeps.save_trial(store, row.run_id, card, 0.0)
            outcome.points.append(
                Point(settings=settings, run_id=row.run_id, policy=policy, scorecard=dict(card))
            )
            if progress is not None:
                done = len(outcome.points)
                progress(done / (plan.size + 1), f"{done} of {plan.size} replays of a sample")
    return outcome.points


def _known(store: Store, search: Search) -> list[Point]:
    """Points that this code made."""
    code = runner.code_version()
    return [
        point
        for point in stored_points(store, search.sweep_id(store))
        if point.run_id == search.point_id(point.policy, code)
    ]


def _line(store: Store, search: Search, run_id: str, policy: str, replays: int) -> Line:
    goal = search.plan.goal
    met = runs.find_run(store, run_id).scorecard.get(goal.figure)
    return Line(
        run_id=run_id, policy=policy, replays=replays, sampled_frac=search.sampled_frac,
        slo=goal.bound, keeps_slo=goal.kept(met),
    )  # fmt: skip
