"""Scenarios that somebody saved, by name; what they mean is not this module's business."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.errors import StoreError, did_you_mean
from engine.store.duck import Store

__all__ = ["delete_scenario", "save_scenario", "saved_scenarios"]


def save_scenario(
    store: Store, name: str, scenario_hash: str, scenario: Mapping[str, Any]
) -> None:
    """Keeps a scenario in place of an earlier one of its name.

    Args:
        store: the open store.
        name: under which it is found again.
        scenario_hash: of its content and its name.
        scenario: plain values.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM scenarios WHERE name = ?", [name])
        cursor.execute(
            "INSERT INTO scenarios (scenario_hash, name, saved_at, scenario) VALUES (?, ?, ?, ?)",
            [scenario_hash, name, now, json.dumps(scenario)],
        )


def saved_scenarios(store: Store) -> dict[str, dict[str, Any]]:
    """All of them by name, newest first."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT name, scenario FROM scenarios ORDER BY saved_at DESC, name"
        ).fetchall()
    return {name: json.loads(text) for name, text in rows}


def delete_scenario(store: Store, name: str) -> None:
    """Forgets a scenario. Raises StoreError if there is none of this name."""
    known = saved_scenarios(store)
    if name not in known:
        raise StoreError(
            f"there is no saved scenario {name!r}", "scenarios", did_you_mean(name, known)
        )
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM scenarios WHERE name = ?", [name])
