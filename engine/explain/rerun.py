"""A stored run, played again exactly: the ground of checks and of what-if branches."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from engine import runner
from engine.branching import Branches
from engine.errors import EngineError, StoreError
from engine.explain.decision import Decision
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Probe, Replay, ReplaySpec
from engine.scenario_file import from_dict
from engine.store.duck import Store
from engine.store.runs import RunRow

__all__ = ["again", "branches", "logged", "tick_of"]

Cancel = Callable[[], bool]
_Change = tuple[str, float, float, str | None, dict[str, float], str, str, str]


def again(store: Store, run: RunRow, cancel: Cancel | None = None) -> ReplaySpec:
    """What was replayed, loaded anew.

    Raises:
        StoreError: the trace is gone, or the program decides otherwise by now.
        ReplayCancelled: `cancel` returned true.
    """
    where = f"run {run.run_id} ({run.policy} on {run.trace_name})"
    try:
        wanted = runner.request(
            store, run.trace_id, [parse_spec(run.policy)], from_dict(run.scenario), run.from_s,
            run.to_s,
        )  # fmt: skip
    except EngineError as error:
        raise StoreError(f"it cannot be played again: {error.what}", where, error.fix) from error
    if wanted.run_ids != (run.run_id,):
        raise StoreError(
            "it was made by another version of the program, or with another checkpoint", where,
            "Replay it again; its decisions can then be checked and branched",
        )  # fmt: skip
    window = runner.window_spec(store, wanted)
    return policy_spec(window, wanted.policies[0], cancel=cancel)


def branches(
    store: Store,
    run: RunRow,
    *,
    probe: Probe | None = None,
    cancel: Cancel | None = None,
    progress: Callable[[float], None] | None = None,
) -> Branches:
    """The run, ready to be played again and to be branched. See `again` for what is raised."""
    spec = replace(again(store, run, cancel), name=run.policy)
    return Branches(spec, probe=probe, cancel=cancel, progress=progress)


def tick_of(run: RunRow, t_s: float) -> int:
    """The tick that begins at a time of the trace."""
    return round((t_s - run.from_s) / run.tick_s)


def logged(replay: Replay, place: int) -> dict[str, Any]:
    """An entry of a replay's log, as it would be stored; its place counts from the branch."""
    log = replay.log
    return {
        "pool": log.pool[place], "current": log.current[place], "proposed": log.proposed[place],
        "applied": log.applied[place], "reason": log.reason[place], "size": log.size[place],
        "routing": _parsed(log.routing[place]),
        "rationale": _parsed(log.rationale[place]), "guard": _parsed(log.guard[place]),
        "seen": log.seen[place],
    }  # fmt: skip


def _parsed(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def same(decision: Decision, entry: dict[str, Any]) -> bool:
    """Whether a re-execution came to what was recorded."""
    names = ("current", "proposed", "applied", "reason", "size")
    return (
        all(getattr(decision, name) == entry[name] for name in names)
        and dict(decision.rationale) == (entry["rationale"] or {})
        and dict(decision.routing) == (entry["routing"] or {})
        and decision.digest == entry["seen"]
        and _recorded(decision) == _changes(entry["guard"] or [])
    )


def _recorded(decision: Decision) -> list[_Change]:
    """What the guard changed, as the record says."""
    changes = [
        (
            line.stage, line.before, line.after, line.reason, dict(line.numbers),
            line.part, line.wanted, line.kept,
        )
        for line in decision.guard
        if line.reason is not None
    ]  # fmt: skip
    return sorted(changes, key=_place)


def _changes(stages: list[dict[str, Any]]) -> list[_Change]:
    """The same of a log's entry."""
    changes = [
        (
            each["stage"], each["before"], each["after"], each["reason"],
            each.get("numbers") or {},
            *(each.get(name, "") for name in ("part", "wanted", "kept")),
        )
        for each in stages
    ]  # fmt: skip
    return sorted(changes, key=_place)


def _place(change: _Change) -> tuple[str, float, float]:
    return change[:3]
