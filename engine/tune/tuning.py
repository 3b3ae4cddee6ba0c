"""Searches the parameters of a policy that keep the SLO at the least cost on one trace window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine import runner
from engine.errors import PolicyError
from engine.manifests import to_yaml
from engine.scenario import Scenario
from engine.store.duck import Store
from engine.sweep.axes import Axis, Settings, applied
from engine.sweep.plan import Goal, Method, Plan
from engine.sweep.report import report
from engine.sweep.trial import Cancel
from engine.sweep.work import Outcome, Point, Progress, run_sweep
from engine.tune.spaces import space_of

SAMPLES = 11
"""A quarter of the 9 x 5 grid."""
STEP = 0.1
"""How far a parameter is moved around the best, as a share of its range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be tuned, for what."""

    trace: str
    policy: str
    """`hpa` or `threshold`, with the parameters that are to stay as they are."""
    scenario: Scenario
    slo: float
    """Share of requests that must finish within the scenario's SLO."""
    from_s: float = 0.0
    to_s: float | None = None
    samples: int = SAMPLES
    seed: int = 0


def tune(
    store: Store,
    wish: Wish,
    *,
    grid: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """The document of `smartscale tune`.

    Args:
        store: the open store.
        wish: what is to be tuned.
        grid: also replay the 9 x 5 grid, to see what the search is worth.
        progress: share done, and what is being done.
        cancel: asked now and then.
        workers: processes; None: one a core.

    Raises:
        UsageError: a policy that is not tuned.
        StoreError: no such trace.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    space = space_of(wish.policy)
    plan = planned(store, wish, space.axes(), Method.SEARCH)
    options: dict[str, Any] = {"progress": progress, "cancel": cancel, "workers": workers}
    found = run_sweep(store, plan, **options)
    document = report(found.points, goal=plan.goal)
    best = best_point(found.points, plan.goal)
    around = None
    if best is not None:
        around = run_sweep(store, _around(plan, best.settings), **options)
    return {
        "trace": wish.trace, "policy": wish.policy, "slo": wish.slo,
        "sweep_id": found.sweep_id, "replays": len(found.points),
        "best": None if best is None else _told(best, plan.goal),
        "around": [] if best is None or around is None else _steps(plan, best, around),
        "sensitivity": document["sensitivity"],
        **_manifest(wish, best),
        "grid": _grid(store, wish, best, plan.goal, options) if grid else None,
    }  # fmt: skip


def best_point(points: Sequence[Point], goal: Goal) -> Point | None:
    """The cheapest that keeps the SLO; where none does, the one that keeps most of it."""
    done = [point for point in points if point.scorecard]
    kept = [point for point in done if goal.kept(point.scorecard.get(goal.figure))]
    if kept:
        return min(kept, key=lambda point: point.scorecard[goal.minimise] or 0.0)
    return max(done, key=lambda point: point.scorecard[goal.figure] or 0.0, default=None)


def planned(store: Store, wish: Wish, axes: tuple[Axis, ...], method: Method) -> Plan:
    """The sweep that a wish asks for. Raises as `tune`."""
    whole = runner.request(
        store, wish.trace, (wish.policy,), wish.scenario, wish.from_s, wish.to_s
    )
    space, searched = space_of(wish.policy), method is Method.SEARCH
    return Plan(
        trace=whole.trace.trace_id, from_s=whole.from_s, to_s=whole.to_s,
        scenario=wish.scenario, policy=str(whole.policies[0]), axes=axes, method=method,
        samples=wish.samples, seed=wish.seed, goal=Goal(bound=wish.slo),
        starts=space.beginnings() if searched else (), safer=space.safer if searched else (),
    )  # fmt: skip


def _told(point: Point, goal: Goal) -> dict[str, Any]:
    return {
        "policy": point.policy, "run_id": point.run_id, "settings": dict(point.settings),
        "keeps_slo": goal.kept(point.scorecard.get(goal.figure)), "figures": point.scorecard,
    }  # fmt: skip


def _around(plan: Plan, best: Settings) -> Plan:
    """Each parameter a step down and a step up, the others as they are best."""
    policies = []
    for axis in plan.axes:
        here = axis.place(best[axis.path])
        for place in (max(0.0, here - STEP), min(1.0, here + STEP)):
            moved = {**best, axis.path: axis.at(place)}
            policies.append(applied(plan.scenario, plan.policy, moved)[1])
    axis = Axis(path="policy", values=tuple(dict.fromkeys(policies)))
    return replace(plan, axes=(axis,), method=Method.GRID)


def _steps(plan: Plan, best: Point, around: Outcome) -> list[dict[str, Any]]:
    """What cost and SLO attainment become where one parameter is moved."""
    rows = []
    for point in sorted(around.points, key=lambda each: each.policy):
        change = {
            key: (point.scorecard[key] or 0.0) - (best.scorecard[key] or 0.0)
            for key in ("cost_usd", "slo_attainment_frac")
            if point.scorecard
        }
        rows.append(
            {
                "policy": point.policy,
                "cost_usd": point.scorecard.get("cost_usd"),
                "slo_attainment_frac": point.scorecard.get("slo_attainment_frac"),
                "difference": change,
                "keeps_slo": plan.goal.kept(point.scorecard.get(plan.goal.figure)),
            }
        )
    return rows


def _manifest(wish: Wish, best: Point | None) -> dict[str, Any]:
    """The best as a manifest, or why there is none."""
    if best is None:
        return {"manifest": None, "no_manifest": "no setting could be replayed"}
    try:
        return {"manifest": to_yaml(wish.scenario, best.policy), "no_manifest": None}
    except PolicyError as error:
        return {"manifest": None, "no_manifest": error.what}


def _grid(
    store: Store, wish: Wish, mine: Point | None, goal: Goal, options: dict[str, Any]
) -> dict[str, Any]:
    axes = space_of(wish.policy).grid_axes()
    made = run_sweep(store, planned(store, wish, axes, Method.GRID), **options)
    best = best_point(made.points, goal)
    return {
        "replays": len(made.points),
        "best": None if best is None else _told(best, goal),
        "search_as_good": _as_good(mine, best, goal),
    }


def _as_good(mine: Point | None, other: Point | None, goal: Goal) -> bool | None:
    """Whether one is at least as good as the other; None where there is nothing to compare.

    Who keeps the SLO is better than who does not; then the cheaper one, or who keeps more of it.
    """
    if mine is None or other is None:
        return None
    kept = [goal.kept(point.scorecard.get(goal.figure)) for point in (mine, other)]
    if kept[0] != kept[1]:
        return kept[0]
    key, sign = (goal.minimise, 1.0) if kept[0] else (goal.figure, -1.0)
    one, two = (sign * (point.scorecard[key] or 0.0) for point in (mine, other))
    return one <= two
