"""A run as pages and commands see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import StoreError
from engine.scenario import Scenario
from engine.scenario_file import from_dict
from engine.scorecard import Scorecard
from engine.store import runs
from engine.store.duck import Store
from engine.store.runs import RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A run as pages see it."""

    run_id: str
    trace_id: str
    trace_name: str
    policy: str
    scenario: Scenario
    scenario_hash: str
    from_s: float
    to_s: float
    epoch_s: float | None
    """Unix time of the trace's t = 0; None where only relative time is known."""
    tick_s: float
    status: str
    """running, done, interrupted, cancelled or failed."""
    note: str | None
    closed_loop: bool
    pools: tuple[str, ...]
    scorecard: Scorecard
    """Empty unless the run is done."""
    code_version: str
    created_at: datetime
    wall_s: float | None


def run_info(row: RunRow) -> RunInfo:
    """What is stored of a run, with its scenario read."""
    return RunInfo(
        run_id=row.run_id,
        trace_id=row.trace_id,
        trace_name=row.trace_name,
        policy=row.policy,
        scenario=from_dict(row.scenario),
        scenario_hash=row.scenario_hash,
        from_s=row.from_s,
        to_s=row.to_s,
        epoch_s=row.epoch_s,
        tick_s=row.tick_s,
        status=row.status,
        note=row.note,
        closed_loop=row.closed_loop,
        pools=row.pools,
        scorecard=row.scorecard,
        code_version=row.code_version,
        created_at=row.created_at.replace(tzinfo=UTC),
        wall_s=row.wall_s,
    )


def done_rows(store: Store, run_ids: Iterable[str]) -> list[RunRow]:
    """Finished runs by id or beginning of one. Raises StoreError for one that is not done."""
    rows = [runs.find_run(store, run_id) for run_id in run_ids]
    for row in rows:
        if row.status != "done":
            raise StoreError(
                f"run {row.run_id} is {row.status}, not done",
                f"{row.policy} on {row.trace_name}",
                "Replay it again, or choose finished runs",
            )
    return rows
