"""The planner's part on sweeps: made, looked at again, and a point of one opened as a run."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from engine import runner
from engine.errors import EngineError, PolicyError
from engine.policies.registry import parse_spec
from engine.run_info import run_info
from engine.scenario import Scenario
from engine.scenario_file import content_hash
from engine.store import runs, sweeps, traces
from engine.store.duck import Store
from engine.store.sweeps import SweepRow
from engine.sweep.axes import POLICY, Axis, Settings, applied
from engine.sweep.cliffs import Ask, edge
from engine.sweep.effects import Cliff
from engine.sweep.plan import Goal, Method, Plan, plan_of
from engine.sweep.report import OBJECTIVES, check_objectives, report
from engine.sweep.trial import Cancel
from engine.sweep.work import (
    Outcome,
    Point,
    Progress,
    bench,
    left_over,
    run_sweep,
    stored_points,
    sweep_id_of,
)
from engine.tune.line import Line, Search, is_easy, known_line, make_line, search_of
from engine.tune.spaces import space_of
from engine.tune.tuning import Wish, planned, tune


class SweepRuns:
    """The part of the planner that replays many settings."""

    _store: Store

    def sweep(
        self,
        trace_key: str,
        policy: str,
        axes: Sequence[Axis],
        *,
        scenario: Scenario,
        method: Method = Method.GRID,
        samples: int = 32,
        seed: int = 0,
        goal: Goal | None = None,
        objectives: Sequence[str] = OBJECTIVES,
        from_s: float = 0.0,
        to_s: float | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        workers: int | None = None,
        edges: int = 0,
    ) -> dict[str, Any]:
        """Replays settings of a policy or a cluster on one window; the document of the sweep.

        What was replayed before, in this sweep or otherwise, is not replayed again. A sweep that
        was made before with fewer points goes on with the new ones. Then so many replays as
        `edges` narrow each cliff down.

        Raises:
            UsageError: nothing to vary, or axes that the method cannot use.
            StoreError: no such trace.
            CheckpointError: the allocator in use is gone.
            ReplayCancelled: `cancel` returned true; what was finished is kept.
        """
        wanted = check_objectives(objectives)
        axes = [self._chosen(axis) for axis in axes]
        for axis in axes:  # a path that does not exist is refused before anything is replayed
            applied(scenario, policy, {axis.path: axis.at(0.0)})
        whole = runner.request(self._store, trace_key, (policy,), scenario, from_s, to_s)
        plan = Plan(
            trace=whole.trace.trace_id, from_s=whole.from_s, to_s=whole.to_s, scenario=scenario,
            policy=str(whole.policies[0]), method=method, samples=samples, seed=seed,
            axes=tuple(_without_doubles(axis, scenario, policy) for axis in axes),
            goal=goal or Goal(bound=scenario.slo.attainment_frac),
        )  # fmt: skip
        made = run_sweep(self._store, plan, progress=progress, cancel=cancel, workers=workers)
        return self._narrowed(
            self._sweep_document(made, plan, wanted), plan, edges, progress, cancel
        )

    def go_on(
        self,
        key: str,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        workers: int | None = None,
        edges: int = 0,
    ) -> dict[str, Any]:
        """Replays what a stored sweep was ever asked for and lacks; its document.

        One of an older version is made anew, by the code and the checkpoints of today, under
        another id. So many replays as `edges` narrow each cliff down.

        Raises:
            StoreError: no such sweep, or its trace is gone.
            ReplayCancelled: `cancel` returned true; what was finished is kept.
        """
        row = sweeps.find_sweep(self._store, key)
        plan = plan_of(row.plan)
        made = run_sweep(
            self._store, plan, also=left_over(self._store, row.sweep_id, plan), progress=progress,
            cancel=cancel, workers=workers,
        )  # fmt: skip
        return self._narrowed(
            self._sweep_document(made, plan, OBJECTIVES), plan, edges, progress, cancel
        )

    def tune(
        self,
        wish: Wish,
        *,
        grid: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        workers: int | None = None,
    ) -> dict[str, Any]:
        """The cheapest parameters that keep the SLO; see `engine.tune.tuning.tune`."""
        return tune(
            self._store, wish, grid=grid, progress=progress, cancel=cancel, workers=workers
        )

    def tuned_hpa(
        self, run_id: str, *, progress: Progress | None = None, cancel: Cancel | None = None
    ) -> Line:
        """Tunes the HPA for the window and the SLO of a run, once; see `engine.tune.line`.

        Raises:
            StoreError: no such run, or its trace is gone.
            UsageError: no setting of the HPA can be replayed.
            ReplayCancelled: `cancel` returned true; what was finished is kept.
        """
        return make_line(self._store, self._search_of(run_id), progress=progress, cancel=cancel)

    def known_tuned_hpa(self, run_id: str) -> Line | None:
        """The same where it was made before, else None; at once. Raises StoreError."""
        return known_line(self._store, self._search_of(run_id))

    def is_easy(self, run_id: str) -> bool:
        """Whether some replays of a run's window take seconds rather than minutes."""
        search = self._search_of(run_id)
        found = runs.find_run(self._store, run_id).scorecard.get("requests_arrived")
        return is_easy(search.wanted, found or 0.0)

    def _search_of(self, run_id: str) -> Search:
        row = runs.find_run(self._store, run_id)
        scenario = run_info(row).scenario
        wish = Wish(
            trace=row.trace_id, policy="hpa", scenario=scenario,
            slo=scenario.slo.attainment_frac, from_s=row.from_s, to_s=row.to_s,
        )  # fmt: skip
        plan = planned(self._store, wish, space_of(wish.policy).axes(), Method.SEARCH)
        whole = runner.request(
            self._store, row.trace_id, (wish.policy,), scenario, row.from_s, row.to_s
        )
        return search_of(whole, plan, row.scorecard.get("requests_arrived") or 0.0)

    def sweep_report(self, key: str, objectives: Sequence[str] = OBJECTIVES) -> dict[str, Any]:
        """The document of a stored sweep as far as it is done. Raises StoreError."""
        row = sweeps.find_sweep(self._store, key)
        plan = plan_of(row.plan)
        points = stored_points(self._store, row.sweep_id)
        made = Outcome(sweep_id=row.sweep_id, points=points)
        document = self._sweep_document(made, plan, check_objectives(objectives))
        return self._narrowed(document, plan, 0, None, None)

    def sweeps(self) -> list[SweepRow]:
        """All sweeps, newest first."""
        return sweeps.list_sweeps(self._store)

    def delete_sweep(self, key: str) -> None:
        """Forgets a sweep; what it replayed stays known. Raises StoreError."""
        sweeps.delete_sweep(self._store, sweeps.find_sweep(self._store, key).sweep_id)

    def open_point(self, sweep_key: str, run_id: str, *, cancel: Cancel | None = None) -> str:
        """Makes a point of a sweep a whole run, with timelines and decisions; its id.

        Raises:
            StoreError: no such sweep or point, or one of an older version that was not kept
                whole: a replay of today would say something else.
            ReplayCancelled: `cancel` returned true.
        """
        row = sweeps.find_sweep(self._store, sweep_key)
        plan = plan_of(row.plan)
        points = {p.run_id: p for p in sweeps.points_of(self._store, row.sweep_id)}
        if run_id not in points:
            raise sweeps.no_point(run_id, row.sweep_id)
        scenario, policy = applied(plan.scenario, plan.policy, points[run_id].settings)
        wanted = runner.request(
            self._store, plan.trace, (parse_spec(policy),), scenario, plan.from_s, plan.to_s
        )
        if wanted.run_ids != (run_id,):
            return self._kept_whole(run_id, row.sweep_id)
        return runner.run(self._store, wanted, cancel=cancel)[0]

    def _chosen(self, axis: Axis) -> Axis:
        """Policies to vary name the allocator in use, as that of the sweep does."""
        if axis.path != POLICY:
            return axis
        return replace(axis, values=tuple(self._named(value) for value in axis.values))

    def _named(self, policy: str) -> str:
        try:
            return str(runner.chosen(self._store, policy))
        except PolicyError:  # its point says so
            return policy

    def _narrowed(
        self, document: dict[str, Any], plan: Plan, edges: int, progress: Progress | None,
        cancel: Cancel | None,
    ) -> dict[str, Any]:  # fmt: skip
        """With where exactly each cliff is: as far as is known, or so many replays tell."""
        if not document["cliffs"]:
            return document
        more, asked = Outcome(sweep_id=""), 0
        points = stored_points(self._store, document["sweep_id"])
        with bench(self._store, plan, cancel=cancel, workers=1) as table:

            def ask(settings: Settings) -> float | None:
                nonlocal asked
                if progress is not None and edges:
                    share = min(1.0, asked / (edges * len(document["cliffs"])))
                    progress(share, "Looking for the edges of cliffs")
                asked += 1
                return table.held(settings, more if edges else None)

            cliffs = [
                {**told, "edge": _edge(told, points, plan.goal, ask, edges)}
                for told in document["cliffs"]
            ]
        return {**document, "cliffs": cliffs, "replayed": document["replayed"] + more.replayed}

    def _kept_whole(self, run_id: str, sweep_id: str) -> str:
        if not runner.is_done(self._store, run_id):
            raise sweeps.old_point(run_id, sweep_id)
        return run_id

    def _is_older(self, sweep_id: str, plan: Plan) -> bool:
        """Whether a sweep was made by other code or checkpoints than those of today."""
        try:
            return sweep_id_of(self._store, plan) != sweep_id
        except EngineError:  # what it was made with is not even there
            return True

    def _sweep_document(
        self, made: Outcome, plan: Plan, objectives: Sequence[str]
    ) -> dict[str, Any]:
        if plan.method is not Method.SEARCH:  # with what earlier calls of the same sweep made
            known = {point.run_id for point in made.points}
            more = [p for p in stored_points(self._store, made.sweep_id) if p.run_id not in known]
            made = replace(made, points=[*made.points, *more])
        trace = traces.find_trace(self._store, plan.trace)
        return {
            "sweep_id": made.sweep_id, "older_version": self._is_older(made.sweep_id, plan),
            "trace": trace.name, "trace_id": trace.trace_id,
            "from_s": plan.from_s, "to_s": plan.to_s, "policy": plan.policy,
            "scenario": plan.scenario.name, "method": plan.method.value,
            "varied": [axis.path for axis in plan.axes], "asked": plan.size,
            "replayed": made.replayed, **report(made.points, objectives, plan.goal),
        }  # fmt: skip


def _edge(
    told: dict[str, Any], points: Sequence[Point], goal: Goal, ask: Ask, edges: int
) -> dict[str, Any] | None:
    """The edge of a cliff, where it says more than the cliff does."""
    found = edge(Cliff(**told), points, goal, ask, edges or None)
    if found is None:
        return None
    same = (found.kept_at, found.broken_at) == (told["kept_at"], told["broken_at"])
    return None if same else asdict(found)


def _without_doubles(axis: Axis, scenario: Scenario, policy: str) -> Axis:
    """An axis without values that come to the same as an earlier one, such as 0.50 after 0.5."""
    made: dict[str, str] = {}
    for value in axis.values:
        try:
            turned, text = applied(scenario, policy, {axis.path: value})
            made.setdefault(f"{content_hash(turned)} {text}", value)
        except EngineError:  # impossible by itself; the sweep says so
            made.setdefault(value, value)
    return replace(axis, values=tuple(made.values()))
