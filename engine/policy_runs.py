"""The planner's part on judging and training policies."""

from collections.abc import Sequence
from typing import Any

from engine.champion.stored import Election, Terms, elect
from engine.evaluate.judge import Cancel, Progress
from engine.evaluate.suite import evaluate
from engine.scenario import Scenario
from engine.store.duck import Store


class PolicyRuns:
    """The part of the planner that judges policies."""

    _store: Store

    def evaluate(
        self,
        *,
        suite: str | None = None,
        traces: Sequence[str] = (),
        policies: Sequence[str] = (),
        scenario: Scenario,
        from_s: float = 0.0,
        to_s: float | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        fresh: bool = False,
        workers: int | None = None,
    ) -> dict[str, Any]:
        """Whole frontiers of policies on many days; see `engine.evaluate.suite.evaluate`."""
        return evaluate(
            self._store, suite=suite, traces=traces, policies=policies, scenario=scenario,
            from_s=from_s, to_s=to_s, progress=progress, cancel=cancel, fresh=fresh,
            workers=workers,
        )  # fmt: skip

    def elect(
        self,
        trace_key: str,
        *,
        scenario: Scenario,
        terms: Terms,
        at_s: float | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Election:
        """The rule or the learned policy, per pool; see `engine.champion.stored.elect`."""
        return elect(
            self._store, trace_key, scenario=scenario, terms=terms, at_s=at_s,
            progress=progress, cancel=cancel,
        )  # fmt: skip
