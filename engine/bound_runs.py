"""The planner's part on how far runs are from perfect: a bound, and plans that know the future."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from engine import runner
from engine.desk import Desk
from engine.evaluate.frontier import Found, cost_at
from engine.oracle.bound import Bound, Needs, is_bounded
from engine.policies.registry import parse_spec
from engine.run_info import RunInfo, done_rows, run_info
from engine.runner import ReplayRequest
from engine.store import run_queries, runs, sweeps
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import RunRow
from engine.sweep.axes import Axis
from engine.sweep.plan import Plan
from engine.sweep.trial import Cancel
from engine.sweep.work import Outcome, Progress, bench

PLANS = tuple(
    f"oracle:target={target}" for target in ("0.3", "0.4", "0.5", "0.65", "0.8", "0.9", "1")
)
"""Real start-up times with the future known, from roomy to tight."""
COLUMNS = (
    "run_id", "policy", "slo_attainment_frac", "cost_usd", "bound_usd", "above_bound_frac",
    "slot_hours", "bound_slot_hours", "plans", "plan_usd", "above_plan_frac",
    "plan_serves_more",
)  # fmt: skip


class BoundRuns:
    """The part of the planner that says how far from perfect a run is."""

    _store: Store
    _desk: Desk

    def bounds(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """How far finished runs are from perfect, a row each.

        Returns:
            `COLUMNS`. `bound_usd` and `bound_slot_hours`: what no policy can stay below that
            meets the SLO for as many requests, with workers that start at once
            (`engine.oracle.bound`); NaN where it cannot be said. `plan_usd`: what a plan that
            knows the future costs at the same SLO attainment with real start-up times, between
            those of `PLANS` that were replayed (see `known_future`); NaN where none was, or none
            of the `plans` that were does as well. `plan_serves_more`: 1 where even the cheapest of
            them meets the SLO for more requests than the run, so that `plan_usd` is what one as
            good costs at most. `above_…_frac`: (own − that) ÷ that.

        Raises:
            StoreError: no such run, or one that is not done.
        """
        rows = done_rows(self._store, run_ids)
        known: dict[str, Needs | None] = {}
        table = [self._bounded(row, run_info(row), known) for row in rows]
        frame = pd.DataFrame(table, columns=list(COLUMNS))
        numbers = [name for name in COLUMNS if name not in ("run_id", "policy")]
        return frame.astype(dict.fromkeys(numbers, "float64"))

    def known_future(
        self,
        run_ids: Sequence[str],
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        workers: int | None = None,
    ) -> int:
        """Replays `PLANS` on the windows of these runs, for `bounds`; returns how many.

        Raises:
            StoreError: no such run.
            ReplayCancelled: `cancel` returned true; what was finished is kept.
        """
        wanted = {self._key(row): row for row in (runs.find_run(self._store, r) for r in run_ids)}
        outcome = Outcome(sweep_id="")
        total, done = len(wanted) * len(PLANS), 0
        for row in wanted.values():
            plan = _plan(row, run_info(row))
            with bench(self._store, plan, cancel=cancel, workers=workers) as table:
                for _ in table.replayed([{"policy": text} for text in PLANS], outcome):
                    done += 1
                    if progress is not None:
                        progress(done / total, f"{done} of {total} plans")
        return outcome.replayed

    def _bounded(
        self, row: RunRow, run: RunInfo, known: dict[str, Needs | None]
    ) -> dict[str, Any]:
        key = self._key(row)
        if key not in known:
            known[key] = self._needs(run) if is_bounded(run.scenario) else None
        found = known[key]
        whole = run_queries.sums(self._store, row, Span())
        bound = None if found is None else found.bound(whole.slo_met)
        cost = row.scorecard["cost_usd"]
        slot_hours = whole.provisioned_slot_s / 3600.0
        plans, plan = self._plan(run)
        plan_usd = None if plan is None else plan.value
        return {
            "run_id": run.run_id, "policy": run.policy,
            "slo_attainment_frac": row.scorecard["slo_attainment_frac"], "cost_usd": cost,
            "slot_hours": slot_hours, "plans": plans, "plan_usd": plan_usd,
            "above_plan_frac": _above(cost, plan_usd),
            "plan_serves_more": None if plan is None else float(plan.ends),
            **_distance(bound, cost, slot_hours),
        }  # fmt: skip

    def _needs(self, run: RunInfo) -> Needs:
        return self._desk.needs(self._store, self._request(run, run.policy))

    def _plan(self, run: RunInfo) -> tuple[int, Found | None]:
        """How many plans with real start-up times there are, and what one as good costs."""
        wanted = [self._request(run, policy) for policy in PLANS]
        code = runner.code_version()
        ids = [each.run_id(each.policies[0], code) for each in wanted]
        cards = sweeps.find_trials(self._store, ids).values()
        points = [
            (cost, 1.0 - met)
            for card in cards
            if (cost := card["cost_usd"]) and (met := card["slo_attainment_frac"]) is not None
        ]
        mine = run.scorecard["slo_attainment_frac"]
        found = None if not points or mine is None else cost_at(points, 1.0 - mine)
        return len(points), found

    def _request(self, run: RunInfo, policy: str) -> ReplayRequest:
        return runner.request(
            self._store, run.trace_id, (parse_spec(policy),), run.scenario, run.from_s, run.to_s
        )

    def _key(self, row: RunRow) -> str:
        return f"{row.trace_id} {row.from_s} {row.to_s} {row.scenario_hash}"


def _plan(row: RunRow, run: RunInfo) -> Plan:
    return Plan(
        trace=row.trace_id, from_s=row.from_s, to_s=row.to_s, scenario=run.scenario,
        policy=PLANS[0], axes=(Axis(path="policy", values=PLANS),),
    )  # fmt: skip


def _distance(bound: Bound | None, cost: float | None, slot_hours: float) -> dict[str, Any]:
    """In money, or where no money can be said, in slots."""
    usd = None if bound is None else bound.usd
    slots = None if bound is None else bound.slot_hours
    above = _above(slot_hours, slots) if usd is None else _above(cost, usd)
    return {"bound_usd": usd, "bound_slot_hours": slots, "above_bound_frac": above}


def _above(own: float | None, other: float | None) -> float | None:
    return (own - other) / other if own is not None and other else None
