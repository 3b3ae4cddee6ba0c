"""Priorities that somebody saved, by name."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from engine.store.duck import Store

__all__ = ["delete_priorities", "save_priorities", "saved_priorities"]


def save_priorities(store: Store, name: str, weights: Mapping[str, float]) -> None:
    """Keeps weights in place of earlier ones of this name."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO priorities VALUES (?, ?, ?)",
            [name, json.dumps(dict(weights)), now],
        )


def saved_priorities(store: Store) -> dict[str, dict[str, float]]:
    """All of them, newest first."""
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT name, weights FROM priorities ORDER BY saved_at DESC, name"
        ).fetchall()
    return {str(name): json.loads(text) for name, text in rows}


def delete_priorities(store: Store, name: str) -> None:
    """Forgets them; nothing happens where there are none."""
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM priorities WHERE name = ?", [name])
