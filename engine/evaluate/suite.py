"""From names of suites, traces and policies to the report."""

from collections.abc import Sequence
from typing import Any

from engine.errors import UsageError
from engine.evaluate.cases import HELDOUT, Case, heldout, trace_case
from engine.evaluate.families import DEFAULT, allocators, settings_of
from engine.evaluate.judge import Cancel, Judgement, Progress, judge
from engine.evaluate.report import report
from engine.runner import load_demand, request
from engine.scenario import Scenario
from engine.store.duck import Store

BASELINE = "hpa"


def evaluate(
    store: Store,
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
    """Judges families of policies on days and windows; the document of `smartscale evaluate`.

    Args:
        store: the open store.
        suite: `heldout` (4 kinds x 3 seeds of generated days on clusters of their own),
            `heldout-1` (one seed); None: only traces.
        traces: ids or names of stored traces.
        policies: families or policies as typed; empty: all families.
        scenario: the cluster for the traces.
        from_s: start of the traces' windows.
        to_s: end of them, exclusive; None: the end.
        progress: share done, and what is being done.
        cancel: asked now and then.
        fresh: judge again what is stored.
        workers: processes; None: one a core.

    Raises:
        UsageError: an unknown suite, or nothing to judge on.
        StoreError: no such trace.
        PolicyError: a policy that cannot be read or made.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    days = _suite(suite)
    kinds = {case.kind for case in days}
    windows = [_stored(store, trace, scenario, from_s, to_s, kinds) for trace in traces]
    cases = [*days, *windows]
    if not cases:
        raise UsageError("no days to judge on", "evaluate", "Name a suite or a trace")
    names = list(dict.fromkeys([*policies, BASELINE] if policies else DEFAULT))
    grids = {name: settings_of(name) for name in names}
    settings = list(dict.fromkeys(text for grid in grids.values() for text in grid))
    made = judge(
        store, cases, settings, progress=progress, cancel=cancel, fresh=fresh, workers=workers
    )
    families: dict[str, list[Judgement]] = {
        name: [entry for text in grid for entry in made if entry.policy == text]
        for name, grid in grids.items()
    }
    document = report(families, {case.kind for case in windows})
    return {
        "suite": suite, "traces": list(traces), "allocators": allocators(grids), **document
    }  # fmt: skip


def _suite(name: str | None) -> tuple[Case, ...]:
    if name is None:
        return ()
    if name == HELDOUT:
        return heldout()
    if name == f"{HELDOUT}-1":
        return heldout()[:4]
    raise UsageError(
        f"there is no suite {name!r}", "evaluate", f"Use {HELDOUT}, or {HELDOUT}-1 for a third"
    )


def _stored(
    store: Store, key: str, scenario: Scenario, from_s: float, to_s: float | None, kinds: set[str]
) -> Case:
    """A window; one that is called like a kind of generated days is told from them."""
    wanted = request(store, key, (BASELINE,), scenario, from_s, to_s)
    name = wanted.trace.name
    return trace_case(
        f"trace {name}" if name in kinds else name,
        [wanted.trace.content_hash, wanted.from_s, wanted.to_s],
        scenario,
        wanted.to_s - wanted.from_s,
        lambda: load_demand(store, wanted),
    )
