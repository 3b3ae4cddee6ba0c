"""The planner's part on why a run was decided as it was, and what people say of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pandas as pd

from engine.cluster_runs import pool_of, span_of
from engine.errors import StoreError, UsageError
from engine.explain import gather
from engine.explain.decision import Decision, Kind
from engine.explain.faithfulness import Faithfulness, check
from engine.explain.gather import Told
from engine.explain.queue import Questionable, questionable
from engine.explain.search import Found, search
from engine.explain.session import Asked
from engine.policies.registry import find, parse_spec
from engine.store import decision_queries as queries
from engine.store import queue_queries, reviews, runs
from engine.store.decision_queries import Filter
from engine.store.duck import Store
from engine.store.reviews import VERDICTS, SavedReview
from engine.store.runs import RunRow

__all__ = ["ExplainRuns"]

Cancel = Callable[[], bool]
KEPT = 8
"""Runs of which is kept what their decisions have in common."""


class ExplainRuns:
    """The part of the planner that explains decisions.

    Times are in seconds since the trace's start. Every method raises StoreError for a run that is
    not there or not done.
    """

    _store: Store

    def decision(
        self, run_id: str, *, number: int | None = None, at_s: float | None = None,
        pool: str | None = None,
    ) -> Decision:  # fmt: skip
        """One decision in full: by its number, or the last at or before a time.

        Raises:
            UsageError: no such decision, or neither number nor time.
        """
        told = self._told(run_id)
        if number is not None:
            return gather.by_number(told, number)
        if at_s is None:
            raise UsageError("which decision?", "explain", "Say --at TIME or --decision N")
        return gather.at_time(told, at_s, pool_of(told.run, pool))

    def decision_marks(self, run_id: str, **wanted: Any) -> pd.DataFrame:
        """At most 2,000 marks of a run's decisions over time; for the filter see `find`."""
        told = self._told(run_id)
        frame = queries.marks(self._store, told.run, self._filter(told, **wanted))
        return _with_kinds(frame)

    def decision_counts(self, run_id: str, **wanted: Any) -> pd.DataFrame:
        """Decisions by kind and reason; for the filter see `find`."""
        told = self._told(run_id)
        frame = queries.counts(self._store, told.run, self._filter(told, **wanted))
        return _with_kinds(frame)

    def find(self, run_id: str, text: str = "", *, most: int = 50, **wanted: Any) -> Found:
        """Decisions whose sentence holds all words of a text, in order of time.

        Args:
            run_id: of the run.
            text: empty: all.
            most: decisions.
            wanted: what decisions are looked at: pool, from_s, to_s, kinds, reasons, after;
                worst_minutes: those in so many minutes in which most requests of the pool missed
                the SLO, or in the minute before one (0: everywhere); reversals: steps against
                the direction of the pool's step before; reviewed: what people reviewed.
        """
        told = self._told(run_id)
        return search(told, text, self._filter(told, **wanted), most)

    def neighbour(self, run_id: str, number: int, by: int, **wanted: Any) -> int | None:
        """The next (`by` 1) or the last (-1) decision beside a number that passes a filter."""
        told = self._told(run_id)
        wanted["after"] = number if by > 0 else -1
        chosen = self._filter(told, **wanted)
        if by > 0:
            return queries.nearest(self._store, told.run, chosen)
        before = replace(chosen, before=number)
        return queries.latest(self._store, told.run, before)

    def tells_more(self, run_id: str) -> bool:
        """Whether a run's policy can say what moved it, when its decisions are made again."""
        return hasattr(find(parse_spec(self._finished(run_id).policy)), "explain")

    def asked(
        self, run_id: str, *, cancel: Cancel | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Asked:  # fmt: skip
        """The run ready to be checked and branched. Raises StoreError if it cannot be."""
        return Asked(self._told(run_id), cancel=cancel, progress=progress)

    def faithfulness_of_run(
        self, run_id: str, *, cancel: Cancel | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Faithfulness:  # fmt: skip
        """How far to believe a run's explanations; it is played again for that."""
        return check(self._told(run_id), cancel=cancel, progress=progress)

    def first_difference(self, run_id: str, other_id: str) -> tuple[float, str] | None:
        """Time and pool where two runs of the same pools part; None: they never do."""
        one, other = self._finished(run_id), self._finished(other_id)
        if (one.tick_s, one.from_s, one.pools) != (other.tick_s, other.from_s, other.pools):
            raise UsageError(
                "their ticks, windows or pools differ", f"runs {one.run_id} and {other.run_id}",
                "Compare runs that were replayed together",
            )  # fmt: skip
        found = queue_queries.first_difference(self._store, one, other)
        return None if found is None else (found[0], one.pools[found[1]])

    # Reviews

    def review(
        self, run_id: str, number: int, *, by: str, verdict: str, tag: str = "", note: str = ""
    ) -> None:
        """Keeps what a person says of a decision, in place of what they said before.

        Raises:
            UsageError: no name, no such verdict or no such decision.
        """
        if verdict not in VERDICTS or not by.strip():
            raise UsageError(
                f"{verdict!r} by {by!r} is no review", "review",
                f"Give a name and one of {', '.join(VERDICTS)}",
            )  # fmt: skip
        told = self._told(run_id)
        gather.by_number(told, number)
        said = SavedReview(
            number=number, by=by.strip(), verdict=verdict, tag=tag.strip(), note=note.strip()
        )
        reviews.save(self._store, told.run, said)

    def forget_review(self, run_id: str, number: int, by: str) -> None:
        """Takes a person's review of a decision away."""
        reviews.forget(self._store, self._finished(run_id), number, by)

    def reviews(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """All reviews of some runs; see `engine.store.reviews.of_runs` for the columns."""
        return reviews.of_runs(self._store, [self._finished(run_id) for run_id in run_ids])

    def review_queue(self, run_id: str, most: int = 20) -> list[Questionable]:
        """The most questionable decisions that nobody has reviewed."""
        return questionable(self._store, self._finished(run_id), most)

    def _filter(
        self, told: Told, *, pool: str | None = None, from_s: float | None = None,
        to_s: float | None = None, kinds: Sequence[Kind] = (), worst_minutes: int = 0,
        reversals: bool = False, reviewed: bool = False, **given: Any,
    ) -> Filter:  # fmt: skip
        place = pool_of(told.run, pool)
        numbers = [told.worst(place, worst_minutes)] if worst_minutes else []
        if reversals:
            numbers.append(told.reversals())
        if reviewed:
            said = reviews.of_runs(self._store, [told.run])["number"]
            numbers.append(said.to_numpy(dtype=np.int64))
        both = reduce(np.intersect1d, numbers) if numbers else None
        return gather.chosen(span_of(from_s, to_s, place), kinds, numbers=both, **given)

    @cached_property
    def _kept(self) -> dict[int, Told]:
        return {}

    def _told(self, run_id: str) -> Told:
        """What the run's decisions have in common; that of a few runs is kept."""
        run = self._finished(run_id)
        told = self._kept.get(run.run_no)
        if told is None or told.run != run:
            for old in list(self._kept)[: 1 - KEPT]:
                self._kept.pop(old, None)
            told = self._kept[run.run_no] = Told(self._store, run)
        return told

    def _finished(self, run_id: str) -> RunRow:
        row = runs.find_run(self._store, run_id)
        if row.status != "done":
            raise StoreError(
                f"run {row.run_id} is {row.status}, not done", f"{row.policy} on {row.trace_name}",
                "Replay it again, or choose a finished run",
            )  # fmt: skip
        return row


def _with_kinds(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=[gather.KINDS[kind] for kind in frame["kind"]])
