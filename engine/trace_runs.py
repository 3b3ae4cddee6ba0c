"""The planner's part on traces made from others; their recipe stays with them."""

from collections.abc import Sequence
from typing import Any

from engine.errors import UsageError
from engine.store import traces
from engine.store.duck import Store
from engine.store.traces import Imported, TraceInfo
from engine.trace.derive import derive
from engine.trace.schema import Kind, RequestTable


class TraceRuns:
    """The part of the planner that derives traces."""

    _store: Store

    def derive(
        self,
        trace_key: str,
        steps: Sequence[dict[str, Any]],
        *,
        name: str | None = None,
        seed: int = 1,
    ) -> Imported:
        """Stores what steps make of a trace; see `engine.trace.derive` for the steps.

        Raises:
            StoreError: no such trace.
            UsageError: a trace that holds no requests, or a step that makes no sense.
        """
        trace = traces.find_trace(self._store, trace_key)
        if not steps:
            raise UsageError("nothing is to be changed", "derive", "Name at least one step")

        def load(key: str) -> RequestTable:
            return traces.load_requests(self._store, _requests_only(self._trace(key)))

        table = derive(
            traces.load_requests(self._store, _requests_only(trace)),
            list(steps),
            duration_s=trace.duration_s,
            seed=seed,
            other=load,
        )
        recipe = {
            "derived_from": trace.name, "content_hash": trace.content_hash, "seed": seed,
            "steps": [self._pinned(step) for step in steps],
        }  # fmt: skip
        done = "-".join(dict.fromkeys(str(step["do"]) for step in steps))
        return traces.store_requests(
            self._store, table, name=name or f"{trace.name}-{done}", format="derived",
            source=trace.name, recipe=recipe, epoch_s=trace.epoch_s,
        )  # fmt: skip

    def _trace(self, key: str) -> TraceInfo:
        return traces.find_trace(self._store, key)

    def _pinned(self, step: dict[str, Any]) -> dict[str, Any]:
        """With the content of the other trace, so that the recipe says all."""
        if "trace" not in step:
            return dict(step)
        return {**step, "content_hash": self._trace(step["trace"]).content_hash}


def _requests_only(trace: TraceInfo) -> TraceInfo:
    if trace.kind not in (Kind.REQUESTS, Kind.SESSIONS):
        raise UsageError(
            f"trace {trace.name!r} holds {trace.kind.value}, no requests", "derive",
            "Choose a trace of requests; a series is scaled by sampling.scale of the scenario",
        )  # fmt: skip
    return trace
