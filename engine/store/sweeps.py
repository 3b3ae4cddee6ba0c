"""Sweeps in the store: their points as they are chosen, scorecards as replays end.

A scorecard is found by the id that the run would have, so nothing is ever replayed twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.errors import StoreError, did_you_mean
from engine.store.duck import Store

__all__ = [
    "PointRow",
    "SweepRow",
    "TunedRow",
    "add_points",
    "begin_sweep",
    "delete_sweep",
    "find_sweep",
    "find_trials",
    "find_tuned",
    "list_sweeps",
    "no_point",
    "old_point",
    "points_of",
    "save_trial",
    "save_tuned",
]

HIDDEN = "hidden"
"""In the plan of a sweep that nobody asked for as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """A row of the table `sweeps`."""

    sweep_id: str
    trace_id: str
    plan: dict[str, Any]
    created_at: datetime
    points: int
    done: int
    """Points whose scorecard is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """A point of a sweep."""

    run_id: str
    policy: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedRow:
    """What a search that has ended came to."""

    run_id: str
    """Of the whole run of the best."""
    policy: str
    replays: int
    """That the search took."""


def begin_sweep(
    store: Store, sweep_id: str, trace_id: str, plan: Mapping[str, Any], *, hidden: bool = False
) -> None:
    """Notes a sweep; one that is there already keeps its points and its time.

    Args:
        store: the open store.
        sweep_id: its id.
        trace_id: of its trace.
        plan: what it replays.
        hidden: `list_sweeps` leaves it out, unless it was listed before or is noted again.
    """
    document = {**plan, HIDDEN: True} if hidden else dict(plan)
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT INTO sweeps VALUES (?, ?, ?, ?) ON CONFLICT (sweep_id) DO NOTHING"
            if hidden
            else "INSERT INTO sweeps VALUES (?, ?, ?, ?) "
            "ON CONFLICT (sweep_id) DO UPDATE SET plan = excluded.plan",
            [sweep_id, trace_id, json.dumps(document), _now()],
        )


def add_points(store: Store, sweep_id: str, points: Sequence[PointRow]) -> None:
    """Adds points to a sweep, in their order, unless they are there."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT run_id, number FROM sweep_points WHERE sweep_id = ?", [sweep_id]
        ).fetchall()
        known = {str(run_id) for run_id, _ in rows}
        first = 1 + max((int(number) for _, number in rows), default=-1)
        new = [point for point in points if point.run_id not in known]
        if new:
            cursor.executemany(
                "INSERT INTO sweep_points VALUES (?, ?, ?, ?, ?)",
                [
                    [sweep_id, p.run_id, first + k, p.policy, json.dumps(dict(p.settings))]
                    for k, p in enumerate(new)
                ],
            )


def save_trial(
    store: Store, run_id: str, scorecard: Mapping[str, float | None], wall_s: float
) -> None:
    """Keeps what a replay came to."""
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?)",
            [run_id, json.dumps(dict(scorecard)), wall_s, _now()],
        )


def find_trials(store: Store, run_ids: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Scorecards by run id of the trials, and of whole runs, that are there."""
    if not run_ids:
        return {}
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT run_id, scorecard FROM runs WHERE status = 'done' AND list_contains($1, "
            "run_id) UNION ALL SELECT run_id, scorecard FROM trials WHERE list_contains($1, "
            "run_id)",
            [list(run_ids)],
        ).fetchall()
    return {str(run_id): json.loads(text) for run_id, text in rows}


def points_of(store: Store, sweep_id: str) -> list[PointRow]:
    """All points of a sweep in the order in which they were chosen."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT run_id, policy, settings FROM sweep_points WHERE sweep_id = ? ORDER BY number",
            [sweep_id],
        ).fetchall()
    return [
        PointRow(run_id=run_id, policy=policy, settings=json.loads(settings))
        for run_id, policy, settings in rows
    ]


def list_sweeps(store: Store) -> list[SweepRow]:
    """All sweeps but hidden ones, newest first."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT sweep_id, trace_id, plan, created_at, "
            "(SELECT count(*) FROM sweep_points p WHERE p.sweep_id = s.sweep_id), "
            "(SELECT count(*) FROM sweep_points p WHERE p.sweep_id = s.sweep_id AND (p.run_id IN "
            "(SELECT run_id FROM trials) OR p.run_id IN "
            "(SELECT run_id FROM runs WHERE status = 'done'))) "
            "FROM sweeps s ORDER BY created_at DESC, sweep_id"
        ).fetchall()
    found = [
        SweepRow(
            sweep_id=row[0], trace_id=row[1], plan=json.loads(row[2]), created_at=row[3],
            points=row[4], done=row[5],
        )
        for row in rows
    ]  # fmt: skip
    return [row for row in found if not row.plan.get(HIDDEN)]


def find_sweep(store: Store, key: str) -> SweepRow:
    """The sweep with this id, or the only one whose id begins with it. Raises StoreError."""
    rows = list_sweeps(store)
    found = [row for row in rows if key and row.sweep_id.startswith(key)]
    if len(found) == 1:
        return found[0]
    known = [row.sweep_id for row in rows]
    fix = did_you_mean(key, known) if known else "Make one first: smartscale sweep"
    raise StoreError(f"{len(found)} sweeps have the id {key!r}", str(store.path), fix)


def no_point(run_id: str, sweep_id: str) -> StoreError:
    """The error for a run that is no point of a sweep."""
    return StoreError(
        f"the sweep has no point {run_id!r}", f"sweep {sweep_id}", "Choose one of its points"
    )


def old_point(run_id: str, sweep_id: str) -> StoreError:
    """The error for a point whose replay today would not be what the sweep shows."""
    return StoreError(
        f"point {run_id!r} was replayed by an older version of the code, a checkpoint or a trace",
        f"sweep {sweep_id}",
        "Go on with the sweep: that makes it anew, and its points can be opened",
    )


def save_tuned(store: Store, sweep_id: str, row: TunedRow) -> None:
    """Keeps that a search has ended, and with what."""
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO tuned VALUES (?, ?, ?, ?)",
            [sweep_id, row.run_id, row.policy, row.replays],
        )


def find_tuned(store: Store, sweep_id: str) -> TunedRow | None:
    """What a search came to; None where it has not ended."""
    with store.transaction() as cursor:
        row = cursor.execute(
            "SELECT run_id, policy, replays FROM tuned WHERE sweep_id = ?", [sweep_id]
        ).fetchone()
    return None if row is None else TunedRow(run_id=row[0], policy=row[1], replays=row[2])


def delete_sweep(store: Store, sweep_id: str) -> None:
    """Forgets a sweep and its points; scorecards stay for others."""
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM sweep_points WHERE sweep_id = ?", [sweep_id])
        cursor.execute("DELETE FROM sweeps WHERE sweep_id = ?", [sweep_id])


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
