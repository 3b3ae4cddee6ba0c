"""The facade that pages and the command line use: everything the product does, in one place.

It joins the store with the pure parts and holds no state but the open store and the requests
that somebody plans with. Every call takes a cursor of its own, so threads may share one planner.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from engine import comparison, runner, samples
from engine.claims.model import Claim
from engine.claims.report import claims, run_suite
from engine.cluster_runs import ClusterRuns, pool_of, span_of
from engine.desk import Desk
from engine.economics.assumptions import Assumptions
from engine.economics.build import build
from engine.economics.gather import gather, starting_point
from engine.economics.model import Report, Review
from engine.errors import ScenarioError, UsageError
from engine.explain_runs import ExplainRuns
from engine.forecast_runs import ForecastRuns, forget_trace
from engine.plan_runs import PlanRuns
from engine.policies import registry
from engine.policies.registry import PolicyInfo
from engine.policy_runs import PolicyRuns
from engine.presets import PRESETS
from engine.replay import Progress
from engine.routes import RouteRuns
from engine.run_info import RunInfo, run_info
from engine.scenario import Scenario
from engine.scenario_file import content_hash, from_dict, to_dict
from engine.scorecard import Scorecard, window_figures
from engine.store import run_queries, runs, scenarios, traces
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import RunRow
from engine.store.traces import Imported, TraceInfo
from engine.sweep_runs import SweepRuns
from engine.trace.mapping import Mapping as ColumnMapping
from engine.trace.options import ImportOptions
from engine.trace.preview import Preview, preview
from engine.trace.synth import KINDS, KindInfo, generate
from engine.trace_runs import TraceRuns

__all__ = ["Imported", "Planner", "Preview", "Progress", "RunInfo", "TraceInfo"]

ImportProgress = Callable[[float, str], None]
Cancel = Callable[[], bool]


class Planner(
    ClusterRuns, ExplainRuns, ForecastRuns, PlanRuns, PolicyRuns, RouteRuns, SweepRuns, TraceRuns,
):  # fmt: skip
    """One open store and everything that can be done with it. Use as a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens the store at `path` (None: the default place). Raises StoreError."""
        self._store = Store(path)
        self._desk = Desk()

    def close(self) -> None:
        """Frees the store for another process."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Where the store lies."""
        return self._store.path

    # Traces

    def import_path(
        self,
        path: Path,
        *,
        name: str | None = None,
        format: str = "auto",  # noqa: A002
        mapping: ColumnMapping | None = None,
        options: ImportOptions | None = None,
        progress: ImportProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Imported:
        """Checks a file and stores it as a trace, all or nothing. Raises TraceError."""
        return traces.import_path(
            self._store, path, name=name, format=format, mapping=mapping, options=options,
            progress=progress, cancel=cancel,
        )  # fmt: skip

    def preview(
        self,
        path: Path,
        *,
        format: str = "auto",  # noqa: A002
        mapping: ColumnMapping | None = None,
    ) -> Preview:
        """What an import would make of a file; nothing is stored. Raises TraceError."""
        return preview(path, format=format, mapping=mapping)

    def traces(self) -> pd.DataFrame:
        """All traces, newest first, one row each."""
        return traces.list_traces(self._store)

    def trace(self, key: str) -> TraceInfo:
        """The trace with this id, beginning of an id, or name. Raises StoreError."""
        return traces.find_trace(self._store, key)

    def rename_trace(self, key: str, name: str) -> None:
        """Gives a trace another name. Raises StoreError if it is taken."""
        traces.rename_trace(self._store, self.trace(key).trace_id, name)

    def delete_trace(self, key: str, *, force: bool = False) -> None:
        """Removes a trace. Raises StoreError while runs refer to it, unless `force`."""
        trace_id = self.trace(key).trace_id
        traces.delete_trace(self._store, trace_id, force=force)
        forget_trace(self.path, trace_id)

    def trace_kinds(self) -> Mapping[str, KindInfo]:
        """Kinds of synthetic traces with their options."""
        return KINDS

    def synthesize(
        self,
        kind: str,
        *,
        duration_s: float,
        mean_rate_per_s: float,
        seed: int,
        name: str | None = None,
        **options: Any,
    ) -> Imported:
        """Generates and stores a synthetic trace. Raises UsageError or ScenarioError."""
        made = generate(
            kind, duration_s=duration_s, mean_rate_per_s=mean_rate_per_s, seed=seed, **options
        )
        return traces.store_requests(
            self._store,
            made.table,
            name=name or f"{kind}-{seed}",
            format="synth",
            source=kind,
            recipe=made.recipe,
        )

    def ensure_samples(self, progress: ImportProgress | None = None) -> list[str]:
        """Imports the sample traces that the store lacks; their names there, the demo's first."""
        names, files = [], samples.sample_files()
        for number, name in enumerate(files):
            if progress is not None:
                progress(number / len(files), f"Loading sample trace {name}")
            names.append(self._sample(name))
        return names

    def _sample(self, name: str) -> str:
        if name in set(self.traces()["name"]):
            return name
        return self.import_path(samples.sample_files()[name], name=name).name

    # Scenarios and policies

    def presets(self) -> Mapping[str, Scenario]:
        """Scenarios to start from; the first is the default."""
        return PRESETS

    def saved_scenarios(self) -> dict[str, Scenario]:
        """Scenarios that were saved, by name, newest first; those of other versions left out."""
        found = {}
        for name, values in scenarios.saved_scenarios(self._store).items():
            try:
                found[name] = from_dict(values, f"saved scenario {name!r}")
            except ScenarioError:
                continue
        return found

    def save_scenario(self, scenario: Scenario) -> None:
        """Keeps a scenario under its name. Raises ScenarioError for the name of a preset."""
        name = scenario.name
        if name in PRESETS:
            raise ScenarioError(
                f"{name!r} is the name of a preset", "scenario: name", "Give it another name first"
            )
        key = f"{content_hash(scenario)} {name}"
        scenarios.save_scenario(self._store, name, key, to_dict(scenario))

    def delete_scenario(self, name: str) -> None:
        """Forgets a saved scenario. Raises StoreError if there is none."""
        scenarios.delete_scenario(self._store, name)

    def policies(self) -> list[PolicyInfo]:
        """Every installed policy."""
        return list(registry.available().values())

    # Runs

    def replay(
        self,
        trace_key: str,
        policies: Sequence[str],
        *,
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
        fresh: bool = False,
    ) -> list[str]:
        """Replays a trace window under several policies; returns run ids in their order.

        Finished runs are reused unless `fresh`. See `engine.runner` for what is raised.
        """
        wanted = runner.request(self._store, trace_key, policies, scenario, from_s, to_s)
        return runner.run(self._store, wanted, progress=progress, cancel=cancel, fresh=fresh)

    def runs(self) -> pd.DataFrame:
        """All runs, newest first, with their headline figures."""
        rows = runs.list_runs(self._store)
        frame = runs.runs_frame(rows)
        for key in ("slo_attainment_frac", "p95_s", "cost_usd"):
            frame[key] = pd.Series([row.scorecard.get(key) for row in rows], dtype="float64")
        return frame

    def run(self, run_id: str) -> RunInfo:
        """The run with this id, or the only one whose id begins with it. Raises StoreError."""
        return run_info(runs.find_run(self._store, run_id))

    def delete_run(self, run_id: str) -> None:
        """Removes a run. Raises StoreError if there is none."""
        runs.delete_run(self._store, self.run(run_id).run_id)

    def demo(self, progress: Callable[[Progress], None] | None = None) -> tuple[list[str], str]:
        """The comparison shown to first-time visitors, replayed if it is not there yet.

        Returns:
            Run ids, and the baseline's.
        """
        ids = self.replay(
            self._sample(samples.DEMO_TRACE),
            samples.DEMO_POLICIES,
            scenario=PRESETS[samples.DEMO_SCENARIO],
            progress=progress,
        )
        return ids, ids[0]

    # Money

    def assumptions(self, run_ids: Sequence[str]) -> Assumptions:
        """Where a report of these runs starts. Raises StoreError."""
        return starting_point(self._done(run_ids))

    def report(
        self,
        run_ids: Sequence[str],
        baseline: str,
        assumptions: Assumptions | None = None,
        reviews: Sequence[Review] = (),
    ) -> Report:
        """What switching from the baseline's policy costs, saves and emits over years.

        The first run that is not the baseline is the candidate. Raises UsageError for runs that
        cannot be compared, StoreError for one that is not done. What was said of the runs'
        decisions is added to `reviews`.
        """
        first = self.run(baseline).run_id
        known = dict.fromkeys([first, *(self.run(run_id).run_id for run_id in run_ids)])
        rows = self._done(known)
        given = starting_point(rows) if assumptions is None else assumptions
        made = build(gather(self._store, rows, given), given)
        from engine.report.reviews import as_lines  # noqa: PLC0415 - the report is heavy

        said = as_lines(self.reviews(list(known)), rows[0].epoch_s)
        return replace(made, reviews=(*reviews, *said))

    def export_reviews(self, run_ids: Sequence[str], kind: str) -> bytes:
        """The reviews of some runs' decisions as a file: csv or json. Raises UsageError."""
        from engine.report.reviews import as_csv, as_json  # noqa: PLC0415 - the report is heavy

        kinds = {"csv": as_csv, "json": as_json}
        if kind not in kinds:
            raise UsageError(f"{kind!r} is no kind of file", "reviews", "Choose csv or json")
        return kinds[kind](self.reviews(run_ids))

    def export(self, report: Report, kind: str) -> bytes:
        """A report as a file: pdf, html, xlsx, csv, json or focus.csv. Raises UsageError."""
        from engine.report.export import export  # noqa: PLC0415 - draws; seconds to import

        return export(report, kind)

    def claims(self) -> list[Claim]:
        """What the source documents claim, beside what stored runs and arithmetic say."""
        return claims(self._store)

    def run_claims(
        self, progress: ImportProgress | None = None, cancel: Cancel | None = None
    ) -> None:
        """Makes the runs that claims wait for. Raises ReplayCancelled."""
        run_suite(self._store, progress=progress, cancel=cancel)

    # Looking at runs

    def compare(
        self,
        run_ids: Sequence[str],
        baseline: str,
        *,
        from_s: float | None = None,
        to_s: float | None = None,
    ) -> pd.DataFrame:
        """Scorecards side by side; see `engine.comparison.compare` for the columns.

        With a window the figures are computed again from ticks and histograms; those that a
        window does not define are not measured. Raises StoreError for a run that is not done.
        """
        rows = {row.run_id: row for row in self._done(dict.fromkeys([*run_ids, baseline]))}
        whole = from_s is None and to_s is None
        cards = {
            run_id: row.scorecard if whole else self._window(row, span_of(from_s, to_s))
            for run_id, row in rows.items()
        }
        names = {run_id: row.policy for run_id, row in rows.items()}
        return comparison.compare(cards, names, self.run(baseline).run_id)

    def timeline(
        self,
        run_ids: Sequence[str],
        *,
        pool: str | None = None,
        from_s: float | None = None,
        to_s: float | None = None,
        max_points: int = 500,
    ) -> pd.DataFrame:
        """Demand, capacity, queue, failures and cost over time, at most `max_points` a run."""
        return self._each(
            run_ids,
            lambda row: run_queries.timeline(
                self._store, row, span_of(from_s, to_s, pool_of(row, pool), max_points)
            ),
        )

    def latency(
        self,
        run_ids: Sequence[str],
        *,
        pool: str | None = None,
        from_s: float | None = None,
        to_s: float | None = None,
        max_points: int = 200,
    ) -> pd.DataFrame:
        """p50, p95 and p99 of request latency over time, by time of arrival."""
        return self._each(
            run_ids,
            lambda row: run_queries.latency(
                self._store, row, span_of(from_s, to_s, pool_of(row, pool), max_points)
            ),
        )

    def decisions(
        self,
        run_id: str,
        *,
        pool: str | None = None,
        from_s: float | None = None,
        to_s: float | None = None,
        limit: int = 1000,
        changes_only: bool = False,
    ) -> pd.DataFrame:
        """A run's decisions in order of time."""
        row = runs.find_run(self._store, run_id)
        span = span_of(from_s, to_s, pool_of(row, pool))
        return run_queries.decisions(
            self._store, row, span, limit=limit, changes_only=changes_only
        )

    def _window(self, row: RunRow, span: Span) -> Scorecard:
        found = run_queries.sums(self._store, row, span)
        finished = int(found.histogram.sum())
        measured = window_figures(
            arrived=found.arrived,
            finished=finished,
            slo_met=found.slo_met,
            histogram=found.histogram,
            busy_slot_s=found.busy_slot_s,
            provisioned_slot_s=found.provisioned_slot_s,
            provisioned_worker_s=found.worker_s,
            cost_usd=found.cost_usd,
            peak_workers=found.peak_workers,
        )
        return {**measured, **self._window_of_cluster(row, span, finished)}
