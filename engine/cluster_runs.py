"""What finished runs say of machines, tenants and protection over time; part of the planner."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from engine.cluster.series import check_node_type, check_region
from engine.dependability import service_figures
from engine.errors import UsageError
from engine.footprint import account_figures
from engine.run_info import done_rows
from engine.scenario import Scenario
from engine.scorecard import Scorecard
from engine.store import account_queries, service_queries
from engine.store.duck import Store
from engine.store.run_queries import FOREVER, Span, ticks_of
from engine.store.runs import RunRow
from engine.units import SECONDS_PER_HOUR

__all__ = ["ClusterRuns", "pool_of", "span_of"]


class ClusterRuns:
    """Frames of one or several runs; columns `run_id` and `policy` come first.

    Windows are in seconds since the trace's start. Every method raises StoreError for a run that
    is not done.
    """

    _store: Store

    def check_series(self, scenario: Scenario, part: str, number: int) -> None:
        """Refuses an entry of `regions` or `node_types` that names what the store has not.

        Raises:
            ScenarioError: there is no such trace, it is of another kind, or lacks the name.
        """
        if part == "regions":
            check_region(self._store, scenario.regions[number])
        else:
            check_node_type(self._store, scenario, scenario.node_types[number])

    def machines(
        self,
        run_ids: Sequence[str],
        *,
        from_s: float | None = None,
        to_s: float | None = None,
        max_points: int = 500,
    ) -> pd.DataFrame:
        """Nodes, power, carbon and money over time, by place; empty without accounts."""
        span = span_of(from_s, to_s, max_points=max_points)
        return self._each(
            run_ids, lambda row: account_queries.accounts_timeline(self._store, row, span)
        )

    def places(
        self, run_ids: Sequence[str], *, from_s: float | None = None, to_s: float | None = None
    ) -> pd.DataFrame:
        """Node hours, energy, carbon and money of each place; empty without accounts."""
        span = span_of(from_s, to_s)
        return self._each(
            run_ids, lambda row: account_queries.accounts_totals(self._store, row, span)
        )

    def service(
        self,
        run_ids: Sequence[str],
        *,
        pool: str | None = None,
        from_s: float | None = None,
        to_s: float | None = None,
        max_points: int = 500,
    ) -> pd.DataFrame:
        """Retries, degradation, crashes, breakers, caches, balance and network over time."""
        return self._each(
            run_ids,
            lambda row: service_queries.service_timeline(
                self._store, row, span_of(from_s, to_s, pool_of(row, pool), max_points)
            ),
        )

    def tenants(
        self, run_ids: Sequence[str], *, from_s: float | None = None, to_s: float | None = None
    ) -> pd.DataFrame:
        """What each tenant asked for and got; empty without tenants."""
        span = span_of(from_s, to_s)
        return self._each(
            run_ids, lambda row: service_queries.tenants_totals(self._store, row, span)
        )

    def tenants_timeline(
        self,
        run_ids: Sequence[str],
        *,
        from_s: float | None = None,
        to_s: float | None = None,
        max_points: int = 200,
    ) -> pd.DataFrame:
        """The same over time of arrival."""
        span = span_of(from_s, to_s, max_points=max_points)
        return self._each(
            run_ids, lambda row: service_queries.tenants_timeline(self._store, row, span)
        )

    def events(
        self,
        run_ids: Sequence[str],
        *,
        from_s: float | None = None,
        to_s: float | None = None,
        limit: int = 1000,
    ) -> pd.DataFrame:
        """What happened to machines, the first `limit` a run; kinds: `engine.records.EVENTS`."""
        span = span_of(from_s, to_s)
        return self._each(
            run_ids, lambda row: service_queries.events(self._store, row, span, limit=limit)
        )

    def _window_of_cluster(self, row: RunRow, span: Span, finished: int) -> Scorecard:
        """The figures of machines and protection for a part of a run."""
        first, last = ticks_of(row, span)
        seconds = min(last * row.tick_s, row.to_s - row.from_s) - first * row.tick_s
        sums = service_queries.service_sums(self._store, row, span)
        accounts = account_queries.account_sums(self._store, row, span)
        figures = account_figures(accounts, finished)
        if sums is not None:
            figures |= service_figures(sums, seconds / SECONDS_PER_HOUR)
        return figures

    def _done(self, run_ids: Sequence[str] | Mapping[str, None]) -> list[RunRow]:
        return done_rows(self._store, run_ids)

    def _each(
        self, run_ids: Sequence[str], query: Callable[[RunRow], pd.DataFrame]
    ) -> pd.DataFrame:
        frames = []
        for row in self._done(run_ids):
            frame = query(row)
            frame.insert(0, "policy", row.policy)
            frame.insert(0, "run_id", row.run_id)
            frames.append(frame)
        if not frames:
            raise UsageError("no run was named", "runs", "Name at least one run")
        return pd.concat(frames, ignore_index=True)


def span_of(
    from_s: float | None, to_s: float | None, pool: int | None = None, max_points: int = 500
) -> Span:
    """The part of runs that is asked for; None: to the end."""
    return Span(
        from_s=-FOREVER if from_s is None else from_s,
        to_s=FOREVER if to_s is None else to_s,
        pool=pool,
        max_points=max_points,
    )


def pool_of(row: RunRow, name: str | None) -> int | None:
    """The number of a run's pool. Raises UsageError if it has none of this name."""
    if name is None:
        return None
    if name not in row.pools:
        raise UsageError(
            f"run {row.run_id} has no pool {name!r}", "pool", f"Known: {', '.join(row.pools)}"
        )
    return row.pools.index(name)
