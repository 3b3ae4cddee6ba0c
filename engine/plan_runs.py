"""The planner's part on quick what-ifs: previews, priorities, carbon over time, and noise."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from engine import runner
from engine.bound_runs import BoundRuns
from engine.cluster.grid import intensity, percentile_g_per_kwh
from engine.cluster.series import clock_s, find_carbon, load_grids
from engine.desk import Preview
from engine.errors import PolicyError, UsageError
from engine.policies.registry import find, parse_spec
from engine.replay import Progress
from engine.run_info import run_info
from engine.runner import ReplayRequest
from engine.scenario import WEIGHT_FIELDS, Priorities, Scenario
from engine.scenario_file import content_hash, from_dict
from engine.store import priorities, runs, sweeps, traces
from engine.store.runs import RunRow
from engine.sweep.axes import Axis
from engine.sweep.noise import SEEDS, Drawn, Paired, all_paired, drawn
from engine.sweep.plan import Plan
from engine.sweep.trial import Cancel
from engine.sweep.work import Outcome, bench
from engine.trace.schema import Kind
from engine.weights import WEIGHTS

POINTS = 288
"""Of a curve of carbon intensity."""
TURNED = ("name", "priorities", "guard")
"""Parts of a scenario that are no part of the cluster."""
PEER_FIGURES = ("cost_usd", "slo_attainment_frac", "p95_s", "carbon_kg")


class PlanRuns(BoundRuns):
    """The part of the planner that answers while somebody turns a knob."""

    def glimpse(
        self,
        trace_key: str,
        policy: str,
        *,
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
        cancel: Cancel | None = None,
    ) -> Preview:
        """What a few stretches of the window say; nothing is stored. Raises as `replay`."""
        wanted = runner.request(self._store, trace_key, (policy,), scenario, from_s, to_s)
        return self._desk.preview(self._store, wanted, cancel)

    def replay_again(
        self,
        trace_key: str,
        policy: str,
        *,
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
    ) -> str:
        """As `replay` with one policy, with the requests kept in memory for the next time."""
        wanted = runner.request(self._store, trace_key, (policy,), scenario, from_s, to_s)
        return self._desk.replay(self._store, wanted, progress=progress, cancel=cancel)[0]

    def is_replayed(
        self,
        trace_key: str,
        policy: str,
        *,
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
    ) -> bool:
        """Whether `replay_again` finds the run in the store."""
        wanted = runner.request(self._store, trace_key, (policy,), scenario, from_s, to_s)
        return runner.is_done(self._store, wanted.run_ids[0])

    def glimpse_of_run(self, run_id: str, cancel: Cancel | None = None) -> Preview:
        """The preview that a finished run would have had. Raises StoreError."""
        return self._desk.preview(self._store, self._request_of(run_id), cancel)

    def noise(
        self,
        run_id: str,
        baseline: str,
        *,
        seeds: int = SEEDS,
        cancel: Cancel | None = None,
        workers: int | None = None,
    ) -> dict[str, Paired]:
        """Differences between two runs over several seeds, by figure.

        Raises:
            UsageError: they differ in trace or window.
            ReplayCancelled: `cancel` returned true; what was finished is kept.
        """
        cards = [
            self._seeded(each, seeds, cancel, workers) for each in self._pair(run_id, baseline)
        ]
        return all_paired(*cards)

    def known_noise(
        self, run_id: str, baseline: str, *, seeds: int = SEEDS
    ) -> dict[str, Paired] | None:
        """The same where everything was replayed before with this code, else None; at once."""
        cards = []
        for each in self._pair(run_id, baseline):
            wanted = [
                replace(each, scenario=replace(each.scenario, seed=each.scenario.seed + k))
                for k in range(seeds + 1)
            ]
            ids = [one.run_ids[0] for one in wanted]
            known = sweeps.find_trials(self._store, ids)
            if len(known) < len(set(ids)):
                return None
            cards.append([known[one] for one in ids])
        return all_paired(*cards)

    def drawn(self, run_id: str) -> Drawn:
        """What another seed changes of a run. Raises StoreError."""
        wanted = self._request_of(run_id)
        return drawn(wanted.scenario, sampled=wanted.trace.kind is Kind.SERIES)

    def _pair(self, run_id: str, baseline: str) -> list[ReplayRequest]:
        both = [self._request_of(run_id), self._request_of(baseline)]
        if len({(each.trace.trace_id, each.from_s, each.to_s) for each in both}) > 1:
            raise UsageError(
                "these runs have different traces or windows", "noise",
                "Compare runs of the same window",
            )  # fmt: skip
        return both

    def _seeded(
        self, wanted: ReplayRequest, seeds: int, cancel: Cancel | None, workers: int | None
    ) -> list[Mapping[str, float | None]]:
        """Scorecards with the run's own seed and some more, in the order of the seeds."""
        first = wanted.scenario.seed
        axis = Axis(path="seed", values=tuple(str(first + k) for k in range(seeds + 1)))
        plan = Plan(
            trace=wanted.trace.trace_id, from_s=wanted.from_s, to_s=wanted.to_s,
            scenario=wanted.scenario, policy=str(wanted.policies[0]), axes=(axis,),
        )  # fmt: skip
        wave = [{"seed": value} for value in axis.values]
        with bench(self._store, plan, cancel=cancel, workers=workers) as table:
            made = list(table.replayed(wave, Outcome(sweep_id="")))
        return [
            point.scorecard for point in sorted(made, key=lambda each: int(each.settings["seed"]))
        ]

    def peers(self, run_id: str) -> pd.DataFrame:
        """The finished runs of a run's trace and window, it among them, the newest first.

        Returns:
            run_id, policy, `PEER_FIGURES`, and whether it can stand on one front with the run:
            `same_cluster`, its scenario differs in priorities and guard at most;
            `sees_future`, its policy does.

        Raises:
            StoreError: no such run.
        """
        mine = runs.find_run(self._store, run_id)
        place = (mine.trace_id, mine.from_s, mine.to_s)
        rows = [
            row for row in runs.list_runs(self._store)
            if row.status == "done" and (row.trace_id, row.from_s, row.to_s) == place
        ]  # fmt: skip
        clusters = _clusters([mine, *rows])
        future = {policy: _sees_future(policy) for policy in {row.policy for row in rows}}
        return pd.DataFrame(
            [
                {
                    "run_id": row.run_id, "policy": row.policy,
                    **{key: row.scorecard.get(key) for key in PEER_FIGURES},
                    "same_cluster": clusters[row.run_id] == clusters[mine.run_id],
                    "sees_future": future[row.policy],
                }
                for row in rows
            ],
            columns=["run_id", "policy", *PEER_FIGURES, "same_cluster", "sees_future"],
        ).astype(dict.fromkeys(PEER_FIGURES, "float64"))  # fmt: skip

    def carbon_curve(
        self, trace_key: str, scenario: Scenario, from_s: float, to_s: float
    ) -> pd.DataFrame:
        """Grid intensity of every region over a window: region, t_s, bucket_s, g_per_kwh."""
        trace = traces.find_trace(self._store, trace_key)
        grids = load_grids(self._store, find_carbon(self._store, scenario), trace.epoch_s)
        edges_s = np.linspace(from_s, to_s, POINTS + 1)
        frames = [
            pd.DataFrame(
                {
                    "region": region.name,
                    "t_s": edges_s[:-1],
                    "bucket_s": np.diff(edges_s),
                    "g_per_kwh": intensity(
                        region, grids.get(region.name), edges_s + clock_s(trace.epoch_s, 0.0)
                    ),
                }
            )
            for region in scenario.regions
        ]
        return pd.concat(frames, ignore_index=True)

    def carbon_thresholds(self, scenario: Scenario, percentile: float) -> dict[str, float]:
        """By region with pools, that percentile of its own grid's history, g CO2e per kWh.

        Raises:
            ScenarioError: a grid's intensity never changes.
        """
        grids = load_grids(self._store, find_carbon(self._store, scenario), None)
        regions = {scenario.region_of(pool.zone) for pool in scenario.pools}
        return {
            region.name: percentile_g_per_kwh(region, grids.get(region.name), percentile)
            for region in regions
        }

    def priorities(self) -> dict[str, Priorities]:
        """Presets of weights, then those that were saved."""
        saved = priorities.saved_priorities(self._store)
        return dict(WEIGHTS) | {
            name: Priorities(**{field: weights[field] for field in WEIGHT_FIELDS})
            for name, weights in saved.items()
            if name not in WEIGHTS
        }

    def save_priorities(self, name: str, weights: Priorities) -> None:
        """Keeps weights under a name. Raises UsageError for that of a preset, or an empty one."""
        if not name.strip() or name in WEIGHTS:
            raise UsageError(
                f"{name!r} cannot be the name of your priorities", "priorities",
                "Choose a name that no preset has",
            )  # fmt: skip
        shares = weights.normalised()
        priorities.save_priorities(
            self._store, name.strip(), {field: getattr(shares, field) for field in WEIGHT_FIELDS}
        )

    def delete_priorities(self, name: str) -> None:
        """Forgets saved weights."""
        priorities.delete_priorities(self._store, name)

    def _request_of(self, run_id: str) -> ReplayRequest:
        """What a stored run replayed. Raises StoreError."""
        row = runs.find_run(self._store, run_id)
        scenario = run_info(row).scenario
        return runner.request(
            self._store, row.trace_id, (parse_spec(row.policy),), scenario, row.from_s, row.to_s
        )


def _clusters(rows: Iterable[RunRow]) -> dict[str, str]:
    """By run id a hash of its scenario without what a planner turns to get more out of a cluster.

    Scenarios are read once where what is stored of them is the same.
    """
    stored = {
        row.run_id: json.dumps({k: v for k, v in row.scenario.items() if k not in TURNED})
        for row in rows
    }
    hashes = {text: content_hash(from_dict(json.loads(text))) for text in set(stored.values())}
    return {run_id: hashes[text] for run_id, text in stored.items()}


def _sees_future(policy: str) -> bool:
    """Also false where the policy is no longer installed."""
    try:
        return bool(getattr(find(parse_spec(policy)), "sees_future", False))
    except PolicyError:
        return False
