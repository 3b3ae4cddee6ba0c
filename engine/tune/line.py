"""The tuned HPA as a line of a comparison: searched once for a window, a scenario and its SLO.

Where a search on the whole window would take long it is made on a sample of it, the stretches of
a preview; what it finds is replayed on the whole window either way.
"""

from dataclasses import dataclass, replace

from engine import runner
from engine.desk import stretches
from engine.errors import UsageError
from engine.policies.registry import parse_spec
from engine.replay import Progress as Played
from engine.runner import ReplayRequest
from engine.store import runs, sweeps
from engine.store.duck import Store
from engine.store.sweeps import TunedRow
from engine.sweep.plan import Plan
from engine.sweep.trial import Cancel
from engine.sweep.work import Progress, run_sweep, sweep_id_of
from engine.tune.tuning import best_point

EASY = 400_000
"""Requests of a window that is searched whole; a tick counts as `TICK_REQUESTS`."""
TICK_REQUESTS = 80
"""A tick of the HPA takes about 0.25 ms, a request 3 µs."""
SEARCHED = 0.9
"""Of the work is told as done when the search is, with the whole run to come."""


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

    @property
    def sampled(self) -> bool:
        """Whether it is made on a sample."""
        return self.sampled_frac < 1.0

    def sweep_id(self, store: Store) -> str:
        """The same plan on the whole window and on a sample are two searches."""
        return sweep_id_of(store, self.plan, sampled=self.sampled)


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
    """The line where its search has ended before, with this code, and its run is there."""
    found = sweeps.find_tuned(store, search.sweep_id(store))
    if found is None or not runner.is_done(store, found.run_id):
        return None
    return _line(store, search, found)


def make_line(
    store: Store,
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

    def searched(share: float, text: str) -> None:
        if progress is not None:
            progress(SEARCHED * share, f"{text} of a sample" if search.sampled else text)

    def played(done: Played) -> None:
        if progress is not None:
            progress(SEARCHED + (1.0 - SEARCHED) * done.fraction, "The best on the whole window")

    made = run_sweep(
        store, search.plan, progress=searched, cancel=cancel, workers=1, hidden=True,
        sampled=search.sampled,
    )  # fmt: skip
    best = best_point(made.points, search.plan.goal)
    if best is None:
        raise UsageError(
            "no setting of the HPA could be replayed", "tuned HPA", "Look at the scenario"
        )
    whole = replace(search.wanted, policies=(parse_spec(best.policy),))
    (run_id,) = runner.run(store, whole, progress=played, cancel=cancel)
    replays = sum(point.problem is None for point in made.points)
    row = TunedRow(run_id=run_id, policy=best.policy, replays=replays)
    sweeps.save_tuned(store, made.sweep_id, row)
    return _line(store, search, row)


def _line(store: Store, search: Search, row: TunedRow) -> Line:
    goal = search.plan.goal
    met = runs.find_run(store, row.run_id).scorecard.get(goal.figure)
    return Line(
        run_id=row.run_id, policy=row.policy, replays=row.replays,
        sampled_frac=search.sampled_frac, slo=goal.bound, keeps_slo=goal.kept(met),
    )  # fmt: skip
