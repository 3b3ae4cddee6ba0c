"""The planner's part on traces made from others; their recipe stays with them."""

from collections.abc import Sequence
from typing import Any

from engine.errors import UsageError
from engine.scenario import Scenario
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
        scenario: Scenario | None = None,
    ) -> Imported:
        """Stores what steps make of a trace; see `engine.trace.derive` for the steps.

        A trace knows no regions, a scenario does: `drop region=R` drops the tenants that may run
        in R alone, by the residency that `scenario` promises them.

        Raises:
            StoreError: no such trace.
            UsageError: a trace that holds no requests, or a step that makes no sense.
        """
        trace = traces.find_trace(self._store, trace_key)
        if not steps:
            raise UsageError("nothing is to be changed", "derive", "Name at least one step")
        known = traces.load_requests(self._store, _requests_only(trace))
        settled = [each for step in steps for each in _settled(step, scenario, known.tenants)]

        def load(key: str) -> RequestTable:
            return traces.load_requests(self._store, _requests_only(self._trace(key)))

        table = derive(known, settled, duration_s=trace.duration_s, seed=seed, other=load)
        recipe = {
            "derived_from": trace.name, "content_hash": trace.content_hash, "seed": seed,
            "steps": [self._pinned(step) for step in settled],
        }  # fmt: skip
        later_s = sum(float(s.get("from_s", 0.0)) for s in settled if s["do"] == "cut")
        begins_s = None if trace.epoch_s is None else trace.epoch_s + later_s
        done = "-".join(dict.fromkeys(str(step["do"]) for step in steps))
        return traces.store_requests(
            self._store, table, name=name or f"{trace.name}-{done}", format="derived",
            source=trace.name, recipe=recipe, epoch_s=begins_s,
        )  # fmt: skip

    def _trace(self, key: str) -> TraceInfo:
        return traces.find_trace(self._store, key)

    def _pinned(self, step: dict[str, Any]) -> dict[str, Any]:
        """With the content of the other trace, so that the recipe says all."""
        if "trace" not in step:
            return dict(step)
        return {**step, "content_hash": self._trace(step["trace"]).content_hash}


def _settled(
    step: dict[str, Any], scenario: Scenario | None, tenants: Sequence[str]
) -> list[dict[str, Any]]:
    """A step as traces know it: tenants in place of a region. Raises UsageError."""
    if step.get("do") != "drop" or "region" not in step:
        return [step]
    region = step["region"]
    bound = () if scenario is None else scenario.tenants
    names = [each.name for each in bound if each.regions == (region,) and each.name in tenants]
    if not names:
        raise UsageError(
            f"no tenant of the trace is bound to region {region!r}", "derive: drop",
            "Name a scenario whose tenants have that residency, or drop tenant=… instead",
        )  # fmt: skip
    rest = {key: value for key, value in step.items() if key != "region"}
    return [{**rest, "tenant": name} for name in names]


def _requests_only(trace: TraceInfo) -> TraceInfo:
    if trace.kind not in (Kind.REQUESTS, Kind.SESSIONS):
        raise UsageError(
            f"trace {trace.name!r} holds {trace.kind.value}, no requests", "derive",
            "Choose a trace of requests; a series is scaled by sampling.scale of the scenario",
        )  # fmt: skip
    return trace
